"""Disks and ledgers that fail while a run releases: nothing published, one clear sentence, and the next run sets it right.

Disks are real where the tests may mount one (root on Linux); what needs that is skipped elsewhere.
"""

import socket
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from functools import partial

import pytest
from outflow_settings import numbers, posts, text_of
from outputs import manifest, names
from typer.testing import CliRunner

from xsieve.pipelines import publish
from xsieve.pipelines.command import app
from xsieve.pipelines.kept import damaged, read_kept
from xsieve.transforms import ledger as ledgers
from xsieve.transforms.ledger import Ledger, open_ledger

OUTPUTS = {"climate": {"kind": "ids", "recipients": ["lab", "paper"]}, "trends": {"kind": "rows"}}
IDS = numbers(30)
ENOUGH = 60  # files and folders that a run has at one time, and more


@pytest.fixture
def house(tmp_path):
    """Posts to read, and settings as a file."""
    posts(tmp_path / "in", IDS)
    declare(tmp_path)
    return tmp_path


def declare(house, **more):
    (house / "p.yaml").write_text(text_of(house, OUTPUTS, **more))


def run(house):
    return CliRunner().invoke(app, ["run", str(house / "p.yaml")])


def counted(house):
    if not (house / "outflow.db").exists():
        return 0
    with open_ledger(f"sqlite:///{house}/outflow.db") as opened:
        return sum(one.used for one in opened.usage())


def states(house):
    with open_ledger(f"sqlite:///{house}/outflow.db") as opened:
        return [known.state for known in opened.releases()]


def assert_failed(done, *says):
    """It ends with 1, and says in one sentence why."""
    errors = [line for line in done.stderr.splitlines() if not line.startswith("warning:")]
    assert done.exit_code == 1
    assert len(errors) == 1, errors
    assert errors[0].startswith("error: ")
    assert all(part in errors[0] for part in says), errors[0]


def assert_nothing_published(house):
    """Of what stays in the house neither; nothing lies where anybody looks."""
    found = [path for path in (house / "out").rglob("*") if path.is_file()]
    assert [path for path in found if not any(part.startswith(".") for part in path.relative_to(house).parts)] == []


def assert_kept(house, recipient):
    """What was put together waits whole."""
    (kept,) = (house / "out" / "climate" / recipient).glob(".kept-*")
    found = read_kept(str(kept))
    assert found
    assert damaged(found) == []


def assert_set_right(house):
    """The next run publishes all of it, counts it once and leaves nothing else."""
    done = run(house)
    assert done.exit_code == 0, done.stderr
    for recipient in ("lab", "paper"):
        folder = house / "out" / "climate" / recipient
        assert names(folder) == ["README.md", "SHA256SUMS", "ids.txt", "manifest.json"]
        assert [int(line) for line in (folder / "ids.txt").open()] == IDS
    assert names(house / "out" / "climate") == ["lab", "paper"]
    assert manifest(house / "out" / "trends")["out"] == len(IDS) + 5
    assert states(house) == ["published", "published"]
    assert counted(house) == 2 * len(IDS)


# --- disks


