"""Sifting: one batch of lines through one plan.

A sieve is a compiled plan. It takes a batch and gives what passes, the count of everything that happened, and the rejects.
This is what the sieves of all kinds of output have in common: what is decoded, which posts are public, which are wanted.
"""

import gc
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec

from xsieve.transforms.records.batch import RawBatch, Reason, Reject
from xsieve.transforms.records.catalog import Catalog, Field
from xsieve.transforms.records.decode import Codec, Group, Line, Refused, decode, lines_of, refuse_repeated_keys
from xsieve.transforms.records.documents import unfold_lines
from xsieve.transforms.records.families import (
    ACTIVITY,
    NOTHING,
    POST_OBJECTS,
    Family,
    Includes,
    items,
    other_verbs,
    post_object,
)
from xsieve.transforms.records.forms import Forms, Place
from xsieve.transforms.records.plan import Plan, Where
from xsieve.transforms.records.shapes import Shape
from xsieve.transforms.records.shapes import load as load_shapes
from xsieve.transforms.records.signs import Sign, loud_within, places, signs_within, table_of_signs
from xsieve.transforms.records.tally import Counts, Tally
from xsieve.transforms.records.times import seconds
from xsieve.transforms.records.visibility import UNKNOWN, Eye, Search, eye_of

C = TypeVar("C")
Needs = Iterable[tuple[str, str]]  # (object, path from there)


class Sifted(NamedTuple, Generic[C]):
    """What became of one batch."""

    content: C
    counts: Counts
    rejects: list[Reject]


@dataclass
class Posts:
    """Posts of one shape side by side, each with what its page includes and the line it came in."""

    family: Family
    posts: list[Any]
    pages: list[Includes]
    lines: list[Line]

    @cached_property
    def originals(self) -> list[Any]:
        """What each post repeats, None if it is no repost."""
        return self.family.reposts(self.posts, self.pages)

    @cached_property
    def reposts(self) -> list[int]:
        """The numbers of the posts that repeat another one."""
        return [number for number, original in enumerate(self.originals) if original]

    def at(self, numbers: Collection[int]) -> "Posts":
        """The posts with these numbers."""
        return Posts(
            self.family,
            [self.posts[n] for n in numbers],
            [self.pages[n] for n in numbers],
            [self.lines[n] for n in numbers],
        )

    def less(self, numbers: Collection[int]) -> "Posts":
        """All but the posts with these numbers, which are few."""
        if not numbers:
            return self
        left = Posts(self.family, self.posts.copy(), self.pages.copy(), self.lines.copy())
        columns = [left.posts, left.pages, left.lines]
        if "originals" in self.__dict__:
            left.originals = self.originals.copy()
            columns.append(left.originals)
        for number in sorted(numbers, reverse=True):
            for values in columns:
                del values[number]
        return left

    def pick(self, chosen: list[bool]) -> "Posts":
        """The posts for which ``chosen`` says yes."""
        if all(chosen):
            return self
        picked = Posts(
            self.family,
            list(compress(self.posts, chosen)),
            list(compress(self.pages, chosen)),
            list(compress(self.lines, chosen)),
        )
        if "originals" in self.__dict__:
            picked.originals = list(compress(self.originals, chosen))
        return picked


# How posts refer to their authors and to others: what it takes to decide who may see them
STRUCTURE: tuple[tuple[str, str], ...] = (
    ("v1.post", "user"),
    ("v1.post", "retweeted_status"),
    ("v1.page", "statuses"),
    ("v1.results_page", "results"),
    ("v2.post", "author"),
    ("v2.post", "type"),
    ("v2.post", "referenced_tweets"),
    ("v2.post", "referenced_posts"),
    ("v2.page", "data.id"),
    ("v2.page", "data.author_id"),
    ("v2.page", "includes.users.id"),
    ("v2.page", "includes.tweets"),
    ("v2.page", "includes.posts"),
    ("activity.activity", "verb"),
    ("activity.activity", "actor"),
    ("activity.activity", "object"),
    ("activity.page", "results"),
)


def deciding_needs() -> list[tuple[str, str]]:
    """All that decides who may see a post."""
    users = {"v1.user", "v2.user", "v1.post", "v2.post"}
    return [
        *STRUCTURE,
        *((name, path) for name, paths in table_of_signs().items() if name in users for path, _ in paths),
    ]


