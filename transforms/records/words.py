"""Names and labels as the words they are made of, however they are written.

``isPregnant``, ``is-pregnant``, ``IS.PREGNANT`` and full-width ``ｉｓ＿ｐｒｅｇｎａｎｔ`` are the same words.
"""

import re
import unicodedata
from itertools import product

_UNDECOMPOSED = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_VOICING = "\u3099\u309a"  # the marks that make が of か are part of the letter, unlike accents
_HANGUL_FILLERS = "\u115f\u1160\u3164\uffa0"  # invisible, though Unicode counts them as letters

_LATIN = r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_KANA_KANJI = r"[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_CHUNK = re.compile(rf"{_LATIN}+|{_KANA_KANJI}+|\d+")
# the case of letters is read before it is folded away: HIVStatus is HIV Status, isHIV is is HIV
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def fold(text: str) -> str:
    """``text`` with case, accents, widths and invisible characters folded away: ``Ｆé\\u200bＥ`` -> ``fee``.

    Umlauts lose their dots (``ö`` -> ``o``); voiced kana stay what they are.
    """
    if text.isascii():
        return text.lower()
    return _visible(text).casefold().translate(_UNDECOMPOSED)


def split(text: str, humps: bool = True) -> tuple[str, ...]:
    """The folded words of ``text``: runs of letters, of kana and kanji, or of digits.

    With ``humps``, a change of case ends a word too: ``hostUnion`` -> ``("host", "union")``.
    """
    if text.isascii() and text.isalpha() and text.islower():
        return (text,)  # most words of the tables
    chunks: list[str] = _CHUNK.findall(_visible(text))
    if humps:
        chunks = [hump for chunk in chunks for hump in _HUMP.split(chunk)]
    return tuple(fold(chunk) for chunk in chunks)


def _visible(text: str) -> str:
    """``text`` in compatible forms, without accents and without characters that show nothing."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    kept = (
        c
        for c in apart
        if c in _VOICING or (unicodedata.category(c) not in ("Mn", "Me", "Cf") and c not in _HANGUL_FILLERS)
    )
    return unicodedata.normalize("NFC", "".join(kept))


def spellings(words: str, language: str) -> set[str]:
    """All ways in which ``words`` of a table may be spelled, folded.

    Umlauts are also written as two letters (``ö`` -> ``oe``); romanised Japanese with and without its long
    vowels (``roudou``, ``rodo``), with ``m`` before labials, and as taught at school (``zinsyu``).
    """
    if language != "ja-Latn" and words.isascii():
        return {words.lower()}  # most words of the tables
    if language == "ja-Latn":
        ways = set(_vowels(words))
        ways |= {re.sub("n(?=[bpm])", "m", way) for way in ways}
        ways |= {_kunrei(way) for way in ways if len(way) >= 8}
    else:
        ways = {words, words.casefold().translate(_UMLAUTS)}
    return set(map(fold, ways))


def _vowels(word: str) -> list[str]:
    parts = re.split("(ou|oo|uu)", word)
    ways = product(*([part, part[0]] if part in ("ou", "oo", "uu") else [part] for part in parts))
    return ["".join(way) for way in ways]


_KUNREI = {"sh": "sy", "ch": "ty", "j": "zy", "tsu": "tu", "fu": "hu"}


def _kunrei(word: str) -> str:
    word = re.sub("tsu|sh|ch|j|fu", lambda sound: _KUNREI[sound[0]], word)
    return re.sub("(?<=[stz])y(?=i)", "", word)
