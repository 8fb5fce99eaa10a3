"""Measure xsieve and its peers on the same jobs and write one table.

    python -m benchmarks.run --install --work DIR                 # the peers, once
    python -m benchmarks.run --work DIR                           # everything at 1 and 5 GB
    python -m benchmarks.run --sizes 0.01 --peers duckdb          # a minute at most: does it work?

Two figures for each tool and job: the whole command from start to exit at the first size, and the marginal
rate, (size2 - size1) / (time2 - time1). Runs are interleaved; times are the least of the repeats, memory is
the most.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from benchmarks import generate
from benchmarks.tools import JOBS, PEERS, TOOLS, Run, Tool, install

T = TypeVar("T")
REFERENCE = "duckdb"
GB, MB = 1e9, 1e6


@dataclass
class Figures:
    """What was measured of one tool on one job: by size in bytes."""

    wall: dict[int, float] = field(default_factory=dict)  # seconds, least
    cpu: dict[int, float] = field(default_factory=dict)  # seconds, least
    peak: dict[int, int] = field(default_factory=dict)  # bytes of the largest process, most
    made: dict[int, tuple[int, str]] = field(default_factory=dict)  # lines, digest of the sorted lines
    trouble: str = ""

    def marginal(self, clock: str = "wall") -> float | None:
        """Bytes per second between the two sizes, by the clock on the wall or by that of the processors ("cpu")."""
        times: dict[int, float] = getattr(self, clock)
        if len(times) < 2:
            return None
        (small, fast), *_, (large, slow) = sorted(times.items())
        return (large - small) / (slow - fast) if slow > fast else None

    def whole(self, size: int) -> float | None:
        """Seconds at that size; from the marginal rate where only samples were measured."""
        if size in self.wall or not self.wall:
            return self.wall.get(size)
        largest = max(self.wall)
        rate = self.marginal()
        return self.wall[largest] + (size - largest) / rate if rate else None


def measure(command: list[str], log: Path) -> tuple[float, float, int, int]:
    """Run to the end: wall seconds, CPU seconds, peak bytes of the largest process, exit code."""
    with log.open("wb") as to:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=to, stderr=to)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait again
    scale = 1 if sys.platform == "darwin" else 1024
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss * scale, process.returncode


def elsewhere(function: Callable[..., T], *arguments: object) -> T:
    """Call it in a process of its own: what a tool is charged for starts at the size of this one."""
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


def made(out: Path, job: str) -> tuple[int, str]:
    """Lines of an output (a file, or a folder of data files), and for ids the digest of the sorted lines."""
    files = [out] if out.is_file() else sorted([*out.rglob("*.jsonl"), *out.rglob("*.txt")])
    if job != "ids":
        return sum(_count(path) for path in files), ""
    lines = sorted(line for path in files for line in path.read_bytes().split())
    return len(lines), sha256(b"\n".join(lines)).hexdigest()


def _count(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: lines.read(1 << 20), b""))


def remove(out: Path) -> None:
    """An output of any form, and what a tool left beside it."""
    for path in out.parent.glob(out.name + "*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def once(tool: Tool, run: Run, figures: Figures) -> None:
    """Measure one command and add to its figures; trouble ends the measuring of this tool on this job."""
    size, log = run.source.stat().st_size, run.work / "log" / f"{tool.name}.{run.shape}.{run.job}"
    command = tool.command(run)
    if command is None:
        figures.trouble = "not installed"
        return
    remove(run.out)
    wall, cpu, peak, code = measure(command, log)
    if code or not run.out.exists():
        figures.trouble = f"exit code {code}, see log/{log.name}"
    else:
        if size not in figures.made:
            figures.made[size] = elsewhere(made, run.out, run.job)
        figures.wall[size] = min(wall, figures.wall.get(size, wall))
        figures.cpu[size] = min(cpu, figures.cpu.get(size, cpu))
        figures.peak[size] = max(peak, figures.peak.get(size, 0))
    remove(run.out)
    print(
        f"{run.shape} {run.job} {size / GB:g} GB {tool.name}: {figures.trouble or f'{wall:.2f} s'}",
        file=sys.stderr,
    )


def shape_figures(shape: str, tools: list[Tool], args: argparse.Namespace) -> Iterator[tuple[str, dict[str, Figures]]]:
    """The figures of each job on one shape; the data are made first and removed last."""
    sources = [args.work / f"{shape}.{size:g}.jsonl" for size in args.sizes]
    samples = {n: args.work / f"{shape}.sample{n}.jsonl" for tool in tools if tool.sample for n in (1, 2)}
    wanted = [(path, int(size * GB)) for path, size in zip(sources, args.sizes, strict=True)]
    half = int(args.sizes[0] * GB / 2)
    wanted += [(samples[n], n * min(tool.sample, half)) for tool in tools if tool.sample for n in samples]
    for path, size in wanted:
        elsewhere(generate.write, path, shape, size, args.seed)
    try:
        for job in args.jobs:
            able = [tool for tool in tools if job in tool.jobs]
            figures = {tool.name: Figures() for tool in able}
            for repeat in range(args.repeats):
                for number, source in enumerate(sources):
                    for tool in able:
                        own = figures[tool.name]
                        slow = bool(own.wall) and max(own.wall.values()) > args.patience
                        if own.trouble or ((number or repeat) and (slow or tool.sample)):
                            continue
                        for path in samples.values() if tool.sample else [source]:
                            once(tool, Run(job, shape, path, args.work / f"out.{tool.name}", args.work), own)
            yield job, figures
    finally:
        for path in [] if args.keep else [*sources, *samples.values()]:
            path.unlink(missing_ok=True)


HEADER = (
    "shape", "job", "tool", "whole s", "x duckdb", "marginal MB/s", "x duckdb", "CPU s", "marginal MB/CPU s", "x duckdb",
    "peak MB", "out", "agrees", "note",
)  # fmt: skip


def rows(
    shape: str, job: str, figures: dict[str, Figures], tools: dict[str, Tool], sizes: list[float]
) -> Iterator[list[str]]:
    """The lines of the table for one job. Ratios are of speed: above 1 is faster than the reference."""
    reference = figures.get(REFERENCE, Figures())
    for name, own in figures.items():
        first = min(reference.wall or own.wall, default=0)
        whole, base = own.whole(first), reference.whole(first)
        cells = [shape, job, name, _cell(whole, "{:.2f}"), _cell(base and whole and base / whole, "{:.2f}")]
        cells += _rates(own, reference, "wall")
        cells += [_cell(own.cpu.get(first), "{:.2f}"), *_rates(own, reference, "cpu")]
        cells += [
            " / ".join(f"{own.peak[size] / MB:.0f}" for size in sorted(own.peak)),
        ]
        cells += [_cell(own.made.get(first, [None])[0], "{}"), agrees(own, reference, tools[name])]
        yield [*cells, "; ".join(filter(None, (own.trouble, tools[name].note)))]


def _rates(own: Figures, reference: Figures, clock: str) -> list[str]:
    """The marginal rate, and how it compares."""
    rate, base = own.marginal(clock), reference.marginal(clock)
    return [_cell(rate and rate / MB, "{:.0f}"), _cell(rate and base and rate / base, "{:.2f}")]


def agrees(own: Figures, reference: Figures, tool: Tool) -> str:
    """Whether the counts (and for ids the ids) are those of the reference at every size that both ran."""
    common = own.made.keys() & reference.made.keys()
    if not common:
        return "-"
    return (
        "yes" if all(own.made[size] == reference.made[size] for size in common) else "NO" if tool.same else "other job"
    )


def _cell(value: object, form: str) -> str:
    return "-" if value is None else form.format(value)


def machine() -> str:
    """Cores, processor, system and interpreter."""
    info = Path("/proc/cpuinfo")
    models = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    model = models[0].partition(": ")[2] if models else platform.machine()
    system, python = f"{platform.system()} {platform.release()}", f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {model}, {system}, {python}"


def report(lines: list[list[str]], tools: list[Tool], args: argparse.Namespace) -> str:
    """The table in Markdown under what it was measured with."""
    versions = dict.fromkeys(filter(None, (tool.version(args.work) for tool in tools)))
    at = datetime.now(timezone.utc)
    sizes = " and ".join(f"{size:g} GB" for size in args.sizes)
    head = [
        f"# Benchmarks of {at:%Y-%m-%d %H:%M} UTC", "", f"{machine()}", "", ", ".join(versions), "",
        f"Sizes: {sizes}; seed {args.seed}; {args.repeats} interleaved repeats; "
        f"whole, CPU and out at {args.sizes[0]:g} GB. Ratios are of speed against DuckDB with one thread: "
        "above 1 is faster. See ../README.md.", "",
    ]  # fmt: skip
    table = [HEADER, ["---"] * len(HEADER), *lines]
    return "\n".join([*head, *("| " + " | ".join(cells) + " |" for cells in table), ""])


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """The command line, with lists split and checked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=(__doc__ or "").split("\n")[0])

    def several(choices: tuple[str, ...]) -> Callable[[str], list[str]]:
        def split(value: str) -> list[str]:
            chosen = [part for part in value.split(",") if part and part != "none"]
            if unknown := set(chosen) - set(choices):
                raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(choices)}")
            return chosen

        return split

    parser.add_argument(
        "--sizes", type=lambda value: sorted(map(float, value.split(","))), default=[1.0, 5.0], help="in GB"
    )
    parser.add_argument("--jobs", type=several(JOBS), default=list(JOBS))
    parser.add_argument("--shapes", type=several(("v1", "v2")), default=["v1", "v2"])
    parser.add_argument("--peers", type=several(PEERS), default=list(PEERS), help="or none")
    parser.add_argument("--without-xsieve", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--patience", type=float, default=20, help="slower than this (seconds): neither repeated nor enlarged"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--work", type=Path, help="peers, data and logs (default: a temporary folder)")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--install", action="store_true", help="install the peers under --work, then stop")
    parser.add_argument("--keep", action="store_true", help="keep the generated data")
    args = parser.parse_args(argv)
    if args.install and not args.work:
        parser.error("--install needs --work")
    return args


