"""Cutting: what is nested in a payload and not public is taken out, and with it what leads to it.

First the records themselves; then, in what remains, every value that names one of them: ids, handles, links, and the media,
places and polls that only they had. How records are named stands in ``configs/references.tsv``.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from msgspec import UNSET, Struct

from xsieve.configs import table
from xsieve.transforms.records.families import POST_OBJECTS, Includes, items
from xsieve.transforms.records.forms import attribute_of

Objects = dict[type[Struct], str]  # form -> the object of the field tables
Reason = Callable[[Struct, Includes], str | None]  # why a record beside what its page includes may not be seen
LONG_ENOUGH = 4  # characters of a name that is sought within links, too
TEXTS = frozenset({"text", "full_text", "body", "summary", "name"})  # what the author of a record that stays wrote
OWN_KEYS = ("id", "id_str", "media_key", "username", "screen_name", "url", "expanded_url", "expanded")


@cache
def references(column: str) -> dict[str, tuple[tuple[str, ...], ...]]:
    """object -> the attributes, step by step, whose values name its records (``named_by``), or others (``leads_to``)."""
    return {
        line.cells["object"]: tuple(tuple(map(attribute_of, path.split("."))) for path in line.cells[column].split())
        for line in table("references.tsv")
    }


def names_of(record: Struct, objects: Objects, column: str = "named_by") -> Iterator[str]:
    """The values that name a record elsewhere, as text in lower case: links and mentions write handles in any."""
    for steps in references(column).get(objects.get(type(record), ""), ()):
        value: Any = record
        for step in steps:
            value = getattr(value, step, None)
        for name in value if value.__class__ is list else (value,):
            if name.__class__ in (str, int) and name:
                yield str(name).lower()


class Knife:
    """Cuts what is not public out of one payload. ``dropped`` are records that were taken out of it already."""

    def __init__(self, objects: Objects, reason: Reason, page: Includes, dropped: Iterable[Struct] = ()) -> None:
        self._objects = objects
        self._reason = reason
        self._page = page
        self._out: list[Struct] = list(dropped)
        self._closed = {name for user in self._closed_users() for name in names_of(user, objects)}

    def _closed_users(self) -> Iterator[Struct]:
        """The users that were taken out, and the authors of posts that were, if they are not public themselves."""
        for record in self._out:
            is_post = self._objects.get(type(record)) in POST_OBJECTS
            user = getattr(record, "author", None) if is_post else record
            if user and (not is_post or self._reason(user, self._page)):
                yield user

    def cut(self, payload: Struct) -> None:
        """Take out of a payload whatever below it is not public, and what leads there. The payload itself stays."""
        self._cut_record(payload)
        columns = ("named_by", "leads_to")
        gone = {name for record in self._out for column in columns for name in names_of(record, self._objects, column)}
        if gone:
            gone -= {name for record in self._full_records(payload) for name in names_of(record, self._objects)}
            self._purge(payload, gone, tuple(name for name in gone if len(name) >= LONG_ENOUGH))

    # the records

    def _cut_record(self, record: Struct) -> None:
        for name in record.__struct_fields__:
            value: Any = getattr(record, name)
            if value.__class__ is list:
                setattr(record, name, self._cut_list(value))
            elif value.__class__ is dict:
                setattr(record, name, {key: item for key, item in value.items() if self._cut_list([item])})
            elif isinstance(value, Struct):
                if self._hides(value):
                    self._out.append(value)
                    setattr(record, name, UNSET)
                else:
                    self._cut_record(value)

    def _cut_list(self, values: list[Any]) -> list[Any]:
        kept: list[Any] = []
        for value in values:
            if value.__class__ is list:
                kept.append(self._cut_list(value))
            elif not isinstance(value, Struct):
                kept.append(value)
            elif self._hides(value):
                self._out.append(value)
            else:
                self._cut_record(value)
                kept.append(value)
        return kept

    def _hides(self, record: Struct) -> bool:
        is_post = self._objects.get(type(record)) in POST_OBJECTS
        by_closed = is_post and bool(self._closed) and str(getattr(record, "author_id", None)) in self._closed
        return by_closed or bool(self._reason(record, self._page))

    # what leads to them

    def _full_records(self, value: Any) -> Iterator[Struct]:
        """The posts and users that stay; a mere reference to one is none."""
        if value.__class__ is list:
            for item in value:
                yield from self._full_records(item)
        elif isinstance(value, Struct):
            if self._is_full(value):
                yield value
            for attribute in value.__struct_fields__:
                yield from self._full_records(getattr(value, attribute))

    def _is_full(self, record: Struct) -> bool:
        name = self._objects.get(type(record), "")
        return (
            name in references("named_by") and name != "v2.mention" and (name not in POST_OBJECTS or _has_text(record))
        )

    def _purge(self, record: Struct, gone: set[str], long: tuple[str, ...]) -> None:
        for attribute in record.__struct_fields__:
            value: Any = getattr(record, attribute)
            if attribute in TEXTS:
                continue
            if value.__class__ is list:
                setattr(record, attribute, [item for item in value if not self._leads_there(item, gone, long)])
                for item in items(getattr(record, attribute)):
                    if isinstance(item, Struct):
                        self._purge(item, gone, long)
            elif isinstance(value, Struct):
                if self._leads_there(value, gone, long):
                    setattr(record, attribute, UNSET)
                else:
                    self._purge(value, gone, long)
            elif _names(value, gone, long):
                setattr(record, attribute, UNSET)

    def _leads_there(self, value: Any, gone: set[str], long: tuple[str, ...]) -> bool:
        """Whether a value names what is gone. A post or user that stays does not go for what it says."""
        if isinstance(value, Struct):
            return not self._is_full(value) and any(_names(getattr(value, key, None), gone, long) for key in OWN_KEYS)
        return _names(value, gone, long)


def _has_text(record: Struct) -> bool:
    return any(getattr(record, key, None) for key in ("text", "full_text", "body", "user", "author"))


def _names(value: Any, gone: set[str], long: tuple[str, ...]) -> bool:
    """Whether a value is one of the names, or a link with one in it."""
    if value.__class__ is int:
        return str(value) in gone
    if value.__class__ is not str:
        return False
    value = value.lower()
    return value in gone or ("/" in value and " " not in value and any(name in value for name in long))
