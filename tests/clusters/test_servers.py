"""Each test server does what it is there for; and the command that starts and stops them keeps to its own."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from clusters import flink as cluster
from clusters import servers, workers
from clusters.job_batch import TEXT
from clusters.job_periodic import EVERY, FOR, WINDOW
from clusters.jobs import Job
from clusters.places import TESTS, Home
from clusters.processes import Process, alive, kill, spawn, stop
from clusters.state import Running, end, is_up, remember
from clusters.topics import Sent, consume, create, produce

from xsieve.pipelines.kafka import ReadKafka  # noqa: F401 fails here, and not in a worker, where the library is missing

RunOnFlink = Callable[..., Job]
SECONDS = 5  # of a window
STREAM = ["--streaming", "--parallelism=2", "--checkpointing_interval=1000", "--finish_bundle_before_checkpointing"]


# --- Kafka


def test_a_message_that_is_produced_is_consumed(kafka: str, topic: Callable[[str], str]) -> None:
    """Bytes, key, partition and time come back as they were given."""
    name = create(kafka, topic("there-and-back"))
    produce(kafka, name, [Sent("olá 🌊".encode(), 1_583_020_800_000, 1, b"k"), Sent(b"\xff\x00", 1_583_020_800_001, 0)])
    got = [(m.value(), m.timestamp()[1], m.partition(), m.key()) for m in consume(kafka, name, 2, 10)]
    assert got == [(b"\xff\x00", 1_583_020_800_001, 0, None), ("olá 🌊".encode(), 1_583_020_800_000, 1, b"k")]


# --- Flink


@pytest.mark.parametrize("pool", ["EXTERNAL", "LOOPBACK"])
def test_a_batch_job_on_flink_gives_its_result(run_on_flink: RunOnFlink, tmp_path: Path, pool: str) -> None:
    """Through the job server, with workers of the pool or in the client."""
    run_on_flink("clusters.job_batch", [str(tmp_path)], pool).wait_finished()
    assert {file.name: int(file.read_text("utf-8")) for file in tmp_path.iterdir()} == Counter(TEXT.split())


@pytest.fixture
def stream(kafka: str, topic: Callable[[str], str], run_on_flink: RunOnFlink) -> "Stream":
    """A job that groups a topic by windows of event time, and runs already."""
    made = _stream(kafka, topic, run_on_flink)
    made.go()
    return made


def _stream(kafka: str, topic: Callable[[str], str], run: RunOnFlink) -> "Stream":
    return Stream(kafka, create(kafka, topic("in"), 2), create(kafka, topic("out"), 1), run)


class Stream:
    """The job, the topics that it reads and writes, and messages whose times are made up, a second apart."""

    def __init__(self, kafka: str, source: str, sink: str, run: RunOnFlink) -> None:
        self.kafka, self.source, self.sink, self._run = kafka, source, sink, run
        self.sent: list[int] = []

    def go(self, *more: str) -> None:
        """Submits the job and waits until it runs."""
        given = [f"--bootstrap={self.kafka}", f"--source={self.source}", f"--sink={self.sink}", f"--seconds={SECONDS}"]
        # where times are made up, no clock may move a partition on
        given += ["--idle=1000000000"] if not any(option.startswith("--idle") for option in more) else []
        self.job = self._run("clusters.job_windows", [*given, *STREAM, *more], name=self.source).wait_running()

    def send(self, seconds: int) -> None:
        """Messages of the next so many seconds, one to each partition in each second."""
        begin = len(self.sent)
        self.sent += range(begin, begin + seconds)
        times = [(second, partition) for second in range(begin, begin + seconds) for partition in (0, 1)]
        text = [Sent(f"{second:04d}/{partition}".encode(), _time(second), partition) for second, partition in times]
        produce(self.kafka, self.source, text)

    def windows(self, count: int, seconds: float = 90) -> dict[int, list[str]]:
        """What came out, by the number of the window; waits until there are ``count`` windows."""
        found: dict[int, list[str]] = {}
        for message in consume(self.kafka, self.sink, count, seconds):
            told = json.loads(message.value())
            found.setdefault(round(told["end"] - START) // SECONDS - 1, []).extend(told["values"])
        return found

    def expected(self, count: int) -> dict[int, list[str]]:
        """What windows hold if nothing is lost and nothing comes twice."""
        seconds = [range(n * SECONDS, (n + 1) * SECONDS) for n in range(count)]
        return {n: [f"{s:04d}/{p}" for s in each for p in (0, 1)] for n, each in enumerate(seconds)}


START = 1_583_020_800  # 2020-03-01, a multiple of every window's length


def _time(second: int) -> int:
    return (START + second) * 1000


def test_windows_of_event_time_on_flink_hold_what_belongs_to_them(stream: Stream) -> None:
    """From Kafka to Kafka with checkpoints: each window once and whole, though no lateness is allowed."""
    for _ in range(8):
        stream.send(3)
    stream.job.wait_checkpoints(2)
    assert stream.windows(4) == stream.expected(4)
    assert stream.job.failures() == []


def test_a_partition_without_messages_holds_back_no_other(
    kafka: str, topic: Callable[[str], str], run_on_flink: RunOnFlink
) -> None:
    """A window closes although one partition never had a message, and the other has none after it."""
    stream = _stream(kafka, topic, run_on_flink)
    stream.go("--idle=3")
    produce(kafka, stream.source, [Sent(b"now", None, 0)] * 3)
    assert list(stream.windows(1).values()) == [["now"] * 3]


def test_a_killed_worker_costs_nothing(stream: Stream, flink: Home) -> None:
    """Flink asks the pool for other workers and goes on from the last checkpoint."""
    stream.send(7)
    stream.windows(1)
    stream.job.wait_checkpoints(1)
    assert workers.kill_workers(flink) > 0
    stream.send(9)
    assert _distinct(stream.windows(3)) == stream.expected(3)
    assert stream.job.failures() != []


def test_a_killed_task_manager_costs_nothing(stream: Stream, flink: Home) -> None:
    """The job waits for another task manager and goes on from the last checkpoint."""
    stream.send(7)
    stream.windows(1)
    stream.job.wait_checkpoints(1)
    cluster.kill_task_manager(flink)
    stream.send(9)
    cluster.start_task_manager(flink)
    assert _distinct(stream.windows(3, 120)) == stream.expected(3)


def test_a_job_that_is_stopped_with_a_savepoint_goes_on_where_it_was(stream: Stream) -> None:
    """Windows that were open come whole from the resumed job."""
    stream.send(7)
    stream.windows(1)
    savepoint = stream.job.stop()
    stream.send(9)
    stream.go(f"--savepoint_path={savepoint}")
    assert _distinct(stream.windows(3)) == stream.expected(3)


def _distinct(windows: dict[int, list[str]]) -> dict[int, list[str]]:
    """The sink writes at least once: after a crash, a window may come again."""
    return {number: sorted({*values}) for number, values in windows.items()}


# --- Prism


def test_prism_closes_windows_while_a_stream_runs(prism: str, tmp_path: Path) -> None:
    """Every window holds its impulses, and the first is out before the stream is over."""
    file = tmp_path / "windows"
    options = ["--runner=PortableRunner", f"--job_endpoint={prism}", "--environment_type=LOOPBACK", "--streaming"]
    subprocess.run(
        [sys.executable, "-m", "clusters.job_periodic", str(file), *options], cwd=TESTS, check=True, timeout=120
    )
    told = sorted(map(json.loads, file.read_text("utf-8").splitlines()))
    assert [count for _, count, _ in told] == [WINDOW / EVERY] * int(FOR / WINDOW)
    assert told[0][2] < told[-1][0]


# --- the command


def test_no_stranger_is_stopped(tmp_path: Path) -> None:
    """A process that has the id of one started earlier, but was born at another time, lives on."""
    home = Home(tmp_path, tmp_path / "run")
    stranger = spawn("stranger", ["sleep", "60"], tmp_path / "log")
    remember(home, "kafka", Running((stranger._replace(born="Mon Jan 1 00:00:00 2001"),), {}))
    assert not is_up(home, "kafka")
    assert end(home, "kafka")
    assert alive(stranger)
    stop(stranger)
    assert not alive(stranger)


def test_up_starts_what_is_needed_once_and_down_stops_what_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job server brings Flink up; a second up starts nothing; Flink takes the job server down with it."""
    home = Home(tmp_path, tmp_path / "run")
    for name, server in servers.SERVERS.items():
        log = tmp_path / f"{name}.log"

        def start(_: Home, name: str = name, log: Path = log) -> Running:
            return Running((spawn(name, ["sleep", "60"], log),), {})

        monkeypatch.setitem(servers.SERVERS, name, server._replace(start=start))
    assert servers.up(home, ["jobserver"]) == ["flink", "jobserver"]
    assert servers.up(home, ["jobserver", "kafka"]) == ["kafka"]
    assert servers.down(home, ["flink"]) == ["jobserver", "flink"]
    assert is_up(home, "kafka")
    assert servers.down(home, [*servers.SERVERS]) == ["kafka"]


def test_a_server_that_died_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up looks at processes, not at what it wrote down."""
    home = Home(tmp_path, tmp_path / "run")
    started: list[Process] = []

    def start(_: Home) -> Running:
        started.append(spawn("kafka", ["sleep", "60"], tmp_path / "log"))
        return Running((started[-1],), {})

    monkeypatch.setitem(servers.SERVERS, "kafka", servers.SERVERS["kafka"]._replace(start=start))
    servers.up(home, ["kafka"])
    kill(started[0])
    assert servers.up(home, ["kafka"]) == ["kafka"]
    servers.down(home, ["kafka"])
    assert [alive(process) for process in started] == [False, False]


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    """Without Java and Maven on PATH, in words and with an exit code."""
    (tmp_path / "ps").symlink_to("/bin/ps")
    env = {**os.environ, "PATH": str(tmp_path), "XSIEVE_CLUSTERS": str(tmp_path / "cache")}
    command = [sys.executable, str(TESTS / "clusters" / "servers.py"), "up", "kafka"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "not on PATH: java, mvn\n")
