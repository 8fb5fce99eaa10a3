"""An offer at the counter: in one transaction that holds its entity it is compared with the account and written into it."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from xsieve.transforms.ledger.answers import Kind
from xsieve.transforms.ledger.charges import frees, line_of, used
from xsieve.transforms.ledger.entities import Party
from xsieve.transforms.ledger.entries import find_release, note, save_release
from xsieve.transforms.ledger.limits import fits, fits_from, moment
from xsieve.transforms.ledger.schema import CHARGES, number_of
from xsieve.transforms.records.outflow import Decision, Offer, State

HELD = frozenset({"reserved", "published"})
GIVEN_UP = frozenset({"void", "discarded"})


class Claim(NamedTuple):
    """What granting an offer would add to the account."""

    new: int  # units that are not counted yet
    total: int
    overlap: Mapping[int, int] = {}  # charge -> units that this offer takes over from it


class Booking:
    """An offer, the transaction that holds its entity, and what the ledger knew of the release before."""

    def __init__(self, connection: Connection, offer: Offer, party: Party, now: int) -> None:
        self.connection, self.offer, self.party, self.now = connection, offer, party, now
        self.known = find_release(connection, offer.release)
        self.state: State | None = self.known.state if self.known else None
        self.line = line_of(offer.unit, offer.cap)
        self.used = used(connection, party, self.line, capped=offer.cap is not None, now=now)

    def fits(self, claim: Claim) -> bool:
        """Whether the cap leaves room for it."""
        return fits(self.offer.cap, self.used, claim.new, claim.total)

    def charge(self, units: int, *, has_left: bool = False) -> int:
        """Count units from now on; the number of the charge."""
        charge = {
            "release_id": self.offer.release,
            "entity": self.party.entity,
            "recipient": self.party.recipient,
            "unit": self.offer.unit,
            "counted": units,
            "received": units,
            "cap": self.offer.cap and self.offer.cap.units,
            "has_left": has_left,
            "at": self.now,
        }
        return number_of(self.connection.execute(CHARGES.insert(), charge))

    def save(self, state: State, offer: Offer | None = None, *, supplement_of: str | None = None) -> None:
        """Write down how the release, or a part of it, stands from now on."""
        save_release(
            self.connection,
            offer or self.offer,
            self.now,
            entity=self.party.entity,
            recipient=self.party.recipient,
            state=state,
            supplement_of=supplement_of,
        )

    def note(self, kind: Kind, offer: Offer | None = None, *, counted: int = 0, by: str | None = None) -> None:
        """Add an entry to the account."""
        used_then = self.used + counted
        note(self.connection, offer or self.offer, self.now, kind, counted=counted, used=used_then, by=by)

    def withhold(
        self, offer: Offer, *, by: str | None = None, why: str = "limit", supplement_of: str | None = None
    ) -> None:
        """Refuse the release, or a part of it, until a person releases it."""
        self.save("withheld", offer, supplement_of=supplement_of)
        clause = offer.cap.clause if offer.cap else offer.clause
        note(
            self.connection, offer, self.now, "withheld", clause=clause, used=self.used, by=by, detail={"because": why}
        )

    def answer(
        self, state: State, claim: Claim, *, granted: bool = False, units: int | None = None, **marks: bool
    ) -> Decision:
        """The decision, with what it rests on; ``units``: held of the release, if not all or none."""
        cap = self.offer.cap
        never = not granted and cap is not None and claim.total > cap.units
        return Decision(
            granted=granted,
            release=self.offer.release,
            units=units if units is not None else claim.total if granted else 0,
            used=self.used + (claim.new if granted else 0),
            cap=cap and cap.units,
            clause=cap.clause if cap and not granted else self.offer.clause,
            state=state,
            never=never,
            fits_from=None if granted or never else self._fits_from(claim),
            **marks,
        )

    def _fits_from(self, claim: Claim) -> datetime | None:
        cap = self.offer.cap
        if cap is None:
            return moment(self.now)
        counting = frees(self.connection, self.party, self.line, now=self.now)
        net = ((when, units - claim.overlap.get(charge, 0)) for when, units, charge in counting)
        at = fits_from(net, self.used + claim.new - cap.units, self.now)
        return None if at is None else moment(at)
