"""Nothing disappears uncounted: odd input is kept or rejected with a clear reason, and the good records beside it are kept."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import SHAPES, Mix, batch, examples, lines
from slow_model import id_of, is_repost, posts_of
from templates import AUTHOR, OTHER_POST, POST, activity, v1_post, v1_repost, v2_page, v2_post, v2_user

from xsieve.transforms.records.batch import RawBatch, Reason
from xsieve.transforms.records.plan import Plan, Where
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.tally import DROPPED, NOTED, OUT, READ, REJECTED, balance

ROWS, IDS, STORE = Plan("rows", text=True), Plan("ids"), Plan("store")
GOOD = {
    "v1": v1_post("1470000000000000011"),
    "v2": v2_post("1470000000000000011"),
    "page": v2_page(v2_post("1470000000000000011")),
    "activity": activity("1470000000000000011"),
}


def sift(plan: Plan, data: bytes, offset: int = 0) -> Any:
    done = sieve_for(plan)(RawBatch(data, source=0, offset=offset))
    assert balance(done.counts) == 0
    return done


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


# ---- everything is counted


@settings(max_examples=examples(100))
@given(st.integers(0, 2**64), st.lists(st.sampled_from(list(SHAPES)), min_size=1, max_size=3))
def test_every_public_post_becomes_a_row_and_an_id(seed: int, shapes: list[str]) -> None:
    """As many as a slow and obvious model finds; every other post is dropped or, for its id, rejected."""
    payloads = batch(random.Random(seed), 6, Mix(closed=0.1), tuple(shapes))
    posts = [post for made in payloads for post in posts_of(made.shape, made.data)]
    public = [post for post, is_public in posts if is_public]
    rows, ids = sift(ROWS, lines(payloads)), sift(IDS, lines(payloads))
    assert len(rows.content) == rows.counts[OUT, ""] == len(public)
    assert len(ids.content) == ids.counts[OUT, ""] == sum(bool(id_of(post)) for post in public)
    others = sum(not posts_of(made.shape, made.data) for made in payloads)
    assert rows.counts[READ, ""] == len(posts) + others
    assert not rows.rejects


@settings(max_examples=examples(60))
@given(
    st.integers(0, 2**64),
    st.lists(st.sampled_from(list(SHAPES)), min_size=1, max_size=3),
    st.sampled_from([ROWS, IDS, STORE]),
)
def test_faults_are_counted_too(seed: int, shapes: list[str], plan: Plan) -> None:
    """Whatever is wrong inside of payloads: each line is read, and is out, dropped or rejected."""
    payloads = batch(random.Random(seed), 6, Mix(faults=0.1, closed=0.1), tuple(shapes))
    done = sift(plan, lines(payloads))
    assert done.counts[READ, ""] >= len(payloads)
    assert len(done.rejects) == sum(number for (what, _), number in done.counts.items() if what == REJECTED)


@settings(max_examples=examples(60))
@given(
    st.integers(0, 2**64),
    st.sampled_from(["v1_post", "v1_page", "v2_post", "v2_page", "activity", "activity_page"]),
    st.sampled_from(["keep", "drop", "only"]),
    st.sampled_from([(), ("en",), ("de", "und", "ja")]),
)
def test_filters_let_through_what_they_name_and_count_the_rest(
    seed: int, shape: str, reposts: Any, langs: tuple[str, ...]
) -> None:
    """By language and by being a repost, in every shape; what a filter leaves out is dropped, not lost."""
    payloads = batch(random.Random(seed), 8, Mix(closed=0.1), (shape,))
    wanted = [
        post
        for made in payloads
        for post, is_public in posts_of(shape, made.data)
        if is_public
        and (not langs or post.get("twitter_lang" if "activity" in shape else "lang") in langs)
        and (reposts == "keep" or is_repost(shape, made.data, post) is (reposts == "only"))
    ]
    for kind in ("rows", "ids", "store"):
        done = sift(Plan(kind, where=Where(lang=langs, reposts=reposts)), lines(payloads))
        assert done.counts[OUT, ""] + len(done.rejects) == len(wanted)


@pytest.mark.parametrize("kind", ["rows", "ids", "store"])
def test_a_time_filter_takes_from_its_beginning_to_before_its_end(kind: Any) -> None:
    """To the second, in every spelling of a time; a post without one is left out, and counted."""
    at = 1668246087  # the time of the templates
    posts = b"\n".join(
        map(dumps, [v1_post(), v2_post(), activity(), v2_page(v2_post()), v2_post(created_at=None, id="17")])
    )
    for since, until, expected in (
        (at, at + 1, 4),
        (at + 1, None, 0),
        (None, at, 0),
        (None, at + 1, 4),
        (at - 9, at + 9, 4),
    ):
        done = sift(Plan(kind, where=Where(since=since, until=until)), posts)
        assert (done.counts[OUT, ""], done.counts[READ, ""], done.counts[DROPPED, "where_time"]) == (
            expected,
            5,
            5 - expected,
        )


# ---- odd lines: (the line, the reason it is rejected for; None where it is kept)

UNREAD = ("not UTF-8", "Latin-1")

TEXT = f'{{"id": "{POST}", "text": "a%s"}}'
DEEP = "[" * 1000 + "]" * 1000
DEEPER = "[" * 100_000 + "]" * 100_000
ODD: dict[str, tuple[bytes, Reason | None]] = {
    "cut": (dumps(v1_post())[:-20], Reason.NOT_JSON),
    "cut in a text": (b'{"id": "1590000000000000017", "text": "the la', Reason.NOT_JSON),
    "not UTF-8": (b'{"id": "1590000000000000017", "text": "a\xff\xfeb"}', Reason.NOT_UTF8),
    "Latin-1": ('{"id": "1590000000000000017", "text": "Käse"}'.encode("latin-1"), Reason.NOT_UTF8),
    "UTF-16": ('{"id": "1590000000000000017", "text": "a"}'.encode("utf-16").replace(b"\n", b""), Reason.NOT_UTF8),
    "NULs for a line": (b"\x00" * 64, Reason.NOT_JSON),
    "NUL in a text": (b'{"id": "1590000000000000017", "text": "a\x00b"}', Reason.NOT_JSON),
    "NUL escaped": ((TEXT % "\\u0000").encode(), None),
    "control character": (b'{"id": "1590000000000000017", "text": "a\x01b"}', Reason.NOT_JSON),
    "control character escaped": ((TEXT % "\\u0001\\u001e\\u009f").encode(), None),
    "lone surrogate": ((TEXT % "\\ud83d").encode(), Reason.NOT_JSON),
    "surrogates in the wrong order": ((TEXT % "\\ude00\\ud83d").encode(), Reason.NOT_JSON),
    "pair of surrogates": ((TEXT % "\\ud83d\\ude00").encode(), None),
    "NaN": (b'{"id": "1590000000000000017", "text": "a", "x": NaN}', Reason.NOT_JSON),
    "Infinity": (b'{"id": "1590000000000000017", "text": "a", "x": -Infinity}', Reason.NOT_JSON),
    "1,000 deep in an unknown field": ((TEXT[:-1] % "" + f', "x": {DEEP}}}').encode(), Reason.TOO_DEEP),
    "1,000 deep in a known field": ((TEXT[:-1] % "" + f', "entities": {{"hashtags": {DEEP}}}}}').encode(), Reason.TOO_DEEP),
    "100,000 deep": ((TEXT[:-1] % "" + f', "x": {DEEPER}}}').encode(), Reason.TOO_DEEP),
    "only deep": (DEEPER.encode(), Reason.TOO_DEEP),
    "number beyond 64 bits, unknown": (b'{"id": "1590000000000000017", "text": "a", "x": 123456789012345678901234567890}', None),
    "number beyond 64 bits, known": (b'{"id": "1590000000000000017", "text": "a", "public_metrics": {"like_count": 123456789012345678901234567890}}', None),
    "number beyond a double": (b'{"id": "1590000000000000017", "text": "a", "public_metrics": {"like_count": 1e400}}', None),
    "object where a list belongs": (dumps(v2_post(entities={}, referenced_tweets={}, context_annotations={}, edit_history_tweet_ids={})), None),
    "list where an object belongs": (dumps(v2_post(public_metrics=[], entities=[])), None),
    "nulls everywhere": (dumps(dict.fromkeys(v1_post()) | {"id_str": POST, "text": "a", "user": {}}), None),
    "empty user": (dumps(v1_post(user={})), None),
    "carriage return": (dumps(v2_post()) + b"\r", None),
    "blanks around": (b" \t" + dumps(v2_post()) + b" ", None),
    "two documents": (dumps(v2_post()) + dumps(v2_post()), Reason.NOT_JSON),
    "heading": (b"Classic Tweet, extended mode", Reason.NOT_JSON),
    "a list": (b"[" + dumps(v2_post()) + b"]", Reason.UNKNOWN_SHAPE),
    "a number": (b"7", Reason.UNKNOWN_SHAPE),
    "null": (b"null", Reason.UNKNOWN_SHAPE),
    "empty object": (b"{}", Reason.UNKNOWN_SHAPE),
    "no text": (dumps({"id": POST, "author_id": AUTHOR}), Reason.UNKNOWN_SHAPE),
    "very long line": (dumps(v2_post(x="y" * 8_000_000)), None),
    "very long text": (dumps(v2_post(text="so long " * 100_000)), None),
}  # fmt: skip


@pytest.mark.parametrize("plan", [ROWS, IDS, STORE], ids=lambda plan: plan.kind)
@pytest.mark.parametrize("neighbour", GOOD)
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_line_is_kept_or_rejected_and_its_neighbours_are_kept(odd: str, neighbour: str, plan: Plan) -> None:
    """With its reason, and the place where it lies."""
    line, reason = ODD[odd]
    if plan is IDS and odd in UNREAD:
        reason = None  # what stands in a field that is not read spoils nothing
    good = dumps(GOOD[neighbour])
    done = sift(plan, good + b"\n" + line + b"\n" + good + b"\n", offset=5000)
    assert (done.counts[READ, ""], done.counts[OUT, ""]) == (3, 2 if reason else 3)
    assert [(reject.reason, reject.offset) for reject in done.rejects] == (
        [(reason, 5001 + len(good))] if reason else []
    )


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b" \t\n"])
def test_line_ends_and_blank_lines_cost_nothing(ending: bytes) -> None:
    """Files of any system, and files with gaps."""
    data = ending + ending.join(map(dumps, [*GOOD.values()] * 3)) + ending
    for plan in (ROWS, IDS, STORE):
        done = sift(plan, data)
        assert (done.counts[READ, ""], done.counts[OUT, ""], done.rejects) == (12, 12, [])


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n \n\t\n"])
def test_nothing_gives_nothing(data: bytes) -> None:
    """An empty file is no error."""
    for plan in (ROWS, IDS, STORE):
        done = sift(plan, data)
        assert (done.counts.total(), done.rejects) == (0, [])
        assert len(done.content) == 0


def test_a_byte_order_mark_costs_no_record_beside_it() -> None:
    """Whoever reads files takes it off; here it spoils its line."""
    for plan in (ROWS, IDS, STORE):
        done = sift(plan, b"\xef\xbb\xbf" + b"\n".join([dumps(v2_post())] * 3))
        assert (done.counts[READ, ""], done.counts[OUT, ""]) == (3, 2)
        assert [(reject.reason, reject.offset) for reject in done.rejects] == [(Reason.NOT_JSON, 0)]


def test_a_pretty_printed_document_in_a_batch_of_lines_costs_only_its_lines() -> None:
    """Framing makes one line of it before; where nobody framed it, no part of it passes for a payload."""
    good = dumps(v2_post())
    data = good + b"\n" + json.dumps(v1_repost(v1_post(OTHER_POST)), indent=2).encode() + b"\n" + good
    for plan in (ROWS, IDS, STORE):
        done = sift(plan, data)
        assert done.counts[OUT, ""] == 2
        assert len(done.rejects) == done.counts[READ, ""] - 2 > 0
        assert {reject.reason for reject in done.rejects} <= {Reason.NOT_JSON, Reason.UNKNOWN_SHAPE}


# ---- ids

BAD_IDS: dict[str, tuple[Any, Reason]] = {
    "null": (None, Reason.NO_ID),
    "empty": ("", Reason.NO_ID),
    "text": ("abc", Reason.BAD_ID),
    "text with digits": ("id 1590000000000000017", Reason.BAD_ID),
    "signed": ("+1590000000000000017", Reason.BAD_ID),
    "negative": ("-1590000000000000017", Reason.BAD_ID),
    "zero": ("0", Reason.BAD_ID),
    "zeros before it": ("0001590000000000000017", Reason.BAD_ID),
    "blank after it": ("1590000000000000017 ", Reason.BAD_ID),
    "other digits": ("١٥٩٠٠٠٠٠٠٠٠٠٠٠٠٠٠١٧", Reason.BAD_ID),
    "underscored": ("1_590_000", Reason.BAD_ID),
    "float as text": ("1590000000000000017.0", Reason.BAD_ID),
    "scientific": ("1.59e18", Reason.BAD_ID),
    "beyond 63 bits": ("9223372036854775808", Reason.BAD_ID),
    "of the far future": ("9223372036854775807", Reason.BAD_ID),
    "huge": ("9" * 5000, Reason.BAD_ID),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_IDS)
def test_an_id_that_is_none_is_rejected(case: str) -> None:
    """In v1.1 beside a number that is none either; and the ids of the lines beside it are kept."""
    bad, reason = BAD_IDS[case]
    payloads = [v1_post(), v1_post(id_str=bad, id=None), v1_post(OTHER_POST)]
    done = sift(IDS, b"\n".join(map(dumps, payloads)))
    assert done.content.tolist() == [int(POST), int(OTHER_POST)]
    assert [reject.reason for reject in done.rejects] == [reason]
    if bad is not None:
        page = v2_page(v2_post(), v2_post(bad), v2_post(OTHER_POST))
        done = sift(IDS, dumps(page))
        assert (done.content.tolist(), [reject.reason for reject in done.rejects]) == (
            [int(POST), int(OTHER_POST)],
            [reason],
        )


@pytest.mark.parametrize("number", [1.59e18, 12.5, "x", True, {}, [int(POST)], 2**70])
def test_a_number_that_is_no_integer_is_never_taken_for_an_id(number: Any) -> None:
    """A float has lost its last digits; the text beside it, if there is one, holds the id."""
    alone = sift(IDS, dumps(v1_post(id=number, id_str=None)))
    assert (alone.content.tolist(), alone.counts[READ, ""], len(alone.rejects)) == ([], 1, 1)
    beside = sift(IDS, dumps(v1_post(id=number)))
    assert beside.content.tolist() == [int(POST)]


def test_the_text_of_an_id_goes_before_its_number_and_the_difference_is_counted() -> None:
    """JavaScript rounds numbers of more than 53 bits."""
    done = sift(IDS, dumps(v1_post(id=1590000000000000000)) + b"\n" + dumps(v1_post()))
    assert done.content.tolist() == [int(POST), int(POST)]
    assert done.counts[NOTED, "id_mismatch"] == 1
    assert sift(IDS, dumps(v1_post(id_str=None))).content.tolist() == [int(POST)]


# ---- pages


@pytest.mark.parametrize("plan", [ROWS, IDS, STORE], ids=lambda plan: plan.kind)
@pytest.mark.parametrize("defective", [{"id": OTHER_POST}, {}, 7, "x"])
def test_a_defective_post_of_a_page_costs_no_other(defective: Any, plan: Plan) -> None:
    """One post without a text, or one that is no post at all, is rejected: the other posts of the page are kept."""
    done = sift(plan, dumps(page_around(defective)))
    assert (done.counts[READ, ""], done.counts[OUT, ""]) == (3, 2)
    assert [reject.reason for reject in done.rejects] == [Reason.MISTYPED]


@pytest.mark.parametrize("plan", [ROWS, IDS, STORE], ids=lambda plan: plan.kind)
def test_a_page_whose_only_post_is_defective_is_one_reject(plan: Plan) -> None:
    """It was not empty: nothing is counted beside the post."""
    done = sift(plan, dumps(v2_page(v2_post() | {"id": 7.5})))
    assert +done.counts == {(READ, ""): 1, (REJECTED, "mistyped"): 1}


@pytest.mark.parametrize("plan", [ROWS, IDS, STORE], ids=lambda plan: plan.kind)
def test_a_null_among_the_posts_of_a_page_is_no_record(plan: Plan) -> None:
    """It says nothing of anything, so there is nothing to count."""
    done = sift(plan, dumps(page_around(None)))
    assert (done.counts[READ, ""], done.counts[OUT, ""], done.rejects) == (2, 2, [])


def page_around(defective: Any) -> dict[str, Any]:
    """A page with something between two good posts."""
    page = v2_page(v2_post(), v2_post("1470000000000000011"))
    page["data"].insert(1, defective)
    return page


@pytest.mark.parametrize("results", ["results", "statuses"])
def test_a_defective_post_of_an_answer_of_v1_costs_no_other(results: str) -> None:
    """Search answers of v1.1 and of the enterprise products; whether it passes or not, the post itself is counted."""
    answer = {results: [v1_post(), v1_post("1470000000000000011", user=None), v1_post(OTHER_POST)]}
    done = sift(IDS, dumps(answer))
    assert {int(POST), int(OTHER_POST)} <= {*done.content.tolist()}
    assert done.counts[OUT, ""] + len(done.rejects) == done.counts[READ, ""] == 3


@pytest.mark.parametrize("first", [{"id": OTHER_POST}, None, {}])
def test_a_page_is_known_by_any_of_its_posts(first: Any) -> None:
    """A first post that is defective does not make the page something else, with all its posts dropped as one record."""
    page = v2_page(v2_post(), v2_post("1470000000000000011"))
    page["data"].insert(0, first)
    assert sift(ROWS, dumps(page)).counts[OUT, ""] == 2


def test_a_page_without_posts_is_counted() -> None:
    """An empty list is one payload that held nothing."""
    for data in ([], {}):
        done = sift(ROWS, dumps({"data": data, "meta": {"result_count": 0}}))
        assert done.counts == {(READ, ""): 1, (DROPPED, "v2_answer"): 1}


def test_a_page_with_one_post_is_a_page() -> None:
    """v2 gives an object instead of a list where one post was asked for."""
    done = sift(IDS, dumps(v2_page(users=[v2_user()]) | {"data": v2_post()}))
    assert done.content.tolist() == [int(POST)]


def test_a_place_keeps_its_attributes_beside_one_that_is_null() -> None:
    """Objects whose keys are free lose the value that does not fit, and no other."""
    place = {"id": "07d9cd6afd884001", "attributes": {"street_address": "1 Rue du Lac", "locality": None}}
    (kept,) = map(json.loads, sift(STORE, dumps(v1_post(place=place))).content.splitlines())
    assert kept["place"]["attributes"]["street_address"] == "1 Rue du Lac"
