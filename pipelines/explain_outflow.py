"""What leaves the house, in plain English: who receives an output, what is counted, and which limit and clause hold."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from xsieve.pipelines.outflow import Outflow, outflows
from xsieve.pipelines.settings import Hydrated, Ids, Settings
from xsieve.pipelines.settings_outflow import Entity, Paper, Recipient
from xsieve.pipelines.settings_secrets import VARIABLE
from xsieve.pipelines.settings_values import ledger_place
from xsieve.pipelines.settings_warnings import contradictions
from xsieve.transforms.records import policy

_GATES = {
    "click_through": "whoever downloads there accepts X's terms before",
    "none": "whoever downloads there is not asked to accept X's terms",
}


def handed_out(settings: Settings, name: str, output: Ids | Hydrated, now: datetime) -> Iterator[str]:
    """Who receives an output, what is counted, by which clause, and where another profile is stricter."""
    found = outflows(settings, name, now)
    if not found:
        yield "Goes to nobody: it stays in-house."
        return
    yield f"Goes to {listed(outflow.recipient for outflow in found)}, once all of it is reserved in the ledger."
    yield _counted(output)
    for sentence, to in _grouped(found, settings).items():
        yield f"For {listed(to)}: {sentence}"
    yield _whole(output)
    if isinstance(output, Hydrated):
        by_hand, not_public = (settings.profile.clauses[id_] for id_ in (policy.BY_HAND, policy.NOT_PUBLIC))
        yield f"{_said(by_hand)} A run prepares it, and xsieve release hands it over."
        yield _said(not_public)
    yield from (f"To be known: {sentence}" for sentence in contradictions(settings, output))


def declared(settings: Settings) -> Iterator[str]:
    """Who hands out, who receives, and the account of it, as the settings declare them."""
    show = settings.as_written
    if sender := settings.sender:
        person = f"; {show(sender.person)} answers for it" if sender.person else ""
        yield f"What is handed out is handed out by {show(sender.institution)}{person}."
        if sender.academic:
            approval = (
                f", approved by X: {_paper(settings, sender.academic.approval)}" if sender.academic.approval else ""
            )
            purpose = sender.academic.sole_purpose.replace("_", " ")
            yield f"It declares to act for an academic institution, for {purpose} and nothing else{approval}."
    for name, entity in settings.entities.items():
        yield _entity(settings, name, entity)
    for name, recipient in settings.recipients.items():
        yield _recipient(settings, name, recipient)
    if any(recipient.accepted for recipient in settings.recipients.values()):
        clause = settings.profile.clauses[policy.ACCEPTANCE]
        yield f"{_said(clause)} Asked for are {listed(map(_text, settings.profile.accepted))}."
    if settings.ledger:
        yield (
            f"The ledger at {_ledger(settings)} keeps the account: nothing goes to a recipient before it is reserved "
            "there, and what is not granted stays in the house, withheld."
        )


def listed(items: Iterable[object], word: str = "and") -> str:
    """``a, b and c``"""
    texts = [str(item) for item in items]
    return f" {word} ".join((", ".join(texts[:-1]), texts[-1])) if len(texts) > 1 else "".join(texts)


# --- of an output


def _counted(output: Ids | Hydrated) -> str:
    series = output.series if isinstance(output, Ids) else None
    once = f"once in 30 days over all releases of the series {series}" if series else "once in each release"
    nested = ", those inside others too" if isinstance(output, Hydrated) else ""
    return f"Counted are {policy.UNITS[output.unit]}{nested}, each {once}."


def _grouped(found: Iterable[Outflow], settings: Settings) -> dict[str, list[str]]:
    """What holds for recipients, by what is said of it."""
    groups: dict[str, list[str]] = {}
    for outflow in found:
        groups.setdefault(_limit(outflow, settings), []).append(outflow.recipient)
    return groups


def _limit(outflow: Outflow, settings: Settings) -> str:
    clause = settings.profile.clauses[outflow.clause]
    why = _said(clause)
    if outflow.cap is None and "exemption" in outflow.evidence:
        return f"no limit holds, by the academic exemption. {why}"
    if outflow.cap is None:
        return f"no limit holds, for there is no number. {why}"
    permission = settings.entities[outflow.entity].permission if "permission" in outflow.evidence else None
    by = f", by written permission of X: {_paper(settings, permission)}" if permission else ""
    return f"at most {policy.in_words(outflow.unit, outflow.cap)}{by}. {why}"


def _said(clause: policy.Clause) -> str:
    return f"{clause.says.removesuffix('.')} ({clause.cited})."


def _whole(output: Ids | Hydrated) -> str:
    if isinstance(output, Ids) and output.truncate:
        return "If not all of it fits, the lowest ids that fit are released, and the rest is reported."
    return "It is released whole or not at all."


# --- of those who are declared


def _entity(settings: Settings, name: str, entity: Entity) -> str:
    show = settings.as_written
    also = f", also called {listed(map(show, entity.aliases))}" if entity.aliases else ""
    government, permission = "is no government body", ""
    if entity.government:
        clause = settings.profile.clauses[policy.GOVERNMENT]
        government = (
            f"is a government body or acts for one, without surveillance or intelligence among its main tasks (primary mission: "
            f"{entity.government.primary_mission}), approved by X: {_paper(settings, entity.government.approval)} "
            f"({clause.cited})"
        )
    if entity.permission:
        permission = (
            f". X permits it {entity.permission.post_ids:,} ids of posts in any 30 days: "
            f"{_paper(settings, entity.permission)}"
        )
    return f"The entity {name} is {show(entity.name)}{also}; it {government}{permission}."


def _recipient(settings: Settings, name: str, recipient: Recipient) -> str:
    show = settings.as_written
    parts = [f"belongs to the entity {recipient.entity}"]
    if recipient.person:
        parts.append(f"is {show(recipient.person)}")
    if recipient.internal:
        parts.append("is internal, counted all the same")
    if recipient.public:
        parts.append(f"is public at {show(recipient.public.where)}, where {_GATES[recipient.public.gate]}")
    else:
        parts.append(
            f"receives in {show(recipient.country)}" if recipient.country else "receives in a country that is not told"
        )
    if accepted := recipient.accepted:
        texts = dict.fromkeys((*settings.profile.accepted, *accepted.others))
        days = {text: day for text in texts if (day := accepted.day_of(text))}
        said = listed(f"{_text(text)} on {day}" for text, day in days.items())
        by = f" by {show(accepted.by)}" if accepted.by else ""
        together = ", all at once" if accepted.all else ""
        parts.append(f"has accepted {said}{together}{by} (filed: {show(accepted.evidence)})")
    return f"The recipient {name} {listed(parts)}."


def _paper(settings: Settings, paper: Paper) -> str:
    return f"{settings.as_written(paper.reference)}, from {paper.from_} until {paper.until}"


def _text(key: str) -> str:
    return f"the {key.replace('_', ' ')}"


def _ledger(settings: Settings) -> str:
    """Its address without what is secret, and with variables by their names."""
    url = settings.ledger or ""
    written = settings.as_written(url)
    return written if VARIABLE.fullmatch(written) else ledger_place(written)
