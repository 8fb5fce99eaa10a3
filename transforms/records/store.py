"""Store: the payload in its own shape and names, less what must not pass."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from msgspec import UNSET

from xsieve.transforms.records.actions import action
from xsieve.transforms.records.batch import Reason
from xsieve.transforms.records.catalog import Catalog, Field
from xsieve.transforms.records.decode import Group, Refused
from xsieve.transforms.records.forms import attribute_of
from xsieve.transforms.records.labels import label_of
from xsieve.transforms.records.plan import Enrichment
from xsieve.transforms.records.shaped import ENCODING_ERRORS, Kept, ShapedSieve, encoder
from xsieve.transforms.records.shapes import Shape
from xsieve.transforms.records.sift import contents_of
from xsieve.transforms.records.tally import Tally


class StoreSieve(ShapedSieve[bytes]):
    """Drops what must not be stored. Gives JSON lines, one payload each."""

    kind = "store"

    def looks_into(self, shape: Shape) -> bool:
        return shape.store == "yes" or (shape.store == "consent" and self.plan.direct_messages)

    def wanted(self, catalog: Catalog, shape: Shape) -> Callable[[Field], bool]:
        consented = frozenset({"message", "dm_id"}) if self.plan.direct_messages else frozenset[str]()
        return lambda field: field.cls in consented or action(field.cls, self.kind) != "drop"

    def take(self, group: Group, tally: Tally) -> bytes:
        """The lines of a group's payloads."""
        kept = self.in_shape(group, tally)
        for added in self.plan.enrich:
            for one in kept:
                self._check_label(one.payload, group.shape, added, tally)
        return self._encode(kept, group.shape, tally)

    def join(self, contents: list[bytes]) -> bytes:
        return b"".join(contents)

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
            lines = encoder.encode_lines([one.payload for one in kept])
            tally.passed(sum(map(attrgetter("records"), kept)))
            return lines
        except ENCODING_ERRORS:
            return b"".join(self._encode_one(payload, shape, tally) for payload in kept)

    def _encode_one(self, kept: Kept, shape: Shape, tally: Tally) -> bytes:
        try:
            line = encoder.encode(kept.payload)
        except ENCODING_ERRORS:
            for _ in range(kept.records):
                tally.reject(kept.line, Refused(Reason.NOT_ENCODABLE, shape.name))
            return b""
        tally.passed(kept.records)
        return line + b"\n"
