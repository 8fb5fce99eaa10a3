"""Each known way in which an identifier leaks out of X's payloads is shut, one test a way.

The ways were measured over tens of thousands of recorded payloads. In each payload here the same account stands in one of
them, beside a hashtag and a client that bear its handle: what is compared with handles must find it there too.
"""

import json
import random
from typing import Any

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
from xsieve.transforms.records.plan import Enrichment, Plan
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.tally import balance

HANDLE, UID, TID, MID, DMID = (
    "Tavokirel_Bo",
    "1470000000000000053",
    "1460000000000000067",
    "1450000000000000071",
    "1440000000000000083",
)
SHORT_UID, NAME, EMAIL, TOKEN, CODE = (
    "2252231067",
    "Zorva Quilliba",
    "zorva.q@quilli.example",
    "52UmQIBgBu1aYt6pF4Kwjg",
    "aB3dE5fG7h",
)
STATUS = f"https://twitter.com/{HANDLE}/status/{TID}"
SECRETS = [
    Planted("", value, "", "")
    for value in (
        HANDLE,
        HANDLE[:-2],
        "Zorva",
        "Quilliba",
        EMAIL,
        TOKEN,
        CODE,
        UID,
        SHORT_UID,
        TID,
        MID,
        DMID,
        "1470000000000000000",
    )
    + (POST, AUTHOR, OTHER_POST, OTHER_AUTHOR, "09:41:27", "48213", "-122.41", "PhotographyNut", "1715279619")
]
PERSON = {"id": int(UID), "id_str": UID, "screen_name": HANDLE, "name": NAME}
PERSON2 = {"id": UID, "username": HANDLE, "name": NAME}
ACTOR = {
    "id": f"id:twitter.com:{UID}",
    "preferredUsername": HANDLE,
    "displayName": NAME,
    "link": f"http://www.twitter.com/{HANDLE}",
}


def with_text(text: str) -> dict[str, Any]:
    return v1_post(text=text)


def url(**more: Any) -> dict[str, Any]:
    return {"urls": [{"url": f"https://t.co/{CODE}", "indices": [0, 23], **more}]}


def url2(**more: Any) -> dict[str, Any]:
    return {"urls": [{"url": f"https://t.co/{CODE}", "start": 0, "end": 23, **more}]}


def profile(**more: Any) -> dict[str, Any]:
    return v1_post(user=v1_user(**{"screen_name": HANDLE, "name": NAME} | more))


MEDIA = {
    "id": int(MID), "id_str": MID, "type": "photo", "source_user_id_str": UID, "source_status_id_str": TID,
    "media_url_https": f"https://pbs.twimg.com/media/{CODE}.jpg", "expanded_url": f"{STATUS}/photo/1", "display_url": f"pic.twitter.com/{CODE}",
}  # fmt: skip
BANNER = f"https://pbs.twimg.com/profile_banners/{UID}/1431474710"
AVATAR = f"http://a0.twimg.com/profile_images/{MID}/{HANDLE}-sf_normal.png"

