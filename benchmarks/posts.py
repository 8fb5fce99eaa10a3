"""Invented posts: one neutral draft, rendered as a v1.1 payload or as a v2 post.

Shares, sizes and key order follow what X delivered; every person, text and link is made up from word lists.
"""

import json
import random
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]

EPOCH_MS = 1_288_834_974_657  # of X's snowflake ids
ROUND_DIGITS = 4  # post ids end in this many zeros, which generate.py fills with the number of the round
SYLLABLES = "ba ko ri mel tan zu ven lo si dra pim or ka tes nu fel gar wo lin exa tor mi qua sel dov".split()
EMOJI = "😀 😂 ❤️ 🔥 🙏 🎉 👍🏽 👩‍💻 🇧🇷 ☕ 🌧️ 🚲 🎶 ⚽ 😭".split()
CLIENTS = {  # name -> (address, weight)
    "Twitter for iPhone": ("http://twitter.com/download/iphone", 38),
    "Twitter for Android": ("http://twitter.com/download/android", 32),
    "Twitter Web App": ("https://mobile.twitter.com", 22),
    "TweetDeck": ("https://about.twitter.com/products/tweetdeck", 4),
    "Kolibri Scheduler": ("https://kolibri.example", 4),
}
PLACES = [("Norbeck", "DE", "Germany"), ("Vila Lume", "BR", "Brazil"), ("Eastmere", "US", "United States")]
DOMAINS = [("46", "Brand Category"), ("47", "Brand"), ("65", "Interests and Hobbies Vertical"), ("131", "Unified Twitter")]
DAYS, MONTHS = "Mon Tue Wed Thu Fri Sat Sun".split(), "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class Text(NamedTuple):
    """A text and what stands in it; spans are code points, links are t.co paths with the host they lead to."""

    full: str
    mentions: list[tuple[Json, list[int]]]
    hashtags: list[tuple[str, list[int]]]
    cashtags: list[tuple[str, list[int]]]
    links: list[tuple[str, str, list[int]]]


class Draft(NamedTuple):
    """A post before it is spelled as v1.1 or v2."""

    id: int
    ms: int
    user: Json  # a v1.1 user object
    lang: str
    text: Text
    client: str
    metrics: list[int]  # reposts, likes, replies, quotes
    media: list[tuple[int, str]]
    place: tuple[str, str, str] | None
    withheld: Json
    reply: tuple[int, Json] | None
    repost: "Draft | None"
    quote: "Draft | None"


