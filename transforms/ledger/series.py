"""Series: a data set that is corrected and issued again to the same entity counts each id once in 30 days.

An id that was received before and is received again counts from the later time, so that no 30 days hold more distinct ids
than the cap: its key moves from the earlier charge to one of the later release. What moved stays counted if that release is
given up: the earlier one may have left.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import update

from xsieve.transforms.ledger.booking import Booking, Claim
from xsieve.transforms.ledger.errors import LedgerError
from xsieve.transforms.ledger.limits import ROLLING
from xsieve.transforms.ledger.schema import CHARGES
from xsieve.transforms.ledger.unit_keys import (
    Keys,
    KeySet,
    Mask,
    Scope,
    add_keys,
    among,
    distinct,
    forget_within,
    in_order,
    key_sets,
    open_scope,
    take_keys,
)


class Series(NamedTuple):
    """The ids of an offer, told apart by what the entity has received in the series."""

    scope: Scope
    new: Keys
    again: Keys
    sources: tuple[tuple[KeySet, Mask], ...]  # where those that come again are counted

    @classmethod
    def of(cls, book: Booking, ids: npt.NDArray[np.int64] | None) -> "Series | None":
        """None where nothing is spared: without a series, or without a cap on what an entity receives in 30 days."""
        offer = book.offer
        if not (offer.series and offer.cap and (offer.cap.per, offer.cap.span) == ("entity", "rolling_30_days")):
            return None
        if ids is None:
            raise LedgerError(f"release {offer.release} belongs to a series, so the ledger needs its ids")
        scope = open_scope(book.connection, f"series {book.party.entity} {offer.unit} {offer.series}", book.now)
        forget_within(book.connection, scope, book.now - ROLLING)
        keys, _ = in_order(distinct(ids), scope.secret)
        if len(keys) != offer.units:
            raise LedgerError(f"release {offer.release} offers {offer.units} units, but {len(keys)} distinct ids")
        found = ((known, among(known.keys, keys)) for known in key_sets(book.connection, scope))
        sources = tuple((known, hit) for known, hit in found if hit.any())
        counted = np.zeros(len(keys), np.bool_)
        for known, hit in sources:
            counted[np.searchsorted(keys, known.keys[hit])] = True
        return cls(scope, keys[~counted], keys[counted], sources)

    @property
    def claim(self) -> Claim:
        """What granting the offer would add."""
        overlap = {known.charge: int(hit.sum()) for known, hit in self.sources if known.charge is not None}
        return Claim(len(self.new), len(self.new) + len(self.again), overlap)

    def take(self, book: Booking, charge: int) -> None:
        """Put the new keys under the charge, and those that come again under one of now."""
        add_keys(book.connection, self.scope, self.new, book.now, charge=charge)
        if not len(self.again):
            return
        for known, hit in self.sources:
            take_keys(book.connection, known, hit)
            less = CHARGES.c.counted - int(hit.sum())
            book.connection.execute(update(CHARGES).where(CHARGES.c.id == known.charge).values(counted=less))
        later = book.charge(len(self.again), has_left=True)
        add_keys(book.connection, self.scope, self.again, book.now, charge=later)
