"""What scrubbing of text takes out, in which disguise whatever it comes, and what it leaves alone."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xsieve.transforms.records.scrub import EMAIL, HANDLE, LINK, NUMBER, PHONE, scrub, scrub_all

CORPORA = Path(__file__).resolve().parents[2].parent / "shared" / "corpora"

HANDLES = [
    ("RT @Anna_Berg: Coffee and art ☕️", "RT [handle]: Coffee and art ☕️"),
    ("rt @anna_berg hi, MT @ANNA_BERG, HT @Anna_berg", "rt [handle] hi, MT [handle], HT [handle]"),
    ("via @Anna_Berg by @anna_berg's desk", "via [handle] by [handle]'s desk"),
    (
        ".@Anna_Berg has been told, -@anna_berg, w/@anna_berg",
        ".[handle] has been told, -[handle], w/[handle]",
    ),
    ("“@anna_berg→@ben” (@c) [@d]", "“[handle]→[handle]” ([handle]) [[handle]]"),
    ("@anna,@ben:@c;@d", "[handle],[handle]:[handle];[handle]"),
    ("＠anna_berg ﹫ben", "[handle] [handle]"),
    ("＠ａｎｎａ＿ｂｅｒｇ @ａｎｎａ１２ @𝓪𝓷𝓷𝓪 @ⓐⓝⓝⓐ", "[handle] [handle] [handle] [handle]"),
    ("…thanks to @anna_be…", "…thanks to [handle]…"),
    ("good luck @…", "good luck [handle]"),
    ("good luck @...", "good luck [handle]"),
    ("@a_handle_that_is_much_longer_than_fifteen ok", "[handle] ok"),
    ("Post by IG @anna.berg_photos", "Post by IG [handle]"),
    ("@anna@hachyderm.io and @anna@social.example.org!", "[handle] and [handle]!"),
    ("@anna.bsky.social", "[handle]"),
    ("my list @anna_berg/my-bots", "my list [handle]"),
    ("via @anna_berg://twitter.com/anna_berg", "via [handle]"),
    ("@NDI/@NDIAsia", "[handle]"),
    ("who is @/anna_berg and @_anna", "who is [handle] and [handle]"),
    ("@josé_fotos @жанна @юлия_к", "[handle] [handle] [handle]"),
    ("@ユーザー名、ありがとう", "[handle]、ありがとう"),
    ("@annaさんありがとう @anna님 안녕", "[handle]さんありがとう [handle]님 안녕"),
    ("Follow→@anna\nand@ben", "Follow→[handle]\n[email]"),
    ("&#64;anna &#x40;anna &commat;anna &amp;#64;anna &amp;commat;anna", " ".join(["[handle]"] * 5)),
    ("\u2066@anna_berg\u2069 hi", "\u2066[handle]\u2069 hi"),
    ("مرحبا @anna_berg يا صديقي", "مرحبا [handle] يا صديقي"),
    (
        "This Tweet from @anna_berg has been withheld in response to a report from the copyright holder.",
        "This Tweet from [handle] has been withheld in response to a report from the copyright holder.",
    ),
    (
        "@anna_berg's account is temporarily unavailable because it violates the Twitter Media Policy.",
        "[handle]'s account is temporarily unavailable because it violates the Twitter Media Policy.",
    ),
    (
        "@anna_berg's account has been withheld in Germany in response to a legal demand.",
        "[handle]'s account has been withheld in Germany in response to a legal demand.",
    ),
]

LINKS = [
    ("see https://t.co/AbCdEf1234", "see [link]"),
    ("see https://t.co/AbCdEf1234?amp=1, then", "see [link], then"),
    ("HTTP://T.CO/AbCdEf1234 Https://t.co/a1", "[link] [link]"),
    ("https://t.co/AbCdEf1234https://t.co/GhIjKl5678", "[link][link]"),
    ("(https://t.co/AbCdEf1234).", "([link])."),
    ("t.co/AbCdEf1234 twitter.com/anna_berg X.com/anna_berg/status/1", "[link] [link] [link]"),
    ("www.twitter.com/anna mobile.twitter.com/anna m.x.com/anna", "[link] [link] [link]"),
    ("pic.twitter.com/AbCdEf1234 pic.x.com/a1 pbs.twimg.com/media/E1.jpg", "[link] [link] [link]"),
    ("ton.twitter.com/1.1/ton/data/dm/1/2 fxtwitter.com/anna nitter.net/anna", "[link] [link] [link]"),
    ("https://x.com/anna/status/1?t=52UmQIBgBu1aYt&s=19", "[link]"),
    ("https://example.com/a?b=1&amp;c=anna#d", "[link]"),
    ("https://en.wikipedia.org/wiki/Anna_(name) ok", "[link]) ok"),
    ("read https://t.c…", "read [link]"),
    (
        "read https://t.… or https://… or https:/… or https:… or https… or http…",
        "read " + " or ".join(["[link]"] * 6),
    ),
    ("https://t.co/AbC… twitter.com/anna_b…", "[link] [link]"),
    (
        "hxxps://twitter[.]com/anna twitter[.]com/anna twitter(dot)com/anna twitter (.) com/anna",
        " ".join(["[link]"] * 4),
    ),
    ("ｔｗｉｔｔｅｒ．ｃｏｍ／ａｎｎａ ｈｔｔｐｓ：／／ｘ．ｃｏｍ／ａｎｎａ", "[link] [link]"),
    ("𝐱.𝐜𝐨𝐦/anna ⓧ.ⓒⓞⓜ/anna twitter&period;com/anna", "[link] [link] [link]"),
    (r"https:\/\/x.com\/anna", "[link]"),
    ("ftp://example.org/anna tg://resolve?domain=anna", "[link] [link]"),
    ("見てhttps://t.co/AbCdEf1234を見て。", "見て[link]を見て。"),
    ("詳しくはtwitter.com/annaをご覧ください", "詳しくは[link]をご覧ください"),
    ("動画https://www.youtube.com/@日本語名", "動画[link]"),
    ("https://例え.jp/名前 пример.рф/анна müller-anna.de https://пример.рф", "[link] [link] [link] [link]"),
    ("🎬https://t.co/AbCdEf1234🎬", "🎬[link]🎬"),
    ("instagram.com/anna fb.com/anna t.me/anna linktr.ee/anna", " ".join(["[link]"] * 4)),
    ("discord.gg/abc youtube.com/@anna twitch.tv/anna onlyfans.com/anna", " ".join(["[link]"] * 4)),
    ("Instagram.com/Anna, YouTube.com/c/Anna", "[link], [link]"),
    ("annaberg.com is my site, anna.berg.name too", "[link] is my site, [link] too"),
    ("ANNABERG.DE www.anna.photography www.ANNA.xyz:8080/a", "[link] [link] [link]"),
    ("...twitter.com/anna", "...[link]"),
    ("example.anything/anna", "[link]"),
    ("medium.com/@anna/a-b", "[link]"),
]

EMAILS = [
    ("write to anna.berg+x@mail.example.co.uk.", "write to [email]."),
    ("ANNA@EXAMPLE.COM,ben@example.com", "[email],[email]"),
    ("mailto:anna@example.com", "mailto:[email]"),
    ("聯絡：anna2021@example.com\n全球聯絡", "聯絡：[email]\n全球聯絡"),
    ("聯絡anna2021@example.com全球", "聯絡[email]全球"),
    ("ａｎｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "[email]"),
    ("anna (at) example (dot) com", "[email]"),
    ("anna[at]example.com anna(AT)example[dot]co[dot]uk anna {at} example.com", "[email] [email] [email]"),
    ("anna @ example.com", "[email]"),
    ("...anna@example.com -anna@example.com", "[email] [email]"),
    ("jürgen@müller.de", "[email]"),
    ("anna@localhost or anna.berg@gmail", "[email] or [email]"),
]

PHONES = [
    ("call +49 170 1234567 now", "call [phone] now"),
    ("+491701234567, 0049-30-1234567", "[phone], [phone]"),
    ("(555) 123-4567, 555-123-4567, 555.123.4567", "[phone], [phone], [phone]"),
    ("030/1234567; +1 (877) 453-1304", "[phone]; [phone]"),
    ("☎090-1234-5678まで", "☎[phone]まで"),
    ("090ー1234ー5678", "[phone]"),
    ("０９０−１２３４−５６７８", "[phone]"),
    ("090\u00a01234\u00a05678", "[phone]"),
    ("+1\u2011202\u2011555\u20110143, 030 – 123 4567", "[phone], [phone]"),
    ("06 12 34 56 78, 01.23.45.67.89", "[phone], [phone]"),
    ("+44 (0) 20 7946 0958", "[phone]"),
    ("٠١٠ ١٢٣٤ ٥٦٧٨", "[phone]"),
    ("०९८७६ ५४३२१", "[phone]"),
    ("call me: 2134-5678", "call me: [phone]"),
    ("4111 1111 1111 1111", "[phone]"),
    ("0171 12.11.78", "[phone]"),
    ("192.168.100.12", "[phone]"),
    ("1 2 3 4 5 6 7", "[phone]"),
    ("1_2_3_4_5_6_7", "[phone]"),
]

NUMBERS = [
    ("id 1580559079470145536", "id [number]"),
    ("#20210618", "#[number]"),
    ("anna12345678", "anna[number]"),
    ("(1234567)", "([number])"),
    ("DE89370400440532013000", "DE[number]"),
    ("１２３４５６７, ۱۲۳۴۵۶۷, 𝟏𝟐𝟑𝟒𝟓𝟔𝟕", "[number], [number], [number]"),
    ("0️⃣1️⃣7️⃣1️⃣5️⃣5️⃣5️⃣", "[number]\ufe0f\u20e3"),
    ("&#49;234567", "[number]"),
    ("52.520008,13.404954", "[phone],[phone]"),
]

KEPT = [
    "She said: meet me @ home at 5 @ 3€ each (@ Barrelista in Martinez, CA)",
    "customers are cr@# and p@$$ed",
    "thanks Anna, thanks Mr Smith and Zoë Müller — 山田太郎 and Анна Петрова too",
    "#StandWithUs #8bitNews #2021 $TSLA $AAPL 100% of it",
    "2020-03-01, 01.03.2020, 3/1/2020, 12.06.21, 2021/06/04版 and 2021年6月4日",
    "from 12.06.2021-15.06.2021, posted 2022-10-07 23:10:12.638569 or 2016-02-13T23:00:00",
    "(1841–1941) 1945-97, 2019-2020, 1939 - 1945",
    "open 10.30-12.30, at 9:30am, 23:10:12, 24/7",
    "won 6-4 3-6 7-6 6-3, lost 2-1",
    "1,000,000 people, 10,000 2020 graduates, 1 000 000, 2.500.000, €12.345.678,90, $1,299.99",
    "10bn, 3.5k, v2.0.1, 747-8, 1920x1080, A4, 365 days",
    "Node.js and TypedArray.sort in index.html, e.g. U.S. or i.e. a.m., end of it.The next.Next",
    "and/or w/e 50/50 n/a: the HTTP headers and HTTPS http https",
    "a &amp; b &lt;3 &gt; AT&amp;T R&amp;B; 2 &lt; 3",
    "look (at this) [dot dot dot] (.) :-) {a}",
    "👩‍🚀 👨‍👩‍👧‍👦 ❤️ ☝🏻 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 1️⃣ first 2️⃣ second 🇩🇪",
    "می‌خواهم \u200fعربي\u200f Donau\u00addampf e\u0301te\u0301 नमस्ते क्‍ष",
    "𝓼𝓽𝔂𝓵𝓮𝓭 𝐭𝐞𝐱𝐭, ＦＵＬＬ　ｗｉｄｔｈ！（笑）１２３ ⓔⓣⓒ ①②③④⑤⑥⑦",
    "これはペンです。Twitterで見た！「はい」【公式】：了解",
    "line\none\r\n\ttwo",
    "[handle] [link] [email] [phone] [number] and [brackets]",
    "",
]

HIDDEN = [
    *"\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2063\u2064",
    *"\u2066\u2067\u2068\u2069\u206a\u206f\u3164\ufe00\ufe0e\ufe0f\ufeff\ufff9\x00\x07\x7f\u0336\u0301\u20e3",
    *"\U000e0001\U000e0067\U000e007f\U000e0100\U0001d173",
]
SECRETS = {
    "@anna_berg": HANDLE,
    "@anna.berg": HANDLE,
    "@anna@hachyderm.io": HANDLE,
    "https://t.co/AbCdEf1234": LINK,
    "HTTP://x.com/anna": LINK,
    "twitter.com/anna_berg": LINK,
    "pic.twitter.com/AbCdEf1234": LINK,
    "annaberg.de": LINK,
    "anna.berg@example.com": EMAIL,
    "anna(at)example(dot)com": EMAIL,
    "+49 170 1234567": PHONE,
    "555-123-4567": PHONE,
    "1580559079470145536": NUMBER,
}
SECRET = st.sampled_from(sorted(SECRETS))
PIECES = [
    *("@", "＠", "﹫", "anna_b", "Ben", "x", "é", "ж", "日本", "さん", "님", "ﬁ", "𝓪", "ⓐ", "twitter", "me"),
    *(
        ".",
        "．",
        ".com",
        ".de",
        ".it",
        "www.",
        "t.co/",
        "pic.twitter.com/",
        "http",
        "https://",
        "HTTP",
        "://",
    ),
    *(
        "/",
        "／",
        "\\",
        "…",
        ":",
        "#tag",
        "$TSLA",
        "(at)",
        " (at) ",
        "[dot]",
        "&amp;",
        "&#64;",
        "&lt;",
        "&commat;",
    ),
    *(
        "1",
        "0",
        "12",
        "2021",
        "0171",
        "555",
        "+49",
        "１２",
        "١٢٣",
        "𝟏𝟐",
        "6-4",
        "12:30",
        "-",
        "–",
        "ー",
        "(",
        ")",
    ),
    *(
        " ",
        " ",
        "\n",
        "\t",
        "\u00a0",
        "\r\n",
        "_",
        "%",
        "*",
        "'",
        '"',
        ",",
        "!",
        "?",
        "~",
        "=",
        "|",
        "{",
        "}",
        "^",
    ),
    *("👩‍🚀", "❤️", "RT ", "via ", "[handle]", "[link]", "[", "]", "[phone]", "\x1e", "\n\x1e\n", *HIDDEN),
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)


@pytest.mark.parametrize(("text", "expected"), HANDLES + LINKS + EMAILS + PHONES + NUMBERS)
def test_what_points_at_somebody_becomes_a_mark(text: str, expected: str) -> None:
    """Handles, links, mail addresses, phone numbers and long numbers go in every spelling; the rest stays."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", KEPT)
