"""The words of the vocabulary, found in a name or a label however its words are put together.

Words end at signs, at changes of case and at digits (``isPregnant``, ``is-pregnant``). Words that are joined
without a sign (``ispregnant``, ``politicalpartyscore``) are taken apart where all of the parts are known.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from xsieve.transforms.records.vocabulary import Word, vocabulary
from xsieve.transforms.records.words import fold, split

_MOST_PARTS = 6  # words of a name that a word of the tables may be spread over
_LONGEST = 40  # letters of any word of the tables
_WINDOW, _OVERLAP = 500, 100  # characters of a text that are looked at together
_FAR_FROM_CHANCE = 10  # letters that do not come together where one word of a name ends and another begins

# Most words can be cut into shorter ones (is|rael, gay|est): parts of a joined word are long ones, or these.
_SHORT_FIRST = frozenset({"is", "has", "was", "not", "non", "no", "est", "ist", "hat"})
_SHORT_WORDS = frozenset({"sex", "gay", "hiv"})
_AFFIX, _COMPANION, _PART = 4, 3, 5  # letters at least: of affixes, of companions, of words joined to their like


class Match(NamedTuple):
    """A word found, how many letters of the name it takes, and whether the name says nothing else."""

    word: Word
    size: int
    lone: bool


def find(text: str) -> tuple[Match, ...]:
    """All words of the vocabulary in ``text``, but for harmless ones, what these cover, and what others excuse.

    A change of case is first taken for the end of a word (``hostUnion``), then for nothing (``PregNANT``). What
    is too long for a name is read window by window, so that no text takes more time than its length.
    """
    starts = range(0, max(1, len(text) - _OVERLAP), _WINDOW - _OVERLAP)
    return tuple(match for start in starts for match in _in_window(text[start : start + _WINDOW]))


@lru_cache(maxsize=4096)
def _in_window(text: str) -> tuple[Match, ...]:
    parted, joined = split(text), split(text, humps=False)
    found = list(_find(parted, least=1))
    if joined != parted:
        found += _find(joined, least=_FAR_FROM_CHANCE)
    return tuple(found)


def excused(word: Word, beside: Iterable[str]) -> bool:
    """Whether one of the words ``beside`` a word makes it mean something else."""
    companions = word.beside
    return bool(companions) and any(
        # scripts without spaces have their words anywhere
        any(each in companions for each in singulars(other))
        or (not other.isascii() and any(each in other for each in companions))
        for other in beside
    )


def parts(text: str) -> tuple[str, ...]:
    """The words of a name or a label, joined ones taken apart; none of a text that is too long for either."""
    if len(text) > _WINDOW:
        return ()
    return tuple(part for word in split(text) for part in _take_apart(word))


def says_nothing(label: str) -> bool:
    """Whether a label only says yes or no, how much, or a number."""
    return fold(label).strip() in vocabulary().scale or all(map(_says_nothing, split(label)))


def _says_nothing(word: str) -> bool:
    return word in vocabulary().affixes or word in vocabulary().scale or word.isdigit()


def singulars(word: str) -> Iterator[str]:
    """The word, and what it may be the plural of."""
    yield word
    if len(word) >= 4 and word.endswith("s"):
        yield word[:-1]
        if len(word) >= 6 and word.endswith("es"):
            yield word[:-2]
        if word.endswith("ies"):
            yield word[:-3] + "y"


# ---- where words of the vocabulary stand


def _find(words: Sequence[str], least: int) -> Iterator[Match]:
    """The matches in the words of a name; ``least``: how many letters a word has that is part of another."""
    words = [part for word in words for part in _take_apart(word)]
    spans = list(_spans(words, least))
    covers = [(start, end) for word, start, end in spans if word.role == "harmless"]
    for word, start, end in spans:
        if not any(first <= start and end <= last for first, last in covers):
            around, rest = _outside(words, start, end)
            if not (excused(word, (*around, *rest)) or _excused_in_compound(word, rest)):
                yield Match(word, end - start, all(map(_says_nothing, (*around, *rest))))


def _excused_in_compound(word: Word, rest: Sequence[str]) -> bool:
    """Whether the rest of the compound that a word is part of ends with a companion (``gesundheitscheck``)."""
    return any(len(each) >= _AFFIX and part.endswith(each) for part in rest for each in word.beside)


_Span = tuple[Word, int, int]  # a word, its first letter and the one behind its last


def _spans(words: Sequence[str], least: int) -> Iterator[_Span]:
    start = 0
    for index, word in enumerate(words):
        yield from _from_here(words[index : index + _MOST_PARTS], start, least)
        yield from _inside(word, start, least)
        start += len(word)


def _from_here(words: Sequence[str], start: int, least: int) -> Iterator[_Span]:
    """Words of the vocabulary that begin where ``words`` begin, and end with one of them or in its midst."""
    known = vocabulary()
    letters = ""
    met: set[int] = set()  # where the words of the name meet
    for word in words:
        before, letters = len(letters), letters + word
        found = [each for whole in singulars(letters) for each in known.whole.get(whole, ())]
        yield from ((each, start, start + len(letters)) for each in found if _may_spread(each, met))
        for size in range(max(before + 1, least), min(len(letters), _LONGEST) + 1):
            found = known.head.get(letters[:size], ())
            yield from ((each, start, start + size) for each in found if _may_spread(each, met))
        met.add(len(letters))


def _may_spread(word: Word, met: set[int]) -> bool:
    """Whether it is no chance that a word stands across words of a name (``get_int`` is no ``getint``)."""
    return met <= word.joints or len(word.letters) >= _FAR_FROM_CHANCE


def _inside(word: str, start: int, least: int) -> Iterator[_Span]:
    """Words of the vocabulary at the end of ``word`` or anywhere in it."""
    known = vocabulary()
    size = len(word)
    for first in range(max(0, size - _LONGEST), size - least + 1):
        yield from ((each, start + first, start + size) for each in known.tail.get(word[first:], ()))
    for first in range(size - least + 1):
        for stop in range(first + least, min(size, first + _LONGEST) + 1):
            yield from ((each, start + first, start + stop) for each in known.inner.get(word[first:stop], ()))


def _outside(words: Sequence[str], start: int, end: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words outside of a span, and what is left of those that it cuts."""
    around: list[str] = []
    rest: list[str] = []
    first = 0
    for word in words:
        last = first + len(word)
        if last <= start or end <= first:
            around.append(word)
        else:
            rest += filter(None, (word[: max(0, start - first)], word[max(0, end - first) :]))
        first = last
    return tuple(around), tuple(rest)


