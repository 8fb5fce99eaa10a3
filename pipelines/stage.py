"""Staging: what passes is written beside its place, not into it; only names and numbers of files travel on.

Ids are staged as binary int64, by day and hash, so that each part can be made distinct by itself in little memory.
"""

import hashlib
import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
import msgspec
import numpy as np
import numpy.typing as npt
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from xsieve.pipelines.writers import RowWriter, compressed, open_writer, schema_of
from xsieve.transforms.records.batch import Reject
from xsieve.transforms.records.ids import Ids, Rounding, rounding_of
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.tally import DROPPED, OUT, Counts
from xsieve.transforms.records.times import EPOCH_MS, FIRST_TIMED_ID, iso
from xsieve.transforms.sift import IdBatch, RowBatch, StoreBatch, content_kept_in

FILE_IDS = 1_500_000  # ids in one file at most: what one entity may have of posts in 30 days (configs/policies)
FLUSH_IDS = 1_000_000  # ids held back in memory before they are sorted into parts
TEXT_IDS = 100_000  # ids written as text in one go
HASH = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads ids that differ in few bits
SPLITS = {"none": 0, "utc_day": 86_400_000, "utc_hour": 3_600_000}  # milliseconds


class Staged(NamedTuple):
    """A file that waits to be published."""

    output: str
    file: str  # where it is
    name: str  # what it will be called, with a number where several are called the same; "" = as the output says
    ending: str
    units: int
    sha256: str = ""  # of its bytes, where they may go to somebody
    period: tuple[int, int] | None = None  # the first and last moment (ms since 1970) that the ids in it tell


Mask = npt.NDArray[np.bool_]
Part = tuple[int, int]  # of the ids: day or hour (ms since 1970, -1 undated, 0 unsplit), and number by hash


class Seen(NamedTuple):
    """The evidence of rounded ids in one source."""

    output: str
    source: int
    rounding: Rounding


def create(path: str) -> Any:
    """A new binary file on any file system, written as it is."""
    return FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)


def _globally(value: Any) -> WindowedValue:
    return WindowedValue(value, MIN_TIMESTAMP, [GlobalWindow()])


def _new_file(folder: str, ending: str) -> str:
    return FileSystems.join(folder, f"{uuid.uuid4().hex}{ending}")


class StageRows(beam.DoFn):
    """RowBatch -> one file a bundle, in the format of the output; Staged."""

    def __init__(self, output: str, plan: Plan, folder: str, format_: str, compression: str) -> None:
        self.output, self.plan, self.folder = output, plan, folder
        self.format, self.compression = format_, compression
        self.ending = ending_of(format_, compression)

    def start_bundle(self) -> None:
        self._writer: RowWriter | None = None

    def process(self, batch: RowBatch) -> None:
        if len(batch.rows):
            with content_kept_in():
                self._open().write(batch.rows)

    def finish_bundle(self) -> Iterator[Any]:
        if self._writer:
            with content_kept_in():
                self._writer.close()
            yield _globally(Staged(self.output, self._file, "", self.ending, self._writer.rows))

    def _open(self) -> RowWriter:
        if self._writer is None:
            self._file = _new_file(self.folder, self.ending)
            self._writer = open_writer(create(self._file), self.format, schema_of(self.plan), self.compression)
        return self._writer


def ending_of(format_: str, compression: str) -> str:
    """``.jsonl.gz``"""
    return f".{format_}" + ({"gzip": ".gz", "zstd": ".zst"}.get(compression, "") if format_ in ("jsonl", "csv") else "")


class StageLines(beam.DoFn):
    """StoreBatch (or Reject) -> one file of JSON lines a bundle; Staged."""

    def __init__(self, output: str, folder: str, compression: str = "none") -> None:
        self.output, self.folder, self.compression = output, folder, compression
        self.ending = ending_of("jsonl", compression)

    def start_bundle(self) -> None:
        self._handle: Any = None
        self._lines = 0

    def process(self, batch: StoreBatch | tuple[str, Reject]) -> None:
        lines = batch.lines if isinstance(batch, StoreBatch) else reject_line(*batch)
        if lines:
            with content_kept_in():
                self._open().write(lines)
            self._lines += lines.count(b"\n")

    def finish_bundle(self) -> Iterator[Any]:
        if self._handle is not None:
            with content_kept_in():
                self._handle.close()
            yield _globally(Staged(self.output, self._file, "", self.ending, self._lines))

    def _open(self) -> Any:
        if self._handle is None:
            self._file = _new_file(self.folder, self.ending)
            self._handle = compressed(create(self._file), self.compression)
        return self._handle


def reject_line(output: str, reject: Reject) -> bytes:
    """A reject as a JSON line: why, at which step, for which output, of which shape, and where the payload lies."""
    known = {"output": output} if output else {}
    return json.dumps({**known, **reject._asdict(), "reason": reject.reason.value}).encode() + b"\n"


class Slice(NamedTuple):
    """Where ids of one part lie in a staged file."""

    file: str
    first: int
    count: int


