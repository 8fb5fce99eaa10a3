"""Invented posts as neutral drafts, which payloads.py renders as v1.1 or v2.

Shares and sizes follow what X delivered; every person, text and link is made up from word lists.
"""

import random
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]

EPOCH_MS = 1_288_834_974_657  # of X's snowflake ids
ROUND_DIGITS = 4  # post ids end in this many zeros, which generate.py fills with the number of the round
SYLLABLES = (
    "ba", "ko", "ri", "mel", "tan", "zu", "ven", "lo", "si", "dra", "pim", "or", "ka", "tes", "nu", "fel",
    "gar", "wo", "lin", "exa", "tor", "mi", "qua", "sel", "dov",
)  # fmt: skip
EMOJI = ("😀", "😂", "❤️", "🔥", "🙏", "🎉", "👍🏽", "👩‍💻", "🇧🇷", "☕", "🌧️", "🚲", "🎶", "⚽", "😭")
CLIENTS = {  # name -> (address, weight)
    "Twitter for iPhone": ("http://twitter.com/download/iphone", 38),
    "Twitter for Android": ("http://twitter.com/download/android", 32),
    "Twitter Web App": ("https://mobile.twitter.com", 22),
    "TweetDeck": ("https://about.twitter.com/products/tweetdeck", 4),
    "Kolibri Scheduler": ("https://kolibri.example", 4),
}
PLACES = [("Norbeck", "DE", "Germany"), ("Vila Lume", "BR", "Brazil"), ("Eastmere", "US", "United States")]
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Text(NamedTuple):
    """A text and what stands in it; spans are code points, links are (t.co path, host, span)."""

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
    """Drafts from one seed: people, then older posts to repost and quote, then the posts asked for."""

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
        """A post of that time; what it reposts or quotes comes from the older ones, which nest nothing."""
        rng, older = self.random, self.older
        kind = rng.random()
        repost = rng.choice(older) if older and kind < 0.35 else None
        quote = rng.choice(older) if older and 0.35 <= kind < 0.45 else None
        reply = (self._post_id(ms - rng.randrange(10**8)), rng.choice(self.people)) if 0.45 <= kind < 0.65 else None
        user = rng.choice(self.people)
        if repost:  # X shows a repost with the language, text, media and restrictions of its original
            text, media, lang, withheld = (
                self._repost_text(repost),
                repost.media,
                repost.lang,
                repost.withheld,
            )
        else:
            lang = rng.choices(self.langs, self.shares)[0]
            text, media, withheld = self._text(lang, reply and reply[1]), self._media(), self._withheld()
        clients = rng.choices(list(CLIENTS), [weight for _, weight in CLIENTS.values()])
        metrics = [int(rng.paretovariate(0.7)) - 1 for _ in range(4)]
        place = rng.choice(PLACES) if rng.random() < 0.015 else None
        return Draft(
            self._post_id(ms), ms, user, lang, text, clients[0], metrics, media, place, withheld,
            reply, repost, quote,
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
            "profile_banner_url": f"https://pbs.twimg.com/profile_banners/{uid}/{rng.randrange(10**9)}",
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
