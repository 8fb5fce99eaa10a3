"""Arbitrary lives of a ledger, compared with a slow, obvious model: limits hold, and nothing that fits is refused.

XSIEVE_EXAMPLES=2000 looks at more lives, at random.
"""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pytest
from clusters.postgres import Postgres
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger.account_audit import audit_parts
from ledger.ledger_model import Model, RefusedError, in_series
from ledger.new_ledgers import new_schema, new_sqlite
from ledger.offers import EXEMPT, MICROSECOND, MONTH, Clock, hydrated, offer

from xsieve.transforms.ledger import LedgerError, open_ledger
from xsieve.transforms.ledger.limits import EPOCH
from xsieve.transforms.records.outflow import Cap, Decision, Offer

EXAMPLES = int(os.environ.get("XSIEVE_EXAMPLES", "0"))
CAP = Cap(10, "entity", "rolling_30_days", "post-ids")
PERMITTED = Cap(14, "entity", "rolling_30_days", "permission")
A_DAY = Cap(6, "recipient", "utc_day", "hydrated")

# --- what may happen

Who = dict[str, Any]
Step = tuple[Any, ...]

LAB: Who = {"recipient": "lab", "entity": "partner", "entity_names": ("Partner Lab",)}
BO: Who = {"recipient": "bo", "entity": "PARTNER", "entity_names": ()}
ANA: Who = {"recipient": "ana", "entity": "other", "entity_names": ("Other Institute",)}
NEWS: list[Who] = [
    {"recipient": "lab", "entity": "other", "entity_names": ()},  # a recipient that changes house
    {"recipient": "bo", "entity": "third", "entity_names": ("Third House",)},
    {"recipient": "ana", "entity": "other", "entity_names": ("Partner Lab",)},  # two entities that turn out to be one
]
USUAL = {"cap": CAP, "clause": CAP.clause}
BY_HAND = {"cap": A_DAY, "clause": A_DAY.clause}

FIXED = [
    offer("A", 4, **LAB, **USUAL),
    offer("B", 5, **BO, **USUAL),
    offer("C", 3, **LAB, **USUAL),
    offer("D", 8, **ANA, **USUAL),
    offer("E", 10, **BO, **USUAL),
    offer("E", 9, **BO, **USUAL),  # another set under the same name
    offer("F", 11, **ANA, **USUAL),
    offer("G", 6, **LAB, cap=PERMITTED, clause=PERMITTED.clause),
    offer("P", 20, **LAB, cap=None, clause=EXEMPT),
    offer("Q", 7, **BO, cap=None, unit="user_id"),
    offer("R", 0, **LAB, **USUAL),
]
DAILY = [
    hydrated("H", 4, **ANA, **BY_HAND),
    hydrated("I", 2, **ANA, **BY_HAND),
    hydrated("J", 3, **BO, **BY_HAND),
    hydrated("K", 6, **BO, **BY_HAND),
    hydrated("L", 7, **ANA, **BY_HAND),
]
SERIES = [
    (offer("S", **LAB, **USUAL, series="corrected"), [0, 1, 2, 3, 4]),
    (offer("T", **BO, **USUAL, series="corrected"), [0, 1, 2, 3, 5, 6]),
    (offer("U", **LAB, **USUAL, series="corrected"), [2, 4, 5, 6, 7, 8, 9, 9]),
    (offer("V", **LAB, **USUAL, series="corrected"), list(range(12))),
    (offer("Y", **ANA, **USUAL, series="corrected"), [0, 1, 2, 3, 4]),
    (offer("Z", **LAB, cap=None, series="corrected"), [0, 1, 2]),
]
STREAM = [offer("W", digest="", **LAB, **USUAL), offer("X", digest="", **ANA, **USUAL)]
TURNS = [
    timedelta(milliseconds=1),
    timedelta(hours=9),
    timedelta(days=1),
    timedelta(days=11),
    timedelta(days=11),
    MONTH - MICROSECOND,
    MONTH,
    MONTH + MICROSECOND,
    timedelta(days=-2),  # a clock that is set back
]
SLICES = st.lists(st.integers(0, 11), min_size=1, max_size=7)
BY = st.sampled_from([None, None, "R. Data"])


