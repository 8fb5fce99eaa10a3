"""What cannot be answered is a LedgerError in plain words: nothing is granted, and no password or library's text is shown."""

import os
import resource
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from clusters.postgres import PASSWORD, Postgres
from ledger.offers import Clock, hydrated, offer

from xsieve.transforms.ledger import Ledger, LedgerError, MissingLedgerError, open_ledger
from xsieve.transforms.ledger import database as database_module

SECRETS = (PASSWORD, "pass%2Dw0rd", "hunter2", "psycopg", "sqlite3", "SELECT", "INSERT", "Traceback")


def plain(error: BaseException) -> str:
    """What a person reads: one sentence or two, nothing of what may not be shown, also not in a traceback's causes."""
    said = str(error)
    shown = "".join(traceback.format_exception(error)).rpartition("LedgerError: ")[2]
    assert not [secret for secret in SECRETS if secret in said + shown]
    assert "\n" not in said
    assert "direct cause" not in "".join(traceback.format_exception(error))
    return said


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(LedgerError) as caught:
        act()
    return plain(caught.value)


# --- URLs


@pytest.mark.parametrize(
    "url",
    [
        "",
        "outflow.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "sqlite://host/outflow.db",
        "mysql://anna:hunter2@host/db",
        "postgresql://anna:hunter2@host:port/db",
        "oracle+nonsense://anna:hunter2@host",
        "://hunter2",
    ],
)
def test_a_url_of_another_kind_is_refused_and_not_repeated(url: str) -> None:
    """It may hold a password, wherever its parts are."""
    said = refused(lambda: open_ledger(url))
    assert "sqlite:///outflow.db" in said
    assert "anna" not in said


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_postgresql_is_known_by_all_its_names(postgres: Postgres, postgres_url: str, scheme: str) -> None:
    """One driver serves them all."""
    with open_ledger(postgres_url.replace("postgresql", scheme, 1)) as ledger:
        assert ledger.reserve(offer()).granted


def test_a_missing_driver_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""

    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'")

    monkeypatch.setattr(database_module, "create_engine", missing)
    assert "xsieve[postgres]" in "".join(
        str(e) for e in [raised(lambda: open_ledger("postgresql://anna:hunter2@host/db"))]
    )


def raised(act: Callable[[], object]) -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        act()
    return caught.value


# --- ledgers that are not there, or are something else


def test_a_missing_ledger_is_not_made_where_none_was_asked_for(url: str, request: pytest.FixtureRequest) -> None:
    """A typing error must not begin a new account; nothing is left behind."""
    with pytest.raises(MissingLedgerError, match="there is no ledger"):
        open_ledger(url, create=False)
    if url.startswith("sqlite"):
        assert list(Path(url.removeprefix("sqlite:///")).parent.iterdir()) == []
    with pytest.raises(MissingLedgerError):
        open_ledger(url, create=False)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """SQLite makes files, not folders."""
    said = refused(lambda: open_ledger(f"sqlite:///{tmp_path}/nowhere/outflow.db"))
    assert "its folder must exist" in said
    assert "nowhere/outflow.db" in said


def test_a_file_of_another_kind_is_no_ledger(tmp_path: Path) -> None:
    """And it is left as it is."""
    file = tmp_path / "notes.txt"
    file.write_text("These are notes, and have nothing to do with ledgers. " * 100)
    before = file.read_bytes()
    assert "is no ledger" in refused(lambda: open_ledger(f"sqlite:///{file}"))
    assert file.read_bytes() == before


def test_a_damaged_file_is_said(sqlite_url: str, clock: Clock) -> None:
    """Nothing is granted from what cannot be read."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with open_ledger(sqlite_url, clock=clock) as ledger:
        ledger.reserve(offer("a", 7))
        data = bytearray(path.read_bytes())
        data[4096:] = b"\xff" * (len(data) - 4096)
        path.write_bytes(data)
        assert "backup" in refused(lambda: ledger.reserve(offer("b", 7)))


def test_a_ledger_that_was_removed_while_in_use_is_an_error(sqlite_url: str) -> None:
    """It is not begun anew in the middle of a run."""
    with open_ledger(sqlite_url) as ledger:
        ledger.reserve(offer("a", 7))
        Path(sqlite_url.removeprefix("sqlite:///")).unlink()
        assert "not there any more" in refused(lambda: ledger.reserve(offer("b", 7)))


def test_tables_that_were_removed_while_in_use_are_an_error(postgres: Postgres, postgres_url: str) -> None:
    """On the server as in a file."""
    with open_ledger(postgres_url) as ledger:
        postgres.sql(f"DROP SCHEMA {postgres_url.rpartition('%3D')[2]} CASCADE")
        assert "not there any more" in refused(lambda: ledger.reserve(offer("b", 7)))


def test_a_server_that_cannot_be_reached_is_said() -> None:
    """With host and port, without user and password."""
    said = refused(lambda: open_ledger("postgresql://anna:hunter2@127.0.0.1:1/accounts"))
    assert "accounts on 127.0.0.1:1 cannot be reached" in said
    assert "anna" not in said


def test_a_wrong_password_is_said_and_not_shown(postgres: Postgres) -> None:
    """Neither the wrong one nor the right one."""
    said = refused(lambda: open_ledger(postgres.url(password="hunter2")))
    assert "password" in said


def test_a_database_that_is_not_there_is_said(postgres: Postgres) -> None:
    """It is for the server's people to make one."""
    said = refused(lambda: open_ledger(postgres.url("nowhere")))
    assert "nowhere on 127.0.0.1" in said
    assert "database" in said


