"""The columns of files of rows: their names, types and meanings, the same in every format."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from xsieve.transforms.records.plan import Enrichment, Plan
from xsieve.transforms.records.rows import Rows, RowsSieve
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.times import seconds

Columns = Sequence[list[Any]]


class ColumnType(NamedTuple):
    """A column of a file. Every column can be null."""

    name: str
    type: str  # text | int (64 bits) | float | bool | [text] | time (``2020-03-01T14:00:00Z``)
    doc: str
    declared: bool = False  # by users: its values are turned into the type when they are written


def schema_of(plan: Plan) -> list[ColumnType]:
    """The columns that a plan of kind ``rows`` gives, in their order. Raises ValueError for other kinds."""
    sieve = sieve_for(plan)
    if not isinstance(sieve, RowsSieve):
        raise ValueError("only plans of kind rows have columns")
    own = [ColumnType(s.name, "time" if s.name == "time" else s.type, s.meaning) for s in sieve.specs]
    return own + [ColumnType(added.name, type_of(added), _doc(added), declared=True) for added in plan.enrich]


def type_of(added: Enrichment) -> str:
    """The type that holds all declared values exactly; text where there is none, or none are declared."""
    kinds = {value.__class__ for value in added.values}
    if kinds == {bool}:
        return "bool"
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in added.values):
        return "int"
    if kinds and kinds <= {int, float}:
        exact = all(value.__class__ is float or abs(value) <= 2**53 for value in added.values)
        return "float" if exact else "text"
    return "text"


def _doc(added: Enrichment) -> str:
    values = f": {', '.join(map(_as_text, added.values))}" if added.values else ""
    return f"label added to the posts as {added.path}{values}"


def columns_of(rows: Rows, schema: Sequence[ColumnType]) -> list[list[Any]]:
    """The values of the columns, each of its type. Raises TypeError, ValueError or LookupError for misfits."""
    columns = [rows.columns[column.name] for column in schema]
    if any(len(values) != len(rows) for values in columns):
        raise ValueError("columns differ in length")
    return [
        _fitted(values, column.type) if column.declared else values
        for values, column in zip(columns, schema, strict=True)
    ]


def _as_text(value: Any) -> str:
    """Text as it is, anything else as JSON text."""
    return value if value.__class__ is str else msgspec.json.encode(value).decode()


# A label passed because it equals a declared value, by which 1, 1.0 and true are the same
_FITS: dict[str, Callable[[Any], Any]] = {
    "text": _as_text,
    "int": int,
    "float": float,
    "bool": {False: False, True: True}.__getitem__,
}


def _fitted(values: list[Any], type_: str) -> list[Any]:
    """Labels in the type of their column. An empty list (none of its labels passed) is null, unless it is text."""
    fit, nothing = _FITS[type_], (None,) if type_ == "text" else (None, [])
    return [None if value in nothing else fit(value) for value in values]


@lru_cache(65536)
def milliseconds(time: str | None) -> int | None:
    """A time in milliseconds since 1970 UTC."""
    second = seconds(time)
    return None if second is None else second * 1000
