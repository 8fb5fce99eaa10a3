"""Prism, Beam's own runner for streams on one machine: a program in Go, built once."""

import os
import subprocess
from pathlib import Path

from clusters.places import Home, free_ports, listens
from clusters.processes import spawn, wait_until
from clusters.state import Running

VERSION = "v2.77.0"


def start(home: Home) -> Running:
    job, web = free_ports(2)
    program = binary(home)
    command = [str(program), f"--job_port={job}", f"--web_port={web}", "--log_kind=text"]
    server = spawn("prism", command, home.log("prism"))
    wait_until(lambda: listens(job), server, home.log("prism"), 60)
    return Running(
        (server,), {"endpoint": f"localhost:{job}", "web": f"http://localhost:{web}", "binary": str(program)}
    )


def binary(home: Home) -> Path:
    """The program itself, as ``--prism_location`` wants it."""
    folder = home.cache / f"prism-{VERSION}"
    if not (folder / "prism").exists():
        folder.mkdir(parents=True, exist_ok=True)
        package = f"github.com/apache/beam/sdks/v2/go/cmd/prism@{VERSION}"
        subprocess.run(["go", "install", package], check=True, env={**os.environ, "GOBIN": str(folder)})
    return folder / "prism"
