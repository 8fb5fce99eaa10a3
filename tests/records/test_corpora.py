"""Over recorded payloads of all shapes: each is accounted for, each public post comes out, and nothing that identifies does.

They are posts of real people: they are read where they lie, nothing of them is shown where a test fails, and where they are
not, these tests are skipped. What is expected is counted by the slow model, from the name of the family alone.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from planting import folded
from slow_model import id_of, open_user, posts_of, stored

from xsieve.transforms.records.actions import action
from xsieve.transforms.records.actions import load as actions
from xsieve.transforms.records.batch import RawBatch
from xsieve.transforms.records.catalog import load
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.tally import NOTED, OUT, READ, REJECTED, balance

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
FILES = sorted(path.relative_to(CORPORA).as_posix() for path in CORPORA.glob("*/*.jsonl"))
pytestmark = pytest.mark.skipif(not FILES, reason="the recorded payloads are not here")

FAMILIES = {  # family of recorded payloads -> shape that its posts are read as
    "v1_tweet": "v1_post",
    "gnip_native": "v1_post",
    "gnip_activity": "activity",
    "v2_bare_tweet": "v2_post",
    "v2_flat_tweet": "v2_post",
    "v2_envelope_tweet": "v2_page",
}
POST_FILES = [name for name in FILES if name.split("/")[0] in FAMILIES]
ROWS, BARE, IDS, STORE = Plan("rows", text=True, place="city"), Plan("rows"), Plan("ids"), Plan("store")
KEYS_OF_HANDLES = ("screen_name", "username", "preferredUsername", "in_reply_to_screen_name")
LINK = re.compile(r"t\.co/|https?:|www\.|(?:twitter|//x|instagram|facebook|youtube)\.com/|bit\.ly/|youtu\.be/")
MAYBE_CLOSED = re.compile(
    rb'"(?:protected|suspended|withheld_copyright|private)": ?true|"(?:withheld|withheld_in_countries|community_id|scopes)"'
)
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")


@cache
def lines_of(name: str) -> list[bytes]:
    return [line for line in (CORPORA / name).read_bytes().split(b"\n") if line.strip()]


def sift(plan: Plan, data: bytes) -> Any:
    done = sieve_for(plan)(RawBatch(data, source=0, offset=0))
    assert balance(done.counts) == 0
    return done


def posts_in(name: str) -> list[tuple[dict[str, Any], bool]]:
    """The posts of a file, each with whether it is public. What lacks a text or an id is no post."""
    shape = FAMILIES[name.split("/")[0]]
    posts = [post for line in lines_of(name) for post in posts_of(shape, json.loads(line))]
    return [(post, public) for post, public in posts if shape != "v2_post" or "text" in post]


@pytest.mark.parametrize("name", FILES)
def test_every_payload_is_accounted_for(name: str) -> None:
    """Read are all payloads, or all posts of pages; together and one by one with the same result."""
    for plan in (ROWS, BARE, IDS, Plan("ids", ids="user", nested=True), Plan("ids", ids="dm"), STORE):
        whole = sift(plan, b"\n".join(lines_of(name)))
        assert whole.counts[READ, ""] >= len(lines_of(name))
        assert +sum((sift(plan, line).counts for line in lines_of(name)), Counter()) == +whole.counts


@pytest.mark.parametrize("name", POST_FILES)
def test_every_public_post_becomes_a_row_and_an_id(name: str) -> None:
    """As many as the slow model counts, with the ids that it finds."""
    public = [post for post, is_public in posts_in(name) if is_public]
    rows, ids = (sift(plan, b"\n".join(lines_of(name))) for plan in (ROWS, IDS))
    assert (len(rows.content), rows.counts[OUT, ""]) == (len(public), len(public))
    same = Counter(map(str, ids.content.tolist())) == Counter(filter(None, map(id_of, public)))
    assert same, "other ids than the posts have"
    assert len(ids.content) + ids.counts[REJECTED, "bad_id"] + ids.counts[REJECTED, "no_id"] == len(public)


def test_enough_posts_of_each_family_are_public_for_that_to_mean_something() -> None:
    """A model that finds nothing would agree with a sieve that gives nothing."""
    public = Counter(name.split("/")[0] for name in POST_FILES for _, is_public in posts_in(name) if is_public)
    assert public.keys() == FAMILIES.keys()
    assert min(public.values()) >= 40


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("v1_user/")])
def test_every_public_user_becomes_an_id(name: str) -> None:
    """Users by themselves."""
    users = [user for user in map(json.loads, lines_of(name)) if open_user(user)]
    done = sift(Plan("ids", ids="user"), b"\n".join(lines_of(name)))
    assert (Counter(map(str, done.content.tolist())) == Counter(map(id_of, users))) is True


# ---- nothing that identifies


def walk(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar in a payload with the key it stands under, and every key as well."""
    if isinstance(value, dict):
        for name, held in value.items():
            yield "", name
            yield from walk(held, name)
    elif isinstance(value, list):
        for held in value:
            yield from walk(held, key)
    elif value is not None and not isinstance(value, bool):
        yield key, value


