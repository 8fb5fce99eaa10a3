"""Who may see a record decides whether it comes out: the table of the design, each case in each kind of output."""

import json
from typing import Any, NamedTuple

import pytest
from planting import Haystack, Planted
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
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.tally import DROPPED, NOTED, OUT, READ, balance

MEDIA_ID, PLACE_ID, POLL_ID = "3_1480000000000000041", "07d9cd6afd884001", "1480000000000000059"
HIDDEN = "korvalenbu"  # stands in everything that a hidden record says
LOCKED = v2_user(OTHER_AUTHOR, username="Korvalenbu_9", name=HIDDEN, protected=True)
LOCKED_V1 = v1_user(OTHER_AUTHOR, screen_name="Korvalenbu_9", name=HIDDEN, protected=True)
SECRET = v2_post(OTHER_POST, OTHER_AUTHOR, text=HIDDEN)
SECRET_V1 = v1_post(OTHER_POST, user=LOCKED_V1, text=HIDDEN)
OF_HIDDEN = [Planted("", value, "", "") for value in (HIDDEN, OTHER_AUTHOR, OTHER_POST)]


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

CLOSED: dict[str, tuple[str, Any]] = {
    "v1 author": ("author_protected", v1_post(user=v1_user(protected=True))),
    "v1 author trimmed": ("author_protected", v1_post(user={"id_str": AUTHOR, "protected": True})),
    "v1 compat": ("author_protected", v1_post(user=v1_user(protected=True), truncated=True, extended_tweet={"full_text": "x"})),
    "v2 author in the page": ("author_protected", v2_page(v2_post(), users=[v2_user(protected=True)])),
    "v2 one post": ("author_protected", v2_page(v2_post(), users=[v2_user(protected=True)]) | {"data": v2_post()}),
    "v2 author flattened": ("author_protected", v2_post(author=v2_user(protected=True))),
    "v1 search answer": ("author_protected", {"statuses": [v1_post(user=v1_user(protected=True))]}),
    "suspended": ("author_suspended", v1_post(user=v1_user(suspended=True))),
    "community": ("community_only", v2_post(community_id="1590000000000000091")),
    "followers": ("followers_only", v1_post(scopes={"followers": True})),
    "promoted only": ("followers_only", v1_post(scopes={"followers": False})),
    "v2 followers": ("followers_only", v2_post(scopes={"followers": True})),
    "withheld from all": ("withheld_everywhere", v1_post(withheld_in_countries=["DE", "XX"])),
    "withheld, small letters": ("withheld_everywhere", v1_post(withheld_in_countries=["xy"])),
    "copyright": ("withheld_everywhere", v1_post(withheld_copyright=True)),
    "author withheld": ("withheld_everywhere", v1_post(user=v1_user(withheld_in_countries=["XX"]))),
    "v2 withheld from all": ("withheld_everywhere", v2_post(withheld={"country_codes": ["XX"], "copyright": False})),
    "v2 copyright": ("withheld_everywhere", v2_post(withheld={"copyright": True, "country_codes": {}})),
    "v2 author withheld": ("withheld_everywhere", v2_page(v2_post(), users=[v2_user(withheld={"country_codes": ["XY"]})])),
    "repost of a protected author": ("repost_of_nonpublic", v1_repost(SECRET_V1)),
    "repost of a withheld post": ("repost_of_nonpublic", v1_repost(v1_post(OTHER_POST, withheld_copyright=True))),
    "v2 repost": ("repost_of_nonpublic", v2_page(v2_post(referenced_tweets=[{"type": "retweeted", "id": OTHER_POST}]), users=[LOCKED], tweets=[SECRET])),
    "v2 repost, new names": ("repost_of_nonpublic", v2_page(v2_post(referenced_posts=[{"type": "reposted", "id": OTHER_POST}]), users=[LOCKED], posts=[SECRET])),
    "v2 repost flattened": ("repost_of_nonpublic", v2_post(referenced_tweets=[SECRET | {"type": "retweeted", "author": LOCKED}])),
}  # fmt: skip


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

