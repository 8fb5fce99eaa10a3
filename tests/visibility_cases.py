"""The cases of the table of visibility: payloads, by what they are, and what stands in all that they hide."""

from typing import Any

from planting import Planted
from templates import (
    AUTHOR,
    OTHER_AUTHOR,
    OTHER_POST,
    POST,
    activity,
    v1_post,
    v1_quote,
    v1_repost,
    v1_user,
    v2_page,
    v2_post,
    v2_user,
)

MEDIA_ID, PLACE_ID, POLL_ID = "3_1480000000000000041", "07d9cd6afd884001", "1480000000000000059"
HIDDEN = "korvalenbu"  # stands in everything that a hidden record says
LOCKED = v2_user(OTHER_AUTHOR, username="Korvalenbu_9", name=HIDDEN, protected=True)
LOCKED_V1 = v1_user(OTHER_AUTHOR, screen_name="Korvalenbu_9", name=HIDDEN, protected=True)
SECRET = v2_post(OTHER_POST, OTHER_AUTHOR, text=HIDDEN)
SECRET_V1 = v1_post(OTHER_POST, user=LOCKED_V1, text=HIDDEN)
OF_HIDDEN = [Planted("", value, "", "") for value in (HIDDEN, OTHER_AUTHOR, OTHER_POST)]

# not public themselves, with the reason
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
    "pinned post of a community": {
        "data": [v2_user(pinned_tweet_id=OTHER_POST)], "includes": {"tweets": [v2_post(OTHER_POST, AUTHOR, text=HIDDEN, community_id="1470000000000000011")]},
    },
}  # fmt: skip

MESSAGES: dict[str, Any] = {
    "v1 event": {"id": "1440000000000000083", "type": "message_create", "message_create": {"sender_id": AUTHOR, "message_data": {"text": HIDDEN}}},
    "v1 legacy": {"id": 1440000000000000083, "id_str": "1440000000000000083", "text": HIDDEN, "sender": v1_user(), "recipient": v1_user(OTHER_AUTHOR)},
    "v2 page": {"data": [{"id": "1440000000000000083", "event_type": "MessageCreate", "text": HIDDEN, "sender_id": AUTHOR}]},
    "v2 event": {"id": "1440000000000000083", "event_type": "MessageCreate", "text": HIDDEN, "dm_conversation_id": f"{AUTHOR}-{OTHER_AUTHOR}"},
    "v1 answer": {"events": [{"id": "1440000000000000083", "message_create": {"message_data": {"text": HIDDEN}}}]},
}  # fmt: skip

# messages about posts and users, by shape
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
