"""Counting outflow: how many objects a release holds, each of them once, however often and in whatever slices it is met.

    public = KeepPublic(attested=True, country="DE")
    records = lines | public
    counted = public.sifted.passed | CountOutflow(public.plan, "scratch", release="2026-11-24", recipients=("lab",))

Ids are staged as sorted int64 in files, by hash; only names of files and numbers cross a shuffle, and a retried bundle
writes files of its own, so that the count is exact. Beam's metrics are not.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Union

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import GlobalWindow, GlobalWindows
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from xsieve.transforms.records.ids import Ids
from xsieve.transforms.records.outflow import Unit
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.units import POST, USER, distinct, part_digest, part_numbers, whole_digest
from xsieve.transforms.sift import BATCHES, HydratedBatch, IdBatch, content_kept_in

FLUSH_UNITS = 1_000_000  # ids held back in memory before they are sorted into parts
MESSAGE = 2  # the kind of DM events, beside POST and USER
UNITS: dict[str, tuple[Unit, int]] = {"post": ("post_id", POST), "user": ("user_id", USER), "dm": ("dm_id", MESSAGE)}

Part = tuple[int, int]  # the kind of object, and the number by hash
Countable = Union[IdBatch, HydratedBatch]  # noqa: UP007 Beam reads typing.Union only


class CountedOutflow(NamedTuple):
    """What a recipient gets with a release: distinct objects of one unit, and the digest of the set of them."""

    recipient: str
    unit: Unit
    release: str
    units: int
    digest: str


class Slice(NamedTuple):
    """Where ids of one part lie in a staged file, sorted and distinct."""

    file: str
    first: int
    count: int


class PartCount(NamedTuple):
    """How many distinct objects one part holds, and their digest."""

    part: Part
    units: int
    digest: str


class CountOutflow(beam.PTransform):
    """PCollection of sifted ids or hydrated records -> CountedOutflow, one for each recipient of the release."""

    def __init__(self, plan: Plan, folder: str, *, release: str, recipients: Sequence[str] = ("",)) -> None:
        """``plan``: what the batches were sifted by. ``folder``: one that all workers reach; its ``.units`` files may be
        removed once the pipeline is done. Without a recipient the count is of what stays in-house.
        """
        super().__init__()
        if plan.kind not in ("ids", "hydrated"):
            raise ValueError(
                "only plans of kind ids and hydrated give what leaves the house; rows and stores stay in it"
            )
        self.plan, self.folder, self.release, self.recipients = plan, folder, release, tuple(recipients)
        self.unit: Unit = "hydrated" if plan.kind == "hydrated" else UNITS[plan.ids][0]

    def expand(self, batches: PCollection[Countable]) -> PCollection[CountedOutflow]:
        if not batches.is_bounded or not isinstance(batches.windowing.windowfn, GlobalWindows):
            raise ValueError("CountOutflow counts whole releases of a batch; in streams the ledger counts by unit keys")
        if batches.element_type is not BATCHES[self.plan.kind]:
            raise ValueError(f"CountOutflow was given a plan of kind {self.plan.kind}, and batches of another")
        return (
            batches
            | "Stage units" >> beam.ParDo(StageUnits(self.plan, self.folder)).with_output_types(tuple[Part, Slice])
            | "Group by part" >> beam.GroupByKey()
            | "Count part" >> beam.MapTuple(count_part).with_output_types(PartCount)
            | "Add parts" >> beam.CombineGlobally(AddParts())
            | "One each" >> beam.FlatMap(self._of_each)
        )

    def _of_each(self, total: tuple[int, str]) -> Iterator[CountedOutflow]:
        for recipient in self.recipients:
            yield CountedOutflow(recipient, self.unit, self.release, *total)


class StageUnits(beam.DoFn):
    """IdBatch or HydratedBatch -> files of sorted ids; (Part, Slice)."""

    def __init__(self, plan: Plan, folder: str) -> None:
        self.kind, self.folder = UNITS[plan.ids][1], folder

    def start_bundle(self) -> None:
        self._held: dict[int, list[Ids]] = {}
        self._count = 0

    def process(self, batch: Countable) -> Iterator[tuple[Part, Slice]]:
        for kind, ids in self._ids_of(batch):
            self._held.setdefault(kind, []).append(ids)
            self._count += len(ids)
        if self._count >= FLUSH_UNITS:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for found in self._flush():
            yield globally(found)

    def _ids_of(self, batch: Countable) -> Iterable[tuple[int, Ids]]:
        if isinstance(batch, IdBatch):
            return ((self.kind, batch.ids),)
        return enumerate(batch.hydrated.units)

    def _flush(self) -> Iterator[tuple[Part, Slice]]:
        held, self._held, self._count = self._held, {}, 0
        file, written = new_file(self.folder, ".units"), 0
        sorted_ids = {kind: in_parts(np.concatenate(ids)) for kind, ids in held.items()}
        if not any(len(ids) for ids, _ in sorted_ids.values()):
            return
        with content_kept_in(), FileSystems.create(file, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
            for ids, _ in sorted_ids.values():
                handle.write(ids.tobytes())
        for kind, (ids, numbers) in sorted_ids.items():
            for number, first, count in zip(*np.unique(numbers, return_index=True, return_counts=True), strict=True):
                yield (kind, int(number)), Slice(file, written + int(first), int(count))
            written += len(ids)


def globally(value: Any) -> WindowedValue:
    """A value as the end of a bundle gives it in a batch."""
    return WindowedValue(value, MIN_TIMESTAMP, [GlobalWindow()])


def new_file(folder: str, ending: str) -> str:
    """The path of a file that nobody else writes."""
    return FileSystems.join(folder, f"{uuid.uuid4().hex}{ending}")


def in_parts(ids: Ids) -> tuple[Ids, Ids]:
    """Distinct ids, by the number of their part and then ascending; and those numbers."""
    ids = distinct(ids)
    numbers = part_numbers(ids)
    order = np.argsort(numbers, kind="stable")
    return ids[order], numbers[order]


def count_part(part: Part, slices: Iterable[Slice]) -> PartCount:
    """Reads the slices of one part."""
    with content_kept_in():
        ids = distinct(np.concatenate(list(map(_read, slices))))
    return PartCount(part, len(ids), part_digest(ids))


def _read(piece: Slice) -> Ids:
    with FileSystems.open(piece.file, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
        handle.seek(piece.first * 8)
        return np.frombuffer(handle.read(piece.count * 8), np.int64)


class AddParts(beam.CombineFn):
    """PartCounts -> the number of units, and the digest of them all; of a release without any, too."""

    def create_accumulator(self) -> dict[Part, PartCount]:
        return {}

    def add_input(self, accumulator: dict[Part, PartCount], element: PartCount) -> dict[Part, PartCount]:
        return {**accumulator, element.part: element}

    def merge_accumulators(self, accumulators: Iterable[dict[Part, PartCount]]) -> dict[Part, PartCount]:
        return {part: count for accumulator in accumulators for part, count in accumulator.items()}

    def extract_output(self, accumulator: dict[Part, PartCount]) -> Any:
        counts = accumulator.values()
        return sum(count.units for count in counts), whole_digest({count.part: count.digest for count in counts})
