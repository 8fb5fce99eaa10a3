"""Rows as CSV and Parquet, by pyarrow, which takes a while to import: only who writes these imports this."""

import io
from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xsieve.pipelines.columns import Columns, ColumnType, milliseconds

GROUP_ROWS, GROUP_BYTES = 64 * 1024, 32 * 1024 * 1024  # of a Parquet row group; bytes before compression

ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "[text]": pa.list_(pa.string()),
    "time": pa.timestamp("ms", "UTC"),
}


class Csv:
    """RFC 4180: a header, CRLF after each row. Text stands in quotes, lists are JSON text, all else is bare.

    Null is an empty cell, empty text a pair of quotes. Spreadsheets run text that begins like a formula: it gets
    a ' in front. So does text that looks as if it had one already, so that taking the ' away gives the text back.
    """

    FORMULA = "^('*[=+\\-@＝＋－＠\t\r\n])"

    def __init__(self, schema: Sequence[ColumnType]) -> None:
        self._schema = schema
        self._json = msgspec.json.Encoder().encode

    def start(self) -> bytes:
        names = [column.name.replace('"', '""') for column in self._schema]
        return (",".join(f'"{name}"' for name in names) + "\r\n").encode()

    def encode(self, columns: Columns) -> bytes:
        cells = [self._cells(values, column.type) for values, column in zip(columns, self._schema, strict=True)]
        cells[-1] = pc.binary_join_element_wise(cells[-1], "\r\n", "", null_handling="replace")
        rows = pc.binary_join_element_wise(*cells, ",", null_handling="replace")
        return rows.buffers()[2].to_pybytes()  # rows as they lie in memory, one after the other

    def finish(self) -> bytes:
        return b""

    def _cells(self, values: list[Any], type_: str) -> pa.Array:
        if type_ == "text":
            return _quoted(pc.replace_substring_regex(pa.array(values, pa.string()), self.FORMULA, r"'\1"))
        if type_ == "[text]":
            texts = [None if value is None else self._json(value).decode() for value in values]
            return _quoted(pa.array(texts, pa.string()))
        if type_ == "time":
            return pa.array(values, pa.string())
        return pa.array(values, ARROW[type_]).cast(pa.string())


def _quoted(texts: pa.Array) -> pa.Array:
    quote = pa.scalar('"')
    return pc.binary_join_element_wise(quote, pc.replace_substring(texts, '"', '""'), quote, "")


class Parquet:
    """Row groups of bounded size, zstd; the metadata of each field says what it means."""

    def __init__(self, schema: Sequence[ColumnType]) -> None:
        self._types = [column.type for column in schema]
        self._schema = pa.schema(
            pa.field(column.name, ARROW[column.type], metadata={"description": column.doc}) for column in schema
        )
        self._file = io.BytesIO()
        self._held: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def start(self) -> bytes:
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        return self._written()

    def encode(self, columns: Columns) -> bytes:
        arrays = list(map(_array, columns, self._types))
        self._held.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._rows += len(columns[0])
        self._bytes += self._held[-1].nbytes
        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._write_group()
        return self._written()

    def finish(self) -> bytes:
        if self._held:
            self._write_group()
        self._writer.close()
        return self._written()

    def _write_group(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._held))
        self._held, self._rows, self._bytes = [], 0, 0

    def _written(self) -> bytes:
        """What was written since the last time; Arrow counts the offsets by itself."""
        data = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return data


def _array(values: list[Any], type_: str) -> pa.Array:
    return pa.array(map(milliseconds, values) if type_ == "time" else values, ARROW[type_])
