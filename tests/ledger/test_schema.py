"""The tables: append-only where it matters, migrated from every version, refused from the future."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ledger.offers import Clock, offer
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from xsieve.transforms.ledger import Ledger, LedgerError, open_ledger
from xsieve.transforms.ledger.migrations import NEWEST, VERSIONS, migrate
from xsieve.transforms.ledger.schema import METADATA


@contextmanager
def behind_the_back(url: str) -> Iterator[Engine]:
    """The database, without the ledger."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The database of the ledger."""
    with behind_the_back(url) as engine:
        yield engine


def assert_refused(url: str, statement: str) -> None:
    with open_ledger(url) as ledger, behind_the_back(url) as engine:
        ledger.reserve(offer("a", 7))
        before = list(ledger.events())
        with pytest.raises(DBAPIError, match="only ever added"), engine.begin() as connection:
            connection.execute(text(statement))
        assert list(ledger.events()) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE outflow_events SET units = 0",
        "UPDATE outflow_events SET units = 0 WHERE id = 1",
        "DELETE FROM outflow_events",
        "DELETE FROM outflow_events WHERE kind = 'reserved'",
    ],
)
def test_entries_of_the_account_are_only_ever_added(url: str, statement: str) -> None:
    """The database itself refuses to change or remove them."""
    assert_refused(url, statement)


def test_a_table_of_entries_cannot_be_emptied(postgres_url: str) -> None:
    """TRUNCATE, which is no DELETE to a server."""
    assert_refused(postgres_url, "TRUNCATE outflow_events")


@pytest.mark.parametrize("columns", ["*", "id, at + 1" + ", ''" * 18])
def test_entries_cannot_be_replaced(sqlite_url: str, columns: str) -> None:
    """INSERT OR REPLACE, which is no DELETE to SQLite."""
    assert_refused(sqlite_url, f"INSERT OR REPLACE INTO outflow_events SELECT {columns} FROM outflow_events")


def test_the_tables_are_those_that_the_queries_know(ledger: Ledger, engine: Engine) -> None:
    """The migrations make what the code reads and writes: the same tables and columns."""
    assert_known_tables(engine)


def assert_known_tables(engine: Engine) -> None:
    found = inspect(engine)
    names = {name for name in found.get_table_names() if name.startswith("outflow_")}
    assert names == set(METADATA.tables)
    for name, table in METADATA.tables.items():
        key = found.get_pk_constraint(name)["constrained_columns"]  # SQLite calls numbers that it gives itself nullable
        columns = {
            column["name"]: column["nullable"] and column["name"] not in key for column in found.get_columns(name)
        }
        assert columns == {column.name: column.nullable for column in table.columns}


OLD = """
INSERT INTO outflow_entities (id, name) VALUES (1, 'partner');
INSERT INTO outflow_names (name, entity) VALUES ('partner', 1), ('partnerlab', 1);
INSERT INTO outflow_recipients (recipient, name, entity) VALUES ('lab', 'lab', 1);
INSERT INTO outflow_releases (release_id, entity, recipient, unit, state, units, digest, first_at, since_at, offer) VALUES
  ('old', 1, 'lab', 'post_id', 'reserved', 1499990, 'sha256:old', 1795684440000000, 1795684440000000, '{offer}');
INSERT INTO outflow_charges (id, release_id, entity, recipient, unit, counted, received, cap, has_left, at) VALUES
  (1, 'old', 1, 'lab', 'post_id', 1499990, 1499990, 1500000, FALSE, 1795684440000000);
INSERT INTO outflow_events (id, at, kind, release_id, output, recipient, entity, unit, units, counted, cap, used, digest,
  profile, clause, evidence, inputs, settings, person, detail) VALUES
  (1, 1795684440000000, 'reserved', 'old', 'climate', 'lab', 'partner', 'post_id', 1499990, 1499990, 1500000, 1499990,
   'sha256:old', 'base-2024', 'c', '{{}}', 'i', 's', NULL, '{{}}')
"""
OFFER = (
    '{"release": "old", "output": "climate", "recipient": "lab", "entity": "partner", "entity_names": ["Partner Lab"], '
    '"unit": "post_id", "units": 1499990, "digest": "sha256:old", "cap": null, "clause": "c", "profile": "base-2024", '
    '"evidence": {}, "inputs": "i", "settings": "s", "place": "", "series": null}'
)


