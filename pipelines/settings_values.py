"""The kinds of values that stand in settings: what is asked of each, and how the JSON Schema shows it."""

from datetime import date, datetime, time, timezone
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from xsieve.pipelines.settings_errors import wrong


class Part(BaseModel):
    """A group of keys. It knows all of them, takes values for what they are, and does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


def _several(value: object) -> object:
    """One text stands for a list of one, an empty one for none."""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value) if isinstance(value, list) else value


def _moment(value: object) -> datetime:
    """Dates are their midnight, times without a zone are UTC."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if isinstance(value, datetime):
            return value.astimezone(timezone.utc) if value.tzinfo else value.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        pass
    raise wrong("is no date; expected a date or a time in UTC such as 2020-01-31 or 2020-01-31T12:00:00Z")


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
    BeforeValidator(_several),
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
Languages = Annotated[tuple[Language, ...], BeforeValidator(_several), Field(min_length=1)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}),
]
Labels = Annotated[
    tuple[str | int | float | bool, ...],
    BeforeValidator(_labels),
    WithJsonSchema({"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1}),
]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ColumnNames = Annotated[tuple[ColumnName, ...], BeforeValidator(_several)]
Description = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Dotted = Annotated[str, StringConstraints(pattern=r"^[^.\[\]\s]+(\.[^.\[\]\s]+)*$", max_length=512)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_several)]
Day = Annotated[date, WithJsonSchema({"type": "string", "format": "date"})]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]
