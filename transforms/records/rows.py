"""Rows: one flat row per public post, whatever its shape.

The columns, and where each comes from in each generation of X's API, stand in ``configs/rows.tsv``. Posts are read by
columns: a path is followed for a whole batch before the next one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import UNSET

from xsieve.configs import table
from xsieve.transforms.records.cells import client, exact, matching, moment, plain_name, products, rounded
from xsieve.transforms.records.decode import Group
from xsieve.transforms.records.families import QUOTED, REPLIED, items, post_object, references
from xsieve.transforms.records.forms import ABSENT, Place, attribute_of
from xsieve.transforms.records.handles import handles_in, holds_handle
from xsieve.transforms.records.labels import labels
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.scrub import scrub_all
from xsieve.transforms.records.sift import Needs, Posts, Sieve
from xsieve.transforms.records.tally import Tally

Column = list[Any]


class Spec(NamedTuple):
    """One line of the table of columns."""

    name: str
    type: str  # text | int | bool | [text]
    on: str
    form: str
    ways: dict[str, tuple[str, ...]]  # post object -> paths, first one that is there
    meaning: str


@dataclass(frozen=True)
class Rows:
    """Rows by column: name -> values, all of the same length."""

    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def as_dicts(self) -> list[dict[str, Any]]:
        """The same, one dict a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]


FAMILIES = {"v1": "v1.post", "v2": "v2.post", "activity": "activity.activity"}


@cache
def specs() -> tuple[Spec, ...]:
    """All columns, in their order."""
    return tuple(
        Spec(
            cells["column"],
            cells["type"],
            cells["on"],
            cells["form"],
            {root: _ways(cells[family]) for family, root in FAMILIES.items()},
            cells["meaning"],
        )
        for cells, _ in table("rows.tsv")
    )


def _ways(cell: str) -> tuple[str, ...]:
    return tuple(way.strip() for way in cell.split(" / ")) if cell else ()


# What the parts of a post are made of, besides the paths in the table
RELATION_NEEDS = (
    ("v1.post", "is_quote_status"),
    ("v1.post", "quoted_status"),
    ("v1.post", "quoted_status_id_str"),
    ("v1.post", "in_reply_to_status_id"),
    ("v1.post", "in_reply_to_status_id_str"),
    ("activity.activity", "twitter_quoted_status"),
    ("activity.activity", "inReplyTo"),
)
RELATION_MARKERS: frozenset[Place] = frozenset(need for need in RELATION_NEEDS if need[1] != "is_quote_status")
V2_MEDIA_NEEDS = (
    ("v2.post", "attachments.media_keys"),
    ("v2.post", "attachments.media.type"),
    ("v2.page", "includes.media"),
    ("v2.media", "media_key"),
    ("v2.media", "type"),
)
PLACE_TYPES = {
    "v1.post": "post.place.place_type",
    "v2.post": "place.place_type",
    "activity.activity": "post.location.twitter_place_type",
}
V2_PLACE_NEEDS = tuple(
    (name, key)
    for name in ("v2.geo", "v2.place")
    for key in ("id", "country_code", "full_name", "place_type")
) + (("v2.post", "geo.place_id"), ("v2.page", "includes.places"))


