"""Free text with what points at an account by its form replaced by fixed marks.

| mark       | stands for |
|------------|---|
| `[handle]` | `@name` of any network, in any spelling: `RT @x:`, `.@x`, `＠x`, `@na.me`, `@user@host.social`, `@user/list`, cut `@nam…` |
| `[link]`   | addresses with a scheme, bare domains (`x.com/name`, `name.de`), links that were cut |
| `[email]`  | mail addresses, also `name (at) host (dot) org` |
| `[phone]`  | seven or more digits with spaces, dots, dashes, slashes, brackets or a plus between them |
| `[number]` | seven or more digits in a row |

**Names in free text stay.** There is no recognition of names here: "thanks Anna", "my teacher Mr Smith", a hashtag or
a handle written without its at sign pass as they are. Scrubbed text is stripped of patterns, not anonymous.

When in doubt, it is replaced. Dates, years, clock times, set scores and round or priced amounts in thousands stay.

How: two expressions sweep what nearly every post has, plain links and plain handles. A third one, led by a set of
characters, looks for anything left that may matter; the texts in which it finds something (one in fifty) go through the
thorough passes. Where such a text holds a disguise (invisible characters, full-width letters, HTML entities,
``(at)``), the passes run over its skeleton, in which each disguise is folded to the character it stands for, and what
they find is replaced in the text itself, so that all the rest (emoji sequences, direction marks) stays as it was.

No expression can run long: what repeats is a set of characters followed by something outside of it, or starts only
where no such character precedes, so that each character is read a bounded number of times.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from xsieve.configs import table

HANDLE, LINK, EMAIL, PHONE, NUMBER = "[handle]", "[link]", "[email]", "[phone]", "[number]"

# ---- sets of characters, as they stand between the brackets of an expression

_WORD = (  # letters of Latin, Greek, Cyrillic and Armenian: what X itself lets a name or a path be followed by
    r"0-9A-Z_a-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0370-\u037d\u037f-\u0481\u048a-\u0556"
    r"\u0561-\u0587\u1e00-\u1fff"
)
# Kept apart by planes: sets of the first plane are bit maps to the engine, and each range beyond it costs a comparison.
_HIDDEN_HERE = (  # takes no room of its own: controls, joiners, direction marks, accents, variation selectors
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff"
    r"\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u3164\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0"
    r"\ufff9-\ufffb"
)
_HIDDEN = _HIDDEN_HERE + r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # and tags
_ZEROS = [char for char in map(chr, range(0x10000)) if char.isdecimal() and unicodedata.decimal(char) == 0]
_DIGIT = "".join(f"{zero}-{chr(ord(zero) + 9)}" for zero in _ZEROS)  # 0-9 of every script, ASCII first
_BEYOND = r"\U000104a0-\U0001d3ff\U0001d7ce-\U0001e95f"  # where digits of the second plane lie, among old scripts
_BLANK = r" \t\u00a0\u2000-\u200a\u202f\u205f\u3000"
_GAP = _BLANK + r"./()\u2010-\u2015\u2212_\u00b7\u30fc\uff08\uff09\-"  # what may stand between the digits of a phone
_SEEN = rf"!-~\uff01-\uff5e{_DIGIT}{_BEYOND}{_WORD}"  # next to these a hidden character may split something
_PATH = _WORD + r"/#%&=~+$@*\\-"
_LOCAL = _WORD + r".%+-"
_OTHER = rf"[^\W{_WORD}]"  # one letter of the scripts that write without spaces, and of all others
_LABEL = rf"(?:[{_WORD}-]+|{_OTHER}+)"

# ---- what nearly every post has: swept over a whole batch

_MARKED = "(?:" + "|".join(rf"(?<=\{mark[:-1]})\]" for mark in (HANDLE, LINK, EMAIL, PHONE, NUMBER)) + ")?"
# Scripts without spaces go on right behind a link: their letters belong to it only behind one of /@=-. _MARKED is for
# addresses that hold a mark by now, because handles are swept before bare domains are looked for.
_ADDRESS = rf"[{_PATH}]+(?:[.,;:!?'()\[\]{{}}|^]+[{_PATH}]+|(?<=[/@=-])\w+)*{_MARKED}"
_AFTER_SCHEME = rf":\\?/\\?/(?=\w)(?:{_OTHER}[\w.-]*)?(?:{_ADDRESS})?"
_LINK = re.compile(
    rf"https?(?:(?:://t\.co/[0-9A-Za-z]*(?:[/?#][{_PATH}]*)?|{_AFTER_SCHEME})(?:\.?…)?|(?::/{{0,2}})?…)"
)
_REST_OF_HANDLE = rf"(?:(?:://|/@?|[.@-])[{_WORD}]+)*"  # @user/list, @na.me, @user@host.social, @x://x.com/x
_HANDLE = re.compile(rf"@(?<![{_LOCAL}]@)[{_WORD}]+{_REST_OF_HANDLE}")

# ---- what few posts have: looked for in those that _RARE finds

_EMAIL = re.compile(rf"(?<![{_LOCAL}])[.%+-]*[{_WORD}][{_LOCAL}]*@{_LABEL}(?:\.{_LABEL})*")
_ANY_LINK = re.compile(rf"(?:(?<![{_WORD}])[A-Za-z][0-9A-Za-z+.-]{{0,20}})?{_AFTER_SCHEME}(?:\.?…)?")
_DOMAIN = re.compile(
    rf"(?P<host>(?:(?<![{_WORD}-])(?<![{_WORD}-]\.)[{_WORD}-]+|(?<!{_OTHER})(?<!{_OTHER}\.){_OTHER}+)\."
    rf"(?:{_LABEL}\.)*(?:(?=[^\W\d_])[{_WORD}-]{{2,}}|{_OTHER}{{2,}}))"
    rf"(?P<path>(?::\d*)?[/?#](?:{_ADDRESS})?(?:\.?…)?)?"
)
_ANY_HANDLE = re.compile(rf"@[/_.~\\-]{{0,2}}(?:[{_WORD}]+{_REST_OF_HANDLE}|\w+)|@(?:…|\.\.+)")

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"  # or the number of a month
_YEAR = r"(?:1[5-9]|20)\d\d"
_DATE = rf"(?:{_YEAR}[-./] ?{_DAY}[-./] ?{_DAY}|{_DAY}[-./] ?{_DAY}[-./] ?(?:{_YEAR}|\d\d))"
_TIME = r"(?:[01]?\d|2[0-3])[.:]?[0-5]\d"
_GROUPS = rf"[1-9]\d{{0,2}}(?:[.{_BLANK}]\d{{3}}){{0,4}}"
_KEPT = "|".join(  # runs of seven or more digits that are not numbers of a person
    (
        rf"\(?{_DATE}(?: ?[-–] ?{_DATE})?(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{{1,6}})?)?)?(?![-./–]?\d)",
        rf"\(?{_YEAR}(?: ?[-–—/~] ?{_YEAR})+(?![-./–]?\d)",
        rf"\(?{_TIME} ?[-–] ?{_TIME}(?![{_GAP}]{{0,3}}\d)",
        rf"\(?\d[-–]\d(?:[ ,]{{1,2}}\d[-–]\d){{1,9}}(?![{_GAP}]{{0,3}}\d)",  # 6-4 3-6 7-5
        r"\(?\d{1,3}(?:,\d{3}){1,5}(?:\.\d\d?)?(?!\d)",
        rf"(?:{_GROUPS}[.{_BLANK}]000|(?<=[€$£¥₹]){_GROUPS}(?:,\d\d)?)(?![{_GAP}]{{0,3}}\d)",
    )
)
_NUMBER = re.compile(rf"(?=[\d(+])(?:(?P<kept>{_KEPT})|[+(]{{0,2}}\d(?:[{_GAP}]{{0,3}}\d){{6,}})")

_BRACKETED = r"[ \t]{0,2}(?:[Aa][Tt]|[Dd][Oo][Tt]|[@.])[ \t]{0,2}[)\]}]"  # (at) [dot] {@} (.)
_SPACED = r" (?=[\w-]{1,63}\.[a-z]{2})"  # name @ host.org
_ENTITY = r"(?:amp;)*(?:#\d{1,6}(?!\d);?|#[xX][\da-fA-F]{1,5}(?![\da-fA-F]);?|(?!(?:amp|lt|gt|quot);)[A-Za-z]{2,31};)"
_WHAT_IS_RARE = (  # behind the character that leads to it
    r"(?!(?:handle|link)\])(?:"  # the marks of the sweep
    rf"(?<=[{_DIGIT}{_BEYOND}])(?:[{_GAP}{_HIDDEN}]*[{_DIGIT}{_BEYOND}]){{6}}"
    r"|(?<=[.．․﹒])(?<=[\w-].)[^\W\d_][\w-]"
    rf"|(?<=[(\[{{]){_BRACKETED}"
    r"|(?<=[:：])\\?[/／]\\?[/／]\w"
    rf"|(?<=[@＠﹫])(?:\S|{_SPACED})"
    rf"|(?<=&){_ENTITY}"
    rf"|(?<=[。｡])(?<=[{_SEEN}].)[{_SEEN}]"
    rf"|(?<=[{_HIDDEN}])(?<=[{_SEEN}].)[{_HIDDEN}]*[{_SEEN}]"
    r")[^\x1e]*"  # one find for each text
)
_RARE = re.compile(
    rf"[@＠﹫.．․﹒。｡:：&(\[{{{_DIGIT}{_HIDDEN_HERE}\U000104a0-\U0001e95f\U000e0000-\U000e0fff]{_WHAT_IS_RARE}"
)
_RARE_IN_ASCII = re.compile(rf"[@.:&(\[{{0-9\x00-\x08\x0e-\x1b\x7f]{_WHAT_IS_RARE}")

# ---- disguises

_TOKEN = re.compile(
    rf"[^ \t(\[{{@&]|[ \t]?[(\[{{]{_BRACKETED}[ \t]?| ?@{_SPACED}|&{_ENTITY}|.",
    re.DOTALL,
)
_DISGUISE = re.compile(
    rf"[{_HIDDEN}{_DIGIT[3:]}{_BEYOND}＠﹫．․﹒。｡：﹕／＿－＋\uff21-\uff3a\uff41-\uff5a\u2100-\u214f\u2460-\u24ff"
    r"\U0001d400-\U0001d7ff\U0001f130-\U0001f149&(\[{@]"
    rf"(?:(?<![&(\[{{@])|(?<=[(\[{{]){_BRACKETED}|(?<=@){_SPACED}|(?<=&){_ENTITY})"
)
_IS_HIDDEN = re.compile(f"[{_HIDDEN}]")


@lru_cache(maxsize=4096)
def _fold(token: str) -> str:
    """The one character that a token of a disguised text stands for; none for hidden ones."""
    if len(token) > 1 and token[0] != "&":
        return "." if "." in token or "o" in token.lower() else "@"
    if len(token) > 1:
        char = html.unescape(re.sub("&(?:amp;)+", "&", token)) if token != "&amp;" else "&"
        return _fold(char) if len(char) == 1 else "\ufffd"
    if _IS_HIDDEN.match(token):
        return ""
    if token.isdecimal():
        return str(unicodedata.decimal(token))
    folded = unicodedata.normalize("NFKC", token)
    return "." if token in "。｡" else folded if len(folded) == 1 else token


# ---- marks


def _endings() -> tuple[frozenset[str], frozenset[str]]:
    """Last labels that make ``word.word`` a link: in any case, and as written (see the table)."""
    words: dict[str, list[str]] = {"ending": [], "country": []}
    for line in table("scrub.tsv"):
        words[line.cells["kind"]] += line.cells["words"].split()
    return frozenset(words["ending"]), frozenset(words["country"])


_ENDINGS, _COUNTRIES = _endings()


def _mark_domain(found: re.Match[str]) -> str:
    """A link if it has a path, starts with www, or any label behind the first is an ending; else as it was."""
    first, *labels = found["host"].split(".")
    named = _COUNTRIES.intersection(label.lower() for label in labels) if found["host"].isupper() else _COUNTRIES
    is_link = (
        found["path"]
        or first.lower() == "www"
        or not _COUNTRIES.isdisjoint(labels)
        or not _ENDINGS.isdisjoint(label.lower() for label in labels)
    )
    return LINK if is_link else found[0]


def _mark_number(found: re.Match[str]) -> str:
    """Digits in a row are a number, with anything between them a phone; dates and the like stay."""
    run = found[0]
    if found["kept"]:
        return run
    opened = "(" if run[0] == "(" and ")" not in run else ""
    return opened + (NUMBER if run.lstrip("(").isdecimal() else PHONE)


_Marker = Callable[[re.Match[str]], str]
_Pass = tuple[re.Pattern[str], re.Pattern[str], _Marker]
_THOROUGH: tuple[_Pass, ...] = (  # (what a text must hold for the pass to be worth while, what is replaced, by what)
    (re.compile("@"), _EMAIL, lambda _: EMAIL),
    (re.compile(r":\\?/"), _ANY_LINK, lambda _: LINK),
    (re.compile(r"\.(?<=[\w-]\.)[^\W\d_]"), _DOMAIN, _mark_domain),
    (re.compile("@"), _ANY_HANDLE, lambda _: HANDLE),
    (re.compile(rf"\d(?:[{_GAP}]{{0,3}}\d){{6}}"), _NUMBER, _mark_number),
)
_SWEEP: tuple[_Pass, ...] = (
    (re.compile("http"), _LINK, lambda _: LINK),
    (re.compile("@"), _HANDLE, lambda _: HANDLE),
)

_SEPARATOR = "\n\x1e\n"  # an edge to every expression above, as the ends of a text are


def scrub(text: str) -> str:
    """The text with handles, links, mail addresses, phone numbers and long numbers replaced by their marks.

    Scrubbing a scrubbed text changes nothing. Names stay (see the head of this module).
    """
    swept = _sweep(text)
    return _settle(text, swept) if _RARE.search(swept) else swept


def scrub_all(texts: Sequence[str | None]) -> list[str | None]:
    """What ``scrub`` gives for each text, at half the cost; None stays None.

    Texts are joined for one pass over all of them, those in ASCII apart: strings of one byte a character are
    searched faster.
    """
    scrubbed = list(texts)
    groups: tuple[list[int], list[int]] = [], []
    for number, text in enumerate(texts):
        if text:
            groups[text.isascii()].append(number)
    for group, rare in zip(groups, (_RARE, _RARE_IN_ASCII), strict=True):
        for start in range(0, len(group), _AT_ONCE):
            _scrub_group(scrubbed, group[start : start + _AT_ONCE], rare)
    return scrubbed


def _scrub_group(texts, numbers, rare) -> None:
    whole = [texts[n] for n in numbers]
    joined = _SEPARATOR.join(whole)
    if joined.count("\x1e") != len(whole) - 1:
        for n in numbers: texts[n] = scrub(texts[n])
        return
    swept = _sweep(joined)
    number = at = 0
    parts = swept.split(_SEPARATOR)
    for found in rare.finditer(swept):
        number += swept.count("\x1e", at, found.start())
        at = found.start()
        parts[number] = _settle(whole[number], parts[number])
    for n, p in zip(numbers, parts): texts[n] = p


_AT_ONCE = 128

def _sweep(text: str) -> str:
    return _HANDLE.sub(HANDLE, _LINK.sub(LINK, text))


def _settle(text: str, swept: str) -> str:
    """The thorough passes over a text: over what the sweep left, or, where it is disguised, over its skeleton."""
    if _DISGUISE.search(text):
        return _unmask(text)
    for hint, pattern, mark in _THOROUGH:
        if hint.search(swept):
            swept = pattern.sub(mark, swept)
    return swept


def _unmask(text: str) -> str:
    """All passes over the skeleton of a text; what they find there is replaced in the text itself."""
    tokens = _TOKEN.findall(text)
    folded = [_fold(token) for token in tokens]
    place = [number for number, char in enumerate(folded) if char]  # of each character of the skeleton, among tokens
    skeleton = "".join(folded)
    for hint, pattern, mark in _SWEEP + _THOROUGH:
        if not hint.search(skeleton):
            continue
        skeleton_parts: list[str] = []
        places: list[int] = []
        done = 0
        for found in pattern.finditer(skeleton):
            put = mark(found)
            if put == found[0]:
                continue
            first, last = place[found.start()], place[found.end() - 1]
            tokens[first : last + 1] = [put] + [""] * (last - first)
            skeleton_parts += skeleton[done : found.start()], put
            places += place[done : found.start()] + [first] * len(put)
            done = found.end()
        skeleton = "".join(skeleton_parts) + skeleton[done:]
        place = places + place[done:]
    return "".join(tokens)
