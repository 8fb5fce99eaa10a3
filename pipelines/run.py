"""A run: settings in, outputs on disk, and a summary in which everything is accounted for.

Local and in batch: on Beam's FnApiRunner, in one process or, where the input is large enough to pay for starting them, in
as many as there are cores.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import Any, NamedTuple

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions

from xsieve.pipelines import settings as st
from xsieve.pipelines.execute import RunError, execute, is_local, options_of, watching
from xsieve.pipelines.graph import REJECTS, Job
from xsieve.pipelines.plans import plans_of
from xsieve.pipelines.private import private_folder
from xsieve.pipelines.publish import Output, discard, publish, recover, staging_folder
from xsieve.pipelines.release import Counted
from xsieve.pipelines.releases import Branch, branches
from xsieve.pipelines.releasing import Releasing, ledger_of
from xsieve.pipelines.sources import Source, describe, find
from xsieve.pipelines.stage import Staged
from xsieve.pipelines.summary import OutputSummary, Progress, Summary, summary_of
from xsieve.transforms.records.ids import Rounding
from xsieve.transforms.records.tally import Counts

REPORT = "report.json"
NOT_FOR_OTHERS = (
    "Stripped or not, this is X content, for in-house use: rows are unique too often to be called anonymous, names in free "
    "text stay, and ids lead back to posts and people."
)


def run(
    settings: st.Settings,
    beam_options: Sequence[str] = (),
    progress: Callable[[Progress], None] | None = None,
    *,
    dry_run: bool = False,
    as_of: datetime | None = None,
    shared: Sequence[str] = (),
) -> Summary:
    """Do what the settings say. Raises SourceError, PublishError, RunError, PlanError, LedgerError, ReleaseError; nothing is
    published then.

    ``dry_run`` counts and says what would be withheld, and writes nothing; ``as_of`` asks that of another time. ``shared``:
    folders that all workers of a cluster have in common.
    """
    began, now = time.monotonic(), as_of or datetime.now(timezone.utc)
    sources = sources_of(settings)
    found = branches(settings, plans_of(settings), now)
    options = options_of(beam_options, sources)
    _refuse_wrong_pairs(settings, options, shared)
    workers = options.view_as(DirectOptions).direct_num_workers
    targets = targets_of(settings, found)
    with private_folder() as private, ExitStack() as stack:
        releasing = stack.enter_context(_releasing(settings, found, sources, now, private if dry_run else None))
        staging = _in_private(targets, private) if dry_run else stack.enter_context(_staging(targets))
        # where workers write to, who may be on other machines
        report_file = FileSystems.join(next(iter(staging.values()), private), REPORT)
        job = Job(settings, found, sources, staging, report_file, workers)
        tell = progress if is_local(options) else None
        with watching(os.path.join(private, "progress"), sources, tell) as progress_file:
            execute(job, options, progress_file)
        report = Report.read(job.report)
        finish = partial(_would, as_of=as_of) if dry_run else partial(_publish, targets=targets)
        outputs = finish(job, report, releasing)
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


def _refuse_wrong_pairs(settings: st.Settings, options: PipelineOptions, shared: Sequence[str]) -> None:
    """Refuse a runner that cannot keep the promises with these settings. Raises RunError."""
    if is_local(options):
        return
    from xsieve.pipelines import runners  # not needed where everybody works

    told = options.get_all_options(retain_unknown_options=True)
    if told["runner"] not in runners.KNOWN:
        return  # Beam knows whether there is such a one
    if wrong := runners.refusals(runners.facts_of(settings, shared), runners.chosen(told, streaming=False)):
        raise RunError("; ".join(wrong))


def sources_of(settings: st.Settings) -> tuple[Source, ...]:
    """The files that are read; none where the input is no files. Raises SourceError."""
    source = settings.input
    return tuple(find(source.path, source.exclude or ())) if isinstance(source, st.Files) else ()


def targets_of(settings: st.Settings, found: Mapping[str, Branch]) -> dict[str, str]:
    """The folder of each branch that is written to files, and of the rejects."""
    writes = {label: settings.outputs[branch.output].write for label, branch in found.items()}
    targets = {label: write.path for label, write in writes.items() if isinstance(write, st.Write)}
    if settings.rejects:
        targets[REJECTS] = settings.rejects
    return {name: path.removeprefix("file://") for name, path in targets.items()}


class Report(NamedTuple):
    """What the workers told."""

    counts: Mapping[str, Counts]  # by branch
    files: Sequence[Staged]
    seen: Sequence[Any]  # evidence of rounded ids
    units: Mapping[str, Counted]  # by branch, where files do not tell how many objects there are

    @classmethod
    def read(cls, path: str) -> "Report":
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
            told = json.loads(handle.read())
        counts = {name: Counter({(w, r): n for w, r, n in entries}) for name, entries in told["counts"].items()}
        return cls(
            counts,
            [Staged(*entry) for entry in told["files"]],
            told["seen"],
            {name: Counted(units, digest) for name, units, digest, *_ in told["units"]},
        )

    def staged(self, name: str) -> list[Staged]:
        """The staged files of a branch."""
        return [file for file in self.files if file.output == name]


@contextmanager
def _releasing(
    settings: st.Settings, found: Mapping[str, Branch], sources: Sequence[Source], now: datetime, private: str | None
) -> Iterator[Releasing | None]:
    """What leads the releases; None where nothing goes to anybody. No ledger, no release.

    Where nothing may be written, a ledger that is not there yet is made up in a private folder.
    """
    if not any(branch.outflows for branch in found.values()):
        yield None
        return
    with ledger_of(settings, f"sqlite:///{private}/ledger.db" if private else None) as ledger:
        releasing = Releasing(settings, found, sources, ledger, now)
        releasing.check()
        if not private:
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
    refuse_rounded(report)
    return {
        label: summary_of(label, branch.plan.kind, report.counts.get(label, Counter()))
        for label, branch in job.branches.items()
    }


def _publish(
    job: Job, report: Report, releasing: Releasing | None, targets: Mapping[str, str]
) -> dict[str, OutputSummary]:
    """Check what the workers told, offer, publish, and say what was done."""
    summaries = _summaries(job, report)
    inside = {name: folder for name, folder in targets.items() if name == REJECTS or not job.branches[name].outflows}
    outputs = [output_of(job, report, name, folder, summaries.get(name)) for name, folder in inside.items()]
    files = dict(zip(inside, _all_at_once(outputs, summaries, report, releasing), strict=False))
    return {
        label: replace(
            summary,
            state="published" if label in targets else "sent where the settings say",
            files=files.get(label, []),
            releases=releasing.summaries(label) if releasing else [],
        )
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


def _would(job: Job, report: Report, releasing: Releasing | None, as_of: datetime | None) -> dict[str, OutputSummary]:
    """What a run would do."""
    releases = releasing.would(report.staged, report.units, as_of) if releasing else {}
    return {
        label: replace(summary, state="" if label in releases else "would be written", releases=releases.get(label, []))
        for label, summary in _summaries(job, report).items()
    }


def output_of(job: Job, report: Report, name: str, folder: str, summary: OutputSummary | None) -> Output:
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


def refuse_rounded(report: Report) -> None:
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
