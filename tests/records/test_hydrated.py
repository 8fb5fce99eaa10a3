"""What is handed on is public for certain, in its own shape, one record a line, and holds nothing that is not."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import SHAPES, Mix, batch, examples, lines, payload
from planting import Haystack
from slow_model import (
    id_of,
    may_be_handed_on,
    posts_of,
    records_in,
    shape_of,
    stored,
    values_in,
)
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
from visibility_cases import CLOSED, CONTROL, HIDDEN, LOCKED, MEDIA_ID, MESSAGES, OF_HIDDEN, QUOTES, REFERENCES, SECRET

from xsieve.transforms.records.actions import action
from xsieve.transforms.records.actions import load as actions
from xsieve.transforms.records.batch import RawBatch, Reason
from xsieve.transforms.records.catalog import load
from xsieve.transforms.records.plan import Plan, PlanError, Where
from xsieve.transforms.records.sieves import keep_public, sieve_for
from xsieve.transforms.records.tally import DROPPED, OUT, READ, balance

OWN = Plan("hydrated")  # what a payload itself must tell
ATTESTED = Plan("hydrated", attested=True)
EVERYTHING = Plan("hydrated", attested=True, objects="both", country="AQ")
POSTS = ("v1_post", "v2_post", "v2_page", "activity", "v1_page", "v1_results_page", "activity_page")
THIRD = "1470000000000000011"


def sift(plan: Plan, *payloads: Any) -> Any:
    data = b"\n".join(json.dumps(one, ensure_ascii=False).encode() for one in payloads)
    return sifted(plan, data)


def sifted(plan: Plan, data: bytes) -> Any:
    done = sieve_for(plan)(RawBatch(data, source=0, offset=0))
    assert balance(done.counts) == 0
    assert done.counts[OUT, ""] == len(done.content.lines) == len(done.content.keys)
    return done


def handed(plan: Plan, *payloads: Any) -> list[Any]:
    return [json.loads(line) for line in sift(plan, *payloads).content.lines]


def posts_out(plan: Plan, *payloads: Any) -> list[str]:
    return [str(number) for kind, number in sift(plan, *payloads).content.keys if kind == 0]


def dropped(plan: Plan, *payloads: Any) -> dict[str, int]:
    return {reason: number for (what, reason), number in sift(plan, *payloads).counts.items() if what == DROPPED}


def hidden_in(found: Any) -> list[str]:
    return [one.value for one in Haystack([json.dumps(found)]).found(OF_HIDDEN)]


# ---- what does not tell


@pytest.mark.parametrize(
    "post",
    [
        v2_post(),
        v2_page(v2_post()),
        v2_page(v2_post(), users=[{"id": AUTHOR, "username": "bo", "name": "Bo"}]),
        activity(),
        v1_post(user={"id": 1}),
        v1_post(user=v1_user(protected=None)),
        v1_repost(v1_post(OTHER_POST, user={"id": 1, "screen_name": "bo"})),
        v2_page(v2_post(referenced_tweets=[{"type": "retweeted", "id": OTHER_POST}]), users=[v2_user()]),
        v2_page(
            v2_post(referenced_tweets=[{"type": "retweeted", "id": OTHER_POST}]),
            users=[v2_user()],
            tweets=[v2_post(OTHER_POST, OTHER_AUTHOR)],
        ),
    ],
    ids=["v2", "page", "users by default", "activity", "trimmed", "null", "v1 repost", "v2 repost alone", "v2 repost"],
)
def test_a_post_that_does_not_tell_stays_behind_unless_its_source_is_attested(post: Any) -> None:
    """Its author, or that of what it repeats, may be protected; a token that sees public posts only would not have seen it."""
    assert posts_out(OWN, post) == []
    assert dropped(OWN, post) == {"visibility_unknown": 1}
    assert posts_out(ATTESTED, post) == [POST]
    assert dropped(ATTESTED, post) == {}


@pytest.mark.parametrize(
    "post", [v1_post(), v2_page(v2_post(), users=[v2_user()]), v2_post(author=v2_user())], ids=["v1", "page", "flat"]
)
def test_a_public_post_passes(post: Any) -> None:
    """Its author says so; nothing is noted beside it."""
    done = sift(OWN, post)
    assert [number for _, number in done.content.keys] == [int(POST)]
    assert +done.counts == {(READ, ""): 1, (OUT, ""): 1}


def test_a_user_that_does_not_tell_stays_behind_too() -> None:
    """Users as v2 sends them unless asked for more say nothing of protection."""
    users = {"data": [{"id": AUTHOR, "username": "bo", "name": "Bo"}, v2_user(THIRD)]}
    assert handed(Plan("hydrated", objects="users"), users) == [v2_user(THIRD)]
    assert dropped(Plan("hydrated", objects="users"), users) == {"visibility_unknown": 1}
    assert len(handed(Plan("hydrated", objects="users", attested=True), users)) == 2


NESTED_UNKNOWN = {
    "v1": v1_quote(v1_post(OTHER_POST, text=HIDDEN, user={"id_str": OTHER_AUTHOR, "screen_name": "Korvalenbu_9"})),
    "v2": v2_page(
        v2_post(
            referenced_tweets=[{"type": "quoted", "id": OTHER_POST}],
            entities={"urls": [{"expanded_url": f"https://twitter.com/Korvalenbu_9/status/{OTHER_POST}"}]},
        ),
        users=[v2_user()],
        tweets=[v2_post(OTHER_POST, OTHER_AUTHOR, text=HIDDEN)],
    ),
    "v2 reply": v2_page(
        v2_post(referenced_tweets=[{"type": "replied_to", "id": OTHER_POST}], conversation_id=OTHER_POST),
        users=[v2_user(), {"id": OTHER_AUTHOR, "username": "Korvalenbu_9", "name": HIDDEN}],
        tweets=[v2_post(OTHER_POST, OTHER_AUTHOR, text=HIDDEN)],
    ),
    "flattened": v2_post(
        author=v2_user(), referenced_tweets=[v2_post(OTHER_POST, OTHER_AUTHOR, text=HIDDEN, type="quoted")]
    ),
    "mention with a profile": v2_post(
        author=v2_user(), entities={"mentions": [{"id": OTHER_AUTHOR, "username": "bo", "description": HIDDEN}]}
    ),
}


@pytest.mark.parametrize("case", NESTED_UNKNOWN)
def test_what_is_nested_and_does_not_tell_is_cut_out_with_what_leads_there(case: str) -> None:
    """The outer post passes; with an attested source it passes whole."""
    (found,) = handed(OWN, NESTED_UNKNOWN[case])
    assert hidden_in(found) == []
    assert HIDDEN in json.dumps(handed(ATTESTED, NESTED_UNKNOWN[case]))


# ---- what is closed


@pytest.mark.parametrize("attested", [False, True])
@pytest.mark.parametrize("case", CLOSED)
def test_a_post_that_not_everybody_may_see_is_not_handed_on(case: str, attested: bool) -> None:
    """Not even where the source is attested: what a payload says goes first."""
    reason, post = CLOSED[case]
    plan = Plan("hydrated", attested=attested, objects="both")
    assert handed(plan, post) == []
    assert dropped(plan, post) == {reason: 1}


@pytest.mark.parametrize("plan", [OWN, ATTESTED], ids=["own", "attested"])
@pytest.mark.parametrize("case", QUOTES)
def test_a_quote_of_a_closed_post_is_handed_on_without_it(case: str, plan: Plan) -> None:
    """The outer post, and nothing of what it quotes or answers."""
    assert posts_out(plan, QUOTES[case]) == [POST]
    assert hidden_in(handed(plan, QUOTES[case])) == []


@pytest.mark.parametrize("objects", ["posts", "users", "both"])
@pytest.mark.parametrize("case", REFERENCES)
def test_what_leads_to_a_closed_record_is_not_handed_on(case: str, objects: Any) -> None:
    """Neither its links, media, polls and places, nor its ids."""
    for attested in (False, True):
        assert hidden_in(handed(Plan("hydrated", attested=attested, objects=objects), REFERENCES[case])) == []


def test_the_cases_of_references_are_handed_on_without_them() -> None:
    """They would show nothing if nothing of them came out."""
    passing = [case for case in REFERENCES if handed(EVERYTHING, REFERENCES[case])]
    assert len(passing) >= len(REFERENCES) - 2  # Spaces and lists are neither posts nor users


@pytest.mark.parametrize("case", MESSAGES)
def test_direct_messages_are_never_handed_on(case: str) -> None:
    """Whatever is asked for; also with the consent that lets a store have them."""
    plan = Plan("hydrated", attested=True, objects="both", direct_messages=True)
    assert handed(plan, MESSAGES[case]) == []
    assert sum(dropped(plan, MESSAGES[case]).values()) == 1


@pytest.mark.parametrize("shape", CONTROL)
def test_control_messages_are_counted_as_what_they_are(shape: str) -> None:
    """No post, no error."""
    assert dropped(EVERYTHING, CONTROL[shape]) == {shape: 1}


@pytest.mark.parametrize("verb", ["delete", "status_withheld", "favorite"])
def test_an_activity_that_is_no_post_is_not_handed_on(verb: str) -> None:
    """Activity Streams tell of deletions by their verb."""
    assert dropped(ATTESTED, activity(verb=verb)) == {"activity_not_post": 1}


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if SHAPES[shape]["holds"] not in ("post", "page")])
def test_nothing_but_posts_is_handed_on_as_posts(shape: str) -> None:
    """Lists, Spaces, rules, places, users … are dropped under the name of their shape, whatever is in them."""
    found = dropped(ATTESTED, payload(random.Random(3), shape, Mix(fields=0.5)).data)
    assert found == {shape: 1}


# ---- withheld in some countries


def withheld_v1(codes: list[str]) -> list[Any]:
    return [
        v1_post(withheld_in_countries=codes),
        v1_post(user=v1_user(withheld_in_countries=codes)),
        v1_repost(v1_post(OTHER_POST, withheld_in_countries=codes)),
    ]


def withheld_v2(codes: list[str]) -> list[Any]:
    marked = {"country_codes": codes, "copyright": False}
    reposted = [{"type": "retweeted", "id": OTHER_POST}]
    return [
        v2_post(author=v2_user(), withheld=marked),
        v2_page(v2_post(), users=[v2_user(withheld=marked)]),
        v2_page(v2_post(referenced_tweets=reposted), users=[v2_user()], tweets=[v2_post(OTHER_POST, AUTHOR, withheld=marked)]),
    ]  # fmt: skip


@pytest.mark.parametrize("post", withheld_v1(["FR", "de"]) + withheld_v2(["FR", "DE"]))
def test_what_is_withheld_where_it_is_received_stays_behind(post: Any) -> None:
    """And wherever it may be received, where that is not known; elsewhere it passes, and says where it is withheld."""
    for country, passes in (("DE", False), ("FR", False), (None, False), ("IT", True)):
        plan = Plan("hydrated", country=country)
        assert posts_out(plan, post) == ([POST] if passes else [])
        assert sum(dropped(plan, post).values()) == (not passes)
    assert "FR" in json.dumps(handed(Plan("hydrated", country="IT"), post))
    assert dropped(Plan("hydrated", country="DE"), post).keys() <= {"withheld_in_country", "repost_of_nonpublic"}


def test_nothing_withheld_anywhere_passes_everywhere() -> None:
    """An empty list of countries, or v2's empty object in its place, says nothing."""
    post = v2_post(author=v2_user(), withheld={"country_codes": {}, "copyright": False})
    assert posts_out(OWN, v1_post(withheld_in_countries=[])) == posts_out(OWN, post) == [POST]


