"""Execution: a job on its runner, quietly, with its progress told while it lasts.

Local and in batch: on Beam's FnApiRunner, in one process or, where the input is large enough to pay for starting them, in
as many as there are cores.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TypeVar, cast

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from xsieve.pipelines import worker
from xsieve.pipelines.graph import PIECE_BYTES, Job, build
from xsieve.pipelines.sources import Source, pieces
from xsieve.pipelines.summary import Progress

V = TypeVar("V", bound=PipelineOptions)
RUNNER, PROCESSES = "FnApiRunner", "multi_processing"
PARALLEL_BYTES = 512 << 20  # input from which on several processes pay for their start (benchmarks/README.md)
OWN_ERROR = re.compile(
    r"^xsieve\.[\w.]+: (.+)$", re.MULTILINE
)  # the last line of a traceback that a worker process sent
STEP = re.compile(r" \[while running '.*", re.DOTALL)  # what Beam adds to it


class RunError(Exception):
    """A run that cannot be done. Says what is wrong and what to do; never content, never a library's message."""


class Options(PipelineOptions):
    """Beam's options, with views that are made once: building a pipeline asks for three hundred (0.05 s)."""

    def view_as(self, cls: type[V]) -> V:
        views: dict[type, PipelineOptions] = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = super().view_as(cls)  # a view shares the values of what it is a view of
        return cast("V", views[cls])


def options_of(given: Sequence[str], sources: Sequence[Source]) -> PipelineOptions:
    options = Options(list(given))
    if not options.view_as(StandardOptions).runner:
        options.view_as(StandardOptions).runner = RUNNER
    direct = options.view_as(DirectOptions)
    chosen = any(option.startswith("--direct_num_workers") for option in given)
    parts = sum(len(pieces(source, PIECE_BYTES)) for source in sources)
    if not chosen and parts > 1 and sum(source.size for source in sources) >= PARALLEL_BYTES:
        direct.direct_num_workers = 0
    direct.direct_num_workers = direct.direct_num_workers or os.cpu_count() or 1
    if direct.direct_num_workers > 1 and not any(option.startswith("--direct_running_mode") for option in given):
        direct.direct_running_mode = PROCESSES
    return options


def is_local(options: PipelineOptions) -> bool:
    """Whether the workers are this process, or processes of it."""
    return options.view_as(StandardOptions).runner == RUNNER


def execute(job: Job, options: PipelineOptions, progress_file: str | None) -> None:
    with quiet():
        try:
            pipeline = beam.Pipeline(_runner(options), options)
        except ValueError:
            raise RunError("Apache Beam refuses its options; is the name of the runner right?") from None
        build(pipeline, job, progress_file)
        try:
            with worker.watched():
                pipeline.run().wait_until_finish()
        except Exception as error:
            raise RunError(f"a worker failed: {ours_of(error)}; nothing was published") from None
    if not FileSystems.exists(job.report):
        raise RunError("the runner ended without a report, so nothing was published; run again")


def _runner(options: PipelineOptions) -> FnApiRunner | None:
    """The runner if it needs worker processes: those would write their errors to the terminal."""
    direct = options.view_as(DirectOptions)
    if options.view_as(StandardOptions).runner != RUNNER or direct.direct_running_mode != PROCESSES:
        return None
    direct.direct_running_mode = "in_memory"  # or the runner would start them its own way
    return FnApiRunner(SubprocessSDKEnvironment.from_command_string(f"{worker.command()} 2>{os.devnull}"))


def ours_of(error: BaseException) -> str:
    """What may be said of an exception out of a runner: texts of our own, which hold no content; of others the kind only."""
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__module__.startswith("xsieve."):
            return STEP.sub("", str(seen))
        seen = seen.__cause__ or seen.__context__
    sent = OWN_ERROR.findall(str(error))
    return STEP.sub("", sent[-1]) if sent else type(error).__name__


@contextmanager
def quiet() -> Iterator[None]:
    """Runners log exceptions, and print them too, with texts that may hold data: they are told once, by us."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
            yield
    finally:
        logging.disable(before)


@contextmanager
def watching(path: str, sources: Sequence[Source], progress: Callable[[Progress], None] | None) -> Iterator[str | None]:
    """Tell how far the workers are, from what they append to a file, until the run ends."""
    if progress is None:
        yield None
        return
    Path(path).touch()
    total, began, done = sum(source.size for source in sources), time.monotonic(), threading.Event()

    def tell() -> None:
        size = sum(map(int, Path(path).read_bytes().split()))
        progress(Progress(min(size, total), total, None, time.monotonic() - began))

    def watch() -> None:
        while not done.wait(0.2):
            tell()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield path
    finally:
        done.set()
        watcher.join()
        tell()
