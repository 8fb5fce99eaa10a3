"""The traps of decoding: each way in which a fast decoder would let something through, or say too much, has a test."""

import json
import logging
import random
import traceback
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import SHAPES, Mix, batch, examples
from templates import (
    AUTHOR,
    ISO_TIME,
    OTHER_AUTHOR,
    OTHER_POST,
    POST,
    activity,
    v1_post,
    v1_user,
    v2_page,
    v2_post,
    v2_user,
)

from xsieve.transforms.records.batch import RawBatch, Reason
from xsieve.transforms.records.decode import Refused, decode_line
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.scrub import scrub
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.tally import DROPPED, OUT, READ, balance

PLANS = {
    "rows": Plan("rows", text=True, place="city"),
    "bare rows": Plan("rows"),
    "post ids": Plan("ids"),
    "nested ids": Plan("ids", nested=True),
    "user ids": Plan("ids", ids="user"),
    "dm ids": Plan("ids", ids="dm"),
    "store": Plan("store"),
    "store with messages": Plan("store", direct_messages=True),
}
KINDS = ("rows", "post ids", "nested ids", "user ids", "store")
CLOSED_USER = json.dumps(v1_user(protected=True))
OPEN_USER = json.dumps(v1_user())
CLOSED_POST = json.dumps(v1_post(OTHER_POST, user=v1_user(OTHER_AUTHOR, protected=True)))
OPEN_POST = json.dumps(v1_post(OTHER_POST, OTHER_AUTHOR))
LOCKED = json.dumps(v2_user(OTHER_AUTHOR, protected=True))
SECRET = json.dumps(v2_post(OTHER_POST, OTHER_AUTHOR))


def sift(plan: Plan, data: bytes, offset: int = 0) -> Any:
    done = sieve_for(plan)(RawBatch(data, source=0, offset=offset))
    assert balance(done.counts) == 0
    return done


def units(content: Any) -> Counter[Any]:
    """What passed, without its order: rows, ids or payloads."""
    if isinstance(content, bytes):
        return Counter(content.splitlines())
    if hasattr(content, "columns"):
        return Counter(map(repr, zip(*content.columns.values(), strict=True)))
    return Counter(content.tolist())


# ---- repeated keys


def v1(*members: str) -> str:
    return f'{{"id_str": "{POST}", "text": "hidden", {", ".join(members)}}}'


def v2(*members: str, page: str = "") -> str:
    post = f'{{"id": "{POST}", "text": "hidden", {", ".join(members)}}}'
    return f'{{"data": [{post}], {page}}}' if page else post


