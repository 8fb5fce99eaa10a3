"""Ledgers for tests: in a file, and on a real PostgreSQL server that is started once."""

from collections.abc import Iterator

import pytest
from clusters.postgres import Postgres, server_for_tests
from ledger.new_ledgers import new_schema, new_sqlite
from ledger.offers import Clock

from xsieve.transforms.ledger import Ledger, open_ledger


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of our own."""
    yield from server_for_tests()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """A new ledger's URL, on the server."""
    return new_schema(postgres)


@pytest.fixture
def sqlite_url() -> Iterator[str]:
    """A new ledger's URL, in a file."""
    with new_sqlite() as url:
        yield url


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
