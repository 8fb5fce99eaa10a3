"""Releases of one run are offered together, and told of together: all of it happens, or nothing."""

import threading

import pytest
from ledger.offers import IDS, hydrated, offer

from xsieve.transforms.ledger import DigestConflictError, LedgerError, open_ledger

OF_ALL = [offer("climate-lab-1", 900_000), offer("climate-office-1", 700_000, recipient="office"), hydrated(units=7)]


def states(ledger):
    return {known.offer.release: known.state for known in ledger.releases()}


def used(ledger):
    return sum(line.used for line in ledger.usage())


def test_each_is_answered_as_if_it_had_been_offered_alone(ledger, clock):
    """What is before it counts, what does not fit is withheld, what is hydrated waits; in the order in which they were offered."""
    told = ledger.offer((one, None) for one in OF_ALL)
    assert [decision.state for decision in told] == ["reserved", "withheld", "prepared"]
    assert [decision.granted for decision in told] == [True, False, False]
    assert told[1].left == IDS.units - 900_000
    assert used(ledger) == 900_000
    assert [event.kind for event in ledger.events()] == ["reserved", "withheld", "prepared"]


def test_the_same_offered_again_counts_nothing(ledger):
    """Also what a person has reserved since stays granted, hydrated or not."""
    ledger.offer((one, None) for one in OF_ALL)
    ledger.reserve(OF_ALL[2], by="Rita")
    again = ledger.offer((one, None) for one in OF_ALL)
    assert [decision.granted for decision in again] == [True, False, True]
    assert used(ledger) == 900_007


def test_one_that_cannot_be_answered_stops_all(ledger):
    """Another set under a known id: the others are not reserved either."""
    ledger.reserve(offer("climate-lab-0", 5))
    with pytest.raises(DigestConflictError):
        ledger.offer([(OF_ALL[0], None), (offer("climate-lab-0", 6), None)])
    assert states(ledger) == {"climate-lab-0": "reserved"}
    assert used(ledger) == 5


def test_what_has_left_is_told_together(ledger):
    """Each is published with its place and files; one that was never granted stops all."""
    ledger.offer([(OF_ALL[0], None), (offer("climate-press-1", 3, recipient="press", entity="press"), None)])
    with pytest.raises(LedgerError, match="never heard"):
        ledger.all_published([("climate-lab-1", "out/a", []), ("climate-lab-9", "out/b", [])])
    assert states(ledger) == {"climate-lab-1": "reserved", "climate-press-1": "reserved"}
    ledger.all_published([("climate-lab-1", "out/a", [{"name": "ids.txt"}]), ("climate-press-1", "out/b", [])])
    assert set(states(ledger).values()) == {"published"}
    (event,) = (event for event in ledger.events("climate-lab-1") if event.kind == "published")
    assert event.detail == {"place": "out/a", "files": [{"name": "ids.txt"}]}


def test_runs_that_offer_together_at_once_share_what_there_is(url):
    """Eight runs of two releases each, in opposite orders, alone and together: the sum is exact, and none waits for ever."""
    granted = []

    def run(number):
        mine = [offer(f"r{number}-{name}", 100_000, recipient=name) for name in ("lab", "office")]
        with open_ledger(url) as opened:
            if number % 4 == 3:
                granted.extend(opened.reserve(one) for one in mine)
            else:
                granted.extend(opened.offer((one, None) for one in (mine if number % 2 else reversed(mine))))

    open_ledger(url).close()
    runs = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for one in runs:
        one.start()
    for one in runs:
        one.join(60)
    assert sum(decision.granted for decision in granted) == 15
    assert len(granted) == 16
    with open_ledger(url) as opened:
        assert used(opened) == 1_500_000
