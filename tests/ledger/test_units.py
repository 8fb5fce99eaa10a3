"""Units that are told apart: streams that are replayed, series that are corrected, and keys that are destroyed."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from clusters.postgres import Postgres
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger.new_ledgers import new_sqlite
from ledger.offers import EXEMPT, IDS, MICROSECOND, MONTH, START, Clock, hydrated, offer

from xsieve.transforms.ledger import DigestConflictError, Ledger, LedgerError, open_ledger, supplement_id
from xsieve.transforms.ledger.unit_keys import among, distinct, keys_of
from xsieve.transforms.records.outflow import Cap

SMALL = Cap(10, "entity", "rolling_30_days", "small")
WINDOW = offer("climate-lab-2026-11-26T09", digest="", cap=SMALL)
SOME = 1_234_035_696_597_499_904  # an id as posts have them


def ids(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64) + SOME


def used(ledger: Ledger) -> int:
    return sum(one.used for one in ledger.usage())


# --- streams


@given(
    st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
@settings(max_examples=25)
def test_each_unit_counts_once_however_it_is_replayed(slices: list[list[int]], random: object) -> None:
    """The same release offered again whole, in other slices, in another order, or with more objects."""
    with new_sqlite() as url, open_ledger(url, clock=Clock()) as ledger:
        for one in slices:
            assert ledger.reserve_units(WINDOW, ids(*one)).granted.all()
        whole = [number for one in slices for number in one]
        random.shuffle(whole)
        for replay in (whole, whole[::2], [*whole, 9], whole[::-1]):
            answer = ledger.reserve_units(WINDOW, ids(*replay))
            assert answer.granted.all()
        assert used(ledger) == len({*whole, 9})
        assert ledger.reserve_units(WINDOW, ids(*whole)).decision.repeated


def test_new_units_are_granted_or_denied_as_a_whole_and_held_ones_stay(ledger: Ledger) -> None:
    """A slice with too many new units gets none of them; what it repeats stays granted."""
    ledger.reserve_units(WINDOW, ids(*range(8)))
    answer = ledger.reserve_units(WINDOW, ids(6, 7, 8, 9, 10))
    assert answer.parts.tolist() == [0, 0, 1, 1, 1]
    assert answer.granted.tolist() == [True, True, False, False, False]
    decision = answer.decision
    assert (decision.granted, decision.units, decision.used, decision.left) == (False, 8, 8, 2)
    assert decision.fits_from == START + MONTH + MICROSECOND
    assert ledger.reserve_units(WINDOW, ids(11, 12)).granted.all()


def test_a_denied_unit_stays_denied_though_it_would_fit(ledger: Ledger, clock: Clock) -> None:
    """A replay after the window has moved on changes nothing of what was answered."""
    ledger.reserve_units(WINDOW, ids(*range(8)))
    ledger.reserve_units(WINDOW, ids(8, 9, 10))
    clock.turn(timedelta(days=29))
    late = ledger.reserve_units(WINDOW, ids(8, 9))  # two would fit
    assert (late.parts.tolist(), late.decision.repeated, late.decision.remembered) == ([1, 1], True, True)
    assert (used(ledger), late.decision.granted) == (8, False)


def test_what_is_denied_becomes_supplements_by_number(ledger: Ledger, clock: Clock) -> None:
    """Each is a release of its own, which a person hands over; the stream never publishes it."""
    ledger.reserve_units(WINDOW, ids(*range(9)))
    ledger.reserve_units(WINDOW, ids(10, 11))
    answer = ledger.reserve_units(WINDOW, ids(0, 10, 12, 13, 14))
    assert answer.parts.tolist() == [0, 1, 2, 2, 2]
    first, second = (ledger.release(supplement_id(WINDOW.release, number)) for number in (1, 2))
    assert [(one.state, one.units, one.supplement_of) for one in (first, second)] == [
        ("withheld", 2, WINDOW.release),
        ("withheld", 3, WINDOW.release),
    ]
    assert not ledger.reserve(first.offer).granted
    clock.turn(timedelta(days=20))
    assert ledger.reserve_units(WINDOW, ids(0, 10)).decision.repeated  # the window is still open
    clock.turn(timedelta(days=10) + MICROSECOND)
    assert ledger.reserve(first.offer, by="R. Data").granted
    ledger.published(first.offer.release, place="out/climate/supplement-1")
    assert ledger.reserve_units(WINDOW, ids(10, 11)).parts.tolist() == [1, 1]
    assert used(ledger) == 2


def test_a_window_that_was_denied_whole_is_a_supplement(ledger: Ledger) -> None:
    """And a late slice that fits is the release."""
    denied = ledger.reserve_units(WINDOW, ids(*range(11)))
    assert (denied.decision.never, denied.decision.state, set(denied.parts)) == (True, "withheld", {1})
    assert ledger.release(WINDOW.release) is None
    late = ledger.reserve_units(WINDOW, ids(3, 20))
    assert (late.parts.tolist(), late.decision.granted) == ([1, 0], True)
    assert ledger.release(WINDOW.release).units == 1


def test_late_units_after_publication_are_counted_and_published_again(ledger: Ledger) -> None:
    """The release is reserved again; void gives back only what has not left."""
    ledger.reserve_units(WINDOW, ids(1, 2, 3))
    ledger.published(WINDOW.release, place="out")
    late = ledger.reserve_units(WINDOW, ids(1, 2, 3, 4))
    assert (late.decision.state, late.decision.units, late.decision.used) == ("reserved", 4, 4)
    assert ledger.void(WINDOW.release, reason="a mistake", by="R. Data") == 1
    assert used(ledger) == 3


def test_after_a_void_nothing_of_a_window_is_granted_again(ledger: Ledger) -> None:
    """A replay finds all of it withheld: a person gave it up."""
    ledger.reserve_units(WINDOW, ids(1, 2))
    ledger.published(WINDOW.release, place="out")
    ledger.void(WINDOW.release, reason="wrong filter", by="R. Data")
    replay = ledger.reserve_units(WINDOW, ids(1, 2, 3))
    assert (replay.parts.tolist(), replay.decision.granted, replay.decision.remembered) == ([1, 1, 1], False, True)
    assert used(ledger) == 2
    *_, event = ledger.events()
    assert (event.release, event.detail) == (supplement_id(WINDOW.release, 1), {"because": "void"})


def test_units_without_a_cap_are_told_apart_too(ledger: Ledger) -> None:
    """Exempt streams are counted exactly under replay."""
    exempt = WINDOW._replace(cap=None, clause=EXEMPT)
    for slice_ in (ids(1, 2), ids(2, 3)):
        assert ledger.reserve_units(exempt, slice_).granted.all()
    (usage,) = ledger.usage()
    assert (usage.used, usage.uncapped) == (0, 3)


def test_an_empty_slice_counts_nothing(ledger: Ledger) -> None:
    """It is granted, and leaves no trace."""
    answer = ledger.reserve_units(WINDOW, ids())
    assert (answer.decision.granted, len(answer.parts), list(ledger.events())) == (True, 0, [])


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (WINDOW._replace(recipient="bo"), "another recipient"),
        (WINDOW._replace(unit="user_id"), "another kind of unit"),
        (WINDOW._replace(series="climate"), "a series takes fixed sets"),
        (hydrated(WINDOW.release, digest=""), "no stream"),
    ],
)
def test_an_open_set_is_of_one_recipient_one_unit_and_no_series(ledger: Ledger, other: object, why: str) -> None:
    """Anything else is an error, and counts nothing."""
    ledger.reserve_units(WINDOW, ids(1))
    with pytest.raises(LedgerError, match=why):
        ledger.reserve_units(other, ids(2))
    assert used(ledger) == 1


def test_a_release_is_either_a_fixed_set_or_an_open_one(ledger: Ledger) -> None:
    """Neither can be offered as the other."""
    ledger.reserve(offer("fixed", 3))
    with pytest.raises(DigestConflictError):
        ledger.reserve_units(offer("fixed", digest=""), ids(1))
    ledger.reserve_units(WINDOW, ids(1))
    with pytest.raises(DigestConflictError):
        ledger.reserve(WINDOW._replace(digest="sha256:1"))


# --- series


def issue(name: str, numbers: range | list[int], **changed: object) -> tuple[object, np.ndarray]:
    """An issue of a corrected data set."""
    distinct = sorted(set(numbers))
    fields = {"series": "climate", "digest": f"sha256:{distinct}", "cap": SMALL, **changed}
    return offer(name, len(distinct), **fields), ids(*numbers)


def reserve(ledger: Ledger, issued: tuple[object, np.ndarray], by: str | None = None) -> object:
    return ledger.reserve(issued[0], ids=issued[1], by=by)


def test_an_id_counts_once_in_30_days_of_a_series(ledger: Ledger) -> None:
    """A corrected issue counts only what is new in it."""
    assert reserve(ledger, issue("first", range(8))).used == 8
    second = reserve(ledger, issue("second", range(1, 10)))
    assert (second.granted, second.units, second.used) == (True, 9, 10)
    *_, event = ledger.events()
    assert (event.units, event.counted, event.detail) == (9, 2, {"series": "climate"})


def test_an_issue_is_whole_or_not_at_all(ledger: Ledger) -> None:
    """Three new ids where two fit: nothing of it is granted, though most was received before."""
    reserve(ledger, issue("first", range(8)))
    second = reserve(ledger, issue("second", range(11)))
    assert (second.granted, second.units, second.used, second.never) == (False, 0, 8, True)
    third = reserve(ledger, issue("third", [*range(5), 20, 21, 22]))
    assert (third.granted, third.never, third.fits_from) == (False, False, START + MONTH + MICROSECOND)


def test_an_issue_fits_when_others_have_ended_not_when_its_own_ids_have(ledger: Ledger, clock: Clock) -> None:
    """Ids of it that no longer count would count again."""
    reserve(ledger, issue("first", range(5)))
    clock.turn(timedelta(days=10))
    ledger.reserve(offer("other", 5, cap=SMALL))
    denied = reserve(ledger, issue("second", range(8)))
    assert denied.fits_from == START + timedelta(days=10) + MONTH + MICROSECOND
    clock.now = denied.fits_from - MICROSECOND
    assert not reserve(ledger, issue("second", range(8)), by="R. Data").granted
    clock.now = denied.fits_from
    assert reserve(ledger, issue("second", range(8)), by="R. Data").used == 8


def test_what_is_received_again_counts_from_then(ledger: Ledger, clock: Clock) -> None:
    """So that no 30 days hold more distinct ids than the cap."""
    reserve(ledger, issue("first", range(10)))
    clock.turn(timedelta(days=29))
    assert reserve(ledger, issue("second", range(10))).granted
    clock.turn(timedelta(days=2))  # the first issue is out of the window, the second is not
    other = reserve(ledger, issue("other", [50]))
    assert (other.granted, other.used) == (False, 10)
    assert other.fits_from == START + timedelta(days=29) + MONTH + MICROSECOND


def test_what_a_colleague_receives_again_still_counts_for_the_first(ledger: Ledger) -> None:
    """Where a policy of one's own caps recipients too."""
    reserve(ledger, issue("first", range(8)))
    reserve(ledger, issue("second", range(8), recipient="bo"))
    one_person = Cap(10, "recipient", "rolling_30_days", "tightened")
    assert ledger.reserve(offer("third", 1, cap=one_person)).used == 9
    assert not ledger.reserve(offer("fourth", 2, cap=one_person)).granted


