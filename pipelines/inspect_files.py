"""Inspecting files: a census of their payloads, told as tables or for machines. Fields, never values."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from xsieve.configs import table
from xsieve.pipelines.readers import read
from xsieve.pipelines.show import Row, Screen
from xsieve.pipelines.sources import find, pieces
from xsieve.pipelines.summary import Progress
from xsieve.transforms.records import actions, catalog, shapes
from xsieve.transforms.records.batch import Reject
from xsieve.transforms.records.census import HIDDEN, TOLD_FROM, Census, Report, Seen, ShapeSeen
from xsieve.transforms.records.documents import unfold_lines
from xsieve.transforms.records.ids import HOLDS
from xsieve.transforms.records.sift import Sieve

PIECE_BYTES = 4 << 20
KINDS = actions.KINDS
STRUCTURE = frozenset({"object", "list", "null"})


def take_census(
    patterns: Iterable[str],
    exclude: Iterable[str] = (),
    step: int = 1,
    catalogs: Iterable[str] = (),
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """The census of the files, of one payload of ``step``. Raises SourceError, TableError (``catalogs``)."""
    census = Census(catalog.load(catalogs), step)
    sources = find(patterns, exclude)
    total, done, began = sum(source.size for source in sources), 0, time.monotonic()
    for source in sources:
        for piece in pieces(source, PIECE_BYTES):
            size = (source.size if piece.end is None else piece.end) - piece.start
            inside = 0
            for found in read(piece):
                if isinstance(found, Reject):
                    census.reject(found.reason)
                    continue
                census.add(unfold_lines(found.lines))
                inside += len(found.lines)
                if progress:  # compressed files give more than they are: a piece is never more than whole
                    progress(Progress(done + min(inside, size), total, None, time.monotonic() - began))
            done += size
    return census.report()


def only(report: Report, unknown: bool = False, sensitive: bool = False) -> Report:
    """Of the paths only those that are unknown, those that are sensitive, or (asked for both) either."""
    if not (unknown or sensitive):
        return report

    def wanted(seen: Seen) -> bool:
        return (unknown and seen.cls is None) or (sensitive and bool(seen.sensitive))

    chosen = (shape._replace(paths=tuple(filter(wanted, shape.paths))) for shape in report.shapes)
    return report._replace(shapes=tuple(shape for shape in chosen if shape.paths))


def fate(seen: Seen, shape: shapes.Shape) -> dict[str, str]:
    """What happens to a field in each kind of output: kind -> action. DMs count as without consent."""
    reached = {
        "rows": shape.holds in Sieve.holds,
        "ids": any(shape.holds in kinds for kinds in HOLDS.values()),
        "hydrated": shape.holds in HOLDS["user"],  # posts and users, as they are counted
        "store": shape.store == "yes",
    }
    return {kind: actions.action(seen.cls or "", kind) if reached[kind] else "drop" for kind in KINDS}


# --- for machines


def as_dict(report: Report) -> dict[str, Any]:
    """The report as JSON has it. ``at_most`` marks counts of several places told together."""
    return {
        "payloads": report.payloads,
        "skipped": report.skipped,
        "cut": report.cut,
        "rejected": report.rejected,
        "shapes": [_shape_as_dict(shape) for shape in report.shapes],
    }


def _shape_as_dict(found: ShapeSeen) -> dict[str, Any]:
    shape = _shape(found.shape)
    return {
        "shape": found.shape,
        "payloads": found.payloads,
        "paths": [_path_as_dict(s, shape) for s in found.paths],
    }


def _path_as_dict(seen: Seen, shape: shapes.Shape) -> dict[str, Any]:
    return {
        "path": seen.path,
        "class": seen.cls,
        "payloads": seen.payloads,
        "at_most": seen.places > 1,
        "types": list(seen.types),
        **fate(seen, shape),
        "sensitive": list(seen.sensitive),
    }


@cache
def _shape(name: str) -> shapes.Shape:
    return next((shape for shape in shapes.load() if shape.name == name), shapes.UNKNOWN)


# --- for people


def show(report: Report, screen: Screen) -> None:
    """One table a shape, the most frequent shape first."""
    meanings = {line.cells["shape"]: line.cells["meaning"] for line in table("shapes.tsv")}
    for found in report.shapes:
        meaning = meanings.get(found.shape, "like nothing in the table of shapes, so rejected; keys on top only")
        screen.say(f"{found.shape} ({meaning}): {_payloads(found.payloads)}")
        _show_paths(_ends(found.paths), _shape(found.shape), screen)
        screen.say()
    for line in _footer(report):
        screen.say(line)


def _ends(paths: Sequence[Seen]) -> list[Seen]:
    """The paths without those that only lead to others."""
    above = {
        seen.path.removesuffix("[]") if seen.path.endswith("[]") else seen.path.rpartition(".")[0] for seen in paths
    }
    return [
        seen
        for seen in paths
        if seen.cls != "part" and (seen.path not in above or not STRUCTURE.issuperset(seen.types))
    ]


def _show_paths(paths: Sequence[Seen], shape: shapes.Shape, screen: Screen) -> None:
    if not paths:
        return
    header = ("path", "class", "payloads", "types", *KINDS, "sensitive")
    screen.table(header, [_row(seen, fate(seen, shape)) for seen in paths], right=("payloads",))


def _row(seen: Seen, actions: Mapping[str, str]) -> Row:
    number = f"<={seen.payloads:,}" if seen.places > 1 else f"{seen.payloads:,}"
    cells = (
        seen.path,
        seen.cls or "UNKNOWN",
        number,
        "|".join(seen.types),
        *actions.values(),
        "; ".join(seen.sensitive),
    )
    return Row(cells, "red" if seen.sensitive else "" if seen.cls else "yellow")


def _footer(report: Report) -> Iterable[str]:
    sampled = f", {report.skipped:,} of them skipped" if report.skipped else ""
    yield f"{_payloads(report.payloads)}{sampled}."
    if report.rejected:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in report.rejected.items())
        yield f"Could not be read: {reasons}."
    if report.cut:
        yield f"Not followed to their ends (too deep, or too many different keys): {_payloads(report.cut)}."
    if any(HIDDEN in seen.path for shape in report.shapes for seen in shape.paths):
        yield f"{HIDDEN}: keys that no table names and that may be data, or are in under {TOLD_FROM} payloads."


def _payloads(count: int) -> str:
    return f"{count:,} payload" if count == 1 else f"{count:,} payloads"
