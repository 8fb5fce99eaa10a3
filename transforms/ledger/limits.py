"""Spans of time and what fits into them: pure arithmetic on whole microseconds since 1970 UTC.

A unit counts from the moment it is reserved. In a rolling span it counts for 30 times 86,400 s, and still at the last moment
of them (the careful reading of "within any 30 days"). In a day it counts until midnight UTC.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from xsieve.transforms.records.outflow import Cap, Span

DAY = 86_400_000_000
ROLLING = 30 * DAY
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def micros(moment: datetime) -> int:
    """A moment, with its time zone, as whole microseconds since 1970 UTC."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(at: int) -> datetime:
    """Microseconds since 1970 as a moment in UTC."""
    return EPOCH + timedelta(microseconds=at)


def starts(span: Span, now: int) -> int:
    """The earliest time from which units still count now."""
    return now - ROLLING if span == "rolling_30_days" else now - now % DAY


def ends(span: Span, at: int) -> int:
    """The first moment at which units of a time no longer count."""
    return at + ROLLING + 1 if span == "rolling_30_days" else at - at % DAY + DAY


def fits(cap: Cap | None, used: int, new: int, total: int) -> bool:
    """Whether a release of so many units in total, so many of them not counted yet, stays within the cap."""
    return cap is None or total == 0 or used + new <= cap.units


def fits_from(frees: Iterable[tuple[int, int]], excess: int, now: int) -> int | None:
    """The first time at which so many units too many have stopped counting; ``frees``: (when, how many)."""
    if excess <= 0:
        return now
    for when, units in sorted(frees):
        excess -= units
        if excess <= 0:
            return when
    return None
