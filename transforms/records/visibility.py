"""Visibility: which decoded posts are public, as far as their own values tell.

A post is not public if one of its own signs or of its author's is loud; a repost, also if its original is not public. A
quoted post that is not public is cut out of the post that quotes it. What carries no sign of its author at all is unknown:
it passes for one's own use, and is counted.
"""

from functools import cache
from typing import Any, NamedTuple

from xsieve.transforms.records.families import Column, Family, Includes, column
from xsieve.transforms.records.forms import attribute_of
from xsieve.transforms.records.signs import KINDS, Sign, table_of_signs

REPOST_OF_NONPUBLIC = "repost_of_nonpublic"
UNKNOWN = "visibility_unknown"
MAX_REPOSTS_DEEP = 4
Kinds = frozenset[type[Sign]]
ALL_KINDS: Kinds = frozenset(KINDS.values())


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
        originals: Column,
        kinds: Kinds,
        met: list[Sign],
        depth: int = MAX_REPOSTS_DEEP,
    ) -> list[str | None]:
        """Why not everybody may see each post, None where nothing says so. ``originals`` are what they repeat.

        Looks for the kinds of signs that were heard, and adds the loud ones it meets to ``met``.
        """
        reasons = loud_signs(posts, self.post_signs, kinds, met)
        authors = loud_signs(self.family.authors(posts, pages), self.user_signs, kinds, met)
        reasons = [author or own for own, author in zip(reasons, authors, strict=True)]
        at = [number for number, original in enumerate(originals) if original]
        if at and depth:
            below, beside = [originals[n] for n in at], [pages[n] for n in at]
            nested = self.reasons(below, beside, self.family.reposts(below, beside), kinds, met, depth - 1)
            for number, hidden in zip(at, nested, strict=True):
                if hidden and not reasons[number]:
                    reasons[number] = REPOST_OF_NONPUBLIC
        return reasons

    def reason(self, post: Any, page: Includes) -> str | None:
        """Why not everybody may see one post."""
        return self.reasons([post], [page], self.family.reposts([post], [page]), ALL_KINDS, [])[0]

    def user_reason(self, user: Any) -> str | None:
        """Why not everybody may see what a user posts."""
        return loud_signs([user], self.user_signs, ALL_KINDS, [])[0]

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


def loud_signs(records: Column, ways: tuple[Way, ...], kinds: Kinds, met: list[Sign]) -> list[str | None]:
    """What a loud sign of each record says, None where it has none; of the kinds asked for. All are added to ``met``."""
    reasons: list[str | None] = [None] * len(records)
    for steps, kind in ways:
        if kind not in kinds:
            continue
        values = records
        for step in steps:
            values = [value and getattr(value, step, None) for value in values]
            if not any(values):
                break
        else:
            for number, sign in enumerate(values):
                if sign and sign.loud:
                    met.append(sign)
                    reasons[number] = sign.reason
    return reasons


def loud_sign(record: Any, ways: tuple[Way, ...]) -> str | None:
    """What a loud sign of one record says."""
    return loud_signs([record], ways, ALL_KINDS, [])[0]