def test_what_points_at_nobody_stays_as_it_is(text: str) -> None:
    """Prose, names, dates, prices, scores, tags, emoji sequences and direction marks are not touched."""
    assert scrub(text) == text


@given(SECRET, st.data())
def test_invisible_characters_save_nothing(secret: str, data: st.DataObject) -> None:
    """Whatever invisible characters stand anywhere within it, a secret becomes its mark."""
    runs = [data.draw(st.text(st.sampled_from(HIDDEN), max_size=2)) for _ in secret[1:]]
    split = "".join(map("".join, zip(secret, [*runs, ""], strict=True)))
    assert scrub(f"so {split} it is") == f"so {SECRETS[secret]} it is"
    assert scrub(f"日本👩‍🚀 {split}") == f"日本👩‍🚀 {SECRETS[secret]}"


@given(SECRET.filter(lambda secret: "(" not in secret), st.data())
def test_other_letters_and_digits_save_nothing(secret: str, data: st.DataObject) -> None:
    """Full-width, styled and foreign forms of a character, and its HTML entity, count as the character."""
    forms = [data.draw(st.sampled_from([char, *other_forms(char)])) for char in secret]
    assert scrub(f"so {''.join(forms)}, it is") == f"so {SECRETS[secret]}, it is"


def other_forms(char: str) -> list[str]:
    forms = [chr(ord(char) + 0xFEE0)] if char in "@.:/+_-" or char.isalnum() else []
    if char.islower():
        forms += [chr(0x1D41A + ord(char) - ord("a")), chr(0x24D0 + ord(char) - ord("a"))]
    if char.isdigit():
        forms += [chr(0x0660 + int(char)), chr(0x0966 + int(char)), chr(0x1D7CE + int(char))]
    return [*forms, f"&#{ord(char)};", f"&amp;#x{ord(char):x};"]