def identifiers(payload: Any) -> tuple[set[str], set[str]]:
    """The ids (of seven digits and more) and the handles of a payload."""
    ids, handles = set[str](), set[str]()
    for key, value in walk(payload):
        if key in KEYS_OF_HANDLES and isinstance(value, str) and value:
            handles.add(folded(value))
        elif key.endswith(("id", "id_str", "ids")) or not key:
            ids.update(re.findall(r"\d{7,}", str(value)))
    return ids, handles


def leaks(line: bytes, plan: Plan) -> list[str]:
    """What kinds of identifiers of a payload its rows hold (the kinds only: a failure must not show them)."""
    done = sift(plan, line)
    columns = {
        name: [v for value in values for v in (value if isinstance(value, list) else [value])]
        for name, values in done.content.columns.items()
    }
    texts = {name: [folded(v) for v in values if isinstance(v, str)] for name, values in columns.items()}
    out = "\n".join(
        [*(text for values in texts.values() for text in values), *map(repr, done.rejects), *map(repr, done.counts)]
    )
    ids, handles = identifiers(json.loads(line))
    found = ["id"] * any(one in out for one in ids)
    found += ["handle"] * any(re.search(rf"[@＠]{re.escape(one)}(?!\w)", out) for one in handles)
    exact = {text for name in ("hashtags", "client", "city", "cashtags") for text in texts.get(name, ())}
    found += ["handle as a value"] * bool(exact & handles)
    return (
        found
        + ["link"] * bool(LINK.search(out))
        + ["e-mail"] * bool(EMAIL.search(out))
        + ["at sign"] * bool(re.search(r"[@＠]\w", out))
    )


@pytest.mark.parametrize("plan", [ROWS, BARE], ids=["text", "bare"])
@pytest.mark.parametrize("name", FILES)
def test_rows_hold_nothing_that_identifies(name: str, plan: Plan) -> None:
    """No id of the payload, no handle after an at sign or as a value, no link, no e-mail address, in any row of any file."""
    found = [(number, leaks(line, plan)) for number, line in enumerate(lines_of(name))]
    assert [one for one in found if one[1]] == []


# ---- the store keeps what it may


@pytest.mark.parametrize("name", POST_FILES)
def test_a_store_holds_what_may_pass_and_nothing_else(name: str) -> None:
    """Public payloads come out as they are, less the unknown fields and those of classes that are dropped."""
    dropped = frozenset(cls for cls in actions()["store"] if action(cls, "store") == "drop")
    root = {"v1_post": "v1.post", "v2_post": "v2.post", "v2_page": "v2.page", "activity": "activity.activity"}[
        FAMILIES[name.split("/")[0]]
    ]
    compared = 0
    for number, line in enumerate(lines_of(name)):
        done = sift(STORE, line)
        if MAYBE_CLOSED.search(line) or done.counts[NOTED, "mistyped_leaf"] or not done.content:
            continue
        same = json.loads(done.content) == stored(load(), dropped, root, json.loads(line))
        assert same, f"payload {number} came out otherwise"
        compared += 1
    assert compared or len(lines_of(name)) < 10
