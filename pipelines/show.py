"""What people see: progress while a run lasts, and tables at its end.

On a terminal with colours and bars; anywhere else, or where NO_COLOR is set, in plain ASCII lines.
"""

import os
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from xsieve.pipelines.summary import OutputSummary, Progress, Summary

Tell = Callable[["Progress"], None]
EVERY = 5.0  # seconds between plain lines of progress
KB, MB = 1_000, 1_000_000


class Row(NamedTuple):
    """One line of a table, and how it stands out on a terminal ("yellow" …)."""

    cells: Sequence[str]
    style: str = ""


class Screen:
    """Somewhere to write for people. ``plain``: without colours, bars, or anything but ASCII."""

    def __init__(self, stream: TextIO, plain: bool = False) -> None:
        self.stream = stream
        self.plain = (
            plain or not stream.isatty() or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        )

    def say(self, text: str = "") -> None:
        """One line."""
        print(self.printable(text), file=self.stream)

    def table(self, header: Sequence[str], rows: Sequence[Row], right: Sequence[str] = ()) -> None:
        """A table; the columns named in ``right`` hold numbers."""
        shown = [Row([self.printable(cell) for cell in row.cells], row.style) for row in rows]
        (self._plain_table if self.plain else self._rich_table)(header, shown, right)

    def printable(self, text: str) -> str:
        """``text`` with an escape for each character that would not show, or turn the line around."""
        if text.isprintable() and (text.isascii() or not self.plain):
            return text
        return "".join(
            char
            if char.isprintable() and (char.isascii() or not self.plain)
            else char.encode("unicode_escape").decode()
            for char in text
        )

    def _plain_table(self, header: Sequence[str], rows: Sequence[Row], right: Sequence[str]) -> None:
        lines = [header, *(row.cells for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = zip(header, line, widths, strict=True)
            padded = (cell.rjust(width) if name in right else cell.ljust(width) for name, cell, width in cells)
            print("  ".join(padded).rstrip(), file=self.stream)

    def _rich_table(self, header: Sequence[str], rows: Sequence[Row], right: Sequence[str]) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name in header:
            table.add_column(name, justify="right" if name in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row.cells), style=row.style)
        Console(file=self.stream).print(table)


# --- progress


@contextmanager
def progress(screen: Screen) -> Iterator[Tell]:
    """Something to tell how far a run is: a bar on a terminal, elsewhere a line every few seconds."""
    if screen.plain:
        yield _in_lines(screen)
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(file=screen.stream), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda now: bar.update(task, completed=now.bytes_done, total=now.bytes_total)


def _in_lines(screen: Screen) -> Tell:
    due = EVERY

    def tell(now: "Progress") -> None:
        nonlocal due
        if now.seconds >= due:
            due = now.seconds + EVERY
            screen.say(progress_line(now))

    return tell


def progress_line(now: "Progress") -> str:
    """``read 20.0 MB of 100.0 MB (20%) in 5 s, 4.0 MB/s, about 20 s left``"""
    done, total = now.bytes_done, now.bytes_total
    percent = done * 100 // total if total else 100
    parts = [f"read {_size(done)} of {_size(total)} ({percent}%) in {now.seconds:.0f} s"]
    if now.records is not None:
        parts.append(f"{now.records:,} records")
    if done and now.seconds:
        rate = done / now.seconds
        parts += [f"{_size(rate)}/s", f"about {(total - done) / rate:.0f} s left"]
    return ", ".join(parts)


# --- the account of a run


def summary(done: "Summary", screen: Screen) -> None:
    """What was read, what became of it for each output, and where that lies."""
    size = sum(source["size"] for source in done.sources)
    rate = f" ({_size(size / done.seconds)}/s)" if done.seconds else ""
    workers = f"{done.runner}, {_number(done.workers, 'worker')}"
    files = _number(len(done.sources), "file")
    screen.say(f"Read {files}, {_size(size)} in {done.seconds:.1f} s{rate}; {workers}.")
    screen.say()
    columns = ("output", "kind", "read", "out", "dropped", "rejected")
    rows = [
        Row(
            [
                out.name,
                out.kind,
                *(f"{n:,}" for n in (out.read, out.out, _sum(out.dropped), _sum(out.rejected))),
            ]
        )
        for out in done.outputs.values()
    ]
    screen.table(columns, rows, right=columns[2:])
    for output in done.outputs.values():
        screen.say()
        for line in _account(output, done.dry_run):
            screen.say(line)
    if any(output.rejected for output in done.outputs.values()):
        screen.say()
        listed = "would be listed" if done.dry_run else "listed"
        where = f"{listed} in {done.rejects_path}" if done.rejects_path else "not listed; rejects: FOLDER lists them"
        screen.say(f"Rejected: {_share(done.rejected_share)} of what was read, {where}.")


def _account(output: "OutputSummary", dry_run: bool = False) -> Iterator[str]:
    from xsieve.pipelines.show_outflow import releases

    dropped, rejected = _sum(output.dropped), _sum(output.rejected)
    sign = "=" if output.balanced else "DOES NOT EQUAL"
    fates = f"{output.out:,} out + {dropped:,} dropped + {rejected:,} rejected"
    yield f"{output.name}: {output.read:,} read {sign} {fates}"
    for word, counts in (("dropped", output.dropped), ("rejected", output.rejected), ("noted", output.noted)):
        if counts:
            yield f"  {word:<9} {_reasons(counts)}"
    if output.releases:
        yield from releases(output.releases, "  ", "would be " if dry_run else "")
    elif output.files or output.state == "published":
        yield f"  {output.state:<9} {_place(output.files)}"
    else:
        yield f"  {output.state}"


def _reasons(counts: Mapping[str, int]) -> str:
    """The most frequent first."""
    return ", ".join(f"{reason} {n:,}" for reason, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _place(files: Sequence[str]) -> str:
    """A single file by its name, several by their folder."""
    if len(files) < 2:
        return files[0] if files else "no files, for nothing passed"
    return f"{len(files):,} files in {posixpath.dirname(files[0])}"


def _sum(counts: Mapping[str, int]) -> int:
    return sum(counts.values())


def _number(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _share(share: float) -> str:
    return f"{share * 100:.3g}%"


def _size(count: float) -> str:
    return f"{count / MB:,.1f} MB" if count >= MB else f"{count / KB:,.1f} kB"