QUOTES: dict[str, Any] = {
    "v1": v1_quote(SECRET_V1),
    "v1 repost of a quote": v1_repost(v1_quote(SECRET_V1)),
    "v2": v2_page(v2_post(referenced_tweets=[{"type": "quoted", "id": OTHER_POST}]), users=[v2_user(), LOCKED], tweets=[SECRET]),
    "v2 new names": v2_page(v2_post(referenced_posts=[{"type": "quoted", "id": OTHER_POST}]), users=[v2_user(), LOCKED], posts=[SECRET]),
    "v2 flattened": v2_post(author=v2_user(), referenced_tweets=[SECRET | {"type": "quoted", "author": LOCKED}]),
    "v2 reply": v2_page(
        v2_post(referenced_tweets=[{"type": "replied_to", "id": OTHER_POST}], in_reply_to_user_id=OTHER_AUTHOR), users=[v2_user(), LOCKED], tweets=[SECRET]
    ),
    "v1 with a fault elsewhere": v1_quote(SECRET_V1) | {"retweet_count": "many"},
    "v2 with a fault elsewhere": v2_page(v2_post(referenced_tweets=[{"type": "quoted", "id": OTHER_POST}], lang=7), users=[v2_user(), LOCKED], tweets=[SECRET]),
}  # fmt: skip


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