CHANNELS: dict[str, Any] = {
    "1 users of a page whom no text mentions": v2_page(v2_post(), users=[v2_user(), PERSON2]),
    "2 a whole user inside a media item": v1_post(
        extended_entities={"media": [MEDIA | {"additional_media_info": {"title": NAME, "source_user": PERSON | {"profile_banner_url": BANNER}}}]}
    ),
    "3 errors that echo what was asked for": v2_page(v2_post())
    | {"errors": [{"detail": f"User has been suspended: [{HANDLE}].", "value": HANDLE, "resource_id": UID, "parameter": "username"}]},
    "4 placeholder of a withheld post": with_text(
        f"This Tweet from @{HANDLE} has been withheld in response to a report from the copyright holder. Learn more."
    ),
    "4 placeholder of an account": v2_post(text=f"@{HANDLE}'s account is temporarily unavailable because it violates the Twitter Media Policy."),
    "5 handle cut at the end of a text": with_text(f"so many thanks to @{HANDLE[:-2]}"),
    "5 handle cut with dots": v2_post(text=f"RT @{HANDLE}: thanks to @{HANDLE[:-2]}…"),
    "6 handle of another network": with_text(f"By IG @{HANDLE}"),
    "6 handle without entity": with_text(f"wow via @{HANDLE}://twitter.com/{HANDLE}"),
    "7 another case than its entity": v1_post(text=f"hey @{HANDLE.swapcase()}!", entities={"user_mentions": [PERSON]}),
    "7 full width": v2_post(text=f"こんにちは＠{HANDLE}", entities={"mentions": [PERSON2]}),
    "8 id that disagrees with its text": profile(id=1470000000000000000, id_str=UID),
    "9 ids as floats": v1_post(in_reply_to_user_id=float(SHORT_UID), in_reply_to_status_id=float(TID), in_reply_to_screen_name=HANDLE),
    "10 client of a bot": v1_post(source=f'<a href="https://twitter.com/{HANDLE}" rel="nofollow">{HANDLE}</a>'),
    "10 client of a bot in Activity Streams": activity(generator={"displayName": HANDLE, "link": f"http://twitter.com/{HANDLE}"}),
    "10 client without an anchor": v2_post(source=f"{HANDLE}'s bot", entities={"mentions": [PERSON2]}),
    "11 user id in the parameters of a link": v1_post(
        entities=url(unwound={"url": f"https://www.example.com/a/?hss_channel=tw-{SHORT_UID}", "title": NAME})
    ),
    "12 token of who shared": v1_post(entities=url(expanded_url=f"{STATUS}?t={TOKEN}&s=19")),
    "13 title of a page": v2_post(entities=url2(title=f"{NAME} (@{HANDLE}) on Instagram • 7,492 photos", description=f"{NAME} - Twitch")),
    "13 title of a page in Activity Streams": activity(gnip={"urls": [{"expanded_url_title": f"{NAME} (@{HANDLE})", "expanded_url": STATUS}]}),
    "14 own handle in the website": profile(url=f"http://fans.ly/{HANDLE}", entities={"url": url(display_url=f"github.com/{HANDLE}")}),
    "15 identities in name and place": profile(name=f"{NAME} 🇺🇦 @{HANDLE}@mastodon.social", location=f"@{HANDLE}@handle.social", description=EMAIL),
    "16 user id in the banner": profile(profile_banner_url=BANNER),
    "17 file names of pictures": activity(actor=ACTOR | {"image": AVATAR}),
    "18 media of the original": v1_post(entities={"media": [MEDIA]}),
    "19 permalink of a quote": v1_quote(v1_post(TID, UID, user=v1_user(UID, screen_name=HANDLE)), text=f"look twitter.com/{HANDLE}/sta…"),
    "20 prefix of a repost": v1_repost(v1_post(TID, UID, text=f"MT @{HANDLE}: ☕️", user=PERSON)),
    "20 copies of the prefix": share(
        activity(TID, body=f"via @{HANDLE} ☕️", actor=ACTOR, object={"summary": f"RT @{HANDLE}: ☕️"}, long_object={"body": f"HT @{HANDLE} ☕️"}),
        summary=f"RT @{HANDLE}: ☕️",
    ),
    "21 ids and links of activities": activity(
        TID, actor=ACTOR, link=f"http://twitter.com/{HANDLE}/statuses/{TID}", inReplyTo={"link": f"http://twitter.com/{HANDLE}/statuses/{TID}"}
    ),
    "22 id of a conversation": v2_page() | {"data": [{"id": DMID, "event_type": "MessageCreate", "text": f"@{HANDLE} hi", "dm_conversation_id": f"{SHORT_UID}-{UID}"}]},
    "23 request of the collecting tool": v2_page(v2_post()) | {"__twarc": {"url": f"https://api.twitter.com/2/users/by/username/{HANDLE}?id={UID}"}},
    "23 metadata of a search": {"statuses": [v1_post()], "search_metadata": {"query": f"from%3A{HANDLE}", "next_results": f"?max_id={TID}&q={HANDLE}"}},
    "24 rules": v2_page(v2_post()) | {"matching_rules": [{"id": 1166916266197536769, "tag": NAME, "value": f"has:geo (from:{HANDLE} OR from:{UID})"}]},
    "24 rules of the enterprise products": activity(gnip={"matching_rules": [{"value": f"from:{UID} OR @{HANDLE}", "tag": HANDLE}]}),
    "25 ids of other posts": v2_page(
        v2_post(conversation_id=TID, in_reply_to_user_id=UID, edit_history_tweet_ids=[TID, POST], referenced_tweets=[{"type": "replied_to", "id": TID}]),
        users=[v2_user(pinned_tweet_id=TID)],
        meta={"newest_id": POST, "oldest_id": TID},
    ),
    "26 offsets": v1_post(display_text_range=[482131, 482132], entities={"user_mentions": [PERSON | {"indices": [482133, 482134]}]}),
    "27 people found by X": v2_post(
        context_annotations=[{"domain": {"id": "10", "name": "Person"}, "entity": {"id": UID, "name": NAME}}],
        entities={"annotations": [{"type": "Person", "normalized_text": NAME}], "mentions": [PERSON2]},
    ),
    "28 hashtag of an account": v1_post(entities={"user_mentions": [PERSON]}),
    "29 attributes of a place": v1_post(
        place={"id": "07d9cd6afd884001", "place_type": "poi", "full_name": f"{NAME}'s kitchen", "attributes": {"twitter": HANDLE, "street_address": NAME}}
    ),
    "30 profiles inside mentions": v2_post(
        author=v2_user(),
        entities={"mentions": [PERSON2 | {"description": EMAIL, "pinned_tweet_id": TID}]},
        in_reply_to_user=PERSON2,
        referenced_tweets=[v2_post(TID, UID, type="quoted", author=PERSON2, referenced_tweets=[{"type": "replied_to", "id": OTHER_POST, "author": PERSON2}])],
    ),
    "31 objects keyed by id": {"for_user_id": UID, "tweet_create_events": [v1_post(user=PERSON)], "users": {UID: PERSON, SHORT_UID: PERSON}},
    "31 objects keyed by id in X Activity": {"data": {"event_uuid": "-1", "event_type": "post.create", "filter": {"user_id": UID}, "payload": {"users": {UID: {"data": PERSON2}}}}},
    "32 affiliation": v2_page(v2_post(), users=[v2_user(affiliation={"user_id": [UID], "url": f"https://twitter.com/{HANDLE}"})]),
    "32 contributors": v1_post(contributors=[int(UID)]),
    "33 compliance job": {"data": [{"id": TID, "type": "tweets", "upload_url": f"https://storage.googleapis.com/c/{UID}_{TID}?X-Goog-Signature={TOKEN}"}]},
    "33 result of a compliance job": {"id": TID, "action": "delete", "reason": "suspended", "created_at": "2022-11-12T09:41:27.000Z"},
    "34 geo": v1_post(
        geo={"type": "Point", "coordinates": [37.78, -122.41]}, coordinates={"type": "Point", "coordinates": [-122.41, 37.78]},
        place={"id": "07d9cd6afd884001", "place_type": "neighborhood", "full_name": NAME, "bounding_box": {"coordinates": [[[-122.41, 37.7]]]}},
    ),
    "35 near-unique figures of an account": profile(created_at="Mon Mar 02 09:41:27 +0000 2009", followers_count=48213, friends_count=482135),
    "36 embedded post": {"url": STATUS, "author_name": NAME, "author_url": f"https://twitter.com/{HANDLE}", "html": f'<blockquote><a href="{STATUS}">@{HANDLE}</a>'},
    "37 access token": {"rate_limit_context": {"access_token": f"{UID}-{TOKEN}"}},
    "37 token of a conversation": {"data": {"event_uuid": "1", "event_type": "chat", "payload": {"conversation_token": TOKEN, "sender_id": UID}}},
    "38 Klout": activity(gnip={"klout_score": 48213, "klout_profile": {"klout_user_id": MID, "link": f"http://klout.com/user/id/{MID}", "topics": [{"displayName": "PhotographyNut"}]}}),
    "38 Klout of native posts": profile(derived={"klout": {"user_id": MID, "profile_url": f"http://klout.com/user/id/{MID}", "interest_topics": [{"name": "PhotographyNut"}]}}),
    "39 state of an account": {"user_protect": {"id": int(UID), "timestamp_ms": "1668246087000"}},
    "40 keys in odd case": profile(Profile_image_url=AVATAR, Screen_Name=HANDLE) | {"new_id": int(TID), "User": PERSON},
}  # fmt: skip


