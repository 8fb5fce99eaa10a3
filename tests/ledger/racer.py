"""Processes that reserve at the same time: forked by this program, which a test starts; each says what it was answered.

    racer.py URL SCENARIO PROCESSES SEED

A line of JSON for each process: its answers, or the error it ended with. With the scenario ``forever`` it prints each release
that was granted until it is killed.
"""

import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from ledger.offers import hydrated, offer

from xsieve.transforms.ledger import Ledger, LedgerError, open_ledger
from xsieve.transforms.records.outflow import Cap

CAP = Cap(50, "entity", "rolling_30_days", "small")
A_DAY = Cap(50, "recipient", "utc_day", "small")
WIDE = Cap(1_000_000, "entity", "rolling_30_days", "wide")

Answers = list[Any]


def rows(ledger: Ledger, number: int, chance: random.Random) -> Answers:
    """Each offers releases of its own, of 1 to 5 units: more than fit in all."""
    found = []
    for turn in range(4):
        one = offer(f"r{number}.{turn}", chance.randint(1, 5), recipient=f"person {number}", cap=CAP)
        found.append([one.units, ledger.reserve(one).granted])
    return found


def ones(ledger: Ledger, number: int, chance: random.Random) -> Answers:
    """Releases of one unit: exactly as many as the cap are granted."""
    return [[1, ledger.reserve(offer(f"r{number}.{turn}", 1, cap=CAP)).granted] for turn in range(4)]


def by_hand(ledger: Ledger, number: int, chance: random.Random) -> Answers:
    """Hydrated units to one person."""
    names = [f"r{number}.{turn}" for turn in range(4)]
    return [[1, ledger.reserve(hydrated(name, 1, cap=A_DAY), by="R. Data").granted] for name in names]


def same(ledger: Ledger, number: int, chance: random.Random) -> Answers:
    """All offer the same release."""
    decisions = [ledger.reserve(offer("the same", 30, cap=CAP)) for _ in range(2)]
    return [[decision.granted, decision.repeated] for decision in decisions]


def units(ledger: Ledger, number: int, chance: random.Random) -> Answers:
    """All offer slices of the same window, which overlap, more than fit in all."""
    window, found = offer("window", digest="", cap=CAP), []
    for _ in range(3):
        ids = np.array(chance.sample(range(70), 9), np.int64)
        found += zip(ids.tolist(), ledger.reserve_units(window, ids).parts.tolist(), strict=True)
    return found


def strangers(ledger: Ledger, number: int, chance: random.Random) -> Answers:
    """Everybody brings news of who is who all the time: names meet, recipients move."""
    found = []
    for turn in range(4):
        entity, alias = (f"house {chance.randrange(4)}" for _ in range(2))
        names = (alias,) if turn == 3 else ()
        who = {"recipient": f"person {chance.randrange(5)}", "entity": entity, "entity_names": names}
        decision = ledger.reserve(offer(f"r{number}.{turn}", 7, cap=CAP, **who))
        found.append([decision.granted, decision.used])
    return found


def forever(ledger: Ledger, number: int, chance: random.Random) -> Answers:
    """Reserves and publishes, fixed sets and slices, and says so as soon as it is answered."""
    turn = 0
    while True:
        turn += 1
        name = f"{number}-{turn}"
        if ledger.reserve(offer(f"fixed-{name}", 10, cap=WIDE)).granted:
            tell("fixed", f"fixed-{name}", 10)
        ids = np.arange(20_000) + turn * 1_000
        window = offer(f"open-{number}-{turn // 4}", digest="", cap=None)
        tell("open", window.release, ledger.reserve_units(window, ids).decision.units)
        issue = offer(f"series-{name}", 500, cap=WIDE, series="corrected")
        if ledger.reserve(issue, ids=np.arange(500) + turn * 100).granted:
            tell("series", issue.release, 500)
            ledger.published(issue.release, place="out")


def tell(*words: object) -> None:
    os.write(1, (json.dumps(words) + "\n").encode())


SCENARIOS: dict[str, Callable[[Ledger, int, random.Random], Answers]] = {
    one.__name__: one for one in (rows, ones, by_hand, same, units, strangers, forever)
}


def child(url: str, scenario: str, number: int, seed: int, start: int) -> None:
    os.read(start, 1)  # all wait here until the last one is there
    try:
        with open_ledger(url) as ledger:
            said = {
                "created": ledger.created,
                "answers": SCENARIOS[scenario](ledger, number, random.Random(seed + number)),
            }
    except LedgerError as error:
        said = {"error": str(error)}
    tell(said)


def main(url: str, scenario: str, processes: int, seed: int) -> None:
    start, go = os.pipe()
    children = []
    for number in range(processes):
        if not (pid := os.fork()):
            os.close(go)
            child(url, scenario, number, seed, start)
            os._exit(0)
        children.append(pid)
    os.write(go, b"." * processes)
    for pid in children:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
