"""Runs that are killed, for good and at any moment: what is published is whole, and the next run leaves no trace of it.

XSIEVE_KILLS says how many runs are killed at random moments.
"""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from outputs import ids, lines, manifest, names, rows
from templates import v1_post

from xsieve.pipelines.publish import JOURNAL, MANIFEST, STAGED
from xsieve.transforms.records.times import EPOCH_MS

KILLS = int(os.environ.get("XSIEVE_KILLS", "5"))
HOUR = 3_600_000 << 22
FIRST = (1_600_000_000_000 - EPOCH_MS << 22) + 1
INPUTS = {"more": [FIRST + n * HOUR for n in range(300)], "less": [FIRST + n * HOUR + 1 for n in range(120)]}
STRANGER = "ids-1999-12-31T23.txt"

# Forks a process for each run, so that Beam is imported once; says its number, and, once asked, with which status it has
# ended. Nobody else can have that number until then, so that whoever kills it never kills a stranger.
RUNS = """
import json, os, sys
from pathlib import Path
from outputs import settings
from xsieve.pipelines.run import run
outputs = {"hours": {"kind": "ids", "split": "utc_hour"}, "rows": {"kind": "rows"}, "store": {"kind": "store"}}
print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        try:
            run(settings(Path(sys.argv[1]), outputs, line.split()[0], rejects=sys.argv[1] + "/rejects"), line.split()[1:])
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    print(pid, flush=True)
    sys.stdin.readline()
    print(os.waitpid(pid, 0)[1], flush=True)
"""


class Runs:
    """Runs one after the other, each in a process that may be killed."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "out"
        self.lasts = 0.0  # seconds, about
        temporary = folder / "tmp"
        temporary.mkdir()
        environment = {
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "TMPDIR": str(temporary),
            "PATH": os.environ["PATH"],
        }
        command = [sys.executable, "-c", RUNS, str(folder)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True, bufsize=1)
        assert self._line() == "ready"

    def _line(self) -> str:
        return self.process.stdout.readline().strip()

    def begin(self, name: str, *options: str) -> int:
        """Begins a run over an input; its process."""
        print(name, *options, file=self.process.stdin)
        return int(self._line())

    def end(self) -> int:
        """Waits for a run to end; its status."""
        print("end", file=self.process.stdin)
        return int(self._line())

    def killed(self, name: str, when: Callable[[float], bool], *options: str) -> bool:
        """Kills a run once ``when`` (given the seconds since it began) says so; whether that was before its end."""
        pid, began = self.begin(name, *options), time.monotonic()
        try:
            while not when(seconds := time.monotonic() - began):
                assert seconds < 60, "the step never showed"
        finally:
            os.kill(pid, signal.SIGKILL)
            status = self.end()
        return status == signal.SIGKILL


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two inputs, and a folder in which somebody else keeps a file that is named like one of ours."""
    folder = tmp_path_factory.mktemp("crash")
    for name, numbers in INPUTS.items():
        posts = [v1_post(str(number), text=f"number {number % 1000} 🌊") for number in numbers]
        (folder / name).write_text("".join(json.dumps(post) + "\n" for post in posts) + "{\n")
    found = Runs(folder)
    began = time.monotonic()
    assert run_to_the_end(found, "more") == 0
    found.lasts = time.monotonic() - began
    (found.out / "hours" / STRANGER).write_text("mine")
    yield found
    found.process.stdin.close()
    found.process.wait()


def run_to_the_end(runs: Runs, name: str) -> int:
    runs.begin(name)
    return runs.end()


def whole(folder: Path) -> str | None:
    """The input of which an output is all there is; None if it has no manifest, as then nothing is said to be whole."""
    if not (folder / MANIFEST).exists():
        return None
    told = manifest(folder)
    count = told["out"]
    assert {entry["name"] for entry in told["files"]} <= set(names(folder))
    assert all((folder / entry["name"]).stat().st_size == entry["bytes"] for entry in told["files"])
    assert sum(entry["units"] for entry in told["files"]) == count
    (name,) = (name for name, numbers in INPUTS.items() if len(numbers) == count)
    if folder.name == "hours":
        assert sorted(ids(folder)) == INPUTS[name]
    else:
        assert len(rows(folder) if folder.name == "rows" else lines(folder)) == count
    return name


