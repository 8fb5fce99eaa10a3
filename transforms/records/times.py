"""Times as X writes them, read and cut: ``Wed Aug 27 13:08:45 +0000 2008`` (v1.1) and ``2008-08-27T13:08:45.000Z`` (v2, Activity Streams).

Also the time that an id holds: ids made since 4 November 2010 count milliseconds (rules, section 6).
"""

from collections.abc import Callable
from datetime import datetime, timezone
from functools import lru_cache

EPOCH_MS = 1_288_834_974_657  # 2010-11-04T01:42:54.657Z, the zero of ids
FIRST_TIMED_ID = 100_000_000_000_000  # shorter ids are older than that, and hold no time
MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}


def seconds(value: object) -> int | None:
    """Seconds since 1970 UTC; None for what is no time."""
    if value.__class__ is not str:
        return None
    text = str(value)
    base = _hour_v1(text[:13] + text[19:]) if text[10:11] == " " else _hour_iso(text[:13], text[19:])
    try:
        return None if base is None else base + int(text[14:16]) * 60 + int(text[17:19])
    except ValueError:
        return None


@lru_cache(8192)
def _hour_v1(key: str) -> int | None:
    """``Wed Aug 27 13 +0000 2008`` -> seconds since 1970 at that hour."""
    try:
        _, month, day, hour, zone, year = key.split()
        return _utc(int(year), MONTHS[month], int(day), int(hour)) if zone == "+0000" else None
    except (ValueError, KeyError, OverflowError):
        return None


def _utc(year: int, month: int, day: int, hour: int) -> int:
    return int(datetime(year, month, day, hour, tzinfo=timezone.utc).timestamp())


@lru_cache(8192)
def _hour_iso(hour: str, rest: str) -> int | None:
    """``2008-08-27T13`` and what follows the seconds (``.000Z``)."""
    zone = rest.lstrip(".0123456789") or "Z"
    try:
        return int(datetime.fromisoformat(hour + ":00:00" + zone.replace("Z", "+00:00")).timestamp())
    except (ValueError, OverflowError):
        return None


def seconds_of_id(number: int) -> int | None:
    """The time that an id holds, in seconds since 1970 UTC; None for ids that hold none."""
    return ((number >> 22) + EPOCH_MS) // 1000 if number >= FIRST_TIMED_ID else None


def iso(second: int) -> str:
    """Seconds since 1970 -> ``2008-08-27T13:08:45Z``."""
    return datetime.fromtimestamp(second, timezone.utc).isoformat().replace("+00:00", "Z")


@lru_cache(65536)
def _hour(second: int) -> str:
    return iso(second - second % 3600)


@lru_cache(8192)
def _day(second: int) -> str:
    return iso(second - second % 86400)


CUTS: dict[str, Callable[[int], str]] = {
    "hour": lambda second: _hour(second - second % 3600),
    "day": lambda second: _day(second - second % 86400),
    "exact": iso,
}


def hour_of(value: str) -> str | None:
    """The hour of a time without its minutes and seconds: ``2008-08-27T13`` + ``.000Z``, ``Wed Aug 27 13`` + `` +0000 2008``."""
    base = _hour_v1(value) if value[10:11] == " " else _hour_iso(value[:13], value[13:])
    return None if base is None else iso(base)
