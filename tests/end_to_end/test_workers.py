"""Worker processes of a run on this machine: one that is lost ends the run, whenever that happens."""

import json
import signal
import threading

import pytest
from apache_beam.options.pipeline_options import DirectOptions
from outputs import names, settings
from templates import v2_post

from xsieve.pipelines import worker
from xsieve.pipelines.execute import PARALLEL_BYTES, RunError, options_of
from xsieve.pipelines.run import run
from xsieve.pipelines.sources import LINES, Source

IDS = {"i": {"kind": "ids"}}
TWO = ["--direct_num_workers=2"]


@pytest.fixture(autouse=True)
def posts(tmp_path):
    made = (json.dumps(v2_post(id=str(1_234_003_968_000_000_000 + n))) for n in range(50))
    (tmp_path / "in").write_text("\n".join(made), "utf-8")


def test_a_worker_that_ends_before_it_begins_ends_the_run(tmp_path, monkeypatch):
    """Killed for want of memory, say: Beam would wait for it for ever."""
    monkeypatch.setattr(worker, "command", lambda: "false")
    monkeypatch.setattr(worker, "PATIENCE", 0.2)
    handler, hook = signal.getsignal(signal.SIGUSR1), threading.excepthook
    with pytest.raises(
        RunError, match=r"^a worker failed: a process ended before it could begin; .*nothing was published$"
    ):
        run(settings(tmp_path, IDS), TWO)
    assert names(tmp_path / "out" / "i") == []
    assert (signal.getsignal(signal.SIGUSR1), threading.excepthook) == (handler, hook)


@pytest.mark.parametrize(
    ("sources", "all_cores"),
    [
        ([Source(0, "a", PARALLEL_BYTES, LINES)], True),
        ([Source(0, "a", PARALLEL_BYTES - 1, LINES)], False),
        ([Source(0, "a", PARALLEL_BYTES, LINES, "gzip")], False),
        ([Source(n, "a", PARALLEL_BYTES // 2, LINES, "gzip") for n in range(2)], True),
    ],
    ids=["large", "small", "one that cannot be cut", "two of them"],
)
def test_all_cores_are_used_where_there_is_enough_to_read_side_by_side(monkeypatch, sources, all_cores):
    """What starting processes costs must be less than what they save; whoever names a number gets it."""
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert options_of([], sources).view_as(DirectOptions).direct_num_workers == (4 if all_cores else 1)
    assert options_of(["--direct_num_workers=2"], sources).view_as(DirectOptions).direct_num_workers == 2


def test_a_run_in_another_thread_leaves_the_main_one_alone(tmp_path):
    """Only a main thread can be reached by a signal; whoever runs pipelines in others keeps their signals."""
    handler = signal.getsignal(signal.SIGUSR1)
    seen = []

    def look():
        with worker.watched():
            seen.append(signal.getsignal(signal.SIGUSR1))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [handler]


def test_other_threads_that_fail_are_told_as_ever():
    """What watches the workers passes on the exceptions of other threads."""
    told = []
    before = threading.excepthook
    threading.excepthook = told.append
    try:
        with worker.watched():
            thread = threading.Thread(target=lambda: 1 / 0)
            thread.start()
            thread.join()
    finally:
        threading.excepthook = before
    assert [error.exc_type for error in told] == [ZeroDivisionError]
