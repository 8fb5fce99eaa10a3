"""Memory of processes while they do the same all the time, and whether it grows."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import linear_regression, median
from typing import NamedTuple

from clusters.processes import Process

KINDS = {"VmRSS": "resident", "RssAnon": "anonymous"}  # files that are mapped come and go as the system likes
FEWEST = 5  # samples in a quarter


class Sample(NamedTuple):
    """What was seen at a time: seconds, and MB by what is told apart (``4711 resident``)."""

    at: float
    mb: Mapping[str, float]


class Growth(NamedTuple):
    """How one series went: medians of the second and of the last quarter of the time, in MB, and MB an hour in between."""

    name: str
    second: float
    last: float
    an_hour: float

    @property
    def share(self) -> float:
        """How much larger the last quarter is than the second."""
        return self.last / self.second - 1


def look(at: float, processes: Iterable[Process]) -> Sample:
    """The memory of processes now; one that has just ended is left out."""
    found: dict[str, float] = {}
    for process in processes:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in status.splitlines())
        found |= {f"{process.pid} {KINDS[f]}": int(fields[f].split()[0]) / 1024 for f in KINDS if f in fields}
    return Sample(at, found)


def growths(samples: Sequence[Sample]) -> list[Growth]:
    """How each series went that was there from the second quarter to the last. The first is for warming up."""
    begin, end = samples[0].at, samples[-1].at
    warm = [s for s in samples if s.at >= begin + (end - begin) / 4]
    second = [s for s in warm if s.at < begin + (end - begin) / 2]
    last = [s for s in warm if s.at >= end - (end - begin) / 4]
    found = []
    for name in sorted(last[-1].mb):
        parts = [[s.mb[name] for s in part if name in s.mb] for part in (second, last)]
        if min(map(len, parts)) >= FEWEST:
            points = [(s.at / 3600, s.mb[name]) for s in warm if name in s.mb]
            found.append(Growth(name, *map(median, parts), linear_regression(*zip(*points, strict=True)).slope))
    return found


def faults(samples: Sequence[Sample], share: float) -> list[str]:
    """What speaks against memory being flat: nothing was seen, a process did not last, or one grew by more than ``share``."""
    found = growths(samples)
    told = [] if found else ["no process was there from the second quarter to the last"]
    names = {name for sample in samples[len(samples) // 4 :] for name in sample.mb}
    told += [f"{name}: came or went" for name in sorted(names - {growth.name for growth in found})]
    return told + [
        f"{growth.name}: from {growth.second:.0f} to {growth.last:.0f} MB ({growth.share:+.1%}; allowed: {share:+.0%})"
        for growth in found
        if growth.share > share
    ]
