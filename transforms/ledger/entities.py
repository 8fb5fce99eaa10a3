"""Who is who: an entity under any of its names is one, and what a recipient took along counts where it belongs now.

Names are compared folded, so "PL gGmbH" and "pl-ggmbh" are one. Whoever is known by a name or key of another is the same
entity; two that turn out to be one are joined, for good. All of it errs on the side of counting more, never less.
"""

import json
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, select

from xsieve.transforms.ledger.errors import LedgerError
from xsieve.transforms.ledger.schema import CHARGES, ENTITIES, EVENTS, NAMES, RECIPIENTS, RELEASES, number_of
from xsieve.transforms.records.outflow import Offer


class Party(NamedTuple):
    """Who an offer is for."""

    entity: int
    recipient: str  # folded


def fold(name: str) -> str:
    """A name as it is compared: letters and digits, whatever their case, width, spaces and punctuation. Raises LedgerError."""
    text = _normal(_normal(name).casefold())
    folded = _without(text, "PSZC") or _without(text, "ZC")  # of "🌊" no letter would be left
    if not folded:
        raise LedgerError("an entity or recipient has an empty name; give each one that can be read")
    return folded


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _without(text: str, categories: str) -> str:
    """A text less signs of some categories; accents that stood apart from their letters are with them now."""
    return _normal("".join(sign for sign in text if unicodedata.category(sign)[0] not in categories))


def find(connection: Connection, offer: Offer) -> Party | None:
    """Who an offer is for, if everything it says of them is known already."""
    names, recipient = _names(offer), fold(offer.recipient)
    known = _known(connection, names)
    home = connection.scalar(select(RECIPIENTS.c.entity).where(RECIPIENTS.c.recipient == recipient))
    if home is None or known.keys() != names or set(known.values()) != {home}:
        return None
    return Party(home, recipient)


def settle(connection: Connection, offer: Offer, now: int) -> Party:
    """Who an offer is for, after its news of them is written down. Who is who must be locked."""
    names, recipient = _names(offer), fold(offer.recipient)
    known = _known(connection, names)
    entity, *others = sorted(set(known.values())) or [_add(connection, offer.entity)]
    for other in others:
        _join(connection, entity, other, now)
    for name in sorted(names - known.keys()):
        connection.execute(NAMES.insert().values(name=name, entity=entity))
    _welcome(connection, offer, recipient, entity, now)
    return Party(entity, recipient)


def _names(offer: Offer) -> set[str]:
    return {fold(name) for name in (offer.entity, *offer.entity_names)}


def _known(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    known = select(NAMES.c.name, NAMES.c.entity).where(NAMES.c.name.in_(sorted(names)))
    return dict(connection.execute(known).all())


def _add(connection: Connection, name: str) -> int:
    return number_of(connection.execute(ENTITIES.insert().values(name=name)))


def _name(connection: Connection, entity: int) -> str:
    return connection.execute(select(ENTITIES.c.name).where(ENTITIES.c.id == entity)).scalar_one()


def _join(connection: Connection, entity: int, other: int, now: int) -> None:
    """Two entities are one from now on: what either received counts for it."""
    for table in (NAMES, RECIPIENTS, RELEASES, CHARGES):
        connection.execute(table.update().where(table.c.entity == other).values(entity=entity))
    connection.execute(CHARGES.update().where(CHARGES.c.also == other).values(also=entity))
    connection.execute(CHARGES.update().where(CHARGES.c.also == CHARGES.c.entity).values(also=None))
    _note(connection, "joined", now, entity, detail={"joined": _name(connection, other)})


def _welcome(connection: Connection, offer: Offer, recipient: str, entity: int, now: int) -> None:
    """A recipient belongs to the entity from now on, with what it received elsewhere."""
    ours = RECIPIENTS.c.recipient == recipient
    home = connection.scalar(select(RECIPIENTS.c.entity).where(ours))
    if home is None:
        connection.execute(RECIPIENTS.insert().values(recipient=recipient, name=offer.recipient, entity=entity))
    elif home != entity:
        connection.execute(RECIPIENTS.update().where(ours).values(entity=entity))
        received = CHARGES.update().where(CHARGES.c.recipient == recipient)
        connection.execute(received.values(also=entity))
        connection.execute(received.where(CHARGES.c.also == CHARGES.c.entity).values(also=None))
        detail = {"from": _name(connection, home)}
        _note(connection, "moved", now, entity, recipient=offer.recipient, detail=detail)


def _note(
    connection: Connection, kind: str, now: int, entity: int, *, detail: dict[str, str], recipient: str = ""
) -> None:
    nothing = dict.fromkeys(("release_id", "output", "digest", "profile", "clause", "inputs", "settings"), "")
    connection.execute(
        EVENTS.insert().values(
            **nothing,
            at=now,
            kind=kind,
            recipient=recipient,
            entity=_name(connection, entity),
            units=0,
            counted=0,
            evidence="{}",
            detail=json.dumps(detail, ensure_ascii=False),
        )
    )
