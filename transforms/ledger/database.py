"""The database under the ledger: connections that lose nothing they confirmed, transactions, locks, and time.

SQLite keeps its rollback journal (no WAL): the file may lie on a shared folder, where WAL loses writes, and a backup is one
file. A transaction that writes takes the whole file. On PostgreSQL two advisory locks, always taken in this order, let one
entity at a time be booked: *who is who*, shared by those who book, held alone by whoever changes it; then *one entity*.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from xsieve.transforms.ledger.errors import LedgerError, MissingLedgerError, plainly
from xsieve.transforms.ledger.limits import micros
from xsieve.transforms.ledger.migrations import NEWEST, known_version, migrate, version_of
from xsieve.transforms.ledger.schema import EVENTS

Clock = Callable[[], datetime]

_LOCKS = 0x78736965  # the first number of our advisory locks, so that they meet nobody else's
_WHO_IS_WHO = 0  # the second one; entities have numbers from 1
_CONNECT_SECONDS = 10
_IDLE_SECONDS = 600  # after which a program that hangs lets the others on
_LIMITS = text(
    "SELECT set_config('lock_timeout', :wait, true), set_config('idle_in_transaction_session_timeout', :idle, true), "
    # a server that confirms before it has written would forget what it granted
    "set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
    "ELSE current_setting('synchronous_commit') END, true)"
)
_FORMS = "sqlite:///outflow.db or postgresql://user@host/database"


class Database:
    """One of the two databases, at a URL."""

    def __init__(self, url: str, clock: Clock | None, patience: float) -> None:
        parsed = _parsed(url)
        self.name = _shown(parsed)  # for messages: without user and password
        self._file = parsed.database if parsed.get_backend_name() == "sqlite" else None
        self._clock, self._patience = clock, patience
        with plainly(self.name):
            self._engine = _engine(parsed, patience)
        self._server = self._engine.dialect.name == "postgresql"

    def open(self, create: bool) -> bool:
        """Make or migrate the tables; whether there were none."""
        if self._file and not create and not Path(self._file).exists():  # connecting would make it
            self._refuse_to_create()
        with self._transaction(write=False) as connection:
            version = version_of(connection)
        if version == 0 and not create:
            self._refuse_to_create()
        if version < NEWEST:
            with self._transaction(write=True) as connection:
                self.lock(connection)
                version = version_of(connection)  # another one may have been faster
                migrate(connection)
        return version == 0

    def _refuse_to_create(self) -> NoReturn:
        raise MissingLedgerError(f"there is no ledger at {self.name}; check the URL")

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that changes nothing."""
        with self._transaction(write=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction that is committed at its end, or not at all."""
        with self._transaction(write=True) as connection:
            self._expect_newest(connection)
            yield connection

    @contextmanager
    def rehearsing(self) -> Generator[Connection]:
        """A transaction like those that write, whose changes are never kept."""
        with self._transaction(write=True) as connection:
            self._expect_newest(connection)
            yield connection
            connection.rollback()

    def _expect_newest(self, connection: Connection) -> None:
        if known_version(connection) != NEWEST:
            raise LedgerError(f"the ledger {self.name} has been exchanged for an older one meanwhile")

    def lock(self, connection: Connection, entity: int = _WHO_IS_WHO, *, shared: bool = False) -> None:
        """Wait for who is who, or for an entity, until the end of the transaction; SQLite's writers have the whole file."""
        if self._server:
            lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
            connection.execute(select(lock(_LOCKS, entity)))

    def now(self, connection: Connection) -> int:
        """The ledger's own time: after the locks, and never before the last entry, so a clock set back frees nothing."""
        last = connection.scalar(select(func.max(EVENTS.c.at))) or 0
        return max(last, micros(self._time(connection)))

    def _time(self, connection: Connection) -> datetime:
        if self._clock:
            return self._clock()
        if self._server:
            return connection.execute(select(func.clock_timestamp())).scalar_one()
        return datetime.now(timezone.utc)

    @contextmanager
    def _transaction(self, write: bool) -> Generator[Connection]:
        with plainly(self.name), self._engine.connect().execution_options(xsieve_write=write) as connection:
            if self._server and write:
                connection.execute(
                    _LIMITS, {"wait": str(int(self._patience * 1000)), "idle": str(_IDLE_SECONDS * 1000)}
                )
            yield connection
            connection.commit()

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        _refuse(f"expected {_FORMS}")
    if parsed.get_backend_name() != "sqlite":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.database in (None, "", ":memory:") or parsed.query or parsed.host:
        _refuse("a file was expected, such as sqlite:///outflow.db; an account in memory is none")
    return parsed.set(drivername="sqlite")


def _refuse(why: str) -> NoReturn:
    raise LedgerError(f"the URL of the ledger is not one that it can use: {why}")


def _shown(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    port = f":{url.port}" if url.port else ""
    return f"{url.database or ''} on {url.host or 'this machine'}{port}".strip()


def _engine(url: URL, patience: float) -> Engine:
    if url.get_backend_name() == "sqlite":
        # a connection a transaction: it may hop threads, survive forks, and the file may be exchanged between them
        options = {"timeout": patience, "check_same_thread": False}
        engine = create_engine(url, poolclass=NullPool, connect_args=options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    # no prepared statements: poolers between here and the server lose them
    options = {"connect_timeout": _CONNECT_SECONDS, "prepare_threshold": None}
    return create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED", connect_args=options)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    for pragma in (
        "journal_mode = TRUNCATE",  # no WAL (above); and nothing of what was destroyed stays in a journal
        "synchronous = FULL",  # what is confirmed survives the loss of power
        "foreign_keys = ON",
        "secure_delete = ON",  # destroyed secrets and keys are overwritten
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("xsieve_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