class View:
    """Posts side by side, and the parts of them that paths begin with, each made when it is first asked for."""

    def __init__(self, posts: Posts, root: str) -> None:
        self.posts = posts
        self.root = root
        self._parts: dict[str, Column] = {"post": posts.posts}

    def part(self, name: str) -> Column:
        """One value a post: the post itself, its original, its media, its place, how it relates to others."""
        if name not in self._parts:
            self._parts[name] = _PARTS[name](self.posts, self.root)
        return self._parts[name]

    def follow(self, way: str) -> Column:
        """The values at the end of a path, one a post; a list where the path has ``[]``; None or UNSET where there is none."""
        head, *steps = way.split(".")
        values = self.part(head.removesuffix("[]"))
        many = head.endswith("[]")
        for step in steps:
            get = attrgetter(attribute_of(step.removesuffix("[]")))
            if many:
                return [value and [get(item) for item in items(value)] for value in values]
            values = [value and get(value) for value in values]
            many = step.endswith("[]")
        return values

    def first(self, ways: Sequence[str]) -> Column:
        """The values of the first path that leads to one."""
        if not ways:
            return [None] * len(self.posts.posts)
        values = self.follow(ways[0])
        for way in ways[1:]:
            if not any(value is None or value is UNSET for value in values):
                break
            others = self.follow(way)
            values = [o if v is None or v is UNSET else v for v, o in zip(values, others, strict=True)]
        return values


def _originals(posts: Posts, _: str) -> Column:
    return [original or post for post, original in zip(posts.posts, posts.originals, strict=True)]


def _media(posts: Posts, root: str) -> Column:
    found: Column = []
    for post, original, page in zip(posts.posts, posts.originals, posts.pages, strict=True):
        attachments = (original and original.attachments) or post.attachments
        if not attachments:
            found.append(None)
            continue
        keys = items(attachments.media_keys)
        found.append(list(items(attachments.media)) or [page.media[key] for key in keys if key in page.media])
    return found


def _places(posts: Posts, _: str) -> Column:
    geo = [post.geo or None for post in posts.posts]
    return [g and (page.places.get(g.place_id) or g) for g, page in zip(geo, posts.pages, strict=True)]


class Relation(NamedTuple):
    """How a post refers to others."""

    repost: bool
    quote: bool
    reply: bool


def _relations(posts: Posts, root: str) -> Column:
    relate = _RELATE[root]
    return [relate(post, original is not None) for post, original in zip(posts.posts, posts.originals, strict=True)]


@cache
def _relation(repost: bool, quote: bool, reply: bool) -> Relation:
    return Relation(repost, quote and not repost, reply)


def there(marker: Any) -> bool:
    """Whether a marker stands for a value other than null."""
    return marker is not ABSENT and marker is not UNSET and bytes(marker) != b"null"


def _relate_v1(post: Any, repost: bool) -> Relation:
    quote = post.is_quote_status is True or there(post.quoted_status) or there(post.quoted_status_id_str)
    return _relation(repost, quote, there(post.in_reply_to_status_id_str) or there(post.in_reply_to_status_id))


def _relate_v2(post: Any, repost: bool) -> Relation:
    found = references(post)
    if not found:
        return UNRELATED
    kinds = {kind for kind, _ in found}
    return _relation(repost, bool(kinds & QUOTED), bool(kinds & REPLIED))


def _relate_activity(post: Any, repost: bool) -> Relation:
    return _relation(repost, there(post.twitter_quoted_status), there(post.inReplyTo))


UNRELATED = Relation(False, False, False)
_RELATE = {"v1.post": _relate_v1, "v2.post": _relate_v2, "activity.activity": _relate_activity}
_PARTS: dict[str, Callable[[Posts, str], Column]] = {
    "original": _originals,
    "media": _media,
    "place": _places,
    "relation": _relations,
}


