"""An audit of a ledger's tables, behind its back: nothing in it contradicts anything else."""

from typing import Any

import numpy as np
from sqlalchemy import create_engine, text


def audit(url: str) -> dict[str, tuple[str, int]]:
    """Release -> (state, units); fails if any table says otherwise than another."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        releases = _rows(connection, "SELECT release_id, state, units FROM outflow_releases")
        counted = dict(_rows(connection, "SELECT release_id, sum(counted) FROM outflow_events GROUP BY release_id"))
        charged = dict(_rows(connection, "SELECT release_id, sum(received) FROM outflow_charges GROUP BY release_id"))
        left = _rows(connection, "SELECT DISTINCT release_id, has_left FROM outflow_charges WHERE counted > 0")
        keys = _rows(
            connection,
            "SELECT k.scope, k.units, k.keys, k.charge, c.counted FROM outflow_keys k LEFT JOIN outflow_charges c ON c.id = k.charge",
        )
    engine.dispose()
    states = {release: state for release, state, _ in releases}
    for release, state, units in releases:
        assert charged.get(release, 0) == (units if state in ("reserved", "published") else 0), release
        assert counted[release] <= charged.get(release, 0)  # less where a series spared some
    assert counted.keys() - {""} == states.keys()
    for release, has_left in left:
        assert has_left <= (states[release] == "published" or release.startswith("series"))
    scopes: dict[int, list[bytes]] = {}
    for scope, units, packed, charge, charge_counted in keys:
        found = np.frombuffer(packed, "S16")
        assert len(found) == units
        assert charge is None or charge_counted == units
        scopes.setdefault(scope, []).extend(found.tolist())
    for found in scopes.values():
        assert len(set(found)) == len(found), "a unit is held twice"
    return {release: (state, units) for release, state, units in releases}


def _rows(connection: Any, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(statement))]