def leaks(payload: Any, plan: Plan, line: bytes | None = None) -> list[str]:
    done = sieve_for(plan)(RawBatch(line or json.dumps(payload, ensure_ascii=False).encode(), source=0, offset=0))
    assert balance(done.counts) == 0
    out = [str(value) for column in done.content.columns.values() for value in column]
    return [one.value for one in Haystack([*out, *map(repr, done.rejects), *map(repr, done.counts)]).found(SECRETS)]


def posts_in(payload: Any) -> list[dict[str, Any]]:
    if "statuses" in payload:
        return payload["statuses"]
    if "data" in payload:
        return [post for post in payload["data"] if isinstance(post, dict)] if isinstance(payload["data"], list) else []
    return [payload] if "text" in payload or "verb" in payload else []


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    "plan",
    [Plan("rows"), Plan("rows", text=True, place="city"), Plan("rows", text=True, place="country", metrics="exact")],
    ids=["bare", "text", "exact"],
)
def test_no_channel_leaks_into_rows(channel: str, plan: Plan) -> None:
    """Neither ids nor handles, names, addresses, tokens or figures of an account."""
    assert leaks(CHANNELS[channel], plan) == []


TELLING = [name for name, payload in CHANNELS.items() if HANDLE in json.dumps(payload) and posts_in(payload)]


