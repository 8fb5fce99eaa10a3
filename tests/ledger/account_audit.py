"""An audit of a ledger's tables, behind its back: nothing in it contradicts anything else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sqlalchemy import Connection, create_engine, text


def audit(url: str) -> dict[str, tuple[str, int]]:
    """Release -> (state, units), of a ledger in which nothing was given up; fails if any table contradicts another."""
    with _connection(url) as connection:
        releases = _rows(connection, "SELECT release_id, state, units FROM outflow_releases")
        counted = dict(_rows(connection, "SELECT release_id, sum(counted) FROM outflow_events GROUP BY release_id"))
        charged = dict(_rows(connection, "SELECT release_id, sum(received) FROM outflow_charges GROUP BY release_id"))
        left = _rows(connection, "SELECT DISTINCT release_id, has_left FROM outflow_charges WHERE counted > 0")
        audit_names(connection)
        audit_keys(connection)
    states = {release: state for release, state, _ in releases}
    assert counted.keys() - {""} == states.keys()
    for release, state, units in releases:
        assert charged.get(release, 0) == (units if state in ("reserved", "published") else 0), release
        assert counted[release] <= charged.get(release, 0)  # less where a series spared some
    for release, has_left in left:
        assert has_left <= (states[release] == "published" or release.startswith("series"))
    return {release: (state, units) for release, state, units in releases}


def audit_parts(url: str) -> None:
    """What holds in every ledger, whatever was given up in it."""
    with _connection(url) as connection:
        audit_names(connection)
        audit_keys(connection)


def audit_names(connection: Connection) -> None:
    """Nothing belongs to an entity that has been joined with another."""
    for column in ("recipients.entity", "releases.entity", "charges.entity", "charges.also"):
        table, column = column.split(".")
        known = "SELECT entity FROM outflow_names"
        assert not _rows(connection, f"SELECT 1 FROM outflow_{table} WHERE {column} NOT IN ({known})"), (table, column)
    assert not _rows(connection, "SELECT 1 FROM outflow_charges WHERE entity = also")


def audit_keys(connection: Connection) -> None:
    """Every set has as many keys as it says, and its charge too; none is held twice in a scope."""
    sets = "SELECT k.scope, k.units, k.keys, k.charge, c.counted FROM outflow_keys k LEFT JOIN outflow_charges c ON c.id = k.charge"
    scopes: dict[int, list[bytes]] = {}
    for scope, units, packed, charge, counted in _rows(connection, sets):
        keys = np.frombuffer(packed, "S16")
        assert len(keys) == units
        assert charge is None or counted == units
        scopes.setdefault(scope, []).extend(keys.tolist())
    for keys in scopes.values():
        assert len(set(keys)) == len(keys)


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _rows(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(statement))]
