"""A Flink cluster: one job manager, and one task manager that can be killed and started again by itself."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from clusters.places import Home, free_ports
from clusters.processes import Process, kill, spawn, wait_until
from clusters.state import Running, recall, remember

PACKAGES = ("apache-flink==1.19.3", "apache-flink-libraries==1.19.3")
SETTINGS = """\
env.java.opts.all: {opens}
jobmanager.rpc.address: localhost
jobmanager.rpc.port: {rpc}
jobmanager.bind-host: localhost
jobmanager.memory.process.size: 1200m
taskmanager.bind-host: localhost
taskmanager.host: localhost
taskmanager.memory.process.size: 2048m
taskmanager.numberOfTaskSlots: 8
rest.address: localhost
rest.bind-address: localhost
rest.port: {rest}
io.tmp.dirs: {folder}/tmp
state.backend.type: hashmap
state.checkpoints.dir: file://{folder}/checkpoints
state.savepoints.dir: file://{folder}/savepoints
heartbeat.interval: 2000
heartbeat.timeout: 10000
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 20
restart-strategy.fixed-delay.delay: 3 s
"""


def start(home: Home) -> Running:
    rest, rpc = free_ports(2)
    flink, folder = distribution(home), home.fresh("flink")
    for name in ("conf", "tmp", "checkpoints", "savepoints"):
        (folder / name).mkdir()
    opens = re.search(r"^ +all: (.*)$", (flink / "conf" / "config.yaml").read_text("utf-8"), re.MULTILINE)
    assert opens, "Flink's own settings name the packages of Java that it opens"
    settings = SETTINGS.format(opens=opens[1], rpc=rpc, rest=rest, folder=folder)
    (folder / "conf" / "config.yaml").write_text(settings, "utf-8")
    logging = (flink / "conf" / "log4j-console.properties").read_text("utf-8")
    (folder / "conf" / "log4j-console.properties").write_text(logging, "utf-8")
    address = f"http://localhost:{rest}"
    master = _spawn(home, "jobmanager")
    wait_until(lambda: _workers(address) is not None, master, home.log("flink-jobmanager"), 60)
    at = {"rest": address, "master": f"localhost:{rest}", "checkpoints": str(folder / "checkpoints")}
    running = Running((master, _spawn(home, "taskmanager")), at)
    wait_until(lambda: _workers(address) == 1, running.processes[1], home.log("flink-taskmanager"), 60)
    return running


def restart_job_manager(home: Home) -> None:
    """Ends the job manager as a crash of its machine would, and starts another one, which knows of no jobs."""
    running = _running(home)
    kill(running.processes[0])
    master = _spawn(home, "jobmanager")
    remember(home, "flink", running._replace(processes=(master, running.processes[1])))
    wait_until(lambda: _workers(running.at["rest"]) == 1, master, home.log("flink-jobmanager"), 60)


def last_checkpoint(home: Home, job: str) -> str:
    """The folder of the last complete checkpoint of a job, by its id: Flink removes it when the next one is complete."""
    found = Path(_running(home).at["checkpoints"], job).glob("chk-*/_metadata")
    return str(max((file.parent for file in found), key=lambda folder: int(folder.name.removeprefix("chk-"))))


def kill_task_manager(home: Home) -> None:
    """Ends the task manager as a crash of its machine would."""
    kill(_running(home).processes[1])


def start_task_manager(home: Home) -> None:
    """Starts a task manager in place of one that was killed. The job manager hands it the jobs that wait."""
    running = _running(home)
    worker = _spawn(home, "taskmanager")
    remember(home, "flink", running._replace(processes=(running.processes[0], worker)))


def distribution(home: Home) -> Path:
    """Flink as its Python packages bring it, without what they need for Python: nothing of that is used."""
    venv = home.cache / "flink-1.19.3"
    if not venv.exists():
        partial = venv.with_suffix(".part")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(partial)], check=True)
        subprocess.run([str(partial / "bin" / "pip"), "install", "-q", "--no-deps", *PACKAGES], check=True)
        partial.rename(venv)
    (found,) = venv.glob("lib/python*/site-packages/pyflink")
    return found


def _spawn(home: Home, part: str) -> Process:
    script = distribution(home) / "bin" / f"{part}.sh"
    folder = home.run / "flink"
    env = {"FLINK_CONF_DIR": str(folder / "conf"), "FLINK_LOG_DIR": str(folder), "FLINK_HOME": str(script.parents[1])}
    command = ["bash", str(script), "start-foreground"]  # the script replaces itself by Java: one process, no children
    return spawn(f"flink {part}", command, home.log(f"flink-{part}"), env)


def _workers(address: str) -> int | None:
    """How many task managers the job manager knows; None while it does not answer."""
    try:
        with urllib.request.urlopen(f"{address}/overview", timeout=2) as answer:
            return json.load(answer)["taskmanagers"]
    except (OSError, ValueError):
        return None


def _running(home: Home) -> Running:
    running = recall(home, "flink")
    assert running, "Flink is not up"
    return running