def test_an_id_is_counted_once_however_often_it_is_issued(ledger: Ledger) -> None:
    """Each issue takes over from the one before."""
    wide = Cap(100, "entity", "rolling_30_days", "wide")
    totals = [reserve(ledger, issue(f"issue {n}", range(n, n + 8), cap=wide)).used for n in range(5)]
    assert totals == [8, 9, 10, 11, 12]
    assert used(ledger) == 12
    assert reserve(ledger, issue("all again", range(12), cap=wide)).used == 12


def test_after_30_days_an_id_counts_again(ledger: Ledger, clock: Clock) -> None:
    """Its key is gone by then."""
    reserve(ledger, issue("first", range(8)))
    clock.turn(MONTH)
    assert reserve(ledger, issue("second", range(4))).used == 8
    clock.turn(MICROSECOND)
    assert reserve(ledger, issue("third", range(2, 8))).used == 8  # 4 of the second issue, 2 of them again, 4 anew


def test_void_of_a_correction_keeps_what_the_first_issue_delivered(ledger: Ledger) -> None:
    """Only the ids that were new in it are given back."""
    reserve(ledger, issue("first", range(8)))
    ledger.published("first", place="out")
    reserve(ledger, issue("second", range(10)))
    assert ledger.void("second", reason="a mistake", by="R. Data") == 2
    assert used(ledger) == 8
    assert reserve(ledger, issue("third", [8, 9])).used == 10


