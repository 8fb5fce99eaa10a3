"""Ledgers for tests: in a file, and on a real PostgreSQL server that is started once."""

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters.postgres import Postgres, server_for_tests
from ledger.offers import Clock

from xsieve.transforms.ledger import Ledger, open_ledger

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of our own."""
    yield from server_for_tests()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """A new schema of the server's database: a ledger takes the first one of the search path."""
    name = f"ledger_{next(_numbers)}"
    postgres.sql(f"CREATE SCHEMA {name}")
    return f"{postgres.url()}?options=-csearch_path%3D{name}"


@pytest.fixture
def sqlite_url() -> Iterator[str]:
    """A new file: in memory where the system has such a folder, since these tests are not about disks."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        yield f"sqlite:///{folder}/outflow.db"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A new ledger's URL, in both databases."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def clock() -> Clock:
    """The ledger's time."""
    return Clock()


@pytest.fixture
def ledger(url: str, clock: Clock) -> Iterator[Ledger]:
    """A new ledger."""
    with open_ledger(url, clock=clock) as opened:
        yield opened
