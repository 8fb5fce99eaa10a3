"""Releases from offer to publication: what is answered, what is counted, what is written down."""

import itertools
from datetime import timedelta

import numpy as np
import pytest
from ledger.offers import EXEMPT, IDS, MICROSECOND, MONTH, START, Clock, hydrated, offer

from xsieve.transforms.ledger import DigestConflictError, Freeing, Ledger, LedgerError, open_ledger
from xsieve.transforms.ledger import ledger as ledger_module
from xsieve.transforms.records.outflow import Cap, Decision, Offer


def used(ledger: Ledger, unit: str = "post_id") -> int:
    return sum(one.used for one in ledger.usage() if one.unit == unit)


def kinds(ledger: Ledger, release: str | None = None) -> list[str]:
    return [event.kind for event in ledger.events(release)]


# --- idempotent


def test_the_same_set_again_is_a_no_op(ledger: Ledger) -> None:
    """A retry is granted again, and counted once."""
    first, again = (ledger.reserve(offer(units=7)) for _ in range(2))
    assert (first.granted, first.repeated, first.used, first.units) == (True, False, 7, 7)
    assert (again.granted, again.repeated, again.used, again.units) == (True, True, 7, 7)
    assert kinds(ledger) == ["reserved"]


@pytest.mark.parametrize(
    "other",
    [
        offer(units=7, digest="sha256:other"),
        offer(units=8, digest=offer(units=7).digest),
        offer(units=7, unit="user_id", cap=None),
        offer(units=7, recipient="somebody else"),
    ],
    ids=["digest", "units", "unit", "recipient"],
)
@pytest.mark.parametrize("state", ["prepared", "reserved", "published", "withheld"])
def test_another_set_under_a_known_id_is_an_error(ledger: Ledger, state: str, other: Offer) -> None:
    """Whatever state the release is in, as long as it was not given up; and nothing changes."""
    put(ledger, offer(units=7), state)
    before = kinds(ledger), used(ledger)
    with pytest.raises(DigestConflictError, match="climate-lab-1 is known to the ledger with other units"):
        ledger.reserve(other)
    with pytest.raises(DigestConflictError):
        ledger.prepare(other)
    assert (kinds(ledger), used(ledger)) == before


def put(ledger: Ledger, what: Offer, state: str) -> None:
    """Bring a release into a state."""
    if state == "prepared":
        ledger.prepare(what)
    elif state == "withheld":
        ledger.reserve(offer("in-the-way", 1_500_000, recipient="first"))
        assert not ledger.reserve(what).granted
    else:
        assert ledger.reserve(what).granted
        if state == "published":
            ledger.published(what.release, place="out/climate")


@pytest.mark.parametrize("state", ["prepared", "withheld"])
def test_a_release_that_was_given_up_may_come_back_as_another_set(ledger: Ledger, state: str) -> None:
    """Its id is free again; whether it may leave is for a person."""
    put(ledger, offer(units=7), state)
    ledger.discard("climate-lab-1", by="R. Data")
    other = ledger.reserve(offer(units=8))
    assert (other.granted, other.remembered, other.state) == (False, True, "withheld")


def test_a_denial_is_remembered_until_a_person_releases(ledger: Ledger, clock: Clock) -> None:
    """Even when it would fit by now."""
    put(ledger, offer(units=7), "withheld")
    clock.turn(MONTH + MICROSECOND)
    again = ledger.reserve(offer(units=7))
    assert (again.granted, again.remembered, again.repeated, again.fits_from) == (False, True, True, clock.now)
    assert kinds(ledger, "climate-lab-1") == ["withheld"]
    released = ledger.reserve(offer(units=7), by="R. Data")
    assert (released.granted, released.state, released.used) == (True, "reserved", 7)
    assert [event.by for event in ledger.events("climate-lab-1")] == [None, "R. Data"]


def test_a_person_cannot_release_over_the_limit(ledger: Ledger) -> None:
    """The cap holds for persons too; that they tried is written down."""
    put(ledger, offer(units=7), "withheld")
    tried = ledger.reserve(offer(units=7), by="R. Data")
    assert (tried.granted, tried.remembered, tried.clause) == (False, False, IDS.clause)
    assert [event.by for event in ledger.events("climate-lab-1")] == [None, "R. Data"]


# --- hydrated: never automated


