"""Files of rows: JSON lines, CSV, Avro and Parquet, with one schema whatever the format.

An encoder turns columns into bytes, a writer packs them and hands them on. Equal rows make equal bytes: nothing in a file
tells when, where or in which order of random numbers it was written. A file without rows still has its header and schema.
"""

import hashlib
import io
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, Protocol

import fastavro
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard

from xsieve.transforms.records.plan import Enrichment, Plan
from xsieve.transforms.records.rows import Rows, RowsSieve
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.times import seconds

Columns = Sequence[list[Any]]

DEFLATE_LEVEL = 4  # of gzip and Avro: a quarter of the time of level 6 for a few percent more bytes
BLOCK_BYTES = 64 * 1024  # of an Avro file, before compression
GROUP_ROWS, GROUP_BYTES = 64 * 1024, 32 * 1024 * 1024  # of a row group of a Parquet file, before compression
BATCH_BYTES = 4096  # what a batch of few rows takes in memory besides its values: each buffer of Arrow is padded


class WriteError(ValueError):
    """Rows that do not fit their schema. Says which format refused them, and nothing of what they hold."""


class ColumnType(NamedTuple):
    """A column of a file."""

    name: str
    type: str  # text | int | float | bool | [text] | time (UTC, ``2020-03-01T14:00:00Z``)
    doc: str
    declared: bool = False  # by users, whose values are turned into the type when they are written


def schema_of(plan: Plan) -> list[ColumnType]:
    """The columns that a plan of kind ``rows`` gives, in their order; all of them can be null."""
    sieve = sieve_for(plan)
    if not isinstance(sieve, RowsSieve):
        raise ValueError("a schema is what plans of kind rows have")
    own = [ColumnType(s.name, "time" if s.name == "time" else s.type, s.meaning) for s in sieve.specs]
    return own + [ColumnType(added.name, type_of(added), _doc(added), declared=True) for added in plan.enrich]


def type_of(added: Enrichment) -> str:
    """The type that holds all declared values as they are; text where none are declared or their types differ."""
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
    return f"label that was added to the posts as {added.path}{values}"


def _as_text(value: Any) -> str:
    """Text as it is, anything else as JSON text."""
    return value if value.__class__ is str else msgspec.json.encode(value).decode()


# Labels were compared with the declared values, by which 1, 1.0 and true are equal
_FITS: dict[str, Callable[[Any], Any]] = {
    "text": _as_text,
    "int": int,
    "float": float,
    "bool": {False: False, True: True}.__getitem__,
}


def _fitted(values: list[Any], type_: str) -> list[Any]:
    """Declared labels in the type of their column; lists of which no label passed are null where they cannot be text."""
    fit, nothing = _FITS[type_], (None,) if type_ == "text" else (None, [])
    return [None if value in nothing else fit(value) for value in values]


class Encoder(Protocol):
    """A file format: what a file begins with, what columns become, what it ends with."""

    def start(self) -> bytes: ...
    def encode(self, columns: Columns) -> bytes: ...
    def finish(self) -> bytes: ...


class _Jsonl:
    """One JSON object a line, with all columns in it."""

    def __init__(self, schema: Sequence[ColumnType]) -> None:
        attributes = {f"c{number}": column.name for number, column in enumerate(schema)}
        fields = [(attribute, Any) for attribute in attributes]
        self._row = msgspec.defstruct("Row", fields, rename=attributes, gc=False)
        self._encoder = msgspec.json.Encoder()

    def start(self) -> bytes:
        return b""

    def encode(self, columns: Columns) -> bytes:
        return self._encoder.encode_lines(list(map(self._row, *columns)))

    def finish(self) -> bytes:
        return b""


_ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "[text]": pa.list_(pa.string()),
    "time": pa.timestamp("ms", "UTC"),
}


@lru_cache(65536)
def _milliseconds(time: str | None) -> int | None:
    second = seconds(time)
    return None if second is None else second * 1000


def _array(values: list[Any], type_: str) -> pa.Array:
    if type_ == "time":
        values = list(map(_milliseconds, values))
    return pa.array(values, _ARROW[type_])


