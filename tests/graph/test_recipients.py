"""Recipients are told apart after staging: however many there are, an output is sifted and staged once."""

from datetime import datetime, timezone

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from outflow_settings import ACCEPTED, WHO, settings_for

from xsieve.pipelines.graph import Job, build
from xsieve.pipelines.plans import plans_of
from xsieve.pipelines.releases import branches
from xsieve.pipelines.sources import Source


class Labels(beam.pipeline.PipelineVisitor):
    """Collects what the steps of a pipeline are called."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_transform(self, transform_node) -> None:
        self.found.append(transform_node.full_label)


def labels(tmp_path, kind, count):
    names = [f"lab{number}" for number in range(count)]
    known = settings_for(
        tmp_path,
        {"climate": {"kind": kind, "recipients": names}},
        **WHO
        | {
            "recipients": {name: {"entity": name, "country": "DE", "accepted": ACCEPTED} for name in names},
            "entities": {name: {"name": f"Laboratory {name}", "government": False} for name in names},
        },
    )
    found = branches(known, plans_of(known), datetime.now(timezone.utc))
    assert sum(len(branch.outflows) for branch in found.values()) == count
    pipeline = beam.Pipeline("FnApiRunner", PipelineOptions())
    folders = {label: str(tmp_path / label) for label in found}
    build(pipeline, Job(known, found, (Source(0, "x.jsonl", 9, "lines"),), folders, "report", 1))
    steps = Labels()
    pipeline.visit(steps)
    return steps.found


def test_ids_for_2000_recipients_have_the_graph_of_those_for_two(tmp_path):
    """One sift, one stage, no branch for each."""
    many = labels(tmp_path, "ids", 2000)
    assert many == labels(tmp_path, "ids", 2)
    assert sum(label.endswith("ParDo(SiftBatch)") for label in many) == 1
    assert sum(label.endswith("ParDo(StageIds)") for label in many) == 1


def test_hydrated_posts_for_many_recipients_of_a_country_have_the_graph_of_those_for_two(tmp_path):
    """What is withheld somewhere depends on the country, and on nobody in it."""
    assert labels(tmp_path, "hydrated", 200) == labels(tmp_path, "hydrated", 2)
