"""A steady stream for a while, and the memory of the workers meanwhile."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from clusters.jobs import Job
from clusters.memory import Sample, look
from clusters.places import Home
from clusters.processes import children
from clusters.state import recall
from clusters.streams import Stream


class Soaked(NamedTuple):
    """What a soak gave: memory of the workers, and the size of Flink's checkpoints in KB at the same times."""

    samples: list[Sample]
    checkpoints: list[float]


def soak(stream: Stream, home: Home, job: Job, rate: float, seconds: float, every: float) -> Soaked:
    """Sends ``rate`` posts a second for so many seconds, and looks at the pool's workers each ``every`` seconds."""
    pool = recall(home, "workers")
    assert pool, "the pool of workers is not up"
    found = Soaked([], [])
    begin, sent = time.monotonic(), len(stream.ids)
    while (now := time.monotonic() - begin) < seconds:
        stream.send_now(sent + int(now * rate) - len(stream.ids))
        if now >= len(found.samples) * every:
            found.samples.append(look(now, children(pool.processes[0])))
            found.checkpoints.append(job.checkpoint_size() / 1024)
        time.sleep(1)
    return found


def missing(stream: Stream) -> Iterable[str]:
    """What of the posts that were sent has not come out once, in each output and in the ledger."""
    out, sent = stream.all_ids(), {*stream.ids}
    counts = {
        "ids that are not published": len(sent - {*out}),
        "ids that are published twice": len(out) - len({*out}),
        "ids that nobody sent": len({*out} - sent),
        "rows more or less": abs(stream.rows() - len(sent)),
        "ids that the ledger counts more or less": abs(stream.used() - len(sent)),
        "rejects": stream.rejected(),
    }
    return [f"{name}: {count:,}" for name, count in counts.items() if count]
