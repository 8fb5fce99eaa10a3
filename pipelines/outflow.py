"""Settings -> outflows: who receives an output, what is counted, and which limit holds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from xsieve.pipelines.settings import Hydrated, Ids, Settings
from xsieve.transforms.records import policy
from xsieve.transforms.records.outflow import Cap, Decision, Unit

_UNITS: Mapping[str, Unit] = {"post": "post_id", "user": "user_id", "dm": "dm_id"}


class Outflow(NamedTuple):
    """One output to one recipient: all that an Offer needs but release id, units, digest and fingerprints."""

    output: str
    recipient: str
    entity: str
    entity_names: tuple[str, ...]
    unit: Unit
    cap: Cap | None
    clause: str
    profile: str
    evidence: Mapping[str, Any]  # JSON
    series: str | None = None
    truncate: bool = False
    country: str | None = None  # of the recipient; None: unknown, or anywhere


def outflows(settings: Settings, output_name: str, now: datetime) -> list[Outflow]:
    """One for each recipient of an output, none for what stays in-house."""
    output = settings.outputs[output_name]
    if not isinstance(output, Ids | Hydrated):
        return []
    return [_outflow(settings, output_name, output, name, now) for name in output.receivers]


def _outflow(settings: Settings, name: str, output: Ids | Hydrated, to: str, now: datetime) -> Outflow:
    recipient = settings.recipients[to]
    entity = settings.entities[recipient.entity]
    unit: Unit = _UNITS[output.ids] if isinstance(output, Ids) else "hydrated"
    cap = policy.load(settings.policy).cap(unit)
    return Outflow(
        name,
        to,
        recipient.entity,
        (entity.name, *entity.aliases),
        unit,
        cap,
        cap.clause if cap else "content-redistribution.ids",
        settings.policy,
        {},
        output.series if isinstance(output, Ids) else None,
        isinstance(output, Ids) and output.truncate,
        recipient.country,
    )


def refusals(outflow: Outflow, now: datetime) -> list[str]:
    """Why that must not be released now, a sentence each; nothing if it may be offered to the ledger."""
    raise NotImplementedError


def withheld_help(decision: Decision, outflow: Outflow) -> list[str]:
    """The ways out of a denial, a sentence each."""
    raise NotImplementedError


def permission_request(settings: Settings, outflow: Outflow, decision: Decision) -> str:
    """A letter to X that asks for permission to release what was withheld; plain text, ready to be sent."""
    raise NotImplementedError
