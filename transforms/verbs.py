"""The verbs as transforms, for pipelines of one's own: on any PCollection of JSON lines.

    import apache_beam as beam
    from xsieve.transforms import StripIdentifiers

    rows = lines | StripIdentifiers(text=True)          # PCollection of dicts, one flat row a public post

What happened to the records that do not come out is counted in Beam's metrics, namespace ``xsieve``; ``.sifted`` of the
transform, once it is applied, has the counts and the rejects as PCollections.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Union

import apache_beam as beam
from apache_beam.pvalue import PCollection

from xsieve.transforms.records.batch import RawBatch
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.sieves import batch_of
from xsieve.transforms.sift import HydratedBatch, IdBatch, RowBatch, Sift, Sifted, StoreBatch

JsonLines = Union[bytes, str, RawBatch]  # noqa: UP007 Beam reads typing.Union only


class _Verb(beam.PTransform):
    """A plan of one kind, applied to JSON lines."""

    kind: ClassVar[Any]

    def __init__(self, plan: Plan | None = None, **choices: Any) -> None:
        """``plan``, or the choices it is made of: ``StripIdentifiers(text=True, place="country")``. See ``Plan``."""
        super().__init__()
        if plan is not None and (choices or plan.kind != self.kind):
            raise ValueError(f"give a plan of kind {self.kind}, or choices to make one of; not both")
        self.plan = plan if plan is not None else Plan(self.kind, **choices)
        self.sifted: Sifted | None = None

    def _sift(self, lines: Any) -> Any:
        self.sifted = lines | "Take as batches" >> beam.Map(as_batch) | "Sift" >> Sift(self.plan)
        return self.sifted.passed


def as_batch(lines: Any) -> RawBatch:
    """An element of a PCollection of JSON lines (bytes, str, or a batch of lines) as a batch."""
    if isinstance(lines, RawBatch):
        return lines
    if not isinstance(lines, bytes | str):
        raise TypeError("JSON lines are bytes or str; encode other elements first")
    return batch_of(lines)


class StripIdentifiers(_Verb):
    """JSON lines -> rows (dicts): posts without user ids, handles, names, post ids, links, exact times and places."""

    kind = "rows"

    def expand(self, lines: PCollection[JsonLines]) -> PCollection[dict[str, Any]]:
        return self._sift(lines) | "One row each" >> beam.FlatMap(_rows)


class Dehydrate(_Verb):
    """JSON lines -> ids (decimal str) of posts, of their authors or of DMs; ``distinct=True`` leaves out repeats."""

    kind = "ids"

    def __init__(self, plan: Plan | None = None, *, distinct: bool = True, **choices: Any) -> None:
        super().__init__(plan, **choices)
        self.distinct = distinct

    def expand(self, lines: PCollection[JsonLines]) -> PCollection[str]:
        ids = self._sift(lines) | "One id each" >> beam.FlatMap(_ids)
        return ids | "Leave out repeats" >> beam.Distinct() if self.distinct else ids


class KeepPublic(_Verb):
    """JSON lines -> JSON lines (bytes): posts and users that are public for certain, one a line, to be handed on by a person."""

    kind = "hydrated"

    def expand(self, lines: PCollection[JsonLines]) -> PCollection[bytes]:
        return self._sift(lines) | "One record each" >> beam.FlatMap(_records)


class DropSensitive(_Verb):
    """JSON lines -> JSON lines (bytes): the payloads in their own shape, less what must not be stored."""

    kind = "store"

    def expand(self, lines: PCollection[JsonLines]) -> PCollection[bytes]:
        return self._sift(lines) | "One payload each" >> beam.FlatMap(_lines)


def _rows(batch: RowBatch) -> Iterable[dict[str, Any]]:
    return batch.rows.as_dicts()


def _ids(batch: IdBatch) -> Iterable[str]:
    return map(str, batch.ids.tolist())


def _records(batch: HydratedBatch) -> Iterable[bytes]:
    return batch.hydrated.lines


def _lines(batch: StoreBatch) -> Iterable[bytes]:
    return batch.lines.splitlines()