@pytest.mark.parametrize("country", ["DE", None])
def test_a_quoted_post_that_is_withheld_there_is_cut_out(country: str | None) -> None:
    """The outer post passes without it."""
    secret = v1_post(OTHER_POST, user=v1_user(OTHER_AUTHOR, screen_name="Korvalenbu_9"), text=HIDDEN)
    quote = v1_quote(secret | {"withheld_in_countries": ["DE"]})
    assert hidden_in(handed(Plan("hydrated", country=country), quote)) == []
    assert posts_out(Plan("hydrated", country=country), quote) == [POST]
    assert HIDDEN in json.dumps(handed(Plan("hydrated", country="AT"), quote))


def test_a_repeated_key_does_not_hide_where_a_post_is_withheld() -> None:
    """Decoders let the last one win; such a payload is refused."""
    line = json.dumps(v1_post()).replace('"geo"', '"withheld_in_countries": ["DE"], "withheld_in_countries": [], "geo"')
    done = sifted(Plan("hydrated", country="DE"), line.encode())
    assert [reject.reason for reject in done.rejects] == [Reason.REPEATED_KEY]
    assert len(sifted(Plan("hydrated", country="AT"), line.encode()).content.lines) == 1


@pytest.mark.parametrize("country", ["de", "GER", "D1", ""])
def test_a_country_is_two_capital_letters(country: str) -> None:
    """Anything else would never be met in a payload, and let everything through."""
    with pytest.raises(PlanError, match="country"):
        Plan("hydrated", country=country)


