"""Rows as a spreadsheet: one sheet, a header, ids as text, nothing that a spreadsheet would run.

Every text is written as text, so that one that begins with = is no formula. Equal rows make equal files: their only time is
the beginning of 1980. Control characters stand as ``_x0007_``, which spreadsheets read back as the character.
"""

import io
from collections.abc import Sequence
from datetime import datetime, timezone

from xsieve.pipelines.columns import Columns, ColumnType

MAX_ROWS = 1_048_575  # of a sheet, besides the header
MAX_UNITS = 32_767  # of UTF-16 in a cell
NO_TIME = datetime(1980, 1, 1, tzinfo=timezone.utc)  # as old as a ZIP file can be


class Xlsx:
    """A spreadsheet of up to MAX_ROWS rows. ``scratch``: the folder in which it grows, the system's own if None."""

    def __init__(self, schema: Sequence[ColumnType], name: str, scratch: str | None = None) -> None:
        import xlsxwriter  # few runs write spreadsheets

        self._schema, self._file = schema, io.BytesIO()
        self._book = xlsxwriter.Workbook(self._file, {"constant_memory": True, "tmpdir": scratch})
        self._book.set_properties({"created": NO_TIME.replace(tzinfo=None)})
        self._plain, self._text = self._book.add_format(), self._book.add_format({"num_format": "@"})
        self._sheet = self._book.add_worksheet(name)
        self._rows = 0

    def start(self) -> bytes:
        """The header, which stays in view."""
        self._sheet.freeze_panes(1, 0)
        self._sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        for number, column in enumerate(self._schema):
            self._sheet.write_string(0, number, column.name)
        return b""

    def encode(self, columns: Columns) -> bytes:
        """Adds rows. Raises ValueError for what no sheet can hold (``fits``)."""
        for row in zip(*columns, strict=True):
            self._rows += 1
            for number, cell in enumerate(row):
                if cell is not None and self._write(self._rows, number, cell):
                    raise ValueError("a sheet cannot hold that many rows, or a text as long as that")
        return b""

    def finish(self) -> bytes:
        """The whole file."""
        self._book.close()
        return self._file.getvalue()

    def _write(self, row: int, column: int, cell: object) -> int:
        """0 if the cell was written."""
        if cell.__class__ is bool:
            return self._sheet.write_boolean(row, column, cell)
        if cell.__class__ is not str:
            return self._sheet.write_number(row, column, cell)
        text = str(cell)
        if text.startswith("<r>") and text.endswith("</r>"):  # the library takes that for markup of its own
            return self._sheet.write_rich_string(row, column, self._plain, text[:3], self._plain, text[3:])
        return self._sheet.write_string(row, column, text, self._text)


def fits(cells: Sequence[object]) -> bool:
    """Whether the cells of a row are short enough for a sheet."""
    return all(len(cell) <= MAX_UNITS // 2 or _units(cell) <= MAX_UNITS for cell in cells if isinstance(cell, str))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
