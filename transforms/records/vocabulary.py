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

A word is written as it is spelled. ``a|b`` are alternatives, ``*`` at an end stands for any letters. Japanese has no
spaces: its words are found anywhere, but for those that begin with ``=``. Singular and plural in -s are the same. What is listed in ``beside`` (``@group`` for a group of words) makes a word mean something else
wherever both stand in one name: ``party`` beside ``size``.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import accumulate, product
from typing import NamedTuple

from xsieve.configs import Line, TableError, table
from xsieve.transforms.records.words import fold, spellings, split

LANGUAGES = ("en", "es", "fr", "de", "pt", "it", "nl", "ja", "ja-Latn")
ROLES = frozenset({"tells", "name", "either", "alone", "pair", "under", "harmless"})

_MOST_WORDS = 6  # that a sequence in the tables joins
_LONG = 10  # letters that will not come together by chance where one word ends and another begins
_JOINED = 4  # letters of a word that may be joined to others without a sign; of shorter ones only these:
_LONG_ENOUGH = 5  # letters of words that may be joined to each other
_SHORT = frozenset({"is", "has", "was", "not", "non", "no", "est", "ist", "hat", "sex", "gay", "hiv"})


class Item(NamedTuple):
    """One line of the closed list: a sub-item of a category, and the clause that shuts it out."""

    category: str
    item: str
    clause: str


class Word(NamedTuple):
    """One word of a language, its letters joined, and what it says; ``beside`` holds the words that excuse it."""

    letters: str
    joints: frozenset[int]  # where its own words meet
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
    pieces |= parts[""].keys()
    pieces = {each for each in pieces if len(each) >= _JOINED or each in _SHORT}
    pieces |= {each for each in set[str]().union(*excuses.values()) if len(each) >= 3}
    return Vocabulary(
        dict(parts[""]),
        dict(parts["head"]),
        dict(parts["tail"]),
        dict(parts["inner"]),
        frozenset(groups["affix"]),
        frozenset(groups["scale"]),
        frozenset(filter(str.isascii, pieces)),
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
        for words in product(*(word.split("|") for word in text.strip(" *=").split())):
            kind = _kind(text.strip(), language)
            for spelling in spellings(" ".join(words), language):
                parts = split(spelling)
                joints = frozenset(accumulate(map(len, parts[:-1])))
                item = items()[cells["item"]]
                yield kind, Word("".join(parts), joints, cells["role"], item, language, frozenset(beside))


def _kind(text: str, language: str) -> str:
    if language == "ja":  # written without spaces
        return "" if text.startswith("=") else "inner"
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
        met: set[int] = set()  # where the words of the name meet
        for last in words[index : index + _MOST_WORDS]:
            stops = range(max(end + 1, start + stems_from), end + len(last) + 1)
            end += len(last)
            spans = [
                (known.whole, letters, start + len(letters), end) for letters in _singulars(text[start:end])
            ] + [(known.head, text[start:stop], stop, stop) for stop in stops]
            for table_, letters, size, stop in spans:
                for each in table_.get(letters, ()):
                    if met <= each.joints or size - start >= _LONG:
                        yield each, start, stop
            met.add(end - start)
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
        if len(word) >= 6 and word.endswith("es"):
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
    if _has_stem(word):
        return (word,)
    fewest: dict[int, tuple[str, ...]] = {0: ()}
    for start in range(len(word)):
        if start not in fewest:
            continue
        for end in range(start + 2, len(word) + 1):
            piece = word[start:end]
            if (_is_piece(piece) or (end == len(word) and _telling(piece))) and (
                end not in fewest or len(fewest[start]) + 1 < len(fewest[end])
            ):
                fewest[end] = (*fewest[start], piece)
    pieces = fewest.get(len(word), ())
    return pieces if _plausible(pieces) else (word,)


def _has_stem(word: str) -> bool:
    known = vocabulary()
    return any(word[:stop] in known.head for stop in range(1, len(word) + 1)) or any(_inside(word, 0, 1))


def _is_piece(piece: str) -> bool:
    return any(each in vocabulary().pieces for each in _singulars(piece))


def _plausible(pieces: tuple[str, ...]) -> bool:
    """Whether words came together on purpose: most words can be cut into shorter ones (``is|rael``, ``gay|est``)."""
    for index, piece in enumerate(pieces):
        beside: set[str] = set()
        told = _telling(piece)
        for word in told:
            beside |= word.beside
        others = pieces[:index] + pieces[index + 1 :]
        if told and all(
            _is_affix(other, first=other is pieces[0])
            or any(each in beside for each in _singulars(other))
            or (min(len(piece), len(other)) >= _LONG_ENOUGH and _telling(other))
            for other in others
        ):
            return True
    return False


def _telling(piece: str) -> list[Word]:
    """The words that may tell something by their name, of which ``piece`` is one."""
    known = vocabulary()
    found = [word for letters in _singulars(piece) for word in known.whole.get(letters, ())]
    found += [word for stop in range(5, len(piece) + 1) for word in known.head.get(piece[:stop], ())]
    return [word for word in found if word.role not in ("under", "harmless")]


def _is_affix(piece: str, first: bool) -> bool:
    return piece in vocabulary().affixes and (len(piece) >= _JOINED or (first and piece in _SHORT))


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