# ---- shape


def test_each_record_of_a_page_leaves_in_a_page_of_its_own_with_what_it_needs() -> None:
    """So that each can be chosen, counted and drawn by itself, and nothing goes along that it does not name."""
    picture, other = ({"media_key": key, "type": "photo"} for key in (MEDIA_ID, "3_1"))
    mine = v2_post(attachments={"media_keys": [MEDIA_ID]}, referenced_tweets=[{"type": "quoted", "id": OTHER_POST}])
    quoted = v2_post(OTHER_POST, OTHER_AUTHOR)
    second = v2_post(THIRD, OTHER_AUTHOR, geo={"place_id": "07d9"})
    people = [v2_user(), v2_user(OTHER_AUTHOR), v2_user("77")]
    page = v2_page(
        mine, second, users=people, tweets=[quoted], media=[picture, other], places=[{"id": "07d9", "name": "Lyon"}]
    )
    found = handed(OWN, page)
    assert found == [
        {"data": mine, "includes": {"tweets": [quoted], "users": people[:2], "media": [picture]}},
        {"data": second, "includes": {"users": people[1:2], "places": [{"id": "07d9", "name": "Lyon"}]}},
    ]
    assert [shape_of(one) for one in found] == ["v2_page", "v2_page"]


def test_a_page_keeps_its_public_posts_and_their_includes() -> None:
    """Cutting one post out of a page leaves the others as they were."""
    assert handed(OWN, v2_page(v2_post(), SECRET, users=[v2_user(), LOCKED])) == [
        {"data": v2_post(), "includes": {"users": [v2_user()]}}
    ]


