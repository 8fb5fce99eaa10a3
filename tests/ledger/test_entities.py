"""Who is who: an entity has many names, recipients move, and neither makes room."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger.offers import MICROSECOND, MONTH, Clock, hydrated, offer

from xsieve.transforms.ledger import Ledger, LedgerError
from xsieve.transforms.ledger.entities import fold
from xsieve.transforms.records.outflow import Cap

SMALL = Cap(10, "entity", "rolling_30_days", "small")


def to(release: str, units: int, recipient: str, entity: str, *names: str, **changed: object) -> object:
    fields = {"recipient": recipient, "entity": entity, "entity_names": names, "cap": SMALL, **changed}
    return offer(release, units, **fields)


def used(ledger: Ledger) -> dict[str, int]:
    return {one.name: one.used for one in ledger.usage()}


# --- names


@pytest.mark.parametrize(
    "other",
    ["PL gGmbH", "pl-ggmbh", "P.L. g GmbH", "ＰＬ　ｇＧｍｂＨ", "pl\u200bggmbh", " PLGGMBH "],
    ids=["same", "punctuation", "spaces", "full width", "invisible", "case"],
)
def test_an_alias_is_the_same_entity_however_it_is_written(ledger: Ledger, other: str) -> None:
    """Another key makes no new budget, if any name is known."""
    ledger.reserve(to("a", 6, "lab", "partner", "Partner Lab", "PL gGmbH"))
    assert not ledger.reserve(to("b", 5, "bo", "somebody_new", other)).granted
    assert ledger.reserve(to("c", 4, "bo", "somebody_new", other)).used == 10


@pytest.mark.parametrize(
    ("key", "names"),
    [("partner", ()), ("Partner", ()), ("new", ("partner lab",)), ("partner-lab", ()), ("new", ("x", "PARTNER"))],
)
def test_keys_and_names_of_an_entity_are_one_kind_of_name(ledger: Ledger, key: str, names: tuple[str, ...]) -> None:
    """A key that is another one's name meets it, and the other way round."""
    ledger.reserve(to("a", 6, "lab", "partner", "Partner Lab"))
    assert not ledger.reserve(to("b", 5, "bo", key, *names)).granted


def test_entities_without_a_common_name_have_budgets_of_their_own(ledger: Ledger) -> None:
    """Nothing is joined that does not meet."""
    ledger.reserve(to("a", 10, "lab", "partner", "Partner Lab"))
    assert ledger.reserve(to("b", 10, "bo", "partners", "Partner Labs")).granted
    assert used(ledger) == {"partner": 10, "partners": 10}


def test_two_known_entities_that_turn_out_to_be_one_are_joined(ledger: Ledger) -> None:
    """What either received counts for it, from then on, for all its people; and the account says so."""
    ledger.reserve(to("a", 6, "lab", "partner", "Partner Lab"))
    ledger.reserve(to("b", 7, "bo", "institute", "Institute"))
    both = ledger.reserve(to("c", 1, "new", "third", "Partner Lab", "Institute"))
    assert (both.granted, both.used) == (False, 13)
    assert not ledger.reserve(to("d", 1, "lab", "partner")).granted
    assert not ledger.reserve(to("e", 1, "bo", "institute")).granted
    assert used(ledger) == {"partner": 13}
    assert "moved" not in [event.kind for event in ledger.events()]  # the people of both are at home
    (joined,) = (event for event in ledger.events() if event.kind == "joined")
    assert (joined.entity, joined.detail) == ("partner", {"joined": "institute"})


@given(st.text())
def test_folding_is_stable(name: str) -> None:
    """A folded name is its own, and every other spelling of case and space folds to it; what is empty is refused."""
    try:
        folded = fold(name)
    except LedgerError:
        assert not name.strip("\u3000").isalnum()
        return
    assert fold(folded) == folded
    assert fold(f" {name} ") == folded
    assert fold(name.casefold()) == folded


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "\t\n"])
def test_names_that_cannot_be_read_are_refused(ledger: Ledger, name: str) -> None:
    """They would all be one entity, or none."""
    for one in (to("a", 1, name, "partner"), to("a", 1, "lab", name), to("a", 1, "lab", "partner", name)):
        with pytest.raises(LedgerError, match="empty name"):
            ledger.reserve(one)
    assert ledger.releases() == []


