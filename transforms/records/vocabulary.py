"""The words that express a sensitive category, read from ``configs/vocabulary`` and found in names and labels.

| role       | in the name of a field | as a label |
|------------|---|---|
| `tells`    | expresses the item | expresses the item |
| `name`     | expresses the item | says nothing: a subject (`health`, `politics`) |
| `either`   | may mean something else: its values decide | says nothing |
| `alone`    | as `either`, where the name says nothing else (`is_black`, not `black_friday`) | as `under` |
| `pair`     | as `alone` | as `under`; tells by itself beside another of its kind (`liberal`, `conservative`) |
| `under`    | says nothing | tells in a field whose name may express the item (`party: [left, right]`) |
| `harmless` | says nothing, nor does what it covers (`krankenhaus` covers `krank`) | the same |

A word is written as it is spelled. ``a|b`` are alternatives, ``*`` at an end stands for any letters. Singular and plural
in -s are the same. What is listed in ``beside`` (``@group`` for a group of words) makes a word mean something else
wherever both stand in one name: ``party`` beside ``size``.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

from xsieve.configs import Line, TableError, table
from xsieve.transforms.records.words import fold, spellings, split

LANGUAGES = ("en", "es", "fr", "de", "pt", "it", "nl", "ja", "ja-Latn")
ROLES = frozenset({"tells", "name", "either", "alone", "pair", "under", "harmless"})

_MOST_WORDS = 6  # that a sequence in the tables joins
_LONG = 8  # letters that will not come together by chance where one word ends and another begins


class Item(NamedTuple):
    """One line of the closed list: a sub-item of a category, and the clause that shuts it out."""

    category: str
    item: str
    clause: str


class Word(NamedTuple):
    """One word of a language, its letters joined, and what it says; ``beside`` holds the words that excuse it."""

    letters: str
    role: str
    item: Item
    language: str
    beside: frozenset[str]


class Match(NamedTuple):
    """A word found in a name, and what else that name says: the words around it, the rest of those it is part of."""

    word: Word
    start: int
    end: int
    around: tuple[str, ...]
    rest: tuple[str, ...]


_Words = dict[str, list[Word]]


class Vocabulary(NamedTuple):
    """All words by the way they are looked for: whole, at the start, at the end, anywhere in a word of a name."""

    whole: _Words
    head: _Words
    tail: _Words
    inner: _Words
    affixes: frozenset[str]
    scale: frozenset[str]
    pieces: frozenset[str]  # what a word that joins several may be made of


@cache
def items() -> dict[str, Item]:
    """The closed list, by sub-item."""
    lines = (line.cells for line in table("vocabulary/categories.tsv"))
    return {cells["item"]: Item(cells["category"], cells["item"], cells["clause"]) for cells in lines}


@cache
def vocabulary() -> Vocabulary:
    """The packaged tables, read once. Raises TableError where one of them cannot be read."""
    groups = _groups()
    parts: dict[str, _Words] = {kind: defaultdict(list) for kind in ("", "head", "tail", "inner")}
    excuses: dict[str, set[str]] = defaultdict(set)
    pieces: set[str] = set(groups["affix"])
    for language in LANGUAGES:
        for line in table(f"vocabulary/{language}.tsv"):
            for kind, word in _read(line, language, groups):
                parts[kind][word.letters].append(word)
                excuses[word.letters] |= word.beside
    # the language of a name is not known: what excuses a spelling in one language excuses it in all
    for words in parts.values():
        for letters, same in words.items():
            words[letters] = [word._replace(beside=frozenset(excuses[letters])) for word in same]
    pieces |= {each for each in parts[""] if len(each) >= 3} | set().union(*excuses.values())
    return Vocabulary(
        dict(parts[""]),
        dict(parts["head"]),
        dict(parts["tail"]),
        dict(parts["inner"]),
        frozenset(groups["affix"]),
        frozenset(groups["scale"]),
        frozenset(piece for piece in pieces if piece.isascii() and len(piece) >= 2),
    )


def _groups() -> dict[str, set[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for line in table("vocabulary/groups.tsv"):
        for word in line.cells["words"].split(","):
            groups[line.cells["group"]] |= set(spellings(word.strip(), line.cells["language"]))
    return groups


def _read(line: Line, language: str, groups: dict[str, set[str]]) -> Iterator[tuple[str, Word]]:
    """The words of a line, each with the part of a name's word it is looked for in."""
    cells = line.cells
    if cells["item"] not in items() or cells["role"] not in ROLES:
        raise TableError(f"{line.where}: expected an item of categories.tsv and a role")
    beside: set[str] = set()
    for word in cells["beside"].split():
        beside |= groups[word] if word.startswith("@") else set(spellings(word, language))
    for text in cells["words"].split(","):
        for words in product(*(word.split("|") for word in text.strip(" *").split())):
            kind = _kind(text.strip(), language)
            for spelling in spellings(" ".join(words), language):
                letters = "".join(split(spelling))
                yield kind, Word(letters, cells["role"], items()[cells["item"]], language, frozenset(beside))


def _kind(text: str, language: str) -> str:
    if language == "ja":  # written without spaces: a word may stand anywhere
        return "inner"
    return {(False, False): "", (False, True): "head", (True, False): "tail", (True, True): "inner"}[
        text.startswith("*"), text.endswith("*")
    ]


# ---- finding them


@lru_cache(maxsize=4096)
def find(text: str) -> tuple[Match, ...]:
    """All words of the vocabulary that ``text`` says, harmless ones and what they cover left out.

    Changes of case are taken for the ends of words first (``hostUnion``), then for nothing (``PREGnant``).
    """
    parted, joined = split(text), split(text, humps=False)
    found = list(_find(parted, stems_from=1))
    if joined != parted:
        found += _find(joined, stems_from=_LONG)
    return tuple(found)


