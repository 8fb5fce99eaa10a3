"""Sift: batches of lines through one plan, in a Beam pipeline.

What passes has a type of its own for each kind of output, so that a sink for rows refuses payloads and ids when the
pipeline is built. Counts and rejects come beside it; rejects hold no content.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from xsieve.transforms.records.batch import RawBatch, Reject
from xsieve.transforms.records.ids import Ids
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.rows import Rows
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.tally import Counts

NAMESPACE = "xsieve"


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


class StoreBatch(NamedTuple):
    """Payloads that may be stored, as JSON lines, and where they came from."""

    lines: bytes
    source: int
    offset: int


BATCHES: dict[str, type] = {"rows": RowBatch, "ids": IdBatch, "store": StoreBatch}


class Sifted(NamedTuple):
    """The outputs of a sift: what passes, one Counts a batch, and the rejects."""

    passed: Any  # PCollection of RowBatch, IdBatch or StoreBatch
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


class SiftBatch(beam.DoFn):
    """One batch through the plan. The plan is compiled on the worker: decoders cannot travel."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._counters: dict[tuple[str, str], Any] = {}

    def setup(self) -> None:
        self._sieve = sieve_for(self.plan)

    def process(self, batch: RawBatch) -> Iterator[Any]:
        """Yields what passes, then the counts, then the rejects."""
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