def test_hydrated_content_is_prepared_and_released_by_a_person(ledger: Ledger) -> None:
    """Prepared counts nothing; without a person nothing is reserved."""
    prepared = ledger.prepare(hydrated(units=7))
    assert (prepared.granted, prepared.state, prepared.used, prepared.units) == (False, "prepared", 0, 0)
    with pytest.raises(LedgerError, match="a person has to release it"):
        ledger.reserve(hydrated(units=7))
    with pytest.raises(LedgerError, match="a person has to be named"):
        ledger.reserve(hydrated(units=7), by="  ")
    assert used(ledger, "hydrated") == 0
    released = ledger.reserve(hydrated(units=7), by="R. Data")
    assert (released.granted, released.state, used(ledger, "hydrated")) == (True, "reserved", 7)
    again = ledger.prepare(hydrated(units=7))
    assert (again.granted, again.repeated, again.state) == (True, True, "reserved")


def test_preparing_again_changes_nothing(ledger: Ledger) -> None:
    """Neither what is prepared, nor what was denied to a person."""
    ledger.prepare(hydrated(units=7))
    assert ledger.prepare(hydrated(units=7)).repeated
    ledger.reserve(hydrated("other", 49_999), by="R. Data")
    ledger.reserve(hydrated(units=7), by="R. Data")
    denied = ledger.prepare(hydrated(units=7))
    assert (denied.granted, denied.state, denied.remembered) == (False, "withheld", True)
    assert kinds(ledger, "sample-anna-1") == ["prepared", "withheld"]


def test_what_was_given_up_can_be_prepared_again(ledger: Ledger) -> None:
    """Nothing leaves with that: a person decides once more."""
    ledger.prepare(hydrated(units=7))
    ledger.discard("sample-anna-1", by="R. Data")
    assert (ledger.prepare(hydrated(units=7)).repeated, ledger.release("sample-anna-1").state) == (False, "prepared")
    ledger.reserve(hydrated(units=7), by="R. Data")
    ledger.void("sample-anna-1", reason="wrong person", by="R. Data")
    assert ledger.prepare(hydrated(units=8)).state == "prepared"
    assert kinds(ledger) == ["prepared", "discarded", "prepared", "reserved", "void", "prepared"]


def test_prepared_says_whether_it_would_fit(ledger: Ledger, clock: Clock) -> None:
    """Before a person is asked in vain."""
    assert ledger.prepare(hydrated("big", 50_001)).never
    ledger.reserve(hydrated("first", 50_000), by="R. Data")
    later = ledger.prepare(hydrated("second", 1))
    assert later.fits_from == clock.now.replace(hour=0, minute=0) + timedelta(days=1)


# --- published, void, discarded


def test_published_is_written_down_once(ledger: Ledger) -> None:
    """With place and files; again is a no-op, as after a crash."""
    ledger.reserve(offer(units=7))
    files = [{"name": "ids.txt", "units": 7, "sha256": "9f2c"}]
    known = ledger.published("climate-lab-1", place="out/climate", files=files)
    assert ledger.published("climate-lab-1", place="out/climate") == known
    assert known.state == "published"
    *_, event = ledger.events()
    assert event.detail == {"place": "out/climate", "files": files}
    assert kinds(ledger) == ["reserved", "published"]
    assert ledger.reserve(offer(units=7)).state == "published"


@pytest.mark.parametrize("state", ["prepared", "withheld"])
def test_what_was_not_granted_cannot_be_published(ledger: Ledger, state: str) -> None:
    """Nor made void; it can be discarded."""
    put(ledger, offer(units=7), state)
    with pytest.raises(LedgerError, match="was not granted"):
        ledger.published("climate-lab-1", place="out")
    with pytest.raises(LedgerError, match="discarded instead"):
        ledger.void("climate-lab-1", reason="a mistake", by="R. Data")
    ledger.discard("climate-lab-1", by="R. Data")
    assert ledger.release("climate-lab-1").state == "discarded"


def test_what_is_held_cannot_be_discarded(ledger: Ledger) -> None:
    """It counts, so giving it up needs a reason."""
    put(ledger, offer(units=7), "reserved")
    with pytest.raises(LedgerError, match="made void"):
        ledger.discard("climate-lab-1", by="R. Data")


def test_nobody_speaks_of_a_release_that_is_not_there(ledger: Ledger) -> None:
    """The ledger says so, and adds nothing."""
    for act in (
        lambda: ledger.published("nowhere", place="out"),
        lambda: ledger.void("nowhere", reason="a mistake", by="R. Data"),
        lambda: ledger.discard("nowhere", by="R. Data"),
    ):
        with pytest.raises(LedgerError, match="never heard of release nowhere"):
            act()
    assert ledger.release("nowhere") is None
    assert kinds(ledger) == []


