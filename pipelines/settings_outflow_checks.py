"""What does not go together in outflow: outputs, their recipients, the entities behind these, the sender, the policy.

Like ``settings_checks`` these checks look at the data as it was written. A part that is mistaken by itself is passed over.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from xsieve.pipelines.git import in_work_tree
from xsieve.pipelines.settings_checks import group, hint, texts
from xsieve.pipelines.settings_errors import Mistake
from xsieve.pipelines.settings_outflow import FOUR, Accepted, Entity, Recipient, Sender
from xsieve.pipelines.settings_outputs import counted
from xsieve.pipelines.settings_parts import Part
from xsieve.transforms.records import policy
from xsieve.transforms.records.words import fold, split

P = TypeVar("P", bound=Part)


class Declared(NamedTuple):
    """The parts that outflow is about: outputs as they were written, the others as far as they are right by themselves."""

    outputs: Mapping[str, Mapping[str, Any]]  # of the kinds ids and hydrated
    recipients: Mapping[str, Recipient]
    entities: Mapping[str, Entity]
    sender: Sender | None
    profile: policy.Profile


def check(data: object, profile: policy.Profile) -> Iterator[Mistake]:
    """All mistakes of outflow between the parts of ``data``; ``profile`` is the policy that holds."""
    declared = Declared(
        {name: group(output) for name, output in group(data, "outputs").items() if counted(group(output))},
        _read(group(data, "recipients"), Recipient),
        _read(group(data, "entities"), Entity),
        _read({"sender": group(data).get("sender")}, Sender).get("sender"),
        profile,
    )
    yield from _required(data, declared)
    for name, output in declared.outputs.items():
        yield from _receivers(data, name, output, declared)
        yield from _exemption(name, output, declared)
        yield from _cut(name, output, declared)
        yield from _content(name, output, declared)
    yield from _recipients(data, declared)
    yield from _entities(declared)


def same(text: str) -> tuple[str, ...]:
    """Equal for names that differ in case, accents, spaces and punctuation only."""
    return split(text, humps=False) or (fold(text),)


def _read(parts: Mapping[str, Any], kind: type[P]) -> dict[str, P]:
    found: dict[str, P] = {}
    for name, part in parts.items():
        try:
            found[name] = kind.model_validate(part)
        except ValidationError:
            continue  # told where the whole is read
    return found


def _named(output: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The names of an output's recipients, each with the key that it stands under."""
    for key in ("recipient", "recipients"):
        yield from ((key, name) for name in texts(output.get(key)))


# --- what must be there


def _required(data: object, declared: Declared) -> Iterator[Mistake]:
    """Whatever goes to a recipient is accounted for, and somebody answers for it."""
    for name, output in declared.outputs.items():
        if any(_named(output)):
            if "ledger" not in group(data):
                yield Mistake(
                    "ledger",
                    f"is missing; outputs.{name} goes to a recipient, which is accounted for: expected "
                    "sqlite:///FILE or postgresql://HOST/DATABASE",
                )
            if "sender" not in group(data):
                yield Mistake("sender", f"is missing; outputs.{name} goes to a recipient: expected who hands it out")
            return


def _receivers(data: object, name: str, output: Mapping[str, Any], declared: Declared) -> Iterator[Mistake]:
    known = group(data, "recipients")
    for key, receiver in _named(output):
        if receiver not in known:
            expected = hint(receiver, known, "one that stands under recipients")
            yield Mistake(f"outputs.{name}.{key}", f"names nobody; {expected}")
    if "recipient" in output or "recipients" in output:
        return
    if output["kind"] == "hydrated":
        cited = declared.profile.clauses[policy.HYDRATED].cited
        yield Mistake(f"outputs.{name}.recipient", f"is missing; whoever gets content is named and counted ({cited})")
    for key in ("exempt", "series", "truncate"):
        if output["kind"] == "ids" and output.get(key):
            yield Mistake(f"outputs.{name}.{key}", "is for what goes to a recipient; name one, or leave the key out")


# --- limits


def _exemption(name: str, output: Mapping[str, Any], declared: Declared) -> Iterator[Mistake]:
    """An exemption is claimed for units that it lifts the limit of, by a sender who declares what it needs."""
    claimed, profile = output.get("exempt"), declared.profile
    if output["kind"] != "ids" or claimed != "academic":
        return
    here, exemption = f"outputs.{name}.exempt", profile.exemptions.get(claimed)
    if exemption is None:
        yield Mistake(here, f"is not granted by the policy of {profile.name}; leave the key out")
    elif (unit := counted(output)) and unit not in exemption.units:
        what = policy.UNITS[unit]
        yield Mistake(here, f"does not cover {what} ({exemption.clause.cited}); leave the key out")
    elif declared.sender:
        for need in exemption.needs:
            if need not in declared.sender.declares:
                yield Mistake(
                    f"sender.{need}",
                    f"is missing; outputs.{name}.exempt needs it ({profile.name}, {exemption.clause.cited})",
                )


