"""What stands beside the data of a release: the facts of its manifest, a README for whoever receives it, and checksums.

The README is what users of id data sets expect (rules, section 4): what this is, how it was made, what is missing, how to
get the posts, what may be done with them. Nothing in it names a person of the data.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from xsieve.configs import resource
from xsieve.pipelines.kept import File, sums
from xsieve.pipelines.show_outflow import OBJECTS
from xsieve.transforms.records.outflow import Offer
from xsieve.transforms.records.times import iso

README, SUMS = "README.md", "SHA256SUMS"


def manifest_facts(offer: Offer, counts: Mapping[str, Any], period: Sequence[int] | None) -> dict[str, Any]:
    """What the manifest says besides its files: what it is, by which clause, what it rests on, and the counts of the run."""
    return {
        "output": offer.output,
        "kind": "hydrated" if offer.unit == "hydrated" else "ids",
        "release": offer.release,
        "recipient": offer.recipient,
        "entity": offer.entity,
        "unit": offer.unit,
        "distinct_objects": offer.units,
        "policy": offer.profile,
        "clause": offer.clause,
        "cap": offer.cap._asdict() if offer.cap else None,
        "relies_on": dict(offer.evidence),
        "period": [iso(moment // 1000) for moment in period] if period else None,
        "input": offer.inputs,
        "settings": offer.settings,
        **counts,
    }


def readme(offer: Offer, facts: Mapping[str, Any], files: Sequence[File], description: str | None) -> str:
    """The README of a release, from the template of its kind (``configs/readme-*.md``)."""
    template = resource("readme-hydrated.md" if offer.unit == "hydrated" else "readme-ids.md").read_text("utf-8")
    period = facts["period"]
    lines = [f"| `{file.name}` | {file.units:,} | {file.bytes:,} |" for file in files]
    return template.format(
        name=offer.output,
        description=description or "No description was given.",
        objects=OBJECTS[offer.unit],
        units=f"{offer.units:,}",
        period=f"{period[0]} to {period[1]} (UTC)" if period else "not told by these ids",
        sources=facts.get("sources", "?"),
        left_out=_left_out(facts),
        files="\n".join(lines),
        recipient=offer.recipient,
        entity=offer.entity_names[0],
        policy=offer.profile,
        clause=offer.clause,
        release=offer.release,
    )


def _left_out(facts: Mapping[str, Any]) -> str:
    counts = {**facts.get("dropped", {}), **facts.get("rejected", {})}
    return (
        "\n".join(f"- {number:,} {reason.replace('_', ' ')}" for reason, number in sorted(counts.items()))
        or "- nothing"
    )


def checksums(files: Sequence[File]) -> str:
    """The content of SHA256SUMS: all files of the release but the manifest, which has the same sums in it."""
    return "".join(sums(files))
