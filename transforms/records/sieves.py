"""The verbs, on a batch of lines: strip identifiers, dehydrate, keep what is public, drop what is sensitive. Without Beam, without files.

    >>> passed = strip_identifiers('{"id": "1580000000000000000", "text": "Sun over #Lisbon, thanks @anna"}')
    >>> passed.counts["out", ""], passed.content.as_dicts()[0]["is_repost"]
    (1, False)

Each gives a ``Sifted``: what passes, the count of everything that happened, and the rejects.
"""

import threading
from collections.abc import Iterable
from typing import Any

from xsieve.transforms.records.batch import RawBatch
from xsieve.transforms.records.hydrated import Hydrated, HydratedSieve
from xsieve.transforms.records.ids import Ids, IdsSieve
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.rows import Rows, RowsSieve
from xsieve.transforms.records.sift import Sieve, Sifted
from xsieve.transforms.records.store import StoreSieve

Lines = bytes | str | Iterable[bytes | str]

ROWS, IDS, HYDRATED, STORE = Plan("rows"), Plan("ids"), Plan("hydrated"), Plan("store")
_KINDS: dict[str, type[Sieve[Any]]] = {
    "rows": RowsSieve,
    "ids": IdsSieve,
    "hydrated": HydratedSieve,
    "store": StoreSieve,
}


def sieve_for(plan: Plan) -> Sieve[Any]:
    """The compiled plan: compiled once in each thread, because decoders may not be shared by threads."""
    compiled: dict[str, Sieve[Any]] = _compiled.__dict__
    if plan.fingerprint not in compiled:
        compiled[plan.fingerprint] = _KINDS[plan.kind](plan)
    return compiled[plan.fingerprint]


_compiled = threading.local()


def batch_of(lines: Lines) -> RawBatch:
    """JSON documents, one a line, as a batch: from bytes, text, or many of either."""
    if isinstance(lines, str):
        lines = lines.encode("utf-8", "surrogatepass")
    if not isinstance(lines, bytes):
        lines = b"\n".join(line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line for line in lines)
    return RawBatch(lines, 0, 0)


def strip_identifiers(lines: Lines, plan: Plan = ROWS) -> Sifted[Rows]:
    """Posts as flat rows without user ids, handles, names, post ids, links, exact times and places (kind ``rows``)."""
    return sieve_for(plan)(batch_of(lines))


def dehydrate(lines: Lines, plan: Plan = IDS) -> Sifted[Ids]:
    """The ids of the posts, authors or DMs that the plan asks for, as int64, repeats included (kind ``ids``)."""
    return sieve_for(plan)(batch_of(lines))


def keep_public(lines: Lines, plan: Plan = HYDRATED) -> Sifted[Hydrated]:
    """The posts and users that are public for certain, in their own shape, and all objects in them (kind ``hydrated``)."""
    return sieve_for(plan)(batch_of(lines))


def drop_sensitive(lines: Lines, plan: Plan = STORE) -> Sifted[bytes]:
    """The payloads in their own shape, less what must not be stored, as JSON lines (kind ``store``)."""
    return sieve_for(plan)(batch_of(lines))