def test_void_gives_back_what_never_left(ledger: Ledger) -> None:
    """Units of a reservation that was not published are free again, and the trace stays."""
    ledger.reserve(offer(units=7))
    assert ledger.void("climate-lab-1", reason="input was lost", by="R. Data") == 7
    assert used(ledger) == 0
    *_, event = ledger.events()
    assert (event.kind, event.counted, event.by, event.detail) == ("void", -7, "R. Data", {"reason": "input was lost"})


def test_void_does_not_give_back_what_has_left(ledger: Ledger) -> None:
    """Published units stay counted until their 30 days are over."""
    put(ledger, offer(units=7), "published")
    assert ledger.void("climate-lab-1", reason="wrong file", by="R. Data") == 0
    assert used(ledger) == 7


@pytest.mark.parametrize(("reason", "by"), [("", "R. Data"), ("  ", "R. Data"), ("a mistake", ""), ("a mistake", " ")])
def test_void_needs_a_reason_and_a_person(ledger: Ledger, reason: str, by: str) -> None:
    """Without either, nothing happens."""
    put(ledger, offer(units=7), "reserved")
    with pytest.raises(LedgerError, match=r"person|reason"):
        ledger.void("climate-lab-1", reason=reason, by=by)
    assert (used(ledger), kinds(ledger)) == (7, ["reserved"])


@pytest.mark.parametrize("left", [False, True], ids=["reserved", "published"])
def test_after_a_void_only_a_person_releases_again(ledger: Ledger, left: bool) -> None:
    """A rerun of the job does not; and what is released again counts again."""
    put(ledger, offer(units=7), "published" if left else "reserved")
    ledger.void("climate-lab-1", reason="wrong file", by="R. Data")
    rerun = ledger.reserve(offer(units=7))
    assert (rerun.granted, rerun.remembered, rerun.state) == (False, True, "withheld")
    assert ledger.reserve(offer(units=7), by="R. Data").granted
    assert used(ledger) == (14 if left else 7)


# --- caps, permissions, exemptions


def test_a_permission_is_another_cap_over_everything_that_counts(ledger: Ledger) -> None:
    """What was released under the usual cap counts against the permitted one, and the other way round."""
    permitted = Cap(2_000_000, "entity", "rolling_30_days", "permission X-2026-17")
    ledger.reserve(offer("a", 1_500_000))
    assert not ledger.reserve(offer("b", 500_001, cap=permitted)).granted
    granted = ledger.reserve(offer("c", 500_000, cap=permitted, clause=permitted.clause))
    assert (granted.granted, granted.used, granted.cap, granted.left) == (True, 2_000_000, 2_000_000, 0)
    assert ledger.usage()[0].cap == 2_000_000
    assert not ledger.reserve(offer("d", 1)).granted


def test_exempt_units_are_written_down_and_use_up_no_cap(ledger: Ledger) -> None:
    """An unlimited number cannot exhaust a limit."""
    exempt = ledger.reserve(offer("all", 100_000_000, cap=None, clause=EXEMPT))
    assert (exempt.granted, exempt.cap, exempt.left, exempt.used, exempt.clause) == (
        True,
        None,
        None,
        100_000_000,
        EXEMPT,
    )
    capped = ledger.reserve(offer("part", 1_500_000))
    assert (capped.granted, capped.used) == (True, 1_500_000)
    (usage,) = ledger.usage()
    assert (usage.used, usage.uncapped, usage.cap) == (1_500_000, 100_000_000, 1_500_000)


def test_units_without_a_number_are_counted(ledger: Ledger) -> None:
    """Ids of users and of direct messages, each by itself."""
    for unit in ("user_id", "dm_id"):
        assert ledger.reserve(offer(unit, 2_000_000, unit=unit, cap=None, clause="content-redistribution.ids")).granted
    assert [(one.unit, one.used, one.uncapped) for one in ledger.usage()] == [
        ("user_id", 0, 2_000_000),
        ("dm_id", 0, 2_000_000),
    ]


def test_posts_and_users_share_one_budget_a_recipient(ledger: Ledger) -> None:
    """Hydrated objects count by recipient, not by entity."""
    assert ledger.reserve(hydrated("a", 50_000), by="R. Data").granted
    assert not ledger.reserve(hydrated("b", 1), by="R. Data").granted
    assert ledger.reserve(hydrated("c", 50_000, recipient="bo"), by="R. Data").granted


