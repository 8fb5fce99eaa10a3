"""The graph: sources -> batches -> for each plan one sift -> for each output its staged files; and the report of it all.

Content never crosses a shuffle: only names and numbers of files, counts and the places of rejects do.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from xsieve.pipelines import settings as st
from xsieve.pipelines.readers import read
from xsieve.pipelines.sources import Piece, Source, pieces
from xsieve.pipelines.stage import FinishIds, StageIds, StageLines, StageRows, create
from xsieve.transforms.records.batch import RawBatch, Reject
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.tally import Counts, add, count_reject
from xsieve.transforms.sift import Sift

REJECTS = ""  # what the rejects are called among the outputs: no output can have that name
PIECE_BYTES = 32 << 20
IDS_PART_BYTES = 1 << 30  # input bytes for which one part of distinct ids is enough: at most some two million ids
MAX_ID_PARTS = 64
COMPRESSED_BYTES = 8  # what a compressed byte may hold


class Job(NamedTuple):
    """What a run does: settings, plans by output, sources, the folder that each output (and the rejects) is staged in."""

    settings: st.Settings
    plans: Mapping[str, Plan]
    sources: tuple[Source, ...]
    folders: Mapping[str, str]
    report: str  # the file that the report is written to
    workers: int


class ReadPieces(beam.DoFn):
    """Piece -> RawBatch; Rejects beside them. Tells how far it is by appending to a file, if it is given one."""

    def __init__(self, progress: str | None) -> None:
        self.progress = progress

    def process(self, piece: Piece) -> Iterator[Any]:
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
        found = [piece for source in self.job.sources for piece in pieces(source, PIECE_BYTES)]
        return (
            begin
            | "Pieces of sources" >> beam.Create(found, reshuffle=self.job.workers > 1)
            | "Read pieces"
            >> beam.ParDo(ReadPieces(self.progress)).with_output_types(RawBatch).with_outputs("rejects", main="batches")
        )


def build(pipeline: beam.Pipeline, job: Job, progress: str | None = None) -> None:
    """Put the whole job into the pipeline. The last step writes the report."""
    batches, unread = pipeline | "Read" >> Read(job, progress)
    staged: list[Any] = []
    counts: list[Any] = []
    rejects: list[Any] = [unread | "Name no output" >> beam.Map(_with_name, REJECTS)]
    seen: list[Any] = []
    for plan, names in by_plan(job.plans):
        label = "+".join(names)
        sifted = batches | f"Sift {label}" >> Sift(plan)
        for name in names:
            counts.append(sifted.counts | f"Count {name}" >> beam.Map(_with_name, name))
            rejects.append(sifted.rejects | f"Reject {name}" >> beam.Map(_with_name, name))
            _stage(sifted.passed, name, job, staged, counts, seen)
    lost = unread | "Count unread" >> beam.FlatMap(_count_unread, tuple(job.plans))
    if job.settings.rejects:
        lines = (
            rejects
            | "All rejects" >> beam.Flatten()
            | "Stage rejects" >> beam.ParDo(StageLines(REJECTS, job.folders[REJECTS]))
        )
        staged.append(lines)
    report = [
        (*counts, lost)
        | "All counts" >> beam.Flatten()
        | "Add counts" >> beam.CombinePerKey(add)
        | "As counts" >> beam.Map(_tag, "counts"),
        staged | "All files" >> beam.Flatten() | "As files" >> beam.Map(_tag, "files"),
    ]
    if seen:
        report.append(seen | "All evidence" >> beam.Flatten() | "As evidence" >> beam.Map(_tag, "seen"))
    (
        report
        | "Everything to tell" >> beam.Flatten()
        | "Together" >> beam.CombineGlobally(beam.combiners.ToListCombineFn())
        | "Write the report" >> beam.Map(write_report, job.report)
    )


def by_plan(plans: Mapping[str, Plan]) -> Iterable[tuple[Plan, list[str]]]:
    """Outputs with equal plans are sifted once."""
    found: dict[str, tuple[Plan, list[str]]] = {}
    for name, plan in plans.items():
        found.setdefault(plan.fingerprint, (plan, []))[1].append(name)
    return found.values()


def _stage(passed: Any, name: str, job: Job, staged: list[Any], counts: list[Any], seen: list[Any]) -> None:
    output, folder = job.settings.outputs[name], job.folders[name]
    if isinstance(output, st.Rows):
        write = StageRows(name, job.plans[name], folder, output.write.format, output.write.compression)
        staged.append(passed | f"Stage {name}" >> beam.ParDo(write))
    elif isinstance(output, st.Store):
        staged.append(passed | f"Stage {name}" >> beam.ParDo(StageLines(name, folder, output.write.compression)))
    else:
        assert isinstance(output, st.Ids)
        parts = id_parts(job.sources)
        sorted_ = passed | f"Stage {name}" >> beam.ParDo(StageIds(name, folder, output.split, parts)).with_outputs(
            "seen", "counts", main="parts"
        )
        files = (
            sorted_.parts
            | f"Parts of {name}" >> beam.GroupByKey()
            | f"Distinct {name}"
            >> beam.ParDo(FinishIds(folder, output.split, parts)).with_outputs("counts", main="files")
        )
        staged.append(files.files)
        counts.extend((sorted_.counts, files.counts))
        seen.append(sorted_.seen)


def id_parts(sources: Iterable[Source]) -> int:
    """Into how many parts ids are hashed, so that each is made distinct in little memory."""
    size = sum(s.size * (1 if s.compression == "none" else COMPRESSED_BYTES) for s in sources)
    return min(MAX_ID_PARTS, 1 + size // IDS_PART_BYTES)


def _with_name(value: Any, name: str) -> tuple[str, Any]:
    return name, value


def _count_unread(reject: Reject, names: tuple[str, ...]) -> Iterator[tuple[str, Counts]]:
    for name in names:
        yield name, count_reject(reject.reason)


def _tag(value: Any, tag: str) -> tuple[str, Any]:
    return tag, value


def write_report(told: list[tuple[str, Any]], path: str) -> None:
    """The counts of each output, its staged files, and the evidence of rounded ids, as JSON."""
    counts = {name: [[*key, number] for key, number in found.items()] for tag, (name, found) in _of(told, "counts")}
    report = {
        "counts": counts,
        "files": [value for _, value in _of(told, "files")],
        "seen": [value for _, value in _of(told, "seen")],
    }
    with create(path) as handle:
        handle.write(json.dumps(report).encode())


def _of(told: list[tuple[str, Any]], tag: str) -> Iterator[tuple[str, Any]]:
    return (pair for pair in told if pair[0] == tag)
