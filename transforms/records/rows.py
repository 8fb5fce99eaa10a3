"""Rows: one flat row per public post, whatever its shape.

The columns, and where each comes from in each generation of X's API, stand in ``configs/rows.tsv``. Posts are read by
columns: a path is followed for a whole batch before the next one.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from types import NoneType
from typing import Any, NamedTuple

from msgspec import UNSET

from xsieve.configs import table
from xsieve.transforms.records.cells import Cell, client, exact, matching, moments, plain_name, products, rounded
from xsieve.transforms.records.decode import Group
from xsieve.transforms.records.families import QUOTED, REPLIED, REPOSTED, column, items, post_object, references, within
from xsieve.transforms.records.forms import ABSENT, NULL, Place, attribute_of
from xsieve.transforms.records.handles import handles_among, names_handle
from xsieve.transforms.records.labels import labels
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.scrub import HANDLE, scrub_all
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
V2_PLACE_NEEDS = (
    ("v2.post", "geo.place_id"),
    ("v2.page", "includes.places"),
    *((name, key) for name in ("v2.geo", "v2.place") for key in ("id", "country_code", "full_name", "place_type")),
)


class View:
    """Posts side by side, and what lies at the end of paths from them. Each part of a path is followed once."""

    def __init__(self, posts: Posts, root: str) -> None:
        self.posts = posts
        self.root = root
        self._known: dict[str, Column] = {"post": posts.posts}

    def follow(self, way: str) -> Column:
        """The values at the end of a path, one a post; a list where the path has ``[]``; None or UNSET where there is none."""
        if way not in self._known:
            self._known[way] = self._follow(way)
        return self._known[way]

    def _follow(self, way: str) -> Column:
        above, _, step = way.rpartition(".")
        if not above:
            return _PARTS[step.removesuffix("[]")](self.posts, self.root)
        values, attribute = self.follow(above), attribute_of(step.removesuffix("[]"))
        if isinstance(values, Relations):
            return getattr(values, attribute)
        if not any(values):
            return values
        if above.endswith("[]"):
            return within(values, attribute)
        return column(values, attribute)

    def first(self, ways: Sequence[str]) -> Column:
        """The values of the first path that leads to one."""
        if not ways:
            return [None] * len(self.posts.posts)
        found = self.follow(ways[0])
        for before, way in pairwise(ways):
            kinds = set(map(type, found))
            if kinds.isdisjoint(MISSING):
                break
            if way == before.replace("original.", "post.", 1):  # the same but for reposts
                found = self._completed(found, way)
                continue
            values = self.follow(way)
            if kinds <= MISSING:
                found = values
            elif not MISSING.issuperset(map(type, values)):
                found = [
                    v if known is None or known is UNSET else known for known, v in zip(found, values, strict=True)
                ]
        return found

    def _completed(self, found: Column, way: str) -> Column:
        """The values, with what reposts themselves have where their originals have nothing."""
        at = [n for n in self.posts.reposts if found[n] is None or found[n] is UNSET]
        if at:
            found = found.copy()
            values = View(self.posts.at(at), self.root).follow(way)
            for number, value in zip(at, values, strict=True):
                found[number] = value
        return found


MISSING: frozenset[type] = frozenset({NoneType, type(UNSET)})


def _originals(posts: Posts, _: str) -> Column:
    found = posts.posts.copy()
    for number in posts.reposts:
        found[number] = posts.originals[number]
    return found


def _media(posts: Posts, root: str) -> Column:
    found: Column = [None] * len(posts.posts)
    attached = column(posts.posts, "attachments")
    for number in posts.reposts:
        attached[number] = getattr(posts.originals[number], "attachments", None) or attached[number]
    for number, attachments in [(number, value) for number, value in enumerate(attached) if value]:
        known = posts.pages[number].media
        found[number] = list(items(attachments.media)) or [
            known[key] for key in items(attachments.media_keys) if key in known
        ]
    return found


def _places(posts: Posts, _: str) -> Column:
    geo = [post.geo or None for post in posts.posts]
    return [g and (page.places.get(g.place_id) or g) for g, page in zip(geo, posts.pages, strict=True)]


class Relations(NamedTuple):
    """How posts refer to others, by columns. A repost of a quote is a repost."""

    repost: Column
    quote: Column
    reply: Column


def there(posts: Column, *keys: str) -> list[bool]:
    """Whether posts hold a value other than null under one of the keys, of which only that is known."""
    found = [False] * len(posts)
    for key in keys:
        found = [
            known or (marker is not ABSENT and marker is not UNSET and marker != NULL)
            for known, marker in zip(found, column(posts, key), strict=True)
        ]
    return found


def _relations_v1(posts: Posts) -> Relations:
    quotes = there(posts.posts, "quoted_status", "quoted_status_id_str")
    said = zip(posts.posts, quotes, strict=True)
    return Relations(
        list(map(bool, posts.originals)),
        [quote or post.is_quote_status is True for post, quote in said],
        there(posts.posts, "in_reply_to_status_id_str", "in_reply_to_status_id"),
    )


def _relations_activity(posts: Posts) -> Relations:
    quotes, replies = there(posts.posts, "twitter_quoted_status"), there(posts.posts, "inReplyTo")
    return Relations(list(map(bool, posts.originals)), quotes, replies)


def _relations_v2(posts: Posts) -> Relations:
    found = Relations(*([False] * len(posts.posts) for _ in Relations._fields))
    for number, refs in [(number, refs) for number, refs in enumerate(references(posts.posts)) if refs]:
        found.repost[number], found.quote[number], found.reply[number] = _kinds_of(*_types(refs))
    return found


def _types(references: Any) -> list[Any]:
    try:
        return [reference.type for reference in references]
    except (AttributeError, TypeError):  # null among them, or a single object where there should be a list
        return [reference.type for reference in items(references)]


@lru_cache(1024)
def _kinds_of(*types: Any) -> tuple[bool, ...]:
    """Whether there is a repost, a quote and a reply among references of these types."""
    return tuple(not known.isdisjoint(types) for known in (REPOSTED, QUOTED, REPLIED))


_RELATIONS = {"v1.post": _relations_v1, "v2.post": _relations_v2, "activity.activity": _relations_activity}


def _relations(posts: Posts, root: str) -> Relations:
    found = _RELATIONS[root](posts)
    return found._replace(quote=[quote and not repost for quote, repost in zip(found.quote, found.repost, strict=True)])


_PARTS: dict[str, Callable[[Posts, str], Any]] = {
    "original": _originals,
    "media": _media,
    "place": _places,
    "relation": _relations,
}


class RowsSieve(Sieve[Rows]):
    """Strips identifiers: makes flat rows of posts."""

    def __init__(self, plan: Plan) -> None:
        self.specs = [spec for spec in specs() if _chosen(spec, plan)]
        # the hashtags that are handles leave the text too, whether or not there is a column of hashtags
        has_text = any(spec.name == "text" for spec in self.specs)
        self._read = [spec for spec in specs() if spec in self.specs or (has_text and spec.name == "hashtags")]
        self._cells = {spec.name: cell for spec in self._read if (cell := _cell(spec, plan)) is not None}
        super().__init__(plan)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in their order."""
        return [spec.name for spec in self.specs] + [added.name for added in self.plan.enrich]

    def needs(self) -> Needs:
        parts = {way.partition(".")[0] for spec in self._read for ways in spec.ways.values() for way in ways}
        for spec in self._read:
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
        read = {spec.name: self._column(spec, view, tally) for spec in self._read}
        for name in ("hashtags", "cashtags"):
            if name in read:
                read[name], handles = without_handles(read[name], posts, tally)
                for number, tags in handles.items() if "text" in read else ():
                    read["text"][number] = _without_tags(read["text"][number], tags)
        columns = {spec.name: read[spec.name] for spec in self.specs}
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
        if spec.name == "time":
            return moments(values, self.plan.time)
        if spec.name == "text":
            return scrub_all([value if value.__class__ is str else None for value in values])
        if spec.name == "client":
            return _clients(self._cells["client"].all(values), view.posts, tally)
        if spec.name == "city":
            kinds = view.follow(PLACE_TYPES[view.root])
            return [plain_name(v) if kind == "city" else None for v, kind in zip(values, kinds, strict=True)]
        if spec.type == "[text]":
            return self._cells[spec.name].all_of_each(values)
        return self._cells[spec.name].all(values) if spec.name in self._cells else values


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


