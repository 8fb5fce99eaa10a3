"""The written side of the account: entries of events, and the row that says how a release stands."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from xsieve.transforms.ledger.answers import Event, Kind, Known
from xsieve.transforms.ledger.errors import LedgerError
from xsieve.transforms.ledger.limits import moment
from xsieve.transforms.ledger.schema import EVENTS, RELEASES
from xsieve.transforms.records.outflow import Cap, Offer, State


def find_release(connection: Connection, release: str) -> Row[Any] | None:
    """The row of a release."""
    return connection.execute(select(RELEASES).where(RELEASES.c.release_id == release)).first()


def save_release(
    connection: Connection,
    offer: Offer,
    now: int,
    *,
    entity: int,
    recipient: str,
    state: State,
    supplement_of: str | None = None,
) -> None:
    """Write down how a release stands from now on."""
    values = {
        "entity": entity,
        "recipient": recipient,
        "unit": offer.unit,
        "state": state,
        "units": offer.units,
        "digest": offer.digest,
        "offer": _json(_plain(offer), "offer"),
    }
    known = find_release(connection, offer.release)
    if known is None:
        values |= {"release_id": offer.release, "first_at": now, "since_at": now, "supplement_of": supplement_of}
        connection.execute(RELEASES.insert(), values)
        return
    values |= {"since_at": known.since_at if known.state == state else now}
    connection.execute(RELEASES.update().where(RELEASES.c.release_id == offer.release).values(values))


def set_state(connection: Connection, release: str, state: State, now: int) -> None:
    """Write down the state of a release, all else being as it was."""
    connection.execute(
        RELEASES.update().where(RELEASES.c.release_id == release).values(state=state, since_at=now),
    )


def note(
    connection: Connection,
    offer: Offer,
    now: int,
    kind: Kind,
    *,
    clause: str | None = None,
    counted: int = 0,
    used: int | None = None,
    by: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry on a release."""
    values = {
        "at": now,
        "kind": kind,
        "release_id": offer.release,
        "output": offer.output,
        "recipient": offer.recipient,
        "entity": offer.entity,
        "unit": offer.unit,
        "units": offer.units,
        "counted": counted,
        "cap": offer.cap and offer.cap.units,
        "used": used,
        "digest": offer.digest,
        "profile": offer.profile,
        "clause": offer.clause if clause is None else clause,
        "evidence": _json(offer.evidence, "evidence"),
        "inputs": offer.inputs,
        "settings": offer.settings,
        "person": by,
        "detail": _json({**({"series": offer.series} if offer.series else {}), **(detail or {})}, "detail"),
    }
    connection.execute(EVENTS.insert(), values)


def offer_of(row: Row[Any]) -> Offer:
    """The offer that a release was last recorded with."""
    fields: dict[str, Any] = json.loads(row.offer)
    fields["entity_names"] = tuple(fields["entity_names"])
    fields["cap"] = Cap(**fields["cap"]) if fields["cap"] else None
    return Offer(**fields)


def known_of(row: Row[Any]) -> Known:
    """A release as others see it."""
    first, since = moment(row.first_at), moment(row.since_at)
    return Known(offer_of(row), row.state, row.units, since, first, row.supplement_of)


def event_of(row: Row[Any]) -> Event:
    """An entry as others see it."""
    return Event(
        number=row.id,
        at=moment(row.at),
        kind=row.kind,
        release=row.release_id,
        evidence=json.loads(row.evidence),
        detail=json.loads(row.detail),
        by=row.person,
        **{field: getattr(row, field) for field in _SAME},
    )


_SAME = (
    *("output", "recipient", "entity", "unit", "units", "counted", "cap", "used"),
    *("digest", "profile", "clause", "inputs", "settings"),
)


def _plain(offer: Offer) -> dict[str, Any]:
    return {**offer._asdict(), "cap": offer.cap and offer.cap._asdict()}


def _json(value: object, what: str) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError):
        raise LedgerError(f"the {what} of a release must be JSON: texts, numbers, lists and objects") from None
