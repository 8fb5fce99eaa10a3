"""What is known of a server that runs: its processes and where it answers, kept in a file beside its logs."""

import json
from typing import NamedTuple

from clusters.places import Home
from clusters.processes import Process, alive, stop


class Running(NamedTuple):
    """``at`` says where the server answers: host and port, address or path, by name."""

    processes: tuple[Process, ...]
    at: dict[str, str]


def remember(home: Home, name: str, running: Running) -> None:
    home.run.mkdir(parents=True, exist_ok=True)
    (home.run / f"{name}.json").write_text(json.dumps(running._asdict(), indent=1), "utf-8")


def recall(home: Home, name: str) -> Running | None:
    """What was started under a name, whether it still runs or not."""
    file = home.run / f"{name}.json"
    if not file.exists():
        return None
    held = json.loads(file.read_text("utf-8"))
    return Running(tuple(Process(*fields) for fields in held["processes"]), held["at"])


def is_up(home: Home, name: str) -> bool:
    running = recall(home, name)
    return running is not None and all(map(alive, running.processes))


def end(home: Home, name: str) -> bool:
    """Stops what was started under a name, last first; whether there was anything."""
    running = recall(home, name)
    if running is None:
        return False
    for process in reversed(running.processes):
        stop(process)
    (home.run / f"{name}.json").unlink()
    return True