def places_of(catalog: Catalog, needs: Needs, shape: Shape) -> frozenset[Place]:
    """(object, field) of everything along the needed paths that payloads of a shape may hold.

    What only pages need is not decoded of posts by themselves. Raises LookupError where the tables lack a path.
    """
    pages = {other.object for other in load_shapes() if other.posts} - {shape.object}
    found: set[Place] = set()
    for root, path in needs:
        if root in pages:
            continue
        trail = catalog.trail(root, path)
        if not trail:
            raise LookupError(f"the field tables have no {path} in {root}")
        found.update((field.object, field.name) for field in trail)
    return frozenset(found)


class Sieve(Generic[C]):
    """A compiled plan. A kind of output says what it needs of the payloads, and what it takes of a group of them."""

    holds: ClassVar[frozenset[str]] = frozenset({"post", "page"})  # the shapes that are looked into

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        catalog = plan.catalog()
        signs = self.signs(catalog)
        self.codecs: dict[str, Codec] = {}
        self.object_of: dict[type[msgspec.Struct], str] = {}  # form -> the object of the field tables
        for shape in filter(self.looks_into, load_shapes()):
            forms = Forms(catalog, self.wanted(catalog, shape), signs, self.markers())
            deciding = {name for _, name in places_of(catalog, deciding_needs(), shape)}
            self.codecs[shape.name] = Codec(shape, forms.root(shape), deciding)
            self.object_of.update(forms.object_of)
        self.eyes = {name: eye_of(family, name) for name, family in POST_OBJECTS.items()}

    # what a kind of output says

    def needs(self) -> Needs:
        """What it needs of the payloads, besides what decides who may see them."""
        return ()

    def markers(self) -> frozenset[Place]:
        """What it needs to know of only whether it is there."""
        return frozenset()

    def signs(self, catalog: Catalog) -> dict[Place, type[Sign]]:
        """The values that say who may see a record, by where they stand."""
        return places(catalog)

    def looks_into(self, shape: Shape) -> bool:
        """Whether it takes anything of payloads of that shape; others are counted by the name of their shape."""
        return shape.holds in self.holds

    def wanted(self, catalog: Catalog, shape: Shape) -> Callable[[Field], bool]:
        """Which fields are decoded of payloads of a shape."""
        named = places_of(catalog, (*deciding_needs(), *where_needs(self.plan.where), *self.needs()), shape)
        return lambda field: (field.object, field.name) in named

    def take(self, group: Group, tally: Tally) -> C:
        """What passes of a group. Every record in it must be counted, as read and by what became of it."""
        raise NotImplementedError

    def join(self, contents: list[C]) -> C:
        """What passes of a batch: that of its groups together."""
        raise NotImplementedError

    # what all have in common

    def __call__(self, batch: RawBatch) -> Sifted[C]:
        """Sift one batch. Nothing in it refers to itself, so the collector of cycles, which would look at all of it, waits."""
        waiting = gc.isenabled()
        gc.disable()
        try:
            return self._sift(batch)
        finally:
            if waiting:
                gc.enable()

    def _sift(self, batch: RawBatch) -> Sifted[C]:
        lines, whole = lines_of(batch.lines)
        if batch.arrays and not whole:
            batch = batch._replace(lines=unfold_lines(batch.lines))
            lines, whole = lines_of(batch.lines)
        tally = Tally(batch)
        contents: list[C] = []
        for group in decode(batch.lines, lines, whole, self.codecs, tally.refuse):
            tally.noted("mistyped_leaf", group.leaves)
            for line in group.lost:
                tally.refuse(line, Refused(Reason.MISTYPED, group.shape.name))
            if group.shape.name in self.codecs:
                contents.append(self.take(group, tally))
            else:
                tally.read(len(group.payloads))
                tally.dropped(group.shape.name, len(group.payloads))
        return Sifted(self.join(contents), tally.counts, tally.rejects)

    def trusted(self, group: Group, tally: Tally, unmet: set[int] | None = None) -> Group:
        """The group less the payloads in which a repeated key overwrote a value that said who may see them.

        That shows in a loud sign that was heard but is nowhere in what was decoded. ``unmet``: those not met there yet, by id.
        """
        heard = {id(sign) for sign in group.loud} if unmet is None else unmet
        if group.shape.posts and group.loud and not group.checked:
            pass  # on a page a repeated id can hide whose post it is: the page itself is looked at
        elif not heard or heard <= {id(sign) for payload in group.payloads for sign in signs_within(payload)}:
            return group
        keep: list[int] = []
        for number, line in enumerate(group.lines):
            try:
                refuse_repeated_keys(tally.payload(line))
                keep.append(number)
            except Refused as refused:
                tally.refuse(line, Refused(refused.reason, group.shape.name))
        payloads, lines = [group.payloads[i] for i in keep], [group.lines[i] for i in keep]
        loud = [sign for payload in payloads for sign in loud_within(payload)]
        return group._replace(payloads=payloads, lines=lines, loud=loud, checked=True)

    def eye(self, shape: Shape) -> Eye:
        """Who sees the posts of a shape."""
        return self.eyes[post_object(shape.object)]

    def posts_of(self, group: Group, tally: Tally) -> Posts:
        """The posts of a group that are public and wanted, side by side. The others are counted."""
        eye = self.eye(group.shape)
        posts = self._unfold(group, eye.family)
        reasons: dict[int, str] = {}
        if group.loud:
            search = Search(group.loud, shared=bool(group.shape.posts))
            reasons = eye.reasons(posts.posts, posts.pages, search, lambda: posts.originals)
            trusted = self.trusted(group, tally, search.unmet)
            if trusted is not group:
                return self.posts_of(trusted, tally)
        empty = empty_pages(group)
        tally.read(len(posts.posts) + empty)
        tally.dropped("empty_page", empty)
        for reason in reasons.values():
            tally.dropped(reason)
        posts = posts.less(reasons)
        if eye.family is ACTIVITY:
            posts = _filter(posts, [post.verb not in other_verbs() for post in posts.posts], "activity_not_post", tally)
        posts = self.doubtful(posts, eye, tally)
        return wanted_posts(posts, self.plan.where, eye.family, tally)

    def doubtful(self, posts: Posts, eye: Eye, tally: Tally) -> Posts:
        """Posts that do not tell who may see them pass, for one's own use, and are counted."""
        if not self.plan.attested:
            tally.noted(UNKNOWN, eye.unknown(posts.posts, posts.pages))
        return posts

    def _unfold(self, group: Group, family: Family) -> Posts:
        if group.shape.holds == "post":
            posts, pages, lines = group.payloads, [NOTHING] * len(group.payloads), group.lines
        else:
            posts, pages, lines = list[Any](), list[Includes](), list[Line]()
            for payload, line in zip(group.payloads, group.lines, strict=True):
                page, found = Includes(getattr(payload, "includes", None)), contents_of(payload, group.shape)
                posts += found
                pages += [page] * len(found)
                lines += [line] * len(found)
        return Posts(family, posts, pages, lines)


