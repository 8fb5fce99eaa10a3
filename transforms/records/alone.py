"""Alone: the records of a page one by one, each in the shape of a page of its own with what it needs of the includes.

What leaves by hand is chosen, counted and sampled record by record, and nothing goes along that no record asks for.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET, Struct

from xsieve.transforms.records.cut import TEXTS
from xsieve.transforms.records.families import items

NAMES = ("id", "media_key", "username")  # by which records name what a page includes


def alone(page: Any, records: list[Any], key: str) -> Iterator[Struct]:
    """Each record as v2 answers with one: ``{"data": record, "includes": …}``. ``key`` is that of the page's records."""
    includes = getattr(page, "includes", None) or None
    known = _by_name(includes)
    for record in records:
        needed = _needed(record, known)
        yield type(page)(**{key: record, "includes": _only(includes, needed)})


def _by_name(includes: Struct | None) -> dict[str, list[Struct]]:
    """What a page includes, by each of its names."""
    found: dict[str, list[Struct]] = {}
    for attribute in includes.__struct_fields__ if includes else ():
        for item in items(getattr(includes, attribute)):
            for name in {getattr(item, name, None) for name in NAMES}:
                if name.__class__ is str and name:
                    found.setdefault(str(name), []).append(item)
    return found


def _needed(record: Struct, known: dict[str, list[Struct]]) -> set[int]:
    """The identities of the included records that a record names, or that those name in their turn."""
    needed: set[int] = set()
    waiting = [record] if known else []
    while waiting:
        for value in texts_in(waiting.pop()):
            for item in known.get(value, ()):
                if id(item) not in needed:
                    needed.add(id(item))
                    waiting.append(item)
    return needed


def _only(includes: Any, needed: set[int]) -> Any:
    """The includes that are needed, UNSET where none is."""
    if not needed:
        return UNSET
    lists = {name: list(items(getattr(includes, name))) for name in includes.__struct_fields__}
    kept = {name: [item for item in found if id(item) in needed] for name, found in lists.items()}
    return type(includes)(**{name: found for name, found in kept.items() if found})


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a record but those that its author wrote."""
    if value.__class__ is str:
        yield value
    elif value.__class__ is list:
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            if name not in TEXTS:
                yield from texts_in(getattr(value, name))
