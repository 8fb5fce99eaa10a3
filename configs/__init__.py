"""What the project knows, as data: field catalogs, actions, shapes, vocabulary, policies, examples.

Code reads these tables and applies them; whoever wants to argue with a rule argues with a line in a file here.
"""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple


class TableError(ValueError):
    """A table that cannot be read as one: names the file, the line, and what was expected."""


class Line(NamedTuple):
    """One line of a table: its cells by column name, and where it stands (for messages)."""

    cells: dict[str, str]
    where: str  # "fields/v1.tsv:17"


def resource(name: str) -> Path:
    """The packaged file or folder of that name, e.g. ``"fields/v1.tsv"``."""
    return Path(str(files(__name__))) / name


def table(name: str) -> list[Line]:
    """The lines of a packaged TSV table, e.g. ``table("actions.tsv")``. Raises TableError."""
    return list(parse_table(resource(name).read_text("utf-8"), name))


def tables(folder: str) -> list[Line]:
    """The lines of every TSV table in a packaged folder, files in the order of their names."""
    found = sorted(entry.name for entry in resource(folder).iterdir() if entry.name.endswith(".tsv"))
    return [line for name in found for line in table(f"{folder}/{name}")]


def parse_table(text: str, name: str) -> Iterator[Line]:
    """Lines of a tab-separated table: ``#`` lines and blank lines are comments, the first other line is the header.

    Cells are stripped. A line may leave out trailing cells, which are then empty; more cells than columns, a missing
    header or a repeated column raise TableError.
    """
    header: list[str] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        if not raw.strip() or raw.startswith("#"):
            continue
        cells = [cell.strip() for cell in raw.split("\t")]
        where = f"{name}:{number}"
        if header is None:
            if len(set(cells)) != len(cells):
                raise TableError(f"{where}: a column name is repeated in the header")
            header = cells
            continue
        if len(cells) > len(header):
            raise TableError(f"{where}: {len(cells)} cells, but the header names {len(header)} columns")
        cells += [""] * (len(header) - len(cells))
        yield Line(dict(zip(header, cells, strict=True)), where)
    if header is None:
        raise TableError(f"{name}: no header line")
