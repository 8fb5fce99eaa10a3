"""Measure releases at scale: many ids to one recipient, and one output to many recipients.

    python -m benchmarks.releases                           # 100 million ids, 2,000 recipients
    python -m benchmarks.releases --ids 2000000             # a minute: does it work?

The ids are made inside the source, in the smallest posts that there are, a fiftieth of them twice; no file is read. They are
staged, made distinct, put together, reserved, published under an academic exemption; and the same without recipient and
ledger. Runs are interleaved; times are the least of the repeats, memory is the most. Exits with 1 if a promise is broken.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.run import MB, elsewhere, machine, measure

BATCH = 20_000  # posts in a batch of lines, about 1 MB
TWICE = BATCH // 50  # of them as many are those of another batch
FIRST, STEP = 1_234_567_890_123_456_789, 1_000_003  # ids of 2020 on, a quarter of a millisecond apart
BEFORE, BETWEEN, AFTER = '{"id":"', '","text":"🌊"}\n{"id":"', '","text":"🌊"}\n'
LINE_BYTES = len(BETWEEN.encode()) + 19

MOST_MEMORY, MOST_IN_A_FILE = 500 * MB, 1_500_000
MOST_TIME = 1.2  # with the ledger, of the time without it
TELLING = 20_000_000  # ids from which on the time tells more than the start does

WHO: dict[str, Any] = {
    "sender": {
        "institution": "University of Norsund",
        "person": "R. Data",
        "academic": {"sole_purpose": "non_commercial_research"},
    },
}
ACCEPTED = {"all": "2026-01-01", "by": "Prof. Ines Valdor", "evidence": "agreement 17"}


# --- one run, in a process of its own


def ids_of(batch: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The ids that are new in a batch."""
    return FIRST + STEP * np.arange(batch * BATCH, (batch + 1) * BATCH, dtype=np.int64)