def test_names_in_any_script_are_told_apart(ledger: Ledger) -> None:
    """Vowel signs and emoji are not punctuation that falls away."""
    names = ["कि", "की", "東京大学", "東京工業大学", "🌊", "🔥", "جامعة"]
    for number, name in enumerate(names):
        assert ledger.reserve(to(f"r{number}", 10, f"person {number}", name)).granted
    assert len(ledger.usage()) == len(names)


# --- recipients that move


def test_what_a_recipient_received_counts_where_it_was_and_where_it_is(ledger: Ledger) -> None:
    """Moving house makes room in neither; for all people of both houses."""
    ledger.reserve(to("a", 6, "lab", "partner"))
    ledger.reserve(to("b", 3, "bo", "other"))
    moved = ledger.reserve(to("c", 1, "lab", "other"))
    assert (moved.granted, moved.used) == (True, 10)
    assert not ledger.reserve(to("d", 1, "bo", "other")).granted
    assert not ledger.reserve(to("e", 5, "another", "partner")).granted
    assert used(ledger) == {"partner": 6, "other": 10}
    (event,) = (event for event in ledger.events() if event.kind == "moved")
    assert (event.recipient, event.entity, event.detail) == ("lab", "other", {"from": "partner"})


def test_a_recipient_that_moves_on_takes_everything_along_once(ledger: Ledger) -> None:
    """It counts where it was booked and where the recipient is now, and nowhere twice."""
    ledger.reserve(to("a", 4, "lab", "first"))
    ledger.reserve(to("b", 3, "lab", "second"))
    ledger.reserve(to("c", 2, "lab", "third"))
    assert used(ledger) == {"first": 4, "second": 3, "third": 9}
    ledger.reserve(to("d", 1, "lab", "first"))
    assert used(ledger) == {"first": 10, "second": 3, "third": 2}


def test_what_was_taken_along_stays_when_houses_join(ledger: Ledger) -> None:
    """It counts for whatever the new house has become, and once where the old and the new one are the same."""
    ledger.reserve(to("a", 1, "ana", "first"))
    ledger.reserve(to("b", 4, "lab", "second"))
    ledger.reserve(to("c", 2, "lab", "third"))
    ledger.reserve(to("d", 1, "ana", "first", "third"))
    assert used(ledger) == {"first": 8, "second": 4}
    ledger.reserve(to("e", 1, "bo", "second", "first"))
    assert used(ledger) == {"first": 9}


def test_what_was_taken_along_ends_when_it_would_have(ledger: Ledger, clock: Clock) -> None:
    """Its time is that of its reservation."""
    ledger.reserve(to("a", 10, "lab", "partner"))
    clock.turn(timedelta(days=20))
    denied = ledger.reserve(to("b", 1, "lab", "other"))
    assert denied.fits_from == clock.now + timedelta(days=10) + MICROSECOND
    clock.turn(timedelta(days=10) + MICROSECOND)
    assert ledger.reserve(to("b", 1, "lab", "other"), by="R. Data").granted


def test_what_is_taken_along_from_a_series_counts_in_full(ledger: Ledger) -> None:
    """Though a colleague has received the correction since: both have had the ids."""
    import numpy as np

    ids = np.arange(8)
    ledger.reserve(to("a", 8, "lab", "partner", series="climate"), ids=ids)
    ledger.reserve(to("b", 8, "bo", "partner", series="climate"), ids=ids)
    assert used(ledger) == {"partner": 8}
    assert ledger.weigh(to("c", 3, "lab", "other")).granted is False
    assert ledger.weigh(to("d", 3, "bo", "other")).granted is False
    assert ledger.weigh(to("e", 2, "lab", "other")).granted


def test_a_retry_of_one_that_moved_is_still_a_no_op(ledger: Ledger) -> None:
    """The release is the same; nothing is counted again."""
    ledger.reserve(to("a", 6, "lab", "partner"))
    again = ledger.reserve(to("a", 6, "lab", "other"))
    assert (again.granted, again.repeated, again.used) == (True, True, 6)
    assert used(ledger) == {"partner": 6, "other": 6}


def test_one_recipient_has_one_daily_budget_wherever_it_belongs(ledger: Ledger, clock: Clock) -> None:
    """And however its name is written."""
    ledger.reserve(hydrated("a", 50_000), by="R. Data")
    for changed in ({"entity": "other", "entity_names": ()}, {"recipient": " Anna"}, {"recipient": "ANNA"}):
        assert not ledger.reserve(hydrated(f"b{changed}", 1, **changed), by="R. Data").granted
    clock.turn(MONTH)
    assert ledger.reserve(hydrated("c", 50_000), by="R. Data").granted
