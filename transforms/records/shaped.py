"""Payloads in their own shape: what the kinds of output have in common that keep it.

What a class may not pass is never decoded. What remains to be done is to cut out records that are not public: posts of a
page, quoted posts, users; and with them what leads to them.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import msgspec
from msgspec import Struct

from xsieve.transforms.records.actions import action
from xsieve.transforms.records.catalog import Catalog, Field
from xsieve.transforms.records.cut import Knife
from xsieve.transforms.records.decode import Group, Line
from xsieve.transforms.records.families import NOTHING, Includes
from xsieve.transforms.records.forms import attribute_of
from xsieve.transforms.records.shapes import Shape
from xsieve.transforms.records.sift import C, Sieve, contents_of, empty_pages
from xsieve.transforms.records.signs import Sign, loud_within
from xsieve.transforms.records.tally import Tally
from xsieve.transforms.records.visibility import loud_sign, sign_ways


class Kept(NamedTuple):
    """A payload that passes: how many records of it do, and the line it came in."""

    payload: Any
    records: int
    line: Line
    closed: tuple[Any, ...] = ()  # records of the page that were taken out because they are not public


def _encode_sign(value: Any) -> Any:
    if isinstance(value, Sign):
        return value.value
    raise TypeError


encoder = msgspec.json.Encoder(enc_hook=_encode_sign)
ENCODING_ERRORS = (msgspec.MsgspecError, OverflowError, UnicodeError, TypeError)


class ShapedSieve(Sieve[C]):
    """Payloads in their own shape, less what must not pass. ``doubts``: what does not tell who may see it is cut out too."""

    kind: ClassVar[str]  # whose column of the table of actions holds
    holds: ClassVar[frozenset[str]] = frozenset()
    doubts = False

    def wanted(self, catalog: Catalog, shape: Shape) -> Callable[[Field], bool]:
        return lambda field: action(field.cls, self.kind) != "drop"

    def reason(self, record: Struct, page: Includes = NOTHING) -> str | None:
        """Why a record may not pass; None for what is no post, user or list, too."""
        name = self.object_of.get(type(record), "")
        eye = self.eyes.get(name)
        return eye.reason(record, page) if eye else loud_sign(record, sign_ways(name))

    def in_shape(self, group: Group, tally: Tally) -> list[Kept]:
        """The payloads of a group that pass, without the records in them that do not."""
        if group.shape.holds == "post":
            posts = self.posts_of(group, tally)
            kept = [Kept(post, 1, line) for post, line in zip(posts.posts, posts.lines, strict=True)]
        elif group.shape.posts:
            kept = self._pages(self.trusted(group, tally), tally)
        else:
            kept = self._others(self.trusted(group, tally), tally)
        if group.loud or self.doubts:
            for payload, _, _, closed in kept:
                if closed or self.doubts or loud_within(payload):
                    self._knife(group.shape, payload, closed).cut(payload)
        return kept

    def _pages(self, group: Group, tally: Tally) -> list[Kept]:
        """Each page with those of its records that pass; a page of which none does is left out."""
        found: list[Kept] = []
        for payload, line in zip(group.payloads, group.lines, strict=True):
            loud = loud_within(payload) if group.loud else []
            alone = group._replace(payloads=[payload], lines=[line], loud=loud)
            records = self.posts_of(alone, tally).posts if group.shape.holds == "page" else self._records(alone, tally)
            chosen = {id(record) for record in records}
            closed = self._closed_of(payload, group.shape, chosen) if loud or self.doubts else ()
            for attribute in map(attribute_of, group.shape.posts):
                value: list[Any] | None = getattr(payload, attribute, None)
                if isinstance(value, list):
                    setattr(payload, attribute, [record for record in value if id(record) in chosen])
            if records:
                found.append(Kept(payload, len(records), line, closed))
        return found

    def _closed_of(self, payload: Any, shape: Shape, chosen: set[int]) -> tuple[Any, ...]:
        """The records of a page that are left out because they are not public (not because nobody asked for them)."""
        left_out = [record for record in contents_of(payload, shape) if id(record) not in chosen]
        if shape.holds != "page":
            return tuple(left_out)
        page = Includes(getattr(payload, "includes", None))
        return tuple(record for record in left_out if self.reason(record, page))

    def _records(self, group: Group, tally: Tally) -> list[Any]:
        """The public users (or the DMs) of a page."""
        records = contents_of(group.payloads[0], group.shape)
        empty = empty_pages(group)
        tally.read(len(records) + empty)
        tally.dropped("empty_page", empty)
        return [record for record in records if not self._closed(record, tally)]

    def _others(self, group: Group, tally: Tally) -> list[Kept]:
        tally.read(len(group.payloads))
        payloads = zip(group.payloads, group.lines, strict=True)
        return [Kept(payload, 1, line) for payload, line in payloads if not self._closed(payload, tally)]

    def _closed(self, record: Any, tally: Tally) -> bool:
        """Whether a user or list is not for everybody to see; counted if so."""
        reason = self.reason(record)
        if reason:
            tally.dropped(reason)
        return bool(reason)

    def _knife(self, shape: Shape, payload: Any, closed: tuple[Any, ...]) -> Knife:
        includes = payload if shape.name == "v2_includes" else getattr(payload, "includes", None)
        return Knife(self.object_of, self.reason, Includes(includes), closed)
