"""The account: releases are prepared, reserved, published, and nothing is granted that the limits or the account refuse.

Every method that changes something is one transaction. Whatever fails raises LedgerError, and nothing is granted. A ledger
may be used by many threads and by many processes at once; it cannot be pickled: workers open their own, by its URL.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from xsieve.transforms.ledger.answers import Event, Known, UnitDecision, Usage
from xsieve.transforms.records.outflow import Decision, Offer, State

Clock = Callable[[], datetime]


def open_ledger(url: str, *, clock: Clock | None = None, create: bool = True, patience: float = 60) -> "Ledger":
    """Open a ledger, ``sqlite:///outflow.db`` or ``postgresql://user@host/database``; make or migrate its tables.

    ``clock`` is for tests: without it, time is that of the PostgreSQL server, or of this machine. ``create`` false refuses
    a ledger that is not there. ``patience`` is how many seconds to wait while others hold it. Raises LedgerError.
    """
    raise NotImplementedError


class Ledger:
    """An open ledger. Use it in a ``with`` statement, or close it."""

    created: bool  # it was not there before: nothing counts in it that was released earlier

    def prepare(self, offer: Offer) -> Decision:
        """Record a release that waits for a person (kind hydrated). Nothing is counted, and nothing granted."""
        raise NotImplementedError

    def reserve(self, offer: Offer, *, ids: npt.NDArray[np.int64] | None = None, by: str | None = None) -> Decision:
        """Reserve a fixed set of units, whole or not at all; they count from now on.

        The same release again is a no-op that is granted; with another digest it is a DigestConflictError. A denial stays (the
        release is withheld), even if it fits by now, until a person (``by``) releases it; so do void and discarded ones.
        Hydrated units are never reserved without a person. A ``series`` that has a cap needs its ``ids``: those that the
        entity has received in the series within 30 days are not counted again (they count 30 days from now).
        """
        raise NotImplementedError

    def reserve_units(self, offer: Offer, ids: npt.NDArray[np.int64]) -> UnitDecision:
        """Reserve units of an open set (a window of a stream): offered in any slices, any order, and again.

        What is held stays granted. What is new is granted or denied as a whole; what is denied becomes a numbered
        supplement, a release of its own that is withheld until a person reserves it: ``reserve(known.offer, by=PERSON)``.
        ``offer.units`` and ``offer.digest`` are not looked at.
        """
        raise NotImplementedError

    def published(self, release: str, *, place: str, files: Iterable[Mapping[str, Any]] = ()) -> Known:
        """Record that what is reserved has left: it counts for good. Again is a no-op."""
        raise NotImplementedError

    def void(self, release: str, *, reason: str, by: str) -> int:
        """Give up a release that is reserved or published; the units that no longer count.

        What was reserved and never published is given back. What was published stays counted: it has left.
        """
        raise NotImplementedError

    def discard(self, release: str, *, by: str) -> None:
        """Give up a release that is prepared or withheld. Nothing of it was counted."""
        raise NotImplementedError

    def release(self, release: str) -> Known | None:
        """A release as it is now, None if the ledger has never heard of it."""
        raise NotImplementedError

    def releases(self, *states: State) -> list[Known]:
        """All releases in some states (none given: in any), oldest first."""
        raise NotImplementedError

    def stale(self, older_than: timedelta) -> list[Known]:
        """What was reserved longer ago than that and never published."""
        raise NotImplementedError

    def usage(self, as_of: datetime | None = None) -> list[Usage]:
        """What every entity and recipient has used, now or as it will be or was at a time."""
        raise NotImplementedError

    def events(self, release: str | None = None, *, since: datetime | None = None) -> Iterator[Event]:
        """The entries of the account, oldest first."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connections."""

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