class Writer:
    """Drafts from one seed: people first, then older posts that are reposted and quoted, then the posts asked for."""

    def __init__(self, seed: int, people: int, start_ms: int) -> None:
        self.random = random.Random(seed)
        self.start_ms = start_ms
        lines = [row.split("\t") for row in _rows()]
        self.words = {lang: words.split() for lang, _, words in lines}
        self.langs, self.shares = [lang for lang, _, _ in lines], [int(share) for _, share, _ in lines]
        self.people = [self._person() for _ in range(people)]
        self.older: list[Draft] = []
        self.older = [self.draft(start_ms - self.random.randrange(1, 10**9)) for _ in range(people)]

    def draft(self, ms: int) -> Draft:
        """A post of that time; nested posts come from the older ones (which nest nothing but a rare quote)."""
        rng, older = self.random, self.older
        kind = rng.random()
        repost = rng.choice(older) if older and kind < 0.35 else None
        quote = rng.choice(older) if older and 0.35 <= kind < 0.45 else None
        reply = (self._post_id(ms - rng.randrange(10**8)), rng.choice(self.people)) if 0.45 <= kind < 0.65 else None
        user = rng.choice(self.people)
        if repost:  # X shows a repost with the language, text, media and restrictions of its original
            text, media, lang, withheld = self._repost_text(repost), repost.media, repost.lang, repost.withheld
        else:
            lang = rng.choices(self.langs, self.shares)[0]
            text, media, withheld = self._text(lang, reply and reply[1]), self._media(), self._withheld()
        clients = rng.choices(list(CLIENTS), [weight for _, weight in CLIENTS.values()])
        metrics = [int(rng.paretovariate(0.7)) - 1 for _ in range(4)]
        place = rng.choice(PLACES) if rng.random() < 0.015 else None
        return Draft(
            self._post_id(ms), ms, user, lang, text, clients[0], metrics, media, place, withheld, reply, repost, quote
        )  # fmt: skip

    def _post_id(self, ms: int) -> int:
        """A snowflake of that millisecond that ends in zeros."""
        unit = 10**ROUND_DIGITS
        low = (ms - EPOCH_MS) << 22
        return low - low % unit + unit * (1 + self.random.randrange(417))

    def _name(self, parts: int = 3) -> str:
        return "".join(self.random.choices(SYLLABLES, k=parts))

    def _colour(self) -> str:
        return f"{self.random.randrange(1 << 24):06X}"

    def _person(self) -> Json:
        rng = self.random
        handle = (self._name(rng.choice([2, 3, 4])) + rng.choice(["", "", "_", "99", str(rng.randrange(9999))]))[:15]
        new = rng.random() < 0.4  # accounts since 2016 have 64-bit ids
        uid = (rng.randrange(10**18, 1_200_000_000_000_000_000) | 1) if new else rng.randrange(10**6, 3 * 10**9)
        lang = rng.choices(self.langs, self.shares)[0]
        image = f"pbs.twimg.com/profile_images/{rng.randrange(10**18)}/{self._name(4)}_normal.jpg"
        return {
            "id": uid, "id_str": str(uid), "name": f"{self._name().title()} {self._name(2).title()}",
            "screen_name": handle, "location": rng.choice([None, "", *(name for name, _, _ in PLACES)]),
            "url": f"https://t.co/{self._short()}" if rng.random() < 0.3 else None,
            "description": " ".join(rng.choices(self.words[lang], k=rng.randrange(3, 22))),
            "translator_type": "none", "protected": rng.random() < 0.01, "verified": rng.random() < 0.02,
            "followers_count": int(rng.paretovariate(0.5)), "friends_count": rng.randrange(3000),
            "listed_count": rng.randrange(60), "favourites_count": rng.randrange(90_000),
            "statuses_count": rng.randrange(150_000),
            "created_at": created_at(1_240_000_000_000 + rng.randrange(3 * 10**11)),
            "utc_offset": None, "time_zone": None, "geo_enabled": rng.random() < 0.3, "lang": None,
            "contributors_enabled": False, "is_translator": False, "profile_background_color": self._colour(),
            "profile_background_image_url": "http://abs.twimg.com/images/themes/theme1/bg.png",
            "profile_background_image_url_https": "https://abs.twimg.com/images/themes/theme1/bg.png",
            "profile_background_tile": False, "profile_link_color": self._colour(),
            "profile_sidebar_border_color": self._colour(), "profile_sidebar_fill_color": self._colour(),
            "profile_text_color": self._colour(), "profile_use_background_image": True,
            "profile_image_url": "http://" + image, "profile_image_url_https": "https://" + image,
            "profile_banner_url": f"https://pbs.twimg.com/profile_banners/{uid}/{rng.randrange(10**9, 16 * 10**8)}",
            "default_profile": rng.random() < 0.5, "default_profile_image": False, "following": None,
            "follow_request_sent": None, "notifications": None,
        }  # fmt: skip

    def _short(self) -> str:
        return "".join(self.random.choices("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=10))

    def _text(self, lang: str, to: Json | None) -> Text:
        rng, words = self.random, self.words[lang]
        glue = "" if lang == "ja" else " "
        text = Text("", [], [], [], [])
        full, limit = "", min(270, 20 + int(rng.expovariate(1 / 75)))
        if to:
            full = self._add(text.mentions, to, "", "@" + to["screen_name"])
        while len(full) < limit:
            roll = rng.random()
            if roll < 0.90:
                full += (glue if full else "") + glue.join(rng.choices(words, k=rng.randrange(1, 5)))
            elif roll < 0.93:
                person = rng.choice(self.people)
                full = self._add(text.mentions, person, full, "@" + person["screen_name"])
            elif roll < 0.955:
                tag = rng.choice(words).strip("'") + rng.choice(["", "", "2020", self._name(2)])
                full = self._add(text.hashtags, tag, full, "#" + tag)
            elif roll < 0.957:
                tag = self._name(2)[:4].upper()
                full = self._add(text.cashtags, tag, full, "$" + tag)
            else:
                full += " " + rng.choice([*EMOJI, "&amp;", "&lt;3", "...", "\n\n"])
        if rng.random() < 0.35:
            short, host = self._short(), self._name() + ".example"
            start = len(full) + 1
            full += f" https://t.co/{short}"
            text.links.append((short, host, [start, len(full)]))
        if rng.random() < 0.01:
            full += rng.choice([" write to mara.dovel@kolibri.example", " +49 30 5550 0199", " via @" + self._name(2)])
        return text._replace(full=full)

    @staticmethod
    def _add(found: list[Any], what: Any, full: str, token: str) -> str:
        start = len(full) + bool(full)
        full = f"{full} {token}" if full else token
        found.append((what, [start, len(full)]))
        return full

    @staticmethod
    def _repost_text(of: Draft) -> Text:
        """RT @author: and as much of the original as fits into 140."""
        prefix = f"RT @{of.user['screen_name']}: "
        room, by = 140 - len(prefix), len(prefix)
        full = of.text.full if len(of.text.full) <= room else of.text.full[: room - 1] + "…"

        def shifted(found: list[Any]) -> list[Any]:
            return [(*what, [a + by, b + by]) for *what, (a, b) in found if b < room]

        author = (of.user, [3, by - 2])
        tags = shifted(of.text.hashtags), shifted(of.text.cashtags), shifted(of.text.links)
        return Text(prefix + full, [author, *shifted(of.text.mentions)], *tags)

    def _media(self) -> list[tuple[int, str]]:
        rng, roll = self.random, self.random.random()
        if roll > 0.24:
            return []
        kind = "photo" if roll < 0.19 else "video" if roll < 0.225 else "animated_gif"
        count = rng.choice([1, 1, 1, 2, 4]) if kind == "photo" else 1
        return [(rng.randrange(10**18, 12 * 10**17) | 1, kind) for _ in range(count)]

    def _withheld(self) -> Json:
        roll = self.random.random()
        if roll < 0.001:
            return {"copyright": True}
        if roll < 0.003:
            return {"copyright": False, "country_codes": [self.random.choice(["XX", "XY"])]}
        return {"copyright": False, "country_codes": ["DE", "TR"]} if roll < 0.008 else {}


def v1_line(post: Draft, extended: bool) -> bytes:
    """The v1.1 payload as X's API spells it: compact, ASCII, slashes and angle brackets escaped.

    Args:
        post: the draft.
        extended: ``full_text`` as in search and look-up; otherwise ``text`` and ``extended_tweet`` as in streams.
    """
    line = json.dumps(v1(post, extended), separators=(",", ":"))
    return line.replace("/", "\\/").replace("<", "\\u003c").replace(">", "\\u003e").encode() + b"\n"


def v2_line(post: Draft, flat: bool) -> bytes:
    """The v2 post as X's API spells it: compact UTF-8; ``flat`` adds author and referenced posts as twarc does."""
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
        "in_reply_to_user_id_str": to["id_str"], "in_reply_to_screen_name": to["screen_name"], "user": post.user,
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
                "url": f"https://t.co/{post.id % 10**8:010d}", "expanded": "https://" + link, "display": link[:24] + "…",
            }  # fmt: skip
    out["is_quote_status"] = quoted is not None
    if cut:
        out["extended_tweet"] = {"full_text": text.full, "display_text_range": [0, len(text.full)], "entities": entities}
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
                  "display_url": f"{host}/{short[:6]}…", "indices": span} for short, host, span in text.links],
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
            "display_url": f"pic.twitter.com/{mid % 10**9:010d}", "expanded_url": "https://" + link, "type": kind,
            "sizes": {"thumb": {"w": 150, "h": 150, "resize": "crop"}}
            | {name: {"w": w, "h": w * 3 // 4 - number, "resize": "fit"} for name, w in resized.items()},
        }  # fmt: skip
        if post.repost:
            item |= {"source_status_id": owner.id, "source_status_id_str": str(owner.id),
                     "source_user_id": owner.user["id"], "source_user_id_str": owner.user["id_str"]}  # fmt: skip
        if kind != "photo":
            variants = [{"bitrate": rate, "content_type": "video/mp4",
                         "url": f"https://video.twimg.com/ext_tw_video/{mid}/pu/vid/{rate}/clip.mp4?tag=10"}
                        for rate in (2176000, 832000, 256000)]  # fmt: skip
            item["video_info"] = {"aspect_ratio": [16, 9], "duration_millis": mid % 60000, "variants": variants}
        out.append(item)
    return out


def v1_place(place: tuple[str, str, str]) -> Json:
    """A city in v1.1."""
    name, code, country = place
    pid = f"{sum(map(ord, name)):016x}"
    return {
        "id": pid, "url": f"https://api.twitter.com/1.1/geo/id/{pid}.json", "place_type": "city", "name": name,
        "full_name": f"{name}, {country}", "country_code": code, "country": country, "attributes": {},
        "bounding_box": {"type": "Polygon", "coordinates": [[[9.1, 48.7], [9.1, 48.9], [9.4, 48.9], [9.4, 48.7]]]},
    }  # fmt: skip


def v2(post: Draft) -> Json:
    """The bare v2 post of a draft."""
    text, rng = post.text, random.Random(post.id)
    reposts, likes, replies, quotes = post.metrics
    out: Json = {
        "id": str(post.id), "created_at": iso(post.ms), "text": text.full, "author_id": post.user["id_str"],
        "conversation_id": str(post.reply[0] if post.reply else post.id), "edit_history_tweet_ids": [str(post.id)],
        "edit_controls": {"edits_remaining": 5, "is_edit_eligible": not post.reply, "editable_until": iso(post.ms + 1_800_000)},
        "public_metrics": {"retweet_count": reposts, "reply_count": replies, "like_count": likes, "quote_count": quotes,
                           "bookmark_count": likes // 9, "impression_count": likes * 31},
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
            {"domain": {"id": did, "name": name, "description": f"Posts that X's own model counts among {name}"},
             "entity": {"id": str(rng.randrange(10**9, 10**18) | 1), "name": rng.choice(SYLLABLES).title() + " Club"}}
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
        "urls": [{"start": a, "end": b, "url": f"https://t.co/{short}", "expanded_url": f"https://{host}/{short}/story",
                  "display_url": f"{host}/{short[:6]}…", "status": 200, "title": f"A story on {host}",
                  "unwound_url": f"https://{host}/{short}/story"} for short, host, (a, b) in text.links],
    }  # fmt: skip
    if rng.random() < 0.2:
        out["annotations"] = [{"start": 0, "end": 5, "probability": round(rng.random(), 4), "type": "Place",
                               "normalized_text": text.full[:6]}]  # fmt: skip
    return {key: found for key, found in out.items() if found}


def v2_user(user: Json) -> Json:
    """The v2 user object of a v1.1 one."""
    kept = ("name", "description", "verified", "protected", "location", "url")
    return {
        "id": user["id_str"], "username": user["screen_name"], **{key: user[key] for key in kept if user[key] is not None},
        "profile_image_url": user["profile_image_url_https"], "created_at": "2012-05-01T10:00:00.000Z",
        "public_metrics": {"followers_count": user["followers_count"], "following_count": user["friends_count"],
                           "tweet_count": user["statuses_count"], "listed_count": user["listed_count"]},
    }  # fmt: skip


def created_at(ms: int) -> str:
    """v1.1 time: ``Wed Jan 01 00:00:00 +0000 2020`` (not by strftime, which follows the locale)."""
    at = datetime.fromtimestamp(ms // 1000, timezone.utc)
    return f"{DAYS[at.weekday()]} {MONTHS[at.month - 1]} {at:%d %H:%M:%S} +0000 {at.year}"


def iso(ms: int) -> str:
    """v2 time: ``2020-01-01T00:00:00.000Z``."""
    return f"{datetime.fromtimestamp(ms // 1000, timezone.utc):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def _rows() -> list[str]:
    lines = (Path(__file__).with_name("words.tsv")).read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")][1:]
