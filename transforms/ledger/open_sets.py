"""Open sets of units: a window of a stream, whose units come in slices, in any order, and again whenever a runner replays.

The release holds what was granted. Each slice whose new units were denied becomes a supplement, numbered from 1, that is
a release of its own. A unit stays where it first came to be, whatever becomes of it there.
"""

import hashlib

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select

from xsieve.transforms.ledger.answers import UnitDecision, supplement_id
from xsieve.transforms.ledger.booking import GIVEN_UP, HELD, Booking, Claim
from xsieve.transforms.ledger.errors import LedgerError
from xsieve.transforms.ledger.fixed_sets import refuse_another
from xsieve.transforms.ledger.schema import RELEASES
from xsieve.transforms.ledger.unit_keys import Keys, Scope, add_keys, among, in_order, key_sets, open_scope
from xsieve.transforms.records.outflow import Decision

OPEN = ""  # the digest of an open set
_NEW = -1  # a part that is none yet


def scope_of(release: str) -> str:
    """The name of the scope of an open set."""
    return f"release {release}"


def reserve_units(book: Booking, ids: npt.NDArray[np.int64]) -> UnitDecision:
    """Grant or deny what is new; say of all where it is."""
    _refuse_what_it_is_not(book)
    scope = open_scope(book.connection, scope_of(book.offer.release), book.now)
    distinct, places = np.unique(ids, return_inverse=True)
    keys, order = in_order(distinct, scope.secret)
    parts = np.full(len(keys), _NEW, np.int32)
    for known in key_sets(book.connection, scope):
        parts[among(keys, known.keys)] = known.part
    new = keys[parts == _NEW]
    if len(new):
        decision, part = _decide(book, scope, new)
        parts[parts == _NEW] = part
    else:
        decision = _answer_again(book, withheld=int(np.count_nonzero(parts)))
    by_id = np.empty_like(parts)
    by_id[order] = parts
    return UnitDecision(decision, by_id[places])


def _refuse_what_it_is_not(book: Booking) -> None:
    offer, known = book.offer, book.known
    if offer.series:
        raise LedgerError(
            f"release {offer.release} is an open set and belongs to a series; a series takes fixed sets only"
        )
    if known and (known.digest, known.unit, known.recipient) != (OPEN, offer.unit, book.party.recipient):
        refuse_another(book)


def _decide(book: Booking, scope: Scope, new: Keys) -> tuple[Decision, int]:
    """The decision on new keys, and the part that they belong to from now on."""
    claim, held = Claim(len(new), len(new)), _held(book)
    stopped = "closed" if scope.closed else book.state if book.state in GIVEN_UP else None
    if book.fits(claim) and not stopped:
        book.save("reserved", book.offer._replace(units=held + len(new), digest=OPEN))
        add_keys(book.connection, scope, new, book.now, charge=book.charge(len(new)))
        book.note("reserved", book.offer._replace(units=len(new), digest=_digest(new)), counted=len(new))
        return book.answer("reserved", claim, granted=True, units=held + len(new)), 0
    part = _add_supplement(book, scope, new, why=stopped or "limit")
    return book.answer(book.state or "withheld", claim, units=held, remembered=bool(stopped)), part


def _add_supplement(book: Booking, scope: Scope, new: Keys, why: str) -> int:
    release = book.offer.release
    count = select(func.count()).select_from(RELEASES).where(RELEASES.c.supplement_of == release)
    part = 1 + (book.connection.scalar(count) or 0)
    add_keys(book.connection, scope, new, book.now, charge=None, part=part)
    offer = book.offer._replace(release=supplement_id(release, part), units=len(new), digest=_digest(new))
    book.withhold(offer, why=why, supplement_of=release)
    return part


def _answer_again(book: Booking, withheld: int) -> Decision:
    """The decision on units that are all known, so many of them withheld."""
    claim, state, granted = Claim(withheld, withheld), book.state or "withheld", not withheld
    return book.answer(state, claim, granted=granted, units=_held(book), repeated=True, remembered=not granted)


def _held(book: Booking) -> int:
    return book.known.units if book.known and book.state in HELD else 0


def _digest(keys: Keys) -> str:
    return hashlib.sha256(keys.tobytes()).hexdigest()
