"""Hydrated: public posts and users in their own shape, one record a line, to be handed on.

Public means: for certain, and where it is received. What does not tell who may see it stays behind, unless the data came by a
token that sees public posts only; so does what is withheld in that country. What leaves is counted here, in the
very objects that are encoded.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import UNSET, Struct, structs

from xsieve.transforms.records.alone import alone
from xsieve.transforms.records.batch import Reason
from xsieve.transforms.records.catalog import Catalog
from xsieve.transforms.records.decode import Group, Refused, decode_line
from xsieve.transforms.records.families import NOTHING, Column, Includes, column
from xsieve.transforms.records.forms import Place
from xsieve.transforms.records.hydrated_table import Cell, row_of
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.shaped import ENCODING_ERRORS, Kept, ShapedSieve, encoder
from xsieve.transforms.records.shapes import Shape, recognise
from xsieve.transforms.records.sift import Posts, contents_of
from xsieve.transforms.records.signs import Sign, Withheld, withheld_from
from xsieve.transforms.records.tally import Tally
from xsieve.transforms.records.units import Key, Units, countable, countables, key_of, keys_in, together, units_of
from xsieve.transforms.records.visibility import MAX_REPOSTS_DEEP, UNKNOWN, Eye

NO_USER = "without_user"  # posts that do not come with their author, where users are asked for


class Hydrated(NamedTuple):
    """Records that may be handed on, as JSON lines without line feeds; which post or user each is; all objects in them."""

    lines: list[bytes]
    keys: list[Key]
    units: Units


class Record(NamedTuple):
    """One record as it leaves: which it is, its line, the payload in that, and the post or user in the payload."""

    key: Key
    line: bytes
    payload: Struct
    record: Struct


class HydratedSieve(ShapedSieve[Hydrated]):
    """Keeps the posts and users that are public for certain, each by itself."""

    kind = "hydrated"

    def __init__(self, plan: Plan) -> None:
        self.doubts = not plan.attested
        self._withheld = withheld_from(plan.country)
        super().__init__(plan)

    def signs(self, catalog: Catalog) -> dict[Place, type[Sign]]:
        found = super().signs(catalog).items()
        return {place: self._withheld if kind is Withheld else kind for place, kind in found}

    def looks_into(self, shape: Shape) -> bool:
        if shape.holds in ("post", "page"):
            return self.plan.objects != "users" or not shape.object.startswith("activity.")  # actors have no shape
        return shape.holds in ("user", "user_page") and self.plan.objects != "posts"

    def reason(self, record: Struct, page: Includes = NOTHING) -> str | None:
        return super().reason(record, page) or (UNKNOWN if self.doubts and self._doubtful(record, page) else None)

    def doubtful(self, posts: Posts, eye: Eye, tally: Tally) -> Posts:
        """Posts that do not tell who may see them stay behind."""
        if not self.doubts:
            return posts
        known = certain(eye, posts.posts, posts.pages, posts.originals)
        tally.dropped(UNKNOWN, len(known) - sum(known))
        return posts.pick(known)

    def take(self, group: Group, tally: Tally) -> Hydrated:
        """The records of a group that may leave."""
        lines: list[bytes] = []
        keys: list[Key] = []
        found: list[Key] = []
        for one in self.in_shape(group, tally):
            for record, payload in self._records_of(one, group.shape, tally):
                try:
                    line, key, within = self._leaving(record, payload, group.shape)
                except Refused as refused:
                    tally.reject(one.line, Refused(refused.reason, group.shape.name))
                    continue
                tally.passed(1)
                lines.append(line)
                keys.append(key)
                found += within
        return Hydrated(lines, keys, units_of(found))

    def join(self, contents: list[Hydrated]) -> Hydrated:
        if len(contents) == 1:
            return contents[0]
        lines = [line for content in contents for line in content.lines]
        keys = [key for content in contents for key in content.keys]
        return Hydrated(lines, keys, together(content.units for content in contents))

    def read(self, line: bytes) -> Record:
        """A line that left, as the record that it is. Raises Refused on any other."""
        shape, payload, *_ = decode_line(line, self.codecs)
        (record,) = contents_of(payload, shape) if shape.posts else [payload]
        return Record(self._key_of(record), line, payload, record)

    def units_of(self, record: Record) -> list[Key]:
        """All objects in a record as it leaves, repeats included."""
        return list(keys_in(record.payload, self.object_of))

    def row_of(self, record: Record) -> tuple[list[Cell], list[Key]]:
        """A record as the row of a table, and the objects of which that shows more than an id."""
        page = Includes(getattr(record.payload, "includes", None))
        row = row_of(record.record, page, self.object_of[type(record.record)])
        shown = [one for one in row.shown if countable(one, self.object_of)]
        return row.cells, [record.key, *map(self._key_of, shown)]

    def _key_of(self, record: Struct) -> Key:
        return key_of(record, countables()[self.object_of[type(record)]])

    def _records_of(self, one: Kept, shape: Shape, tally: Tally) -> Iterator[tuple[Struct, Struct]]:
        """Each record of a payload, and the payload that it leaves in: itself, or a page with what it needs."""
        records = contents_of(one.payload, shape) if shape.posts else [one.payload]
        if shape.holds not in ("post", "page"):
            yield from ((user, _without_posts(user)) for user in records)
            return
        if self.plan.objects != "users":
            payloads = alone(one.payload, records, shape.posts[0]) if shape.object == "v2.page" else records
            yield from zip(records, payloads, strict=True)
        if self.plan.objects != "posts":
            yield from ((user, _without_posts(user)) for user in self._authors(one, records, shape, tally))

    def _authors(self, one: Kept, posts: list[Any], shape: Shape, tally: Tally) -> Iterator[Struct]:
        """The users who wrote posts, as far as those tell more than an id."""
        if shape.object.startswith("activity."):
            return
        page = Includes(getattr(one.payload, "includes", None))
        authors = self.eye(shape).family.authors(posts, [page] * len(posts))
        found = [author for author in authors if author and countable(author, self.object_of)]
        if self.plan.objects == "both":
            tally.read(len(found))
        else:
            tally.dropped(NO_USER, len(posts) - len(found))
        yield from found

    def _leaving(self, record: Struct, payload: Struct, shape: Shape) -> tuple[bytes, Key, list[Key]]:
        """A payload as a line, its record's key, and those of all objects in it. Raises Refused if it cannot leave."""
        within = list(keys_in(payload, self.object_of))
        key = self._key_of(record)
        try:
            line = encoder.encode(payload)
        except ENCODING_ERRORS:
            raise Refused(Reason.NOT_ENCODABLE) from None
        if type(payload) is not self.codecs[shape.name].form and recognise(line).name not in self.codecs:
            raise Refused(Reason.UNKNOWN_SHAPE)  # a record of a page that is nothing by itself
        return line, key, within

    def _doubtful(self, record: Struct, page: Includes) -> bool:
        """Whether a post or user does not tell that everybody may see it."""
        if countable(record, self.object_of) is None:
            return False
        eye = self.eyes.get(self.object_of[type(record)])
        if eye is None:
            return not getattr(record, "protected", None)
        return not certain(eye, [record], [page], eye.family.reposts([record], [page]))[0]


def certain(
    eye: Eye, posts: Column, pages: list[Includes], originals: Column, depth: int = MAX_REPOSTS_DEEP
) -> list[bool]:
    """Whether each post tells that its author is not protected, and so does what it repeats."""
    known = [bool(sign) for sign in column(eye.family.authors(posts, pages), "protected")]
    at = [number for number, original in enumerate(originals) if original]
    if at:
        below, beside = [originals[n] for n in at], [pages[n] for n in at]
        further = eye.family.reposts(below, beside)
        nested = certain(eye, below, beside, further, depth - 1) if depth else [False] * len(at)
        for number, sure in zip(at, nested, strict=True):
            known[number] = known[number] and sure
    return known


def _without_posts(user: Any) -> Struct:
    """A user leaves alone: a post of it was not asked for."""
    return structs.replace(user, status=UNSET) if getattr(user, "status", None) else user
