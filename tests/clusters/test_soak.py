"""A stream that goes on for a while: memory stays flat. The full hour is ``python -m benchmarks.soak``."""

from collections.abc import Callable

from clusters.jobs import Job
from clusters.memory import faults
from clusters.places import Home
from clusters.soak import missing, soak
from clusters.streams import Stream

WARM, SECONDS = 20, 75
SHARE = 0.1  # in so short a time memory of Python still settles


def test_memory_of_the_workers_is_flat_while_posts_come_in_and_each_comes_out_once(
    stream: Stream, go: Callable[..., Job], flink: Home
) -> None:
    """A minute of steady posts, after a little for warming up; as many windows are released and counted."""
    job = go()
    soak(stream, flink, job, rate=40, seconds=WARM, every=WARM)
    found = soak(stream, flink, job, rate=40, seconds=SECONDS, every=1)
    stream.wait(stream.is_whole)
    assert missing(stream) == []
    assert faults(found.samples, SHARE) == []
