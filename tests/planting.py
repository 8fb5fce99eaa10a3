"""Invented identifiers, planted so that they can be found again.

Nothing here is anybody's: words are made of syllables, ids of chance. Whatever is planted is unique, and remembered with
its kind, where it stands and the class of the field it stands in. A ``Haystack`` tells whether any of it came out.
"""

import random
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

SYLLABLES = [a + b + c for a in "bdgklmnprstvz" for b in "aeiou" for c in ("", "l", "n", "r", "x")]
OTHER_SYLLABLES = [
    a + b for a in ("f", "h", "j", "qu", "w", "y", "fj", "wh") for b in "aeiouy"
]  # what may stay has no others
EPOCH = datetime(2010, 11, 4, 1, 42, tzinfo=timezone.utc)
FILLERS = (
    "so proud of the whole team today 🎉",
    "breaking: the bridge is open again",
    "الطقس جميل اليوم في المدينة",
    "שבת שלום לכולם 🌿",
    "今日はいい天気ですね☀️",
    "Käse &amp; Brot &lt;3 – mehr braucht es nicht",
    "нет слов 👩‍👩‍👧‍👦",
    "who else is watching this??\nunbelievable scenes",
    "2-1 after extra time, see you on 12.05.2019",
    "ครั้งแรกของฉัน 🙈",
    "and another one\t…",
)
TAGS = ("climate", "FridayFeeling", "選挙", "مباراة", "football", "ΕΡΤ", "throwback")
CLIENTS = (
    '<a href="http://twitter.com/download/iphone" rel="nofollow">Twitter for iPhone</a>',
    '<a href="https://mobile.twitter.com" rel="nofollow">Twitter Web App</a>',
    '<a href="http://instagram.com" rel="nofollow">Instagram</a>',
    "Twitter for Android",
    "web",
)
IN_TEXT = "in_text"  # names and handles without their at sign: what a scrub of patterns leaves in free text


class Planted(NamedTuple):
    """One value that must not come out: what it is, and the field it was put into (class "unknown": no field of X's)."""

    kind: str
    value: str
    where: str
    cls: str