def test_posts_of_search_answers_leave_one_by_one() -> None:
    """As the posts that they are."""
    page = {"statuses": [v1_post(), v1_post(OTHER_POST)], "search_metadata": {"query": "from:bo"}}
    assert handed(OWN, page) == [v1_post(), v1_post(OTHER_POST)]
    both = {"results": [activity(), share(activity(OTHER_POST))], "next": "abc"}
    assert handed(ATTESTED, both) == both["results"]


def test_a_record_of_a_page_that_is_no_payload_by_itself_is_refused() -> None:
    """What could not be read back could not be counted again."""
    page = {"statuses": [{"id_str": POST, "text": "x"}, v1_post(OTHER_POST)]}
    done = sift(ATTESTED, page)
    assert [number for _, number in done.content.keys] == [int(OTHER_POST)]
    assert [reject.reason for reject in done.rejects] == [Reason.UNKNOWN_SHAPE]


USERS_OF = {
    "v1 post": (v1_post(), [v1_user()]),
    "flattened": (v2_post(author=v2_user()), [v2_user()]),
    "page": (v2_page(v2_post(), users=[v2_user(), v2_user(OTHER_AUTHOR)]), [v2_user()]),
    "v1 user": (v1_user(status=v1_post()), [v1_user()]),
    # the pinned post does not tell who may see it: it goes, and so does what leads there
    "page of users": ({"data": [v2_user(pinned_tweet_id=POST)], "includes": {"tweets": [v2_post()]}}, [v2_user()]),
    "page of users alone": ({"data": [v2_user(pinned_tweet_id=POST)]}, [v2_user(pinned_tweet_id=POST)]),
    "cursor page": ({"users": [v1_user(), v1_user(OTHER_AUTHOR)], "next_cursor": 0}, [v1_user(), v1_user(OTHER_AUTHOR)]),
}  # fmt: skip


@pytest.mark.parametrize("case", USERS_OF)
def test_users_are_authors_and_users_by_themselves_without_their_posts(case: str) -> None:
    """As the kind ids has it; a latest or pinned post was not asked for."""
    given, expected = USERS_OF[case]
    done = sift(Plan("hydrated", objects="users"), given)
    assert [json.loads(line) for line in done.content.lines] == expected
    assert {kind for kind, _ in done.content.keys} == {1}
    assert len(done.content.units.posts) == 0


