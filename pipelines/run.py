"""A run: settings in, outputs on disk, and a summary in which everything is accounted for.

Local and in batch: on Beam's FnApiRunner, in one process or, where the input is large enough to pay for starting them, in
as many as there are cores.
"""

import json
import logging
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from xsieve.pipelines import settings as st
from xsieve.pipelines.graph import REJECTS, Job, build
from xsieve.pipelines.plans import plans_of
from xsieve.pipelines.publish import Output, discard, publish, recover, staging_folder
from xsieve.pipelines.releases import Branch, branches
from xsieve.pipelines.releasing import Counted, Releasing, ledger_of
from xsieve.pipelines.sources import Source, describe, find
from xsieve.pipelines.stage import Staged
from xsieve.pipelines.summary import OutputSummary, Progress, Summary, summary_of
from xsieve.transforms.records.ids import Rounding
from xsieve.transforms.records.tally import Counts

RUNNER, PROCESSES = "FnApiRunner", "multi_processing"
PARALLEL_BYTES = 2 << 30  # input from which on several processes pay for their start (benchmarks/README.md)
NOT_FOR_OTHERS = (
    "Stripped or not, this is X content, for in-house use: rows are unique too often to be called anonymous, names in free "
    "text stay, and ids lead back to posts and people."
)


OWN_ERROR = re.compile(
    r"^xsieve\.[\w.]+: (.+)$", re.MULTILINE
)  # the last line of a traceback that a worker process sent
STEP = re.compile(r" \[while running '.*", re.DOTALL)  # what Beam adds to it


class RunError(Exception):
    """A run that cannot be done. Says what is wrong and what to do; never content, never a library's message."""


def run(
    settings: st.Settings,
    beam_options: Sequence[str] = (),
    progress: Callable[[Progress], None] | None = None,
    *,
    dry_run: bool = False,
    as_of: datetime | None = None,
) -> Summary:
    """Do what the settings say. Raises SourceError, PublishError, RunError, PlanError, LedgerError, ReleaseError; nothing is
    published then.

    ``dry_run`` counts and says what would be withheld, and writes nothing; ``as_of`` asks that of another time.
    """
    began, now = time.monotonic(), as_of or datetime.now(timezone.utc)
    sources = tuple(find(settings.input.path, settings.input.exclude or ()))
    found = branches(settings, plans_of(settings), now)
    options = _options(beam_options, sources)
    workers = options.view_as(DirectOptions).direct_num_workers
    targets = {label: settings.outputs[branch.output].write.path for label, branch in found.items()}
    if settings.rejects:
        targets[REJECTS] = settings.rejects
    targets = {name: path.removeprefix("file://") for name, path in targets.items()}
    with tempfile.TemporaryDirectory(prefix="xsieve-") as private, ExitStack() as stack:
        releasing = stack.enter_context(_releasing(settings, found, sources, now, dry_run))
        staging = _in_private(targets, private) if dry_run else stack.enter_context(_staging(targets))
        job = Job(settings, found, sources, staging, os.path.join(private, "report.json"), workers)
        with _watching(os.path.join(private, "progress"), sources, progress) as progress_file:
            _execute(job, options, progress_file)
        report = Report.read(job.report)
        outputs = (_would if dry_run else _publish)(job, report, targets, releasing)
    shares = [sum(output.rejected.values()) / output.read for output in outputs.values() if output.read]
    return Summary(
        outputs,
        describe(sources),
        time.monotonic() - began,
        str(options.view_as(StandardOptions).runner),
        workers,
        max(shares, default=0.0),
        settings.max_rejects,
        targets.get(REJECTS),
        st.warnings(settings),
        dry_run,
    )


def _options(given: Sequence[str], sources: Sequence[Source]) -> PipelineOptions:
    options = PipelineOptions(list(given))
    if not options.view_as(StandardOptions).runner:
        options.view_as(StandardOptions).runner = RUNNER
    direct = options.view_as(DirectOptions)
    chosen = any(option.startswith("--direct_num_workers") for option in given)
    if not chosen and sum(source.size for source in sources) >= PARALLEL_BYTES:
        direct.direct_num_workers = 0
    direct.direct_num_workers = direct.direct_num_workers or os.cpu_count() or 1
    if direct.direct_num_workers > 1 and not any(option.startswith("--direct_running_mode") for option in given):
        direct.direct_running_mode = PROCESSES
    return options


def _execute(job: Job, options: PipelineOptions, progress_file: str | None) -> None:
    with _quiet():
        try:
            pipeline = beam.Pipeline(_runner(options), options)
        except ValueError:
            raise RunError("Apache Beam refuses its options; is the name of the runner right?") from None
        build(pipeline, job, progress_file)
        try:
            pipeline.run().wait_until_finish()
        except Exception as error:
            raise RunError(f"a worker failed: {_ours_of(error)}; nothing was published") from None
    if not os.path.exists(job.report):
        raise RunError("the runner ended without a report, so nothing was published; run again")


def _runner(options: PipelineOptions) -> FnApiRunner | None:
    """The runner if it needs worker processes: those would write their errors to the terminal."""
    direct = options.view_as(DirectOptions)
    if options.view_as(StandardOptions).runner != RUNNER or direct.direct_running_mode != PROCESSES:
        return None
    direct.direct_running_mode = "in_memory"  # or the runner would start them its own way
    command = f'"{sys.executable}" -m apache_beam.runners.worker.sdk_worker_main 2>{os.devnull}'
    return FnApiRunner(SubprocessSDKEnvironment.from_command_string(command))


