"""The graph of a run, before it runs: what fits together, and what is done only once."""

from datetime import datetime, timezone

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.typehints.decorators import TypeCheckError
from outputs import settings

from xsieve.pipelines import graph
from xsieve.pipelines.graph import Job, build, by_plan
from xsieve.pipelines.plans import plans_of
from xsieve.pipelines.releases import branches
from xsieve.pipelines.sources import Source
from xsieve.pipelines.stage import StageIds, StageLines, StageRows
from xsieve.transforms import Plan, RawBatch, Sift
from xsieve.transforms.sift import SiftBatch

ROWS, IDS, STORE = Plan("rows"), Plan("ids"), Plan("store")
SINKS = {
    "rows": lambda: StageRows("out", ROWS, "folder", "jsonl", "none"),
    "ids": lambda: StageIds("out", "folder", "none", 1),
    "store": lambda: StageLines("out", "folder"),
}


def new_pipeline() -> beam.Pipeline:
    return beam.Pipeline("FnApiRunner", PipelineOptions())


@pytest.fixture
def built(tmp_path):
    """Builds the graph of settings, and gives the DoFns in it by their label."""

    def build_it(outputs, **more) -> dict[str, beam.DoFn]:
        known = settings(tmp_path, outputs, **more)
        folders = {name: str(tmp_path / name) for name in (*outputs, graph.REJECTS)}
        pipeline = new_pipeline()
        found = branches(known, plans_of(known), datetime.now(timezone.utc))
        build(pipeline, Job(known, found, (Source(0, "x.jsonl", 9, "lines"),), folders, "report", 1))
        steps = Steps()
        pipeline.visit(steps)
        return steps.steps

    return build_it


class Steps(beam.pipeline.PipelineVisitor):
    """Collects the DoFns of a pipeline."""

    def __init__(self) -> None:
        self.steps: dict[str, beam.DoFn] = {}

    def visit_transform(self, transform_node) -> None:
        if isinstance(transform_node.transform, beam.ParDo):
            self.steps[transform_node.full_label] = transform_node.transform.fn


def sifts(steps: dict[str, beam.DoFn]) -> list[Plan]:
    return [fn.plan for fn in steps.values() if isinstance(fn, SiftBatch)]


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("source", ["raw", "rows", "ids", "store"])
def test_a_sink_takes_what_was_sifted_for_it_and_nothing_else(sink, source):
    """Raw payloads, or what was sifted for another kind of output, are refused before anything runs."""
    batches = new_pipeline() | beam.Create([RawBatch(b"{}", 0, 0)])
    given = batches if source == "raw" else (batches | Sift(Plan(source))).passed
    if source == sink:
        _ = given | beam.ParDo(SINKS[sink]())
    else:
        with pytest.raises(TypeCheckError):
            _ = given | beam.ParDo(SINKS[sink]())


def test_a_sift_takes_raw_batches_only():
    """What was sifted is not sifted again, and plain dicts are no payloads."""
    for wrong in (new_pipeline() | beam.Create([{"id": "1"}]), (new_pipeline() | beam.Create([RawBatch(b"", 0, 0)]))):
        if wrong.element_type is RawBatch:
            wrong = (wrong | Sift(STORE)).passed
        with pytest.raises(TypeCheckError):
            _ = wrong | "Again" >> Sift(IDS)


def test_outputs_with_equal_plans_are_sifted_once(built):
    """How an output is written is not part of its plan: two formats, or two splits, cost one sift."""
    steps = built(
        {
            "a": {"kind": "rows"},
            "b": {"kind": "rows", "write": {"format": "parquet"}},
            "c": {"kind": "ids"},
            "d": {"kind": "ids", "split": "utc_day"},
        }
    )
    assert sorted(plan.kind for plan in sifts(steps)) == ["ids", "rows"]
    assert [names for _, names in by_plan({"a": ROWS, "b": IDS, "c": Plan("rows")})] == [["a", "c"], ["b"]]


def test_outputs_with_unequal_plans_are_sifted_apart(built):
    """Anything that changes what passes makes another plan."""
    steps = built({"a": {"kind": "rows"}, "b": {"kind": "rows", "time": "day"}, "c": {"kind": "ids", "nested": True}})
    assert len(sifts(steps)) == 3


def test_outputs_may_be_called_anything_that_steps_are_called(built):
    """Labels of steps never meet, whatever the outputs are called."""
    names = ("all", "unread", "rejects", "counts", "files", "evidence", "read", "0", "evidence-0", "together")
    steps = built({name: {"kind": "ids"} for name in names}, rejects="refused")
    assert len([label for label in steps if label.startswith("Distinct")]) == len(names)


def test_ids_are_hashed_into_as_many_parts_as_memory_asks_for():
    """One part for a small input, more for a large or compressed one, and never so many that files become dust."""

    def source(size: int, compression: str = "none") -> Source:
        return Source(0, "x", size, "lines", compression)

    assert graph.id_parts([]) == graph.id_parts([source(1 << 20)] * 3) == 1
    assert graph.id_parts([source(5 << 30)]) == 21
    assert graph.id_parts([source(1 << 30, "gzip")]) > graph.id_parts([source(1 << 30)])
    assert graph.id_parts([source(1 << 50)]) == graph.MAX_ID_PARTS
