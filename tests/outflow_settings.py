"""Settings with recipients, for tests: a sender, an entity with two people, another entity, and a policy with small limits."""

import json
from pathlib import Path
from typing import Any

from outputs import HEAD
from templates import v1_post

from xsieve.pipelines.settings import Settings, parse
from xsieve.transforms.records.times import EPOCH_MS

ACCEPTED = {"all": "2026-01-01", "by": "Prof. Ines Valdor", "evidence": "agreement 17"}
WHO: dict[str, Any] = {
    "sender": {
        "institution": "University of Norsund",
        "person": "R. Data",
        "academic": {"sole_purpose": "non_commercial_research"},
    },
    "recipients": {
        "lab": {"entity": "partner", "country": "DE", "accepted": ACCEPTED},
        "office": {"entity": "partner", "country": "FR", "accepted": ACCEPTED},
        "paper": {"entity": "press", "country": "DE", "person": "Mara Dovel", "accepted": ACCEPTED},
    },
    "entities": {
        "partner": {"name": "Partner Lab", "aliases": ["PL gGmbH"], "government": False},
        "press": {"name": "Norsund Daily", "government": False},
    },
}
HOUR = 3_600_000 << 22
FIRST = (1_600_000_000_000 - EPOCH_MS << 22) + 1


def numbers(count: int, start: int = 0) -> list[int]:
    """Ids of posts, an hour apart."""
    return [FIRST + n * HOUR for n in range(start, start + count)]


def posts(path: Path, ids: list[int]) -> None:
    """A file of v1.1 posts with those ids, some in it twice."""
    found = [v1_post(str(number), text=f"number {number % 1000} 🌊 مرحبا") for number in ids]
    path.write_text("".join(json.dumps(post) + "\n" for post in [*found, *found[:5]]))


def policy(folder: Path, **limits: int) -> str:
    """A policy with lower limits: ``policy(folder, post_id=100)``."""
    own = {
        "extends": "base-2024",
        "source": "Board, 2026-01-02",
        "limits": {k: {"units": v} for k, v in limits.items()},
    }
    (folder / "own.yaml").write_text(json.dumps(own))
    return str(folder / "own.yaml")


def text_of(folder: Path, outputs: dict[str, dict[str, Any]], **more: Any) -> str:
    """Settings as they stand in a file; each output is written to ``folder/out/NAME``, the ledger is ``folder/outflow.db``."""
    written = {
        name: {**output, "write": {"path": str(folder / "out" / name), **output.get("write", {})}}
        for name, output in outputs.items()
    }
    data = {
        **HEAD,
        **WHO,
        "input": {"read": "files", "path": str(folder / "in")},
        "ledger": f"sqlite:///{folder}/outflow.db",
        "outputs": written,
        **more,
    }
    return json.dumps(data)


def settings_for(folder: Path, outputs: dict[str, dict[str, Any]], **more: Any) -> Settings:
    """The same, read."""
    return parse(text_of(folder, outputs, **more))
