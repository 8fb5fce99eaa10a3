"""Jobs of a Flink cluster over its REST interface, and pipelines that are submitted to it."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from clusters.places import TESTS, Home
from clusters.state import recall

ENDED = ("FINISHED", "CANCELED", "FAILED")
Value = TypeVar("Value")


class JobError(Exception):
    """A job that did not do what was waited for; says what state it is in, and why it failed if it did."""


class Job(NamedTuple):
    """A job that was submitted under a name of its own; ``client`` is the process that submitted it."""

    rest: str
    name: str
    client: "subprocess.Popen[bytes]"
    log: Path

    @property
    def id(self) -> str:
        """The id that Flink gave it, which a resumed job does not keep; waits until it is known."""
        return until(lambda: next((job["jid"] for job in self._listed() if job["state"] not in ENDED), None), 90, self)

    @property
    def state(self) -> str:
        return next((job["state"] for job in self._listed()), "UNKNOWN")

    def wait_running(self, seconds: float = 90) -> "Job":
        """Waits until every task of the job runs."""
        until(lambda: any(_all_run(job) for job in self._listed()), seconds, self)
        return self

    def wait_finished(self, seconds: float = 180) -> "Job":
        """Waits until the client says that the job is done."""
        if self.client.wait(seconds):
            raise JobError(f"{self.name} failed; see {self.log}")
        return self

    def checkpoints(self) -> int:
        """How many checkpoints are complete."""
        return get(f"{self.rest}/jobs/{self.id}/checkpoints")["counts"]["completed"]

    def wait_checkpoints(self, more: int, seconds: float = 60) -> None:
        wanted = self.checkpoints() + more
        until(lambda: self.checkpoints() >= wanted, seconds, self)

    def checkpoint_size(self) -> int:
        """The bytes of the newest complete checkpoint; 0 if there is none."""
        newest = get(f"{self.rest}/jobs/{self.id}/checkpoints")["latest"]["completed"]
        return newest["state_size"] if newest else 0

    def failures(self) -> list[str]:
        """The first lines of what made tasks fail, last first."""
        entries = get(f"{self.rest}/jobs/{self.id}/exceptions")["exceptionHistory"]["entries"]
        return [entry["stacktrace"].split("\n")[0][:200] for entry in entries]

    def cancel(self) -> None:
        """Ends the job, and the client, whose end alone ends no job."""
        if self.state not in (*ENDED, "UNKNOWN"):
            send(f"{self.rest}/jobs/{self.id}?mode=cancel", "PATCH")
            until(lambda: self.state in ENDED, 60, self)
        self.client.kill()
        self.client.wait()

    def stop(self) -> str:
        """Stops the job with a savepoint; the folder of the savepoint."""
        address = f"{self.rest}/jobs/{self.id}"
        asked = send(f"{address}/stop", "POST", {"drain": False})["request-id"]
        said = until(lambda: _done(get(f"{address}/savepoints/{asked}")), 60, self)
        if "location" not in said:
            raise JobError(f"{self.name}: no savepoint: {json.dumps(said)[:500]}")
        self.client.kill()
        self.client.wait()
        return said["location"].removeprefix("file:")

    def _listed(self) -> list[dict[str, Any]]:
        """The jobs of this name, newest first."""
        named = [job for job in get(f"{self.rest}/jobs/overview")["jobs"] if job["name"] == self.name]
        return sorted(named, key=lambda job: -job["start-time"])


def submit(home: Home, module: str, name: str, arguments: list[str], workers: str = "EXTERNAL") -> Job:
    """Runs ``python -m MODULE`` with options that send its pipeline to Flink.

    ``workers``: EXTERNAL for the pool, whose workers can be killed; LOOPBACK for workers inside of the client.
    """
    flink, server, pool = (recall(home, each) for each in ("flink", "jobserver", "workers"))
    assert flink, "Flink is not up"
    assert server, "the job server is not up"
    options = ["--runner=PortableRunner", f"--job_endpoint={server.at['endpoint']}", f"--job_name={name}"]
    options += [f"--environment_type={workers}"]
    if workers == "EXTERNAL":
        assert pool, "the pool of workers is not up"
        options += [f"--environment_config={pool.at['endpoint']}"]
    log = home.log(f"job-{name}")
    with log.open("wb") as out:
        command = [sys.executable, "-m", module, *arguments, *options]
        client = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=TESTS)
    return Job(flink.at["rest"], name, client, log)


def until(found: Callable[[], Value | None], seconds: float, job: Job) -> Value:
    """Waits until something is there. Raises JobError after ``seconds``, or if the client failed."""
    end = time.monotonic() + seconds

    def look() -> Value | None:
        try:
            return found()
        except OSError:  # Flink is too busy to answer
            return None

    while not (value := look()):
        if (job.client.poll() or 0) > 0:  # less than 0: killed by a test
            raise JobError(f"{job.name} failed; see {job.log}")
        if time.monotonic() > end:
            raise JobError(f"{job.name} is {job.state} after {seconds:.0f} s; see {job.log}")
        time.sleep(0.3)
    return value


def get(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)


def send(address: str, method: str, data: dict[str, Any] | None = None) -> Any:
    body = json.dumps(data or {}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")


def _all_run(job: dict[str, Any]) -> bool:
    return job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"] > 0


def _done(said: dict[str, Any]) -> dict[str, Any] | None:
    return said["operation"] if said["status"]["id"] == "COMPLETED" else None