PERMALINK = {
    "url": "https://t.co/aB3dE5fG7h",
    "expanded_url": f"https://twitter.com/Korvalenbu_9/status/{OTHER_POST}",
    "display_url": "twitter.com/Korvalenbu_9/sta…",
}
QUOTED = [{"type": "quoted", "id": OTHER_POST}]
PICTURE = {"media_key": MEDIA_ID, "type": "photo", "alt_text": HIDDEN}
BARE_SECRET = v2_post(OTHER_POST, OTHER_AUTHOR, text="x")
BARE_LOCKED = {"id": OTHER_AUTHOR, "username": "Bo", "protected": True}
REFERENCES: dict[str, Any] = {
    "link of a v1 quote": v1_quote(v1_post(OTHER_POST, user=LOCKED_V1), entities={"urls": [PERMALINK]}),
    "link of a v2 quote": v2_page(v2_post(referenced_tweets=QUOTED, entities={"urls": [PERMALINK]}), users=[v2_user(), LOCKED], tweets=[SECRET]),
    "media of a quoted post": v2_page(
        v2_post(referenced_tweets=QUOTED), users=[v2_user(), LOCKED], tweets=[SECRET | {"attachments": {"media_keys": [MEDIA_ID]}}], media=[PICTURE]
    ),
    "media of a dropped post": v2_page(
        v2_post(), BARE_SECRET | {"attachments": {"media_keys": [MEDIA_ID]}}, users=[v2_user(), BARE_LOCKED], media=[PICTURE]
    ),
    "place of a dropped post": v2_page(
        v2_post(), BARE_SECRET | {"geo": {"place_id": PLACE_ID}}, users=[v2_user(), BARE_LOCKED], places=[{"id": PLACE_ID, "full_name": HIDDEN}]
    ),
    "poll of a dropped post": v2_page(
        v2_post(), BARE_SECRET | {"attachments": {"poll_ids": [POLL_ID]}}, users=[v2_user(), BARE_LOCKED], polls=[{"id": POLL_ID, "options": [{"label": HIDDEN}]}]
    ),
    "dropped post in the meta": v2_page(v2_post(), BARE_SECRET, users=[v2_user(), BARE_LOCKED], meta={"oldest_id": OTHER_POST, "newest_id": POST}),
    "thread of a closed post": v2_page(v2_post(conversation_id=OTHER_POST), users=[v2_user(), BARE_LOCKED], tweets=[BARE_SECRET]),
    "mention of a closed user": v2_page(
        v2_post(entities={"mentions": [{"id": OTHER_AUTHOR, "username": "Korvalenbu_9", "start": 0, "end": 5}]}), users=[v2_user(), LOCKED]
    ),
    "answer to a closed user": v2_page(v2_post(in_reply_to_user_id=OTHER_AUTHOR), users=[v2_user(), LOCKED]),
    "post of a closed user of a page of users": {"data": [v2_user(), BARE_LOCKED | {"pinned_tweet_id": OTHER_POST}], "includes": {"tweets": [SECRET]}},
    "Space of a closed host": {
        "data": [{"id": "1DXxyRYNejbKM", "state": "live", "host_ids": [OTHER_AUTHOR, AUTHOR], "creator_id": OTHER_AUTHOR}], "includes": {"users": [v2_user(), LOCKED]},
    },
    "owner of a list": {"data": [{"id": "1470000000000000011", "name": "birds", "owner_id": OTHER_AUTHOR}], "includes": {"users": [LOCKED]}},
    "source of a v1 media item": v1_post(
        extended_entities={"media": [{"id_str": "7", "type": "photo", "source_user_id_str": OTHER_AUTHOR, "additional_media_info": {"source_user": LOCKED_V1}}]}
    ),
    "v1 post inside an activity": activity(
        twitter_entities={"media": [{"type": "photo", "additional_media_info": {"source_user": v1_user("7", status=SECRET_V1)}}]}
    ),
    "latest post of a v1 user": v1_user(status=v1_post(OTHER_POST, user=LOCKED_V1, text=HIDDEN)),
    "community post in includes": v2_page(
        v2_post(referenced_tweets=QUOTED), users=[v2_user()], tweets=[v2_post(OTHER_POST, AUTHOR, text=HIDDEN, community_id="1470000000000000011")]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFERENCES)
def test_what_leads_to_a_closed_record_is_cut_out_of_the_store(case: str) -> None:
    """The payload is stored without the record, what belonged to it, and every reference to it."""
    kept = stored(sift(Plan("store"), REFERENCES[case]))
    assert kept
    assert hidden_in(kept) == []


def test_a_page_keeps_its_public_posts_and_their_includes() -> None:
    """Cutting one post out of a page leaves the others as they were."""
    picture = {"media_key": MEDIA_ID, "type": "photo", "alt_text": "a lake"}
    mine = v2_post(attachments={"media_keys": [MEDIA_ID]})
    page = v2_page(mine, SECRET, users=[v2_user(), LOCKED], media=[picture])
    (kept,) = stored(sift(Plan("store"), page))
    assert kept["data"] == [mine]
    assert kept["includes"] == {"users": [v2_user()], "media": [picture]}


# ---- direct messages

MESSAGES: dict[str, Any] = {
    "v1 event": {"id": "1440000000000000083", "type": "message_create", "message_create": {"sender_id": AUTHOR, "message_data": {"text": HIDDEN}}},
    "v1 legacy": {"id": 1440000000000000083, "id_str": "1440000000000000083", "text": HIDDEN, "sender": v1_user(), "recipient": v1_user(OTHER_AUTHOR)},
    "v2 page": {"data": [{"id": "1440000000000000083", "event_type": "MessageCreate", "text": HIDDEN, "sender_id": AUTHOR}]},
    "v2 event": {"id": "1440000000000000083", "event_type": "MessageCreate", "text": HIDDEN, "dm_conversation_id": f"{AUTHOR}-{OTHER_AUTHOR}"},
    "v1 answer": {"events": [{"id": "1440000000000000083", "message_create": {"message_data": {"text": HIDDEN}}}]},
}  # fmt: skip


@pytest.mark.parametrize("case", MESSAGES)
def test_direct_messages_pass_as_ids_only(case: str) -> None:
    """And only where their ids are asked for; in the store with the consent of those who wrote them."""
    found = outcome(MESSAGES[case])
    assert (found.rows, found.ids, found.store) == (0, [], [])
    assert sift(Plan("ids", ids="user"), MESSAGES[case]).content.tolist() == []
    assert sift(Plan("ids", ids="dm"), MESSAGES[case]).content.tolist() == [1440000000000000083]
    assert HIDDEN in json.dumps(stored(sift(Plan("store", direct_messages=True), MESSAGES[case])))


# ---- messages about posts and users

CONTROL: dict[str, Any] = {
    "v1_delete": {"delete": {"status": {"id": 1, "id_str": POST, "user_id_str": AUTHOR}}},
    "v1_scrub_geo": {"scrub_geo": {"user_id": 3, "up_to_status_id": 4}},
    "v1_limit": {"limit": {"track": 1234}},
    "v1_status_withheld": {"status_withheld": {"id": 1, "user_id": 2, "withheld_in_countries": ["XX"]}},
    "v1_user_status": {"user_protect": {"id": 3182003550}},
    "v2_compliance": {
        "data": {"delete": {"tweet": {"id": POST, "author_id": AUTHOR}, "event_at": "2022-11-12T09:41:27.000Z"}}
    },
    "batch_compliance": {"id": POST, "action": "delete", "reason": "deleted", "created_at": "2022-11-12T09:41:27.000Z"},
    "errors_only": {"errors": [{"title": "Not Found", "value": POST}]},
}


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