@pytest.mark.parametrize(
    ("changed", "count"),
    [
        ({}, 8),
        ({"series": "weather"}, 16),
        ({"series": None}, 16),
        ({"entity": "other", "entity_names": (), "recipient": "ana"}, 8),
        ({"recipient": "bo"}, 8),
    ],
    ids=["the same", "another series", "no series", "another entity", "a colleague"],
)
def test_only_the_same_series_to_the_same_entity_is_spared(
    ledger: Ledger, changed: dict[str, object], count: int
) -> None:
    """Each entity and each series by itself."""
    wide = Cap(100, "entity", "rolling_30_days", "wide")
    reserve(ledger, issue("first", range(8), cap=wide))
    assert reserve(ledger, issue("second", range(8), **{"cap": wide, **changed})).used == count


def test_ids_of_two_kinds_are_never_the_same_unit(ledger: Ledger) -> None:
    """A user may have the number of a post."""
    reserve(ledger, issue("first", range(5)))
    decision = reserve(ledger, issue("second", range(5), unit="user_id"))
    assert decision.used == 5
    assert used(ledger) == 10


@pytest.mark.parametrize("cap", [None, Cap(10, "recipient", "utc_day", "tightened")], ids=["no cap", "another cap"])
def test_where_nothing_can_be_spared_a_series_needs_no_ids(ledger: Ledger, cap: Cap | None) -> None:
    """Releases are counted whole then."""
    for name in ("first", "second"):
        assert ledger.reserve(offer(name, 5, series="climate", cap=cap)).granted
    assert sum(event.counted for event in ledger.events()) == 10


