"""What expresses one of X's eight sensitive categories about a person: names of fields, and their labels.

A field whose name tells is refused whatever its values say: ``is_pregnant: false`` and ``p_democrat: 0.02``
are inferences too. A field whose name may tell (``party``, ``union``) is judged by the values declared for
it, and refused where none are declared or where they only say yes or no. Any other is judged by its values
alone.

What the words of the tables mean: ``vocabulary.py``. How they are found: ``matching.py``.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from xsieve.transforms.records.matching import Match, excused, find, parts, says_nothing

By = Literal["name", "values", "undeclared"]


class Finding(NamedTuple):
    """Which item is expressed, the clause that shuts it out, the language of the word, what gave it away.

    ``undeclared``: the name may express the item, and no values were declared that say otherwise.
    """

    category: str
    item: str
    clause: str
    language: str
    by: By


def judge(name: str, values: Sequence[str] | None = None) -> Finding | None:
    """What a field of that name, with those values declared for it, expresses of a person; None if nothing.

    >>> judge("ml.is_pregnant").item, judge("party", ["cdu", "spd"]).by, judge("party").by
    ('pregnancy', 'values', 'undeclared')
    >>> judge("party_size"), judge("party", ["birthday", "wedding"])
    (None, None)
    """
    return judge_words(name) or _by_values(name, values or ()) or _ambiguous(name, values or ())


def judge_words(text: str) -> Finding | None:
    """What the words of a text (a description, a title) express of a person; ambiguous words are let pass."""
    return _longest((match for match in find(text) if match.word.role in ("tells", "name")), "name")


def judge_label(value: str, name: str = "") -> Finding | None:
    """What a single label says of a person, in a field of that name; None if nothing.

    Cached for labels as they come from a closed set; longer texts are judged anew each time.
    """
    return _judge_short_label(value, name) if len(value) <= 64 else _by_values(name, (value,))


@lru_cache(maxsize=65536)
def _judge_short_label(value: str, name: str) -> Finding | None:
    return _by_values(name, (value,))


def _by_values(name: str, values: Sequence[str]) -> Finding | None:
    """Labels that tell by themselves, that tell beside each other, that tell under such a name."""
    beside = {part for text in (name, *values) for part in parts(text)}
    matches = [match for value in values for match in find(value) if not excused(match.word, beside)]
    kinds = {match.word for match in matches if match.word.role == "pair" and match.lone}
    pairs = Counter(category for category, _ in {(word.item.category, word.letters) for word in kinds})
    open_to = {match.word.item.category for match in _open(name)}
    return _longest(
        (
            match
            for match in matches
            if match.word.role == "tells"
            or (match.word in kinds and pairs[match.word.item.category] >= 2)
            or (match.word.role in ("under", "pair", "alone") and match.word.item.category in open_to)
        ),
        "values",
    )


def _ambiguous(name: str, values: Sequence[str]) -> Finding | None:
    """A name that may tell, where no value says what it means."""
    return _longest(_open(name), "undeclared") if all(map(says_nothing, values)) else None


def _open(name: str) -> list[Match]:
    """The words of a name that may express an item; two letters (``pp``, ``ps``) mean anything in a name."""
    return [
        match
        for match in find(name)
        if match.word.role == "either"
        or (match.word.role in ("alone", "pair") and match.lone and len(match.word.letters) > 2)
    ]


def _longest(matches: Iterable[Match], by: By) -> Finding | None:
    """The finding of the longest word, the first of the tables among equals."""
    longest = max(matches, key=lambda match: match.size, default=None)
    return Finding(*longest.word.item, longest.word.language, by) if longest else None
