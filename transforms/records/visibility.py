"""Visibility: which decoded posts are public, as far as their own values tell.

A post is not public if one of its own signs or of its author's is loud; a repost, also if its original is not public. A
quoted post that is not public is cut out of the post that quotes it. What carries no sign of its author at all is unknown:
it passes for one's own use, and is counted.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from msgspec import Struct

from xsieve.transforms.records.families import Family, Includes
from xsieve.transforms.records.forms import attribute_of
from xsieve.transforms.records.signs import Sign, table_of_signs

REPOST_OF_NONPUBLIC = "repost_of_nonpublic"
Way = tuple[str, ...]  # the attributes that lead to a sign


class Eye(NamedTuple):
    """Looks at the posts of one family: how to find an author, and where the signs are."""

    family: Family
    post_signs: tuple[Way, ...]
    user_signs: tuple[Way, ...]

    def reason(self, post: Any, page: Includes) -> str | None:
        """Why not everybody may see a post; None if nothing says so."""
        own = loud_sign(post, self.post_signs) or self.user_reason(self.family.author(post, page))
        if own:
            return own
        original = self.family.repost(post, page)
        return REPOST_OF_NONPUBLIC if original and self.reason(original, page) else None

    def user_reason(self, user: Any) -> str | None:
        """Why not everybody may see what a user posts."""
        return loud_sign(user, self.user_signs) if user else None

    def knows_author(self, post: Any, page: Includes) -> bool:
        """Whether the payload says if the author is protected."""
        author = self.family.author(post, page)
        return bool(author and getattr(author, "protected", None))


def eye_of(family: Family, post_object: str) -> Eye:
    """The eye for the posts of an object (``v1.post``) and their authors (``v1.user``)."""
    user_object = post_object.partition(".")[0] + ".user"
    return Eye(family, sign_ways(post_object), sign_ways(user_object))


@cache
def sign_ways(name: str) -> tuple[Way, ...]:
    """The ways to the signs of an object of the field tables."""
    return tuple(tuple(map(attribute_of, path.split("."))) for path, _ in table_of_signs().get(name, ()))


def loud_sign(record: Any, ways: tuple[Way, ...]) -> str | None:
    """What the first loud sign of a record says; None if it has none."""
    for way in ways:
        value = record
        for step in way:
            value = getattr(value, step, None)
            if not value:
                break
        else:
            if value.loud:
                return value.reason
    return None


def signs_within(value: Any) -> Iterator[Sign]:
    """Every sign anywhere in a decoded record."""
    if isinstance(value, Sign):
        yield value
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from signs_within(getattr(value, name))
    elif value.__class__ is list:
        for item in value:
            yield from signs_within(item)
    elif value.__class__ is dict:
        for item in value.values():
            yield from signs_within(item)