# ---- words joined without a sign


@cache
def _known_parts() -> frozenset[str]:
    """What a joined word may be made of."""
    known = vocabulary()
    companions = {each for same in known.whole.values() for each in same[0].beside}
    return frozenset(
        [each for each in known.affixes if len(each) >= _AFFIX]
        + [each for each in known.whole if len(each) >= _AFFIX]
        + [each for each in companions if len(each) >= _COMPANION]
    ).union(_SHORT_FIRST, _SHORT_WORDS)


@lru_cache(maxsize=4096)
def _take_apart(word: str) -> tuple[str, ...]:
    """The fewest words that ``word`` joins, if one is of the vocabulary and fits the others; else itself."""
    if not 5 <= len(word) <= 64 or not word.isascii() or _is_part(word) or _has_stem(word):
        return (word,)
    fewest: dict[int, tuple[str, ...]] = {0: ()}
    for start in range(len(word) - 1):
        if start not in fewest:
            continue
        for end in range(start + 2, len(word) + 1):
            part, last = word[start:end], end == len(word)
            better = end not in fewest or len(fewest[start]) + 1 < len(fewest[end])
            if better and (_is_part(part) or (last and _tells(part))):
                fewest[end] = (*fewest[start], part)
    found = fewest.get(len(word), ())
    return found if any(_fits(found, index) for index in range(len(found))) else (word,)


def _is_part(word: str) -> bool:
    return any(each in _known_parts() for each in singulars(word))


def _has_stem(word: str) -> bool:
    head = vocabulary().head
    return any(word[:size] in head for size in range(1, len(word) + 1)) or any(_inside(word, 0, 1))


def _tells(part: str) -> list[Word]:
    """The words that may tell something by their name, of which ``part`` is one."""
    known = vocabulary()
    found = [word for whole in singulars(part) for word in known.whole.get(whole, ())]
    found += [word for size in range(_PART, len(part) + 1) for word in known.head.get(part[:size], ())]
    return [word for word in found if word.role not in ("under", "harmless")]


def _fits(words: Sequence[str], index: int) -> bool:
    """Whether one word may tell something, and each other one goes with it: affix, companion, or its like."""
    told = _tells(words[index])
    beside = frozenset[str]().union(*(word.beside for word in told))
    others = [(at == 0, word) for at, word in enumerate(words) if at != index]
    return bool(told) and all(
        (first and word in _SHORT_FIRST)
        or (len(word) >= _AFFIX and word in vocabulary().affixes)
        or any(each in beside for each in singulars(word))
        or (min(len(word), len(words[index])) >= _PART and _tells(word))
        for first, word in others
    )
