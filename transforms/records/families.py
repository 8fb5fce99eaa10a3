"""Families: where the posts of each generation of X's API keep their author, their original, what they quote, and their ids.

v1.1 and Activity Streams nest them; v2 keeps them beside the posts, in the ``includes`` of a page, or nested where twarc
flattened the page. The functions here take a decoded post and what its page includes, and give the other record or None.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

from xsieve.configs import table
from xsieve.transforms.records.forms import Empty, Nothing
from xsieve.transforms.records.signs import loud_within

REPOSTED = frozenset({"retweeted", "reposted"})
QUOTED = frozenset({"quoted"})
REPLIED = frozenset({"replied_to"})
SHARE = "share"


EMPTIES = (Empty, Nothing)
Column = list[Any]  # one value a post


def items(value: Any) -> Iterable[Any]:
    """The objects of a list, without nulls; a single object as a list of one; nothing for null, absent and ``{}``."""
    if value.__class__ is list:
        return [item for item in value if item is not None] if None in value else value
    return (value,) if value and value.__class__ not in EMPTIES else ()


class Includes:
    """What a v2 page includes, by id or key; empty for other payloads."""

    __slots__ = ("media", "places", "posts", "users")

    def __init__(self, includes: Any = None) -> None:
        self.users = _index(includes, ("users",), "id")
        self.posts = _index(includes, ("tweets", "posts"), "id")
        self.media = _index(includes, ("media",), "media_key")
        self.places = _index(includes, ("places",), "id")

    def post(self, reference: Any) -> Any:
        """The post that a reference leads to; the reference itself where the page does not include it."""
        return self.posts.get(reference.id) or reference if self.posts else reference


def _index(includes: Any, names: Iterable[str], key: str) -> dict[Any, Any]:
    """The records by their key. Of several with the same key one that is not public counts."""
    found: dict[Any, Any] = {}
    for name in names if includes else ():
        for item in items(getattr(includes, name, None)):
            value = getattr(item, key, None)
            if value and (value not in found or loud_within(item)):
                found[value] = item
    return found


NOTHING = Includes()


class Family(NamedTuple):
    """How the posts of one generation are read, by columns: posts and their pages in, one value a post out, None where there is none.

    Where posts nest too deep, the form of the deepest lacks what they nest.
    """

    authors: Callable[[Column, list[Includes]], Column]
    reposts: Callable[[Column, list[Includes]], Column]  # the originals that posts repeat
    quotes: Callable[[Column, list[Includes]], Column]
    ids: Callable[[Column], tuple[Column, Column]]  # as text, and as number
    author_ids: Callable[[Column], tuple[Column, Column]]
    time: str  # the attributes that hold the time and the language
    lang: str


@cache
def reader(attribute: str) -> Callable[[Column], Column]:
    """Reads an attribute of many records, of which some may be missing.

    It is compiled for the name, because ``[record.name for record in records]`` takes half the time of anything that is
    told the name when it runs.
    """
    if not attribute.isidentifier():
        raise ValueError("not the name of an attribute")
    read: Callable[[Column], Column] = eval(f"lambda records: [record and record.{attribute} for record in records]")
    return read


def column(records: Column, attribute: str) -> Column:
    """An attribute of many records, None (or UNSET) where it is absent or null; also where a form is too deep to have it."""
    try:
        return reader(attribute)(records)
    except AttributeError:
        return [getattr(record, attribute, None) for record in records]


def within(lists: Column, attribute: str) -> Column:
    """An attribute of the objects in many lists, of which some may be missing: a list for each."""
    read = reader(attribute)
    try:
        return [read(values) if values else values for values in lists]
    except (AttributeError, TypeError):  # a single object where there should be a list, or {}
        return [values and column(list(items(values)), attribute) for values in lists]


def only_id(records: Column) -> tuple[Column, Column]:
    """``id`` of many records, which is text."""
    return column(records, "id"), [None] * len(records)


def both_ids(records: Column) -> tuple[Column, Column]:
    """``id_str`` and ``id`` of many records; records that have only ``id`` have it as text."""
    if records and hasattr(records[0], "id_str"):
        return column(records, "id_str"), column(records, "id")
    return only_id(records)


def _ids_of(users: Column) -> tuple[Column, Column]:
    """The ids of users of whom some may be missing."""
    texts, numbers = both_ids([user for user in users if user])
    if len(texts) == len(users):
        return texts, numbers
    pairs = iter(zip(texts, numbers, strict=True))
    found = [next(pairs) if user else (None, None) for user in users]
    return [text for text, _ in found], [number for _, number in found]


def _nested(attribute: str) -> Callable[[Column, list[Includes]], Column]:
    """The records that posts hold under an attribute."""

    def find(posts: Column, _: list[Includes]) -> Column:
        return column(posts, attribute)

    return find


def _v1_author_ids(posts: Column) -> tuple[Column, Column]:
    return _ids_of(column(posts, "user"))


V1 = Family(
    authors=_nested("user"),
    reposts=_nested("retweeted_status"),
    quotes=_nested("quoted_status"),
    ids=both_ids,
    author_ids=_v1_author_ids,
    time="created_at",
    lang="lang",
)


def references(posts: Column) -> Column:
    """What each v2 post refers to, under the old name of the key, the new one, or both."""
    return [
        [*items(post.referenced_tweets), *items(post.referenced_posts)]
        if post.referenced_posts
        else post.referenced_tweets
        for post in posts
    ]


def _referred(types: frozenset[str]) -> Callable[[Column, list[Includes]], Column]:
    def find(posts: Column, pages: list[Includes]) -> Column:
        found: Column = [None] * len(posts)
        for number, refs in [(number, refs) for number, refs in enumerate(references(posts)) if refs]:
            for reference in refs if refs.__class__ is list else items(refs):
                if reference and reference.type in types:
                    found[number] = pages[number].post(reference)
                    break
        return found

    return find


def _v2_authors(posts: Column, pages: list[Includes]) -> Column:
    if not pages or pages[0] is NOTHING:
        return column(posts, "author")
    return [
        _author(post, page) if post.author else page.users.get(getattr(post, "author_id", None)) or None
        for post, page in zip(posts, pages, strict=True)
    ]


def _author(post: Any, page: Includes) -> Any:
    """The author that a post holds; the same one as the page includes it, where that one is not public."""
    included = page.users.get(getattr(post, "author_id", None) or getattr(post.author, "id", None))
    return included if included and loud_within(included) else post.author


def _v2_author_ids(posts: Column) -> tuple[Column, Column]:
    found = [post.author_id or (post.author.id if post.author else None) for post in posts]
    return found, [None] * len(found)


V2 = Family(
    authors=_v2_authors,
    reposts=_referred(REPOSTED),
    quotes=_referred(QUOTED),
    ids=only_id,
    author_ids=_v2_author_ids,
    time="created_at",
    lang="lang",
)


def _tails(values: Column) -> tuple[Column, Column]:
    """The ids at the end of ``tag:search.twitter.com,2005:ID``, ``object:search.twitter.com,2005:ID``, ``id:twitter.com:ID``."""
    return [v.rpartition(":")[2] if v.__class__ is str else None for v in values], [None] * len(values)


def _shared(posts: Column, _: list[Includes]) -> Column:
    originals = column(posts, "object")
    return [original if post.verb == SHARE else None for post, original in zip(posts, originals, strict=True)]


def _activity_ids(posts: Column) -> tuple[Column, Column]:
    return _tails(column(posts, "id"))


def _activity_author_ids(posts: Column) -> tuple[Column, Column]:
    return _tails([getattr(actor, "id", None) for actor in column(posts, "actor")])


@cache
def other_verbs() -> frozenset[str]:
    """Verbs of activities that are no posts."""
    return frozenset(line.cells["verb"] for line in table("activity_verbs.tsv"))


ACTIVITY = Family(
    authors=_nested("actor"),
    reposts=_shared,
    quotes=_nested("twitter_quoted_status"),
    ids=_activity_ids,
    author_ids=_activity_author_ids,
    time="postedTime",
    lang="twitter_lang",
)

POST_OBJECTS: dict[str, Family] = {"v1.post": V1, "v2.post": V2, "activity.activity": ACTIVITY}


def post_object(root: str) -> str:
    """The object that the posts of a root object are: ``v2.page`` -> ``v2.post``."""
    family = root.partition(".")[0]
    return "activity.activity" if family == "activity" else f"{family}.post"
