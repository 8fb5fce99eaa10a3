"""Store: the payload in its own shape and names, less what must not pass.

What a class may not pass is never decoded. What remains to be done is to cut out records that are not public: posts of a
page, quoted posts, users; and with them what leads to them.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple

import msgspec
from msgspec import UNSET

from xsieve.transforms.records.actions import action
from xsieve.transforms.records.batch import Reason
from xsieve.transforms.records.catalog import Catalog, Field
from xsieve.transforms.records.cut import Knife
from xsieve.transforms.records.decode import Group, Line, Refused
from xsieve.transforms.records.families import Includes
from xsieve.transforms.records.forms import attribute_of
from xsieve.transforms.records.labels import label_of
from xsieve.transforms.records.plan import Enrichment
from xsieve.transforms.records.shapes import Shape
from xsieve.transforms.records.sift import Sieve, contents_of
from xsieve.transforms.records.signs import Sign, signs_within
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


_encoder = msgspec.json.Encoder(enc_hook=_encode_sign)


class StoreSieve(Sieve[bytes]):
    """Drops what must not be stored. Gives JSON lines, one payload each."""

    holds: ClassVar[frozenset[str]] = frozenset()

    def looks_into(self, shape: Shape) -> bool:
        return shape.store == "yes" or (shape.store == "consent" and self.plan.direct_messages)

    def wanted(self, catalog: Catalog, shape: Shape) -> Callable[[Field], bool]:
        consented = frozenset({"message", "dm_id"}) if self.plan.direct_messages else frozenset[str]()
        return lambda field: field.cls in consented or action(field.cls, "store") != "drop"

    def take(self, group: Group, tally: Tally) -> bytes:
        """The lines of a group's payloads."""
        if group.shape.holds == "post":
            posts = self.posts_of(group, tally)
            kept = [Kept(post, 1, line) for post, line in zip(posts.posts, posts.lines, strict=True)]
        elif group.shape.posts:
            kept = self._pages(self.trusted(group, tally), tally)
        else:
            kept = self._others(self.trusted(group, tally), tally)
        if group.loud:
            for payload, _, _, closed in kept:
                if closed or any(sign.loud for sign in signs_within(payload)):
                    self._knife(group.shape, payload, closed).cut(payload)
        for added in self.plan.enrich:
            for one in kept:
                self._check_label(one.payload, group.shape, added, tally)
        return self._encode(kept, group.shape, tally)

    def join(self, contents: list[bytes]) -> bytes:
        return b"".join(contents)

    def _pages(self, group: Group, tally: Tally) -> list[Kept]:
        """Each page with those of its records that pass; a page of which none does is left out."""
        found: list[Kept] = []
        for payload, line in zip(group.payloads, group.lines, strict=True):
            loud = [sign for sign in signs_within(payload) if sign.loud] if group.loud else []
            alone = group._replace(payloads=[payload], lines=[line], loud=loud)
            records = self.posts_of(alone, tally).posts if group.shape.holds == "page" else self._records(alone, tally)
            chosen = {id(record) for record in records}
            closed = self._closed_of(payload, group.shape, chosen) if loud else ()
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
        eye, page = self.eye(shape), Includes(getattr(payload, "includes", None))
        return tuple(record for record in left_out if eye.reason(record, page))

    def _records(self, group: Group, tally: Tally) -> list[Any]:
        """The public users (or the DMs) of a page."""
        records = contents_of(group.payloads[0], group.shape)
        if not records:
            tally.read(1)
            tally.dropped("empty_page")
        tally.read(len(records))
        return [record for record in records if not self._closed(record, tally)]

    def _others(self, group: Group, tally: Tally) -> list[Kept]:
        tally.read(len(group.payloads))
        payloads = zip(group.payloads, group.lines, strict=True)
        return [Kept(payload, 1, line) for payload, line in payloads if not self._closed(payload, tally)]

    def _closed(self, record: Any, tally: Tally) -> bool:
        """Whether a user or list is not for everybody to see; counted if so."""
        reason = loud_sign(record, sign_ways(self.object_of[type(record)]))
        if reason:
            tally.dropped(reason)
        return bool(reason)

    def _knife(self, shape: Shape, payload: Any, closed: tuple[Any, ...]) -> Knife:
        includes = payload if shape.name == "v2_includes" else getattr(payload, "includes", None)
        return Knife(self.object_of, self.eyes, Includes(includes), closed)

    def _check_label(self, payload: Any, shape: Shape, added: Enrichment, tally: Tally) -> None:
        """Take out a declared label that may not pass."""
        *above, last = map(attribute_of, added.path.split("."))
        records = [payload] if shape.holds == "post" else contents_of(payload, shape)
        for holder in records:
            for step in above:
                holder = getattr(holder, step, None)
                if not holder:
                    break
            value = getattr(holder, last, UNSET) if holder else UNSET
            if value is not UNSET and value is not None and label_of(value, added) != value:
                setattr(holder, last, UNSET)
                tally.noted("label_refused")

    def _encode(self, kept: list[Kept], shape: Shape, tally: Tally) -> bytes:
        try:
            lines = _encoder.encode_lines([one.payload for one in kept])
            tally.passed(sum(map(attrgetter("records"), kept)))
            return lines
        except (msgspec.MsgspecError, OverflowError, UnicodeError, TypeError):
            return b"".join(self._encode_one(payload, shape, tally) for payload in kept)

    def _encode_one(self, kept: Kept, shape: Shape, tally: Tally) -> bytes:
        try:
            line = _encoder.encode(kept.payload)
        except (msgspec.MsgspecError, OverflowError, UnicodeError, TypeError):
            for _ in range(kept.records):
                tally.reject(kept.line, Refused(Reason.NOT_ENCODABLE, shape.name))
            return b""
        tally.passed(kept.records)
        return line + b"\n"