class StageIds(beam.DoFn):
    """IdBatch -> files of sorted ids; (Part, Slice), with the evidence of rounding and the count of repeats beside it."""

    def __init__(self, output: str, folder: str, split: str, parts: int) -> None:
        self.output, self.folder, self.step, self.parts = output, folder, SPLITS[split], parts

    def start_bundle(self) -> None:
        self._held: list[Ids] = []
        self._count = 0
        self._seen: dict[int, Rounding] = defaultdict(Rounding)

    def process(self, batch: IdBatch) -> Iterator[Any]:
        self._held.append(batch.ids)
        self._count += len(batch.ids)
        known, new = self._seen[batch.source], rounding_of(batch.ids)
        self._seen[batch.source] = Rounding(known.large + new.large, known.ending_00 + new.ending_00)
        if self._count >= FLUSH_IDS:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[Any]:
        for value in self._flush():
            yield (
                TaggedOutput(value.tag, _globally(value.value)) if isinstance(value, TaggedOutput) else _globally(value)
            )
        for source, rounding in self._seen.items():
            yield TaggedOutput("seen", _globally(Seen(self.output, source, rounding)))

    def _flush(self) -> Iterator[Any]:
        if not self._count:
            return
        ids = distinct(np.concatenate(self._held))
        yield TaggedOutput("counts", (self.output, repeats(self._count - len(ids))))
        self._held, self._count = [], 0
        starts, numbers = part_keys(ids, self.step, self.parts)
        order = np.lexsort((ids, numbers, starts))
        ids, starts, numbers = ids[order], starts[order], numbers[order]
        file = _new_file(self.folder, ".ids")
        with content_kept_in(), create(file) as handle:
            handle.write(ids.tobytes())
        firsts = np.flatnonzero(np.diff(starts, prepend=-2) | np.diff(numbers, prepend=-1))
        for first, last in zip(firsts, [*firsts[1:], len(ids)], strict=True):
            part = int(starts[first]), int(numbers[first])
            yield part, Slice(file, int(first), int(last - first))


def distinct(ids: Ids) -> Ids:
    """Each id once, ascending. (Sorting integers takes a fifth of the time of numpy's own unique, which hashes them.)"""
    ids = np.sort(ids)
    return ids[_new(ids)]


def _new(ids: Ids) -> Mask:
    """Of each of ascending ids: it is another one than the one before."""
    new = np.ones(len(ids), np.bool_)
    np.not_equal(ids[1:], ids[:-1], out=new[1:])
    return new


def part_keys(ids: Ids, step: int, parts: int) -> tuple[Ids, Ids]:
    """The start of the day or hour, and the number of the hash part, of each id."""
    numbers = ((ids.astype(np.uint64) * HASH) >> np.uint64(40)).astype(np.int64) % parts
    if not step:
        return np.zeros(len(ids), np.int64), numbers
    times = (ids >> 22) + EPOCH_MS
    return np.where(ids < FIRST_TIMED_ID, -1, times - times % step), numbers


def repeats(number: int) -> Counts:
    """The correction of the counts for ids that were met before."""
    return Counter({(OUT, ""): -number, (DROPPED, "repeated_id"): number}) if number else Counter()


class FinishIds(beam.DoFn):
    """(Part, Slices) -> text files of distinct ids, ascending, one decimal id a line, ``most`` ids a file at most.

    Gives Staged, and the count of repeats beside it.
    """

    def __init__(self, output: str, folder: str, split: str, most: int) -> None:
        self.output, self.folder, self.split, self.most = output, folder, split, most

    def process(self, element: tuple[Part, Iterable[Slice]]) -> Iterator[Any]:
        part, slices = element
        with content_kept_in():
            ids, again = _together(list(slices))
        yield TaggedOutput("counts", (self.output, repeats(again)))
        for first in range(0, len(ids), self.most):
            order = f"{part[1]:05d}-{first // self.most:05d}-"
            file = FileSystems.join(self.folder, f"{order}{uuid.uuid4().hex}.txt")
            some = ids[first : first + self.most]
            with content_kept_in():
                sha256 = write_ids(some, file)
            yield Staged(self.output, file, part_name(part, self.split), ".txt", len(some), sha256, period_of(some))


def _together(slices: list[Slice]) -> tuple[Ids, int]:
    """The distinct ids of slices, ascending, and how many came again; holds them twice at most."""
    ids = np.empty(sum(piece.count for piece in slices), np.int64)
    first = 0
    for piece in slices:
        ids[first : first + piece.count] = _read(piece)
        first += piece.count
    ids.sort()
    found = ids[_new(ids)]
    return found, len(ids) - len(found)


def period_of(ids: Ids) -> tuple[int, int] | None:
    """The first and last moment (ms since 1970) that ascending ids tell; None if none of them tells any."""
    timed = ids[np.searchsorted(ids, FIRST_TIMED_ID) :]
    return (int(timed[0] >> 22) + EPOCH_MS, int(timed[-1] >> 22) + EPOCH_MS) if len(timed) else None


def write_ids(ids: Ids, file: str) -> str:
    """Writes ids as text, one decimal id a line; the SHA-256 of what was written."""
    sum_ = hashlib.sha256()
    with create(file) as handle:
        for first in range(0, len(ids), TEXT_IDS):
            # an encoder of JSON writes numbers at four times the speed of str
            text = msgspec.json.encode(ids[first : first + TEXT_IDS].tolist())[1:-1].replace(b",", b"\n") + b"\n"
            handle.write(text)
            sum_.update(text)
    return sum_.hexdigest()


def _read(piece: Slice) -> Ids:
    with FileSystems.open(piece.file, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
        handle.seek(piece.first * 8)
        return np.frombuffer(handle.read(piece.count * 8), np.int64)


def part_name(part: Part, split: str) -> str:
    """``ids``, ``ids-2020-03-01``, ``ids-2020-03-01T14``, ``ids-undated``."""
    start = part[0]
    if start < 0:
        return "ids-undated"
    return "ids" if split == "none" else "ids-" + iso(start // 1000)[: 10 if split == "utc_day" else 13]
