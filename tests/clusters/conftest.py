"""Servers for tests: brought up when a test first asks for them, and stopped at the end if they were not up before."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clusters import servers
from clusters.jobs import Job, submit
from clusters.places import Home, shared_home
from clusters.postgres import Postgres, server_for_tests
from clusters.state import recall
from clusters.streams import COMMAND, FLINK, Stream
from ledger.new_ledgers import new_schema

BringUp = Callable[..., Home]


@pytest.fixture(scope="session")
def bring_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BringUp]:
    """``bring_up(names)``: servers of a developer that are all up, else some of the session's own.

    Skips where a program is missing that they need; fails there if XSIEVE_REQUIRE_SERVERS is set.
    """
    shared = shared_home()
    own = Home(shared.cache, tmp_path_factory.mktemp("servers"))
    everything = list(servers.SERVERS)

    def up(*names: str) -> Home:
        if lacking := servers.missing(names):
            give_up = pytest.fail if os.environ.get("XSIEVE_REQUIRE_SERVERS") else pytest.skip
            give_up(f"{', '.join(names)} cannot be started without {', '.join(lacking)} on PATH")
        if all(servers.is_up(shared, name) for name in everything):
            return shared
        servers.up(own, names)
        return own

    yield up
    servers.down(own, everything)


@pytest.fixture(scope="session")
def kafka(bring_up: BringUp) -> str:
    """Where a Kafka broker answers: host and port."""
    return _at(bring_up("kafka"), "kafka")["bootstrap"]


@pytest.fixture(scope="session")
def prism(bring_up: BringUp) -> str:
    """Where Prism takes jobs: host and port."""
    return _at(bring_up("prism"), "prism")["endpoint"]


@pytest.fixture(scope="session")
def flink(bring_up: BringUp) -> Home:
    """The home of a Flink cluster with its job server and Python workers."""
    return bring_up("flink", "jobserver", "workers")


@pytest.fixture(scope="session")
def expansion(bring_up: BringUp) -> str:
    """Where the expansion service for Java's Kafka transforms answers: host and port."""
    return _at(bring_up("expansion"), "expansion")["endpoint"]


@pytest.fixture
def topic() -> Callable[[str], str]:
    """``topic(word)``: a name that no other test uses."""
    return lambda word: f"{word}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def run_on_flink(flink: Home) -> Iterator[Callable[..., Job]]:
    """``run_on_flink(module, arguments, workers="EXTERNAL")`` submits a pipeline; what still runs is cancelled in the end."""
    jobs: list[Job] = []

    def run(module: str, arguments: list[str], workers: str = "EXTERNAL", name: str = "") -> Job:
        jobs.append(submit(flink, module, name or f"job-{uuid.uuid4().hex[:8]}", arguments, workers))
        return jobs[-1]

    yield run
    for job in jobs:
        job.cancel()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for ledgers."""
    yield from server_for_tests()


@pytest.fixture
def stream(kafka: str, postgres: Postgres, topic: Callable[[str], str], tmp_path: Path) -> Stream:
    """A topic, a ledger, and a folder for what comes out."""
    return Stream(tmp_path, kafka, topic("posts"), new_schema(postgres))


@pytest.fixture
def go(stream: Stream, flink: Home, run_on_flink: Callable[..., Job]) -> Callable[..., Job]:
    """Submits the stream to Flink and waits until it runs."""

    def submit(*more: str, **settings: object) -> Job:
        given = ["run", str(stream.settings(**settings)), f"--shared-folder={stream.folder}", *FLINK, *more]
        return run_on_flink(COMMAND, given).wait_running()

    return submit


def _at(home: Home, name: str) -> dict[str, str]:
    running = recall(home, name)
    assert running, f"{name} is not up"
    return running.at