def test_a_ledger_of_an_older_version_is_migrated_with_all_that_is_in_it(url: str, engine: Engine) -> None:
    """What counted before counts after, and the entries are the same."""
    with engine.begin() as connection:
        migrate(connection, to=1)
        for statement in OLD.format(offer=OFFER).split(";"):
            connection.exec_driver_sql(statement)
        if engine.dialect.name == "postgresql":  # numbers were given by hand
            for table in ("entities", "charges", "events"):
                connection.exec_driver_sql(f"ALTER TABLE outflow_{table} ALTER COLUMN id RESTART WITH 2")
    with open_ledger(url, clock=Clock()) as ledger:
        assert not ledger.created
        (event,) = ledger.events()
        assert (event.release, event.counted) == ("old", 1_499_990)
        assert ledger.release("old").offer.entity_names == ("Partner Lab",)
        assert not ledger.reserve(offer("new", 11, entity_names=("Partner Lab",))).granted
        assert ledger.reserve(offer("newer", 10, entity_names=("Partner Lab",))).used == 1_500_000
    assert version(engine) == NEWEST


@pytest.mark.parametrize("older", range(1, NEWEST))
def test_every_version_ends_with_the_same_tables(url: str, engine: Engine, older: int) -> None:
    """Step by step or at once."""
    with engine.begin() as connection:
        migrate(connection, to=older)
    assert version(engine) == older
    open_ledger(url).close()
    assert version(engine) == NEWEST == len(VERSIONS)
    assert_known_tables(engine)


def test_a_newer_ledger_is_refused(url: str, engine: Engine) -> None:
    """Whether it is when it is opened, or while it is in use; and it is left as it is."""
    with open_ledger(url) as ledger:
        ledger.reserve(offer("a", 7))
        set_version(engine, NEWEST + 1)
        with pytest.raises(LedgerError, match=f"newer xsieve .*version {NEWEST + 1}.*update xsieve"):
            ledger.reserve(offer("b", 7))
        with pytest.raises(LedgerError, match="newer xsieve"):
            open_ledger(url)
        set_version(engine, NEWEST)
        assert [event.release for event in ledger.events()] == ["a"]


def test_a_ledger_that_was_exchanged_for_an_older_one_is_refused(url: str, engine: Engine) -> None:
    """A program that runs does not migrate in the middle."""
    with open_ledger(url) as ledger:
        set_version(engine, 1)
        with pytest.raises(LedgerError, match="older one"):
            ledger.reserve(offer())


def test_a_ledger_that_does_not_know_its_version_is_refused(url: str, engine: Engine) -> None:
    """Nothing is guessed."""
    open_ledger(url).close()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM outflow_version"))
    with pytest.raises(LedgerError, match="which version"):
        open_ledger(url)


def version(engine: Engine) -> int:
    with engine.begin() as connection:
        return connection.execute(text("SELECT version FROM outflow_version")).scalar_one()


def set_version(engine: Engine, number: int) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE outflow_version SET version = {number}"))


def test_what_a_file_confirms_is_on_the_disk(sqlite_url: str) -> None:
    """Every connection that writes is careful: durable, with keys between tables, and nothing left of what is destroyed."""
    with open_ledger(sqlite_url) as ledger, ledger._database.writing() as connection:
        careful = {"journal_mode": "truncate", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
        assert {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in careful} == careful


@pytest.mark.parametrize(
    ("server", "ours"), [("off", "on"), ("on", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
)
def test_a_server_that_confirms_too_early_is_overruled(postgres_url: str, server: str, ours: str) -> None:
    """Where it would forget after a crash what it has granted; a stricter one stays as it is."""
    url = f"{postgres_url}%20-c%20synchronous_commit%3D{server}"
    with open_ledger(url) as ledger, ledger._database.writing() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == ours
