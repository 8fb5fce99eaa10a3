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
    included = Included(getattr(page, "includes", None) or None)
    for record in records:
        yield type(page)(**{key: record, "includes": included.for_one(record)})


class Included:
    """What a v2 page includes, as far as it is named by one record or another."""

    def __init__(self, includes: Any) -> None:
        self._includes = includes
        names = includes.__struct_fields__ if includes else ()
        self._lists: dict[str, list[Struct]] = {name: list(items(getattr(includes, name))) for name in names}
        self._by_name: dict[str, list[Struct]] = {}
        for item in (item for found in self._lists.values() for item in found):
            for name in {getattr(item, name, None) for name in NAMES}:
                if name.__class__ is str and name:
                    self._by_name.setdefault(str(name), []).append(item)
        self._named: dict[int, list[Struct]] = {}  # identity of an included record -> those that it names

    def for_one(self, record: Struct) -> Any:
        """Includes with what the record names, and what that names in its turn; UNSET where there is nothing."""
        needed: set[int] = set()
        waiting = self._names(record) if self._by_name else []
        while waiting:
            item = waiting.pop()
            if id(item) not in needed:
                needed.add(id(item))
                if id(item) not in self._named:
                    self._named[id(item)] = self._names(item)
                waiting += self._named[id(item)]
        kept = {name: [item for item in found if id(item) in needed] for name, found in self._lists.items()}
        return type(self._includes)(**{name: found for name, found in kept.items() if found}) if needed else UNSET

    def _names(self, record: Struct) -> list[Struct]:
        return [item for text in set(texts_in(record)) for item in self._by_name.get(text, ())]


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
