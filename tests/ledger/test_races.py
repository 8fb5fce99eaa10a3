"""Many processes and threads reserve at once: sums are exact, nobody waits for ever, and every loser gets a clear answer."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from ledger.account_audit import audit
from ledger.offers import offer

from xsieve.transforms.ledger import Ledger, open_ledger
from xsieve.transforms.records.outflow import Cap

RACER = Path(__file__).parent / "racer.py"
PROCESSES = 16
SMALL = Cap(100, "entity", "rolling_30_days", "small")


def race(url: str, scenario: str, seed: int = 7) -> list[list[Any]]:
    """The answers of each process. The ledger is not there when they start."""
    command = [sys.executable, "-W", "ignore", str(RACER), url, scenario, str(PROCESSES), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said = [json.loads(line)[0] for line in done.stdout.splitlines()]
    assert [one["error"] for one in said if "error" in one] == []
    assert sum(one["created"] for one in said) == 1
    assert len(said) == PROCESSES
    return [one["answers"] for one in said]


def used(url: str) -> int:
    with open_ledger(url, create=False) as ledger:
        return sum(one.used for one in ledger.usage())


def test_sixteen_processes_never_get_more_than_the_cap(url: str) -> None:
    """Releases of many sizes, to all people of one entity: the sum is exact, and what was refused did not fit."""
    answers = [answer for process in race(url, "rows") for answer in process]
    granted = sum(units for units, is_granted in answers if is_granted)
    assert granted == used(url) <= 50
    assert min(units for units, is_granted in answers if not is_granted) > 50 - granted
    states = audit(url)
    assert sum(units for state, units in states.values() if state == "reserved") == granted
    assert len(states) == len(answers)


@pytest.mark.parametrize("scenario", ["ones", "by_hand"])
def test_exactly_as_many_are_granted_as_fit(url: str, scenario: str) -> None:
    """Of 64 units one by one, 50 are granted: none too many, none lost."""
    answers = [granted for process in race(url, scenario) for _, granted in process]
    assert (len(answers), sum(answers), used(url)) == (64, 50, 50)


def test_the_same_release_is_counted_once(url: str) -> None:
    """All are granted, and one of them was the first."""
    answers = [answer for process in race(url, "same") for answer in process]
    assert all(granted for granted, _ in answers)
    assert sum(not repeated for _, repeated in answers) == 1
    assert used(url) == 30
    with open_ledger(url) as ledger:
        assert [event.kind for event in ledger.events()] == ["reserved"]


def test_units_of_one_window_are_counted_once_and_answered_alike(url: str) -> None:
    """Whoever asks for a unit, and when, hears the same."""
    parts: dict[int, set[int]] = {}
    for process in race(url, "units"):
        for unit, part in process:
            parts.setdefault(unit, set()).add(part)
    assert all(len(answers) == 1 for answers in parts.values())
    held = sum(answers == {0} for answers in parts.values())
    assert held == used(url) <= 50
    states = audit(url)
    assert states["window"] == ("reserved", held)
    assert sum(units for _, units in states.values()) == len(parts)


def test_news_of_who_is_who_and_bookings_do_not_pass_each_other(url: str) -> None:
    """Recipients move and houses join while others reserve: no deadlock, and nobody was granted over the cap."""
    answers = [answer for process in race(url, "strangers") for answer in process]
    assert all(total <= 50 for granted, total in answers if granted)
    audit(url)


def test_threads_share_a_ledger(ledger: Ledger) -> None:
    """As the bundles of a worker do."""
    with ThreadPoolExecutor(8) as pool:
        decisions = list(pool.map(lambda n: ledger.reserve(offer(f"r{n}", 3, cap=SMALL)), range(40)))
    assert sum(decision.granted for decision in decisions) == 33


def test_a_ledger_hops_threads(ledger: Ledger) -> None:
    """Opened in one, used in another, closed in a third."""
    found: list[bool] = []
    window = offer("window", digest="")
    for number in range(3):
        thread = Thread(
            target=lambda n=number: found.append(ledger.reserve_units(window, np.arange(n, n + 2)).granted.all())
        )
        thread.start()
        thread.join()
    closing = Thread(target=ledger.close)
    closing.start()
    closing.join()
    assert found == [True, True, True]
