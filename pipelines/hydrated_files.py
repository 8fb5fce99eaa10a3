"""Files that people get by hand: JSON lines in X's own shape, or tables as CSV and XLSX.

Posts and users stand in files of their own. What no spreadsheet can hold is refused record by record and said so; files
are numbered where a sheet has no more rows. CSV is written as OWASP advises against formulas: every text in quotes, and a '
before what a spreadsheet would run (``formats_arrow.Csv``); it cannot say that ids are text, so spreadsheets are better given XLSX.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from apache_beam.io.filesystems import FileSystems

from xsieve.pipelines.columns import ColumnType
from xsieve.pipelines.formats import Encoder
from xsieve.pipelines.stage import Staged, create, period_of
from xsieve.pipelines.streams import is_remote
from xsieve.pipelines.xlsx import MAX_ROWS, Xlsx, fits
from xsieve.transforms.records.hydrated import HydratedSieve, Record
from xsieve.transforms.records.hydrated_table import Cell, columns_of
from xsieve.transforms.records.units import POST, Key

ENOUGH = 256  # rows that are encoded at once
TYPES = {"int": "int", "bool": "bool"}  # of columns; all others are text
MAX_RECORDS: Mapping[str, float] = {"jsonl": float("inf"), "csv": MAX_ROWS, "xlsx": MAX_ROWS}  # of one file


def schema_of(name: str) -> list[ColumnType]:
    """The columns of the table ``posts`` or ``users``."""
    return [ColumnType(column.name, TYPES.get(column.type, "text"), column.meaning) for column in columns_of(name)]


class Content(Protocol):
    """A format at work on one file: what records become; the bytes of its start, of the records taken since, of its end."""

    def take(self, record: Record) -> list[Key] | None:
        """Takes a record; all objects that leave with it. None if the format cannot hold it."""
        ...

    def start(self) -> bytes: ...
    def taken(self) -> bytes: ...
    def finish(self) -> bytes: ...


class Lines:
    """JSON lines, in X's own shape."""

    def __init__(self, sieve: HydratedSieve) -> None:
        self._sieve, self._held = sieve, list[bytes]()

    def take(self, record: Record) -> list[Key] | None:
        self._held.append(record.line)
        return self._sieve.units_of(record)

    def start(self) -> bytes:
        return b""

    def taken(self) -> bytes:
        held, self._held = self._held, []
        return b"".join(line + b"\n" for line in held)

    def finish(self) -> bytes:
        return b""


class Table:
    """Rows of a table. ``holds``: whether the format can hold the cells of a row."""

    def __init__(self, sieve: HydratedSieve, encoder: Encoder, holds: Callable[[list[Cell]], bool]) -> None:
        self._sieve, self._encoder, self._holds = sieve, encoder, holds
        self._held: list[list[Cell]] = []
        self.start, self.finish = encoder.start, encoder.finish

    def take(self, record: Record) -> list[Key] | None:
        cells, keys = self._sieve.row_of(record)
        if not self._holds(cells):
            return None
        self._held.append(cells)
        return keys

    def taken(self) -> bytes:
        held, self._held = self._held, []
        return self._encoder.encode([list(column) for column in zip(*held, strict=True)]) if held else b""


def content_of(format_: str, name: str, sieve: HydratedSieve, folder: str) -> Content:
    """``jsonl``, ``csv`` or ``xlsx`` of posts or users, for a file in a folder."""
    if format_ == "jsonl":
        return Lines(sieve)
    if format_ == "csv":
        from xsieve.pipelines.formats_arrow import Csv

        return Table(sieve, Csv(schema_of(name)), lambda _: True)
    scratch = None if is_remote(folder) else folder  # what a crash leaves there goes with the folder
    return Table(sieve, Xlsx(schema_of(name), name, scratch), fits)


class Files:
    """The files of one table (``posts`` or ``users``), in one format; as many as it takes."""

    def __init__(self, output: str, folder: str, format_: str, name: str, sieve: HydratedSieve) -> None:
        self._output, self._folder, self._format, self._name, self._sieve = output, folder, format_, name, sieve
        self._done: list[Staged] = []
        self._file: _File | None = None

    def add(self, record: Record) -> list[Key] | None:
        """Writes a record; all objects that leave with it. None if the format cannot hold it, and it stays behind."""
        if self._file is None:
            path = FileSystems.join(self._folder, f"{len(self._done):05d}-{uuid.uuid4().hex}.{self._format}")
            self._file = _File(path, content_of(self._format, self._name, self._sieve, self._folder))
        keys = self._file.add(record)
        if self._file.records == MAX_RECORDS[self._format]:
            self._close()
        return keys

    def close(self) -> list[Staged]:
        """The files, which are whole now."""
        self._close()
        return self._done

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            sha256, period = file.close()
            staged = Staged(self._output, file.path, self._name, f".{self._format}", file.records, sha256, period)
            self._done += [staged] if file.records else []


class _File:
    """One file that is being written."""

    def __init__(self, path: str, content: Content) -> None:
        self.path, self.records = path, 0
        self._content, self._handle, self._sum = content, create(path), hashlib.sha256()
        self._ids: list[int] = []  # of the first and the last post
        self._write(content.start())

    def add(self, record: Record) -> list[Key] | None:
        keys = self._content.take(record)
        if keys is None:
            return None
        self.records += 1
        kind, number = record.key
        if kind == POST:
            self._ids = [*self._ids[:1], number]
        if self.records % ENOUGH == 0:
            self._write(self._content.taken())
        return keys

    def close(self) -> tuple[str, tuple[int, int] | None]:
        """The SHA-256 of the file, and the period of its posts, which come in ascending order."""
        self._write(self._content.taken())
        self._write(self._content.finish())
        self._handle.close()
        return self._sum.hexdigest(), period_of(np.array(self._ids, np.int64))

    def _write(self, data: bytes) -> None:
        self._handle.write(data)
        self._sum.update(data)