def _cut(name: str, output: Mapping[str, Any], declared: Declared) -> Iterator[Mistake]:
    """Only what has a limit can be cut to it."""
    if output["kind"] != "ids" or output.get("truncate") is not True:
        return
    if output.get("exempt"):
        yield Mistake(f"outputs.{name}.truncate", "contradicts exempt, which lifts the limit; expected one of the two")
    elif counted(output) not in declared.profile.caps:
        yield Mistake(f"outputs.{name}.truncate", "cuts to a limit, and such ids have none; leave the key out")


def _content(name: str, output: Mapping[str, Any], declared: Declared) -> Iterator[Mistake]:
    """What is more than ids reaches nobody but its recipients."""
    if output["kind"] != "hydrated":
        return
    clause = declared.profile.clauses[policy.NOT_PUBLIC].cited
    for key, receiver in _named(output):
        if receiver in declared.recipients and declared.recipients[receiver].public:
            yield Mistake(f"outputs.{name}.{key}", f"names what is public; only ids may be made public ({clause})")
    write = group(output, "write")
    if write.get("private_repository") is not True and any(map(in_work_tree, texts(write.get("path")))):
        yield Mistake(
            f"outputs.{name}.write.path",
            "lies in a git work tree, from where it is easily made public; expected a folder outside, or "
            f"private_repository: true beside it ({clause})",
        )


# --- who receives


def _recipients(data: object, declared: Declared) -> Iterator[Mistake]:
    for name, written in group(data, "recipients").items():
        for entity in texts(group(written).get("entity")):
            if entity not in group(data, "entities"):
                expected = hint(entity, group(data, "entities"), "one that stands under entities")
                yield Mistake(f"recipients.{name}.entity", f"names no entity; {expected}")
    people = {name: [("person", found.person)] for name, found in declared.recipients.items() if found.person}
    yield from _twice("recipients", people, "one person has one limit, whatever the name of the recipient")
    for name, recipient in declared.recipients.items():
        if recipient.internal:
            yield from _own(name, recipient, declared)
        if recipient.accepted:
            yield from _accepted(f"recipients.{name}.accepted", recipient, recipient.accepted, declared.profile)
        elif not (recipient.internal or recipient.public):
            clause = declared.profile.clauses[policy.ACCEPTANCE].cited
            yield Mistake(
                f"recipients.{name}.accepted", f"is missing; expected all, or the days of the four ({clause})"
            )


def _own(name: str, recipient: Recipient, declared: Declared) -> Iterator[Mistake]:
    """Whoever is called internal belongs to the institution that sends."""
    entity = declared.entities.get(recipient.entity)
    if declared.sender and entity and same(declared.sender.institution) not in map(same, entity.names):
        yield Mistake(
            f"recipients.{name}.internal",
            f"contradicts entities.{recipient.entity}, which does not bear the name of sender.institution; "
            "expected that name among its names, or no such key",
        )


def _accepted(path: str, recipient: Recipient, accepted: Accepted, profile: policy.Profile) -> Iterator[Mistake]:
    for text in profile.accepted:
        if accepted.day_of(text) is None:
            key = text if text in FOUR else f"others.{text}"
            clause = profile.clauses[policy.ACCEPTANCE].cited
            yield Mistake(f"{path}.{key}", f"is missing; expected the day on which it was accepted ({clause})")
    if accepted.by is None and recipient.person is None:
        yield Mistake(f"{path}.by", "is missing; expected who accepted, for the recipient is no single person")


# --- organisations


def _entities(declared: Declared) -> Iterator[Mistake]:
    names = {
        name: [("name", entity.name), *((f"aliases.{at}", alias) for at, alias in enumerate(entity.aliases))]
        for name, entity in declared.entities.items()
    }
    yield from _twice("entities", names, "an organisation has one limit, under all its names")
    cap = declared.profile.caps.get("post_id")
    for name, entity in declared.entities.items():
        if cap and entity.permission and entity.permission.post_ids <= cap.units:
            clause = declared.profile.clause_of("post_id").cited
            yield Mistake(
                f"entities.{name}.permission.post_ids",
                f"is no more than the {cap.units:,} that need no permission ({clause}); expected more, or no permission",
            )


def _twice(where: str, names: Mapping[str, Iterable[tuple[str, str]]], why: str) -> Iterator[Mistake]:
    """What bears the same name as something declared before it."""
    first: dict[tuple[str, ...], tuple[str, str]] = {}
    for name, given in names.items():
        for key, text in given:
            owner, place = first.setdefault(same(text), (name, f"{where}.{name}.{key}"))
            if owner != name:
                yield Mistake(f"{where}.{name}.{key}", f"is {place} too; {why}, expected both as one")
