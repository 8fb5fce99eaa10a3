"""Shapes: the families that payloads belong to, told by their keys.

The rules stand in ``configs/shapes.tsv``: a shape is the first line there all of whose keys are present and none of whose
forbidden keys is. A key that holds ``null`` counts as absent, save where one of several will do. What no line describes is
not recognised, and passes nowhere.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

import msgspec

from xsieve.configs import table

NULL = b"null"


class Shape(NamedTuple):
    """One line of the table of shapes."""

    name: str
    object: str  # the root object in the field tables
    has: tuple[tuple[str, ...], ...]  # all of these, each one a choice of keys
    lacks: tuple[str, ...]
    holds: str  # post | page | user | user_page | dm | dm_page | event | control | other
    posts: tuple[str, ...]  # the key (a choice of keys) under which the contents of a page lie
    store: str  # yes | no | consent

    @property
    def in_bulk(self) -> bool:
        """Whether batches of it are decoded at once. Posts come first in the table, and no payload is two kinds of post."""
        return self.holds == "post"

    @property
    def required(self) -> tuple[str, ...]:
        """Keys that must be there, where there is no choice."""
        return tuple(choice[0] for choice in self.has if len(choice) == 1)

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """Keys of which one must be there."""
        return tuple(choice for choice in self.has if len(choice) > 1)


UNKNOWN = Shape("unknown", "", (), (), "unknown", (), "no")


@cache
def load() -> tuple[Shape, ...]:
    """The shapes, in the order in which they are tried."""
    return tuple(_shape(line.cells) for line in table("shapes.tsv"))


def _shape(cells: Mapping[str, str]) -> Shape:
    return Shape(
        cells["shape"],
        cells["object"],
        tuple(tuple(choice.split("/")) for choice in cells["has"].split()),
        tuple(cells["lacks"].split()),
        cells["holds"],
        tuple(cells["posts"].split("/")) if cells["posts"] else (),
        cells["store"],
    )


_keys_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items_of = msgspec.json.Decoder(list[msgspec.Raw]).decode


def recognise(line: bytes) -> Shape:
    """The shape of one payload. Raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError on what is not JSON."""
    try:
        keys = _keys_of(line)
    except msgspec.ValidationError:
        msgspec.json.decode(line, type=msgspec.Raw)
        return UNKNOWN  # JSON, but not an object
    below: dict[str, Mapping[str, msgspec.Raw]] = {}

    def value_of(key: str) -> msgspec.Raw | None:
        head, _, tail = key.partition(".")
        value = keys.get(head)
        if value is None or not tail:
            return value
        if head not in below:
            below[head] = _keys_within(value)
        return below[head].get(tail)

    def present(key: str) -> bool:
        value = value_of(key)
        return value is not None and bytes(value) != NULL

    def one_of(choice: tuple[str, ...]) -> bool:
        if len(choice) > 1:
            return any(value_of(key) is not None for key in choice)
        return all(map(present, choice))

    for shape in load():
        if all(map(one_of, shape.has)) and not any(map(present, shape.lacks)):
            return shape
    return UNKNOWN


def _keys_within(value: msgspec.Raw) -> Mapping[str, msgspec.Raw]:
    """The keys of an object, or of all the objects in a list; nothing else has keys. Those that hold null are left out."""
    found: dict[str, msgspec.Raw] = {}
    for item in _objects_in(value):
        found.update((key, inner) for key, inner in item.items() if bytes(inner) != NULL)
    return found


def _objects_in(value: msgspec.Raw) -> Iterator[Mapping[str, msgspec.Raw]]:
    for read in (_keys_of, _items_of):
        try:
            found = read(value)
        except msgspec.ValidationError:
            continue
        if isinstance(found, dict):
            yield found
        else:
            for item in found:
                yield from () if bytes(item)[:1] == b"[" else _objects_in(item)
        return
