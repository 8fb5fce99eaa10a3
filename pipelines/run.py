"""A run: settings in, outputs on disk, and a summary in which everything is accounted for.

Local and in batch: on Beam's FnApiRunner, in one process or, where the input is large enough to pay for starting them, in
as many as there are cores.
"""

import json
import logging
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions

from xsieve.pipelines import settings as st
from xsieve.pipelines.graph import REJECTS, Job, build
from xsieve.pipelines.plans import plans_of
from xsieve.pipelines.publish import discard, publish, recover, staging_folder
from xsieve.pipelines.sources import Source, describe, find
from xsieve.pipelines.stage import Staged
from xsieve.pipelines.summary import OutputSummary, Progress, Summary, summary_of
from xsieve.transforms.records.ids import Rounding
from xsieve.transforms.records.tally import Counts

RUNNER = "FnApiRunner"
PARALLEL_BYTES = 2 << 30  # input from which on several processes pay for their start (benchmarks/README.md)
NOT_FOR_OTHERS = (
    "Stripped or not, this is X content, for in-house use: rows are unique too often to be called anonymous, names in free "
    "text stay, and ids lead back to posts and people."
)


class RunError(Exception):
    """A run that cannot be done. Says what is wrong and what to do; never content, never a library's message."""


def run(
    settings: st.Settings,
    beam_options: Sequence[str] = (),
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Do what the settings say. Raises SourceError, PublishError, RunError, PlanError; nothing is published then."""
    began = time.monotonic()
    sources = tuple(find(settings.input.path, settings.input.exclude or ()))
    plans = plans_of(settings)
    options = _options(beam_options, sources)
    workers = options.view_as(DirectOptions).direct_num_workers
    targets = {name: output.write.path for name, output in settings.outputs.items()}
    if settings.rejects:
        targets[REJECTS] = settings.rejects
    with _staging(targets) as folders, tempfile.TemporaryDirectory(prefix="xsieve-") as private:
        job = Job(settings, plans, sources, folders, os.path.join(private, "report.json"), workers)
        with _watching(os.path.join(private, "progress"), sources, progress) as progress_file:
            _execute(job, options, progress_file)
        report = json.loads(Path(job.report).read_bytes())
        return _publish(job, report, targets, options, began)


def _options(given: Sequence[str], sources: Sequence[Source]) -> PipelineOptions:
    options = PipelineOptions(list(given))
    if not options.view_as(StandardOptions).runner:
        options.view_as(StandardOptions).runner = RUNNER
    direct = options.view_as(DirectOptions)
    chosen = any(option.startswith("--direct_num_workers") for option in given)
    if not chosen and sum(source.size for source in sources) >= PARALLEL_BYTES:
        direct.direct_num_workers = os.cpu_count() or 1
    if direct.direct_num_workers > 1 and not any(option.startswith("--direct_running_mode") for option in given):
        direct.direct_running_mode = "multi_processing"
    return options


def _execute(job: Job, options: PipelineOptions, progress_file: str | None) -> None:
    pipeline = beam.Pipeline(options=options)
    build(pipeline, job, progress_file)
    with _quiet_workers():
        try:
            pipeline.run().wait_until_finish()
        except Exception as error:
            raise _our_own(error) from None
    if not os.path.exists(job.report):
        raise RunError("the runner ended without a report, so nothing was published; run again")


def _our_own(error: BaseException) -> Exception:
    """What may be said of an exception that came out of a runner: our own errors as they are, of others only the kind."""
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__module__.startswith("xsieve."):
            return RunError(str(seen)) if not isinstance(seen, RunError) else seen
        seen = seen.__cause__ or seen.__context__
    return RunError(f"a worker failed ({type(error).__name__}), so nothing was published")


@contextmanager
def _quiet_workers() -> Iterator[None]:
    """Runners log exceptions with their text, which may hold data: nothing of theirs is logged while data is about."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def _staging(targets: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A staging folder for each target; whatever is left in them goes when the run ends, however it ends."""
    folders: dict[str, str] = {}
    try:
        for name, path in targets.items():
            recover(path)
            folders[name] = staging_folder(path)
        yield folders
    finally:
        for folder in folders.values():
            discard(folder)


@contextmanager
def _watching(
    path: str, sources: Sequence[Source], progress: Callable[[Progress], None] | None
) -> Iterator[str | None]:
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


def _publish(
    job: Job, report: Mapping[str, Any], targets: Mapping[str, str], options: PipelineOptions, began: float
) -> Summary:
    """Check what the workers told, publish, and say what was done."""
    _refuse_rounded(report)
    counts = {name: _counts(report["counts"].get(name, [])) for name in job.plans}
    staged = [Staged(*entry) for entry in report["files"]]
    outputs: dict[str, OutputSummary] = {}
    for name, plan in job.plans.items():
        summary = summary_of(name, plan.kind, counts[name], [], "published")
        manifest = {**_facts(job, summary), "plan": plan.fingerprint}
        files = publish(targets[name], [s for s in staged if s.output == name], manifest, _PREFIX[plan.kind])
        summary.files.extend(files)
        outputs[name] = summary
    if REJECTS in targets:
        files_ = [s for s in staged if s.output == REJECTS]
        publish(targets[REJECTS], files_, {"what": "payloads that could not be handled, without content"}, "rejects")
    shares = [sum(o.rejected.values()) / o.read for o in outputs.values() if o.read]
    return Summary(
        outputs,
        describe(job.sources),
        time.monotonic() - began,
        options.view_as(StandardOptions).runner,
        job.workers,
        max(shares, default=0.0),
        job.settings.max_rejects,
        targets.get(REJECTS),
        st.warnings(job.settings),
    )


_PREFIX = {"rows": "rows", "ids": "ids", "store": "store"}


def _facts(job: Job, summary: OutputSummary) -> dict[str, Any]:
    """What the manifest of an output says besides its files."""
    return {
        "output": summary.name,
        "kind": summary.kind,
        "policy": job.settings.policy,
        "release": "in-house",
        "note": NOT_FOR_OTHERS,
        "read": summary.read,
        "out": summary.out,
        "dropped": summary.dropped,
        "rejected": summary.rejected,
        "noted": summary.noted,
        "sources": len(job.sources),
    }


def _counts(entries: Sequence[Sequence[Any]]) -> Counts:
    return Counter({(what, reason): number for what, reason, number in entries})


def _refuse_rounded(report: Mapping[str, Any]) -> None:
    """A source whose ids went through a float is refused: the ids it had cannot be got back."""
    found: dict[tuple[str, int], Rounding] = {}
    for output, source, (large, ending) in report["seen"]:
        known = found.get((output, source), Rounding())
        found[output, source] = Rounding(known.large + large, known.ending_00 + ending)
    rounded = sorted({source for (_, source), rounding in found.items() if rounding.looks_rounded()})
    if rounded:
        raise RunError(
            f"the ids of source {', '.join(map(str, rounded))} look rounded (nearly all end in 00, as after JavaScript or a "
            "spreadsheet); nothing was published. Collect them again with id_str, or exclude the source"
        )
