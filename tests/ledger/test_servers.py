"""The server that tests start: it is skipped where there is none, unless it is required; and it can be used by hand."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from clusters import postgres as module
from clusters.postgres import MissingServerError, Postgres, server_for_tests

from xsieve.transforms.ledger import open_ledger


@pytest.mark.parametrize(("required", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_a_missing_server_is_skipped_unless_it_is_required(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
) -> None:
    """With the reason, and what to install."""

    def missing() -> Path:
        raise MissingServerError("no PostgreSQL server here (apt-get install postgresql)")

    monkeypatch.setattr(module, "binaries", missing)
    monkeypatch.setenv(module.REQUIRED, required)
    with pytest.raises(outcome, match="apt-get install postgresql"):
        next(server_for_tests())


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that the server's user may pass through, as those of pytest do not let it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o711)
        yield path


def test_a_developer_brings_it_up_and_down(postgres: Postgres, open_folder: Path) -> None:
    """``up`` twice is one server; ``down`` leaves nothing."""

    def run(command: str) -> str:
        script = [sys.executable, module.__file__, command]
        place = {**os.environ, "TMPDIR": str(open_folder)}
        return subprocess.run(script, env=place, capture_output=True, text=True, check=True, timeout=120).stdout.strip()

    url = run("up")
    try:
        assert run("up") == url
        open_ledger(url).close()
        assert "ready to accept connections" in run("logs")
    finally:
        run("down")
    assert list(open_folder.iterdir()) == []
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