def _ours_of(error: BaseException) -> str:
    """What may be said of an exception out of a runner: texts of our own, which hold no content; of others the kind only."""
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__module__.startswith("xsieve."):
            return STEP.sub("", str(seen))
        seen = seen.__cause__ or seen.__context__
    sent = OWN_ERROR.findall(str(error))
    return STEP.sub("", sent[-1]) if sent else type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Runners log exceptions, and print them too, with texts that may hold data: they are told once, by us."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
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
        for name, folder in folders.items():
            discard(targets[name], folder)


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


class Report(NamedTuple):
    """What the workers told."""

    counts: Mapping[str, Counts]  # by branch
    files: Sequence[Staged]
    seen: Sequence[Any]  # evidence of rounded ids
    units: Mapping[str, Counted]  # by branch, where files do not tell how many objects there are

    @classmethod
    def read(cls, path: str) -> "Report":
        told = json.loads(Path(path).read_bytes())
        counts = {name: Counter({(w, r): n for w, r, n in entries}) for name, entries in told["counts"].items()}
        return cls(
            counts,
            [Staged(*entry) for entry in told["files"]],
            told["seen"],
            {name: Counted(*found) for name, found in told["units"]},
        )

    def staged(self, name: str) -> list[Staged]:
        """The staged files of a branch."""
        return [file for file in self.files if file.output == name]


@contextmanager
def _releasing(
    settings: st.Settings, found: Mapping[str, Branch], sources: Sequence[Source], now: datetime, dry_run: bool
) -> Iterator[Releasing | None]:
    """What leads the releases; None where nothing goes to anybody. No ledger, no release."""
    if not any(branch.outflows for branch in found.values()):
        yield None
        return
    with ledger_of(settings, dry_run) as ledger:
        releasing = Releasing(settings, found, sources, ledger, now)
        releasing.check()
        if not dry_run:
            releasing.recover()
        try:
            yield releasing
        finally:
            releasing.discard()


def _in_private(targets: Mapping[str, str], private: str) -> dict[str, str]:
    """Staging folders that vanish with the run, for one that writes nothing."""
    folders = {name: os.path.join(private, f"staged-{number}") for number, name in enumerate(targets)}
    for folder in folders.values():
        os.mkdir(folder)
    return folders


def _summaries(job: Job, report: Report) -> dict[str, OutputSummary]:
    _refuse_rounded(report)
    return {
        label: summary_of(label, branch.plan.kind, report.counts.get(label, Counter()))
        for label, branch in job.branches.items()
    }


def _publish(
    job: Job, report: Report, targets: Mapping[str, str], releasing: Releasing | None
) -> dict[str, OutputSummary]:
    """Check what the workers told, offer, publish, and say what was done."""
    summaries = _summaries(job, report)
    inside = {name: folder for name, folder in targets.items() if name == REJECTS or not job.branches[name].outflows}
    outputs = [_output(job, report, name, folder, summaries.get(name)) for name, folder in inside.items()]
    files = dict(zip(inside, _all_at_once(outputs, summaries, report, releasing), strict=False))
    return {
        label: replace(summary, files=files.get(label, []), releases=releasing.summaries(label) if releasing else [])
        for label, summary in summaries.items()
    }


def _all_at_once(
    outputs: Sequence[Output], summaries: Mapping[str, OutputSummary], report: Report, releasing: Releasing | None
) -> list[list[str]]:
    """Publish outputs and releases, once all of them are fit for it and the ledger has answered."""
    if releasing is None:
        return publish(outputs)
    try:
        releasing.assemble_all(summaries, report.staged, report.units)
        releasing.offer()
        published = publish([*outputs, *releasing.outputs()])
        releasing.published()
        return published
    except BaseException:
        releasing.keep()
        raise


def _would(
    job: Job, report: Report, targets: Mapping[str, str], releasing: Releasing | None
) -> dict[str, OutputSummary]:
    """What a run would do."""
    return {
        label: replace(
            summary,
            state="would be written" if not job.branches[label].outflows else "",
            releases=releasing.would(label, report.staged(label), report.units.get(label)) if releasing else [],
        )
        for label, summary in _summaries(job, report).items()
    }


def _output(job: Job, report: Report, name: str, folder: str, summary: OutputSummary | None) -> Output:
    facts, prefix = {"what": "payloads that could not be handled, without content"}, "rejects"
    if summary:
        facts, prefix = _facts(job, summary), summary.kind
    return Output(folder, job.folders[name], report.staged(name), facts, prefix)


def _facts(job: Job, summary: OutputSummary) -> dict[str, Any]:
    """What the manifest of an output says besides its files. Their units are rows, ids or payloads."""
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
        "plan": job.plans[summary.name].fingerprint,
    }


def _refuse_rounded(report: Report) -> None:
    """A source whose ids went through a float is refused: the ids it had cannot be got back."""
    found: dict[tuple[str, int], Rounding] = {}
    for output, source, (large, ending) in report.seen:
        known = found.get((output, source), Rounding())
        found[output, source] = Rounding(known.large + large, known.ending_00 + ending)
    rounded = sorted({source for (_, source), rounding in found.items() if rounding.looks_rounded()})
    if rounded:
        raise RunError(
            f"the ids of source {', '.join(map(str, rounded))} look rounded (nearly all end in 00, as after JavaScript or a "
            "spreadsheet); nothing was published. Collect them again with id_str, or exclude the source"
        )
