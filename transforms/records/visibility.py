"""Visibility: which decoded posts are public, as far as their own values tell.

A post is not public if one of its own signs or of its author's is loud; a repost, also if its original is not public. A
quoted post that is not public is cut out of the post that quotes it. What carries no sign of its author at all is unknown:
it passes for one's own use, and is counted.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

from xsieve.transforms.records.families import Column, Family, Includes, column
from xsieve.transforms.records.forms import attribute_of
from xsieve.transforms.records.signs import KINDS, Sign, table_of_signs

REPOST_OF_NONPUBLIC = "repost_of_nonpublic"
UNKNOWN = "visibility_unknown"
MAX_REPOSTS_DEEP = 4


class Search:
    """A search for the loud signs that were heard while records were decoded. ``unmet`` are those not met in them yet, by id.

    Nothing is heard of records that are looked at later: every kind is looked for then, everywhere.
    """

    def __init__(self, heard: Collection[Sign] | None = None, shared: bool = False) -> None:
        """``shared``: whether several records may lead to one sign, as those of a page do to their author's."""
        kinds = KINDS.values() if heard is None else {kind for sign in heard for kind in type(sign).__mro__}
        self.kinds: frozenset[type] = frozenset(kinds)
        self.unmet = {id(sign) for sign in heard or ()}
        self._everywhere = shared or heard is None

    @property
    def over(self) -> bool:
        """Whether there is nothing to be found in any further record."""
        return not self._everywhere and not self.unmet


class Way(NamedTuple):
    """The attributes that lead from a record to one of its signs, and the kind of sign."""

    steps: tuple[str, ...]
    kind: type[Sign]


class Eye(NamedTuple):
    """Looks at the posts of one family: how to find their authors, and where the signs are."""

    family: Family
    post_signs: tuple[Way, ...]
    user_signs: tuple[Way, ...]

    def reasons(
        self,
        posts: Column,
        pages: list[Includes],
        search: Search,
        originals: Callable[[], Column] | None = None,
        depth: int = MAX_REPOSTS_DEEP,
    ) -> dict[int, str]:
        """Why not everybody may see some of the posts, by their number. ``originals`` gives what they repeat."""
        reasons = loud_signs(posts, self.post_signs, search)
        reasons |= loud_signs(self.family.authors(posts, pages), self.user_signs, search)
        if search.over or not depth:
            return reasons
        repeated = originals() if originals else self.family.reposts(posts, pages)
        at = [number for number, original in enumerate(repeated) if original]
        if at:
            nested = self.reasons([repeated[n] for n in at], [pages[n] for n in at], search, depth=depth - 1)
            for number in nested:
                reasons.setdefault(at[number], REPOST_OF_NONPUBLIC)
        return reasons

    def reason(self, post: Any, page: Includes) -> str | None:
        """Why not everybody may see one post."""
        return self.reasons([post], [page], Search()).get(0)

    def user_reason(self, user: Any) -> str | None:
        """Why not everybody may see what a user posts."""
        return loud_signs([user], self.user_signs, Search()).get(0)

    def unknown(self, posts: Column, pages: list[Includes]) -> int:
        """How many posts do not tell whether their author is protected."""
        authors = [author for author in self.family.authors(posts, pages) if author]
        return len(posts) - sum(map(bool, column(authors, "protected")))


def eye_of(family: Family, post_object: str) -> Eye:
    """The eye for the posts of an object (``v1.post``) and their authors (``v1.user``)."""
    user_object = post_object.partition(".")[0] + ".user"
    return Eye(family, sign_ways(post_object), sign_ways(user_object))


@cache
def sign_ways(name: str) -> tuple[Way, ...]:
    """The ways to the signs of an object of the field tables."""
    paths = table_of_signs().get(name, ())
    return tuple(Way(tuple(map(attribute_of, path.split("."))), kind) for path, kind in paths)


def loud_signs(records: Column, ways: tuple[Way, ...], search: Search) -> dict[int, str]:
    """What the loud signs of records say, by the number of the record."""
    reasons: dict[int, str] = {}
    known: dict[tuple[str, ...], tuple[Sequence[int], Column]] = {(): (range(len(records)), records)}
    for steps, kind in ways:
        if kind not in search.kinds:
            continue
        at, values = _towards(steps[:-1], known)
        signs = column(values, steps[-1])
        for number, sign in zip(at, signs, strict=True) if any(signs) else ():
            if sign and sign.loud:
                search.unmet.discard(id(sign))
                reasons[number] = sign.reason
    return reasons


def _towards(
    steps: tuple[str, ...], known: dict[tuple[str, ...], tuple[Sequence[int], Column]]
) -> tuple[Sequence[int], Column]:
    """The records that have something under these attributes, by number, and what that is. Several signs share the way."""
    if steps not in known:
        at, values = _towards(steps[:-1], known)
        values = column(values, steps[-1])
        there = [place for place, value in enumerate(values) if value]
        known[steps] = [at[place] for place in there], [values[place] for place in there]
    return known[steps]


def loud_sign(record: Any, ways: tuple[Way, ...]) -> str | None:
    """What a loud sign of one record says."""
    return loud_signs([record], ways, Search()).get(0)
