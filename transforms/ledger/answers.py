"""What the ledger answers and shows. Nothing here is changed by the ledger later; times are in UTC."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from xsieve.transforms.records.outflow import Decision, Offer, Per, Span, State, Unit

Kind = Literal["prepared", "reserved", "published", "withheld", "void", "discarded", "moved", "joined"]


class UnitDecision(NamedTuple):
    """The answer to units that were offered one by one: what may be published now, and what is withheld where."""

    decision: Decision  # on the units that are new in this offer; ``repeated`` if none is
    parts: npt.NDArray[np.int32]  # of each unit offered: 0 it is granted, n it is withheld in supplement n

    @property
    def granted(self) -> npt.NDArray[np.bool_]:
        """Of each unit offered: it belongs to the release, and may be published with it."""
        return self.parts == 0


class Known(NamedTuple):
    """A release as the ledger knows it now."""

    offer: Offer  # as it was last recorded; of a supplement: as it has to be offered to hand it over
    state: State
    units: int  # held if reserved or published, else offered
    since: datetime  # when it came into this state
    first: datetime  # when it was first heard of
    supplement_of: str | None = None  # the release of a stream whose denied units these are


class Event(NamedTuple):
    """An entry of the account. Entries are only ever added."""

    number: int
    at: datetime
    kind: Kind
    release: str  # empty for events of entities: moved, joined
    output: str
    recipient: str
    entity: str
    unit: Unit | None
    units: int
    counted: int  # by how many units the account of the entity or recipient grew (void: negative)
    cap: int | None  # none: counted, but against no cap
    used: int | None  # at the decision, this release included if granted
    digest: str
    profile: str
    clause: str  # that allowed or refused
    evidence: Mapping[str, Any]
    inputs: str
    settings: str
    by: str | None  # the person, where one decided
    detail: Mapping[str, Any]  # place and files of what was published; the reason of a void


class Freeing(NamedTuple):
    """So many units stop counting at a time."""

    at: datetime
    units: int


class Usage(NamedTuple):
    """What one entity or recipient has received of one unit within the span that counts for it."""

    per: Per
    name: str
    unit: Unit
    span: Span  # post ids and other ids: rolling_30_days per entity; hydrated: utc_day per recipient
    used: int  # against a cap
    uncapped: int  # without a cap: exempt, or of a unit that has none
    cap: int | None  # the last one that was applied; None if none ever was
    frees: tuple[Freeing, ...]  # of what is used, soonest first

    def left(self, cap: int) -> int:
        """What a cap leaves."""
        return max(0, cap - self.used)


def supplement_id(release: str, number: int) -> str:
    """The id of the release that holds what was denied to another one, for the n-th time."""
    return f"{release}.{number}"
