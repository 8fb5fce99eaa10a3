"""Profiles of X's policy: named sets of limits, exemptions and clauses at one date, from the files in configs/policies.

A policy of one's own is a profile that was tightened. It holds lower numbers, more limits, more to be accepted, fewer
exemptions or exemptions that need more; what is looser than the profile is refused.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import msgspec
import yaml

from xsieve.configs import resource
from xsieve.transforms.records.outflow import Cap, Per, Span, Unit

SECTION = "content-redistribution"
REQUIRED = (
    *(
        f"{SECTION}.{name}"
        for name in ("ids", "post-ids", "hydrated", "by-hand", "not-public", "acceptance", "academic")
    ),
    "government-use.declared",
    "government-use.surveillance",
)
IDS, POST_IDS, HYDRATED, BY_HAND, NOT_PUBLIC, ACCEPTANCE, ACADEMIC, GOVERNMENT, SURVEILLANCE = REQUIRED

UNITS: Mapping[Unit, str] = {
    "post_id": "ids of posts",
    "user_id": "ids of users",
    "dm_id": "ids of direct messages",
    "hydrated": "hydrated posts and users",
}
_PER: Mapping[Per, str] = {"entity": "one entity", "recipient": "one recipient"}
_SPANS: Mapping[Span, str] = {"rolling_30_days": "any 30 days", "utc_day": "a UTC day"}


class Clause(NamedTuple):
    """What one place of X's documents asks, in our own words."""

    id: str
    source: str  # the document with its date and section, for people
    says: str

    @property
    def cited(self) -> str:
        """How messages refer to it: by its id and its source."""
        return f"{self.id}: {self.source}"


class Exemption(NamedTuple):
    """Lifts the limits of some units for senders who declare what it needs."""

    units: frozenset[Unit]
    needs: tuple[str, ...]  # keys below ``sender``, such as academic.approval
    clause: Clause


class Profile(NamedTuple):
    """The policy that holds: clauses by id, limits by unit, exemptions by name, what recipients must have accepted."""

    name: str
    title: str
    clauses: Mapping[str, Clause]
    caps: Mapping[Unit, Cap]
    exemptions: Mapping[str, Exemption]
    accepted: tuple[str, ...]

    def clause_of(self, unit: Unit) -> Clause:
        """The clause that limits a unit, or the one that leaves it without a number."""
        return self.clauses[self.caps[unit].clause if unit in self.caps else IDS]


class OwnLimit(NamedTuple):
    """A limit in a policy of one's own; ``per`` and ``span`` are those of the profile if that has a limit."""

    units: int
    per: Per | None = None
    span: Span | None = None


class OwnExemption(NamedTuple):
    """What becomes of an exemption in a policy of one's own: whether it stays, and what it needs besides."""

    allowed: bool = True
    needs: tuple[str, ...] = ()


class Own(NamedTuple):
    """A policy of one's own: who says so, and what is tighter."""

    source: str
    limits: Mapping[Unit, OwnLimit]
    exemptions: Mapping[str, OwnExemption]
    accepted: tuple[str, ...]


# --- the profiles


def names() -> tuple[str, ...]:
    """The names of all packaged profiles."""
    return tuple(sorted(path.stem for path in resource("policies").glob("*.yaml")))


@lru_cache
def load(name: str) -> Profile:
    """The packaged profile of that name."""
    text = resource(f"policies/{name}.yaml").read_text("utf-8")
    file = msgspec.convert(yaml.safe_load(text), _File)
    clauses = {id_: _clause(id_, found, file) for id_, found in file.clauses.items()}
    exemptions = {
        id_.rpartition(".")[2]: Exemption(frozenset(found.exempts), found.needs, clauses[id_])
        for id_, found in file.clauses.items()
        if found.exempts
    }
    caps: dict[Unit, Cap] = {
        found.limit.unit: Cap(found.limit.units, found.limit.per, found.limit.span, id_)
        for id_, found in file.clauses.items()
        if found.limit
    }
    return Profile(name, file.title, clauses, caps, exemptions, file.clauses[ACCEPTANCE].accepts)


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    dated: date


class _Limit(msgspec.Struct, forbid_unknown_fields=True):
    unit: Unit
    units: int
    per: Per
    span: Span


class _Clause(msgspec.Struct, forbid_unknown_fields=True):
    document: str
    section: str
    says: str
    limit: _Limit | None = None
    exempts: tuple[Unit, ...] = ()
    needs: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()


