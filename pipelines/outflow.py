"""Settings -> outflows: who receives an output, what is counted, which limit holds, what all that rests on, and ways out of a denial."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple

from xsieve.configs import resource
from xsieve.pipelines.settings import Hydrated, Ids, Settings
from xsieve.pipelines.settings_outflow import Accepted, Entity, Paper, Recipient, Sender
from xsieve.transforms.records.outflow import Cap, Decision, Unit
from xsieve.transforms.records.policy import Exemption, Profile, in_words


class Outflow(NamedTuple):
    """One output to one recipient: all that an Offer needs but its release, units, digest, place and fingerprints."""

    output: str
    recipient: str
    entity: str
    entity_names: tuple[str, ...]
    unit: Unit
    cap: Cap | None
    clause: str  # the id of what allows it: of the limit, of the exemption, or of units without a number
    profile: str
    evidence: Mapping[
        str, Any
    ]  # JSON: policy, clause, sender, recipient, accepted, and permission, exemption, government if any
    series: str | None = None
    truncate: bool = False
    country: str | None = None  # where it is received, as X writes it (DE); None: not known, or anywhere
    exemption: str | None = None  # the exemption that would lift the cap and is not claimed: its name and its clause


def outflows(settings: Settings, output_name: str, now: datetime) -> list[Outflow]:
    """One for each recipient of an output, none for what stays in-house.

    A written permission counts if it holds at ``now``; else the limit of the policy does.
    """
    output = settings.outputs[output_name]
    if not isinstance(output, Ids | Hydrated):
        return []
    return [_outflow(settings, output_name, output, name, _day(now)) for name in output.receivers]


def _outflow(settings: Settings, name: str, output: Ids | Hydrated, to: str, today: date) -> Outflow:
    profile, recipient = settings.profile, settings.recipients[to]
    entity, unit = settings.entities[recipient.entity], output.unit
    exempt = profile.exemptions[output.exempt] if isinstance(output, Ids) and output.exempt else None
    permitted = unit == "post_id" and not exempt and holds(entity.permission, today)
    cap = None if exempt else _cap(profile, unit, entity, permitted)
    clause = exempt.clause if exempt else profile.clause_of(unit)
    return Outflow(
        output=name,
        recipient=to,
        entity=recipient.entity,
        entity_names=entity.names,
        unit=unit,
        cap=cap,
        clause=clause.id,
        profile=profile.name,
        evidence={
            "policy": profile.title,
            "clause": clause.cited,
            **_evidence(settings, recipient, entity),
            **({"permission": _dumped(entity.permission)} if permitted else {}),
            **({"exemption": _claim(exempt, settings.sender)} if exempt else {}),
        },
        series=output.series if isinstance(output, Ids) else None,
        truncate=isinstance(output, Ids) and output.truncate,
        country=recipient.country,
        exemption=_unclaimed(profile, unit) if cap else None,
    )


def _cap(profile: Profile, unit: Unit, entity: Entity, permitted: bool) -> Cap | None:
    cap = profile.caps.get(unit)
    return cap._replace(units=entity.permission.post_ids) if cap and permitted and entity.permission else cap


def _unclaimed(profile: Profile, unit: Unit) -> str | None:
    found = (f"{name} ({it.clause.cited})" for name, it in profile.exemptions.items() if unit in it.units)
    return next(found, None)


# --- what it rests on


def _evidence(settings: Settings, recipient: Recipient, entity: Entity) -> dict[str, Any]:
    accepted = recipient.accepted
    return {
        "sender": _dumped(settings.sender, "institution", "person"),
        "recipient": _dumped(recipient, "person", "country", "internal", "public"),
        **({"accepted": _days(accepted, settings.profile)} if accepted else {}),
        **({"government": _dumped(entity.government)} if entity.government else {}),
    }


def _days(accepted: Accepted, profile: Profile) -> dict[str, Any]:
    """Who accepted each text that the policy asks for, when, and how one knows."""
    days = {text: accepted.day_of(text) for text in profile.accepted}
    on = {text: day.isoformat() if day else None for text, day in days.items()}
    return {"on": on, **_dumped(accepted, "by", "evidence")}


def _claim(exemption: Exemption, sender: Sender | None) -> dict[str, Any]:
    return {"name": exemption.clause.id.rpartition(".")[2], **_dumped(sender and sender.academic)}


def _dumped(part: Any, *keys: str) -> dict[str, Any]:
    """A group of keys as JSON, without those that were left out."""
    chosen = set(keys) or None
    return part.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=chosen) if part else {}


# --- whether it still holds


def holds(paper: Paper | None, today: date) -> bool:
    """Whether there is such a document and the day lies within its time."""
    return paper is not None and paper.from_ <= today <= paper.until


def refusals(outflow: Outflow, now: datetime) -> list[str]:
    """Why that must not be released at ``now``, a sentence each with its dotted path; none if the ledger may be asked."""
    today = _day(now)
    papers = {
        f"entities.{outflow.entity}.permission": outflow.evidence.get("permission"),
        f"entities.{outflow.entity}.government.approval": outflow.evidence.get("government", {}).get("approval"),
        "sender.academic.approval": outflow.evidence.get("exemption", {}).get("approval"),
    }
    found = [sentence for path, paper in papers.items() if paper for sentence in _lapsed(path, paper, today)]
    return [*_not_accepted(outflow, today), *found]


def _not_accepted(outflow: Outflow, today: date) -> Iterator[str]:
    accepted, recipient = outflow.evidence.get("accepted"), outflow.evidence.get("recipient", {})
    path = f"recipients.{outflow.recipient}.accepted"
    if not accepted and not recipient.get("internal") and not recipient.get("public"):
        yield f"{path}: is missing; X's terms are accepted before anything is received."
    for text, day in accepted["on"].items() if accepted else ():
        if day is None:
            yield f"{path}.{text}: is missing; it is accepted before anything is received."
        elif date.fromisoformat(day) > today:
            yield f"{path}.{text}: is dated {day}, after this release ({today}, UTC)."


def _lapsed(path: str, paper: Mapping[str, str], today: date) -> Iterator[str]:
    if not paper["from"] <= today.isoformat() <= paper["until"]:
        yield f"{path}: holds from {paper['from']} until {paper['until']}, and this release is of {today} (UTC)."


def _day(now: datetime) -> date:
    return now.astimezone(timezone.utc).date()


# --- ways out


def withheld_help(decision: Decision, outflow: Outflow) -> list[str]:
    """The ways out of a denial: wait, hand over less, exemption, written permission; a sentence each."""
    if decision.granted or outflow.cap is None:
        return []
    ways = [_wait(decision, outflow), _less(decision, outflow)]
    if outflow.exemption:
        ways.append(
            f"exemption: if it applies, declare sender.academic and claim it by outputs.{outflow.output}.exempt: "
            f"{outflow.exemption}"
        )
    if outflow.unit == "post_id":
        ways.append(
            f"permission: ask X in writing and declare the answer under entities.{outflow.entity}.permission; "
            f"{by_command(outflow.output, '--request')} writes the letter"
        )
    return [way for way in ways if way]


def by_command(output: str, options: str) -> str:
    """The command with which a person releases what waits of an output."""
    return f"xsieve release {output} {options} --pipeline PIPELINE.yaml"


def _wait(decision: Decision, outflow: Outflow) -> str:
    by_hand = by_command(outflow.output, "--by PERSON")
    if decision.never and outflow.cap:
        return f"it can never fit whole: the limit is {in_words(outflow.unit, outflow.cap)}"
    if decision.fits_from:
        return f"wait: it fits whole from {_minute(decision.fits_from)}, if nothing else is released before; then {by_hand}"
    return f"ask again: {by_hand}"


def _less(decision: Decision, outflow: Outflow) -> str:
    if not decision.left:
        return ""
    if outflow.unit == "hydrated":
        return (
            f"hand over less: {decision.left:,} posts and users still fit, nested ones counted; "
            f"outputs.{outflow.output}.sample draws a part"
        )
    return (
        f"cut: {by_command(outflow.output, '--truncate --by PERSON')} hands over the {decision.left:,} lowest ids, "
        "which still fit"
    )


def _minute(moment: datetime) -> str:
    """``26 Nov 2026 09:14 UTC``, never before the moment itself."""
    full = moment.replace(second=0, microsecond=0)
    moment = full if full == moment else full + timedelta(minutes=1)
    return f"{moment.day} {moment:%b %Y %H:%M} UTC"


def permission_request(settings: Settings, outflow: Outflow, decision: Decision, units: int | None = None) -> str:
    """A letter to X that asks to hand on what was withheld, ``units`` post ids; plain text with [gaps] to fill in.

    Only ids of posts can be permitted: ValueError for other units.
    """
    if outflow.unit != "post_id" or outflow.cap is None:
        raise ValueError("X permits more ids of posts only, where there is a limit of them")
    entity, recipient = settings.entities[outflow.entity], settings.recipients[outflow.recipient]
    sender = settings.sender
    accepted = outflow.evidence.get("accepted", {"on": {}})
    return (
        resource("permission-request.txt")
        .read_text("utf-8")
        .format(
            institution=sender.institution if sender else "[institution]",
            person=f" ({sender.person})" if sender and sender.person else "",
            entity=entity.name,
            aliases=f", also called {', '.join(entity.aliases)}" if entity.aliases else "",
            recipient=recipient.person or outflow.recipient,
            country=f", {recipient.country}" if recipient.country else "",
            output=outflow.output,
            clause=outflow.evidence["clause"],
            limit=in_words(outflow.unit, outflow.cap),
            used=decision.used,
            asked=f"{decision.used + units:,} post ids in any 30 days" if units else "[number] post ids in any 30 days",
            accepted="\n".join(f"- {text.replace('_', ' ')}: {day}" for text, day in accepted["on"].items())
            or "- [dates]",
        )
    )
