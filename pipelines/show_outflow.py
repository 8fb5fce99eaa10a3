"""What people see of releases and of the ledger: tables, JSON and CSV of the same."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from xsieve.pipelines.show import Row, Screen
from xsieve.transforms.records.outflow import Cap, Unit

if TYPE_CHECKING:
    from xsieve.pipelines.hand_over import Waiting
    from xsieve.pipelines.summary import ReleaseSummary
    from xsieve.transforms.ledger import Event, Known, Usage

OBJECTS: dict[Unit, str] = {
    "post_id": "post ids",
    "user_id": "user ids",
    "dm_id": "direct-message ids",
    "hydrated": "posts and users",
}
MOST = 20  # releases of one output that are told one by one
Cell = str | int | None
NUMBERS = frozenset({"units", "used", "left", "cap", "uncapped", "counted", "number"})


def table(rows: Sequence[Mapping[str, Cell]], columns: Sequence[str], format_: str) -> None:
    """Rows as a table for people, or as JSON or CSV for machines, which have the same columns."""
    if format_ == "json":
        print(json.dumps([{name: row[name] for name in columns} for row in rows], indent=2))
    elif format_ == "csv":
        writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    elif not rows:
        print("There is nothing to show.")
    else:
        shown = [Row([_cell(row[name]) for name in columns]) for row in rows]
        Screen(sys.stdout).table(columns, shown, right=[name for name in columns if name in NUMBERS])


def _cell(value: Cell) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else value


def _time(moment: datetime) -> str:
    """``2026-11-26 09:14:03.120Z``"""
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


# --- the ledger


def usage(found: Iterable["Usage"], caps: Mapping[Unit, Cap], format_: str) -> None:
    """What each entity and recipient has used, what is left, and when the next of it frees up."""
    columns = ("per", "name", "unit", "span", "used", "cap", "left", "uncapped", "frees", "all_free")
    table([_usage(one, caps) for one in found], columns, format_)


def _usage(one: "Usage", caps: Mapping[Unit, Cap]) -> dict[str, Cell]:
    named = caps.get(one.unit)
    cap = one.cap if one.cap is not None else named.units if named else None
    first, last = (one.frees[0], one.frees[-1]) if one.frees else (None, None)
    return {
        "per": one.per,
        "name": one.name,
        "unit": one.unit,
        "span": one.span,
        "used": one.used,
        "cap": cap,
        "left": None if cap is None else one.left(cap),
        "uncapped": one.uncapped,
        "frees": f"{first.units:,} from {_time(first.at)}" if first else None,
        "all_free": _time(last.at) if last else None,
    }


def known(found: Iterable["Known"], format_: str) -> None:
    """Releases as the ledger knows them."""
    table(
        [_known(one) for one in found], ("release", "recipient", "entity", "unit", "units", "state", "since"), format_
    )


def _known(one: "Known") -> dict[str, Cell]:
    offer = one.offer
    return {
        "release": offer.release,
        "recipient": offer.recipient,
        "entity": offer.entity,
        "unit": offer.unit,
        "units": one.units,
        "state": one.state,
        "since": _time(one.since),
    }


def events(found: Iterable["Event"], format_: str) -> None:
    """The entries of the account, oldest first."""
    columns = (
        "number",
        "at",
        "kind",
        "release",
        "recipient",
        "entity",
        "unit",
        "units",
        "counted",
        "used",
        "cap",
        "clause",
        "by",
    )
    rows = [{**one._asdict(), "at": _time(one.at)} for one in found]
    table(rows, columns, format_)


# --- releases


def waiting(found: Iterable["Waiting"], format_: str) -> None:
    """What has not left, and whether its files are there."""
    columns = ("release", "recipient", "unit", "units", "state", "since", "files")
    table([{**_known(one.known), "files": one.kept.folder if one.kept else "gone"} for one in found], columns, format_)


def releases(found: Sequence["ReleaseSummary"], indent: str = "", would: str = "") -> Iterator[str]:
    """A line for each release and what is said of it; the first ones only, where they are many."""
    for one in found[:MOST]:
        yield f"{indent}{would + one.state:<9} {one.units:,} {OBJECTS[one.unit]} to {one.recipient}{_account(one)}"
        yield f"{indent}{'':<9} {one.release}"
        for line in one.says:
            yield f"{indent}{'':<9} {line}"
    if len(found) > MOST:
        rest = found[MOST:]
        states = {state: sum(one.state == state for one in rest) for state in sorted({one.state for one in rest})}
        yield f"{indent}… and {', '.join(f'{number:,} more {state}' for state, number in states.items())}"


def _account(one: "ReleaseSummary") -> str:
    return "" if one.cap is None or one.used is None else f"; {one.used:,} of {one.cap:,} used ({one.clause})"