@pytest.mark.parametrize("channel", TELLING)
def test_a_hashtag_or_client_that_is_a_handle_is_left_out_whatever_channel_the_handle_is_in(channel: str) -> None:
    """The handle may stand anywhere in the payload; in any case it is no hashtag and no name of a client."""
    payload = json.loads(json.dumps(CHANNELS[channel]))
    for post in posts_in(payload):
        key = "twitter_entities" if "verb" in post else "entities"
        post[key] = {**post.get(key, {}), "hashtags": [{"text": HANDLE.upper(), "tag": HANDLE.upper()}]}
        if not channel.startswith("10"):
            post |= {"source": f"{HANDLE} for fans", "generator": {"displayName": f"{HANDLE} for fans"}}
    assert leaks(payload, Plan("rows")) == []


@pytest.mark.parametrize("spelling", [HANDLE.lower(), HANDLE.replace("a", "\\u0061"), HANDLE.upper()])
def test_a_hashtag_is_compared_with_handles_as_the_payload_means_them(spelling: str) -> None:
    """JSON may write any letter as an escape."""
    line = json.dumps(v1_post(user=v1_user(screen_name="SPELLING"), entities={"hashtags": [{"text": HANDLE}]})).replace(
        "SPELLING", spelling
    )
    assert leaks(None, Plan("rows"), line.encode()) == []


