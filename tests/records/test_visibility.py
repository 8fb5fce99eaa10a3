"""Who may see a record decides whether it comes out: the table of the design, each case in each kind of output."""

import json
from typing import Any, NamedTuple

import pytest
from planting import Haystack
from templates import (
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
from visibility_cases import CLOSED, CONTROL, HIDDEN, LOCKED, MEDIA_ID, MESSAGES, OF_HIDDEN, QUOTES, REFERENCES, SECRET

from xsieve.transforms.records.batch import RawBatch
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.tally import DROPPED, NOTED, OUT, READ, balance


class Outcome(NamedTuple):
    """What became of payloads: rows, ids, store lines; what was dropped and noted; all of it as text."""

    rows: int
    ids: list[str]
    store: list[Any]
    dropped: set[str]
    unknown: int


def sift(plan: Plan, *payloads: Any) -> Any:
    done = sieve_for(plan)(RawBatch(b"\n".join(json.dumps(one).encode() for one in payloads), source=0, offset=0))
    assert balance(done.counts) == 0
    assert not done.rejects
    return done


def outcome(*payloads: Any, attested: bool = False) -> Outcome:
    rows = sift(Plan("rows", text=True, attested=attested), *payloads)
    ids = sift(Plan("ids", attested=attested), *payloads)
    store = sift(Plan("store", attested=attested), *payloads)
    dropped = {reason for done in (rows, ids, store) for what, reason in done.counts if what == DROPPED}
    unknown = {done.counts[NOTED, "visibility_unknown"] for done in (rows, ids, store)}
    assert len(unknown) == 1
    return Outcome(len(rows.content), list(map(str, ids.content.tolist())), stored(store), dropped, unknown.pop())


def stored(done: Any) -> list[Any]:
    return [json.loads(line) for line in done.content.splitlines()]


def hidden_in(store: Any) -> list[str]:
    return [one.value for one in Haystack([json.dumps(store)]).found(OF_HIDDEN)]


# ---- unknown


@pytest.mark.parametrize(
    "post",
    [v2_post(), v2_page(v2_post()), activity(), v1_post(user={"id": 1})],
    ids=["v2", "page", "activity", "trimmed"],
)
def test_a_post_that_does_not_tell_passes_and_is_counted(post: Any) -> None:
    """For one's own use; data that came by an app-only token are known to be public."""
    found = outcome(post)
    assert (found.rows, found.ids, len(found.store), found.unknown) == (1, [POST], 1, 1)
    assert outcome(post, attested=True).unknown == 0


@pytest.mark.parametrize(
    "post", [v1_post(), v2_page(v2_post(), users=[v2_user()]), v2_post(author=v2_user())], ids=["v1", "page", "flat"]
)
def test_a_public_post_passes(post: Any) -> None:
    """Its author says so."""
    found = outcome(post)
    assert (found.rows, found.ids, len(found.store), found.unknown) == (1, [POST], 1, 0)


# ---- closed by itself or by its author


@pytest.mark.parametrize("case", CLOSED)
def test_a_post_that_not_everybody_may_see_comes_out_nowhere(case: str) -> None:
    """Dropped whole from rows, ids and store, and counted with its reason."""
    reason, post = CLOSED[case]
    assert outcome(post) == Outcome(0, [], [], {reason}, 0)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("kind", ["post", "user"])
@pytest.mark.parametrize("case", CLOSED)
def test_no_id_of_a_closed_post_or_its_author_comes_out(case: str, kind: Any, nested: bool) -> None:
    """Neither its own nor its author's, nor those of what it repeats."""
    assert len(sift(Plan("ids", ids=kind, nested=nested), CLOSED[case][1]).content) == 0


@pytest.mark.parametrize("countries", [["DE"], ["DE", "FR", "IN"], []])
def test_a_post_withheld_in_some_countries_passes(countries: list[str]) -> None:
    """For one's own use; whoever redistributes content must know the recipient's country."""
    for post in (
        v1_post(withheld_in_countries=countries),
        v2_post(author=v2_user(), withheld={"country_codes": countries, "copyright": False}),
    ):
        found = outcome(post)
        assert (found.rows, found.ids, len(found.store)) == (1, [POST], 1)


@pytest.mark.parametrize(
    "user",
    [v1_user(protected=True), v2_user(protected=True), v1_user(withheld_in_countries=["XX"])],
    ids=["v1", "v2", "withheld"],
)
def test_a_closed_user_comes_out_nowhere(user: Any) -> None:
    """Alone or on a page with others, whose ids and profiles do come out."""
    open_user = (v1_user if "id_str" in user else v2_user)("1470000000000000011")
    page = {"users": [user, open_user], "next_cursor": 0} if "id_str" in user else {"data": [user, open_user]}
    assert sift(Plan("ids", ids="user"), user, page).content.tolist() == [1470000000000000011]
    assert stored(sift(Plan("store"), user)) == []
    (kept,) = stored(sift(Plan("store"), page))
    assert kept.get("users", kept.get("data")) == [open_user]


# ---- nested


@pytest.mark.parametrize("case", QUOTES)
def test_a_quote_of_a_closed_post_passes_without_it(case: str) -> None:
    """The row and the id of the outer post; the outer post in the store, and nothing of what it quotes."""
    found = outcome(QUOTES[case])
    assert (found.rows, found.ids, len(found.store)) == (1, [POST], 1)
    assert hidden_in(found.store) == []


@pytest.mark.parametrize("case", QUOTES)
def test_nested_ids_leave_out_closed_posts(case: str) -> None:
    """Asked for with what they quote, posts that are not public stay behind."""
    assert OTHER_POST not in map(str, sift(Plan("ids", nested=True), QUOTES[case]).content.tolist())
    assert OTHER_AUTHOR not in map(str, sift(Plan("ids", ids="user", nested=True), QUOTES[case]).content.tolist())


def test_nested_ids_of_public_posts_come_out_when_asked_for() -> None:
    """The original of a repost and what it quotes; by default only the outer post."""
    post = v1_repost(v1_quote(v1_post("1470000000000000011"), id_str=OTHER_POST, id=int(OTHER_POST)))
    assert set(map(str, sift(Plan("ids", nested=True), post).content.tolist())) == {
        POST,
        OTHER_POST,
        "1470000000000000011",
    }
    assert outcome(post).ids == [POST]


@pytest.mark.parametrize("case", REFERENCES)
def test_what_leads_to_a_closed_record_is_cut_out_of_the_store(case: str) -> None:
    """The payload is stored without the record, what belonged to it, and every reference to it."""
    kept = stored(sift(Plan("store"), REFERENCES[case]))
    assert kept
    assert hidden_in(kept) == []


def test_the_handle_of_a_closed_user_goes_in_any_case() -> None:
    """Links and mentions write a handle as somebody typed it."""
    handle = LOCKED["username"].swapcase()
    entities = {
        "mentions": [{"start": 0, "end": 9, "username": handle}],
        "urls": [{"url": "https://t.co/aB3dE5fG7h", "expanded_url": f"https://x.com/{handle}"}],
    }
    (kept,) = stored(sift(Plan("store"), v2_page(v2_post(entities=entities), SECRET, users=[v2_user(), LOCKED])))
    assert kept["data"] == [v2_post(entities={"mentions": [], "urls": []})]


def test_a_page_keeps_its_public_posts_and_their_includes() -> None:
    """Cutting one post out of a page leaves the others as they were."""
    picture = {"media_key": MEDIA_ID, "type": "photo", "alt_text": "a lake"}
    mine = v2_post(attachments={"media_keys": [MEDIA_ID]})
    page = v2_page(mine, SECRET, users=[v2_user(), LOCKED], media=[picture])
    (kept,) = stored(sift(Plan("store"), page))
    assert kept["data"] == [mine]
    assert kept["includes"] == {"users": [v2_user()], "media": [picture]}


def test_a_public_post_is_not_lost_for_what_leads_to_a_closed_one() -> None:
    """Neither for being of the same author, nor for a closed user's handle in one of its own fields."""
    community = v2_post(OTHER_POST, text=HIDDEN, community_id="1590000000000000091")
    (kept,) = stored(sift(Plan("store"), v2_page(v2_post(), community, users=[v2_user()])))
    assert kept["data"] == [v2_post()]
    (kept,) = stored(sift(Plan("store"), v2_page(v2_post(username="Korvalenbu_9"), SECRET, users=[v2_user(), LOCKED])))
    assert kept["data"] == [v2_post()]


def test_a_closed_author_of_a_page_closes_every_post_that_leads_there() -> None:
    """A page holds an author once: a post of theirs and somebody's repost of it lead to the same one, and neither passes."""
    repost = v2_post(OTHER_POST, referenced_tweets=[{"type": "retweeted", "id": SECRET["id"]}])
    page = v2_page(SECRET, repost, users=[v2_user(), LOCKED], tweets=[SECRET])
    seen = outcome(page)
    assert (seen.rows, seen.ids, seen.store) == (0, [], [])
    assert seen.dropped == {"author_protected", "repost_of_nonpublic"}


@pytest.mark.parametrize("author_id", [{}, {"author_id": LOCKED["id"]}], ids=["held", "held and named"])
def test_an_author_whom_the_page_closes_is_closed_in_the_post_too(author_id: dict[str, Any]) -> None:
    """Where a post holds its author without saying who may see them, what its page includes of them decides."""
    post = {key: value for key, value in SECRET.items() if key not in ("author", "author_id")} | author_id
    page = v2_page(post | {"author": {"id": LOCKED["id"], "username": LOCKED["username"]}}, users=[LOCKED])
    assert outcome(page) == Outcome(0, [], [], {"author_protected"}, 0)


@pytest.mark.parametrize("other", [{"id": "1470000000000000011", "type": "replied_to"}, {}], ids=["a list", "{}"])
def test_a_repost_is_seen_under_both_names_of_its_references(other: dict[str, str]) -> None:
    """A post that has ``referenced_tweets`` and ``referenced_posts`` repeats what either of them says."""
    repost = {"type": "reposted", "id": SECRET["id"]}
    post = v2_post(referenced_tweets=[other] if other else {}, referenced_posts=[repost])
    page = v2_page(post, users=[v2_user(), LOCKED], tweets=[SECRET])
    assert outcome(page) == Outcome(0, [], [], {"repost_of_nonpublic"}, 0)


# ---- direct messages


@pytest.mark.parametrize("case", MESSAGES)
def test_direct_messages_pass_as_ids_only(case: str) -> None:
    """And only where their ids are asked for; in the store with the consent of those who wrote them."""
    found = outcome(MESSAGES[case])
    assert (found.rows, found.ids, found.store) == (0, [], [])
    assert sift(Plan("ids", ids="user"), MESSAGES[case]).content.tolist() == []
    assert sift(Plan("ids", ids="dm"), MESSAGES[case]).content.tolist() == [1440000000000000083]
    assert HIDDEN in json.dumps(stored(sift(Plan("store", direct_messages=True), MESSAGES[case])))


# ---- messages about posts and users


@pytest.mark.parametrize("shape", CONTROL)
def test_control_messages_are_counted_as_what_they_are(shape: str) -> None:
    """No errors, and no output of any kind."""
    assert outcome(CONTROL[shape]) == Outcome(0, [], [], {shape}, 0)


@pytest.mark.parametrize("verb", ["delete", "status_withheld", "scrub_geo", "drop"])
def test_an_activity_that_is_neither_post_nor_share_is_no_post(verb: str) -> None:
    """Activity Streams tell of deletions and withheld posts by their verb."""
    found = outcome(activity(verb=verb))
    assert (found.rows, found.ids, found.store) == (0, [], [])


def test_reposts_of_activities_are_posts() -> None:
    """A share of a note of another."""
    done = sift(Plan("rows", text=True), share(activity(OTHER_POST, OTHER_AUTHOR, body="ice!")))
    assert (done.content.columns["is_repost"], done.content.columns["text"]) == ([True], ["ice!"])
    assert (done.counts[READ, ""], done.counts[OUT, ""]) == (1, 1)
