"""A pool of Python workers for environment_type=EXTERNAL: Flink asks it for a process for each of its own."""

import os
import sys
from pathlib import Path

from clusters.places import TESTS, Home, free_ports, listens
from clusters.processes import children, kill, spawn, wait_until
from clusters.state import Running, recall


def start(home: Home) -> Running:
    (port,) = free_ports(1)
    # the pool starts `python` from PATH, so the one that runs this comes first; jobs import the tests' helpers
    env = {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "PYTHONPATH": str(TESTS),
    }
    command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    pool = spawn("workers", command, home.log("workers"), env)
    wait_until(lambda: listens(port), pool, home.log("workers"), 60)
    return Running((pool,), {"endpoint": f"localhost:{port}"})


def kill_workers(home: Home) -> int:
    """Ends all Python workers as a crash would; how many there were. The pool itself lives on."""
    running = recall(home, "workers")
    found = children(running.processes[0]) if running else []
    for worker in found:
        kill(worker)
    return len(found)