# --- ledgers that cannot be written to


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Root may write everywhere."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_is_read_only_can_be_looked_at_and_not_written_to(sqlite_url: str) -> None:
    """Nothing is granted."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with open_ledger(sqlite_url) as ledger:
        ledger.reserve(offer("a", 7))
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        with as_somebody_else(), open_ledger(sqlite_url, create=False) as ledger:
            assert ledger.usage()[0].used == 7
            assert "cannot be written to" in refused(lambda: ledger.reserve(offer("b", 7)))
    finally:
        path.parent.chmod(0o755)
    with open_ledger(sqlite_url) as ledger:
        assert [event.release for event in ledger.events()] == ["a"]


def test_a_server_that_is_read_only_can_be_looked_at_and_not_written_to(postgres_url: str) -> None:
    """As a standby is."""
    with open_ledger(postgres_url) as ledger:
        ledger.reserve(offer("a", 7))
    with open_ledger(f"{postgres_url}%20-c%20default_transaction_read_only%3Don", create=False) as ledger:
        assert ledger.usage()[0].used == 7
        assert "read-only" in refused(lambda: ledger.reserve(offer("b", 7)))
        assert [event.release for event in ledger.events()] == ["a"]


def test_a_user_without_rights_is_told(postgres: Postgres, postgres_url: str) -> None:
    """The tables are there, and not for this user."""
    schema = postgres_url.rpartition("%3D")[2]
    open_ledger(postgres_url).close()
    postgres.sql(f"CREATE ROLE reader_{schema} LOGIN PASSWORD 'hunter2'")
    postgres.sql(f"GRANT USAGE ON SCHEMA {schema} TO reader_{schema}")
    postgres.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader_{schema}")
    url = f"{postgres.url(user=f'reader_{schema}', password='hunter2')}?options=-csearch_path%3D{schema}"
    with open_ledger(url) as ledger:
        assert "lacks the rights" in refused(lambda: ledger.reserve(offer()))


def test_a_full_disk_is_said_and_nothing_is_granted(sqlite_url: str) -> None:
    """The file is whole afterwards, and goes on when there is room again."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with open_ledger(sqlite_url) as ledger:
        ledger.reserve(offer("a", 7))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size // 2, hard))
        try:
            said = refused(lambda: ledger.reserve(offer("b", 7)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "disk" in said
        assert [event.release for event in ledger.events()] == ["a"]
        assert ledger.reserve(offer("b", 7)).granted


# --- ledgers that others hold


def test_a_file_that_is_locked_is_said_after_a_while(sqlite_url: str) -> None:
    """Nothing is granted; when it is free again all goes on."""
    with open_ledger(sqlite_url, patience=0.1) as ledger:
        ledger.reserve(offer("a", 7))
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        assert "is locked" in refused(lambda: ledger.reserve(offer("b", 7)))
        assert "is locked" in refused(lambda: open_ledger(sqlite_url, patience=0.1))
        other.execute("ROLLBACK")
        other.close()
        assert ledger.release("b") is None
        assert ledger.reserve(offer("b", 7)).granted


@pytest.mark.parametrize("lock", ["who is who", "the entity"])
def test_an_entity_that_is_held_on_the_server_is_said_after_a_while(
    postgres: Postgres, postgres_url: str, lock: str
) -> None:
    """Others are not kept waiting for ever; another entity is not kept waiting at all."""
    with open_ledger(postgres_url, patience=0.2) as ledger, psycopg.connect(postgres.url()) as other:
        ledger.reserve(offer("a", 7))
        ledger.reserve(offer("b", 7, recipient="ana", entity="other", entity_names=()))
        number = 0 if lock == "who is who" else 1
        other.execute(f"SELECT pg_advisory_xact_lock({0x78736965}, {number})")
        assert "is locked" in refused(lambda: ledger.reserve(offer("c", 7)))
        if lock == "the entity":
            assert ledger.reserve(offer("d", 7, recipient="ana", entity="other", entity_names=())).granted
        other.rollback()
        assert ledger.reserve(offer("c", 7)).granted


# --- what was offered


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"evidence": {"accepted": object()}}, "must be JSON"),
        ({"evidence": {"accepted": float("nan")}}, "must be JSON"),
        ({"output": "lone \ud800 surrogate"}, "cannot hold"),
        ({"units": 2**64, "cap": None}, r"cannot hold|cannot answer"),
    ],
)
def test_an_offer_that_cannot_be_written_down_is_not_granted(
    ledger: Ledger, changed: dict[str, object], why: str
) -> None:
    """Nor is anything of it kept."""
    with pytest.raises(LedgerError, match=why) as caught:
        ledger.reserve(offer("a")._replace(**changed))
    plain(caught.value)
    assert ledger.releases() == []
    assert list(ledger.events()) == []


def test_an_error_in_the_middle_leaves_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of what came before it in the same transaction: the entity, its names, the release, the charge."""
    from xsieve.transforms.ledger import booking

    def fail(*_: object, **__: object) -> None:
        raise LedgerError("the entry cannot be written")

    with monkeypatch.context() as patch:
        patch.setattr(booking, "note", fail)
        refused(lambda: ledger.reserve(offer("a", 7)))
        refused(lambda: ledger.prepare(hydrated("b", 7)))
    assert (ledger.releases(), ledger.usage(), list(ledger.events())) == ([], [], [])
    assert ledger.reserve(offer("a", 7)).used == 7
