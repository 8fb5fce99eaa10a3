"""What leaves is counted object by object, exactly: posts and users, nested ones too, each once."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import SHAPES, Mix, batch, examples, lines
from slow_model import shape_of, units_in
from templates import (
    AUTHOR,
    OTHER_AUTHOR,
    OTHER_POST,
    POST,
    activity,
    share,
    v1_post,
    v1_quote,
    v1_repost,
    v1_user,
    v2_page,
    v2_post,
    v2_user,
)

from xsieve.transforms.records.batch import RawBatch
from xsieve.transforms.records.catalog import load
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.sample import Sample
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.units import Units, countables, digest_of, distinct, together, units_of

EVERYTHING = Plan("hydrated", attested=True, objects="both", country="AQ")
THIRD, FOURTH = "1470000000000000011", "1460000000000000037"
CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
FILES = sorted(path.relative_to(CORPORA).as_posix() for path in CORPORA.glob("*/*.jsonl"))


def counted(*payloads: Any, plan: Plan = Plan("hydrated", attested=True)) -> tuple[list[str], list[str]]:
    data = b"\n".join(json.dumps(one).encode() for one in payloads)
    units = sieve_for(plan)(RawBatch(data, 0, 0)).content.units
    return [*map(str, units.posts.tolist())], [*map(str, units.users.tolist())]


def of_lines(found: list[bytes]) -> Units:
    """What the slow model counts in lines that leave."""
    payloads = [json.loads(line) for line in found]
    keys = {key for one in payloads for key in units_in(load(), SHAPES[shape_of(one)]["object"], one)}
    return units_of(keys)


def same(some: Units, others: Units) -> bool:
    return all(map(np.array_equal, some, others))


PROFILE = {"id": THIRD, "username": "bo", "start": 0, "end": 3, "description": "birds", "protected": False}
REFERRED = [{"type": "quoted", "id": OTHER_POST}]
COUNTED: dict[str, tuple[Any, list[str], list[str]]] = {
    "post and author": (v1_post(), [POST], [AUTHOR]),
    "author with an id only": (v1_post(user={"id": int(AUTHOR), "id_str": AUTHOR}), [POST], []),
    "author with one field": (v1_post(user={"id": int(AUTHOR), "verified": False}), [POST], [AUTHOR]),
    "author with nulls": (v1_post(user={"id": int(AUTHOR), "name": None}), [POST], []),
    "repost and original": (v1_repost(v1_post(OTHER_POST, OTHER_AUTHOR)), [OTHER_POST, POST], [OTHER_AUTHOR, AUTHOR]),
    "original of the same author": (v1_repost(v1_post(OTHER_POST)), [OTHER_POST, POST], [AUTHOR]),
    "repost of a quote": (
        v1_repost(v1_quote(v1_post(THIRD, OTHER_AUTHOR), id_str=OTHER_POST, id=int(OTHER_POST))),
        [THIRD, OTHER_POST, POST],
        [OTHER_AUTHOR, AUTHOR],
    ),
    "user of a media item": (
        v1_post(extended_entities={"media": [{"id_str": "7", "additional_media_info": {"source_user": v1_user(THIRD)}}]}),
        [POST],
        [THIRD, AUTHOR],
    ),
    "mentions": (v1_post(entities={"user_mentions": [{"id_str": THIRD, "screen_name": "bo", "name": "Bo"}]}), [POST], [AUTHOR]),
    "ids in a post": (v1_post(in_reply_to_status_id_str=THIRD, in_reply_to_user_id_str=OTHER_AUTHOR, contributors=[7]), [POST], [AUTHOR]),
    "v2 post": (v2_post(conversation_id=THIRD, in_reply_to_user_id=OTHER_AUTHOR), [POST], []),
    "v2 reference": (v2_post(referenced_tweets=REFERRED), [POST], []),
    "v2 mention": (v2_post(entities={"mentions": [{"id": THIRD, "username": "bo", "start": 0, "end": 3}]}), [POST], []),
    "v2 mention with a profile": (v2_post(entities={"mentions": [PROFILE]}), [POST], [THIRD]),
    "flattened": (
        v2_post(author=v2_user(), in_reply_to_user=v2_user(THIRD), referenced_tweets=[v2_post(OTHER_POST, type="quoted", author=v2_user(OTHER_AUTHOR))]),
        [OTHER_POST, POST],
        [THIRD, OTHER_AUTHOR, AUTHOR],
    ),
    "page": (
        v2_page(v2_post(referenced_tweets=REFERRED), users=[v2_user(), v2_user(OTHER_AUTHOR), v2_user(FOURTH)], tweets=[v2_post(OTHER_POST, OTHER_AUTHOR)]),
        [OTHER_POST, POST],
        [OTHER_AUTHOR, AUTHOR],
    ),
    "activity and its note": (activity(), [POST], [AUTHOR]),
    "share": (share(activity(OTHER_POST, OTHER_AUTHOR)), [OTHER_POST, POST], [OTHER_AUTHOR, AUTHOR]),
}  # fmt: skip


@pytest.mark.parametrize("case", COUNTED)
def test_every_post_and_user_that_leaves_with_more_than_its_id_counts_once(case: str) -> None:
    """Nested or not; what X describes as a part of another object does not, and neither does an id."""
    payload, posts, users = COUNTED[case]
    assert counted(payload, payload) == (posts, users)


def test_posts_and_users_have_ids_of_their_own() -> None:
    """A post and a user with the same number are two objects."""
    assert counted(v1_post(POST, POST)) == ([POST], [POST])


def test_what_is_cut_out_does_not_count() -> None:
    """Only what leaves."""
    quote = v1_quote(v1_post(OTHER_POST, user=v1_user(OTHER_AUTHOR, protected=True)))
    assert counted(quote) == ([POST], [AUTHOR])


def test_the_table_of_units_names_every_object_that_holds_posts_and_users() -> None:
    """A post, user or actor that payloads can hold and the table does not list would leave uncounted."""
    reached = {cells["object"] for cells in SHAPES.values() if cells["holds"] in ("post", "page", "user", "user_page")}
    waiting = list(reached)
    while waiting:
        below = {ref for field in load().objects[waiting.pop()].values() for ref in field.kind.leaf.refs}
        waiting += below - reached
        reached |= below
    objects = {name for name in reached if name.rpartition(".")[2] in ("post", "user", "activity", "actor")}
    assert objects == {name for name in countables() if name != "v2.mention"}
    for name, known in countables().items():
        assert known.mere <= load().objects[name].keys()


@settings(max_examples=examples(100))
@given(st.integers(0, 2**64), st.booleans())
def test_what_is_counted_is_what_leaves(seed: int, faulty: bool) -> None:
    """A slow model that reads the lines again as plain JSON counts the same posts and users."""
    mix = Mix(fields=0.5, faults=0.03) if faulty else Mix(fields=0.5, closed=0.03)
    content = sieve_for(EVERYTHING)(RawBatch(lines(batch(random.Random(seed), 6, mix)), 0, 0)).content
    assert same(content.units, of_lines(content.lines))


@pytest.mark.skipif(not FILES, reason="the recorded payloads are not here")
@pytest.mark.parametrize("attested", [False, True])
def test_what_is_counted_of_recorded_payloads_is_what_leaves(attested: bool) -> None:
    """The same over all of them; and enough comes out to mean something."""
    plan = Plan("hydrated", attested=attested, objects="both")
    total = 0
    for name in FILES:
        content = sieve_for(plan)(RawBatch((CORPORA / name).read_bytes(), 0, 0)).content
        assert same(content.units, of_lines(content.lines)), f"{name} is counted otherwise"
        total += content.units.total
    assert total > 3000


# ---- sets


keys = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 2**63 - 1)), max_size=60)


@given(keys, st.integers(0, 2**32))
def test_units_are_the_same_in_any_order_and_any_slices(found: list[tuple[int, int]], seed: int) -> None:
    """So is their digest."""
    rng = random.Random(seed)
    shuffled = rng.sample(found, len(found)) + found[: len(found) // 2]
    cut = rng.randrange(len(shuffled) + 1)
    whole, parts = units_of(found), together([units_of(shuffled[:cut]), units_of(shuffled[cut:])])
    assert same(whole, parts)
    assert whole.total == len(set(found))
    assert digest_of(whole) == digest_of(parts)


@given(keys, st.tuples(st.integers(0, 1), st.integers(1, 2**63 - 1)))
def test_one_object_more_or_of_another_kind_makes_another_digest(
    found: list[tuple[int, int]], more: tuple[int, int]
) -> None:
    """The same release with another set of objects has to be noticed."""
    without = set(found) - {more}
    other_kind = without - {(1 - more[0], more[1])} | {(1 - more[0], more[1])}
    digests = {digest_of(units_of(some)) for some in (without - other_kind, without | {more}, other_kind)}
    assert digest_of(units_of(without | {more})) != digest_of(units_of(without))
    assert len(digests) >= 2


def test_a_digest_does_not_change_from_release_to_release_of_the_program() -> None:
    """It stands in ledgers."""
    units = units_of([(0, 1590000000000000017), (0, 3), (1, 3), (1, 1580000000000000013)])
    assert digest_of(units) == "1802e7fc76a8b38011e6d3d5e9df6dc5764630be1ce4c40a0978f4194781ee69"
    assert digest_of(Units()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_distinct_ids_ascend() -> None:
    """Also where there are none."""
    assert distinct(np.array([5, 3, 5, 2**63 - 1, 1], np.int64)).tolist() == [1, 3, 5, 2**63 - 1]
    assert distinct(np.array([], np.int64)).tolist() == []


# ---- samples


@given(keys, st.integers(1, 40), st.integers(-5, 2**70), st.integers(0, 2**32))
def test_a_sample_is_the_same_in_any_order_and_any_slices(
    found: list[tuple[int, int]], n: int, seed: int, shuffle: int
) -> None:
    """Exactly n, or all where there are fewer; parts may forget what is not drawn of them."""
    sample, rng = Sample(n, seed), random.Random(shuffle)
    drawn = sample.draw(found)
    assert len(drawn) == min(n, len(set(found)))
    assert drawn <= set(found)
    shuffled = rng.sample(found, len(found))
    cut = rng.randrange(len(shuffled) + 1)
    assert sample.draw([*sample.draw(shuffled[:cut]), *sample.draw(shuffled[cut:])]) == drawn


def test_another_seed_draws_others_and_each_is_as_likely() -> None:
    """Over many seeds every record is drawn about as often as any other, neighbours too."""
    records = [(0, 1_590_000_000_000_000_000 + number) for number in range(40)]
    often = dict.fromkeys(records, 0)
    for seed in range(2000):
        for record in Sample(10, seed).draw(records):
            often[record] += 1
    assert all(400 < number < 600 for number in often.values())  # 500 expected, 19 is one standard deviation
    assert Sample(10, 1).draw(records) != Sample(10, 2).draw(records)


def test_a_sample_does_not_change_from_release_to_release_of_the_program() -> None:
    """People cite seeds."""
    assert Sample(3, 7).draw((kind, number) for number in range(1, 50) for kind in (0, 1)) == {(1, 36), (0, 9), (1, 26)}
