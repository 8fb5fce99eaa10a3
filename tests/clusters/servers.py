"""Servers to test against, without Docker: ``python tests/clusters/servers.py up|down|status|logs [NAME …]``.

Packages come from the registries that mvn, pip and go are set up for; downloads, state and logs lie in XSIEVE_CLUSTERS
or in ~/.cache/xsieve-clusters. ``up`` brings up what is named, with what it needs, and says where it answers.
"""

import argparse
import fcntl
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a program

from clusters import expansion, flink, jobserver, kafka, prism, workers
from clusters.places import Home, shared_home
from clusters.processes import StartError, memory_mb
from clusters.state import Running, end, is_up, recall, remember


class Server(NamedTuple):
    """How a server is started: the programs that must be on PATH, the servers it needs, and what starts it."""

    start: Callable[[Home], Running]
    programs: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


SERVERS = {  # each after those it needs
    "kafka": Server(kafka.start, ("java", "mvn")),
    "flink": Server(flink.start, ("java", "bash")),
    "jobserver": Server(jobserver.start, ("java", "mvn"), ("flink",)),
    "expansion": Server(expansion.start, ("java", "mvn")),
    "workers": Server(workers.start),
    "prism": Server(prism.start, ("go",)),
}


def up(home: Home, names: Sequence[str]) -> list[str]:
    """Brings up servers and what they need; the names of those that did not run before. Raises StartError."""
    started = []
    with _alone(home):
        for name in with_needs(names):
            if not is_up(home, name):
                end(home, name)
                remember(home, name, SERVERS[name].start(home))
                started.append(name)
    return started


def down(home: Home, names: Sequence[str]) -> list[str]:
    """Stops servers and those that need them; the names of those that were there."""
    with _alone(home):
        return [name for name in reversed(SERVERS) if _is_hit(name, names) and end(home, name)]


def missing(names: Sequence[str]) -> list[str]:
    """The programs that servers need and that are not on PATH."""
    wanted = {program for name in with_needs(names) for program in SERVERS[name].programs}
    return sorted(program for program in wanted if not shutil.which(program))


def with_needs(names: Sequence[str]) -> list[str]:
    """Names with those they need, in the order in which they start."""
    wanted = {*names, *(need for name in names for need in SERVERS[name].needs)}
    return [name for name in SERVERS if name in wanted]


def _is_hit(name: str, stopped: Sequence[str]) -> bool:
    return name in stopped or any(need in stopped for need in SERVERS[name].needs)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Two programs do not start or stop the same servers at once, nor fetch the same packages."""
    home.cache.mkdir(parents=True, exist_ok=True)
    with (home.cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- command line


def _up(home: Home, names: Sequence[str]) -> None:
    if lacking := missing(names):
        raise StartError(f"not on PATH: {', '.join(lacking)}")
    for name in with_needs(names):
        begin = time.monotonic()
        print(f"{name}: " + ("started in {:.1f} s" if up(home, [name]) else "was up").format(time.monotonic() - begin))
    _status(home, names)


def _down(home: Home, names: Sequence[str]) -> None:
    print(f"stopped: {', '.join(down(home, names)) or 'nothing'}")


def _status(home: Home, names: Sequence[str]) -> None:
    for name in with_needs(names):
        running = recall(home, name)
        if running is None or not is_up(home, name):
            print(f"{name}: {'died; see its log' if running else 'down'}")
            continue
        memory = sum(memory_mb(process) for process in running.processes)
        print(f"{name}: up, {memory} MB, " + ", ".join(f"{key} {value}" for key, value in running.at.items()))


def _logs(home: Home, names: Sequence[str]) -> None:
    for log in sorted((home.run / "logs").glob("*.log")):
        if log.stem.split("-")[0] in names:
            print(f"== {log}", *log.read_text("utf-8", "replace").splitlines()[-40:], sep="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    does = {"up": _up, "down": _down, "status": _status, "logs": _logs}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", choices=does)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SERVERS)}; all if none is named")
    given = parser.parse_args(arguments)
    if unknown := sorted({*given.names} - {*SERVERS}):
        parser.error(f"no such server: {', '.join(unknown)}")
    try:
        does[given.do](shared_home(), given.names or list(SERVERS))
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