def lines_of(batch: int, batches: int) -> bytes:
    """A batch of posts; some of them are those of the batch that lies half of all batches before it."""
    ids = np.concatenate([ids_of(batch), ids_of((batch + batches // 2) % batches)[:TWICE]])
    return (BEFORE + BETWEEN.join(map(str, ids.tolist())) + AFTER).encode()


def settings_of(folder: Path, recipients: int) -> str:
    """Settings that release ids of posts to so many recipients, each of an entity of its own; to none: in-house."""
    output: dict[str, Any] = {"kind": "ids", "write": {"path": str(folder / "out")}}
    data: dict[str, Any] = {
        "policy": "base-2024",
        "collection": {"access": "app_only"},
        "input": {"read": "files", "path": "made"},
        "outputs": {"posts": output},
    }
    if recipients:
        names = [f"lab{number}" for number in range(recipients)]
        output |= {"recipients": names} if recipients > 1 else {"recipient": names[0], "exempt": "academic"}
        data |= WHO | {
            "ledger": f"sqlite:///{folder}/outflow.db",
            "recipients": {name: {"entity": name, "country": "DE", "accepted": ACCEPTED} for name in names},
            "entities": {name: {"name": f"Laboratory {name}", "government": False} for name in names},
        }
    return json.dumps(data)


def run_one(folder: Path, ids: int, recipients: int) -> None:
    """The whole of a run, but that its source makes the posts instead of reading them."""
    import apache_beam as beam

    from xsieve.pipelines import graph, run
    from xsieve.pipelines.settings import parse
    from xsieve.pipelines.sources import Source
    from xsieve.transforms.records.batch import RawBatch, Reject

    batches = ids // BATCH

    class Make(beam.PTransform):
        """PBegin -> batches of lines, and no rejects."""

        def __init__(self, *_: object) -> None:
            super().__init__()

        def expand(self, begin: Any) -> Any:
            made = begin | beam.Create(range(batches)) | beam.Map(self.batch).with_output_types(RawBatch)
            return made, begin | "None" >> beam.Create([], reshuffle=False).with_output_types(Reject)

        @staticmethod
        def batch(number: int) -> RawBatch:
            return RawBatch(lines_of(number, batches), 0, number)

    source = Source(0, "made", batches * (BATCH + TWICE) * LINE_BYTES, "lines")
    with mock.patch.object(graph, "Read", Make), mock.patch.object(run, "find", return_value=[source]):
        summary = run.run(parse(settings_of(folder, recipients)), ["--direct_num_workers=1"])
    states = {release.state for release in summary.outputs["posts"].releases}
    assert states == ({"published"} if recipients else set()), states


# --- what is measured


@dataclass
class Figures:
    """Of one kind of run: seconds, least; bytes, most; what is wrong."""

    name: str
    ids: int
    recipients: int
    wall: float = float("inf")
    cpu: float = float("inf")
    peak: int = 0
    wrong: str = ""

    def once(self, work: Path) -> None:
        """Run it once more, and look at what it made."""
        folder = work / "release"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        command = [sys.executable, "-m", "benchmarks.releases", "--one", str(folder)]
        command += ["--ids", str(self.ids), "--recipients", str(self.recipients)]
        wall, cpu, peak, code = measure(command, work / "log")
        self.wall, self.cpu, self.peak = min(wall, self.wall), min(cpu, self.cpu), max(peak, self.peak)
        self.wrong = self.wrong or self._wrong(folder, code)
        shutil.rmtree(folder)
        print(f"{self.name}: {self.wrong or f'{wall:.1f} s, {peak / MB:.0f} MB'}", file=sys.stderr)

    def _wrong(self, folder: Path, code: int) -> str:
        if code:
            return f"exit code {code}"
        if self.peak > MOST_MEMORY:
            return f"{self.peak / MB:.0f} MB of memory"
        places = (
            [folder / "out" / f"lab{n}" for n in range(self.recipients)] if self.recipients > 1 else [folder / "out"]
        )
        return elsewhere(wrong_in, places, self.ids, bool(self.recipients))


def wrong_in(places: list[Path], ids: int, accounted: bool) -> str:
    """What is wrong with published ids; empty if they are exactly those that were made."""
    seen: dict[int, tuple[int, int]] = {}  # a file that went to many is read once
    for place in places:
        count = total = 0
        for path in sorted(place.glob("ids*.txt")):
            number = path.stat().st_ino
            if number not in seen:
                found = np.array(path.read_bytes().split(), dtype=np.int64)
                if len(found) > MOST_IN_A_FILE or (np.diff(found) <= 0).any():
                    return f"{path.name}: more ids than a file may have, or out of order"
                seen[number] = len(found), sum(map(int, found))
            count, total = count + seen[number][0], total + seen[number][1]
        if (count, total) != (ids, ids * FIRST + STEP * (ids * (ids - 1) // 2)):
            return f"{count:,} ids instead of {ids:,}, or others"
        told = json.loads((place / "manifest.json").read_text("utf-8"))
        if accounted and told["distinct_objects"] != ids:
            return "the manifest tells another count"
    return ""


def compared(ids: int, recipients: int, repeats: int, work: Path) -> list[Figures]:
    """Without a ledger and with one, in turn; then to many recipients, and to none."""
    few = min(ids, 5 * BATCH)
    found = [Figures("in-house", ids, 0), Figures("released", ids, 1)]
    for _ in range(repeats):
        for one in found:
            one.once(work)
    if recipients:
        many = [Figures("in-house", few, 0), Figures("released to many", few, recipients)]
        for one in many:
            one.once(work)
        found += many
    return found


HEADER = (
    "run", "ids", "recipients", "wall s", "CPU s", "ids a s", "of the time without", "ms a recipient", "peak MB", "wrong",
)  # fmt: skip


def rows(found: list[Figures]) -> Iterator[list[str]]:
    """The lines of the table; every second run is compared with the one before it."""
    for base, other in zip(found[::2], found[1::2], strict=True):
        for one in (base, other):
            more = one is other
            each = f"{(one.wall - base.wall) / one.recipients * 1000:.1f}" if more and one.recipients > 1 else "-"
            yield [
                one.name, f"{one.ids:,}", f"{one.recipients:,}", f"{one.wall:.1f}", f"{one.cpu:.1f}",
                f"{one.ids / one.wall:,.0f}", f"{one.wall / base.wall:.2f}" if more else "-", each,
                f"{one.peak / MB:.0f}", one.wrong or "-",
            ]  # fmt: skip


def slow(found: list[Figures]) -> bool:
    """Whether the ledger costs more than it may, by the clock and by the processor."""
    without, with_ledger = found[:2]
    ratio = min(with_ledger.wall / without.wall, with_ledger.cpu / without.cpu)
    return with_ledger.ids >= TELLING and ratio > MOST_TIME


def report(found: list[Figures], repeats: int) -> str:
    """The table in Markdown under what it was measured with."""
    at = datetime.now(timezone.utc)
    head = [
        f"# Releases at scale, {at:%Y-%m-%d %H:%M} UTC", "", machine(), "",
        f"{repeats} interleaved repeats of the first two; SQLite as the ledger; one process; load of the "
        f"machine in the last 15 minutes: {os.getloadavg()[2]:.1f}. See ../README.md.", "",
    ]  # fmt: skip
    table = [HEADER, ["---"] * len(HEADER), *rows(found)]
    return "\n".join([*head, *("| " + " | ".join(cells) + " |" for cells in table), ""])


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.releases", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--ids", type=int, default=100_000_000, help=f"a multiple of {BATCH:,}")
    parser.add_argument("--recipients", type=int, default=2_000, help="of one output; 0: leave that out")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--work", type=Path, help="outputs and ledger (default: a temporary folder)")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    found = parser.parse_args(argv)
    if found.ids < BATCH or found.ids % BATCH:
        parser.error(f"--ids: a multiple of {BATCH:,}")
    return found


def main(argv: list[str] | None = None) -> int:
    """Measure everything and write the table."""
    args = arguments(argv)
    if args.one:
        run_one(args.one, args.ids, args.recipients)
        return 0
    with tempfile.TemporaryDirectory(prefix="xsieve-bench-") as temporary:
        work = args.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        found = compared(args.ids, args.recipients, args.repeats, work)
    text = report(found, args.repeats)
    args.results.mkdir(parents=True, exist_ok=True)
    path = args.results / f"{datetime.now(timezone.utc):%Y-%m-%d-%H%M}-releases.md"
    path.write_text(text, "utf-8")
    print(text)
    return int(slow(found) or any(one.wrong for one in found))


if __name__ == "__main__":
    sys.exit(main())
