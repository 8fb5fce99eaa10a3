"""Limits at their boundaries: the last unit, the last millisecond, the last microsecond; and a clock that is set back."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from ledger.offers import HYDRATED, IDS, MICROSECOND, MONTH, Clock, hydrated, offer

from xsieve.transforms.ledger import Ledger
from xsieve.transforms.ledger.limits import DAY, ROLLING, ends, fits_from, micros, moment, starts

# --- units


@pytest.mark.parametrize("one", [hydrated, offer], ids=["hydrated", "post ids"])
@pytest.mark.parametrize(("below", "granted"), [(-1, True), (0, True), (1, False)])
@pytest.mark.parametrize("releases", [1, 2, 7])
def test_the_last_unit_decides(ledger: Ledger, one: object, below: int, granted: bool, releases: int) -> None:
    """49,999, 50,000 and 50,001 objects, 1,499,999, 1,500,000 and 1,500,001 ids: in one release or in many."""
    cap = HYDRATED.units if one is hydrated else IDS.units
    total = cap + below
    parts = [total - (releases - 1) * 7, *[7] * (releases - 1)]
    decisions = [ledger.reserve(one(f"r{n}", units), by="R. Data") for n, units in enumerate(parts)]
    assert [decision.granted for decision in decisions] == [True] * (releases - 1) + [granted]
    (usage,) = ledger.usage() or [None]
    expected = total if granted else sum(parts[:-1])
    assert (usage.used if usage else 0) == expected


def test_the_last_unit_decides_by_unit_keys(ledger: Ledger) -> None:
    """1,499,999, one more, and one more: slices of a stream."""
    stream = offer(digest="")
    first = ledger.reserve_units(stream, np.arange(1_499_999))
    last = ledger.reserve_units(stream, np.array([5, 1_499_999]))
    over = ledger.reserve_units(stream, np.array([5, 1_500_000]))
    assert [one.decision.granted for one in (first, last, over)] == [True, True, False]
    assert (first.decision.used, last.decision.used, over.decision.used) == (1_499_999, 1_500_000, 1_500_000)
    assert over.parts.tolist() == [0, 1]


# --- time


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("first", "second", "same_day"),
    [
        ("2026-11-26T00:00:00.000", "2026-11-26T23:59:59.999", True),
        ("2026-11-26T23:59:59.999", "2026-11-27T00:00:00.000", False),
        ("2026-11-26T23:59:59.999", "2026-11-26T23:59:59.999999", True),
        ("2028-02-28T12:00:00.000", "2028-02-29T00:00:00.000", False),
        ("2026-12-31T23:59:59.999", "2027-01-01T00:00:00.000", False),
    ],
)
def test_days_are_those_of_utc_to_the_millisecond(
    ledger: Ledger, clock: Clock, first: str, second: str, same_day: bool
) -> None:
    """A budget begins at 00:00:00.000Z and ends at 23:59:59.999Z."""
    clock.now = day(first)
    assert ledger.reserve(hydrated("a", 50_000), by="R. Data").granted
    clock.now = day(second)
    assert ledger.reserve(hydrated("b", 50_000), by="R. Data").granted is not same_day


def test_days_do_not_depend_on_the_zone_of_the_clock(ledger: Ledger, clock: Clock) -> None:
    """Half past midnight in Porto in summer is still the day before."""
    clock.now = datetime(2026, 7, 2, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    ledger.reserve(hydrated("a", 50_000), by="R. Data")
    clock.now = datetime(2026, 7, 2, 0, 59, tzinfo=timezone(timedelta(hours=1)))
    assert not ledger.reserve(hydrated("b", 1), by="R. Data").granted
    clock.now = datetime(2026, 7, 2, 1, 0, tzinfo=timezone(timedelta(hours=1)))
    assert ledger.reserve(hydrated("c", 1), by="R. Data").granted


@pytest.mark.parametrize(
    ("after", "free"),
    [(MONTH - MICROSECOND, False), (MONTH, False), (MONTH + MICROSECOND, True)],
    ids=["within", "exactly 30 days", "after"],
)
def test_what_is_exactly_30_days_old_still_counts(ledger: Ledger, clock: Clock, after: timedelta, free: bool) -> None:
    """The window is 30 times 86,400 s, both ends included."""
    ledger.reserve(offer("a", 1_500_000))
    clock.turn(after)
    assert ledger.reserve(offer("b", 1)).granted is free


def test_the_window_rolls_and_does_not_follow_the_calendar(ledger: Ledger, clock: Clock) -> None:
    """What was released at the end of a month is not forgotten at the beginning of the next."""
    clock.now = day("2027-01-31T23:00:00")
    ledger.reserve(offer("a", 1_500_000))
    clock.now = day("2027-02-01T01:00:00")
    assert not ledger.reserve(offer("b", 1)).granted


@pytest.mark.parametrize("one", [hydrated, offer], ids=["hydrated", "post ids"])
@pytest.mark.parametrize("back", [timedelta(hours=12), timedelta(days=1), timedelta(days=400)])
def test_a_clock_that_is_set_back_frees_nothing(ledger: Ledger, clock: Clock, one: object, back: timedelta) -> None:
    """The ledger's time never runs backwards, so yesterday's budget cannot be used today."""
    cap = HYDRATED.units if one is hydrated else IDS.units
    ledger.reserve(one("a", cap), by="R. Data")
    clock.turn(-back)
    assert not ledger.reserve(one("b", 1), by="R. Data").granted
    times = [event.at for event in ledger.events()]
    assert times == sorted(times)


def test_without_a_clock_time_is_the_databases_or_this_machines(url: str) -> None:
    """Entries carry a time of now, in UTC."""
    from xsieve.transforms.ledger import open_ledger

    before = datetime.now(timezone.utc)
    with open_ledger(url) as ledger:
        ledger.reserve(offer())
        (event,) = ledger.events()
    assert before - timedelta(seconds=5) <= event.at <= datetime.now(timezone.utc) + timedelta(seconds=5)


# --- the arithmetic behind it


def test_moments_are_kept_to_the_microsecond() -> None:
    """Also before 1970 and far away, where floats would round."""
    for at in (datetime(1969, 12, 31, 23, 59, 59, 999_999), datetime(2026, 1, 1, 0, 0, 0, 1), datetime(9999, 12, 31)):
        exact = at.replace(tzinfo=timezone.utc)
        assert moment(micros(exact)) == exact


def test_units_end_when_they_no_longer_lie_within_the_span() -> None:
    """The last moment at which they count, and the first at which they do not."""
    at = 20_000 * DAY + 12_345
    for span in ("rolling_30_days", "utc_day"):
        end = ends(span, at)
        assert starts(span, end - 1) <= at < starts(span, end)
    assert ends("rolling_30_days", at) == at + ROLLING + 1


def test_it_fits_as_soon_as_enough_has_ended() -> None:
    """Not before, not later, in whatever order it is told."""
    frees = [(30, 5), (10, 2), (20, 3)]
    assert [fits_from(frees, excess, now=7) for excess in (-1, 0, 1, 2, 3, 5, 6, 10, 11)] == [
        7,
        7,
        10,
        10,
        20,
        20,
        30,
        30,
        None,
    ]
