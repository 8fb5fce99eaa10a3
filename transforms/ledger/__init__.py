"""The ledger: the account of what has left the house, to whom, and under which limit. No ledger, no release.

``open_ledger`` gives a ``Ledger``, in a file (SQLite) or on a server (PostgreSQL). Offers go in, decisions come out.
"""

from xsieve.transforms.ledger.answers import Event, Freeing, Known, UnitDecision, Usage, supplement_id
from xsieve.transforms.ledger.errors import DigestConflictError, LedgerError, MissingLedgerError
from xsieve.transforms.ledger.ledger import Ledger, open_ledger

__all__ = [
    "DigestConflictError",
    "Event",
    "Freeing",
    "Known",
    "Ledger",
    "LedgerError",
    "MissingLedgerError",
    "UnitDecision",
    "Usage",
    "open_ledger",
    "supplement_id",
]