def _find(words: Sequence[str], stems_from: int) -> Iterator[Match]:
    words = [piece for word in words for piece in _take_apart(word)]
    spans = list(_spans(words, stems_from))
    covers = [(start, end) for word, start, end in spans if word.role == "harmless"]
    for word, start, end in spans:
        if not any(first <= start and end <= last for first, last in covers):
            yield Match(word, start, end, *_outside(words, start, end))


def _spans(words: Sequence[str], stems_from: int) -> Iterator[tuple[Word, int, int]]:
    """Each word of the vocabulary with its first and last letter in the joined letters of ``words``."""
    known = vocabulary()
    text = "".join(words)
    start = 0
    for index, word in enumerate(words):
        end = start
        for length, last in enumerate(words[index : index + _MOST_WORDS]):
            end += len(last)
            for letters in _singulars(text[start:end]):
                yield from ((each, start, end) for each in known.whole.get(letters, ()))
            stems = max(stems_from, _LONG if length else 1)
            for stop in range(max(end - len(last) + 1, start + stems), end + 1):
                yield from ((each, start, end) for each in known.head.get(text[start:stop], ()))
        yield from _inside(word, start, stems_from)
        start += len(word)


def _inside(word: str, start: int, stems_from: int) -> Iterator[tuple[Word, int, int]]:
    known = vocabulary()
    size = len(word)
    for first in range(size):
        for each in known.tail.get(word[first:], ()) if size - first >= stems_from else ():
            yield each, start + first, start + size
        for stop in range(first + 1, min(size, first + 24) + 1):
            for each in known.inner.get(word[first:stop], ()):
                if stop - first >= stems_from:
                    yield each, start + first, start + stop


def _singulars(word: str) -> Iterator[str]:
    yield word
    if len(word) >= 4 and word.endswith("s"):
        yield word[:-1]
        if word.endswith("es"):
            yield word[:-2]
        if word.endswith("ies"):
            yield word[:-3] + "y"


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
            rest += filter(None, (word[: max(0, start - first)], word[end - first :] if end < last else ""))
        first = last
    return tuple(around), tuple(rest)


# ---- words joined without a sign: ispregnant, politicalpartyscore


@lru_cache(maxsize=4096)
def _take_apart(word: str) -> tuple[str, ...]:
    """The words that ``word`` joins, if one of them is of the vocabulary and all others are known; else ``word``."""
    known = vocabulary()
    if not 5 <= len(word) <= 64 or not word.isascii() or any(w in known.pieces for w in _singulars(word)):
        return (word,)
    if any(_spans_of_one(word)):
        return (word,)
    fewest: dict[int, tuple[str, ...]] = {0: ()}
    for start in range(len(word)):
        if start not in fewest:
            continue
        for end in range(start + 2, len(word) + 1):
            piece = word[start:end]
            if (_is_piece(piece) or (end == len(word) and _has_head(piece))) and (
                end not in fewest or len(fewest[start]) + 1 < len(fewest[end])
            ):
                fewest[end] = (*fewest[start], piece)
    pieces = fewest.get(len(word), ())
    return pieces if _plausible(pieces) else (word,)


def _spans_of_one(word: str) -> Iterator[bool]:
    known = vocabulary()
    yield from (word[:stop] in known.head for stop in range(1, len(word) + 1))
    yield from (True for _ in _inside(word, 0, 1))


def _is_piece(piece: str) -> bool:
    return any(each in vocabulary().pieces for each in _singulars(piece))


def _has_head(piece: str) -> bool:
    return any(piece[:stop] in vocabulary().head for stop in range(5, len(piece) + 1))


def _plausible(pieces: Sequence[str]) -> bool:
    """Whether words came together on purpose: short ones are found in any long word (``essex``, ``gayest``)."""
    known = vocabulary().whole
    for index, piece in enumerate(pieces):
        if any(each in known for each in _singulars(piece)) or _has_head(piece):
            others = [other for at, other in enumerate(pieces) if at != index]
            least = 4 if len(piece) == 3 else 3 if len(piece) == 4 else 2
            if all(len(other) >= least or other in ("is", "has") for other in others):
                return True
    return False


# ---- what the words around a word make of it


def excused(match: Match, beside: Sequence[str] = ()) -> bool:
    """Whether a companion of the word stands in the same name, or among the words ``beside`` it."""
    companions = match.word.beside
    if not companions:
        return False
    words = (*match.around, *match.rest, *beside)
    return (
        any(each in companions for word in words for each in _singulars(word))
        # compounds have it at their end: gesundheitscheck
        or any(len(each) >= 4 and rest.endswith(each) for rest in match.rest for each in companions)
        or any(each in word for word in words if not word.isascii() for each in companions)
    )


def lone(match: Match) -> bool:
    """Whether the name says nothing but the word: all around it are affixes, degrees and numbers."""
    known = vocabulary()
    around = (*match.around, *match.rest)
    return all(word in known.affixes or word in known.scale or word.isdigit() for word in around)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a name or label as companions are compared with them."""
    return tuple(piece for word in split(text) for piece in _take_apart(word))


def says_nothing(label: str) -> bool:
    """Whether a label only says yes or no, how much, or a number."""
    known = vocabulary()
    whole = fold(label).strip()
    return whole in known.scale or all(
        word in known.scale or word in known.affixes or word.isdigit() for word in split(label)
    )
