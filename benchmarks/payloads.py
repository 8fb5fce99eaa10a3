"""Drafts rendered as v1.1 payloads or v2 posts, with the keys, their order and the spelling of X's APIs."""

import json
import random

from benchmarks.posts import CLIENTS, SYLLABLES, Draft, Json, Text, created_at, iso

DOMAINS = [
    ("46", "Brand Category"),
    ("47", "Brand"),
    ("65", "Interests and Hobbies Vertical"),
    ("131", "Unified Twitter"),
]


def v1_line(post: Draft, extended: bool) -> bytes:
    """The v1.1 payload as X's API spells it: compact, ASCII, slashes and angle brackets escaped.

    Args:
        post: the draft.
        extended: ``full_text`` as look-ups deliver it, instead of ``text`` and ``extended_tweet`` (streams).
    """
    line = json.dumps(v1(post, extended), separators=(",", ":"))
    return line.replace("/", "\\/").replace("<", "\\u003c").replace(">", "\\u003e").encode() + b"\n"


def v2_line(post: Draft, flat: bool) -> bytes:
    """The v2 post as X's API spells it: compact UTF-8; ``flat`` adds author and references like twarc."""
    payload = v2(post)
    if flat:
        payload["author"] = v2_user(post.user)
        for reference, nested in zip(payload.get("referenced_tweets", []), (post.repost or post.quote,), strict=False):
            if nested and reference["type"] != "replied_to":
                reference.update(v2(nested), author=v2_user(nested.user))
        payload["__twarc"] = {"url": "https://api.twitter.com/2/tweets/search/all", "version": "2.14.0",
                              "retrieved_at": "2021-03-01T12:00:00+00:00"}  # fmt: skip
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def v1(post: Draft, extended: bool, nested: bool = False) -> Json:
    """The v1.1 payload of a draft, with its retweeted_status or quoted_status."""
    text, cut = post.text, not extended and len(post.text.full) > 140
    entities = v1_entities(post, text)
    anchor = f'<a href="{CLIENTS[post.client][0]}" rel="nofollow">{post.client}</a>'
    out: Json = {"created_at": created_at(post.ms), "id": post.id, "id_str": str(post.id)}
    if extended:
        out |= {"full_text": text.full, "truncated": False, "display_text_range": [0, len(text.full)]}
    else:
        out["text"] = text.full[:110] + f"… https://t.co/{post.id % 10**8:010d}" if cut else text.full
    replied, to = post.reply or (None, {"id": None, "id_str": None, "screen_name": None})
    out |= {
        "source": anchor, "truncated": cut, "in_reply_to_status_id": replied,
        "in_reply_to_status_id_str": replied and str(replied), "in_reply_to_user_id": to["id"],
        "in_reply_to_user_id_str": to["id_str"], "in_reply_to_screen_name": to["screen_name"],
        "user": post.user,
        "geo": None, "coordinates": None, "place": post.place and v1_place(post.place), "contributors": None,
    }  # fmt: skip
    if post.repost:
        out["retweeted_status"] = v1(post.repost, extended, nested=True)
    if quoted := post.quote or (post.repost and post.repost.quote):
        out |= {"quoted_status_id": quoted.id, "quoted_status_id_str": str(quoted.id)}
        if post.quote and not nested:
            link = f"twitter.com/{quoted.user['screen_name']}/status/{quoted.id}"
            out["quoted_status"] = v1(quoted, extended, nested=True)
            out["quoted_status_permalink"] = {
                "url": f"https://t.co/{post.id % 10**8:010d}", "expanded": "https://" + link,
                "display": link[:24] + "…",
            }  # fmt: skip
    out["is_quote_status"] = quoted is not None
    if cut:
        out["extended_tweet"] = {
            "full_text": text.full,
            "display_text_range": [0, len(text.full)],
            "entities": entities,
        }
        entities = {"hashtags": [], "urls": [], "user_mentions": entities["user_mentions"][:1], "symbols": []}
    reposts, likes, replies, quotes = post.metrics
    if not extended:
        out |= {"quote_count": quotes, "reply_count": replies}
    out |= {"retweet_count": reposts, "favorite_count": likes, "entities": entities}
    if post.media:
        (out["extended_tweet"] if cut else out)["extended_entities"] = {"media": v1_media(post)}
    out |= {"favorited": False, "retweeted": False}
    if post.media or text.links:
        out["possibly_sensitive"] = False
    if post.withheld:
        countries = post.withheld.get("country_codes", [])
        out |= {"withheld_copyright": post.withheld["copyright"], "withheld_in_countries": countries}
    out |= {"filter_level": "low", "lang": post.lang}
    return out if nested or extended else out | {"timestamp_ms": str(post.ms)}


