"""Whether memory grew, told from samples that are made up."""

import math

import pytest
from clusters.memory import Sample, faults, growths


def samples(megabytes, count: int = 40) -> list[Sample]:
    """A sample a minute of one process; ``megabytes`` gives them by the minute, None: it is not there."""
    found = [(minute, megabytes(minute)) for minute in range(count)]
    return [Sample(60.0 * n, {} if mb is None else {"7 resident": mb}) for n, mb in found]


@pytest.mark.parametrize("megabytes", [
    lambda minute: 200.0,
    lambda minute: 200.0 + 20 * math.sin(minute),
    lambda minute: 100.0 + 10 * min(minute, 9),  # warming up
    lambda minute: 900.0 if minute == 35 else 200.0,  # once
    lambda minute: 200.0 - minute,
])  # fmt: skip
def test_memory_that_is_flat_after_warming_up_is_in_order(megabytes) -> None:
    """Whatever it does in the first quarter, by chance, or downwards."""
    assert faults(samples(megabytes), 0.05) == []


@pytest.mark.parametrize("megabytes", [
    lambda minute: 200.0 + minute,
    lambda minute: 200.0 if minute < 25 else 220.0,
    lambda minute: 200.0 + minute + 20 * math.sin(minute),
])  # fmt: skip
def test_memory_that_grows_is_told_with_its_figures(megabytes) -> None:
    """Slowly, by a step, or under noise."""
    (told,) = faults(samples(megabytes), 0.05)
    assert told.startswith("7 resident: from 2")
    assert told.endswith("allowed: +5%)")


def test_growth_is_told_by_medians_and_by_a_line() -> None:
    """A megabyte a minute is sixty an hour, and twenty from the middle of the second quarter to that of the last."""
    (growth,) = growths(samples(lambda minute: 200.0 + minute))
    assert growth.last - growth.second == pytest.approx(20, abs=1)
    assert growth.an_hour == pytest.approx(60)


@pytest.mark.parametrize("megabytes", [
    lambda minute: 200.0 if minute < 30 else None,  # it died
    lambda minute: None if minute < 25 else 200.0,  # it took the place of another
    lambda minute: None,
])  # fmt: skip
def test_a_process_that_did_not_last_says_nothing_of_memory(megabytes) -> None:
    """A worker that is killed for its memory, and begins anew, must not pass for one that is flat."""
    assert faults(samples(megabytes), 0.05)
