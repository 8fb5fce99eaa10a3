"""Writers: rows into an open file of any file system, in any format, compressed or not.

A format turns columns into bytes, a writer packs them and hands them on as they come. Equal rows make equal files:
nothing in them tells when or where they were written. A file without rows still has its header and schema.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Protocol

import zstandard

from xsieve.pipelines.avro import Avro
from xsieve.pipelines.columns import Columns, ColumnType, columns_of, schema_of
from xsieve.pipelines.formats import Encoder, Jsonl
from xsieve.transforms.records.rows import Rows

__all__ = ["ColumnType", "RowWriter", "WriteError", "compressed", "open_writer", "schema_of"]

ENOUGH = 256  # rows that are encoded at once: streams give them one by one, and columns pay only together
GZIP_LEVEL = 4  # rows are packed in 0.6 of the time of level 6, to 1.07 of its size


class WriteError(ValueError):
    """Rows that do not fit their schema. Says which format refused them, and nothing of what they hold."""


class Handle(Protocol):
    """A binary file that is open for writing."""

    def write(self, data: bytes, /) -> Any: ...
    def close(self) -> None: ...


class _Packed:
    """A file whose content is compressed on its way."""

    def __init__(self, handle: Handle, packer: Any) -> None:
        self._handle = handle
        self._packer = packer

    def write(self, data: bytes, /) -> None:
        self._handle.write(self._packer.compress(data))

    def close(self) -> None:
        self._handle.write(self._packer.flush())
        self._handle.close()


# No time and no name in their headers
PACKERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16),
    "zstd": lambda: zstandard.ZstdCompressor(write_checksum=True).compressobj(),
}


def compressed(handle: Handle, compression: str) -> Handle:
    """A file that compresses ("gzip", "zstd", "none") what is written to it. Closing it closes ``handle``."""
    return handle if compression == "none" else _Packed(handle, PACKERS[compression]())


def _csv(schema: Sequence[ColumnType]) -> Encoder:
    from xsieve.pipelines.formats_arrow import Csv

    return Csv(schema)


def _parquet(schema: Sequence[ColumnType]) -> Encoder:
    from xsieve.pipelines.formats_arrow import Parquet

    return Parquet(schema)


FORMATS: dict[str, Callable[[Sequence[ColumnType]], Encoder]] = {
    "jsonl": Jsonl,
    "csv": _csv,
    "avro": Avro,
    "parquet": _parquet,
}


class RowWriter:
    """Writes rows to a file, which is whole only once the writer is closed, and lost after a WriteError."""

    def __init__(self, handle: Handle, format_: str, schema: Sequence[ColumnType]) -> None:
        self.rows = 0
        self._handle, self._format, self._schema = handle, format_, schema
        self._encoder = FORMATS[format_](schema)
        self._held: list[Columns] = []
        self._waiting = 0
        handle.write(self._encoder.start())

    def write(self, rows: Rows) -> None:
        """Adds rows. Raises WriteError if they, or any before them, do not fit the schema."""
        if not len(rows):
            return
        with self._misfits_unsaid():
            self._held.append(columns_of(rows, self._schema))
        self.rows += len(rows)
        self._waiting += len(rows)
        if self._waiting >= ENOUGH:
            self._encode()

    def close(self) -> None:
        """Writes what is left, and closes the file. Raises WriteError as well."""
        if self._waiting:
            self._encode()
        self._handle.write(self._encoder.finish())
        self._handle.close()

    def _encode(self) -> None:
        held, self._held, self._waiting = self._held, [], 0
        columns = held[0] if len(held) == 1 else [list(chain(*parts)) for parts in zip(*held, strict=True)]
        with self._misfits_unsaid():
            data = self._encoder.encode(columns)
        self._handle.write(data)

    @contextmanager
    def _misfits_unsaid(self) -> Iterator[None]:
        try:
            yield
        except (TypeError, ValueError, LookupError, OverflowError):  # whose messages hold values
            raise WriteError(f"{self._format}: rows that do not fit their schema") from None


def open_writer(handle: Handle, format_: str, schema: Sequence[ColumnType], compression: str = "none") -> RowWriter:
    """A writer of rows to an open binary file, which it closes when it is closed.

    format_: "jsonl", "csv", "avro" or "parquet". compression: "none", "gzip" or "zstd", for jsonl and csv only:
    Avro and Parquet compress by themselves (ValueError).
    """
    if compression != "none" and format_ not in ("jsonl", "csv"):
        raise ValueError(f"{format_} compresses by itself")
    return RowWriter(compressed(handle, compression), format_, schema)