def lives(news: bool = False) -> st.SearchStrategy[list[Step]]:
    """Steps that meet one another often: few names, small caps; with news of who is who in some offers."""
    changes = st.sampled_from([{}, {}, {}, *NEWS] if news else [{}])

    def one_of(deck: list[Offer]) -> st.SearchStrategy[Offer]:
        return st.builds(lambda one, change: one._replace(**change), st.sampled_from(deck), changes)

    issue = st.builds(
        lambda one, change, by: ("reserve_series", one[0]._replace(**change), one[1], by),
        *(st.sampled_from(SERIES), changes, BY),
    )
    held = st.sampled_from("ABCDESTUVWXHIJ")
    return st.lists(
        st.one_of(
            st.tuples(st.just("reserve"), one_of(FIXED), BY),
            issue,
            issue,
            st.tuples(st.just("reserve_units"), one_of(STREAM), SLICES),
            st.tuples(st.just("reserve_units"), one_of(STREAM), SLICES),
            st.tuples(st.just("reserve_supplement"), st.sampled_from(["W.1", "W.2", "X.1"]), BY),
            st.tuples(st.just("prepare"), one_of(DAILY)),
            st.tuples(st.just("reserve"), one_of(DAILY), st.just("R. Data")),
            st.tuples(st.sampled_from(["publish", "publish", "void", "discard"]), held),
            st.tuples(st.just("turn"), st.sampled_from(TURNS)),
            st.tuples(st.just("midnight"), st.sampled_from([-timedelta(milliseconds=1), timedelta(0)])),
            st.tuples(st.just("reopen")),
        ),
        min_size=20,
        max_size=40,
    )


# --- a life


class Delivery(NamedTuple):
    """What was granted, for a look at the limits that knows nothing of ledgers."""

    at: datetime
    offer: Offer
    ids: frozenset[int] | None  # of a series


