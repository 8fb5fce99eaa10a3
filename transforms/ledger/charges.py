"""What counts against whom: the sums that a cap is compared with, and when they become smaller.

Exempt units are written down, but use up no cap: the exemption lifts the cap of exactly these ("unlimited"), and what has
no limit cannot exhaust one. Written permission is another cap, compared with everything that was counted against any cap.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple, get_args

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, or_, select

from xsieve.transforms.ledger.answers import Freeing, Usage
from xsieve.transforms.ledger.entities import Party
from xsieve.transforms.ledger.limits import ends, moment, starts
from xsieve.transforms.ledger.schema import CHARGES, ENTITIES, RECIPIENTS
from xsieve.transforms.records.outflow import Cap, Per, Span, Unit

_COLUMNS = CHARGES.c


class Line(NamedTuple):
    """A line of the account: what is added up for an entity or recipient."""

    unit: Unit
    per: Per
    span: Span


def line_of(unit: Unit, cap: Cap | None = None) -> Line:
    """The line that a cap looks at; without a cap, the one in which such units are shown."""
    if cap:
        return Line(unit, cap.per, cap.span)
    return Line(unit, "recipient", "utc_day") if unit == "hydrated" else Line(unit, "entity", "rolling_30_days")


def used(connection: Connection, party: Party, line: Line, *, capped: bool, now: int) -> int:
    """The units that count now."""
    counting = _counting(party, line, capped=capped, now=now)
    return int(connection.scalar(select(func.coalesce(func.sum(_amount(party, line)), 0)).where(counting)) or 0)


def frees(connection: Connection, party: Party, line: Line, *, now: int) -> list[tuple[int, int, int]]:
    """What counts against caps now: when each charge ends, its units, its number."""
    counting = _counting(party, line, capped=True, now=now)
    rows = connection.execute(select(_COLUMNS.at, _amount(party, line), _COLUMNS.id).where(counting))
    return [(ends(line.span, at), units, number) for at, units, number in rows]


def _counting(party: Party, line: Line, *, capped: bool, now: int) -> ColumnElement[bool]:
    whose = _COLUMNS.recipient == party.recipient
    if line.per == "entity":
        whose = or_(_COLUMNS.entity == party.entity, _COLUMNS.also == party.entity)
    has_cap = _COLUMNS.cap.is_not(None) if capped else _COLUMNS.cap.is_(None)
    return and_(whose, _COLUMNS.unit == line.unit, has_cap, _COLUMNS.at >= starts(line.span, now))


def _amount(party: Party, line: Line) -> ColumnElement[int]:
    """What one received elsewhere counts in full, though others may have received it again in the same series."""
    if line.per == "recipient":
        return _COLUMNS.received
    return case((_COLUMNS.entity == party.entity, _COLUMNS.counted), else_=_COLUMNS.received)


# --- for display


def usage(connection: Connection, now: int) -> list[Usage]:
    """What every entity and recipient has used at a time."""
    rows = connection.execute(
        select(CHARGES).where(_COLUMNS.at >= starts("rolling_30_days", now), _COLUMNS.at <= now).order_by(_COLUMNS.at)
    )
    lines: defaultdict[tuple[Line, int | str], list[tuple[Row[Any], int]]] = defaultdict(list)
    for row in rows:
        line = line_of(row.unit)
        for whom, units in _owners(row, line):
            lines[line, whom].append((row, units))
    entities = dict(connection.execute(select(ENTITIES.c.id, ENTITIES.c.name)).all())
    recipients = dict(connection.execute(select(RECIPIENTS.c.recipient, RECIPIENTS.c.name)).all())
    names = {**entities, **recipients}  # numbers and texts
    found = (_usage(line, names[whom], charges, now) for (line, whom), charges in lines.items())
    return sorted(found, key=lambda one: (one.per, one.name, get_args(Unit).index(one.unit)))


def _owners(row: Row[Any], line: Line) -> Iterable[tuple[int | str, int]]:
    if line.per == "recipient":
        return [(row.recipient, row.received)]
    return [(row.entity, row.counted), *([(row.also, row.received)] if row.also else [])]


def _usage(line: Line, name: str, charges: list[tuple[Row[Any], int]], now: int) -> Usage:
    counting = [(row, units) for row, units in charges if row.at >= starts(line.span, now)]
    freed: defaultdict[int, int] = defaultdict(int)
    for row, units in counting:
        if row.cap is not None:
            freed[ends(line.span, row.at)] += units
    return Usage(
        per=line.per,
        name=name,
        unit=line.unit,
        span=line.span,
        used=sum(freed.values()),
        uncapped=sum(units for row, units in counting if row.cap is None),
        cap=next((row.cap for row, _ in reversed(charges) if row.cap is not None), None),
        frees=tuple(Freeing(moment(at), units) for at, units in sorted(freed.items()) if units),
    )
