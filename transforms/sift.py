"""Sift: batches of lines through one plan, in a Beam pipeline.

What passes has a type of its own for each kind of output, so that a sink for rows refuses payloads and ids when the
pipeline is built. Counts and rejects come beside it; rejects hold no content, and no error that leaves a worker does.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from traceback import extract_tb
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from xsieve.transforms.records.batch import RawBatch, Reject
from xsieve.transforms.records.hydrated import Hydrated
from xsieve.transforms.records.ids import Ids
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.rows import Rows
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.tally import Counts

NAMESPACE = "xsieve"
HOME = Path(__file__).parents[1]


class WorkerError(Exception):
    """A step that failed on a worker: the kind of error and the place in our code, never a message that may quote data."""


@contextmanager
def content_kept_in() -> Iterator[None]:
    """What runners log and send on of an exception is its text, and texts of libraries quote data: only ours get out."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.startswith("xsieve."):
            raise
        said = f" ({os.strerror(error.errno)})" if isinstance(error, OSError) and error.errno else ""
        raise WorkerError(f"{type(error).__name__}{said}{_place_of(error)}") from None


def _place_of(error: Exception) -> str:
    ours = [frame for frame in extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(HOME)]
    return f" in {Path(ours[-1].filename).relative_to(HOME)}, line {ours[-1].lineno}" if ours else ""


class RowBatch(NamedTuple):
    """Rows of one batch, and where it came from."""

    rows: Rows
    source: int
    offset: int


class IdBatch(NamedTuple):
    """Ids of one batch, repeats included, and where it came from."""

    ids: Ids
    source: int
    offset: int


class HydratedBatch(NamedTuple):
    """Records that may be handed on by a person, all objects in them, and where they came from."""

    hydrated: Hydrated
    source: int
    offset: int


class StoreBatch(NamedTuple):
    """Payloads that may be stored, as JSON lines, and where they came from."""

    lines: bytes
    source: int
    offset: int


BATCHES: dict[str, type] = {"rows": RowBatch, "ids": IdBatch, "hydrated": HydratedBatch, "store": StoreBatch}


class Sifted(NamedTuple):
    """The outputs of a sift: what passes, one Counts a batch, and the rejects."""

    passed: Any  # PCollection of RowBatch, IdBatch, HydratedBatch or StoreBatch
    counts: PCollection[Counts]
    rejects: PCollection[Reject]


class Sift(beam.PTransform):
    """PCollection[RawBatch] -> Sifted, by a plan."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan

    def expand(self, batches: PCollection[RawBatch]):  # gives Sifted, which is no hint that Beam knows
        outputs = batches | "Sift batches" >> beam.ParDo(SiftBatch(self.plan)).with_output_types(
            BATCHES[self.plan.kind]
        ).with_outputs("counts", "rejects", main="passed")
        outputs.counts.element_type = Counts
        outputs.rejects.element_type = Reject
        return Sifted(outputs.passed, outputs.counts, outputs.rejects)


@cache
def keep_what_is_loaded() -> None:
    """Tells the collector of cycles, once, that what this worker has loaded stays: going through Beam took 6 % of its time."""
    gc.freeze()


class SiftBatch(beam.DoFn):
    """One batch through the plan. The plan is compiled on the worker: decoders cannot travel."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._counters: dict[tuple[str, str], Any] = {}

    def setup(self) -> None:
        self._sieve = sieve_for(self.plan)
        keep_what_is_loaded()

    def process(self, batch: RawBatch) -> Iterator[Any]:
        """Yields what passes, then the counts, then the rejects."""
        with content_kept_in():
            sifted = self._sieve(batch)
        for key, number in sifted.counts.items():
            self._counter(key).inc(number)
        yield BATCHES[self.plan.kind](sifted.content, batch.source, batch.offset)
        yield TaggedOutput("counts", sifted.counts)
        for reject in sifted.rejects:
            yield TaggedOutput("rejects", reject)

    def _counter(self, key: tuple[str, str]) -> Any:
        """A Beam counter: ``read``, ``out``, ``dropped.author_protected``, ``rejected.not_json``."""
        if key not in self._counters:
            self._counters[key] = Metrics.counter(NAMESPACE, ".".join(filter(None, key)))
        return self._counters[key]