REPEATED: dict[str, str] = {
    "user closed, null": v1(f'"user": {CLOSED_USER}', '"user": null'),
    "user closed, null, bare": f'{{"id": "{POST}", "user": {{"protected": true}}, "text": "t", "user": null}}',
    "user closed, open": v1(f'"user": {CLOSED_USER}', f'"user": {OPEN_USER}'),
    "user closed, open, null": v1(f'"user": {CLOSED_USER}', f'"user": {OPEN_USER}', '"user": null'),
    "user open, closed": v1(f'"user": {OPEN_USER}', f'"user": {CLOSED_USER}'),
    "user escaped": v1(f'"us\\u0065r": {CLOSED_USER}', f'"user": {OPEN_USER}'),
    "user, then escaped": v1(f'"user": {CLOSED_USER}', f'"us\\u0065r": {OPEN_USER}'),
    "user escaped, no other": v1(f'"us\\u0065r": {CLOSED_USER}'),
    "protected true, false": v1('"user": {"id": 3, "protected": true, "protected": false}'),
    "protected false, true": v1('"user": {"id": 3, "protected": false, "protected": true}'),
    "protected true, null": v1('"user": {"id": 3, "protected": true, "protected": null}'),
    "protected escaped": v1('"user": {"id": 3, "prot\\u0065cted": true, "protected": false}'),
    "protected escaped, no other": v1('"user": {"id": 3, "\\u0070rotected": true}'),
    "original closed, null": v1(f'"user": {OPEN_USER}', f'"retweeted_status": {CLOSED_POST}', '"retweeted_status": null'),
    "original closed, open": v1(f'"user": {OPEN_USER}', f'"retweeted_status": {CLOSED_POST}', f'"retweeted_status": {OPEN_POST}'),
    "original open, closed": v1(f'"user": {OPEN_USER}', f'"retweeted_status": {OPEN_POST}', f'"retweeted_status": {CLOSED_POST}'),
    "withheld everywhere, nowhere": v1(f'"user": {OPEN_USER}', '"withheld_in_countries": ["XX"]', '"withheld_in_countries": []'),
    "copyright true, false": v1(f'"user": {OPEN_USER}', '"withheld_copyright": true', '"withheld_copyright": false'),
    "scopes, none": v1(f'"user": {OPEN_USER}', '"scopes": {"followers": true}', '"scopes": null'),
    "community, none": v2('"community_id": "1490000000000000001"', '"community_id": null'),
    "v2 withheld, none": v2('"withheld": {"copyright": true}', '"withheld": {}'),
    "v2 author closed, open": v2(f'"author": {json.dumps(v2_user(protected=True))}', f'"author": {json.dumps(v2_user())}'),
    "v2 author closed, null": v2(f'"author": {json.dumps(v2_user(protected=True))}', '"author": null'),
    "v2 includes, none": v2(f'"author_id": "{OTHER_AUTHOR}"', page=f'"includes": {{"users": [{LOCKED}]}}, "includes": {{}}'),
    "v2 users, none": v2(f'"author_id": "{OTHER_AUTHOR}"', page=f'"includes": {{"users": [{LOCKED}], "users": []}}'),
    "v2 author id": v2(f'"author_id": "{OTHER_AUTHOR}"', f'"author_id": "{AUTHOR}"', page=f'"includes": {{"users": [{LOCKED}]}}'),
    "v2 author id, null": v2(f'"author_id": "{OTHER_AUTHOR}"', '"author_id": null', page=f'"includes": {{"users": [{LOCKED}]}}'),
    "v2 id of the author": v2(
        f'"author_id": "{OTHER_AUTHOR}"', page=f'"includes": {{"users": [{{"id": "{OTHER_AUTHOR}", "protected": true, "id": "7"}}]}}'
    ),
    "v2 references, null": v2(
        f'"referenced_tweets": [{{"type": "retweeted", "id": "{OTHER_POST}"}}]', '"referenced_tweets": null',
        page=f'"includes": {{"users": [{LOCKED}], "tweets": [{SECRET}]}}',
    ),
    "v2 type of a reference": v2(
        f'"referenced_tweets": [{{"type": "retweeted", "id": "{OTHER_POST}", "type": "replied_to"}}]',
        page=f'"includes": {{"users": [{LOCKED}], "tweets": [{SECRET}]}}',
    ),
    "v2 the same user twice": v2(
        f'"author_id": "{OTHER_AUTHOR}"', page=f'"includes": {{"users": [{LOCKED}, {json.dumps(v2_user(OTHER_AUTHOR))}]}}'
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", REPEATED)
def test_a_repeated_key_does_not_hide_who_may_see_a_post(case: str, kind: str) -> None:
    """The last of equal keys wins in a decoder. Whichever says no, in any spelling, in any order: the post stays behind."""
    line = REPEATED[case].encode()
    assert units(sift(PLANS[kind], line).content).total() == 0
    neighbours = [
        json.dumps(post).encode() for post in (v1_post("1470000000000000011"), v2_post("1470000000000000011"))
    ]
    for good in neighbours:
        done = sift(PLANS[kind], b"\n".join((good, line, good)))
        assert units(done.content).total() == 2
        assert done.counts[READ, ""] == 3


def test_a_key_repeated_where_nothing_is_decided_costs_nothing() -> None:
    """Only what says who may see a post is read again."""
    line = v1(f'"user": {OPEN_USER}', '"lang": "en"', '"lang": "de"', '"x": {"protected": true}', '"x": 1').encode()
    assert units(sift(PLANS["rows"], line).content).total() == 1


# ---- types of what decides

MISTYPED: dict[str, Any] = {
    "protected as text": v1_post(user=v1_user(protected="true")),
    "protected as number": v1_post(user=v1_user(protected=1)),
    "user as text": v1_post(user="user_1"),
    "user as list": v1_post(user=[v1_user(protected=True)]),
    "withheld as text": v1_post(withheld_in_countries="XX"),
    "withheld as object": v1_post(withheld_in_countries={"a": "XX"}),
    "withheld with numbers": v1_post(withheld_in_countries=["XX", 3]),
    "copyright as text": v1_post(withheld_copyright="true"),
    "scopes as list": v1_post(scopes=[{"followers": True}]),
    "original as text": v1_post(text="RT @user_1: hidden", retweeted_status="x"),
    "original as list": v1_post(text="RT @user_1: hidden", retweeted_status=[json.loads(CLOSED_POST)]),
    "v2 withheld as list": v2_post(withheld=[{"copyright": True}]),
    "v2 author as text": v2_post(author="x"),
    "v2 author id as number": v2_page(v2_post(author_id=int(OTHER_AUTHOR)), users=[json.loads(LOCKED)]),
    "v2 id of a user as number": v2_page(v2_post(POST, OTHER_AUTHOR), users=[json.loads(LOCKED) | {"id": int(OTHER_AUTHOR)}]),
    "v2 users as object": v2_page(v2_post(POST, OTHER_AUTHOR), users={OTHER_AUTHOR: json.loads(LOCKED)}),
    "v2 includes as list": v2_page(v2_post(POST, OTHER_AUTHOR)) | {"includes": [{"users": [json.loads(LOCKED)]}]},
    "v2 id of a reference as number": v2_page(
        v2_post(referenced_tweets=[{"type": "retweeted", "id": int(OTHER_POST)}]), users=[json.loads(LOCKED)], tweets=[json.loads(SECRET)]
    ),
    "v2 type of a reference as list": v2_page(
        v2_post(referenced_tweets=[{"type": ["retweeted"], "id": OTHER_POST}]), users=[json.loads(LOCKED)], tweets=[json.loads(SECRET)]
    ),
    "activity with an object as text": activity(verb="share", object="x"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", MISTYPED)
def test_a_deciding_value_of_a_wrong_type_rejects_the_record(case: str, kind: str) -> None:
    """Who may see it cannot be told, so nobody does; a mistyped value that decides nothing costs only itself."""
    good = json.dumps(v1_post("1470000000000000011")).encode()
    done = sift(PLANS[kind], b"\n".join((good, json.dumps(MISTYPED[case]).encode(), good)))
    assert units(done.content).total() == 2
    (reject,) = done.rejects
    assert reject.reason in (Reason.MISTYPED, Reason.UNKNOWN_SHAPE, Reason.NO_ID)


def test_a_mistyped_leaf_costs_that_leaf() -> None:
    """A metric that is a text, a list that is an object: the row stays, without the value."""
    done = sift(
        PLANS["rows"], json.dumps(v1_post(retweet_count="12", favorite_count=7, entities={"hashtags": {}})).encode()
    )
    assert (done.content.columns["repost_count"], done.content.columns["like_count"]) == ([None], [7])


# ---- batch and fallback

ODD_LINES = (
    b"", b" ", b"\t \r", b"\r", b"{}", b"[]", b"null", b"7", b'"text"', b"{", b"}", b"},", b"[{", b"\x00" * 20, b"\xff\xfe", b"\xef\xbb\xbf{}",
    b"{}{}", b"NaN", b'{"a":NaN}', b'{"id":"1","text":"\\ud83d"}', b'{"id":1e400,"text":"x"}', b"Classic Tweet, extended mode",
    b'{"id":"1590000000000000017","text":null}', b'{"id":null,"text":"x"}', b'{"text":"x"}', b'{"id":"1590000000000000017","text":["x"]}',
    b'{"id":"1590000000000000017","text":"a","user":null}', b'{"id":"1590000000000000017","text":"a","author":null}',
    b'{"user":{"id":3},"id":1590000000000000017,"text":"a"}', b'{"user":null,"id_str":"1590000000000000017","text":"a"}',
    b'{"user":{},"id_str":null,"text":"a"}', b'{"user":{"id":3},"id_str":"1590000000000000017","text":null,"full_text":"b"}',
    b'{"user":{"id":3},"id_str":"1590000000000000017","data":null,"text":"a"}', b'{"user":{"id":3},"id_str":"x","data":{},"text":"a"}',
    b'{"actor":{},"verb":"post","object":{}}', b'{"actor":{"id":"3"},"verb":"post","object":{},"id":"tag:search.twitter.com,2005:9999999999"}',
    b'{"data":[],"includes":{}}', b'{"data":{"id":"3","text":"a"}}', b'{"data":[{"id":"3","text":"a"},null,{"id":"4","text":"b"}]}',
    b'{"data":[{"id":"3","text":"a"}],"data":[]}', b'{"id":"3","text":"a"} ', b'  {"id":"3","text":"a"}', b'{"id":"3","text":"a"}\r',
    b'{"id":"3","text":"a"}{"id":"4","text":"b"}', b'{"id":"3","text":"a"} {"id":"4","text":"b"}', b'{"id":"3",', b'"text":"a"}',
    b'{"id":"3","text":"a","id":"4"}', b'{"id":"3","text":"a","x":' + b"[" * 1100 + b"]" * 1100 + b"}", REPEATED["user closed, null"].encode(),
)  # fmt: skip
GOOD = tuple(
    json.dumps(one).encode()
    for one in (
        v1_post(),
        v2_post(),
        v2_post(author=v2_user()),
        activity(),
        v2_page(v2_post(), users=[v2_user()]),
        v1_post(retweet_count="x"),
    )
)
generated = st.builds(
    lambda seed, shape, faults: batch(random.Random(seed), 1, Mix(faults=faults, closed=0.1), (shape,))[0].line(random.Random(seed)),
    st.integers(0, 2**64), st.sampled_from(list(SHAPES)), st.sampled_from([0.0, 0.05]),
)  # fmt: skip
any_line = st.one_of(st.sampled_from(ODD_LINES), st.sampled_from(GOOD), generated)
mostly_one_shape = st.sampled_from(GOOD).flatmap(
    lambda good: st.lists(st.one_of(st.just(good), st.just(good), any_line), max_size=8)
)


def assert_batch_equals_lines(kind: str, whole: bytes) -> None:
    """The same content, counts and rejects, at the same offsets, whether lines come together or one by one."""
    together = sift(PLANS[kind], whole, offset=1000)
    apart: Counter[Any] = Counter()
    counts: Counter[Any] = Counter()
    rejects: list[Any] = []
    start = 0
    for line in whole.split(b"\n"):
        done = sift(PLANS[kind], line, offset=1000 + start)
        apart += units(done.content)
        counts += done.counts
        rejects += done.rejects
        start += len(line) + 1
    assert units(together.content) == apart
    assert +together.counts == +counts
    assert sorted(together.rejects, key=lambda reject: reject.offset) == rejects


@settings(max_examples=examples(150))
@given(
    st.one_of(st.lists(any_line, max_size=6), mostly_one_shape),
    st.sampled_from(list(PLANS)),
    st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n"]),
)
def test_a_batch_gives_what_its_lines_give_one_by_one(data: list[bytes], kind: str, ending: bytes) -> None:
    """Whatever the mix of shapes, faults and line ends."""
    assert_batch_equals_lines(kind, ending.join(data))


@pytest.mark.parametrize("kind", PLANS)
@pytest.mark.parametrize("odd", ODD_LINES, ids=lambda line: repr(line[:60]))
def test_an_odd_line_is_judged_alike_alone_and_among_others(odd: bytes, kind: str) -> None:
    """Between good lines of each shape."""
    for good in GOOD:
        assert_batch_equals_lines(kind, b"\n".join((good, odd, good)))


# ---- texts stay where they are

separators = st.text(
    st.sampled_from('\x1c\x1d\x1e\x1f\n\r\x85\u2028\u2029\x00\x0b\x0c \\"@#:/.1234567890ab＠\u200b'), max_size=30
)


@settings(max_examples=examples(100))
@given(
    st.lists(
        st.one_of(separators, st.text(st.characters(exclude_categories=("Cs",)), max_size=40)), min_size=1, max_size=12
    )
)
def test_texts_do_not_move_between_records(texts: list[str]) -> None:
    """Texts are scrubbed together; each comes out in its own row, as if it had been alone."""
    lines = b"\n".join(
        json.dumps(v2_post(str(1590000000000000000 + n), text=text)).encode() for n, text in enumerate(texts)
    )
    assert sift(PLANS["rows"], lines).content.columns["text"] == [scrub(text) for text in texts]


# ---- nothing is said about what is read

TOLD = "korvalenbu"
TELLING: dict[str, bytes] = {
    "bad UTF-8 in the text": b'{"id":"1","text":"korvalenbu \xff\xfe"}',
    "bad UTF-8 in a skipped field": b'{"id":"1","text":"a","x":"korvalenbu \xc3("}',
    "bad UTF-8 in a key": b'{"id":"1","text":"a","korvalenbu\xff":1}',
    "wrong type": b'{"id":{"korvalenbu":1},"text":{"korvalenbu":1}}',
    "wrong type of what decides": b'{"id_str":"1","text":"a","user":{"protected":"korvalenbu"}}',
    "unknown shape": b'{"korvalenbu":"korvalenbu"}',
    "cut line": b'{"id":"1","text":"korvalenbu',
    "not JSON": b"korvalenbu",
    "repeated key": b'{"korvalenbu":1,"korvalenbu":2}',
    "lone surrogate": b'{"id":"1","text":"korvalenbu \\ud800"}',
    "number": b'{"id":"1","text":"korvalenbu","public_metrics":{"like_count":1e999}}',
    "too deep": b'{"id":"1","text":"korvalenbu","entities":' + b'{"korvalenbu":' * 1200 + b"1" + b"}" * 1201,
    "withheld": b'{"id_str":"1","text":"a","user":{"id":1},"withheld_in_countries":{"korvalenbu":1}}',
}  # fmt: skip


@pytest.mark.parametrize("kind", ["rows", "post ids", "user ids", "dm ids", "store"])
@pytest.mark.parametrize("case", TELLING)
def test_nothing_of_a_payload_is_said_in_rejects_counts_or_logs(
    case: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A reject is a reason of a closed list and a place; nothing else is said of a payload anywhere."""
    with caplog.at_level(logging.NOTSET):
        done = sift(PLANS[kind], TELLING[case])
    assert TOLD not in repr(done.rejects) + repr(done.counts)
    assert not caplog.records
    for reject in done.rejects:
        assert isinstance(reject.reason, Reason)
        assert reject.shape in {*SHAPES, "unknown"}


@pytest.mark.parametrize("case", TELLING)
def test_no_exception_carries_a_payload(case: str) -> None:
    """Errors of the decoder quote what they read; what is raised in their place does not, nor does its traceback."""
    for kind in KINDS:
        refused = refusal(TELLING[case], kind)
        if refused is not None:
            assert TOLD not in "".join(traceback.format_exception(refused))
            assert TOLD not in repr(refused.__cause__)
            assert refused.__suppress_context__ or refused.__context__ is None


def refusal(line: bytes, kind: str) -> Refused | None:
    """What is raised over a line, where anything is: some plans do not look at what is wrong with it."""
    try:
        decode_line(line, sieve_for(PLANS[kind]).codecs)
    except Refused as refused:
        return refused
    return None


@settings(max_examples=examples(200))
@given(
    st.one_of(
        st.binary(max_size=200), st.lists(st.one_of(st.binary(max_size=30), any_line), max_size=4).map(b"\n".join)
    ),
    st.sampled_from(list(PLANS)),
)
def test_no_bytes_break_a_sieve(data: bytes, kind: str) -> None:
    """Whatever comes in, nothing is raised, and each line that is not blank is accounted for."""
    done = sift(PLANS[kind], data)
    assert done.counts[READ, ""] >= sum(bool(line.strip(b" \t\r")) for line in data.split(b"\n"))


@settings(max_examples=examples(100))
@given(st.binary(max_size=4), st.integers(0, 400), st.sampled_from(range(len(GOOD))), st.sampled_from(list(PLANS)))
def test_a_damaged_line_harms_no_other(damage: bytes, at: int, which: int, kind: str) -> None:
    """Bytes overwritten anywhere in the middle line of three: the other two come out as ever."""
    good = json.dumps(v2_post("1470000000000000011", "1470000000000000023")).encode()
    line = bytearray(GOOD[which])
    line[at : at + len(damage)] = damage.replace(b"\n", b" ")
    alone = units(sift(PLANS[kind], good).content)
    done = units(sift(PLANS[kind], b"\n".join((good, bytes(line), good))).content)
    assert done >= alone + alone


def test_what_is_dropped_is_counted_by_a_name_of_our_own() -> None:
    """Reasons are those of the program: shapes, signs, filters."""
    rng = random.Random(9)
    lines = b"\n".join(one.line(rng) for one in batch(rng, 200, Mix(closed=0.3)))
    known = {
        *SHAPES,
        "author_protected",
        "author_suspended",
        "withheld_everywhere",
        "followers_only",
        "community_only",
        "private_list",
    }
    known |= {"repost_of_nonpublic", "nested_nonpublic", "empty_page", "not_a_post"}
    for plan in PLANS.values():
        done = sift(plan, lines)
        assert {reason for what, reason in done.counts if what == DROPPED} <= known
        assert done.counts[OUT, ""] >= units(done.content).total() or plan.kind == "store"
        assert ISO_TIME not in repr(done.counts)
