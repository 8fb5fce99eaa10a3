"""Rows as JSON lines. A format says what a file begins with, what columns become, what it ends with."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from xsieve.pipelines.columns import Columns, ColumnType


class Encoder(Protocol):
    """A format at work on one file: the bytes of its start, of some more rows, of its end."""

    def start(self) -> bytes: ...
    def encode(self, columns: Columns) -> bytes: ...
    def finish(self) -> bytes: ...


class Jsonl:
    """One JSON object a line, with all columns in it."""

    def __init__(self, schema: Sequence[ColumnType]) -> None:
        names = {f"c{number}": column.name for number, column in enumerate(schema)}
        self._row = msgspec.defstruct("Row", [(name, Any) for name in names], rename=names, gc=False)
        self._encoder = msgspec.json.Encoder()

    def start(self) -> bytes:
        return b""

    def encode(self, columns: Columns) -> bytes:
        return self._encoder.encode_lines(list(map(self._row, *columns)))

    def finish(self) -> bytes:
        return b""