def _cell(spec: Spec, plan: Plan) -> Cell | None:
    if spec.name == "client":
        return Cell(client)
    if spec.type == "int":
        return Cell(rounded if plan.metrics == "rounded" else exact)
    return matching(spec.form) if spec.form else None


def without_handles(lists: Column, posts: Posts, tally: Tally) -> tuple[Column, dict[int, list[str]]]:
    """Hashtags or cashtags less those that are handles of the same payload, and which those were, by the post's number."""
    left_out: dict[int, list[str]] = {}
    for number, tags in enumerate(lists):
        if tags:
            handles = handles_among(tags, tally.payload(posts.lines[number]))
            if handles:
                left_out[number] = handles
                lists[number] = [tag for tag in tags if tag not in handles]
    return lists, left_out


def _without_tags(text: str | None, tags: list[str]) -> str | None:
    """A text with hashtags that are handles replaced, as handles are."""
    for tag in tags:
        text = re.sub(rf"[#＃]{re.escape(tag)}(?!\w)", HANDLE, text, flags=re.IGNORECASE) if text else text
    return text


def _clients(names: list[str | None], posts: Posts, tally: Tally) -> Column:
    """Names of clients less those in which there is a handle of the same payload."""
    doubtful = set(names) - products() - {None}
    if not doubtful:
        return names
    for number, name in enumerate(names):
        if name in doubtful and names_handle(str(name), tally.payload(posts.lines[number])):
            names[number] = None
    return names
