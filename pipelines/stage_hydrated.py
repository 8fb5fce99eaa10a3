"""Staging what is handed over by hand: records in, files for people out, with the exact number of objects in them.

Bundles write sorted runs of JSON lines beside the place, and only names of files travel on. One step merges the runs: each record
once, ascending, sampled where that is asked for; so equal data make equal files, however they were split.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import PCollection, TaggedOutput

from xsieve.pipelines.hydrated_files import Files
from xsieve.pipelines.stage import Seen, Staged, create
from xsieve.transforms.outflow import globally, new_file
from xsieve.transforms.records.batch import Reason
from xsieve.transforms.records.decode import Refused
from xsieve.transforms.records.hydrated import HydratedSieve, Record
from xsieve.transforms.records.hydrated_table import TABLES
from xsieve.transforms.records.ids import Rounding, rounding_of
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.sample import Sample
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.tally import DROPPED, OUT, REJECTED, Counts
from xsieve.transforms.records.units import Key, Units, digest_of, together, units_of
from xsieve.transforms.sift import HydratedBatch, content_kept_in

FLUSH_BYTES = 64 << 20  # of lines held back in memory before they are written as a run
FLUSH_KEYS = 100_000  # objects counted before they are made distinct
NOT_SAMPLED, REPEATED = "not_in_sample", "repeated_id"


class StagedError(Exception):
    """A staged file that cannot be read back; never its content."""


class Run(NamedTuple):
    """A staged file of JSON lines, sorted."""

    file: str


class Handed(NamedTuple):
    """What an output hands over: distinct posts and users with more than their ids, and the digest of the set of them."""

    output: str
    units: int
    digest: str
    posts: int
    users: int


class Finished(NamedTuple):
    """PCollections of what staging and finishing tell."""

    files: PCollection[Staged]
    counts: PCollection[tuple[str, Counts]]  # corrections
    seen: PCollection[Seen]
    units: PCollection[Handed]  # one


class HandOver(beam.PTransform):
    """PCollection[HydratedBatch] -> Finished: the files of an output, whole, in a staging folder. One Handed, even of nothing."""

    def __init__(self, output: str, plan: Plan, folder: str, format_: str, sample: Sample | None = None) -> None:
        super().__init__()
        self.output, self.plan, self.folder, self.format, self.sample = output, plan, folder, format_, sample

    def expand(self, batches: PCollection[HydratedBatch]):  # gives Finished, which is no hint that Beam knows
        stage = beam.ParDo(StageHydrated(self.output, self.folder, self.sample)).with_output_types(tuple[str, Run])
        finish = beam.ParDo(FinishHydrated(self.output, self.plan, self.folder, self.format, self.sample))
        staged = batches | "Stage runs" >> stage.with_outputs("seen", "counts", main="runs")
        none = batches.pipeline | "No run" >> beam.Create([(self.output, Run(""))], reshuffle=False)
        runs = (staged.runs, none) | "All runs" >> beam.Flatten() | "Group runs" >> beam.GroupByKey()
        finished = runs | "Merge runs" >> finish.with_outputs("counts", "units", main="files")
        counts = (staged.counts, finished.counts) | "Both counts" >> beam.Flatten()
        return Finished(finished.files, counts, staged.seen, finished.units)


class StageHydrated(beam.DoFn):
    """HydratedBatch -> (output, Run): sorted JSON lines; with a sample only those that may still be in it.

    Beside them the count of what is not in the sample, and the evidence of rounded ids.
    """

    def __init__(self, output: str, folder: str, sample: Sample | None = None) -> None:
        self.output, self.folder, self.sample = output, folder, sample

    def start_bundle(self) -> None:
        self._held: list[tuple[Key, bytes]] = []
        self._bytes = self._left = self._out = (
            0  # bytes held; lines left when the sample was last drawn; lines not in it
        )
        self._seen: dict[int, Rounding] = defaultdict(Rounding)

    def process(self, batch: HydratedBatch) -> Iterator[tuple[str, Run]]:
        found = batch.hydrated
        self._held += zip(found.keys, found.lines, strict=True)
        self._bytes += sum(map(len, found.lines))
        known, new = self._seen[batch.source], rounding_of(found.units.posts)
        self._seen[batch.source] = Rounding(known.large + new.large, known.ending_00 + new.ending_00)
        if self._bytes >= FLUSH_BYTES and self.sample is None:
            yield from self._flush()
        elif self._bytes >= FLUSH_BYTES and len(self._held) >= 2 * self._left:
            self._draw()

    def finish_bundle(self) -> Iterator[Any]:
        self._draw()
        yield from map(globally, self._flush())
        if self._out:
            counts: Counts = Counter({(OUT, ""): -self._out, (DROPPED, NOT_SAMPLED): self._out})
            yield TaggedOutput("counts", globally((self.output, counts)))
        for source, rounding in self._seen.items():
            yield TaggedOutput("seen", globally(Seen(self.output, source, rounding)))

    def _draw(self) -> None:
        """Forget what cannot be in the sample any more."""
        if self.sample is not None:
            drawn = self.sample.draw(key for key, _ in self._held)
            kept = [held for held in self._held if held[0] in drawn]
            self._out += len(self._held) - len(kept)
            self._held, self._left = kept, len(kept)

    def _flush(self) -> Iterator[tuple[str, Run]]:
        held, self._held, self._bytes = sorted(self._held, key=_order), [], 0
        if held:
            file = new_file(self.folder, ".run")
            with content_kept_in(), create(file) as handle:
                handle.writelines(line + b"\n" for _, line in held)
            yield self.output, Run(file)


def _order(held: tuple[Key, bytes]) -> tuple[Key, int, bytes]:
    """Records ascend; of those that differ in what they hold of one, the one that holds least comes first."""
    key, line = held
    return key, len(line), line


class FinishHydrated(beam.DoFn):
    """(output, Runs) -> Staged files of distinct records; beside them the corrections of the counts, and Handed."""

    def __init__(self, output: str, plan: Plan, folder: str, format_: str, sample: Sample | None = None) -> None:
        self.output, self.plan, self.folder, self.format, self.sample = output, plan, folder, format_, sample

    def process(self, element: tuple[str, Iterable[Run]]) -> Iterator[Any]:
        _, runs = element
        files = [run.file for run in runs if run.file]
        with content_kept_in():
            staged, units, counts = self._written(files, sieve_for(self.plan))
        yield from staged
        yield TaggedOutput("counts", (self.output, counts))
        handed = Handed(self.output, units.total, digest_of(units), len(units.posts), len(units.users))
        yield TaggedOutput("units", handed)

    def _written(self, files: list[str], sieve: HydratedSieve) -> tuple[list[Staged], Units, Counts]:
        tables = {kind: Files(self.output, self.folder, self.format, name, sieve) for kind, name in TABLES.items()}
        drawn = self.sample and self.sample.draw(record.key for file in files for record in read_run(file, sieve))
        leaving, counts = Leaving(), Counter[tuple[str, str]]()
        for record, copies in distinct_records([read_run(file, sieve) for file in files]):
            if drawn is not None and record.key not in drawn:
                counts[DROPPED, NOT_SAMPLED] += copies
                continue
            counts[DROPPED, REPEATED] += copies - 1
            keys = tables[record.key[0]].add(record)
            if keys is None:
                counts[REJECTED, Reason.NOT_ENCODABLE.value] += 1
            else:
                leaving.add(keys)
        counts[OUT, ""] = -counts.total()
        staged = [file for table in tables.values() for file in table.close()]
        return staged, leaving.units(), Counter({key: number for key, number in counts.items() if number})


class Leaving:
    """The objects that leave, each once."""

    def __init__(self) -> None:
        self._units, self._keys = Units(), list[Key]()

    def add(self, keys: list[Key]) -> None:
        """More of them, repeats included."""
        self._keys += keys
        if len(self._keys) >= FLUSH_KEYS:
            self.units()

    def units(self) -> Units:
        """All of them."""
        self._units, self._keys = together((self._units, units_of(self._keys))), []
        return self._units


def distinct_records(runs: Iterable[Iterator[Record]]) -> Iterator[tuple[Record, int]]:
    """Each record of sorted runs once, ascending, and how often it is there. Of copies that differ the shortest is taken."""
    ordered = merge(*runs, key=lambda record: _order((record.key, record.line)))
    for _, group in groupby(ordered, key=attrgetter("key")):
        copies = list(group)
        yield copies[0], len(copies)


def read_run(file: str, sieve: HydratedSieve) -> Iterator[Record]:
    """The records of a staged file. Raises StagedError."""
    with FileSystems.open(file, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
        for line in iter(handle.readline, b""):
            try:
                yield sieve.read(line.removesuffix(b"\n"))
            except Refused:
                raise StagedError("a staged file is damaged; nothing was published, run again") from None
