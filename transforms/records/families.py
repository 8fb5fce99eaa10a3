"""Families: where a post of each generation of X's API keeps its author, its original and what it quotes.

v1.1 and Activity Streams nest them; v2 keeps them beside the posts, in the ``includes`` of a page, or nested where twarc
flattened the page. A function here takes a decoded post and what its page includes, and gives the other record or None.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

REPOSTED = frozenset({"retweeted", "reposted"})
QUOTED = frozenset({"quoted"})
REPLIED = frozenset({"replied_to"})
SHARE = "share"


class Includes:
    """What a v2 page includes, by id or key. A form that leaves a kind of record out leaves its index empty."""

    __slots__ = ("media", "places", "posts", "users")

    def __init__(self, includes: Any = None) -> None:
        self.users = _index(includes, ("users",), "id")
        self.posts = _index(includes, ("tweets", "posts"), "id")
        self.media = _index(includes, ("media",), "media_key")
        self.places = _index(includes, ("places",), "id")


def _index(includes: Any, names: Iterable[str], key: str) -> dict[Any, Any]:
    if not includes:
        return {}
    return {getattr(item, key, None): item for name in names for item in items(getattr(includes, name, None))}


NOTHING = Includes()


def items(value: Any) -> Iterable[Any]:
    """The objects of a list, nulls left out; none where there is no list (``{}``, null, absent). One object is a list of one."""
    if value.__class__ is list:
        return [item for item in value if item is not None] if None in value else value
    return (value,) if value and value.__class__.__name__ != "Empty" else ()


class Family(NamedTuple):
    """How the posts of one generation are read."""

    author: Callable[[Any, Includes], Any]
    repost: Callable[[Any, Includes], Any]
    quoted: Callable[[Any, Includes], Any]
    post_id: Callable[[Any], Any]
    author_id: Callable[[Any, Includes], Any]


def _v1_id(record: Any) -> Any:
    return record.id_str or record.id


V1 = Family(
    author=lambda post, _: post.user or None,
    repost=lambda post, _: post.retweeted_status or None,
    quoted=lambda post, _: post.quoted_status or None,
    post_id=_v1_id,
    author_id=lambda post, _: _v1_id(post.user) if post.user else None,
)


def references(post: Any) -> Iterator[tuple[str, Any]]:
    """(type, reference) of the posts that a v2 post refers to, under the old name of the key and the new one."""
    for reference in items(post.referenced_tweets or post.referenced_posts):
        if reference.type:
            yield reference.type, reference


def _referred(types: frozenset[str]) -> Callable[[Any, Includes], Any]:
    def find(post: Any, page: Includes) -> Any:
        for kind, reference in references(post):
            if kind in types:
                return page.posts.get(reference.id) or reference
        return None

    return find


V2 = Family(
    author=lambda post, page: post.author or page.users.get(post.author_id),
    repost=_referred(REPOSTED),
    quoted=_referred(QUOTED),
    post_id=lambda post: post.id,
    author_id=lambda post, _: post.author_id or (post.author.id if post.author else None),
)


def tail_id(value: Any) -> Any:
    """The id at the end of ``tag:search.twitter.com,2005:ID``, ``object:…:ID``, ``id:twitter.com:ID``."""
    return value.rpartition(":")[2] if value.__class__ is str else None


ACTIVITY = Family(
    author=lambda post, _: post.actor or None,
    repost=lambda post, _: post.object or None if post.verb == SHARE else None,
    quoted=lambda post, _: post.twitter_quoted_status or None,
    post_id=lambda post: tail_id(post.id),
    author_id=lambda post, _: tail_id(post.actor.id) if post.actor else None,
)

BY_OBJECT: dict[str, Family] = {"v1.post": V1, "v2.post": V2, "activity.activity": ACTIVITY}
