"""What the ledger does, said again slowly and obviously, in memory: the measure for the one in a database.

Sets of ids instead of keys, dates instead of microseconds, lists searched from end to end, nothing indexed or summed up.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from xsieve.transforms.records.outflow import Cap, Decision, Offer

MONTH, MICROSECOND = timedelta(days=30), timedelta(microseconds=1)


class RefusedError(Exception):
    """The ledger would raise LedgerError."""


@dataclass(eq=False)
class Entity:
    names: set[str]
    series: dict[Any, list["Charge"]] = field(default_factory=dict)


@dataclass(eq=False)
class Charge:
    """Units that count from a time. Of a series or an open set: with their ids, less those that a later one took over."""

    release: str
    name: str  # of the entity, when it was booked
    recipient: str
    unit: str
    at: datetime
    capped: bool
    has_left: bool
    received: int
    ids: set[int] | None = None

    @property
    def counted(self) -> int:
        return self.received if self.ids is None else len(self.ids)


@dataclass(eq=False)
class Release:
    offer: Offer
    state: str
    units: int = 0


@dataclass(eq=False)
class OpenSet:
    """Where each unit of a release of a stream is: 0 in the release, n in its supplement n."""

    parts: dict[int, int]
    last: datetime
    closed: bool = False


class Model:
    """The ledger."""

    def __init__(self) -> None:
        self.entities: list[Entity] = []
        self.homes: dict[str, str] = {}  # recipient -> a name of its entity
        self.charges: list[Charge] = []
        self.releases: dict[str, Release] = {}
        self.open_sets: dict[str, OpenSet] = {}
        self.now = datetime.min

    # --- who is who

    def entity(self, name: str) -> Entity:
        (found,) = [entity for entity in self.entities if name.casefold() in entity.names]
        return found

    def welcome(self, offer: Offer) -> Entity:
        names = {name.casefold() for name in (offer.entity, *offer.entity_names)}
        met = [entity for entity in self.entities if entity.names & names]
        if not met:
            met = [Entity(set())]
            self.entities += met
        for other in met[1:]:  # the oldest one stays
            met[0].names |= other.names
            self.entities.remove(other)
        met[0].names |= names
        self.homes[offer.recipient] = offer.entity
        return met[0]

    # --- sums

    def counting(self, offer: Offer, entity: Entity, cap: Cap | None, now: datetime) -> list[tuple[Charge, int]]:
        """The charges that count at a time, and by how much each."""
        hydrated = offer.unit == "hydrated"
        per = cap.per if cap else "recipient" if hydrated else "entity"
        span = cap.span if cap else "utc_day" if hydrated else "rolling_30_days"
        found: list[tuple[Charge, int]] = []
        for charge in self.charges:
            within = charge.at >= now - MONTH if span == "rolling_30_days" else charge.at.date() >= now.date()
            if not within or charge.unit != offer.unit or charge.capped != (cap is not None):
                continue
            if per == "recipient":
                if charge.recipient == offer.recipient:
                    found.append((charge, charge.received))
            elif self.entity(charge.name) is entity:
                found.append((charge, charge.counted))
            elif self.entity(self.homes[charge.recipient]) is entity:
                found.append((charge, charge.received))
        return found

    def used(self, offer: Offer, entity: Entity, now: datetime) -> int:
        return sum(units for _, units in self.counting(offer, entity, offer.cap, now))

    def spared(self, offer: Offer, entity: Entity, ids: set[int] | None, now: datetime) -> dict[Charge, set[int]]:
        """The ids of an offer that the entity has received in the same series within 30 days."""
        if ids is None or not in_series(offer):
            return {}
        earlier = entity.series.get((offer.unit, offer.series), [])
        return {charge: charge.ids & ids for charge in earlier if charge in self.charges and charge.at >= now - MONTH}

    def fits_at(self, offer: Offer, entity: Entity, ids: set[int] | None, units: int, now: datetime) -> bool:
        if offer.cap is None or units == 0:
            return True
        new = units - sum(map(len, self.spared(offer, entity, ids, now).values()))
        return self.used(offer, entity, now) + new <= offer.cap.units

    def fits_from(self, offer: Offer, entity: Entity, ids: set[int] | None, units: int) -> datetime | None:
        """Tries every moment at which anything changes."""
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        moments = {self.now, midnight} | {charge.at + MONTH + MICROSECOND for charge in self.charges}
        fitting = (at for at in sorted(moments) if at >= self.now and self.fits_at(offer, entity, ids, units, at))
        return next(fitting, None)

    # --- fixed sets

    def known(self, offer: Offer) -> Release | None:
        if not offer.digest:
            raise RefusedError
        known = self.releases.get(offer.release)
        if known and known.state not in ("void", "discarded"):
            of = known.offer
            if (of.digest, of.units, of.unit, of.recipient) != (offer.digest, offer.units, offer.unit, offer.recipient):
                raise RefusedError
        return known

    def prepare(self, offer: Offer) -> Decision:
        known = self.known(offer)
        entity = self.welcome(offer)
        state = known.state if known else None
        if state in ("reserved", "published"):
            return self.answer(offer, entity, None, offer.units, state, granted=True, counted=0, repeated=True)
        if state in ("prepared", "withheld"):
            marks = {"repeated": True, "remembered": state == "withheld"}
            return self.answer(offer, entity, None, offer.units, state, **marks)
        self.releases[offer.release] = Release(offer, "prepared", offer.units)
        return self.answer(offer, entity, None, offer.units, "prepared")

    def reserve(self, offer: Offer, ids: set[int] | None, by: str | None) -> Decision:
        known = self.known(offer)
        state = known.state if known else None
        held = state in ("reserved", "published")
        if not held and offer.unit == "hydrated" and by is None:
            raise RefusedError
        entity = self.welcome(offer)
        if held:
            return self.answer(offer, entity, None, offer.units, state, granted=True, counted=0, repeated=True)
        remembered = by is None and state in ("withheld", "void", "discarded")
        if remembered or not self.fits_at(offer, entity, ids, offer.units, self.now):
            self.releases[offer.release] = Release(offer, "withheld", offer.units)
            marks = {"remembered": remembered, "repeated": remembered and state == "withheld"}
            return self.answer(offer, entity, ids, offer.units, "withheld", **marks)
        spared = self.spared(offer, entity, ids, self.now)
        again = set().union(*spared.values())
        decision = self.answer(
            offer, entity, ids, offer.units, "reserved", granted=True, counted=offer.units - len(again)
        )
        self.book(
            offer, entity, ids - again if ids is not None and in_series(offer) else None, offer.units - len(again)
        )
        for charge, taken in spared.items():
            charge.ids -= taken
        if again:
            self.book(offer, entity, again, len(again), has_left=True)
        self.releases[offer.release] = Release(offer, "reserved", offer.units)
        return decision

    def book(self, offer: Offer, entity: Entity, ids: set[int] | None, units: int, has_left: bool = False) -> None:
        capped = offer.cap is not None
        charge = Charge(
            offer.release, offer.entity, offer.recipient, offer.unit, self.now, capped, has_left, units, ids
        )
        self.charges.append(charge)
        if in_series(offer):
            entity.series.setdefault((offer.unit, offer.series), []).append(charge)

    # --- open sets

    def reserve_units(self, offer: Offer, ids: list[int]) -> tuple[Decision, list[int]]:
        known = self.releases.get(offer.release)
        if offer.unit == "hydrated" or offer.series:
            raise RefusedError
        if known and (known.offer.digest or known.offer.unit != offer.unit or known.offer.recipient != offer.recipient):
            raise RefusedError
        entity = self.welcome(offer)
        self.forget()
        open_set = self.open_sets.setdefault(offer.release, OpenSet({}, self.now))
        open_set.last = self.now
        new = set(ids) - open_set.parts.keys()
        state = known.state if known else None
        held = known.units if known and state in ("reserved", "published") else 0
        if new:
            stopped = open_set.closed or state == "void"
            if not stopped and self.fits_at(offer, entity, None, len(new), self.now):
                part, held = 0, held + len(new)
                decision = self.answer(offer, entity, None, len(new), "reserved", granted=True, counted=len(new))
                self.book(offer, entity, None, len(new))
                self.releases[offer.release] = Release(offer._replace(digest="", units=held), "reserved", held)
            else:
                part = 1 + sum(name.startswith(f"{offer.release}.") for name in self.releases)
                decision = self.answer(offer, entity, None, len(new), state or "withheld", remembered=stopped)
                supplement = offer._replace(release=f"{offer.release}.{part}", units=len(new), digest="?")
                self.releases[supplement.release] = Release(supplement, "withheld", len(new))
            open_set.parts.update(dict.fromkeys(new, part))
        else:
            withheld = len({one for one in ids if open_set.parts[one]})
            marks = {"granted": not withheld, "remembered": bool(withheld), "counted": 0, "repeated": True}
            decision = self.answer(offer, entity, None, withheld, state or "withheld", **marks)
        return decision._replace(units=held), [open_set.parts[one] for one in ids]

    def forget(self) -> None:
        for open_set in self.open_sets.values():
            if open_set.last < self.now - MONTH:
                open_set.parts, open_set.closed = {}, True

    # --- what becomes of releases

    def published(self, release: str) -> None:
        if release not in self.releases or self.releases[release].state not in ("reserved", "published"):
            raise RefusedError
        if self.releases[release].state == "reserved":
            self.releases[release].state = "published"
            for charge in self.charges:
                charge.has_left |= charge.release == release

    def void(self, release: str) -> int:
        if release not in self.releases or self.releases[release].state not in ("reserved", "published"):
            raise RefusedError
        given_back = [charge for charge in self.charges if charge.release == release and not charge.has_left]
        self.charges = [charge for charge in self.charges if charge not in given_back]
        self.open_sets.pop(release, None)
        self.releases[release].state = "void"
        return sum(charge.counted for charge in given_back)

    def discard(self, release: str) -> None:
        if release not in self.releases or self.releases[release].state not in ("prepared", "withheld"):
            raise RefusedError
        self.releases[release].state = "discarded"

    # --- answers

    def answer(
        self,
        offer: Offer,
        entity: Entity,
        ids: set[int] | None,
        units: int,
        state: str,
        *,
        granted: bool = False,
        counted: int = 0,
        **marks: bool,
    ) -> Decision:
        cap = offer.cap
        never = not granted and cap is not None and units > cap.units
        return Decision(
            granted=granted,
            release=offer.release,
            units=units if granted else 0,
            used=self.used(offer, entity, self.now) + counted,
            cap=cap.units if cap else None,
            clause=cap.clause if cap and not granted else offer.clause,
            state=state,
            never=never,
            fits_from=None if granted or never else self.fits_from(offer, entity, ids, units),
            **marks,
        )


def in_series(offer: Offer) -> bool:
    return bool(offer.series and offer.cap and offer.cap.per == "entity" and offer.cap.span == "rolling_30_days")
