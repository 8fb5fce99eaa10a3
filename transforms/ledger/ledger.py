"""The account: releases are prepared, reserved, published, and nothing is granted that the limits or the account refuse.

Every method that changes something is one transaction. Whatever fails raises LedgerError, and nothing is granted. A ledger
may be used by many threads and by many processes at once; it cannot be pickled: workers open their own, by its URL.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, delete, func, select, update

from xsieve.transforms.ledger import fixed_sets, open_sets
from xsieve.transforms.ledger.answers import Event, Known, UnitDecision, Usage
from xsieve.transforms.ledger.booking import HELD, Booking
from xsieve.transforms.ledger.charges import usage
from xsieve.transforms.ledger.database import Clock, Database
from xsieve.transforms.ledger.entities import Party, find, settle
from xsieve.transforms.ledger.entries import event_of, find_release, known_of, note, set_state
from xsieve.transforms.ledger.errors import LedgerError
from xsieve.transforms.ledger.limits import ROLLING, micros
from xsieve.transforms.ledger.schema import CHARGES, EVENTS, RELEASES
from xsieve.transforms.ledger.unit_keys import drop_scope, forget
from xsieve.transforms.records.outflow import Decision, Offer, State

Ids = npt.NDArray[np.int64]
_PAGE = 1000  # entries read at a time


def open_ledger(url: str, *, clock: Clock | None = None, create: bool = True, patience: float = 60) -> "Ledger":
    """Open a ledger, ``sqlite:///outflow.db`` or ``postgresql://user@host/database``; make or migrate its tables.

    ``clock`` is for tests: without it, time is that of the PostgreSQL server, or of this machine. ``create`` false refuses
    a ledger that is not there (MissingLedgerError). ``patience``: seconds to wait while others hold it. Raises LedgerError.
    """
    database = Database(url, clock, patience)
    return Ledger(database, created=database.open(create))


class Standing(NamedTuple):
    """A release at hand: in a transaction that holds its entity, at a time of the ledger."""

    connection: Connection
    now: int
    known: Known


class Ledger:
    """An open ledger. Use it in a ``with`` statement, or close it."""

    def __init__(self, database: Database, *, created: bool) -> None:
        self._database = database
        self.created = created  # it was not there before: what was released earlier does not count in it

    # --- offers

    def offer(self, offers: Iterable[tuple[Offer, Ids | None]]) -> list[Decision]:
        """Offer the releases of a run together, each with its ids if ``reserve`` needs them: hydrated ones are prepared,
        all others reserved. One transaction: either all of it has happened, or nothing.
        """
        with self._database.writing() as connection:
            self._database.lock(connection)
            now = self._database.now(connection)
            return [_offered(_newcomer(connection, offer, now), ids) for offer, ids in offers]

    def prepare(self, offer: Offer) -> Decision:
        """Record a release that waits for a person (kind hydrated). Nothing is counted, and nothing granted."""
        with self._booking(offer) as book:
            return fixed_sets.prepare(book)

    def reserve(self, offer: Offer, *, ids: Ids | None = None, by: str | None = None) -> Decision:
        """Reserve a fixed set of units, whole or not at all; they count from now on.

        The same release again is a no-op that is granted; another set under its id is a DigestConflictError. A denial stays
        (the release is withheld), even if it fits by now, until a person (``by``) releases it; so do void and discarded
        ones. Hydrated units are never reserved without a person. A ``series`` that has a cap needs its ``ids``: those that
        the entity has received in the series within 30 days are not counted again; they count until 30 days from now.
        """
        with self._booking(offer) as book:
            return fixed_sets.reserve(book, ids, _person(by) if by is not None else None)

    def reserve_units(self, offer: Offer, ids: Ids) -> UnitDecision:
        """Reserve units of an open set (a window of a stream): offered in any slices, any order, and again.

        What is held stays granted. What is new is granted or denied as a whole; what is denied becomes a numbered
        supplement, a release of its own that is withheld until a person reserves it: ``reserve(known.offer, by=PERSON)``.
        ``offer.units`` and ``offer.digest`` are not looked at.
        """
        if offer.unit == "hydrated":
            raise LedgerError(f"release {offer.release} is hydrated, and no stream may hand that over")
        with self._booking(offer) as book:
            return open_sets.reserve_units(book, ids)

    def weigh(
        self, offer: Offer, *, ids: Ids | None = None, at: datetime | None = None, after: Iterable[Offer] = ()
    ) -> Decision:
        """What reserving a fixed set would be answered now or at a time, without a person. Nothing is written.

        ``after``: offers that would be reserved before it. ``used`` is always without it. Hydrated units would be prepared.
        """
        with self._database.rehearsing() as connection:
            self._database.lock(connection)
            now = self._database.now(connection) if at is None else micros(at)
            for earlier in after:
                if earlier.unit != "hydrated":
                    fixed_sets.reserve(_newcomer(connection, earlier._replace(series=None), now), None, None)
            book = _newcomer(connection, offer, now)
            return _offered(book, ids)._replace(used=book.used)

    @contextmanager
    def _booking(self, offer: Offer) -> Generator[Booking]:
        """A transaction in which nobody else books for the entity of an offer."""
        with self._database.writing() as connection:
            self._database.lock(connection, shared=True)
            if party := find(connection, offer):
                self._database.lock(connection, party.entity)
                yield _at_the_counter(connection, offer, party, self._database.now(connection))
                return
        with self._database.writing() as connection:  # it has news of who is who: nobody books meanwhile
            self._database.lock(connection)
            yield _newcomer(connection, offer, self._database.now(connection))

    # --- what becomes of releases

    def published(self, release: str, *, place: str, files: Iterable[Mapping[str, Any]] = ()) -> Known:
        """Record that what is reserved has left: it counts for good. Again is a no-op."""
        with self._changing(release) as standing:
            return _left(standing, place, files)

    def all_published(self, left: Iterable[tuple[str, str, Iterable[Mapping[str, Any]]]]) -> None:
        """Record that releases of one run have left, each with its place and files. One transaction."""
        with self._database.writing() as connection:
            self._database.lock(connection)
            now = self._database.now(connection)
            for release, place, files in left:
                _left(Standing(connection, now, known_of(_known(connection, release))), place, files)

    def void(self, release: str, *, reason: str, by: str) -> int:
        """Give up a release that is reserved or published; the units that no longer count.

        What was reserved and never published is given back. What was published stays counted: it has left.
        """
        person, reason = _person(by), reason.strip()
        if not reason:
            raise LedgerError(f"release {release} cannot be made void without a reason")
        with self._changing(release) as (connection, now, known):
            _expect(known, HELD, "holds no units; what is prepared or withheld is discarded instead")
            kept = CHARGES.c.release_id == release, CHARGES.c.has_left.is_(False)
            freed = int(connection.scalar(select(func.coalesce(func.sum(CHARGES.c.counted), 0)).where(*kept)) or 0)
            connection.execute(delete(CHARGES).where(*kept))
            drop_scope(connection, open_sets.scope_of(release))
            set_state(connection, release, "void", now)
            note(connection, known.offer, now, "void", counted=-freed, by=person, detail={"reason": reason})
            return freed

    def discard(self, release: str, *, by: str) -> None:
        """Give up a release that is prepared or withheld. Nothing of it was counted."""
        with self._changing(release) as (connection, now, known):
            _expect(known, frozenset({"prepared", "withheld"}), "is not waiting; what is reserved can be made void")
            set_state(connection, release, "discarded", now)
            note(connection, known.offer, now, "discarded", by=_person(by))

    @contextmanager
    def _changing(self, release: str) -> Generator[Standing]:
        with self._database.writing() as connection:
            self._database.lock(connection, shared=True)
            self._database.lock(connection, _known(connection, release).entity)
            yield Standing(connection, self._database.now(connection), _again(connection, release))

    # --- what it knows

    def release(self, release: str) -> Known | None:
        """A release as it is now, None if the ledger has never heard of it."""
        with self._database.reading() as connection:
            row = find_release(connection, release)
            return known_of(row) if row else None

    def releases(self, *states: State) -> list[Known]:
        """All releases in some states (none given: in any), oldest first."""
        wanted = select(RELEASES).order_by(RELEASES.c.first_at, RELEASES.c.release_id)
        if states:
            wanted = wanted.where(RELEASES.c.state.in_(states))
        with self._database.reading() as connection:
            return [known_of(row) for row in connection.execute(wanted)]

    def stale(self, older_than: timedelta) -> list[Known]:
        """What was reserved longer ago than that and never published."""
        with self._database.reading() as connection:
            latest = self._database.now(connection) - older_than // timedelta(microseconds=1)
            old = RELEASES.c.state == "reserved", RELEASES.c.since_at < latest
            return [
                known_of(row) for row in connection.execute(select(RELEASES).where(*old).order_by(RELEASES.c.since_at))
            ]

    def usage(self, as_of: datetime | None = None) -> list[Usage]:
        """What every entity and recipient has used, now or as it will be or was at a time."""
        with self._database.reading() as connection:
            return usage(connection, self._database.now(connection) if as_of is None else micros(as_of))

    def events(self, release: str | None = None, *, since: datetime | None = None) -> Iterator[Event]:
        """The entries of the account, oldest first. Nobody is kept waiting while they are looked at."""
        wanted = select(EVENTS).order_by(EVENTS.c.id).limit(_PAGE)
        if release is not None:
            wanted = wanted.where(EVENTS.c.release_id == release)
        if since is not None:
            wanted = wanted.where(EVENTS.c.at >= micros(since))
        last, page = 0, [None] * _PAGE
        while len(page) == _PAGE:
            with self._database.reading() as connection:
                page = [event_of(row) for row in connection.execute(wanted.where(EVENTS.c.id > last))]
            yield from page
            last = page[-1].number if page else last

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _newcomer(connection: Connection, offer: Offer, now: int) -> Booking:
    """An offer that may have news of who is who, which is locked."""
    return _at_the_counter(connection, offer, settle(connection, offer, now), now)


def _at_the_counter(connection: Connection, offer: Offer, party: Party, now: int) -> Booking:
    forget(connection, now - ROLLING)
    return Booking(connection, offer, party, now)


def _offered(book: Booking, ids: Ids | None) -> Decision:
    """What an offer without a person is answered."""
    return fixed_sets.prepare(book) if book.offer.unit == "hydrated" else fixed_sets.reserve(book, ids, None)


def _left(standing: Standing, place: str, files: Iterable[Mapping[str, Any]]) -> Known:
    connection, now, known = standing
    _expect(known, HELD, "was not granted, so nothing of it may be published")
    if known.state == "published":
        return known
    release = known.offer.release
    connection.execute(update(CHARGES).where(CHARGES.c.release_id == release).values(has_left=True))
    set_state(connection, release, "published", now)
    detail = {"place": place, "files": [dict(file) for file in files]}
    note(connection, known.offer, now, "published", detail=detail)
    return _again(connection, release)


def _known(connection: Connection, release: str) -> Row[Any]:
    row = find_release(connection, release)
    if row is None:
        raise LedgerError(f"the ledger has never heard of release {release}; see xsieve ledger show")
    return row


def _again(connection: Connection, release: str) -> Known:
    row = find_release(connection, release)
    assert row is not None  # releases are never removed
    return known_of(row)


def _expect(known: Known, states: frozenset[str], otherwise: str) -> None:
    if known.state not in states:
        raise LedgerError(f"release {known.offer.release} is {known.state}: it {otherwise}")


def _person(by: str) -> str:
    if not by.strip():
        raise LedgerError("a person has to be named for this")
    return by.strip()