class _Csv:
    """RFC 4180 in UTF-8: a header, CRLF after each row, text in quotes and everything else bare; lists are JSON text.

    Null is an empty cell, empty text an empty pair of quotes. Spreadsheets run text that begins like a formula: it gets
    a ' in front, and so does text that looks as if it had got one, so that the first ' of ``'*[=+-@…]`` is always ours.
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
        return rows.buffers()[2].to_pybytes()  # the rows as they lie in memory, one after the other

    def _cells(self, values: list[Any], type_: str) -> pa.Array:
        if type_ == "text":
            return _quoted(pc.replace_substring_regex(pa.array(values, pa.string()), self.FORMULA, r"'\1"))
        if type_ == "[text]":
            return _quoted(pa.array([None if v is None else self._json(v).decode() for v in values], pa.string()))
        if type_ == "time":
            return pa.array(values, pa.string())
        return pa.array(values, _ARROW[type_]).cast(pa.string())

    def finish(self) -> bytes:
        return b""


def _quoted(texts: pa.Array) -> pa.Array:
    quote = pa.scalar('"')
    return pc.binary_join_element_wise(quote, pc.replace_substring(texts, '"', '""'), quote, "")


class _Parquet:
    """Row groups of bounded size, zstd, what each column means in the metadata of its field."""

    def __init__(self, schema: Sequence[ColumnType]) -> None:
        self._types = [column.type for column in schema]
        self._schema = pa.schema(
            pa.field(column.name, _ARROW[column.type], metadata={"description": column.doc}) for column in schema
        )
        self._file = io.BytesIO()
        self._held: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def start(self) -> bytes:
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        return self._written()

    def encode(self, columns: Columns) -> bytes:
        arrays = list(map(_array, columns, self._types))
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._held.append(batch)
        self._rows += len(batch)
        self._bytes += batch.nbytes + BATCH_BYTES
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
        """What was written since the last time; Arrow counts the offsets itself."""
        data = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return data


_AVRO: dict[str, Any] = {
    "text": "string",
    "int": "long",
    "float": "double",
    "bool": "boolean",
    "[text]": {"type": "array", "items": "string"},
    "time": {"type": "long", "logicalType": "timestamp-millis"},
}


class _Avro:
    """An object container file, deflate; the marker between its blocks is a digest of the schema.

    The header is fastavro's. Values are encoded here, by columns and each distinct one once a batch: fastavro takes four times
    as long over dicts.
    """

    def __init__(self, schema: Sequence[ColumnType]) -> None:
        fields = [{"name": c.name, "type": ["null", _AVRO[c.type]], "default": None, "doc": c.doc} for c in schema]
        self._schema = {"type": "record", "name": "Row", "namespace": "xsieve", "fields": fields}
        self._marker = hashlib.sha256(json.dumps(self._schema).encode()).digest()[:16]
        self._types = [column.type for column in schema]
        self._held: list[bytes] = []
        self._rows = self._bytes = 0

    def start(self) -> bytes:
        header = io.BytesIO()
        fastavro.writer(header, self._schema, [], codec="deflate", sync_marker=self._marker)
        return header.getvalue()

    def encode(self, columns: Columns) -> bytes:
        cells = map(_avro_cells, columns, self._types)
        data = b"".join(chain.from_iterable(zip(*cells, strict=True)))
        self._held.append(data)
        self._rows += len(columns[0])
        self._bytes += len(data)
        return self._block() if self._bytes >= BLOCK_BYTES else b""

    def finish(self) -> bytes:
        return self._block() if self._rows else b""

    def _block(self) -> bytes:
        packer = zlib.compressobj(DEFLATE_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = packer.compress(b"".join(self._held)) + packer.flush()
        block = _avro_long(self._rows) + _avro_long(len(packed)) + packed + self._marker
        self._held, self._rows, self._bytes = [], 0, 0
        return block


def _avro_cells(values: list[Any], type_: str) -> Iterable[bytes]:
    """Values of a union of null and their type: the number of the branch, then the value."""
    encode = _AVRO_VALUES[type_]
    if type_ in ("[text]", "float"):  # lists cannot be looked up, and 0.0 finds -0.0
        return [b"\0" if value is None else b"\2" + encode(value) for value in values]
    known = {value: b"\2" + encode(value) for value in set(values) - {None}}
    known[None] = b"\0"
    return map(known.__getitem__, values)


def _avro_long(number: int) -> bytes:
    """Zigzag, then 7 bits a byte, the lowest first."""
    rest = (number << 1) ^ (number >> 63)
    if rest >= 1 << 64:
        raise OverflowError
    encoded = bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


def _avro_text(text: str) -> bytes:
    encoded = text.encode()
    return _avro_long(len(encoded)) + encoded


def _avro_texts(texts: list[str]) -> bytes:
    return _avro_long(len(texts)) + b"".join(map(_avro_text, texts)) + b"\0" if texts else b"\0"


_AVRO_VALUES: dict[str, Callable[[Any], bytes]] = {
    "text": _avro_text,
    "int": _avro_long,
    "float": struct.Struct("<d").pack,
    "bool": {False: b"\0", True: b"\1"}.__getitem__,
    "[text]": _avro_texts,
    "time": _avro_long,
}


class Handle(Protocol):
    """A binary file that is open for writing."""

    def write(self, data: bytes, /) -> Any: ...
    def close(self) -> None: ...


class _Packed:
    """A file whose content is compressed on its way. No time and no name in its header."""

    def __init__(self, handle: Handle, packer: Any) -> None:
        self._handle = handle
        self._packer = packer

    def write(self, data: bytes, /) -> None:
        self._handle.write(self._packer.compress(data))

    def close(self) -> None:
        self._handle.write(self._packer.flush())
        self._handle.close()


_PACKERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.compressobj(DEFLATE_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16),
    "zstd": lambda: zstandard.ZstdCompressor(write_checksum=True).compressobj(),
}


def compressed(handle: Handle, compression: str) -> Handle:
    """A file that compresses what is written to it: "gzip", "zstd" or "none". Closing it closes ``handle``."""
    return handle if compression == "none" else _Packed(handle, _PACKERS[compression]())


FORMATS: dict[str, Callable[[Sequence[ColumnType]], Encoder]] = {
    "jsonl": _Jsonl,
    "csv": _Csv,
    "avro": _Avro,
    "parquet": _Parquet,
}


class RowWriter:
    """Writes rows to a file. It is whole only once it is closed."""

    def __init__(self, handle: Handle, format_: str, schema: Sequence[ColumnType]) -> None:
        self.rows = 0
        self._handle, self._format, self._schema = handle, format_, schema
        self._encoder = FORMATS[format_](schema)
        handle.write(self._encoder.start())

    def write(self, rows: Rows) -> None:
        """Adds rows. Raises WriteError if they do not fit the schema, and then adds none of them."""
        if not len(rows):
            return
        try:
            data = self._encoder.encode(self._columns(rows))
        except (TypeError, ValueError, LookupError, OverflowError):  # whose messages hold values
            raise WriteError(f"{self._format}: rows that do not fit their schema") from None
        self._handle.write(data)
        self.rows += len(rows)

    def close(self) -> None:
        """Writes what is left, and closes the file."""
        self._handle.write(self._encoder.finish())
        self._handle.close()

    def _columns(self, rows: Rows) -> list[list[Any]]:
        columns = [rows.columns[column.name] for column in self._schema]
        if any(len(values) != len(rows) for values in columns):
            raise ValueError
        return [
            _fitted(values, column.type) if column.declared else values
            for values, column in zip(columns, self._schema, strict=True)
        ]


def open_writer(handle: Handle, format_: str, schema: Sequence[ColumnType], compression: str = "none") -> RowWriter:
    """A writer of rows to an open binary file, which it closes when it is closed.

    format_: "jsonl", "csv", "avro" or "parquet". compression: "none", "gzip" or "zstd", for jsonl and csv only, because
    Avro and Parquet compress by themselves (ValueError otherwise).
    """
    if compression != "none" and format_ not in ("jsonl", "csv"):
        raise ValueError(f"{format_} compresses by itself")
    return RowWriter(compressed(handle, compression), format_, schema)
