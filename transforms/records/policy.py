"""Profiles of X's policy: named sets of limits and clauses at one date, from the files in configs/policies."""

from typing import NamedTuple

from xsieve.transforms.records.outflow import Cap, Unit


class Profile(NamedTuple):
    """The limits of one profile."""

    name: str
    caps: tuple[tuple[Unit, Cap], ...]

    def cap(self, unit: Unit) -> Cap | None:
        """The limit of that unit, None where the profile gives no number."""
        return dict(self.caps).get(unit)


def load(name: str) -> Profile:
    """A packaged profile."""
    hydrated = {"base-2024": 50_000, "policy-2026": 500}[name]
    return Profile(
        name,
        (
            ("hydrated", Cap(hydrated, "recipient", "utc_day", "content-redistribution.hydrated")),
            ("post_id", Cap(1_500_000, "entity", "rolling_30_days", "content-redistribution.post-ids")),
        ),
    )