class _File(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    documents: dict[str, _Document]
    clauses: dict[str, _Clause]


def _clause(id_: str, found: _Clause, file: _File) -> Clause:
    document = file.documents[found.document]
    return Clause(id_, f'{document.title}, {document.dated}, "{found.section}"', found.says)


# --- a policy of one's own


def tightened(profile: Profile, own: Own) -> tuple[Profile, list[tuple[str, str]]]:
    """The profile as one's own policy tightens it, and what is wrong with that policy: (dotted path, message)."""
    clauses, caps = dict(profile.clauses), dict(profile.caps)
    wrong = [*_wrong_limits(profile, own), *_wrong_exemptions(profile, own)]
    if not wrong:
        for unit, limit in own.limits.items():
            clause = Clause(f"own.{unit}", own.source, "A number that is tighter than that of X.")
            clauses[clause.id], caps[unit] = clause, _cap(limit, profile.caps.get(unit), clause.id)
    kept = {name: own.exemptions.get(name, OwnExemption()) for name in profile.exemptions}
    exemptions = {
        name: found._replace(needs=tuple(dict.fromkeys((*found.needs, *kept[name].needs))))
        for name, found in profile.exemptions.items()
        if kept[name].allowed
    }
    accepted = tuple(dict.fromkeys((*profile.accepted, *own.accepted)))
    title = f"{profile.title}, tightened by {own.source}"
    return Profile(f"{profile.name}, tightened", title, clauses, caps, exemptions, accepted), wrong


def _cap(own: OwnLimit, cap: Cap | None, clause: str) -> Cap:
    if cap:
        return cap._replace(units=own.units, clause=clause)
    assert own.per is not None, "checked before"
    assert own.span is not None, "checked before"
    return Cap(own.units, own.per, own.span, clause)


def _wrong_limits(profile: Profile, own: Own) -> Iterator[tuple[str, str]]:
    for unit, limit in own.limits.items():
        cap = profile.caps.get(unit)
        for key, mine, theirs in (("per", limit.per, cap and cap.per), ("span", limit.span, cap and cap.span)):
            if cap is None and mine is None:
                yield (
                    f"limits.{unit}.{key}",
                    f"is missing; {profile.name} has no limit of {UNITS[unit]} to take it from",
                )
            elif cap and mine not in (None, theirs):
                yield (
                    f"limits.{unit}.{key}",
                    f"is another than that of {profile.name}; expected {theirs}, or no such key",
                )
        if cap and limit.units > cap.units:
            yield (
                f"limits.{unit}.units",
                f"is {limit.units:,} ({own.source}), looser than {in_words(unit, cap)} "
                f"({profile.clause_of(unit).cited}); expected no more than that. Written permission by X for more "
                "stands in entities, as permission",
            )


def _wrong_exemptions(profile: Profile, own: Own) -> Iterator[tuple[str, str]]:
    for name in own.exemptions.keys() - profile.exemptions.keys():
        yield f"exemptions.{name}", f"is no exemption of {profile.name}; a policy of one's own adds none"


# --- words


def in_words(unit: Unit, cap: Cap) -> str:
    """``50,000 hydrated posts and users to one recipient in a UTC day``"""
    return f"{cap.units:,} {UNITS[unit]} to {_PER[cap.per]} in {_SPANS[cap.span]}"


def contradictions(profile: Profile, unit: Unit, exemption: str | None, declared: Collection[str]) -> list[str]:
    """Where another profile is stricter on what is used here, a sentence each with both sources.

    ``exemption`` is the one that is claimed, ``declared`` what the sender declares of its needs.
    """
    others = [load(name) for name in names() if name != profile.name]
    return [sentence for other in others for sentence in _stricter(profile, other, unit, exemption, declared)]


def _stricter(
    mine: Profile, other: Profile, unit: Unit, exemption: str | None, declared: Collection[str]
) -> Iterator[str]:
    if exemption:
        used, theirs = mine.exemptions[exemption], other.exemptions[exemption]
        if unmet := [need for need in theirs.needs if need not in declared]:
            yield (
                f"the {exemption} exemption of {mine.name} is used ({used.clause.cited}). {other.name} asks for more: "
                f"{' and '.join(unmet)} ({theirs.clause.cited})."
            )
        return
    cap, tighter = mine.caps.get(unit), other.caps.get(unit)
    if tighter and (cap is None or tighter.units < cap.units):
        used = in_words(unit, cap) if cap else f"no number of {UNITS[unit]}"
        yield (
            f"the looser of two numbers is used: {used}, as {mine.name} has it ({mine.clause_of(unit).cited}). "
            f"{other.name} has {in_words(unit, tighter)} ({other.clause_of(unit).cited})."
        )
