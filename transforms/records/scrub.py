"""Free text in which whatever points at an account by its form is replaced by fixed marks.

    [handle]  @name of any network: RT @x: .@x ＠x @na.me @user@host.social @user/list, and cut ones (@nam…)
    [link]    addresses with a scheme, bare domains (x.com/name, name.de), links that were cut (https://t.c…)
    [email]   mail addresses, also name (at) host (dot) org
    [phone]   seven or more digits with spaces, dots, dashes, slashes or brackets between them, or with a plus
    [number]  seven or more digits in a row

**Names in free text stay.** Nothing here recognises names: "thanks Anna", a hashtag, or a handle written
without its at sign pass as they are. Scrubbed text is text without these patterns; it is not anonymous.

When in doubt, it is replaced. Dates, years, spans of time, set scores, priced and round amounts stay.

How: two expressions sweep what nearly every post has, plain links and plain handles. A third, led by a set of
characters, looks for anything left that may matter, and the few texts in which it finds something go through
the thorough passes. Where such a text holds a disguise (invisible characters, full-width or styled letters,
HTML entities, "(at)"), the passes run over its skeleton, in which every disguise is folded into the character
it stands for; what they find is replaced in the text itself, and all the rest (emoji, direction marks) stays.

No expression can run long: a repeated set of characters is followed by something outside of the set or by
nothing, and begins only where none of the set precedes, so each character is read a bounded number of times.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

from xsieve.configs import table

HANDLE, LINK, EMAIL, PHONE, NUMBER = "[handle]", "[link]", "[email]", "[phone]", "[number]"

# ---- sets of characters, as they stand between the brackets of an expression

_WORD = (  # letters of Latin, Greek, Cyrillic and Armenian; in other scripts a text may go on without a space
    r"0-9A-Z_a-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0370-\u037d\u037f-\u0481\u048a-\u0556"
    r"\u0561-\u0587\u1e00-\u1fff"
)
_OTHER = rf"[^\W{_WORD}]"
_LABEL = rf"(?:[{_WORD}-]+|{_OTHER}+)"  # of a domain
_PATH = _WORD + r"/#%&=~+$@*\\-"
_LOCAL = _WORD + r".%+-"  # of a mail address
# Sets of the first plane are bit maps to the engine, each range beyond it costs one comparison per character:
# so these come in two parts.
_HIDDEN_HERE = (  # takes no room of its own: controls, joiners, direction marks, accents, variation selectors
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u3164\ufe00-\ufe0f"
    r"\ufe20-\ufe2f\ufeff\uffa0\ufff9-\ufffb"
)
_HIDDEN = _HIDDEN_HERE + r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # … and tags
_ZEROS = [char for char in map(chr, range(0x10000)) if char.isdecimal() and unicodedata.decimal(char) == 0]
_DIGIT_HERE = "".join(f"{zero}-{chr(ord(zero) + 9)}" for zero in _ZEROS)  # 0-9 of every script, ASCII first
_DIGIT = _DIGIT_HERE + r"\U000104a0-\U0001d3ff\U0001d7ce-\U0001e95f"  # … and old scripts that have some
_BLANK = r" \t\u00a0\u2000-\u200a\u202f\u205f\u3000"
_GAP = _BLANK + r"./()\u2010-\u2015\u2212_\u00b7\u30fc\uff08\uff09\uff0d-\uff0f\uff3f\-"  # within a number
_STYLED = r"\u24b6-\u24e9\U0001f130-\U0001f149"  # letters in circles and squares: symbols to Unicode
_DRESSED = rf"＠﹫．․﹒：﹕／＿－＋０-９Ａ-Ｚａ-ｚ\u2100-\u214f{_STYLED}\U0001d400-\U0001d7ff"  # full-width, styled
_SEEN = rf"!-~\u2026\uff01-\uff5e{_STYLED}{_DIGIT}{_WORD}"  # what hidden characters may split

# ---- what nearly every post has: swept over every text

# Handles are swept before bare domains are looked for, so an address may end in a mark, which is closed here.
_MARKED = "(?:" + "|".join(rf"(?<=\{mark[:-1]})\]" for mark in (HANDLE, LINK, EMAIL, PHONE, NUMBER)) + ")?"
# Letters of scripts without spaces belong to an address only behind one of /@=-, else the text goes on there.
_ADDRESS = rf"[{_PATH}]+(?:[.,;:!?'()\[\]{{}}|^]+[{_PATH}]+|(?<=[/@=-])\w[\w.]*[{_PATH}]*)*{_MARKED}"
_AFTER_SCHEME = rf":\\?/\\?/(?=\w)(?:{_OTHER}[\w.-]*)?(?:{_ADDRESS})?"
_LINK = re.compile(rf"https?(?:(?:://t\.co/[0-9A-Za-z]*(?:[/?#][{_PATH}]*)?|{_AFTER_SCHEME})(?:\.?…)?|(?::/{{0,2}})?…)")
_REST_OF_HANDLE = rf"(?:(?:://|/@?|[.@-])[{_WORD}]+)*"  # @user/list, @na.me, @user@host.social, @x://x.com/x
_HANDLE = re.compile(rf"@(?<![{_LOCAL}]@)[{_WORD}]+{_REST_OF_HANDLE}")

# ---- what few posts have: looked for in those that _RARE finds

_EMAIL = re.compile(rf"(?<![{_LOCAL}])[.%+-]*[{_WORD}][{_LOCAL}]*@{_LABEL}(?:[.%+@]+{_LABEL})*")
_ANY_LINK = re.compile(rf"(?:(?<![{_WORD}])[A-Za-z][0-9A-Za-z+.-]{{0,20}})?{_AFTER_SCHEME}(?:\.?…)?")
_DOMAIN = re.compile(
    rf"(?P<host>(?:(?<![{_WORD}-])(?<![{_WORD}-]\.)[{_WORD}-]+|(?<!{_OTHER})(?<!{_OTHER}\.){_OTHER}+)\."
    rf"(?:{_LABEL}\.)*(?:(?=[^\W\d_])[{_WORD}-]{{2,}}|{_OTHER}{{2,}}))"
    rf"(?P<path>(?::\d*)?(?=/|[?#]\w)\??{_ADDRESS}(?:\.?…)?)?"
)
_ANY_HANDLE = re.compile(rf"@[/_.~\\-]{{0,2}}(?:[{_WORD}]+{_REST_OF_HANDLE}|\w+)|@(?:…|\.\.+)")

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"  # or the number of a month
_YEAR = r"(?:1[5-9]|20)\d\d"
_DATE = rf"(?:{_YEAR}[-./] ?{_DAY}[-./] ?{_DAY}|{_DAY}[-./] ?{_DAY}[-./] ?(?:{_YEAR}|\d\d))"
_TIME = r"(?:[01]?\d|2[0-3])\.[0-5]\d"
_THOUSANDS = rf"[1-9]\d{{0,2}}(?:[.{_BLANK}]\d{{3}}){{1,4}}"
_ROUND = rf"(?:[1-9]\d?[.{_BLANK}]\d{{3}}[.{_BLANK}]000|[1-9]\d{{0,2}}(?:[.{_BLANK}]000){{2,4}})"
_NO_MORE = rf"(?![{_GAP}]{{0,3}}\d)"
_KEPT = "|".join(  # digits that are nobody's number
    (
        rf"{_DATE}(?: ?[-–/] ?{_DATE})?(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{{1,6}})?)?)?(?![-./–]?\d)",
        rf"{_YEAR}(?: ?[-–—/~] ?{_YEAR})+(?![-./–]?\d)",
        rf"{_TIME} ?[-–] ?{_TIME}{_NO_MORE}",
        rf"\d[-–]\d(?:[ ,]{{1,2}}\d[-–]\d){{1,9}}{_NO_MORE}",  # 6-4 3-6 7-5
        r"\d{1,3}(?:,\d{3}){1,5}(?:\.\d\d?)?(?!\d)",
        rf"{_ROUND}{_NO_MORE}",
        rf"(?<=[€$£¥₹]){_THOUSANDS}(?:,\d\d)?{_NO_MORE}",
    )
)
_NUMBER = re.compile(rf"(?=[\d(+])(?:(?P<kept>\(?(?:{_KEPT}))|[+(]{{0,2}}\d(?:[{_GAP}]{{0,3}}\d){{6,}})")

_BRACKETED = rf"[ \t{_HIDDEN}]*(?:[Aa][Tt]|[Dd][Oo][Tt]|[@.])[ \t{_HIDDEN}]*[)\]}}]"  # (at) [dot] {@} (.)
_SPACED = rf"[{_BLANK}](?=[\w-]{{1,63}}\.[a-z]{{2}})"  # name @ host.org
_ENTITY = (  # &#64; &commat; &amp;#64;, but not what X itself escapes
    r"(?:amp;)*(?:#\d{1,6}(?!\d);?|#[xX][\da-fA-F]{1,5}(?![\da-fA-F]);?"
    r"|(?!(?:amp|lt|gt|quot);)[A-Za-z]{2,31};)"
)
_WHAT_IS_RARE = (  # behind the character that leads to it
    rf"(?!(?:handle|link)\](?![{_DRESSED}]))(?:"  # marks of the sweep, unless it stopped at a disguise
    rf"(?<=[{_DIGIT}])(?:[{_GAP}{_HIDDEN}]*[{_DIGIT}]){{6}}"
    rf"|(?<=[.．․﹒])(?<=[\w{_STYLED}-].)(?:[^\W\d_]|[{_STYLED}])[\w{_STYLED}{_HIDDEN}-]"
    rf"|(?<=[(\[{{])(?:{_BRACKETED}|handle|link)"
    rf"|(?<=[:：])\\?[/／]\\?[/／][\w{_STYLED}]"
    rf"|(?<=[＠﹫])|(?<=@)(?:\S|[ \t]+[{_HIDDEN}])"
    rf"|(?<=&){_ENTITY}"
    rf"|(?<=[{_HIDDEN}])(?:(?<=[{_SEEN}].)[{_HIDDEN}]*[{_SEEN}\w]|(?<=[^\W{_HIDDEN}].)[{_HIDDEN}]*[{_SEEN}])"
    r")"
)
_RARE = re.compile(
    rf"[@＠﹫.．․﹒:：&(\[{{{_DIGIT_HERE}{_HIDDEN_HERE}\U000104a0-\U0001e95f\U000e0000-\U000e0fff]{_WHAT_IS_RARE}"
)
_RARE_IN_ASCII = re.compile(rf"[@.:&(\[{{0-9\x00-\x08\x0e-\x1b\x7f]{_WHAT_IS_RARE}")

# ---- disguises

_TOKEN = re.compile(rf"[^&]|&{_ENTITY}|&", re.DOTALL)
_SPELT = re.compile(rf"[ \t]?[(\[{{]{_BRACKETED}[ \t]?| ?@{_SPACED}")
_DISGUISE = re.compile(
    rf"[{_HIDDEN}{_DIGIT[3:]}{_DRESSED}&(\[{{@]"
    rf"(?:(?<![&(\[{{@])|(?<=[(\[{{]){_BRACKETED}|(?<=@){_SPACED}|(?<=&){_ENTITY})"
)
_IS_HIDDEN = re.compile(f"[{_HIDDEN}]")


@lru_cache(maxsize=4096)
def _fold(token: str) -> str:
    """The one character that a token of a disguised text stands for; none for hidden ones."""
    if len(token) > 1:
        char = html.unescape(re.sub("&(?:amp;)+", "&", token))
        return _fold(char) if len(char) == 1 else "\ufffd"
    if _IS_HIDDEN.match(token):
        return ""
    if token.isdecimal():
        return str(unicodedata.decimal(token))
    folded = unicodedata.normalize("NFKC", token)
    return folded if len(folded) == 1 and not folded.isdigit() else token


# ---- marks


def _endings() -> tuple[frozenset[str], frozenset[str]]:
    """Last labels that make ``word.word`` a link: in any case, and in lower case."""
    words: dict[str, list[str]] = {"any": [], "lower": []}
    for line in table("scrub.tsv"):
        words[line.cells["case"]] += line.cells["endings"].split()
    return frozenset(words["any"]), frozenset(words["lower"])


_IN_ANY_CASE, _IN_LOWER_CASE = _endings()
_LABEL_STARTS = re.compile(r"(?<=\.)[^\W\d_]+")  # a number may be glued to a label
_WWW = re.compile(r"(?<![^\W\d_])[wW]{3}\.")


def _mark_domain(found: re.Match[str]) -> str:
    """A link, if it has a path, a www, or an ending anywhere behind its first label; else what it was."""
    host = found["host"]
    if found["path"] or _WWW.search(host):
        return LINK
    ends = _LABEL_STARTS.findall(host.lower() if host.isupper() else host)
    return LINK if any(end in _IN_LOWER_CASE or end.lower() in _IN_ANY_CASE for end in ends) else found[0]


def _mark_number(found: re.Match[str]) -> str:
    """Digits in a row are a number, with anything between them a phone; dates and the like stay."""
    run = found[0]
    if found["kept"]:
        return run
    opened = "(" if run[0] == "(" and ")" not in run else ""
    return opened + (NUMBER if run.lstrip("(").isdecimal() else PHONE)


def _mark_spelt(found: re.Match[str]) -> str:
    return "." if found[0].strip(" \t()[]{}").lower() in {".", "dot"} else "@"


_Marker = Callable[[re.Match[str]], str]
_Pass = tuple[re.Pattern[str], re.Pattern[str], _Marker]  # what makes it worth while, what is found, its mark
_THOROUGH: tuple[_Pass, ...] = (
    (re.compile("@"), _EMAIL, lambda _: EMAIL),
    (re.compile(r":\\?/"), _ANY_LINK, lambda _: LINK),
    (re.compile(r"\.(?<=[\w-]\.)[^\W\d_]"), _DOMAIN, _mark_domain),
    (re.compile("@"), _ANY_HANDLE, lambda _: HANDLE),
    (re.compile(rf"\d(?:[{_GAP}]{{0,3}}\d){{6}}"), _NUMBER, _mark_number),
)
_FROM_THE_START: tuple[_Pass, ...] = (
    (re.compile("http"), _LINK, lambda _: LINK),
    (re.compile("@"), _HANDLE, lambda _: HANDLE),
    *_THOROUGH,
)


def scrub(text: str) -> str:
    """The text with handles, links, mail addresses, phone numbers and long numbers replaced by their marks.

    Scrubbing again changes nothing. Names stay (see the head of this module).
    """
    swept = _LINK.sub(LINK, text) if "http" in text else text
    swept = _HANDLE.sub(HANDLE, swept) if "@" in swept else swept
    rare = _RARE_IN_ASCII if text.isascii() else _RARE
    return _settle(text, swept) if rare.search(swept) else swept


def scrub_all(texts: Iterable[str | None]) -> list[str | None]:
    """What ``scrub`` gives for each text; None stays None.

    Each on its own: one pass over joined texts saves 8 % only, and could move words between records.
    """
    return [None if text is None else scrub(text) for text in texts]


def _settle(text: str, swept: str) -> str:
    """The thorough passes over what the sweep left of a text, or over its skeleton where it is disguised."""
    if _DISGUISE.search(text):
        return _unmask(text)
    for worth, pattern, mark in _THOROUGH:
        if worth.search(swept):
            swept = pattern.sub(mark, swept)
    return swept


def _unmask(text: str) -> str:
    """All passes over the skeleton of a text; what they find is replaced in the text itself."""
    tokens = _TOKEN.findall(text)
    folded = [_fold(token) for token in tokens]
    skeleton = "".join(folded)
    origin = [number for number, char in enumerate(folded) if char]  # token of each character of the skeleton
    skeleton, origin = _replace(_SPELT, _mark_spelt, skeleton, origin, tokens, shown=False)
    for worth, pattern, mark in _FROM_THE_START:
        if worth.search(skeleton):
            skeleton, origin = _replace(pattern, mark, skeleton, origin, tokens)
    return "".join(tokens)


def _replace(
    pattern: re.Pattern[str],
    mark: _Marker,
    skeleton: str,
    origin: list[int],
    tokens: list[str],
    shown: bool = True,
) -> tuple[str, list[int]]:
    """One pass: gives the next skeleton with its origins. Marks that are shown are put into ``tokens``."""
    parts: list[str] = []
    origins: list[int] = []
    done = 0
    for found in pattern.finditer(skeleton):
        put = mark(found)
        if put == found[0]:
            continue
        start, end = found.span()
        first, last = origin[start], origin[end - 1]
        whole = put if shown else "".join(tokens[first : last + 1])
        tokens[first : last + 1] = [whole] + [""] * (last - first)
        parts += skeleton[done:start], put
        origins += origin[done:start] + [first] * len(put)
        done = end
    return "".join(parts) + skeleton[done:], origins + origin[done:]
