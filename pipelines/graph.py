"""The graph: sources -> batches -> for each plan one sift -> for each output its staged files; and the report of it all.

Content never crosses a shuffle: only names and numbers of files, counts and the places of rejects do.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from xsieve.pipelines import settings as st
from xsieve.pipelines import stream_io
from xsieve.pipelines.readers import read
from xsieve.pipelines.releases import Branch
from xsieve.pipelines.sources import Piece, Source, pieces
from xsieve.pipelines.stage import (
    FILE_IDS,
    FinishIds,
    Part,
    Seen,
    Slice,
    Staged,
    StageIds,
    StageLines,
    StageRows,
    create,
)
from xsieve.pipelines.stage_hydrated import Handed, HandOver
from xsieve.transforms.records.batch import RawBatch, Reject
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.sample import Sample
from xsieve.transforms.records.tally import Counts, count_reject
from xsieve.transforms.sift import Sift, content_kept_in

REJECTS = ""  # what the rejects are called among the outputs: no output can have that name
PIECE_BYTES = 32 << 20
IDS_PART_BYTES = 256 << 20  # input bytes for which one part of distinct ids is enough: at most some six million ids
MAX_ID_PARTS = 256
COMPRESSED_BYTES = 8  # what a compressed byte may hold


class Job(NamedTuple):
    """What a run does: settings, branches by label, sources, the folder that each branch (and the rejects) is staged in."""

    settings: st.Settings
    branches: Mapping[str, Branch]
    sources: tuple[Source, ...]
    folders: Mapping[str, str]
    report: str  # the file that the report is written to
    workers: int

    @property
    def plans(self) -> dict[str, Plan]:
        """The plan of each branch."""
        return {label: branch.plan for label, branch in self.branches.items()}

    def output(self, label: str) -> st.Output:
        """The settings of the output that a branch is of."""
        return self.settings.outputs[self.branches[label].output]


class ReadPieces(beam.DoFn):
    """Piece -> RawBatch; Rejects beside them. Tells how far it is by appending to a file, if it is given one."""

    def __init__(self, progress: str | None) -> None:
        self.progress = progress

    def process(self, piece: Piece) -> Iterator[Any]:
        with content_kept_in():
            for found in read(piece):
                yield TaggedOutput("rejects", found) if isinstance(found, Reject) else found
        if self.progress:
            with open(self.progress, "ab", buffering=0) as file:
                file.write(b"%d\n" % piece_size(piece))


def piece_size(piece: Piece) -> int:
    """How many bytes of a source a piece is, as they lie on disk."""
    return (piece.source.size if piece.end is None else piece.end) - piece.start


class Read(beam.PTransform):
    """PBegin -> batches of lines, and the rejects of reading."""

    def __init__(self, job: Job, progress: str | None) -> None:
        super().__init__()
        self.job, self.progress = job, progress

    def expand(self, begin: Any) -> Any:
        if not isinstance(self.job.settings.input, st.Files):
            return begin | "Read to the end" >> stream_io.read(self.job.settings.input)
        found = [piece for source in self.job.sources for piece in pieces(source, PIECE_BYTES)]
        return (
            begin
            | "Pieces of sources" >> beam.Create(found, reshuffle=self.job.workers > 1)
            | "Read pieces"
            >> beam.ParDo(ReadPieces(self.progress)).with_output_types(RawBatch).with_outputs("rejects", main="batches")
        )


def build(pipeline: beam.Pipeline, job: Job, progress: str | None = None) -> Any:
    """Put the whole job into the pipeline. The last step writes the report, and gives an element when that is done."""
    batches, unread = pipeline | "Read" >> Read(job, progress)
    told = [unread | "Count what cannot be read" >> beam.FlatMap(count_unread, tuple(job.plans))]
    _list_rejects(unread, "", job, told)
    for plan, names in by_plan(job.plans):
        sifted = batches | f"Sift: {'+'.join(names)}" >> Sift(plan)
        for name in names:
            told.append(sifted.counts | f"Count: {name}" >> beam.Map(_with_name, name))
            _list_rejects(sifted.rejects, name, job, told)
            _stage(sifted.passed, name, job, told)
    told.append(pipeline | "Something to tell" >> beam.Impulse())
    # of one type, for Flink does not take a Flatten of several
    alike = [it | f"Tell: {_name_of(it)}" >> beam.Map(_as_it_is).with_output_types(Any) for it in told]
    return (
        alike
        | "Everything to tell" >> beam.Flatten()
        | "Together" >> beam.CombineGlobally(Report()).without_defaults()
        | "Write the report" >> beam.Map(write_report, job.report)
    )


def by_plan(plans: Mapping[str, Plan]) -> Iterable[tuple[Plan, list[str]]]:
    """Outputs with equal plans are sifted once."""
    found: dict[str, tuple[Plan, list[str]]] = {}
    for name, plan in plans.items():
        found.setdefault(plan.fingerprint, (plan, []))[1].append(name)
    return found.values()


def _list_rejects(rejects: Any, name: str, job: Job, told: list[Any]) -> None:
    """Each output's rejects go to a file of their own: brought together first, they would lie in memory."""
    if job.settings.rejects:
        named = rejects | f"Reject: {name}" >> beam.Map(_with_name, name)
        told.append(named | f"List rejects: {name}" >> beam.ParDo(StageLines(REJECTS, job.folders[REJECTS])))


