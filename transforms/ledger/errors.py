"""What the ledger says when it cannot answer: plain sentences, without the texts of libraries, which quote values and passwords."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

# what SQLite says (older Pythons tell no code) -> what a person is told
_SQLITE = {
    "locked": "is locked by another program, which has held it for too long; find out which, then run again",
    "readonly": "cannot be written to; check the rights of the file and of its folder",
    "unable to open": "cannot be opened; its folder must exist and be writable",
    "not a database": "is no ledger: the file is of another kind; choose another path",
    "no such table": "is not there any more, or another file is in its place; find it again before anything is released",
    "malformed": "is damaged; restore it from a backup",
    "disk is full": "cannot grow: the disk is full; make room, then run again",
    "disk i/o": "cannot be read or written: the disk fails; check it, then run again",
}
# what PostgreSQL says, by SQLSTATE or the class that it belongs to (its first two letters) -> what a person is told
_POSTGRES = {
    "55P03": "is locked by others, who have held it for too long; find out who, then run again",
    "25006": "cannot be written to: the server is read-only, a standby perhaps",
    "25P03": "gave up on this program, which held it and did nothing for too long; run again",
    "42501": "refuses what it was asked: the user lacks the rights for it",
    "3D000": "is not there: the server has no such database",
    "42P01": "is not there any more; find its tables again before anything is released",
    "28": "refuses the user or the password; check the URL of the ledger",
    "53": "cannot answer: the server is out of connections, memory or disk",
    "57": "cannot be reached: the server is shutting down or starting up",
    "08": "cannot be reached: the connection was lost",
    "40": "was busy with something that excluded this; run again",
}


class LedgerError(Exception):
    """The ledger cannot answer, so nothing is granted. Says what is wrong and what to do."""


class MissingLedgerError(LedgerError):
    """There is no ledger at the URL, and none was to be made."""


class DigestConflictError(LedgerError):
    """A release that is known was offered again as another one: other units, recipient or kind of unit."""


@contextmanager
def plainly(name: str) -> Generator[None]:
    """Errors of the database, of which each has its own, as ours."""
    try:
        yield
    except (SQLAlchemyError, ImportError) as error:
        raise LedgerError(f"the ledger {name} {_what(error)}") from None
    except (UnicodeError, OverflowError):
        raise LedgerError(f"the ledger {name} cannot hold a text or number of the offer") from None


def _what(error: SQLAlchemyError | ImportError) -> str:
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, ImportError):
        return "needs a driver that is not installed; see the extra xsieve[postgres]"
    if isinstance(state := getattr(cause, "sqlstate", None), str):
        return _POSTGRES.get(state) or _POSTGRES.get(state[:2]) or f"cannot answer (SQLSTATE {state})"
    text = str(cause).lower() if type(cause).__module__ == "sqlite3" else ""
    if said := next((said for sign, said in _SQLITE.items() if sign in text), None):
        return said
    if not text and isinstance(error, OperationalError | InterfaceError):
        return "cannot be reached; is the server up, and is the URL right: host, port, database, user and password?"
    return f"cannot answer ({type(cause).__name__})"
