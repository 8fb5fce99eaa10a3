"""Fixed sets of units: a release that is known whole before it is offered, as in a batch."""

from typing import NoReturn

import numpy as np
import numpy.typing as npt

from xsieve.transforms.ledger.booking import GIVEN_UP, HELD, Booking, Claim
from xsieve.transforms.ledger.errors import DigestConflictError, LedgerError
from xsieve.transforms.ledger.series import Series
from xsieve.transforms.records.outflow import Decision

_WAY_OUT = {"prepared": "discard", "withheld": "discard", "reserved": "void", "published": "void"}


def prepare(book: Booking) -> Decision:
    """Record a release that waits for a person."""
    _refuse_another_set(book)
    whole = Claim(book.offer.units, book.offer.units)
    if book.state in HELD:
        return book.answer(book.state, whole._replace(new=0), granted=True, repeated=True)
    if book.state is None or book.state in GIVEN_UP:
        book.save("prepared")
        book.note("prepared")
        return book.answer("prepared", whole)
    return book.answer(book.state, whole, repeated=True, remembered=book.state == "withheld")


def reserve(book: Booking, ids: npt.NDArray[np.int64] | None, by: str | None) -> Decision:
    """Reserve a release whole or not at all."""
    _refuse_another_set(book)
    units = book.offer.units
    if book.state in HELD:
        return book.answer(book.state, Claim(0, units), granted=True, repeated=True)
    if book.offer.unit == "hydrated" and by is None:
        raise LedgerError(f"release {book.offer.release} is hydrated, so a person has to release it; prepare it first")
    series = Series.of(book, ids)
    claim = series.claim if series else Claim(units, units)
    remembered = by is None and (book.state == "withheld" or book.state in GIVEN_UP)
    if book.fits(claim) and not remembered:
        book.save("reserved")
        charge = book.charge(claim.new)
        if series:
            series.take(book, charge)
        book.note("reserved", counted=claim.new, by=by)
        return book.answer("reserved", claim, granted=True)
    again = remembered and book.state == "withheld"
    if not again:
        book.withhold(book.offer, by=by, why=book.state if remembered and book.state else "limit")
    return book.answer("withheld", claim, remembered=remembered, repeated=again)


def _refuse_another_set(book: Booking) -> None:
    """Raise LedgerError unless the release is new, the same as before, or one that was given up."""
    offer, known = book.offer, book.known
    if not offer.digest:
        raise LedgerError(f"release {offer.release} has no digest, which a fixed set of units needs")
    if offer.units < 0:
        raise LedgerError(f"release {offer.release} offers fewer units than none")
    if known is None or known.state in GIVEN_UP:
        return
    same = offer.digest, offer.units, offer.unit, book.party.recipient
    if (known.digest, known.units, known.unit, known.recipient) != same:
        refuse_another(book)


def refuse_another(book: Booking) -> NoReturn:
    """Raise DigestConflictError: the release was another one before."""
    way_out = _WAY_OUT.get(book.state or "", "keep")
    raise DigestConflictError(
        f"release {book.offer.release} is known to the ledger with other units, another recipient or another kind of unit, "
        f"and is {book.state}; {way_out} that one, or give the output another name"
    )
