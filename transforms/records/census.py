"""A census: which fields payloads hold, how often, of which types and which class. Never a value.

The decoders of outputs skip what the field tables do not name; a census looks at everything, so that fields
that X or others added are noticed. Keys can be data too (ids, handles): a key is told only if the
tables name it, or if at least 20 payloads hold it and it looks like the name of a field. All others are told
together, as ``?``.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from xsieve.transforms.records.batch import Reason
from xsieve.transforms.records.catalog import ANY_KEY, Catalog, Field
from xsieve.transforms.records.catalog import load as load_catalog
from xsieve.transforms.records.decode import JSON_ERRORS, Refused, decode_line, lines_of
from xsieve.transforms.records.sensitive import judge
from xsieve.transforms.records.shapes import UNKNOWN, Shape

TOLD_FROM = 20  # payloads that must hold a key that no table names
HIDDEN = "?"
LONGEST_KEY = 128  # characters; longer ones are not told apart
MAX_KEYS = 1_000  # keys of one object that no table names, told apart
MAX_PLACES = 50_000  # in the payloads of all shapes together
MAX_DEPTH = 64
INFERENCE = "inference"

# what a field may be called: no blanks, no signs of an address or a handle, nothing invisible
_NAME = re.compile(r"[^\W\d][\w.:$-]{0,63}")
_LONG_NUMBER = re.compile(r"\d{5}")
_TYPES = {
    dict: "object",
    list: "list",
    str: "text",
    int: "int",
    float: "number",
    bool: "bool",
    type(None): "null",
}
_BITS = {cls: 1 << bit for bit, cls in enumerate(_TYPES)}


class Seen(NamedTuple):
    """What was seen at one path, such as ``user.entities.urls[].url``; ``*`` stands for keys that are data.

    payloads: how many hold it; at most so many where several places are told together (``places`` > 1).
    cls: its class by the field tables, None if they do not name it.
    sensitive: the items of the sensitive categories that its name expresses, one with ``?`` where its values
    decide; ``inference`` for what X inferred.
    """

    path: str
    payloads: int
    types: tuple[str, ...]
    cls: str | None
    places: int
    sensitive: tuple[str, ...]


class ShapeSeen(NamedTuple):
    """The payloads of one shape, and what they hold, in the order of the paths."""

    shape: str
    payloads: int
    paths: tuple[Seen, ...]


class Report(NamedTuple):
    """A census, told: payloads = skipped + those of all shapes + rejected (by reason).

    cut: payloads that nest too deep to be followed, or came after too many different keys.
    """

    payloads: int
    skipped: int
    cut: int
    rejected: dict[str, int]
    shapes: tuple[ShapeSeen, ...]


class _Name:
    """A key that no table names, wherever it stands: how many payloads hold it."""

    __slots__ = ("last", "payloads")

    def __init__(self) -> None:
        self.payloads = 0
        self.last = 0  # the number of the last payload that did


class _Place:
    """One place in the payloads of a shape."""

    __slots__ = ("children", "cls", "items", "last", "name", "objects", "payloads", "rest", "types")

    def __init__(self, cls: str | None, objects: tuple[Mapping[str, Field], ...], name: _Name | None = None) -> None:
        self.cls = cls
        self.objects = objects  # what the field tables know of the keys below
        self.name = name
        self.children: dict[str, _Place] = {}
        self.rest: _Place | None = None  # any other key: data, or one too many
        self.items: _Place | None = None
        self.payloads = self.last = self.types = 0


class Census:
    """Counts what payloads hold, in bounded memory however many keys there are. Several can be merged."""

    def __init__(self, catalog: Catalog | None = None, step: int = 1) -> None:
        """``step``: look at one payload of so many only."""
        self._catalog = catalog or load_catalog()
        self._step = step
        self._payloads = self._skipped = self._cut = self._size = 0
        self._number = 0  # of the payload looked at
        self._whole = True  # whether that was followed to its ends
        self._rejected: Counter[str] = Counter()
        self._shapes: dict[Shape, _Place] = {}
        self._names: dict[str, _Name] = {}

    def add(self, lines: bytes) -> None:
        """Count payloads, one JSON document a line."""
        for start, end in lines_of(lines)[0]:
            if self._payloads % self._step:
                self._skipped += 1
            else:
                self._look(lines[start:end])
            self._payloads += 1

    def reject(self, reason: Reason) -> None:
        """Count a payload that could not even be read."""
        self._payloads += 1
        self._rejected[reason.value] += 1

    def merge(self, other: "Census") -> None:
        """Add what another census counted by the same tables: as if one had seen all, up to the bounds."""
        self._payloads += other._payloads
        self._skipped += other._skipped
        self._cut += other._cut
        self._rejected += other._rejected
        for shape, root in other._shapes.items():
            self._merge(self._root(shape), root)
        for key, name in other._names.items():
            self._names.setdefault(key, _Name()).payloads += name.payloads

    def report(self) -> Report:
        """What may be told."""
        reporter = _Reporter(self._catalog, {key: name.payloads for key, name in self._names.items()})
        shapes = tuple(
            ShapeSeen(shape.name, root.payloads, reporter.paths(root)) for shape, root in self._shapes.items()
        )
        ordered = sorted(shapes, key=lambda seen: (-seen.payloads, seen.shape))
        return Report(self._payloads, self._skipped, self._cut, dict(sorted(self._rejected.items())), tuple(ordered))

    # one payload

    def _look(self, line: bytes) -> None:
        try:
            shape, payload = _read(line)
        except Refused as refused:
            self._rejected[refused.reason.value] += 1
            return
        self._number += 1
        self._whole = True
        self._visit(self._root(shape), payload, MAX_DEPTH if shape.object else 1)
        self._cut += bool(shape.object) and not self._whole

    def _visit(self, place: _Place, value: Any, depth: int) -> None:
        number = self._number
        if place.last != number:
            place.last = number
            place.payloads += 1
        name = place.name
        if name and name.last != number:
            name.last = number
            name.payloads += 1
        cls = value.__class__
        place.types |= _BITS[cls]
        if not (value and (cls is dict or cls is list)):
            return
        if not depth:
            self._whole = False
        elif cls is dict:
            known = place.children
            for key, inner in value.items():
                below = known.get(key) or self._child(place, key)
                if below:
                    self._visit(below, inner, depth - 1)
        else:
            items = self._items(place)
            for inner in value:
                self._visit(items, inner, depth - 1)

    # places

    def _root(self, shape: Shape) -> _Place:
        if shape not in self._shapes:
            self._shapes[shape] = _Place("part", (self._catalog.objects[shape.object],) if shape.object else ())
        return self._shapes[shape]

    def _items(self, place: _Place) -> _Place:
        if not place.items:
            place.items = _Place(place.cls, place.objects)
        return place.items

    def _child(self, place: _Place, key: str) -> _Place | None:
        """The place of a key that was not met there before; None where there are too many."""
        fields = [field for known in place.objects if (field := known.get(key) or known.get(ANY_KEY))]
        unnamed = fields[0].name == ANY_KEY if fields else len(key) > LONGEST_KEY or len(place.children) >= MAX_KEYS
        if unnamed and place.rest:
            return place.rest
        if self._size >= MAX_PLACES:
            self._whole = False
            return None
        self._size += 1
        if fields:
            below = tuple(self._catalog.objects[ref] for field in fields for ref in field.kind.leaf.refs)
            child = _Place(fields[0].cls if place.cls == "part" else place.cls, below)
        else:
            child = _Place(None, (), None if unnamed else self._names.setdefault(key, _Name()))
        if unnamed:
            place.rest = child
        else:
            place.children[key] = child
        return child

    def _merge(self, place: _Place, other: _Place) -> None:
        place.payloads += other.payloads
        place.types |= other.types
        if other.items:
            self._merge(self._items(place), other.items)
        for key, below in other.children.items():
            mine = place.children.get(key) or self._child(place, key)
            if mine:
                self._merge(mine, below)
        if other.rest:
            place.rest = place.rest or _Place(other.rest.cls, other.rest.objects)
            self._merge(place.rest, other.rest)


def _read(line: bytes) -> tuple[Shape, Any]:
    """The shape of a payload (which may be unknown) and its values. Raises Refused."""
    try:
        shape = decode_line(line, {})[0]
    except Refused as refused:
        if refused.reason is not Reason.UNKNOWN_SHAPE:
            raise
        shape = UNKNOWN
    try:
        return shape, msgspec.json.decode(line)
    except JSON_ERRORS:
        pass
    try:  # fields that outputs skip may hold what only a lenient parser takes
        return shape, json.loads(line.decode("utf-8", "replace"))
    except RecursionError:
        raise Refused(Reason.TOO_DEEP) from None
    except ValueError:
        raise Refused(Reason.NOT_JSON) from None


class _Told:
    """What is told at one path: one place or several."""

    def __init__(self, cls: str | None, above: "_Told | None") -> None:
        self.cls = cls
        self.above = above
        self.payloads = self.types = self.places = 0
        self.sensitive: set[str] = set()


class _Reporter:
    """Turns places into what may be told of them."""

    def __init__(self, catalog: Catalog, seen: Mapping[str, int]) -> None:
        self._named = {name for fields in catalog.objects.values() for name in fields} - {ANY_KEY}
        self._seen = seen

    def paths(self, root: _Place) -> tuple[Seen, ...]:
        """All paths below the root of a shape."""
        self._told: dict[tuple[str, ...], _Told] = {}
        self._below(root, (), (), None)
        for told in self._told.values():  # those above come first
            told.payloads = min(told.payloads, told.above.payloads if told.above else root.payloads)
        return tuple(sorted(_seen(path, told) for path, told in self._told.items()))

    def _below(self, place: _Place, path: tuple[str, ...], unknown: tuple[str, ...], above: _Told | None) -> None:
        if place.items:
            self._tell(place.items, (*path, "[]"), unknown, above)
        for key, child in place.children.items():
            label = key if child.cls or self._may_tell(key) else HIDDEN
            self._tell(child, (*path, label), unknown if child.cls else (*unknown, key), above)
        if place.rest:
            self._tell(place.rest, (*path, ANY_KEY if place.rest.cls else HIDDEN), unknown, above)

    def _tell(self, place: _Place, path: tuple[str, ...], unknown: tuple[str, ...], above: _Told | None) -> None:
        told = self._told.setdefault(path, _Told(place.cls, above))
        told.payloads += place.payloads
        told.types |= place.types
        told.places += 1
        told.sensitive.update(_sensitive(place.cls, unknown))
        self._below(place, path, unknown, told)

    def _may_tell(self, key: str) -> bool:
        if key in self._named:
            return True
        return self._seen[key] >= TOLD_FROM and bool(_NAME.fullmatch(key)) and not _LONG_NUMBER.search(key)


def _sensitive(cls: str | None, unknown: tuple[str, ...]) -> Iterator[str]:
    """What unknown keys, one below the other, express by their names; what X inferred, under any name."""
    if cls == INFERENCE:
        yield INFERENCE
    elif cls is None and (finding := judge(".".join(unknown))):
        yield finding.item + ("?" if finding.by == "undeclared" else "")


def _seen(path: tuple[str, ...], told: _Told) -> Seen:
    types = tuple(name for cls, name in _TYPES.items() if told.types & _BITS[cls])
    text = ".".join(path).replace(".[]", "[]")
    return Seen(text, told.payloads, types, told.cls, told.places, tuple(sorted(told.sensitive)))
