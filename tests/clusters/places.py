"""Where test servers keep what they download, and what they hold while they run; the ports that are free for them."""

import os
import shutil
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parents[1]


class Home(NamedTuple):
    """``cache`` holds downloads, which all runs share; ``run`` holds state, data and logs of the servers of one run."""

    cache: Path
    run: Path

    def fresh(self, name: str) -> Path:
        """An empty folder for the data of a server: test servers begin without memory."""
        folder = self.run / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def log(self, name: str) -> Path:
        return self.run / "logs" / f"{name}.log"


def shared_home() -> Home:
    """The home of the command line: XSIEVE_CLUSTERS, or a folder in the user's cache."""
    cache = Path(os.environ.get("XSIEVE_CLUSTERS") or Path.home() / ".cache" / "xsieve-clusters").absolute()
    return Home(cache, cache / "run")


def free_ports(count: int) -> list[int]:
    """So many different ports of this machine on which nobody listens now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def listens(port: int) -> bool:
    """Whether somebody answers at a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
