"""Nothing that identifies comes out: payloads of every shape, identifiers planted wherever one can stand, all outputs searched."""

import json
import logging
import random
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import SHAPES, Mix, Payload, batch, examples, lines, payload
from planting import IN_TEXT, Haystack, Planted
from slow_model import ids_asked_for, records_in, shape_of, stored, values_in

from xsieve.transforms.records.actions import action
from xsieve.transforms.records.actions import load as actions
from xsieve.transforms.records.batch import RawBatch
from xsieve.transforms.records.catalog import ANY_KEY, load
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.rows import specs
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.tally import balance

ROWS = (
    Plan("rows"),
    Plan("rows", text=True, place="city"),
    Plan("rows", text=True, place="country", time="day", metrics="exact"),
    Plan("rows", text=True, time="exact", metrics="drop"),
)
IDS = tuple(Plan("ids", ids=kind, nested=nested) for kind in ("post", "user", "dm") for nested in (False, True))
STORE = (Plan("store"), Plan("store", direct_messages=True))
SOUND = Mix(closed=0.05)
FAULTY = Mix(faults=0.04, unknown=0.3, closed=0.02)
WHOLE = Mix(fields=0.95, unknown=0.5, nested=1)
MIXES = {"sound": SOUND, "faulty": FAULTY, "whole": WHOLE}
POSTS = ("v1_post", "v2_post", "v2_page", "activity", "v1_page", "v1_results_page", "activity_page")
WITH_CONSENT = frozenset({"message", "dm_id"})
PUBLIC_METRICS = frozenset({"metric"})


class Recipe(NamedTuple):
    """What payloads are made from: small enough to be shown where a property fails."""

    seed: int
    shapes: tuple[str, ...]
    mix: str

    def payloads(self) -> list[Payload]:
        return batch(random.Random(self.seed), 6, MIXES[self.mix], self.shapes)


shapes_of_any_kind = st.lists(st.sampled_from(list(SHAPES)), min_size=1, max_size=4).map(tuple)
recipes = st.builds(Recipe, st.integers(0, 2**64), shapes_of_any_kind, st.sampled_from(list(MIXES)))


def sifted(plan: Plan, data: bytes) -> Any:
    done = sieve_for(plan)(RawBatch(data, source=0, offset=0))
    assert balance(done.counts) == 0
    return done


def account_of(done: Any) -> Iterable[str]:
    """What is said about a run besides its content."""
    yield from map(repr, done.rejects)
    yield from (f"{what} {reason}" for what, reason in done.counts)


def values_of(done: Any) -> Iterable[str]:
    """Every value in rows, and the names of the columns."""
    for name, values in done.content.columns.items():
        yield name
        for value in values:
            yield from map(str, value) if isinstance(value, list) else (str(value),)


def all_planted(payloads: list[Payload]) -> list[Planted]:
    return [one for made in payloads for one in made.planted]


def may_pass(one: Planted, plan: Plan) -> bool:
    """What an option of rows lets through by its name."""
    return (
        (plan.text and one.kind.endswith(IN_TEXT))
        or (plan.time == "exact" and one.kind == "time" and one.cls == "time")
        or (plan.metrics == "exact" and one.kind == "count" and one.cls in PUBLIC_METRICS)
    )


def leaks_of_rows(plan: Plan, payloads: list[Payload]) -> list[Planted]:
    done = sifted(plan, lines(payloads))
    haystack = Haystack([*values_of(done), *account_of(done)])
    return [one for one in haystack.found(all_planted(payloads)) if not may_pass(one, plan)]


# ---- the generator itself


@pytest.mark.parametrize("shape", SHAPES)
def test_a_generated_payload_is_of_its_shape_and_holds_what_was_planted(shape: str) -> None:
    """The search would prove nothing if what is searched for were not in the payload."""
    many = [payload(random.Random(seed), shape, SOUND) for seed in range(20)]
    assert {shape_of(json.loads(made.line(random.Random(number)))) for number, made in enumerate(many)} == {shape}
    assert all_planted(many)


def test_identifiers_are_planted_in_every_field_of_every_object() -> None:
    """Every line of the field tables is met, except those that only hold others or that hold yes and no."""
    rng = random.Random(5)
    met = {one.where.rpartition(".")[2].removesuffix("[]") for one in all_planted(batch(rng, 1500, Mix(fields=0.6)))}
    lacking = {
        field.name
        for fields in load().objects.values()
        for field in fields.values()
        if field.kind.leaf.scalars - {"bool"}
        and field.cls
        not in ("offset", "visibility", "relation", "media_type", "language", "place", "client", "hashtag")
        and field.name not in met | {ANY_KEY}
    }
    assert lacking == set()


# ---- rows