@pytest.mark.parametrize(
    ("cap", "second", "same"),
    [
        (Cap(10, "entity", "rolling_30_days", "c"), timedelta(days=29), False),
        (Cap(10, "entity", "utc_day", "c"), timedelta(days=1), True),
        (Cap(10, "recipient", "rolling_30_days", "c"), timedelta(days=29), False),
        (Cap(10, "recipient", "utc_day", "c"), timedelta(days=1), True),
    ],
)
def test_a_profile_may_cap_either_by_either(
    ledger: Ledger, clock: Clock, cap: Cap, second: timedelta, same: bool
) -> None:
    """Entities or recipients, within a day or 30: whatever a tightened profile says."""
    assert ledger.reserve(offer("a", 10, cap=cap)).granted
    assert ledger.reserve(offer("b", 10, cap=cap, recipient="other")).granted is (cap.per == "recipient")
    clock.turn(second)
    assert ledger.reserve(offer("c", 10, cap=cap)).granted is same


def test_a_denial_says_what_never_fits(ledger: Ledger) -> None:
    """More units than the cap will fit at no time."""
    denied = ledger.reserve(offer(units=1_500_001))
    assert (denied.granted, denied.never, denied.fits_from, denied.left) == (False, True, None, 1_500_000)


def test_a_denial_says_exactly_from_when_it_fits(ledger: Ledger, clock: Clock) -> None:
    """At that moment it does, a microsecond earlier it does not."""
    ledger.reserve(offer("a", 600_000))
    clock.turn(timedelta(days=3, hours=5))
    ledger.reserve(offer("b", 600_000))
    clock.turn(timedelta(days=1))
    denied = ledger.reserve(offer("c", 900_001))
    assert (denied.used, denied.left) == (1_200_000, 300_000)
    assert denied.fits_from == START + timedelta(days=33, hours=5) + MICROSECOND
    clock.now = denied.fits_from - MICROSECOND
    assert not ledger.reserve(offer("c", 900_001), by="R. Data").granted
    clock.now = denied.fits_from
    assert ledger.reserve(offer("c", 900_001), by="R. Data").granted


def test_nothing_is_offered_without_a_digest_or_with_negative_units(ledger: Ledger) -> None:
    """A fixed set is what its digest says, and has no units to give."""
    with pytest.raises(LedgerError, match="no digest"):
        ledger.reserve(offer(digest=""))
    with pytest.raises(LedgerError, match="fewer units than none"):
        ledger.reserve(offer(units=-5))
    assert used(ledger) == 0


def test_an_empty_release_always_fits(ledger: Ledger) -> None:
    """Nothing leaves with it, even when nothing is left."""
    ledger.reserve(offer("a", 1_500_000))
    assert ledger.reserve(offer("empty", 0)).granted


# --- weighing


def test_weighing_tells_what_reserving_would_and_writes_nothing(ledger: Ledger, clock: Clock) -> None:
    """Now or at another time, and after other offers."""
    ledger.reserve(offer("a", 1_000_000))
    before = kinds(ledger), ledger.releases(), ledger.usage()
    assert ledger.weigh(offer("b", 500_000)).granted
    refused = ledger.weigh(offer("b", 500_001))
    assert (refused.granted, refused.left, refused.state) == (False, 500_000, "withheld")
    assert ledger.weigh(offer("b", 500_001), at=clock.now + MONTH + MICROSECOND).granted
    assert not ledger.weigh(offer("b", 500_000), after=[offer("c", 1)]).granted
    assert ledger.weigh(offer("b", 500_000), after=[hydrated("d", 9)]).granted
    assert ledger.weigh(offer("e", 1, recipient="new", entity="new", entity_names=())).granted
    assert ledger.weigh(hydrated("f", 50_001)).state == "prepared"
    assert (kinds(ledger), ledger.releases(), ledger.usage()) == before


def test_what_is_weighed_leaves_what_it_leaves_without_the_offer(ledger: Ledger) -> None:
    """So that the part of it that fits can be told."""
    ledger.reserve(offer("a", 1_000_000))
    assert ledger.weigh(offer("b", 400_000)).left == 500_000
    assert ledger.weigh(offer("b", 600_000)).left == 500_000


# --- what it shows


