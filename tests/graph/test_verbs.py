"""The verbs as transforms: on any PCollection of JSON lines, with all that happens counted."""

import json
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.internal import pickler
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.typehints.decorators import TypeCheckError
from templates import OTHER_POST, POST, activity, v1_post, v1_repost, v1_user, v2_page, v2_post

from xsieve.transforms import (
    Dehydrate,
    DropSensitive,
    Enrichment,
    Plan,
    PlanError,
    StripIdentifiers,
    Where,
    dehydrate,
    drop_sensitive,
    strip_identifiers,
)
from xsieve.transforms.records.batch import Reason, Reject
from xsieve.transforms.records.sieves import sieve_for

PLANTED = "Xyzzy Fjuqua"
CLOSED = v1_post("1590000000000000101", user=v1_user(protected=True))
PAYLOADS = [
    v1_post(text=f"so says @anna_example {PLANTED}"),
    CLOSED,
    v2_page(v2_post("1590000000000000203"), v2_post(POST)),
    activity("1590000000000000307"),
    v1_repost(v1_post(OTHER_POST), id_str="1590000000000000409", id=1590000000000000409),
]
LINES = [json.dumps(payload, ensure_ascii=False) for payload in PAYLOADS] + ['{"id": "15900", ', ""]
IDS = [POST, "1590000000000000203", POST, "1590000000000000307", "1590000000000000409"]


def pipeline() -> beam.Pipeline:
    return beam.Pipeline("FnApiRunner", PipelineOptions())


@pytest.fixture(params=["str", "bytes", "one batch"])
def elements(request):
    """The same payloads as texts, as bytes, and as one element of many lines."""
    encoded = [line.encode() for line in LINES]
    return {"str": LINES, "bytes": encoded, "one batch": [b"\n".join(encoded)]}[request.param]


def test_rows_ids_and_lines_come_out_of_any_json_lines(elements):
    """Bytes or str, one payload an element or many: the transforms give what the functions give."""
    whole = "\n".join(LINES)
    rows = strip_identifiers(whole, Plan("rows", text=True)).content.as_dicts()
    stored = drop_sensitive(whole).content.splitlines()
    assert len(rows) == 5
    assert len(stored) == 4
    with pipeline() as p:
        lines = p | beam.Create(elements)
        assert_that(lines | StripIdentifiers(text=True), equal_to(rows), "rows")
        assert_that(lines | Dehydrate(), equal_to(sorted(set(IDS))), "distinct ids")
        assert_that(lines | "Repeats too" >> Dehydrate(distinct=False), equal_to(IDS), "all ids")
        assert_that(lines | DropSensitive(), equal_to(stored), "lines")


def test_a_plan_says_the_same_as_the_choices_it_is_made_of():
    """A plan may be given ready-made; choices beside it, or a plan of another kind, are refused."""
    plan = Plan("ids", ids="user", where=Where(lang=("en",)))
    assert Dehydrate(plan).plan == Dehydrate(ids="user", where=Where(lang=("en",))).plan == plan
    with pytest.raises(ValueError, match="kind rows"):
        StripIdentifiers(plan)
    with pytest.raises(ValueError, match="not both"):
        Dehydrate(plan, nested=True)
    with pytest.raises(PlanError):
        StripIdentifiers(place="city")
    with pytest.raises(TypeError):
        Dehydrate(id="user")


def test_everything_is_counted_in_beams_metrics():
    """Counters of the namespace xsieve hold the balance: read = out + dropped + rejected, by reason."""
    p = pipeline()
    _ = p | beam.Create(LINES) | Dehydrate()
    result = p.run()
    result.wait_until_finish()
    counters = result.metrics().query(beam.metrics.MetricsFilter().with_namespace("xsieve"))["counters"]
    found = {counter.key.metric.name: counter.committed for counter in counters}
    assert found == {
        "read": 7,
        "out": 5,
        "dropped.author_protected": 1,
        "rejected.not_json": 1,
        "noted.visibility_unknown": 3,
    }


def test_counts_and_rejects_are_collections_too():
    """After a verb is applied, ``sifted`` holds its counts and its rejects, which say where and why, not what."""
    verb = Dehydrate(attested=True)
    with pipeline() as p:
        _ = p | beam.Create(["\n".join(LINES)]) | verb
        at = len("\n".join(LINES[:5]).encode()) + 1
        assert_that(verb.sifted.rejects, equal_to([Reject(Reason.NOT_JSON, "sift", "unknown", 0, at)]), "rejects")
        counts = dehydrate("\n".join(LINES), Plan("ids", attested=True)).counts
        assert_that(verb.sifted.counts, equal_to([counts]), "counts")


def test_plans_travel_and_are_compiled_where_they_arrive():
    """A plan is all that workers receive: pickled it is small, equal to itself, and compiles into the same sieve."""
    enrich = (Enrichment("stance", "ml.stance", ("pro", "contra")),)
    for plan in (Plan("rows", text=True, place="city", enrich=enrich), Plan("ids", nested=True), Plan("store")):
        sieve_for(plan)
        pickled = pickler.dumps(plan)
        arrived = pickler.loads(pickled)
        assert arrived == plan
        assert arrived.fingerprint == plan.fingerprint
        assert sieve_for(arrived) is sieve_for(plan)
        assert len(pickled) < 10_000
    transform = pickler.loads(pickler.dumps(StripIdentifiers(text=True)))
    assert transform.plan == Plan("rows", text=True)


def test_elements_that_are_no_json_lines_are_refused_without_being_shown(capfd, caplog):
    """Dicts are refused when the pipeline is built or, where their type is not known, when it runs; and not shown."""
    dicts = [{"name": PLANTED}]
    with pytest.raises(TypeCheckError):
        _ = pipeline() | beam.Create(dicts) | Dehydrate()
    with pytest.raises(TypeError, match="JSON lines are bytes or str") as raised, pipeline() as p:
        _ = p | beam.Create(dicts).with_output_types(Any) | Dehydrate()
    assert PLANTED not in str(raised.value) + caplog.text + "".join(capfd.readouterr())


def test_a_failing_worker_tells_the_kind_of_error_and_no_data(monkeypatch, capfd, caplog):
    """A defect in a library costs a pipeline, and its message, which may quote a payload, goes nowhere."""

    def broken(batch):
        raise ValueError(f"cannot make sense of {batch.lines!r}")

    monkeypatch.setattr("xsieve.transforms.sift.sieve_for", lambda plan: broken)
    with pytest.raises(Exception, match=r"ValueError") as raised, pipeline() as p:
        _ = p | beam.Create(LINES) | StripIdentifiers()
    told = str(raised.value) + caplog.text + "".join(capfd.readouterr())
    assert "WorkerError" in told
    assert PLANTED not in told
    assert "anna_example" not in told
