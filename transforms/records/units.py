"""Units: what counts when content leaves the house. Each post and each user of which anything but its id is there is one.

Which objects these are stands in ``configs/units.tsv``. They are counted in what is about to be encoded, so that what is
counted is what leaves; an object without a valid id cannot be counted, and so it cannot leave.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple, get_args

import numpy as np
from msgspec import UNSET, Raw, Struct, structs

from xsieve.configs import table
from xsieve.transforms.records.cut import Objects
from xsieve.transforms.records.forms import attribute_of
from xsieve.transforms.records.ids import NO_IDS, Ids, parse_id

POST, USER = 0, 1
KINDS = {"post": POST, "user": USER}
Key = tuple[int, int]  # POST or USER, and the id
DIGEST_PARTS = 64  # a digest is made of so many parts, so that it can be made part by part
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads ids that differ in few bits


class Countable(NamedTuple):
    """One line of the table: an object of the field tables that counts."""

    kind: int
    ids: tuple[str, ...]  # attributes
    mere: frozenset[str]  # attributes
    tail: bool  # whether the id is what follows the last colon


class Units(NamedTuple):
    """Distinct posts and users, ascending."""

    posts: Ids = NO_IDS
    users: Ids = NO_IDS

    @property
    def total(self) -> int:
        """How many objects: posts and users share one limit."""
        return len(self.posts) + len(self.users)


@cache
def countables() -> dict[str, Countable]:
    """object of the field tables -> how it counts."""
    return {line.cells["object"]: _countable(line.cells) for line in table("units.tsv")}


def _countable(cells: dict[str, str]) -> Countable:
    keys = cells["id"].split()
    ids = tuple(attribute_of(key.removeprefix(":")) for key in keys)
    mere = frozenset({*ids, *map(attribute_of, cells["mere"].split())})
    return Countable(KINDS[cells["unit"]], ids, mere, keys[0].startswith(":"))


def countable(record: Struct, objects: Objects) -> Countable | None:
    """How a record counts; None if it is no post or user, or a mere reference to one."""
    known = countables().get(objects.get(type(record), ""))
    if known is None:
        return None
    held = (name for name in record.__struct_fields__ if name not in known.mere)
    return known if any(_is_there(getattr(record, name)) for name in held) else None


def _is_there(value: Any) -> bool:
    """Whether a field holds anything; Raw is the mark of a shape, and no field."""
    return value is not None and value is not UNSET and value.__class__ is not Raw


def key_of(record: Struct, known: Countable) -> Key:
    """A record's kind and id. Raises Refused (NO_ID, BAD_ID)."""
    values: list[Any] = [getattr(record, name, None) or None for name in known.ids]
    if known.tail:
        values = [value and value.rpartition(":")[2] for value in values]
    return known.kind, parse_id(*values)


def keys_in(payload: Any, objects: Objects) -> Iterator[Key]:
    """Every post and user that leaves with a payload, repeats included. Raises Refused if one has no valid id."""
    for record in structs_in(payload):
        known = countable(record, objects)
        if known:
            yield key_of(record, known)


def structs_in(value: Any) -> Iterator[Struct]:
    """Every object in a decoded payload, the payload first."""
    if isinstance(value, Struct):
        yield value
        for name in _ways_down(type(value)):
            if held := getattr(value, name):
                yield from structs_in(held)
    elif value.__class__ is list or value.__class__ is dict:
        for held in value if value.__class__ is list else value.values():
            yield from structs_in(held)


@cache
def _ways_down(form: type[Struct]) -> tuple[str, ...]:
    """The attributes of a form below which there may be objects."""
    return tuple(field.name for field in structs.fields(form) if _holds_structs(field.type))


def _holds_structs(kind: Any) -> bool:
    return (isinstance(kind, type) and issubclass(kind, Struct)) or any(map(_holds_structs, get_args(kind)))


def units_of(keys: Iterable[Key]) -> Units:
    """The distinct units among keys."""
    ids: tuple[list[int], list[int]] = ([], [])
    for kind, number in keys:
        ids[kind].append(number)
    return Units(*(distinct(np.array(numbers, np.int64)) for numbers in ids))


def together(parts: Iterable[Units]) -> Units:
    """The distinct units of several parts of a release."""
    found = list(parts)
    posts, users = [units.posts for units in found], [units.users for units in found]
    return Units(distinct(np.concatenate([NO_IDS, *posts])), distinct(np.concatenate([NO_IDS, *users])))


def distinct(ids: Ids) -> Ids:
    """Each id once, ascending."""
    ids = np.sort(ids)
    return ids[np.diff(ids, prepend=ids[:1] - 1) != 0]


def part_numbers(ids: Ids, parts: int = DIGEST_PARTS) -> Ids:
    """The number of the part that each id falls into."""
    return ((ids.astype(np.uint64) * SPREAD) >> np.uint64(40)).astype(np.int64) % parts


def digest_of(units: Units) -> str:
    """The digest of a set of units, whatever order and slices they came in."""
    digests = {
        (kind, int(number)): part_digest(ids[numbers == number])
        for kind, ids in enumerate(units)
        for numbers in [part_numbers(ids)]
        for number in np.unique(numbers)
    }
    return whole_digest(digests)


def part_digest(ids: Ids) -> str:
    """The digest of one part: SHA-256 of its distinct ids, ascending, as little-endian int64."""
    return hashlib.sha256(ids.astype("<i8").tobytes()).hexdigest()


def whole_digest(parts: dict[tuple[int, int], str]) -> str:
    """SHA-256 of the lines ``kind part digest`` of all parts that are not empty, in their order."""
    lines = "".join(f"{kind} {number} {part}\n" for (kind, number), part in sorted(parts.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
