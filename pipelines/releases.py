"""Releases: which output goes to whom, and what a release is called.

A release is one output x one recipient x one input. Its id is made of output and recipient, of the settings that shape what
is in it, and of the input's fingerprint: a retry is the same release, other input is another one.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from xsieve.pipelines import settings as st
from xsieve.pipelines.outflow import Outflow, outflows
from xsieve.pipelines.sources import Source
from xsieve.transforms.records.outflow import Offer
from xsieve.transforms.records.plan import Plan

ID_DIGITS = 16
NOT_CONTENT = {"write", "recipient", "recipients", "exempt", "series", "description"}  # of an output: who, not what


class Branch(NamedTuple):
    """What is sifted and staged once: an output, and those who receive it as it is."""

    output: str
    plan: Plan
    outflows: tuple[Outflow, ...] = ()


def branches(settings: st.Settings, plans: Mapping[str, Plan], now: datetime) -> dict[str, Branch]:
    """The branches of a run, by a label: the output's name, with the country where what passes depends on it."""
    found: dict[str, Branch] = {}
    for name, plan in plans.items():
        to = tuple(outflows(settings, name, now))
        if plan.kind != "hydrated":
            found[name] = Branch(name, plan, to)
            continue
        countries = dict.fromkeys(outflow.country for outflow in to)
        for country in countries:
            label = name if len(countries) == 1 else f"{name}@{country or 'unknown'}"
            some = tuple(outflow for outflow in to if outflow.country == country)
            found[label] = Branch(name, replace(plan, country=country), some)
    return found


def content_fingerprint(settings: st.Settings, output: str) -> str:
    """The same for outputs that hold the same of the same input. Names settings as users write them, not how they are kept."""
    chosen = settings.outputs[output].model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude=set(NOT_CONTENT)
    )
    shared = settings.model_dump(mode="json", by_alias=True, exclude_defaults=True, include={"where", "collection"})
    return _digest([chosen, shared, [Path(path).read_text("utf-8") for path in settings.catalogs or ()]])


def input_fingerprint(sources: Iterable[Source]) -> str:
    """The same for the same files, wherever they lie: by size and time; by path too where a file system tells no time."""
    return _digest(sorted([s.size, s.mtime_ns, "" if s.mtime_ns else s.path] for s in sources))


def release_id(outflow: Outflow, content: str, inputs: str) -> str:
    """``climate.lab.3f2a…``"""
    country = outflow.country if outflow.unit == "hydrated" else None  # it shapes what is in it
    digest = _digest([outflow.output, outflow.recipient, country, content, inputs])
    return f"{outflow.output}.{outflow.recipient}.{digest[:ID_DIGITS]}"


def offer_of(outflow: Outflow, content: str, inputs: str, units: int, digest: str, place: str) -> Offer:
    """What is offered to the ledger."""
    return Offer(
        release=release_id(outflow, content, inputs),
        output=outflow.output,
        recipient=outflow.recipient,
        entity=outflow.entity,
        entity_names=outflow.entity_names,
        unit=outflow.unit,
        units=units,
        digest=digest,
        cap=outflow.cap,
        clause=outflow.clause,
        profile=outflow.profile,
        evidence=outflow.evidence,
        inputs=inputs,
        settings=content,
        place=place,
        series=outflow.series,
    )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