def assert_nothing_else(runs: Runs, name: str) -> None:
    """All outputs are those of one input, and what strangers left is there and nothing else is."""
    for folder in runs.out.iterdir():
        assert whole(folder) == name
        strangers = [STRANGER] if folder.name == "hours" else []
        assert names(folder) == sorted([MANIFEST, *strangers, *(entry["name"] for entry in manifest(folder)["files"])])
    assert names(runs.out.parent / "rejects") == [MANIFEST, *(f"rejects-0000{n}-of-00003.jsonl" for n in range(3))]
    assert (runs.out / "hours" / STRANGER).read_text() == "mine"


def kill_and_repeat(runs: Runs, when: Callable[[float], bool], *options: str) -> bool:
    """Kills a run over the other input, looks at what is there, and lets it run again; whether it was killed."""
    before = whole(runs.out / "rows") or "more"
    after = "less" if before == "more" else "more"
    killed = runs.killed(after, when, *options)
    for folder in runs.out.iterdir():
        assert whole(folder) in (None, before, after)
        if not any((folder / name).exists() for name in (MANIFEST, JOURNAL)):
            raise AssertionError("the old output is lost, and the new one is not on its way")
    assert run_to_the_end(runs, after) == 0
    assert_nothing_else(runs, after)
    return killed


@pytest.mark.parametrize("number", range(KILLS))
def test_a_run_that_is_killed_at_any_moment_leaves_whole_outputs_or_none(runs, number):
    """Whenever a run is killed, a manifest names whole outputs only; and the next run gives exactly its own."""
    moment = random.Random(number).uniform(0, runs.lasts)
    kill_and_repeat(runs, lambda seconds: seconds > moment)


STEPS = {
    "a staging folder is made": lambda out: any(name.startswith(STAGED) for name in names(out / "rows")),
    "rows are staged": lambda out: any((out / "rows").glob(f"{STAGED}*/*")),
    "ids are made distinct": lambda out: any((out / "hours").glob(f"{STAGED}*/*.txt")),
    "the manifest is staged": lambda out: any((out / "hours").glob(f"{STAGED}*/{MANIFEST}")),
    "publishing begins": lambda out: (out / "hours" / JOURNAL).exists(),
    "the old manifest is gone": lambda out: not (out / "hours" / MANIFEST).exists(),
    "one output is published": lambda out: (out / "rows" / JOURNAL).exists() and not (out / "hours" / JOURNAL).exists(),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_killed_at_a_step_leaves_whole_outputs_or_none(runs, step):
    """The same, as soon as a step shows on the disk."""
    assert kill_and_repeat(runs, lambda _: STEPS[step](runs.out)) or step == "one output is published"


def test_a_run_of_several_processes_may_be_killed_too(runs):
    """Workers that outlive their run for a moment publish nothing, and are in nobody's way."""
    assert kill_and_repeat(runs, lambda _: STEPS["rows are staged"](runs.out), "--direct_num_workers=2")


def test_runs_that_are_killed_one_after_the_other_are_recovered_from(runs):
    """Kill upon kill, without a whole run between them: the last one sets all of it right."""
    steps = [STEPS[step] for step in ("the old manifest is gone", "publishing begins", "ids are made distinct")]
    for step, name in zip(steps, itertools.cycle(INPUTS), strict=False):
        runs.killed(name, lambda _, step=step: step(runs.out))
        for folder in runs.out.iterdir():
            assert whole(folder) in (None, *INPUTS)
    assert run_to_the_end(runs, "less") == 0
    assert_nothing_else(runs, "less")
