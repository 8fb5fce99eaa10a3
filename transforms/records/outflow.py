"""Outflow: what leaves the house, to whom, and under which limit; the words that policy, settings and ledger share.

An ``Offer`` is one release offered to the ledger, which answers with a ``Decision``. Nothing here holds content: names of
recipients and entities, numbers, fingerprints and the clauses relied on.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

Unit = Literal["post_id", "user_id", "dm_id", "hydrated"]  # hydrated: a post or user with more than its id
Per = Literal["entity", "recipient"]
Span = Literal["rolling_30_days", "utc_day"]
State = Literal["prepared", "reserved", "published", "withheld", "void", "discarded"]


class Cap(NamedTuple):
    """So many units at most, to one entity or recipient, within a span of time; and the clause that says so."""

    units: int
    per: Per
    span: Span
    clause: str  # of the profile: "content-redistribution.post-ids"


class Offer(NamedTuple):
    """One release: one output to one recipient from one input (or window), with all that the decision rests on."""

    release: str  # its id: the same output, recipient, content settings and input give the same
    output: str
    recipient: str
    entity: str
    entity_names: tuple[str, ...]  # every name and alias of the entity: another key with one of them is the same entity
    unit: Unit
    units: int
    digest: str  # of the fixed set of units; the same release with another digest is an error
    cap: Cap | None  # None: counted, not capped
    clause: str  # what allows it: the cap's clause, or that of the exemption, or of units that have no number
    profile: str
    evidence: Mapping[str, Any]  # acceptances, permission, exemption, declarations relied on; JSON
    inputs: str  # fingerprint of the input
    settings: str  # fingerprint of the settings that shape the content
    place: str = ""  # the folder that the release is published to
    series: str | None = None  # units are counted once in 30 days per series and entity


class Decision(NamedTuple):
    """The ledger's answer to an offer."""

    granted: bool
    release: str
    units: int  # of this release that are held now
    used: int  # by the entity or recipient in the span, this release included if granted
    cap: int | None
    clause: str
    state: State
    repeated: bool = False  # the same was answered before, and nothing was counted again
    remembered: bool = False  # denied because it was denied before; only a person can release it
    never: bool = False  # more units than the cap: will not fit at any time
    fits_from: datetime | None = (
        None  # the earliest time (UTC) at which it fits whole, if nothing else is reserved until then
    )

    @property
    def left(self) -> int | None:
        """What the cap leaves, None where there is none."""
        return None if self.cap is None else max(0, self.cap - self.used)
