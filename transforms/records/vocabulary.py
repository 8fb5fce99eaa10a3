"""The words that express a sensitive category, read from ``configs/vocabulary``: one table per language.

| role       | in the name of a field | as a label |
|------------|---|---|
| `tells`    | expresses the item | expresses the item |
| `name`     | expresses the item | says nothing: a subject (`health`, `politics`) |
| `either`   | may mean something else: its values decide | says nothing |
| `alone`    | as `either`, where the name says nothing else (`is_black`, not `black_friday`) | as `under` |
| `pair`     | as `alone` | as `under`; tells beside another of its kind (`liberal`, `conservative`) |
| `under`    | says nothing | tells in a field whose name may express the item (`leaning: [left, right]`) |
| `harmless` | says nothing, nor does what it covers (`krankenkasse` covers `krank`) | the same |

A word is written as it is spelled. ``a|b`` are alternatives, ``*`` at an end stands for any letters.
Singular and plural in -s are the same. Japanese has no spaces: its words are found anywhere, but for those
that begin with ``=``. What is listed in ``beside`` (``@group`` for a group of words) makes a word mean
something else wherever both stand in one name: ``party`` beside ``size``.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import accumulate, product
from typing import NamedTuple

from xsieve.configs import Line, TableError, table
from xsieve.transforms.records.words import spellings, split

LANGUAGES = ("en", "es", "fr", "de", "pt", "it", "nl", "ja", "ja-Latn")
ROLES = frozenset({"tells", "name", "either", "alone", "pair", "under", "harmless"})


class Item(NamedTuple):
    """One line of the closed list: a sub-item of a category, and the clause that shuts it out."""

    category: str
    item: str
    clause: str


class Word(NamedTuple):
    """One word of a language, or several as one: what it says, and the words that excuse it."""

    letters: str  # without spaces
    joints: frozenset[int]  # how many letters stand before each of the spaces
    role: str
    item: Item
    language: str
    beside: frozenset[str]


_NO_JOINTS = frozenset[int]()
Words = dict[str, list[Word]]  # by their letters


class Vocabulary(NamedTuple):
    """All words, by where in the words of a name they are looked for."""

    whole: Words  # several words of a name may be one of these
    head: Words
    tail: Words
    inner: Words
    affixes: frozenset[str]
    scale: frozenset[str]


@cache
def items() -> dict[str, Item]:
    """The closed list, by sub-item."""
    lines = (line.cells for line in table("vocabulary/categories.tsv"))
    return {cells["item"]: Item(cells["category"], cells["item"], cells["clause"]) for cells in lines}


@cache
def vocabulary() -> Vocabulary:
    """The packaged tables, read once. Raises TableError for an item, role or group that is unknown."""
    groups = _groups()
    places: dict[str, Words] = {place: defaultdict(list) for place in ("whole", "head", "tail", "inner")}
    excuses: dict[str, set[str]] = defaultdict(set)
    for language in LANGUAGES:
        for line in table(f"vocabulary/{language}.tsv"):
            for place, word in _read(line, language, groups):
                places[place][word.letters].append(word)
                if word.beside:
                    excuses[word.letters] |= word.beside
    # Nothing tells which language a name is in: what excuses a spelling in one of them excuses it in all.
    for letters, companions in excuses.items():
        beside = frozenset(companions)
        for words in places.values():
            if letters in words:
                words[letters] = [word._replace(beside=beside) for word in words[letters]]
    whole, head, tail, inner = map(dict, places.values())
    return Vocabulary(whole, head, tail, inner, frozenset(groups["affix"]), frozenset(groups["scale"]))


def _groups() -> dict[str, set[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for line in table("vocabulary/groups.tsv"):
        for word in line.cells["words"].split(","):
            groups[line.cells["group"]] |= spellings(word.strip(), line.cells["language"])
    return groups


def _read(line: Line, language: str, groups: dict[str, set[str]]) -> Iterator[tuple[str, Word]]:
    """The words of a line, each with the place where it is looked for."""
    role, item = line.cells["role"], items().get(line.cells["item"])
    if item is None or role not in ROLES:
        raise TableError(f"{line.where}: expected an item of categories.tsv and a role")
    beside: set[str] = set()
    for word in line.cells["beside"].split():
        if word.startswith("@") and word not in groups:
            raise TableError(f"{line.where}: expected a group of groups.tsv beside its words")
        beside |= groups[word] if word.startswith("@") else spellings(word, language)
    excuses = frozenset(beside)
    for text in map(str.strip, line.cells["words"].split(",")):
        place = _place(text, language)
        for words in _alternatives(text.strip(" *=")):
            for spelling in spellings(words, language):
                parts = split(spelling)
                joints = frozenset(accumulate(map(len, parts[:-1]))) if len(parts) > 1 else _NO_JOINTS
                yield place, Word("".join(parts), joints, role, item, language, excuses)


def _alternatives(text: str) -> list[str]:
    if "|" not in text:
        return [" ".join(text.split())]
    return [" ".join(words) for words in product(*(word.split("|") for word in text.split()))]


def _place(text: str, language: str) -> str:
    if language == "ja":
        return "whole" if text.startswith("=") else "inner"
    if text.startswith("*"):
        return "inner" if text.endswith("*") else "tail"
    return "head" if text.endswith("*") else "whole"
