"""Families: where the posts of each generation of X's API keep their author, their original, what they quote, and their ids.

v1.1 and Activity Streams nest them; v2 keeps them beside the posts, in the ``includes`` of a page, or nested where twarc
flattened the page. The functions here take a decoded post and what its page includes, and give the other record or None.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from xsieve.transforms.records.forms import Empty

REPOSTED = frozenset({"retweeted", "reposted"})
QUOTED = frozenset({"quoted"})
REPLIED = frozenset({"replied_to"})
SHARE = "share"

IdPair = tuple[Any, Any]  # the id as text and as number, as far as the payload has them


def items(value: Any) -> Iterable[Any]:
    """The objects of a list, without nulls; a single object as a list of one; nothing for null, absent and ``{}``."""
    if value.__class__ is list:
        return [item for item in value if item is not None] if None in value else value
    return (value,) if value and value.__class__ is not Empty else ()


class Includes:
    """What a v2 page includes, by id or key; empty for other payloads."""

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


class Family(NamedTuple):
    """How the posts of one generation are read. Where posts nest too deep, the form of the deepest lacks what they nest."""

    author: Callable[[Any, Includes], Any]
    repost: Callable[[Any, Includes], Any]  # the original that a post repeats
    quoted: Callable[[Any, Includes], Any]
    id: Callable[[Any], IdPair]
    author_id: Callable[[Any], IdPair]
    time: str  # the attributes that hold the time and the language
    lang: str


def id_pair(record: Any) -> IdPair:
    """The ids of a v1.1 record: ``id_str`` and ``id``. Records that have only ``id`` have it as text."""
    return (record.id_str, record.id) if hasattr(record, "id_str") else (record.id, None)


V1 = Family(
    author=lambda post, _: post.user or None,
    repost=lambda post, _: getattr(post, "retweeted_status", None) or None,
    quoted=lambda post, _: getattr(post, "quoted_status", None) or None,
    id=id_pair,
    author_id=lambda post: id_pair(post.user) if post.user else (None, None),
    time="created_at",
    lang="lang",
)


def references(post: Any) -> Iterator[tuple[str, Any]]:
    """(type, reference) of the posts that a v2 post refers to, under the old name of the key or the new one."""
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
    id=lambda post: (post.id, None),
    author_id=lambda post: (post.author_id or (post.author.id if post.author else None), None),
    time="created_at",
    lang="lang",
)


def _tail(value: Any) -> Any:
    """The id at the end of ``tag:search.twitter.com,2005:ID``, ``object:search.twitter.com,2005:ID``, ``id:twitter.com:ID``."""
    return value.rpartition(":")[2] if value.__class__ is str else None


ACTIVITY = Family(
    author=lambda post, _: getattr(post, "actor", None) or None,
    repost=lambda post, _: (getattr(post, "object", None) or None) if post.verb == SHARE else None,
    quoted=lambda post, _: getattr(post, "twitter_quoted_status", None) or None,
    id=lambda post: (_tail(post.id), None),
    author_id=lambda post: (_tail(post.actor.id) if getattr(post, "actor", None) else None, None),
    time="postedTime",
    lang="twitter_lang",
)

POST_OBJECTS: dict[str, Family] = {"v1.post": V1, "v2.post": V2, "activity.activity": ACTIVITY}


def post_object(root: str) -> str:
    """The object that the posts of a root object are: ``v2.page`` -> ``v2.post``."""
    family = root.partition(".")[0]
    return "activity.activity" if family == "activity" else f"{family}.post"