def mount(*arguments):
    return subprocess.run(["mount", *map(str, arguments)], capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(house):
    """A disk of its own for what is published, in memory."""
    out = house / "out"
    out.mkdir()
    if sys.platform != "linux" or not mount("-t", "tmpfs", "-o", "size=4m", "xsieve", out):
        pytest.skip("needs the right to mount a disk")
    yield out
    # At once, though what failed may hold a file open until its memory is freed; a mount that stays could never be cleaned up
    while out.is_mount():
        subprocess.run(["umount", "--lazy", str(out)], check=True)


def remounted(disk, options):
    assert mount("-o", f"remount,{options}", disk)


@pytest.mark.parametrize("room", [2, 5, 8, 11, 14, 17, 20, 22, 23, 24])
def test_a_disk_that_is_full_at_any_file_publishes_nothing(house, disk, room):
    """Room for so many files and folders: it is full while staging, while releases are put together, or before they are published."""
    remounted(disk, f"nr_inodes={room}")
    assert_failed(run(house), "No space left on device")
    assert_nothing_published(house)
    held = counted(house)
    assert held in (0, 2 * len(IDS))
    if held:  # it was reserved: what was put together is still there
        assert_kept(house, "lab")
    remounted(disk, f"nr_inodes={ENOUGH}")
    assert_set_right(house)


def test_a_disk_that_is_full_of_content_publishes_nothing(house, disk):
    """No file can grow any more, though files can be made."""
    with (disk / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        file.writelines([b"x" * 4096] * 2000)
    assert_failed(run(house), "No space left on device")
    (disk / "filler").unlink()
    assert_nothing_published(house)
    assert counted(house) == 0
    assert_set_right(house)


def test_a_read_only_disk_stops_the_run_before_anything_is_reserved(house, disk):
    """Staging fails, in one sentence."""
    remounted(disk, "ro")
    assert_failed(run(house), "cannot be written to", "Read-only file system")
    assert counted(house) == 0
    assert names(disk) == []
    remounted(disk, "rw")
    assert_set_right(house)


def test_a_disk_that_becomes_read_only_before_publishing_publishes_nothing(house, disk, monkeypatch):
    """What is reserved stays reserved, and the next run publishes it."""

    def refused(outputs):
        remounted(disk, "ro")
        return publish.publish(outputs)

    with monkeypatch.context() as broken:
        broken.setattr("xsieve.pipelines.run.publish", refused)
        assert_failed(run(house), "cannot be published", "Read-only file system")
    assert_nothing_published(house)
    assert states(house) == ["reserved", "reserved"]
    remounted(disk, "rw")
    assert_set_right(house)


@pytest.mark.parametrize("moves", range(1, 8))
def test_a_disk_that_becomes_read_only_while_publishing_is_gone_on_with(house, disk, monkeypatch, moves):
    """Whatever was moved by then: the next run moves the rest, without losing what was put together."""
    move, done = publish.move, []

    def refused(*arguments):
        done.append(arguments)
        if len(done) == moves:
            remounted(disk, "ro")
        return move(*arguments)

    with monkeypatch.context() as broken:
        broken.setattr(publish, "move", refused)
        assert_failed(run(house), "Read-only file system")
    assert states(house) == ["reserved", "reserved"]
    remounted(disk, "rw")
    assert list(disk.rglob("ids.txt"))
    assert_set_right(house)


# --- ledgers


@pytest.fixture
def impatient(monkeypatch):
    """Whoever waits for the ledger gives up soon."""
    monkeypatch.setattr(ledgers, "open_ledger", partial(open_ledger, patience=0.1))


@contextmanager
def locked(house):
    """Another program holds the file of the ledger."""
    connection = sqlite3.connect(house / "outflow.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


def test_a_ledger_that_is_locked_stops_the_run_before_anything_is_read(house, impatient):
    """One sentence, and no folder made."""
    open_ledger(f"sqlite:///{house}/outflow.db").close()
    with locked(house):
        assert_failed(run(house), "is locked by another program")
        assert not (house / "out").exists()
    assert counted(house) == 0
    assert_set_right(house)


@pytest.mark.parametrize("method", ["release", "offer"])
def test_a_ledger_that_is_locked_meanwhile_publishes_nothing_and_keeps_all(house, impatient, monkeypatch, method):
    """Before releases are put together, or before they are offered."""
    whole = getattr(Ledger, method)

    def refused(*arguments, **more):
        with locked(house):
            return whole(*arguments, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, method, refused)
        assert_failed(run(house), "is locked by another program")
    assert_nothing_published(house)
    assert counted(house) == 0
    if method == "offer":
        assert_kept(house, "lab")
        assert_kept(house, "paper")
    assert_set_right(house)


def test_a_ledger_that_is_locked_when_it_is_told_what_was_published_is_told_by_the_next_run(
    house, impatient, monkeypatch
):
    """What lies there is whole and counted; nothing is published or counted again."""
    told = Ledger.all_published

    def refused(*arguments, **more):
        with locked(house):
            return told(*arguments, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "all_published", refused)
        assert_failed(run(house), "is locked by another program")
    assert states(house) == ["reserved", "reserved"]
    before = {path: path.stat().st_mtime_ns for path in (house / "out" / "climate" / "lab").iterdir()}
    assert_set_right(house)
    assert {path: path.stat().st_mtime_ns for path in (house / "out" / "climate" / "lab").iterdir()} == before


def test_a_server_that_cannot_be_reached_stops_the_run_before_anything_is_read(house, monkeypatch):
    """Nobody listens there; the sentence names the server, and no password."""
    pytest.importorskip("psycopg")
    monkeypatch.setenv("SECRET", "kaninchen")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        port = nobody.getsockname()[1]
        declare(house, ledger=f"postgresql://outflow:${{SECRET}}@127.0.0.1:{port}/outflow")
        done = run(house)
    assert_failed(done, "cannot be reached", str(port))
    assert "kaninchen" not in done.output
    assert not (house / "out").exists()
    declare(house)
    assert_set_right(house)
