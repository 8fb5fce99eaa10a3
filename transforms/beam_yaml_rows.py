"""Rows in, rows out: the verbs for pipelines that know schemas. A row has JSON in a field; what comes out has plain types."""

# ruff: noqa: UP045 Beam reads typing.Optional only
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

import apache_beam as beam
from apache_beam.typehints.row_type import RowTypeConstraint
from apache_beam.typehints.schemas import named_fields_from_element_type

from xsieve.transforms import verbs
from xsieve.transforms.outflow import CountedOutflow, CountOutflow
from xsieve.transforms.records.batch import Reject
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.sift import Sift, Sifted

COLUMN_TYPES: dict[str, Any] = {
    "text": Optional[str],
    "int": Optional[int],
    "bool": Optional[bool],
    "[text]": Optional[Sequence[str]],
}
GOOD = "good"  # what Beam YAML calls what passes, where there are errors beside it


class ErrorRow(NamedTuple):
    """A payload that could not be handled."""

    reason: str
    stage: str
    shape: str


class LineField(NamedTuple):
    """The field of a row that holds JSON: its name, and str or bytes."""

    name: str
    type: type


AsRows = Callable[[LineField], beam.PTransform]  # what makes rows of what passes, given the field that came in


class OnRows(beam.PTransform):
    """A verb on rows that have JSON in a field: rows of what passes, and those of the errors beside them if they are asked for."""

    def __init__(self, verb: Any, as_rows: AsRows, field: str | None, errors: str | None) -> None:
        """``field``: where the JSON is, if rows have several; ``errors``: the name of the other output, if there is to be one."""
        super().__init__()
        self.verb, self.as_rows, self.field, self.errors = verb, as_rows, field, errors

    def expand(self, rows: Any) -> Any:
        if isinstance(self.verb, verbs.KeepPublic) and not rows.is_bounded:
            raise ValueError("what is public is handed over by a person, not by a stream; KeepPublic is for batches")
        field = line_field(rows.element_type, self.field)
        lines = rows | "Take the line" >> beam.Map(_line_of, field.name, field.type).with_output_types(field.type)
        passed = lines | "Sieve" >> self.verb | "As rows" >> self.as_rows(field)
        if not self.errors:
            return passed
        errors = self.verb.sifted.rejects | "As error rows" >> beam.Map(_error_row).with_output_types(ErrorRow)
        return {GOOD: passed, self.errors: errors}


class Count(beam.PTransform):
    """JSON lines -> CountedOutflow."""

    def __init__(self, inner: CountOutflow) -> None:
        super().__init__()
        self.inner = inner
        self.sifted: Sifted | None = None

    def expand(self, lines: Any) -> Any:
        self.sifted = lines | "Take as batches" >> beam.Map(verbs.as_batch) | "Sift" >> Sift(self.inner.plan)
        return self.sifted.passed | "Count" >> self.inner


def line_field(row: Any, name: str | None) -> LineField:
    """The field of rows that holds JSON: the one that is named, or the only one. Raises ValueError."""
    try:
        fields = dict(named_fields_from_element_type(row))
    except (TypeError, ValueError):
        raise ValueError("expected rows that have a schema, with JSON in a field") from None
    if name is None and len(fields) != 1:
        raise ValueError(f"rows have the fields {', '.join(fields)}; say by field: which of them holds JSON")
    chosen = name or next(iter(fields))
    for known in (str, bytes):
        if fields.get(chosen) in (known, Optional[known]):
            return LineField(chosen, known)
    raise ValueError(f"{chosen} is no field of text or bytes; expected one that holds JSON as it came")


def _line_of(row: Any, name: str, type_: type) -> str | bytes:
    """The JSON in a row. A row without any is a payload that cannot be handled, as null is."""
    line = getattr(row, name)
    return line if line is not None else "null" if type_ is str else b"null"


def columns(plan: Plan) -> AsRows:
    """Rows of the columns of a plan."""
    chosen = sieve_for(plan).specs  # pyright: ignore[reportAttributeAccessIssue] plans of rows have columns
    return lambda _: _rows([(spec.name, COLUMN_TYPES[spec.type]) for spec in chosen], _row)


def ids(_: LineField) -> beam.PTransform:
    """Rows with an id."""
    return _rows([("id", str)], _single, "id")


def lines(field: LineField) -> beam.PTransform:
    """JSON stays in the field that it came in, as text or bytes as it came."""
    return _rows([field], _single_text if field.type is str else _single, field.name)


def counted(_: LineField) -> beam.PTransform:
    """Rows of CountedOutflow."""
    fields = [(name, int if name == "units" else str) for name in CountedOutflow._fields]
    return _rows(fields, lambda counted: beam.Row(**counted._asdict()))


def _rows(fields: Sequence[tuple[str, Any]], make: Callable[..., beam.Row], *given: Any) -> beam.PTransform:
    return beam.Map(make, *given).with_output_types(RowTypeConstraint.from_fields(fields))


def _row(columns: dict[str, Any]) -> beam.Row:
    return beam.Row(**columns)


def _single(value: Any, name: str) -> beam.Row:
    return beam.Row(**{name: value})


def _single_text(value: bytes, name: str) -> beam.Row:
    return _single(value.decode(), name)


def _error_row(reject: Reject) -> ErrorRow:
    return ErrorRow(reject.reason.value, reject.stage, reject.shape)