@given(
    st.sampled_from(["@anna_berg_fotos", "https://t.co/AbCdEf1234", "twitter.com/anna_berg"]),
    st.integers(1, 24),
)
def test_a_cut_secret_is_a_secret(secret: str, length: int) -> None:
    """Where a text was cut within a handle or a link, nothing of its account or path remains."""
    left = scrub(f"so it was {secret[:length]}…")
    assert not re.search(r"anna|AbC|t\.c", left)


@given(TEXTS)
def test_scrubbing_again_changes_nothing(text: str) -> None:
    """Marks, and what stands beside them, are stable."""
    assert scrub(scrub(text)) == scrub(text)


@given(TEXTS)
def test_the_quick_look_misses_nothing_that_the_thorough_one_finds(text: str) -> None:
    """A scrubbed text with a disguise added, which sends it through every pass, comes out the same."""
    scrubbed = scrub(text)
    nudge = "\n＠x"  # by itself it becomes a mark
    assert scrub(scrubbed + nudge) == f"{scrubbed}\n{HANDLE}"


@given(st.lists(st.none() | TEXTS, max_size=8))
def test_a_batch_gives_what_each_text_gives_alone(texts: list[str | None]) -> None:
    """Nothing moves between texts, whatever they hold, and None stays None."""
    assert scrub_all(texts) == [None if text is None else scrub(text) for text in texts]


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "a",
            "a.",
            "a@",
            "@",
            "@a",
            "@a.",
            "@a/",
            "a.b@",
            ".a@",
            "-",
            "%",
            "a-",
            "aa.",
            "日",
            "日.",
            "日@",
            "@…",
            "www.",
        ),
        *(
            "1",
            "1 ",
            "1-",
            "12.",
            "(1",
            "1,",
            "1,234,",
            "123.",
            "6-4 ",
            "6-4, ",
            "2020-",
            "01.01.",
            "2020-01-01 ",
            "+",
            "(",
        ),
        *(
            "&",
            "&amp;",
            "&#",
            "&#x1",
            "&a",
            "(at) ",
            "( at",
            " @ b",
            "http",
            "https://a",
            "a://",
            "://",
            "a:",
            "t.co/a.",
        ),
        *(
            "x.y/",
            "x.y/(",
            "x.y/日",
            "[handle]",
            "[link]",
            "\u200b",
            "a\u200b",
            "1\u200b ",
            "\u3164",
            "\x1e",
            "\n\x1e\n",
        ),
        *("１．", "𝟏", "𝓪.", "€1.000", "\U000e0061", "…"),
    ],
)
@pytest.mark.parametrize("frame", ["{}!", "{}@", "＠x {}.z/"])
def test_no_text_takes_forever(unit: str, frame: str) -> None:
    """Long repetitions come back at all: work growing with the square of the length would take hours here."""
    text = frame.format(unit * (100_000 // len(unit)))
    assert scrub_all([text]) == [scrub(text)]


def test_lone_surrogates_are_no_obstacle() -> None:
    """What no decoder gives is scrubbed all the same."""
    assert scrub_all(["\ud800 @anna \udfff", "ok\n\ud800\n"]) == ["\ud800 [handle] \udfff", "ok\n\ud800\n"]


def payloads() -> Iterator[object]:
    for path in sorted(CORPORA.glob("*/*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def strings(value: object, keys: frozenset[str]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in keys and isinstance(inner, str):
                yield inner
            else:
                yield from strings(inner, keys)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, keys)


@pytest.mark.skipif(not CORPORA.is_dir(), reason="real payloads are not at hand")
def test_nothing_is_left_in_real_texts() -> None:
    """No handle, link, mail address or long number remains in any text of the corpora."""
    left = re.compile(
        r"[@＠﹫]\w|https?:/|://\w|\bt\.co/|(?:twitter|x)\.com\b|\d{7}|[\w.+-]+@[\w-]+\.\w|\+\d{2}[ \d-]{6}",
        re.IGNORECASE,
    )
    seen = leaks = 0
    for payload in payloads():
        texts = list(strings(payload, frozenset({"text", "full_text", "body", "summary", "description"})))
        handles = {f"@{handle.lower()}" for handle in strings(payload, frozenset({"screen_name", "username"}))}
        for scrubbed in scrub_all(texts):
            seen += 1
            leaks += bool(left.search(scrubbed or ""))
            leaks += any(handle in (scrubbed or "").lower() for handle in handles - {"@"})
    assert seen > 10_000
    assert leaks == 0