@pytest.mark.parametrize(
    "member",
    [
        f'"screen_name"\t:  "{HANDLE}"',
        f'"screen_name"  :\r "{HANDLE}"',
        f'"url": "https://twitter.com/#!/{HANDLE}"',
        f'"url": "https:\\/\\/twitter.com\\/#!\\/{HANDLE}"',
        f'"url": "https://nitter.net/{HANDLE}"',
    ],
)
@pytest.mark.parametrize("wide", [False, True], ids=["plain", "full-width"])
def test_a_handle_is_found_however_it_is_spaced_or_linked(member: str, wide: bool) -> None:
    """White space around the colon, profiles as they were linked in 2012; the hashtag may be written in full width."""
    tag = "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in HANDLE) if wide else HANDLE
    post = v1_post(user=v1_user(), source=f"{tag} for fans", entities={"hashtags": [{"text": tag}, {"text": "tea"}]})
    line = json.dumps(post, ensure_ascii=False).replace('"user": {', f'"user": {{{member}, ', 1)
    done = sieve_for(Plan("rows"))(RawBatch(line.encode(), 0, 0))
    assert (done.content.columns["hashtags"], done.content.columns["client"]) == ([["tea"]], [None])


def test_a_cashtag_that_is_a_handle_is_left_out() -> None:
    """A handle of up to six letters fits the form of a stock symbol."""
    post = v2_post(entities={"cashtags": [{"tag": "ANNAB"}, {"tag": "BTC"}], "mentions": [{"username": "annab"}]})
    done = sieve_for(Plan("rows"))(RawBatch(json.dumps(post).encode(), 0, 0))
    assert done.content.columns["cashtags"] == [["BTC"]]


def test_a_hashtag_that_is_a_handle_leaves_the_text_too() -> None:
    """What the column of hashtags leaves out for being a handle does not stand in the text beside it."""
    post = v1_post(text=f"vote #{HANDLE} today", entities={"hashtags": [{"text": HANDLE}], "user_mentions": [PERSON]})
    assert leaks(post, Plan("rows", text=True)) == []


@pytest.mark.parametrize("lang", ["en-20536357", "in-tavokir", "bo-annab", "zh-12345678"])
def test_a_language_is_no_place_for_numbers_or_names(lang: str) -> None:
    """Codes are of letters, scripts of four, regions of two; nothing else fits."""
    done = sieve_for(Plan("rows"))(RawBatch(json.dumps(v2_post(lang=lang)).encode(), 0, 0))
    assert done.content.columns["lang"] == [None]


@pytest.mark.parametrize("lang", ["en", "und", "zh-TW", "zh-tw", "qme", "sr-Latn", "pt-BR", "es-419", "msa"])
def test_languages_that_x_sends_stay(lang: str) -> None:
    """What X has been seen to write."""
    done = sieve_for(Plan("rows"))(RawBatch(json.dumps(v2_post(lang=lang)).encode(), 0, 0))
    assert done.content.columns["lang"] == [lang]


def test_every_channel_is_shut_for_all_payloads_at_once() -> None:
    """In one batch of all of them, in any order."""
    payloads = list(CHANNELS.values()) * 3
    random.Random(3).shuffle(payloads)
    assert (
        leaks(None, Plan("rows", text=True, place="city"), b"\n".join(json.dumps(one).encode() for one in payloads))
        == []
    )


@pytest.mark.parametrize(
    "label",
    [
        UID,
        int(UID),
        float(UID),
        HANDLE,
        f"@{HANDLE}",
        f"by {HANDLE}",
        EMAIL,
        STATUS,
        f"t.co/{CODE}",
        "+49 171 5279619",
        [HANDLE, UID],
        NAME * 40,
    ],
)
def test_a_declared_field_whose_values_were_not_declared_is_no_way_out(label: Any) -> None:
    """Whatever an enrichment holds, in rows it is a label: no id, handle, address, link, number or text of any length."""
    post = v2_post(ml={"stance": label}, entities={"mentions": [PERSON2]})
    assert leaks(post, Plan("rows", enrich=(Enrichment("stance", "ml.stance"),))) == []
    done = sieve_for(Plan("rows", enrich=(Enrichment("stance", "ml.stance"),)))(
        RawBatch(json.dumps(v2_post(ml={"stance": "pro"})).encode(), 0, 0)
    )
    assert done.content.columns["stance"] == ["pro"]
