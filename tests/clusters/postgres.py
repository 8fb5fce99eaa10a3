"""A PostgreSQL server of one's own, from Debian's package ``postgresql``, on a free port: for tests and for developers.

    python tests/clusters/postgres.py up      starts it, prints its URL
    python tests/clusters/postgres.py logs    what it said
    python tests/clusters/postgres.py down    stops it and removes its data

PostgreSQL refuses to run as root, so root runs it as the package's user ``postgres``.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REQUIRED = "XSIEVE_REQUIRE_SERVERS"  # set to 1: tests fail where they would be skipped
USER, PASSWORD = "xsieve", "pass-w0rd@/:%"
START_SECONDS = 60


class MissingServerError(Exception):
    """The server cannot be had here."""


def binaries() -> Path:
    """The folder of initdb and pg_ctl, which Debian does not put on the PATH."""
    found = [Path(path).parent for path in [shutil.which("pg_ctl")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name.split(".")[0]))
    for folder in found:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise MissingServerError("no PostgreSQL server here (apt-get install postgresql)")


class Postgres:
    """A server with its data in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.log = folder, folder / "data", folder / "log"
        self.binaries = binaries()
        self.account = _account()

    def start(self) -> None:
        """Start it, on new data or on what is there."""
        new = not self.data.exists()
        if new:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o711)
            if self.account:
                os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)
            secret = self.folder / "secret"
            secret.write_text(PASSWORD)
            secret.chmod(0o644)
            arguments = ("--no-locale", "--encoding=UTF8", "--auth=scram-sha-256", "--no-sync")
            self._run("initdb", *arguments, f"--username={USER}", f"--pwfile={secret}")
            (self.folder / "port").write_text(str(_free_port()))
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        self._run(
            "pg_ctl", "start", "--wait", f"--timeout={START_SECONDS}", f"--log={self.log}", f"--options={options}"
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: ``immediate`` is as if it were killed, ``fast`` is in order."""
        self._run("pg_ctl", "stop", f"--mode={mode}")

    @property
    def is_up(self) -> bool:
        """Whether it answers on its port; what a crash leaves behind does not count."""
        if not (self.data / "postmaster.pid").exists():
            return False
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def remove(self) -> None:
        """Stop it, and remove its data."""
        if self.is_up:
            self.stop()
        shutil.rmtree(self.folder)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int((self.folder / "port").read_text())

    def url(self, database: str = "postgres", *, user: str = USER, password: str = PASSWORD) -> str:
        """The URL of one of its databases."""
        quoted = "".join(sign if sign.isalnum() else f"%{ord(sign):02X}" for sign in password)
        return f"postgresql://{user}:{quoted}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement outside any transaction; its rows."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments, f"--pgdata={self.data}"]
        as_user = (
            {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []} if self.account else {}
        )
        # the server inherits what it is given: a pipe would never end
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=said, stderr=said, **as_user)
            said.seek(0)
            if done.returncode:
                log = self.log.read_text() if self.log.exists() else ""
                raise RuntimeError(f"{program} failed: {said.read().decode()}{log}")


def _account() -> pwd.struct_passwd | None:
    """Whom root runs it as; None for everybody else."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise MissingServerError("PostgreSQL refuses to run as root, and there is no user postgres")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running() -> Iterator[Postgres]:
    """A server with no data, removed afterwards."""
    server = Postgres(Path(tempfile.mkdtemp(prefix="xsieve-postgres-")))
    try:
        server.start()
        yield server
    finally:
        server.remove()


def server_for_tests() -> Iterator[Postgres]:
    """What a fixture yields from: a running server; the test is skipped where there is none, or fails if it is required."""
    import pytest

    try:
        import psycopg  # noqa: F401  # the driver

        binaries()
        _account()
    except (MissingServerError, ImportError) as missing:
        why = (
            str(missing)
            if isinstance(missing, MissingServerError)
            else "psycopg is not installed (the extra xsieve[postgres])"
        )
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{why}, and {REQUIRED} is set")
        pytest.skip(why)
    with running() as server:
        yield server


def main(command: str) -> None:
    """``up``, ``down`` or ``logs``."""
    server = Postgres(Path(tempfile.gettempdir()) / "xsieve-postgres")
    if command == "up":
        if not server.is_up:
            server.start()
        print(server.url())
    elif command == "down":
        server.remove()
    elif command == "logs":
        print(server.log.read_text(), end="")
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:2] or ["help"])