def test_objects_say_which_records_are_handed_on() -> None:
    """Posts, or users, or both; of both a post comes before its author."""
    given = [v1_post(), v1_user(OTHER_AUTHOR), activity(THIRD)]
    assert sift(ATTESTED, *given).content.keys == [(0, int(POST)), (0, int(THIRD))]
    assert sift(Plan("hydrated", attested=True, objects="users"), *given).content.keys == [
        (1, int(AUTHOR)),
        (1, int(OTHER_AUTHOR)),
    ]
    assert len(sift(EVERYTHING, *given).content.keys) == 4


def test_a_post_without_its_author_gives_no_user() -> None:
    """Counted as such."""
    assert dropped(Plan("hydrated", attested=True, objects="users"), v2_post()) == {"without_user": 1}


def test_filters_hold() -> None:
    """``where`` chooses among public posts, as for all kinds."""
    page = v2_page(v2_post(), v2_post(OTHER_POST, lang="de"), users=[v2_user()])
    assert posts_out(Plan("hydrated", where=Where(lang=("de",))), page) == [OTHER_POST]


def test_ids_of_64_bits_emoji_and_scripts_from_right_to_left_leave_as_they_came() -> None:
    """To the last digit and letter."""
    post = v1_post("1234035696597499903", full_text="👩‍👩‍👧‍👦 שלום ‏עולם — البحيرة متجمدة 🇵🇸 \u200f1\u200e")
    assert handed(OWN, post) == [post]


NOT_COUNTABLE = {
    "nested user": (v1_post(extended_entities={"media": [{"additional_media_info": {"source_user": {"screen_name": "b", "protected": False}}}]}), Reason.NO_ID),
    "author": (v1_post(user={"screen_name": "bo", "protected": False}), Reason.NO_ID),
    "quoted post": (v1_post(quoted_status={"text": "x", "user": v1_user()}), Reason.NO_ID),
    "post": (v1_post(id_str="12x"), Reason.BAD_ID),
    "rounded": (v1_post(id=10**20, id_str=None), Reason.BAD_ID),
    "mention with a profile": (v2_post(author=v2_user(), entities={"mentions": [{"username": "b", "protected": False}]}), Reason.NO_ID),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_COUNTABLE)
def test_what_cannot_be_counted_cannot_leave(case: str) -> None:
    """An object without a valid id, wherever it stands, keeps its whole record back."""
    post, reason = NOT_COUNTABLE[case]
    done = sift(OWN, post, v1_post(OTHER_POST))
    assert [number for _, number in done.content.keys] == [int(OTHER_POST)]
    assert [reject.reason for reject in done.rejects] == [reason]


def test_the_verb_gives_what_its_plan_lets_through() -> None:
    """On lines at hand, without Beam; by default nothing is attested and no country is known."""
    assert keep_public(json.dumps(v1_post())).content.keys == [(0, int(POST))]
    assert keep_public(json.dumps(v2_post())).content.keys == []
    assert keep_public(json.dumps(v2_post()), ATTESTED).content.keys == [(0, int(POST))]


# ---- nothing else


def kept_classes(kind: str) -> frozenset[str]:
    return frozenset(cls for cls in actions()[kind] if action(cls, kind) != "drop")


def test_nothing_is_handed_on_that_may_not_be_stored() -> None:
    """Inferences, contact data, tokens and echoes stay out, and with them what others may not see of a public object."""
    assert kept_classes("hydrated") < kept_classes("store")
    gone = kept_classes("store") - kept_classes("hydrated")
    assert gone == {"list_id", "space_id", "private_metric", "viewer", "collection", "event", "label"}


@settings(max_examples=examples(80))
@given(st.integers(0, 2**64), st.lists(st.sampled_from(POSTS), min_size=1, max_size=4).map(tuple), st.booleans())
def test_nothing_planted_in_a_field_that_stays_behind_is_handed_on(
    seed: int, shapes: tuple[str, ...], sound: bool
) -> None:
    """No class that is dropped and no unknown key, whatever the shape and the faults; and nothing in counts and rejects."""
    payloads = batch(random.Random(seed), 6, Mix(closed=0.05) if sound else Mix(faults=0.04, unknown=0.3), shapes)
    done = sifted(EVERYTHING, lines(payloads))
    shut = frozenset(actions()["hydrated"]) - kept_classes("hydrated") | {"unknown"}
    planted = [one for made in payloads for one in made.planted]
    elsewhere = Haystack(one.value for one in planted if one.cls not in shut)
    leaks = [one for one in planted if one.cls in shut and not elsewhere.holds(one)]
    out = [json.dumps(json.loads(line), ensure_ascii=False) for line in done.content.lines]
    account = [*map(repr, done.rejects), *(f"{what} {reason}" for what, reason in done.counts)]
    assert Haystack(out).found(leaks) + Haystack(account).found(planted) == []