@settings(max_examples=examples(60))
@given(recipes, st.sampled_from(ROWS))
def test_rows_hold_nothing_that_was_planted(recipe: Recipe, plan: Plan) -> None:
    """Whatever the shape, the options and the faults: no id, handle, name, address, number, link, exact time or place."""
    assert leaks_of_rows(plan, recipe.payloads()) == []


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("plan", ROWS, ids=lambda plan: f"{plan.text}-{plan.place}-{plan.time}-{plan.metrics}")
def test_thousands_of_payloads_leave_nothing_in_rows_or_logs(
    plan: Plan, mix: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The same over many posts of one batch, and nothing of them is logged either."""
    rng = random.Random(f"{plan!r}{mix}")
    with caplog.at_level(logging.NOTSET):
        for _ in range(examples(4)):
            assert leaks_of_rows(plan, batch(rng, 60 if mix != "whole" else 20, MIXES[mix], POSTS)) == []
    assert not caplog.records


def test_rows_have_no_other_columns_than_the_table_names() -> None:
    """A column is a line of the table of columns, in its order."""
    done = sifted(ROWS[1], lines(batch(random.Random(1), 20, SOUND, POSTS)))
    assert list(done.content.columns) == [spec.name for spec in specs()]


# ---- ids


@settings(max_examples=examples(60))
@given(recipes, st.sampled_from(IDS))
def test_ids_hold_only_ids_that_were_asked_for(recipe: Recipe, plan: Plan) -> None:
    """No id of another kind, whatever is wrong with the payloads, and nothing else anywhere."""
    payloads = recipe.payloads()
    done = sifted(plan, lines(payloads))
    asked = {"post": "post_id", "user": "user_id", "dm": "dm_id"}[plan.ids]
    fitting = {int(one.value) for one in all_planted(payloads) if one.kind == asked}
    assert set(done.content.tolist()) <= fitting
    assert Haystack(account_of(done)).found(all_planted(payloads)) == []


@settings(max_examples=examples(60))
@given(st.integers(0, 2**64), st.sampled_from(["post", "user", "dm"]))
def test_ids_are_exactly_those_of_public_records(seed: int, kind: Any) -> None:
    """As a slow and obvious model finds them in the same payloads."""
    payloads = batch(random.Random(seed), 8, Mix(closed=0.1))
    expected = [int(one) for made in payloads for one in ids_asked_for(kind, made.shape, made.data)]
    assert sorted(sifted(Plan("ids", ids=kind), lines(payloads)).content.tolist()) == sorted(expected)


# ---- store


def dropped_classes(plan: Plan) -> frozenset[str]:
    classes = frozenset(cls for cls in actions()["store"] if action(cls, "store") == "drop")
    return classes - WITH_CONSENT if plan.direct_messages else classes


def leaks_of_store(plan: Plan, payloads: list[Payload]) -> list[Planted]:
    """What came out although its class may not, or although no table knows its field."""
    done = sifted(plan, lines(payloads))
    out = [json.dumps(json.loads(line), ensure_ascii=False) for line in done.content.splitlines()]
    shut = dropped_classes(plan) | {"unknown"}
    planted = all_planted(payloads)
    elsewhere = Haystack(one.value for one in planted if one.cls not in shut)
    leaks = [one for one in planted if one.cls in shut and not elsewhere.holds(one)]
    return Haystack(out).found(leaks) + Haystack(account_of(done)).found(planted)


@settings(max_examples=examples(60))
@given(recipes, st.sampled_from(STORE))
def test_a_store_holds_nothing_sensitive_and_nothing_unknown(recipe: Recipe, plan: Plan) -> None:
    """No inference, contact, secret, echo of an error or message, and nothing under a key that no table knows."""
    assert leaks_of_store(plan, recipe.payloads()) == []


@settings(max_examples=examples(60))
@given(st.integers(0, 2**64), st.sampled_from(list(SHAPES)), st.sampled_from(STORE))
def test_a_store_keeps_all_that_may_pass(seed: int, shape: str, plan: Plan) -> None:
    """What a public payload may keep comes out as it went in, under its own names."""
    made = payload(random.Random(seed), shape, Mix(fields=0.6, nested=1))
    done = sifted(plan, made.line() + b"\n")
    may = SHAPES[shape]["store"] == "yes" or (SHAPES[shape]["store"] == "consent" and plan.direct_messages)
    expected = [stored(load(), dropped_classes(plan), SHAPES[shape]["object"], made.data)] if may else []
    assert [json.loads(line) for line in done.content.splitlines()] == expected


CLOSING = {
    "v1.post": {"withheld_copyright": True},
    "v1.user": {"protected": True},
    "v2.post": {"withheld": {"copyright": True}},
    "v2.user": {"protected": True},
}


@settings(max_examples=examples(100))
@given(st.integers(0, 2**64), st.sampled_from([shape for shape in SHAPES if SHAPES[shape]["store"] == "yes"]))
def test_a_store_holds_nothing_of_a_record_that_is_closed(seed: int, shape: str) -> None:
    """Any post or user in a payload, however deep, once it is closed: what stood only there is gone."""
    rng = random.Random(seed)
    made = payload(rng, shape, Mix(fields=0.6))
    records = [
        (name, record) for name, record in records_in(load(), SHAPES[shape]["object"], made.data) if name in CLOSING
    ]
    if not records:
        return
    name, record = rng.choice(records)
    within = set(values_in(record))
    kept = dict(record)
    record.clear()
    outside = json.dumps(made.data, ensure_ascii=False)
    record |= kept | CLOSING[name]
    out = [
        json.dumps(json.loads(line), ensure_ascii=False) for line in sifted(STORE[0], made.line()).content.splitlines()
    ]
    own = [value for value in within if len(value) > 7 and value not in outside]
    assert [value for value in own if value in "".join(out)] == []
