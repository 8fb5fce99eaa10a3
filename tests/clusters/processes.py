"""Processes that outlive the program that starts them; known by id and birth, so that no stranger is ever stopped."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class StartError(Exception):
    """A server that did not come up; names the log that says why."""


class Process(NamedTuple):
    """A process that was started here. Ids are used again by the system, so the time of birth belongs to the name."""

    name: str
    pid: int
    born: str


def spawn(name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Process:
    """Starts a process in a session of its own, with what it says in ``log``; ``env`` is added to the environment."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )
    return Process(name, child.pid, _born(child.pid))


def alive(process: Process) -> bool:
    return bool(process.born) and _born(process.pid) == process.born


def stop(process: Process, patience: float = 20.0) -> None:
    """Asks a process to end, and ends it after ``patience`` seconds."""
    _signal(process, signal.SIGTERM)
    if not _within(patience, lambda: not alive(process)):
        kill(process)


def kill(process: Process) -> None:
    """Ends a process as a crash would, and waits until it is gone."""
    _signal(process, signal.SIGKILL)
    _within(10.0, lambda: not alive(process))


def children(process: Process) -> list[Process]:
    """The processes that a process has started itself and that still run."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = [Process(f"{process.name} child", pid, _born(pid)) for pid, parent in pairs if parent == process.pid]
    return [child for child in found if child.born]


def memory_mb(process: Process) -> int:
    """Resident memory of a process, in MB."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, text=True, check=False)
    return int(said.stdout or 0) // 1024


def wait_until(answers: Callable[[], bool], process: Process, log: Path, seconds: float) -> None:
    """Waits until a server answers. Raises StartError if its process ends or the time is over."""
    if not _within(seconds, lambda: answers() or not alive(process)) or not alive(process):
        kill(process)
        raise StartError(f"{process.name} did not come up within {seconds:.0f} s; see {log}")


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.1)
    return held


def _signal(process: Process, number: int) -> None:
    if alive(process):
        os.kill(process.pid, number)


def _born(pid: int) -> str:
    """When a process was born, or nothing if there is none or it only waits to be buried."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # buries a child of this program
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return "" if not said or said[0].startswith("Z") else " ".join(said[1:])