class Planter:
    """Makes identifiers and remembers them. ``at`` says where the next ones are put."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.planted: list[Planted] = []
        self.handles: list[str] = []  # those that stand in a field for handles
        self._ids: dict[str, list[str]] = {}
        self._where = ("", "unknown")

    def at(self, where: str, cls: str) -> "Planter":
        """Values made from here on stand in that place."""
        self._where = (where, cls)
        return self

    def plant(self, kind: str, value: Any, found_as: str = "") -> Any:
        """Remember a value, under the form in which it would be found."""
        self.planted.append(Planted(kind, found_as or str(value), *self._where))
        return value

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    # ---- values

    def letters(self, syllables: int = 5) -> str:
        return "".join(self.rng.choices(SYLLABLES, k=syllables))

    def word(self, kind: str = "word") -> str:
        """A word that occurs nowhere else."""
        return self.plant(kind, self.letters())

    def number(self, kind: str = "number") -> int:
        """An integer of eight digits that is not round."""
        return self.plant(kind, self.rng.randrange(10**7, 10**8) // 100 * 100 + self.rng.randrange(1, 100))

    def count(self) -> int:
        """What people count: not round, so that it can be told from its rounded value."""
        exact = self.rng.randrange(10**6, 10**7) * 100 + self.rng.randrange(1, 100)
        return self.plant("count", exact)

    def fraction(self, kind: str = "coordinate") -> float:
        return self.plant(kind, round(self.rng.uniform(-89, 89), 4) + self.rng.randrange(1, 100) / 10**6)

    def new_id(self, kind: str) -> str:
        """An id as X makes them: short ones of old accounts, and snowflakes beyond 53 bits."""
        if kind == "user_id" and self.chance(0.3):
            value = self.rng.randrange(10**6, 10**9) * 10 + self.rng.randrange(1, 10)
        else:
            value = (self.rng.randrange(4 * 10**10, 4 * 10**11) << 22) + self.rng.randrange(2**22)
            value += value % 100 == 0
        self._ids.setdefault(kind, []).append(str(value))
        return str(value)

    def id(self, kind: str) -> str:
        """An id, often one that the payload has already."""
        known = self._ids.get(kind)
        return self.plant(kind, self.rng.choice(known) if known and self.chance(0.5) else self.new_id(kind))

    def handle(self, known: float = 0.4) -> str:
        """A handle, often one that the payload has already, in any case."""
        if self.handles and self.chance(known):
            handle = self.rng.choice(self.handles)
        else:
            handle = self.letters(5)[:12] + self.rng.choice(("", "_", "_x", "42"))
        return self.plant("handle", self.rng.choice((handle, handle.title(), handle.upper())))

    def name(self, kind: str = "name") -> str:
        """A name as people show it."""
        syllables = OTHER_SYLLABLES if kind.endswith(IN_TEXT) else SYLLABLES
        first, last = ("".join(self.rng.choices(syllables, k=5)).title() for _ in "12")
        self.plant(kind, last)
        return self.rng.choice((f"{first} {last}", f"{first} {last} 🇪🇺", f"د. {first} {last}", f"「{first}」{last}"))

    def email(self) -> str:
        return self.plant(
            "email", f"{self.letters()}.{self.letters(2)}@{self.letters(3)}.{self.rng.choice(('org', 'com', 'de'))}"
        )

    def phone(self) -> str:
        """A phone number in one of the usual spellings."""
        digits = "".join(self.rng.choices("123456789", k=7))
        spelling = self.rng.choice(("+49 171 {}-{}", "(555) {}.{}", "0171/{}{}", "+1-212-{}-{}", "0044 20 {} {}"))
        phone = spelling.format(digits[:3], digits[3:])
        return self.plant("phone", phone, re.sub(r"\D", "", phone))

    def link(self) -> str:
        """A link of one of the kinds that posts hold; nearly all of them name an account or a post."""
        code = "".join(self.rng.choices("abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRST23456789", k=10))
        return self.rng.choice(
            (
                lambda: "https://t.co/" + self.plant("url", code),
                lambda: f"https://twitter.com/{self.handle()}/status/{self.id('post_id')}?s=19&t={self.plant('token', code)}",
                lambda: f"http://x.com/{self.handle()}",
                lambda: f"https://pbs.twimg.com/profile_banners/{self.id('user_id')}/1431474710",
                lambda: f"http://a0.twimg.com/profile_images/{self.id('media_id')}/{self.handle()}_normal.png",
                lambda: f"https://www.example.com/{self.word('url')}/?utm_content=x&hss_channel=tw-{self.id('user_id')}",
                lambda: f"pic.twitter.com/{self.plant('url', code)}",
                lambda: f"https://medium.com/@{self.handle()}",
            )
        )()  # fmt: skip

    def moment(self, form: str = "iso") -> str:
        """A time to the second, as v1.1 or v2 writes it, or in milliseconds."""
        time = EPOCH + timedelta(seconds=self.rng.randrange(60, 4 * 10**8) // 60 * 60 + self.rng.randrange(1, 60))
        self.plant("time", f"{time:%Y-%m-%dT%H:%M:%S}")
        if form == "v1":
            return self.plant("time", f"{time:%a %b %d %H:%M:%S +0000 %Y}")
        if form == "ms":
            return self.plant("time", str(int(time.timestamp() * 1000) + self.rng.randrange(1000)))
        return f"{time:%Y-%m-%dT%H:%M:%S}.000Z"

    # ---- texts

    def mention(self) -> str:
        """A handle as it stands in a text."""
        handle = self.handle()
        cut = self.plant("handle", handle[:-2])
        return self.rng.choice(
            (
                f"RT @{handle}: ", f"@{handle}", f".@{handle}", f"＠{handle}", f"via @{handle}", f"@{cut}…", f"thanks to @{cut}",
                f"This Tweet from @{handle} has been withheld in response to a report from the copyright holder. Learn more.",
                f"@{handle}'s account is temporarily unavailable because it violates the Twitter Media Policy.",
                f"By IG @{handle}", f"@{handle}@mastodon.social", f"@{handle}://twitter.com/{handle}", f"twitter.com/{handle}/sta…",
            )
        )  # fmt: skip

    def text(self) -> str:
        """What people write: handles, links, addresses and numbers among other words, and now and then a name."""
        parts = [self.rng.choice(FILLERS)]
        for make, probability in (
            (self.mention, 0.6),
            (self.link, 0.5),
            (self.email, 0.15),
            (self.phone, 0.15),
            (lambda: self.id("user_id"), 0.1),
            (lambda: self.name("name_" + IN_TEXT), 0.2),
            (lambda: "#" + self.rng.choice(TAGS), 0.3),
        ):
            if self.chance(probability):
                parts.append(make())
        self.rng.shuffle(parts)
        return " ".join(parts)

    def bio(self) -> str:
        """What stands in profiles, titles and descriptions: anything that tells who it is."""
        makers = (self.word, self.handle, self.name, self.email, self.phone, self.link, lambda: self.id("user_id"))
        return " · ".join(make() for make in self.rng.sample(makers, self.rng.randrange(1, 4)))

    def client(self) -> str:
        """The client of a post: mostly a product, now and then somebody's bot."""
        if self.chance(0.6):
            return self.rng.choice(CLIENTS)
        inside = self.rng.choice(
            (self.email, self.phone, self.link, lambda: self.id("user_id"), lambda: "@" + self.handle())
        )
        if self.chance(0.4):
            handle = self.handle()
            return f'<a href="https://twitter.com/{handle}" rel="nofollow">{handle} bot</a>'
        return f'<a href="{self.link()}" rel="nofollow">bot of {inside()}</a>'


class Haystack:
    """All that came out of a run, in the forms in which planted values are looked for."""

    def __init__(self, values: Iterable[str]) -> None:
        self.text = folded("\n".join(values))
        self.joined = re.sub(r"(?<=\d)[^\w\n]+(?=\d)", "", self.text)  # numbers without what separates their digits

    def holds(self, planted: Planted) -> bool:
        """Whether a value is in it: in any case and width, digits also with separators between them or cut to twelve."""
        value = folded(planted.value)
        if value in self.text:
            return True
        digits = value.removeprefix("-").replace(".", "")
        return digits.isdecimal() and len(digits) >= 9 and digits[:12] in self.joined

    def found(self, planted: Iterable[Planted]) -> list[Planted]:
        """Those of the planted values that are in it."""
        planted = list(planted)
        found = {one.value for one in {one.value: one for one in planted}.values() if self.holds(one)}
        return [one for one in planted if one.value in found]


def folded(text: str) -> str:
    """Without case and width."""
    return unicodedata.normalize("NFKC", text).casefold()