def contents_of(page: Any, shape: Shape) -> list[Any]:
    """The records that a page of that shape holds."""
    return [record for key in shape.posts for record in items(getattr(page, key, None))]


def empty_pages(group: Group) -> int:
    """How many pages hold no records, and never held one that was lost."""
    if not group.shape.posts:
        return 0
    pages = zip(group.payloads, group.lines, strict=True)
    return sum(not contents_of(page, group.shape) and line not in group.lost for page, line in pages)


def where_needs(where: Where) -> list[tuple[str, str]]:
    """What a filter needs to look at."""
    timed = where.since is not None or where.until is not None
    return [
        (name, attribute)
        for name, family in POST_OBJECTS.items()
        for attribute in (*((family.time,) if timed else ()), *((family.lang,) if where.lang else ()))
    ]


def wanted_posts(posts: Posts, where: Where, family: Family, tally: Tally) -> Posts:
    """The posts that the filter lets through; the others are counted by what they failed."""
    if where.reposts != "keep":
        only = where.reposts == "only"
        posts = _filter(posts, [bool(original) is only for original in posts.originals], "where_reposts", tally)
    if where.lang:
        known = frozenset(where.lang)
        posts = _filter(posts, [getattr(p, family.lang) in known for p in posts.posts], "where_lang", tally)
    if where.since is not None or where.until is not None:
        since = -(2**62) if where.since is None else where.since
        until = 2**62 if where.until is None else where.until
        times = [seconds(getattr(post, family.time)) for post in posts.posts]
        posts = _filter(posts, [time is not None and since <= time < until for time in times], "where_time", tally)
    return posts


def _filter(posts: Posts, keep: list[bool], reason: str, tally: Tally) -> Posts:
    tally.dropped(reason, len(keep) - sum(keep))
    return posts.pick(keep)