class RowsSieve(Sieve[Rows]):
    """Strips identifiers: makes flat rows of posts."""

    def __init__(self, plan: Plan) -> None:
        self.specs = [spec for spec in specs() if _chosen(spec, plan)]
        self._cells = {spec.name: cell for spec in self.specs if (cell := _cell(spec, plan))}
        super().__init__(plan)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in their order."""
        return [spec.name for spec in self.specs] + [added.name for added in self.plan.enrich]

    def needs(self) -> Needs:
        parts = {way.partition(".")[0] for spec in self.specs for ways in spec.ways.values() for way in ways}
        for spec in self.specs:
            for root, ways in spec.ways.items():
                yield from ((root, path) for part, _, path in (w.partition(".") for w in ways) if part in _OF_POST)
        if "relation" in parts:
            yield from RELATION_NEEDS
        if "media[]" in parts:
            yield from V2_MEDIA_NEEDS
        if "place" in parts:
            yield from V2_PLACE_NEEDS
            yield from ((root, w.partition(".")[2]) for root, w in PLACE_TYPES.items() if w.startswith("post."))
        for added in self.plan.enrich:
            yield from ((root, added.path) for root in FAMILIES.values())

    def markers(self) -> frozenset[Place]:
        return RELATION_MARKERS

    def take(self, group: Group, tally: Tally) -> Rows:
        """The rows of a group."""
        root = post_object(group.shape.object)
        posts = self.posts_of(group, tally)
        view = View(posts, root)
        columns = {spec.name: self._column(spec, view, tally) for spec in self.specs}
        for added in self.plan.enrich:
            columns[added.name] = labels(view.follow(f"post.{added.path}"), added, tally)
        tally.passed(len(posts.posts))
        return Rows(columns)

    def join(self, contents: list[Rows]) -> Rows:
        if len(contents) == 1:
            return contents[0]
        return Rows({name: [value for rows in contents for value in rows.columns[name]] for name in self.names})

    def _column(self, spec: Spec, view: View, tally: Tally) -> Column:
        values = view.first(spec.ways[view.root])
        cell = self._cells.get(spec.name)
        if spec.name == "text":
            return scrub_all([value if value.__class__ is str else None for value in values])
        if spec.name == "client":
            return _clients(list(map(cell, values)), view.posts, tally)  # type: ignore[arg-type]
        if spec.name == "city":
            kinds = view.follow(PLACE_TYPES[view.root])
            return [plain_name(v) if kind == "city" else None for v, kind in zip(values, kinds, strict=True)]
        if spec.type == "[text]":
            lists = [[c for v in value if (c := cell(v))] if value else [] for value in values]  # type: ignore[misc]
            return _hashtags(lists, view.posts, tally) if spec.name == "hashtags" else lists
        return list(map(cell, values)) if cell else values


_OF_POST = frozenset({"post", "original"})


def _chosen(spec: Spec, plan: Plan) -> bool:
    if plan.columns is not None and spec.name not in plan.columns:
        return False
    if spec.type == "int" and plan.metrics == "drop":
        return False
    return {
        "always": True,
        "text": plan.text,
        "place": plan.place == "city" or (plan.place == "country" and spec.name == "country"),
    }[spec.on]


def _cell(spec: Spec, plan: Plan) -> Callable[[Any], Any] | None:
    if spec.name == "time":
        return moment(plan.time)
    if spec.name == "client":
        return client
    if spec.type == "int":
        return rounded if plan.metrics == "rounded" else exact
    return matching(spec.form) if spec.form else None


class _Handles:
    """The handles of the payloads of a batch, looked up where there is something to compare."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._known: dict[int, frozenset[str]] = {}

    def of(self, line: Any) -> frozenset[str]:
        if line[0] not in self._known:
            self._known[line[0]] = handles_in(self._tally.payload(line))
        return self._known[line[0]]


def _hashtags(lists: list[list[str]], posts: Posts, tally: Tally) -> Column:
    """Hashtags less those that are handles of the same payload, or hold a long number."""
    handles = _Handles(tally)
    for number, tags in enumerate(lists):
        if tags:
            known = handles.of(posts.lines[number])
            lists[number] = [tag for tag in tags if tag.casefold() not in known and plain_name(tag)]
    return lists


def _clients(names: list[str | None], posts: Posts, tally: Tally) -> Column:
    """Names of clients less those in which there is a handle of the same payload."""
    handles, known = _Handles(tally), products()
    return [
        name if name is None or name in known or not holds_handle(name, handles.of(line)) else None
        for name, line in zip(names, posts.lines, strict=True)
    ]
