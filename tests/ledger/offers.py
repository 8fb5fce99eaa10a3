"""Offers for tests of the ledger: those of an invented university lab, and a clock that goes only when it is told to."""

from datetime import datetime, timedelta, timezone
from typing import Any

from xsieve.transforms.records.outflow import Cap, Offer

START = datetime(2026, 11, 26, 9, 14, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)
MONTH = timedelta(days=30)

IDS = Cap(1_500_000, "entity", "rolling_30_days", "content-redistribution.post-ids")
HYDRATED = Cap(50_000, "recipient", "utc_day", "content-redistribution.hydrated")
EXEMPT = "content-redistribution.academic"


class Clock:
    """A clock that stands still between two calls of ``turn``."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def turn(self, by: timedelta) -> datetime:
        self.now += by
        return self.now


def offer(release: str = "climate-lab-1", units: int = 1, **changed: Any) -> Offer:
    """So many post ids to the lab, under the cap of the page."""
    fields: dict[str, Any] = {
        "release": release,
        "output": "climate",
        "recipient": "lab",
        "entity": "partner",
        "entity_names": ("Partner Lab 🌊", "PL gGmbH"),
        "unit": "post_id",
        "units": units,
        "digest": f"sha256:{units:064x}",
        "cap": IDS,
        "clause": IDS.clause,
        "profile": "base-2024",
        "evidence": {"accepted": {"all": "2026-11-01", "by": "Prof. B. Ødegård", "evidence": "dua.pdf"}},
        "inputs": "inputs:5f1c",
        "settings": "settings:91ab",
        "place": "out/climate",
    }
    return Offer(**{**fields, **changed})


def hydrated(release: str = "sample-anna-1", units: int = 1, **changed: Any) -> Offer:
    """So many posts and users to a person, under the cap of the page."""
    fields = {"output": "sample", "recipient": "anna", "unit": "hydrated", "cap": HYDRATED, "clause": HYDRATED.clause}
    return offer(release, units, **{**fields, **changed})
