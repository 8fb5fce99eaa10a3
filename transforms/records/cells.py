"""Cells: what a value must look like to stand in a row. What does not is left out, whatever field it came from."""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from xsieve.configs import table
from xsieve.transforms.records.scrub import scrub
from xsieve.transforms.records.times import CUTS, hour_of, seconds, seconds_of_id

MAX_NAME = 100  # characters of a client's or a city's name
_ANCHOR = re.compile(r'\s*<a\s[^>]*?href\s*=\s*"([^"]*)"[^>]*>([^<]*)</a>\s*', re.IGNORECASE)
_PROFILE = re.compile(r"^(?:https?:)?(?://)?(?:www\.|mobile\.)?(?:twitter|x)\.com/(?:#!/)?(\w+)/?$", re.IGNORECASE)
_OWN_PAGES = frozenset({"download", "home", "about", "devices", "tweetdeck"})


def matching(form: str) -> Callable[[Any], str | None]:
    """A cell for text that must match from end to end."""
    fits = re.compile(form).fullmatch

    @lru_cache(65536)
    def cell(value: Any) -> str | None:
        return value if value.__class__ is str and fits(value) else None

    return cell


def rounded(value: Any) -> int | None:
    """A count to two significant digits."""
    if value.__class__ is not int or value < 0:
        return None
    if value < 100:
        return value
    unit = 10 ** (len(str(value)) - 2)
    return (value + unit // 2) // unit * unit


def exact(value: Any) -> int | None:
    """A count as it is, if it can be one."""
    return value if value.__class__ is int and 0 <= value < 2**53 else None


def moment(cut: str) -> Callable[[Any], str | None]:
    """A cell for times (or ids that hold one), cut to the hour or day, or exact to the second: ``2020-03-01T14:00:00Z``."""
    cut_seconds = CUTS[cut]

    def cell(value: Any) -> str | None:
        if cut == "hour" and value.__class__ is str and (hour := hour_of(value[:13] + value[19:])):
            return hour
        second = seconds(value)
        if second is None:
            second = _seconds_of_any_id(value)
        return None if second is None else cut_seconds(second)

    return cell


def _seconds_of_any_id(value: Any) -> int | None:
    if value.__class__ is str and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return seconds_of_id(value) if value.__class__ is int and value < 2**63 else None


@cache
def products() -> frozenset[str]:
    """Names of clients that are products, not somebody's own."""
    return frozenset(line.cells["client"] for line in table("clients.tsv"))


@lru_cache(65536)
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
