"""A stream on one machine, without a cluster: on Prism, Beam's own local runner."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clusters.places import TESTS, Home
from clusters.state import recall
from clusters.streams import COMMAND, EVERY, Stream, windows_of


@pytest.fixture
def stream(kafka: str, topic: Callable[[str], str], tmp_path: Path) -> Stream:
    """A topic, a ledger in a file, and a folder for what comes out."""
    return Stream(tmp_path, kafka, topic("posts"), f"sqlite:///{tmp_path}/outflow.db")


@pytest.fixture
def prism_program(bring_up: Callable[..., Home]) -> str:
    """Where Prism lies."""
    running = recall(bring_up("prism"), "prism")
    assert running
    return running.at["binary"]


@contextmanager
def on_prism(stream: Stream, program: str) -> Iterator[Callable[[Callable[[], bool]], None]]:
    """Runs the stream until Ctrl-C; gives what waits until something holds, and fails if the command ends before."""
    command = [sys.executable, "-m", COMMAND, "run", str(stream.settings()), f"--prism_location={program}"]
    file = stream.folder / "log"
    with file.open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=TESTS) as run:

        def wait(holds: Callable[[], bool]) -> None:
            stream.wait(lambda: holds() or run.poll() is not None)
            assert run.poll() is None, file.read_text()[-500:]

        try:
            yield wait
        finally:
            run.send_signal(2)
            run.wait(60)


def test_a_stream_on_prism_runs_from_one_command_until_it_is_stopped(stream: Stream, prism_program: str) -> None:
    """No cluster: a local stream with a ledger in a file; Ctrl-C ends it, and what was published stands."""
    with on_prism(stream, prism_program) as wait:
        stream.send(40, seconds=8)
        wait(stream.is_whole)
    assert stream.used() == 40
    assert stream.is_in_its_own_windows()


def test_idle_late_empty_and_poison_on_prism(stream: Stream, prism_program: str) -> None:
    """An idle partition holds back nothing; what is late is a supplement; an empty window is no release; poison is a reject."""
    with on_prism(stream, prism_program) as wait:
        begin = time.time() // EVERY * EVERY
        stream.send_now(10, partitions=1)  # the other partition never has any
        wait(stream.is_whole)
        time.sleep(max(0.0, begin + 3 * EVERY - time.time()))  # windows that nothing falls into
        stream.poison()
        stream.send_now(10, partitions=1)
        wait(lambda: stream.is_whole() and stream.rejected() == 3)
        (first, second) = windows_of(stream.out / "climate")
        stream.send_now(5, at=begin + 1, partitions=1)
        wait(stream.is_whole)
        assert windows_of(stream.out / "climate") == [first, second]
        assert sorted(file.name for file in first.glob("*.txt")) == ["ids-supplement-0001.txt", "ids.txt"]
        assert sorted(file.name for file in second.glob("*.txt")) == ["ids.txt"]
    assert stream.used() == 25