def test_a_series_needs_the_ids_that_it_offers(ledger: Ledger) -> None:
    """None, or others than it says, are an error."""
    for given_ids in (None, ids(1, 2), ids(1, 2, 3, 4)):
        with pytest.raises(LedgerError, match=r"needs its ids|distinct ids"):
            ledger.reserve(offer(units=3, series="climate"), ids=given_ids)
    assert used(ledger) == 0
    assert ledger.reserve(offer(units=3, series="climate"), ids=ids(1, 2, 3, 3)).granted


def test_an_issue_again_is_a_no_op_even_after_a_later_one(ledger: Ledger, clock: Clock) -> None:
    """A job that runs every day does not count what it published once."""
    reserve(ledger, issue("first", range(8)))
    reserve(ledger, issue("second", range(8)))
    clock.turn(timedelta(days=40))
    again = reserve(ledger, issue("first", range(8)))
    assert (again.granted, again.repeated, again.used) == (True, True, 0)


# --- keys


def test_keys_are_made_of_the_id_and_the_secret() -> None:
    """The same id gives the same key under the same secret only; 128 bits each, in the order of the ids."""
    some = ids(3, 1, 3)
    keys, others = keys_of(some, b"a" * 32), keys_of(some, b"b" * 32)
    assert keys.dtype == "S16"
    assert keys[0] == keys[2] != keys[1]
    assert not set(keys.tolist()) & set(others.tolist())
    assert len(keys_of(ids(), b"a" * 32)) == 0
    assert distinct(some).tolist() == ids(1, 3).tolist()
    assert distinct(ids()).tolist() == []
    many = np.arange(250_001)
    assert len(np.unique(keys_of(many, b"a" * 32))) == len(many)
    assert keys_of(many, b"a" * 32)[200_123] == keys_of(many[200_123:200_124], b"a" * 32)[0]


def test_ids_that_went_through_a_float_are_refused(ledger: Ledger) -> None:
    """They are others by then."""
    with pytest.raises(TypeError, match="whole numbers"):
        ledger.reserve_units(WINDOW, ids(1, 2).astype(np.float64))
    assert ledger.releases() == []


@given(st.sets(st.binary(min_size=16, max_size=16)), st.sets(st.binary(min_size=16, max_size=16)))
def test_keys_are_found_among_others_whatever_their_bytes(some: set[bytes], others: set[bytes]) -> None:
    """Also those that end in zeros, of which numpy would make shorter texts."""
    some, others = some | {b"\0" * 16, b"a" * 15 + b"\0"}, others | {b"a" * 15 + b"\0"}
    mine, theirs = (np.sort(np.array(list(keys), "S16")) for keys in (some, others))
    found = {key.tobytes().ljust(16, b"\0") for key in mine[among(mine, theirs)]}
    assert found == some & others


