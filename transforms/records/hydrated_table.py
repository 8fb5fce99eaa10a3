"""Tables of posts and users for people: one row a record, the same columns whatever the shape of the source.

The columns and where each comes from stand in ``configs/hydrated_columns.tsv``. What gives a cell leaves the house with it, so
it is told here which posts and users did.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from msgspec import UNSET

from xsieve.configs import table
from xsieve.transforms.records.families import POST_OBJECTS, REPLIED, V2, Family, Includes, items
from xsieve.transforms.records.forms import attribute_of
from xsieve.transforms.records.times import iso, seconds, seconds_of_id
from xsieve.transforms.records.units import POST, USER

Cell = str | int | bool | None
TABLES = {POST: "posts", USER: "users"}  # kind of record -> the table it stands in
LINK = "https://x.com/i/web/status/"


class Way(NamedTuple):
    """Where a value may come from: the part of a row (``author``) and the attributes from there."""

    part: str
    steps: tuple[str, ...]


class Column(NamedTuple):
    """One line of the table of columns."""

    name: str
    type: str  # id | text | time | int | bool | [text]
    form: str
    ways: dict[str, tuple[Way, ...]]  # by generation: v1, v2, activity
    meaning: str


class Row(NamedTuple):
    """The cells of a record, and the parts of it that gave more than an id."""

    cells: list[Cell]
    shown: list[Any]


@cache
def columns_of(name: str) -> tuple[Column, ...]:
    """The columns of ``posts`` or ``users``, in their order."""
    return tuple(
        Column(
            cells["column"],
            cells["type"],
            cells["form"],
            {family: tuple(_ways(cells[family])) for family in ("v1", "v2", "activity")},
            cells["meaning"],
        )
        for cells, _ in table("hydrated_columns.tsv")
        if cells["table"] == name
    )


def _ways(cell: str) -> Iterator[Way]:
    for way in filter(None, (way.strip() for way in cell.split(" / "))):
        part, *steps = way.replace("[]", "").split(".")
        yield Way(part, tuple(map(attribute_of, steps)))


def row_of(record: Any, page: Includes, name: str) -> Row:
    """The row of a post or user. ``name``: of its object in the field tables."""
    generation, family = name.partition(".")[0], POST_OBJECTS.get(name)
    if family is None:
        return _row("users", {"user": [record]}, generation)
    return _row("posts", parts_of(record, page, family), generation)


def parts_of(post: Any, page: Includes, family: Family) -> dict[str, list[Any]]:
    """The records that a row shows something of, by the name that the table has for them."""
    (author,), (reposted,) = family.authors([post], [page]), family.reposts([post], [page])
    (quoted,) = family.quotes([post], [page])
    found = {"post": post, "author": author, "reposted": reposted, "quoted": quoted, "original": reposted or post}
    parts = {name: [record] if record else [] for name, record in found.items()}
    return parts | _v2_parts(post, reposted or post, page) if family is V2 else parts


def _v2_parts(post: Any, original: Any, page: Includes) -> dict[str, list[Any]]:
    """What v2 keeps beside the post."""
    replied = [ref for ref in items(post.referenced_tweets or post.referenced_posts) if ref.type in REPLIED]
    attachments = getattr(original, "attachments", None) or post.attachments or None
    media = list(items(attachments.media)) if attachments else []
    keys = items(attachments.media_keys) if attachments and not media else ()
    media += [page.media[key] for key in keys if key in page.media]
    geo = post.geo or None
    return {"replied": replied, "media": media, "place": [page.places.get(geo.place_id) or geo] if geo else []}


def _row(name: str, parts: dict[str, list[Any]], generation: str) -> Row:
    cells: list[Cell] = []
    shown: dict[int, Any] = {}
    for column in columns_of(name):
        cell, part = _cell(column, parts, generation)
        cells.append(cell)
        if cell is not None and column.type != "id":
            shown |= {id(record): record for record in parts[part]}
    return Row(cells, list(shown.values()))


def _cell(column: Column, parts: dict[str, list[Any]], generation: str) -> tuple[Cell, str]:
    """The first value that there is, and the part it came from."""
    for way in column.ways[generation]:
        values = list(_follow(parts.get(way.part, ()), way.steps))
        cell = _FORMS[column.type](values) if values else None
        if cell is not None and cell != "":
            return (f"{LINK}{cell}" if column.form == "link" else cell), way.part
    return None, ""


def _follow(values: Iterable[Any], steps: tuple[str, ...]) -> Iterator[Any]:
    """All that lies at the end of a path, in lists too."""
    for value in values:
        if value is None or value is UNSET:
            continue
        if value.__class__ is list:
            yield from _follow(items(value), steps)
        elif steps:
            yield from _follow((getattr(value, steps[0], None),), steps[1:])
        else:
            yield value


def _id(values: list[Any]) -> Cell:
    """An id as text; what follows the last colon in those of Activity Streams."""
    return str(values[0]).rpartition(":")[2]


def _text(values: list[Any]) -> Cell:
    return values[0] if values[0].__class__ is str else None


def _time(values: list[Any]) -> Cell:
    """A time, or the time that an id holds."""
    text = str(values[0])
    moment = seconds_of_id(int(text)) if text.isascii() and text.isdigit() else seconds(text)
    return None if moment is None else iso(moment)


def _int(values: list[Any]) -> Cell:
    return values[0] if values[0].__class__ is int and abs(values[0]) < 2**53 else None


def _bool(values: list[Any]) -> Cell:
    return values[0] if values[0].__class__ is bool else None


def _texts(values: list[Any]) -> Cell:
    return " ".join(dict.fromkeys(value for value in values if value.__class__ is str))


_FORMS: dict[str, Callable[[list[Any]], Cell]] = {
    "id": _id,
    "text": _text,
    "time": _time,
    "int": _int,
    "bool": _bool,
    "[text]": _texts,
}