class Life:
    """A ledger and its model, told the same."""

    def __init__(self, url: str) -> None:
        self.url, self.clock, self.model = url, Clock(), Model()
        self.ledger = open_ledger(url, clock=self.clock)
        self.last = EPOCH  # when the last entry was written
        self.deliveries: list[Delivery] = []
        self.left: set[str] = set()

    def live(self, steps: list[Step]) -> None:
        for what, *arguments in steps:
            getattr(self, what)(*arguments)
        known = {one.offer.release: (one.state, one.units) for one in self.ledger.releases()}
        assert known == {name: (one.state, one.units) for name, one in self.model.releases.items()}
        self.ledger.close()
        audit_parts(self.url)

    def both(self, ask: Callable[[], Any], model: Callable[[], Any]) -> Any:
        """What both answer; None if both refuse to."""
        self.last = max([self.last, *(event.at for event in self.ledger.events(since=self.last))])
        self.model.now = max(self.clock.now, self.last)
        try:
            expected = model()
        except RefusedError:
            with pytest.raises(LedgerError):
                ask()
            return None
        assert ask() == expected
        return expected

    def turn(self, by: timedelta) -> None:
        self.clock.turn(by)

    def midnight(self, after: timedelta) -> None:
        today = self.clock.now.replace(hour=0, minute=0, second=0, microsecond=0)
        self.clock.now = today + timedelta(days=1) + after

    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = open_ledger(self.url, clock=self.clock, create=False)

    def prepare(self, one: Offer) -> None:
        self.both(lambda: self.ledger.prepare(one), lambda: self.model.prepare(one))

    def reserve(self, one: Offer, by: str | None) -> None:
        decision = self.both(lambda: self.ledger.reserve(one, by=by), lambda: self.model.reserve(one, None, by))
        self.delivered(one, decision)

    def reserve_series(self, one: Offer, ids: list[int], by: str | None) -> None:
        distinct = frozenset(ids)
        one = one._replace(units=len(distinct), digest=f"sha256:{sorted(distinct)}")
        decision = self.both(
            lambda: self.ledger.reserve(one, ids=np.array(ids, np.int64), by=by),
            lambda: self.model.reserve(one, set(distinct), by),
        )
        self.delivered(one, decision, distinct if in_series(one) else None)

    def reserve_units(self, one: Offer, ids: list[int]) -> None:
        def ask() -> tuple[Decision, list[int]]:
            answer = self.ledger.reserve_units(one, np.array(ids, np.int64))
            assert answer.granted.tolist() == [part == 0 for part in answer.parts]
            return answer.decision, answer.parts.tolist()

        before = self.model.releases[one.release].units if one.release in self.model.releases else 0
        if answered := self.both(ask, lambda: self.model.reserve_units(one, ids)):
            decision, _ = answered
            self.delivered(one._replace(units=decision.units - before), decision)

    def reserve_supplement(self, release: str, by: str | None) -> None:
        """What was denied to a stream is a release that a person hands over."""
        if known := self.ledger.release(release):
            self.model.releases[release].offer = known.offer
            self.reserve(known.offer, by)

    def publish(self, release: str) -> None:
        self.both(lambda: self.ledger.published(release, place="out") and None, lambda: self.model.published(release))
        if release in self.model.releases and self.model.releases[release].state == "published":
            self.left.add(release)

    def void(self, release: str) -> None:
        done = self.both(
            lambda: self.ledger.void(release, reason="a mistake", by="R. Data"), lambda: self.model.void(release)
        )
        if done is not None and release not in self.left:
            self.deliveries = [one for one in self.deliveries if one.offer.release != release]

    def discard(self, release: str) -> None:
        self.both(lambda: self.ledger.discard(release, by="R. Data"), lambda: self.model.discard(release))

    # --- limits, from what was granted alone

    def delivered(self, one: Offer, decision: Decision | None, ids: frozenset[int] | None = None) -> None:
        if decision and decision.granted and not decision.repeated:
            self.deliveries.append(Delivery(self.model.now, one, ids))

    def limits_hold(self) -> None:
        """No 30 days to an entity, and no UTC day to a recipient, holds more than the largest cap it was granted under."""
        for last in self.deliveries:
            if last.offer.cap:
                within = [one for one in self.deliveries if self._counts(one, last)]
                assert distinct(within) <= max(one.offer.cap.units for one in within if one.offer.cap)

    @staticmethod
    def _counts(one: Delivery, last: Delivery) -> bool:
        if one.offer.cap is None or one.offer.unit != last.offer.unit or one.at > last.at:
            return False
        if last.offer.unit == "hydrated":
            return one.offer.recipient == last.offer.recipient and one.at.date() == last.at.date()
        return one.offer.entity.casefold() == last.offer.entity.casefold() and one.at >= last.at - MONTH


def distinct(deliveries: list[Delivery]) -> int:
    """Units, the ids of the series each once."""
    in_the_series = frozenset[int]().union(*(one.ids for one in deliveries if one.ids is not None))
    return len(in_the_series) + sum(one.offer.units for one in deliveries if one.ids is None)


# --- the promises


@given(lives())
@settings(max_examples=EXAMPLES or 35)
def test_the_ledger_answers_as_the_model_and_limits_hold(steps: list[Step]) -> None:
    """Whatever is offered, repeated, sliced, published, given up, permitted or exempt, at whatever times."""
    with new_sqlite() as url:
        life = Life(url)
        life.live(steps)
        life.limits_hold()


@given(lives(news=True))
@settings(max_examples=EXAMPLES or 35)
def test_recipients_that_move_and_entities_that_join_are_counted_as_the_model_does(steps: list[Step]) -> None:
    """Who belongs to whom changes at any time."""
    with new_sqlite() as url:
        Life(url).live(steps)


@given(lives(news=True))
@settings(max_examples=EXAMPLES or 8)
def test_postgresql_answers_as_the_model(postgres: Postgres, steps: list[Step]) -> None:
    """The same lives on the server."""
    Life(new_schema(postgres)).live(steps)
