"""How long a turn of reading a partition lasts, with messages and a clock put in: a bundle, and a checkpoint, wait for its end."""

import pytest

from xsieve.pipelines import kafka
from xsieve.pipelines.kafka_client import Message

STEP = 0.05  # seconds that a look for messages takes


class Fed:
    """A partition with so many messages, found so many at a time; each look moves its clock on."""

    def __init__(self, there: int, at_once: int, size: int = 3) -> None:
        self.there, self.at_once, self.value = there, at_once, b"x" * size
        self.position, self.now = 0, 0.0

    def monotonic(self) -> float:
        return self.now

    def next_messages(self) -> list[Message]:
        self.now += STEP
        first, self.position = self.position, min(self.position + self.at_once, self.there)
        return [Message(self.value, "posts", 0, offset, 0) for offset in range(first, self.position)]


def turn(fed: Fed, monkeypatch: pytest.MonkeyPatch, stop: int = kafka.EVER) -> int:
    """How many messages one turn reads."""
    monkeypatch.setattr(kafka, "time", fed)
    return sum(map(len, kafka._enough(fed, stop)))


def test_messages_that_come_one_by_one_end_a_turn_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty a second would otherwise hold up a checkpoint for as long as it takes until there are enough of them."""
    fed = Fed(1_000_000, 1)
    assert turn(fed, monkeypatch) == pytest.approx(kafka.MOST_SECONDS / STEP, abs=1)
    assert fed.now < kafka.MOST_SECONDS + 2 * STEP


def test_a_backlog_ends_a_turn_by_messages_or_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that other partitions have their turn, and memory its bound."""
    monkeypatch.setattr(kafka, "MOST_MESSAGES", 2_500)
    assert turn(Fed(1_000_000, 1_000), monkeypatch) == 3_000
    monkeypatch.setattr(kafka, "MOST_BYTES", 1_500_000)
    assert turn(Fed(1_000_000, 1_000, size=1_000), monkeypatch) == 2_000


def test_a_turn_ends_where_nothing_is_left_or_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of what is there now, and before the offset where a bounded read stops."""
    assert turn(Fed(700, 1_000), monkeypatch) == 700
    assert turn(Fed(5_000, 1_000), monkeypatch, stop=1_500) == 1_500