def _stage(passed: Any, name: str, job: Job, told: list[Any]) -> None:
    output, label = job.output(name), f"Stage: {name}"
    if not isinstance(output.write, st.Write):
        _ = passed | f"Send: {name}" >> stream_io.write(output, job.plans[name])
        return
    folder = job.folders[name]
    if isinstance(output, st.Rows):
        write = StageRows(name, job.plans[name], folder, output.write.format, output.write.compression)
        told.append(passed | label >> beam.ParDo(write))
    elif isinstance(output, st.Store):
        told.append(passed | label >> beam.ParDo(StageLines(name, folder, output.write.compression)))
    elif isinstance(output, st.Hydrated):
        sample = Sample(output.sample.n, output.sample.seed) if output.sample else None
        finished = passed | label >> HandOver(name, job.plans[name], folder, output.as_, sample)
        told += finished.files, finished.counts, finished.seen, finished.units
    else:
        assert isinstance(output, st.Ids)
        parts = id_parts(job.sources)
        stage = beam.ParDo(StageIds(name, folder, output.split, parts)).with_output_types(tuple[Part, Slice])
        slices = passed | label >> stage.with_outputs("seen", "counts", main="slices")
        finish = beam.ParDo(FinishIds(name, folder, output.split, FILE_IDS)).with_outputs("counts", main="files")
        finished = slices.slices | f"Group: {name}" >> beam.GroupByKey() | f"Distinct: {name}" >> finish
        told += slices.seen, slices.counts, finished.files, finished.counts


def id_parts(sources: Iterable[Source]) -> int:
    """Into how many parts ids are hashed, so that each is made distinct in little memory."""
    size = sum(s.size * (1 if s.compression == "none" else COMPRESSED_BYTES) for s in sources)
    return min(MAX_ID_PARTS, 1 + size // IDS_PART_BYTES)


def _name_of(told: Any) -> str:
    """The step that tells it, and which of its outputs: a name that stays when others come."""
    label = " ".join(part for part in told.producer.full_label.split("/") if "(" not in part)
    return f"{label}: {told.tag}" if told.tag else label


def _as_it_is(value: Any) -> Any:
    return value


def _with_name(value: Any, name: str) -> tuple[str, Any]:
    return name, value


def count_unread(reject: Reject, names: tuple[str, ...]) -> Iterator[tuple[str, Counts]]:
    for name in names:
        yield name, count_reject(reject.reason)


class Report(beam.CombineFn):
    """What the steps tell, as one report: the counts of each output, staged files, evidence of rounded ids, objects handed over."""

    PARTS: ClassVar[dict[type, str]] = {Staged: "files", Seen: "seen", Handed: "units"}

    def create_accumulator(self) -> dict[str, Any]:
        return {"counts": {}, **{part: [] for part in self.PARTS.values()}}

    def add_input(self, report: dict[str, Any], told: Any) -> dict[str, Any]:
        if part := self.PARTS.get(type(told)):
            report[part].append(told)
        elif told:  # no impulse, which is empty
            name, counts = told
            report["counts"].setdefault(name, Counter()).update(counts)
        return report

    def merge_accumulators(self, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
        whole = self.create_accumulator()
        for report in reports:
            for part in self.PARTS.values():
                whole[part] += report[part]
            for told in report["counts"].items():
                self.add_input(whole, told)
        return whole

    def extract_output(self, report: dict[str, Any]) -> dict[str, Any]:
        return report


def write_report(report: dict[str, Any], path: str) -> None:
    """The report as JSON: counts as lists of what, reason and number."""
    counts = {name: [[*key, number] for key, number in found.items()] for name, found in report["counts"].items()}
    with content_kept_in(), create(path) as handle:
        handle.write(json.dumps({**report, "counts": counts}).encode())