def v1_entities(post: Draft, text: Text) -> Json:
    """The ``entities`` of a v1.1 post."""
    out: Json = {
        "hashtags": [{"text": tag, "indices": span} for tag, span in text.hashtags],
        "urls": [{"url": f"https://t.co/{short}", "expanded_url": f"https://{host}/{short}/story",
                  "display_url": f"{host}/{short[:6]}…", "indices": span}
                 for short, host, span in text.links],
        "user_mentions": [{"screen_name": user["screen_name"], "name": user["name"], "id": user["id"],
                           "id_str": user["id_str"], "indices": span} for user, span in text.mentions],
        "symbols": [{"text": tag, "indices": span} for tag, span in text.cashtags],
    }  # fmt: skip
    if post.media:
        out["media"] = v1_media(post)[:1]
    return out


def v1_media(post: Draft) -> list[Json]:
    """The ``extended_entities.media`` of a v1.1 post; a repost names the original as its source."""
    owner, end, out = post.repost or post, len(post.text.full), []
    for number, (mid, kind) in enumerate(post.media):
        image = f"pbs.twimg.com/media/{mid:x}.jpg"
        link = f"twitter.com/{owner.user['screen_name']}/status/{owner.id}/photo/1"
        resized = {"small": 680, "large": 2048, "medium": 1200}
        item: Json = {
            "id": mid, "id_str": str(mid), "indices": [end, end + 24], "media_url": "http://" + image,
            "media_url_https": "https://" + image, "url": f"https://t.co/{mid % 10**9:010d}",
            "display_url": f"pic.twitter.com/{mid % 10**9:010d}", "expanded_url": "https://" + link,
            "type": kind,
            "sizes": {"thumb": {"w": 150, "h": 150, "resize": "crop"}}
            | {name: {"w": w, "h": w * 3 // 4 - number, "resize": "fit"} for name, w in resized.items()},
        }  # fmt: skip
        if post.repost:
            item |= {"source_status_id": owner.id, "source_status_id_str": str(owner.id),
                     "source_user_id": owner.user["id"],
                     "source_user_id_str": owner.user["id_str"]}  # fmt: skip
        if kind != "photo":
            variants = [{"bitrate": rate, "content_type": "video/mp4",
                         "url": f"https://video.twimg.com/ext_tw_video/{mid}/pu/vid/{rate}/clip.mp4?tag=10"}
                        for rate in (2176000, 832000, 256000)]  # fmt: skip
            item["video_info"] = {
                "aspect_ratio": [16, 9],
                "duration_millis": mid % 60000,
                "variants": variants,
            }
        out.append(item)
    return out


def v1_place(place: tuple[str, str, str]) -> Json:
    """A city in v1.1."""
    name, code, country = place
    pid = f"{sum(map(ord, name)):016x}"
    return {
        "id": pid, "url": f"https://api.twitter.com/1.1/geo/id/{pid}.json", "place_type": "city",
        "name": name, "full_name": f"{name}, {country}", "country_code": code,
        "country": country, "attributes": {},
        "bounding_box": {"type": "Polygon",
                         "coordinates": [[[9.1, 48.7], [9.1, 48.9], [9.4, 48.9], [9.4, 48.7]]]},
    }  # fmt: skip


def v2(post: Draft) -> Json:
    """The bare v2 post of a draft."""
    text, rng = post.text, random.Random(post.id)
    reposts, likes, replies, quotes = post.metrics
    out: Json = {
        "id": str(post.id), "created_at": iso(post.ms), "text": text.full, "author_id": post.user["id_str"],
        "conversation_id": str(post.reply[0] if post.reply else post.id),
        "edit_history_tweet_ids": [str(post.id)],
        "edit_controls": {"edits_remaining": 5, "is_edit_eligible": not post.reply,
                          "editable_until": iso(post.ms + 1_800_000)},
        "public_metrics": {"retweet_count": reposts, "reply_count": replies, "like_count": likes,
                           "quote_count": quotes, "bookmark_count": likes // 9,
                           "impression_count": likes * 31},
        "possibly_sensitive": False, "reply_settings": "everyone", "source": post.client, "lang": post.lang,
    }  # fmt: skip
    related = (("retweeted", post.repost and post.repost.id), ("quoted", post.quote and post.quote.id),
               ("replied_to", post.reply and post.reply[0]))  # fmt: skip
    if references := [{"type": kind, "id": str(target)} for kind, target in related if target]:
        out["referenced_tweets"] = references
    if post.reply:
        out["in_reply_to_user_id"] = post.reply[1]["id_str"]
    if entities := v2_entities(text, rng):
        out["entities"] = entities
    if rng.random() < 0.7:
        out["context_annotations"] = [
            {"domain": {"id": did, "name": name,
                        "description": f"Posts that X's own model counts among {name}"},
             "entity": {"id": str(rng.randrange(10**9, 10**18) | 1),
                        "name": rng.choice(SYLLABLES).title() + " Club"}}
            for did, name in rng.choices(DOMAINS, k=rng.choice([1, 2, 2, 4]))
        ]  # fmt: skip
    if post.media:
        prefix = {"photo": 3, "video": 7, "animated_gif": 16}
        out["attachments"] = {"media_keys": [f"{prefix[kind]}_{mid}" for mid, kind in post.media]}
    if post.place:
        out["geo"] = {"place_id": v1_place(post.place)["id"]}
    if post.withheld:
        out["withheld"] = post.withheld
    return out


def v2_entities(text: Text, rng: random.Random) -> Json:
    """The ``entities`` of a v2 post: what is empty is left out."""
    out: Json = {
        "hashtags": [{"start": a, "end": b, "tag": tag} for tag, (a, b) in text.hashtags],
        "cashtags": [{"start": a, "end": b, "tag": tag} for tag, (a, b) in text.cashtags],
        "mentions": [{"start": a, "end": b, "username": user["screen_name"], "id": user["id_str"]}
                     for user, (a, b) in text.mentions],
        "urls": [{"start": a, "end": b, "url": f"https://t.co/{short}",
                  "expanded_url": f"https://{host}/{short}/story", "display_url": f"{host}/{short[:6]}…",
                  "status": 200, "title": f"A story on {host}", "unwound_url": f"https://{host}/{short}/story"}
                 for short, host, (a, b) in text.links],
    }  # fmt: skip
    if rng.random() < 0.2:
        out["annotations"] = [{"start": 0, "end": 5, "probability": round(rng.random(), 4), "type": "Place",
                               "normalized_text": text.full[:6]}]  # fmt: skip
    return {key: found for key, found in out.items() if found}


def v2_user(user: Json) -> Json:
    """The v2 user object of a v1.1 one."""
    kept = ("name", "description", "verified", "protected", "location", "url")
    return {
        "id": user["id_str"], "username": user["screen_name"],
        **{key: user[key] for key in kept if user[key] is not None},
        "profile_image_url": user["profile_image_url_https"], "created_at": "2012-05-01T10:00:00.000Z",
        "public_metrics": {"followers_count": user["followers_count"],
                           "following_count": user["friends_count"], "tweet_count": user["statuses_count"],
                           "listed_count": user["listed_count"]},
    }  # fmt: skip
