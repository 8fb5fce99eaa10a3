"""Processes and servers that die while they reserve: nothing is booked by half, and what was granted is not forgotten.

XSIEVE_KILLS=100 kills more often.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from clusters.postgres import Postgres
from ledger.account_audit import audit
from ledger.offers import offer
from ledger.racer import WIDE
from ledger.test_races import RACER

from xsieve.transforms.ledger import LedgerError, open_ledger

KILLS = int(os.environ.get("XSIEVE_KILLS", "3"))


@contextmanager
def reserving(url: str) -> Iterator[subprocess.Popen[str]]:
    """Two processes that reserve for ever and tell what they were granted; at least one grant is told."""
    command = [sys.executable, "-W", "ignore", str(RACER), url, "forever", "2", "7"]
    racer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        while not has_begun(url):
            time.sleep(0.05)
        yield racer
    finally:
        kill(racer)
        racer.stdout.close()


def has_begun(url: str) -> bool:
    try:
        with open_ledger(url, create=False) as ledger:
            return any(ledger.events())
    except LedgerError:
        return False


def kill(racer: subprocess.Popen[str]) -> None:
    if racer.poll() is None:
        os.killpg(racer.pid, signal.SIGKILL)
    racer.wait()


def told_by(racer: subprocess.Popen[str]) -> dict[str, int]:
    """Release -> units that it was told to hold, as the last word on it."""
    lines = racer.stdout.read().splitlines(keepends=True)
    words = [json.loads(line) for line in lines if line.endswith("\n")]
    return {release: units for _, release, units in (word for word in words if len(word) == 3)}


def assert_remembered(url: str, told: dict[str, int]) -> None:
    """What a process was told is in the account, and nothing in it contradicts anything."""
    known = audit(url)
    for release, units in told.items():
        state, held = known[release]
        assert state in ("reserved", "published")
        assert held >= units
    with open_ledger(url) as ledger:
        for release in [name for name in told if name.startswith("fixed")][-3:]:
            again = ledger.reserve(offer(release, 10, cap=WIDE))
            assert (again.granted, again.repeated) == (True, True)
    assert audit(url) == known


def test_a_process_that_is_killed_leaves_nothing_half_booked(url: str) -> None:
    """At random moments, in the middle of fixed sets, slices and series; and the next one goes on."""
    chance, granted = random.Random(11), 0
    for _ in range(KILLS):
        with reserving(url) as racer:
            time.sleep(chance.uniform(0, 0.6))
            kill(racer)
            told = told_by(racer)
        assert_remembered(url, told)
        granted += len(told)
    assert granted


def test_a_server_that_dies_is_an_error_and_forgets_nothing(postgres: Postgres, postgres_url: str) -> None:
    """Whoever reserves hears that it cannot be reached; after it is back, all goes on where it was."""
    with reserving(postgres_url) as racer, open_ledger(postgres_url) as ledger:
        ledger.reserve(offer("before", 7))
        postgres.stop()
        try:
            with pytest.raises(LedgerError, match="cannot be reached"):
                ledger.reserve(offer("meanwhile", 7))
            assert racer.wait(60) == 0
        finally:
            postgres.start()
        text = racer.stdout.read()
        assert text.count("cannot be reached") == 2
        assert (ledger.release("before").units, ledger.release("meanwhile")) == (7, None)
        assert ledger.reserve(offer("meanwhile", 7)).granted
    told = [json.loads(line) for line in text.splitlines()]
    assert_remembered(postgres_url, {word[1]: word[2] for word in told if len(word) == 3})


def test_a_server_that_was_started_again_goes_unnoticed(postgres: Postgres, postgres_url: str) -> None:
    """A job that runs for months does not end because its database had an update."""
    with open_ledger(postgres_url) as ledger:
        ledger.reserve(offer("before", 7))
        postgres.stop("fast")
        postgres.start()
        assert ledger.reserve(offer("after", 7)).used == 14


def test_a_reservation_outlives_the_process_that_made_it(url: str) -> None:
    """A crash between reserve and publish leaves it counted; the same offer is granted again, once."""
    with open_ledger(url) as ledger:
        ledger.reserve(offer("a", 1_500_000))
    with open_ledger(url) as ledger:
        assert not ledger.reserve(offer("b", 1)).granted
        assert ledger.reserve(offer("a", 1_500_000)).repeated
        ledger.published("a", place="out")
        assert [event.kind for event in ledger.events("a")] == ["reserved", "published"]