def tables(url: str, postgres: Postgres | None) -> tuple[list[bytes], int]:
    """The secrets in a ledger, and how many sets of keys."""
    if postgres:
        schema = url.rpartition("%3D")[2]
        secrets = postgres.sql(f"SELECT secret FROM {schema}.outflow_scopes WHERE secret IS NOT NULL")
        return [bytes(secret) for (secret,) in secrets], len(postgres.sql(f"SELECT id FROM {schema}.outflow_keys"))
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        secrets = connection.execute("SELECT secret FROM outflow_scopes WHERE secret IS NOT NULL").fetchall()
        count = connection.execute("SELECT count(*) FROM outflow_keys").fetchone()[0]
    connection.close()
    return [secret for (secret,) in secrets], count


def test_secrets_and_keys_are_destroyed_when_no_window_can_need_them(
    request: pytest.FixtureRequest, url: str, clock: Clock
) -> None:
    """30 days after the last entry; the events stay."""
    postgres = request.getfixturevalue("postgres") if url.startswith("postgresql") else None
    with open_ledger(url, clock=clock) as ledger:
        ledger.reserve_units(WINDOW, ids(1, 2, 3))
        reserve(ledger, issue("first", range(3), entity="other", entity_names=(), recipient="ana"))
        clock.turn(MONTH)
        ledger.reserve(offer("meanwhile", 1))
        assert [len(found) if isinstance(found, list) else found for found in tables(url, postgres)] == [2, 2]
        clock.turn(MICROSECOND)
        ledger.reserve(offer("later", 1))
        assert tables(url, postgres) == ([], 0)
        assert [event.counted for event in ledger.events()] == [3, 3, 1, 1]


def test_what_is_destroyed_is_no_longer_in_the_file(sqlite_url: str, clock: Clock) -> None:
    """Not in free pages, and not in the journal; nor were ids ever."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with open_ledger(sqlite_url, clock=clock) as ledger:
        ledger.reserve_units(WINDOW, ids(1, 2, 3))
        (secret,), _ = tables(sqlite_url, None)
        key = keys_of(ids(1), secret)[0]
        files = b"".join(file.read_bytes() for file in path.parent.iterdir())
        assert secret in files
        assert key in files
        assert str(SOME + 1).encode() not in files
        assert int(SOME + 1).to_bytes(8, "little") not in files
        clock.turn(MONTH + MICROSECOND)
        ledger.reserve(offer("later", 1))
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert secret not in files
    assert key not in files


def test_a_window_whose_keys_are_destroyed_is_closed(ledger: Ledger, clock: Clock) -> None:
    """What a very late replay brings may have left before, so a person has to look at it."""
    ledger.reserve_units(WINDOW, ids(1, 2))
    ledger.published(WINDOW.release, place="out")
    clock.turn(MONTH + MICROSECOND)
    replay = ledger.reserve_units(WINDOW, ids(1, 2))
    assert (replay.parts.tolist(), replay.decision.remembered, replay.decision.used) == ([1, 1], True, 0)
    *_, event = ledger.events()
    assert event.detail == {"because": "closed"}
    assert ledger.reserve_units(WINDOW, ids(3)).parts.tolist() == [2]


def test_a_window_that_is_still_written_to_keeps_all_its_keys(ledger: Ledger, clock: Clock) -> None:
    """However long ago its first slice came."""
    ledger.reserve_units(WINDOW, ids(1))
    for number in range(2, 6):
        clock.turn(timedelta(days=20))
        ledger.reserve_units(WINDOW, ids(number))
    assert ledger.reserve_units(WINDOW, ids(1, 2, 3, 4, 5)).decision.repeated


def test_the_full_number_of_ids_is_reserved_and_recognised(ledger: Ledger) -> None:
    """1.5 M ids of a series, and again with a correction."""
    first = np.arange(1_500_000) * 4096 + SOME
    second = np.concatenate([first[1:], first[:1] + 1])
    assert ledger.reserve(offer("first", 1_500_000, series="climate", cap=IDS), ids=first).used == 1_500_000
    denied = ledger.reserve(offer("second", 1_500_000, digest="d", series="climate", cap=IDS), ids=second)
    assert (denied.granted, denied.never, denied.used) == (False, False, 1_500_000)
