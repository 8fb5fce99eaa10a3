"""The kinds of values that stand in settings: what is asked of each, and how the JSON Schema shows it."""

import re
from datetime import date, datetime, time, timezone
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo, WithJsonSchema

from xsieve.configs import table
from xsieve.pipelines.settings_errors import wrong

_SQLITE = re.compile(r"(?P<scheme>sqlite)://(?P<place>/[^?#:]+)")
_POSTGRESQL = re.compile(
    r"(?P<scheme>postgresql)(\+psycopg)?://([^@:/?#]*(:[^@:/?#]*)?@)?"
    r"(?P<place>(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*)(:[0-9]+)?/[^@:/?#]+)(\?[^#]*)?"
)


def several(value: object) -> object:
    """One text stands for a list of one, an empty one for none."""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value) if isinstance(value, list) else value


_NO_MOMENT = "is no date; expected a date or a time in UTC such as 2020-01-31 or 2020-01-31T12:00:00Z"


def moment(value: object, otherwise: str = _NO_MOMENT) -> datetime:
    """Dates are their midnight, times without a zone are UTC; ``otherwise`` is what is wrong with anything else."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if isinstance(value, datetime):
            return value.astimezone(timezone.utc) if value.tzinfo else value.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        pass
    raise wrong(otherwise)


def _day(value: object) -> date:
    """A day of the calendar; a time of day says more than a signed paper does."""
    try:
        if isinstance(value, str):
            value = date.fromisoformat(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
    except ValueError:
        pass
    raise wrong("is no day; expected one such as 2020-01-31")


def _not_to_come(day: date, info: ValidationInfo) -> date:
    """``today`` (UTC) stands in the context of the validation."""
    if info.context and day > info.context["today"]:
        raise wrong("is still to come; expected a day up to today (UTC)")
    return day


def _not_over(day: date, info: ValidationInfo) -> date:
    if info.context and day < info.context["today"]:
        raise wrong("is over; what holds no more cannot be relied on, expected today (UTC) or a later day")
    return day


@cache
def _countries() -> frozenset[str]:
    return frozenset(line.cells["code"] for line in table("countries.tsv"))


def _country(code: str) -> str:
    if code in _countries():
        return code
    raise wrong("is no country; expected two capital letters of ISO 3166, such as DE (the United Kingdom is GB)")


def is_ledger(url: str) -> bool:
    """Whether that is the address of a ledger."""
    return bool(_SQLITE.fullmatch(url) or _POSTGRESQL.fullmatch(url))


def _ledger(url: str) -> str:
    if is_ledger(url):
        return url
    raise wrong(
        "is no address of a ledger; expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE, with "
        "characters such as @ and / in a password written as %40 and %2F"
    )


def ledger_place(url: str) -> str:
    """The address of a ledger as far as everybody may see it: without user, password and options."""
    found = _SQLITE.fullmatch(url) or _POSTGRESQL.fullmatch(url)
    return f"{found['scheme']}://{found['place']}" if found else "an address that is not shown"


def _labels(value: object) -> object:
    if not isinstance(value, list) or not value:
        raise wrong("is not a list of labels; expected all that the field may hold, such as [pro, contra, none]")
    if any(isinstance(label, dict | list | date) for label in value):
        raise wrong("holds more than labels; expected texts, numbers, true or false")
    return tuple(value)


def _folder(path: str) -> str:
    if set(path) & set("*?[]{}"):
        raise wrong("holds wildcards; expected the folder to write to")
    return path


Text = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Folder = Annotated[Text, AfterValidator(_folder)]
Texts = Annotated[
    tuple[Text, ...],
    BeforeValidator(several),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ]
        }
    ),
]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")]
Languages = Annotated[tuple[Language, ...], BeforeValidator(several), Field(min_length=1)]
Moment = Annotated[
    datetime,
    BeforeValidator(lambda value: moment(value)),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}),
]
Labels = Annotated[
    tuple[str | int | float | bool, ...],
    BeforeValidator(_labels),
    WithJsonSchema({"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1}),
]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ColumnNames = Annotated[tuple[ColumnName, ...], BeforeValidator(several)]
Description = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Dotted = Annotated[str, StringConstraints(pattern=r"^[^.\[\]\s]+(\.[^.\[\]\s]+)*$", max_length=512)]
Names = Annotated[tuple[Name, ...], BeforeValidator(several)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
PastDay = Annotated[Day, AfterValidator(_not_to_come)]
OpenDay = Annotated[Day, AfterValidator(_not_over)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), AfterValidator(_country)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Lines = Annotated[tuple[Line, ...], BeforeValidator(several)]
Ledger = Annotated[Text, AfterValidator(_ledger)]