def test_events_hold_what_the_decision_rests_on(ledger: Ledger, clock: Clock) -> None:
    """Everything that an auditor asks for, and a way to look at a part of it."""
    ledger.reserve(offer("a", 1_500_000))
    clock.turn(timedelta(hours=1))
    ledger.reserve(offer("b", 7))
    first, denied = ledger.events()
    rests_on = offer("b", 7)
    assert (denied.at, denied.kind, denied.release, denied.units) == (clock.now, "withheld", "b", 7)
    assert (denied.counted, denied.used, denied.cap, denied.clause) == (0, 1_500_000, 1_500_000, IDS.clause)
    assert (denied.digest, denied.profile, denied.evidence) == (rests_on.digest, "base-2024", rests_on.evidence)
    assert (denied.inputs, denied.settings, denied.entity, denied.recipient) == (
        "inputs:5f1c",
        "settings:91ab",
        "partner",
        "lab",
    )
    assert (first.counted, first.used, first.output, first.unit) == (1_500_000, 1_500_000, "climate", "post_id")
    assert list(ledger.events(since=clock.now)) == list(ledger.events("b")) == [denied]


@pytest.mark.parametrize("number", [0, 1, 9, 10, 11, 20])
def test_events_are_read_in_pages(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """All of them come, however many there are; and whoever looks keeps nobody from writing."""
    monkeypatch.setattr(ledger_module, "_PAGE", 10)
    names = [f"r{n}" for n in range(number)]
    for name in names:
        ledger.prepare(offer(name))
    events = ledger.events()
    seen = [event.release for event in itertools.islice(events, 1)]
    ledger.prepare(offer("meanwhile"))
    seen += [event.release for event in events]
    assert seen[:number] == names
    assert [event.release for event in ledger.events()] == [*names, "meanwhile"]


def test_releases_are_shown_as_they_stand(ledger: Ledger, clock: Clock) -> None:
    """With the offer that they were recorded with, oldest first, by state."""
    ledger.reserve(offer("a", 7))
    clock.turn(timedelta(hours=1))
    ledger.prepare(hydrated("b", 3))
    clock.turn(timedelta(hours=1))
    ledger.published("a", place="out")
    a, b = ledger.releases()
    assert (a.offer, a.state, a.units, a.first, a.since) == (offer("a", 7), "published", 7, START, clock.now)
    assert (b.offer, b.state, b.units) == (hydrated("b", 3), "prepared", 3)
    assert ledger.releases("prepared", "withheld") == [b]
    assert ledger.release("a") == a


def test_stale_reservations_are_listed(ledger: Ledger, clock: Clock) -> None:
    """Reserved, not published, and older than asked for."""
    ledger.reserve(offer("a", 7))
    ledger.reserve(offer("b", 7))
    ledger.published("b", place="out")
    clock.turn(timedelta(hours=24))
    ledger.reserve(offer("c", 7))
    assert [known.offer.release for known in ledger.stale(timedelta(hours=23))] == ["a"]
    assert ledger.stale(timedelta(hours=24)) == []


def test_a_window_is_as_old_as_its_first_reservation(ledger: Ledger, clock: Clock) -> None:
    """Slices that come later do not make it younger, so a stream that never publishes is noticed."""
    for number in range(3):
        ledger.reserve_units(offer("window", digest=""), np.array([number]))
        clock.turn(timedelta(hours=1))
    (stale,) = ledger.stale(timedelta(hours=2))
    assert (stale.since, stale.units) == (START, 3)


def test_usage_tells_who_has_used_what_and_when_it_frees_up(ledger: Ledger, clock: Clock) -> None:
    """Entities over 30 days, recipients over the UTC day; also as it was and will be."""
    ledger.reserve(offer("a", 100))
    clock.turn(timedelta(days=10))
    ledger.reserve(offer("b", 50))
    ledger.reserve(hydrated("c", 7), by="R. Data")
    entity, recipient = ledger.usage()
    assert (entity.per, entity.name, entity.unit, entity.span) == ("entity", "partner", "post_id", "rolling_30_days")
    assert (entity.used, entity.cap, entity.left(1000)) == (150, 1_500_000, 850)
    assert entity.frees == (Freeing(START + MONTH + MICROSECOND, 100), Freeing(clock.now + MONTH + MICROSECOND, 50))
    assert (recipient.per, recipient.name, recipient.unit, recipient.used) == ("recipient", "anna", "hydrated", 7)
    assert [one.used for one in ledger.usage(START)] == [100]
    assert [one.used for one in ledger.usage(START + MONTH + MICROSECOND)] == [50, 0]


def test_what_the_ledger_answers_is_there_after_it_was_opened_again(url: str) -> None:
    """Nothing lives in memory only; and a ledger says whether it is new."""
    with open_ledger(url) as ledger:
        assert ledger.created
        first: Decision = ledger.reserve(offer(units=7))
    with open_ledger(url) as ledger:
        assert not ledger.created
        assert ledger.reserve(offer(units=7)) == first._replace(repeated=True)