def main(argv: list[str] | None = None) -> int:
    """Measure and write the table. Returns 1 if xsieve failed, or a tool that does the same job came to another result."""
    args = arguments(argv)
    with tempfile.TemporaryDirectory(prefix="xsieve-bench-") as temporary:
        args.work = (args.work or Path(temporary)).resolve()
        (args.work / "log").mkdir(parents=True, exist_ok=True)
        if args.install:
            install(args.work)
            return 0
        chosen = set(args.peers) | (set() if args.without_xsieve else {"xsieve"})
        tools = [tool for tool in TOOLS if tool.name.split("_")[0] in chosen]
        named = {tool.name: tool for tool in tools}
        lines: list[list[str]] = []
        failed = False
        for shape in args.shapes:
            for job, figures in shape_figures(shape, tools, args):
                lines += rows(shape, job, figures, named, args.sizes)
                failed = failed or any(own.trouble for name, own in figures.items() if name.startswith("xsieve"))
        text = report(lines, tools, args)
    args.results.mkdir(parents=True, exist_ok=True)
    path = args.results / f"{datetime.now(timezone.utc):%Y-%m-%d-%H%M}.md"
    path.write_text(text, "utf-8")
    print(text)
    print(f"written to {path}", file=sys.stderr)
    return int(failed or any("NO" in line[HEADER.index("agrees")] for line in lines))


if __name__ == "__main__":
    sys.exit(main())
