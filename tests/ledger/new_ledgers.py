"""Where new ledgers may be made: in a file, and on a server."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clusters.postgres import Postgres

MEMORY = Path("/dev/shm")

_numbers = itertools.count()


def new_schema(server: Postgres) -> str:
    """The URL of a new schema of the server's database: a ledger takes the first one of the search path."""
    name = f"ledger_{next(_numbers)}"
    server.sql(f"CREATE SCHEMA {name}")
    return f"{server.url()}?options=-csearch_path%3D{name}"


@contextmanager
def new_sqlite() -> Iterator[str]:
    """The URL of a new file: in memory where the system has room for it, since these tests are not about disks."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2**29
    with tempfile.TemporaryDirectory(dir=MEMORY if roomy else None) as folder:
        yield f"sqlite:///{folder}/outflow.db"
