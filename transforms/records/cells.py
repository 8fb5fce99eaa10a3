"""Cells: what a value must look like to stand in a row. What does not is left out, whatever field it came from."""

import re
from collections.abc import Callable, Iterable
from functools import cache
from operator import itemgetter
from typing import Any

from xsieve.configs import table
from xsieve.transforms.records.scrub import scrub
from xsieve.transforms.records.times import CUTS, hour_of, seconds, seconds_of_id

MAX_NAME = 100  # characters of a client's or a city's name
MAX_KNOWN = 1 << 17  # values that a cell remembers before it begins anew
_ANCHOR = re.compile(r'\s*<a\s[^>]*?href\s*=\s*"([^"]*)"[^>]*>([^<]*)</a>\s*', re.IGNORECASE)
_PROFILE = re.compile(r"^(?:https?:)?(?://)?(?:www\.|mobile\.)?(?:twitter|x)\.com/(?:#!/)?(\w+)/?$", re.IGNORECASE)
_OWN_PAGES = frozenset({"download", "home", "about", "devices", "tweetdeck"})


class Cell(dict[Any, Any]):
    """A function from values to cells that remembers what it gave: ``map(cell.__getitem__, values)`` runs at the speed of dicts."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: Any) -> Any:
        if len(self) >= MAX_KNOWN:
            self.clear()
        made = self[value] = self._make(value)
        return made

    def all(self, values: Iterable[Any]) -> list[Any]:
        """The cells of many values; None where a value cannot even be looked up."""
        try:
            return list(map(self.__getitem__, values))
        except TypeError:
            return [self._one(value) for value in values]

    def all_of_each(self, lists: list[Any]) -> list[list[Any]]:
        """The cells of the values of many lists, without those that are left out; no list, no cells."""
        try:
            return [[cell for value in values if (cell := self[value])] if values else [] for values in lists]
        except TypeError:
            return [list(filter(None, self.all(values))) if values else [] for values in lists]

    def _one(self, value: Any) -> Any:
        try:
            return self[value]
        except TypeError:
            return None


def matching(form: str) -> Cell:
    """A cell for text that must match from end to end."""
    fits = re.compile(form).fullmatch
    return Cell(lambda value: value if value.__class__ is str and fits(value) else None)


def rounded(value: Any) -> int | None:
    """A count to two significant digits, if it can be one."""
    if value.__class__ is not int or not 0 <= value < 2**53:
        return None
    if value < 100:
        return value
    unit = 10 ** (len(str(value)) - 2)
    return (value + unit // 2) // unit * unit


def exact(value: Any) -> int | None:
    """A count as it is, if it can be one."""
    return value if value.__class__ is int and 0 <= value < 2**53 else None


_HOUR = Cell(lambda key: hour_of(key[0] + key[1]))  # (before the minutes, after the seconds) -> the hour
_HOUR_Z = Cell(lambda before: hour_of(before + "Z"))
_BEFORE, _AFTER = itemgetter(slice(13)), itemgetter(slice(19, None))
V2_LENGTH = len("2020-03-01T14:15:16.000Z")


def moments(values: list[Any], cut: str) -> list[str | None]:
    """Times (or ids that hold one), cut to the hour or day, or exact to the second: ``2020-03-01T14:00:00Z``."""
    if cut != "hour":
        return [_moment(value, cut) for value in values]
    try:
        if set(map(len, values)) == {V2_LENGTH} and set("".join(values)[V2_LENGTH - 1 :: V2_LENGTH]) == {"Z"}:
            hours = _HOUR_Z.all(map(_BEFORE, values))
        else:
            hours = _HOUR.all(zip(map(_BEFORE, values), map(_AFTER, values), strict=True))
    except TypeError:
        return [_moment(value, cut) for value in values]
    return [hour or _moment(value, cut) for hour, value in zip(hours, values, strict=True)] if None in hours else hours


def _moment(value: Any, cut: str) -> str | None:
    second = seconds(value)
    if second is None:
        second = _seconds_of_any_id(value)
    return None if second is None else CUTS[cut](second)


def _seconds_of_any_id(value: Any) -> int | None:
    if value.__class__ is str and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return seconds_of_id(value) if value.__class__ is int and value < 2**63 else None


@cache
def products() -> frozenset[str]:
    """Names of clients that are products, not somebody's own."""
    return frozenset(line.cells["client"] for line in table("clients.tsv"))


def client(source: Any) -> str | None:
    """The name of a client, out of its anchor; None where the anchor leads to a profile or the name is no mere name."""
    if source.__class__ is not str:
        return None
    anchor = _ANCHOR.fullmatch(source)
    link, name = anchor.groups() if anchor else ("", source)
    profile = _PROFILE.match(link)
    if profile and profile[1].lower() not in _OWN_PAGES and name not in products():
        return None
    return plain_name(name)


def plain_name(name: Any) -> str | None:
    """A name of ordinary length in which there is nothing to scrub."""
    if name.__class__ is not str:
        return None
    name = name.strip()
    return name if 0 < len(name) <= MAX_NAME and "<" not in name and scrub(name) == name else None