CLOSING: dict[str, list[dict[str, Any]]] = {
    "v1.post": [{"withheld_copyright": True}, {"withheld_in_countries": ["DE"]}, {"scopes": {"followers": True}}],
    "v1.user": [{"protected": True}, {"withheld_in_countries": ["DE"]}, {"protected": None}, {"suspended": True}],
    "v2.post": [{"withheld": {"copyright": True}}, {"withheld": {"country_codes": ["DE"]}}, {"community_id": "1"}],
    "v2.user": [{"protected": True}, {"withheld": {"country_codes": ["DE"]}}, {"protected": None}],
}


@settings(max_examples=examples(150))
@given(st.integers(0, 2**64), st.sampled_from(POSTS), st.sampled_from(["DE", None]))
def test_nothing_of_a_record_that_is_not_public_for_certain_is_handed_on(
    seed: int, shape: str, country: str | None
) -> None:
    """Any post or user in a payload, however deep, once it is closed, withheld there, or does not tell: what stood only there is gone."""
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
    record |= kept | rng.choice(CLOSING[name])
    done = sifted(Plan("hydrated", objects="both", country=country), made.line())
    out = "".join(json.dumps(json.loads(line), ensure_ascii=False) for line in done.content.lines)
    own = [value for value in within if len(value) > 7 and value not in outside]
    assert [value for value in own if value in out] == []


@settings(max_examples=examples(120))
@given(st.integers(0, 2**64), st.booleans(), st.sampled_from(["DE", "FR", "AT", None]))
def test_posts_are_exactly_those_that_are_public_for_certain(seed: int, attested: bool, country: str | None) -> None:
    """As a slow and obvious model finds them in the same payloads; or they are refused because something has no id."""
    payloads = batch(random.Random(seed), 8, Mix(fields=0.5, closed=0.05), POSTS)
    expected = [
        id_of(post)
        for made in payloads
        for post, public in posts_of(made.shape, made.data)
        if public and may_be_handed_on(made.shape, made.data, post, attested=attested, country=country)
    ]
    done = sifted(Plan("hydrated", attested=attested, country=country), lines(payloads))
    found = [str(number) for _, number in done.content.keys]
    assert not set(found) - set(expected)
    assert len(found) + len(done.rejects) == len(expected)


@settings(max_examples=examples(80))
@given(st.integers(0, 2**64), st.booleans(), st.sampled_from(["posts", "users", "both"]))
def test_what_was_handed_on_may_be_handed_on(seed: int, attested: bool, objects: Any) -> None:
    """Sifted again by the same plan every line comes out as it is: nothing in it was forgotten."""
    plan = Plan("hydrated", attested=attested, objects=objects, country="AT")
    payloads = batch(random.Random(seed), 6, Mix(fields=0.5, closed=0.05))
    first = sifted(plan, lines(payloads)).content
    again = sifted(plan, b"\n".join(first.lines)).content
    assert set(first.lines) <= set(again.lines)
    assert (again.units.posts.tolist(), again.units.users.tolist()) == (
        first.units.posts.tolist(),
        first.units.users.tolist(),
    )


def test_what_is_public_leaves_whole() -> None:
    """A payload in which all is public comes out as it came, less the fields of the classes that stay behind."""
    shut = frozenset(actions()["hydrated"]) - kept_classes("hydrated")
    plan, compared = Plan("hydrated", attested=True, country="AQ"), 0
    for seed in range(300):
        made = payload(random.Random(seed), "v1_post", Mix(fields=0.6, nested=1))
        for line in sifted(plan, made.line()).content.lines:
            assert json.loads(line) == stored(load(), shut, "v1.post", made.data)
            compared += 1
    assert compared >= 100
