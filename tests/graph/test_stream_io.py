"""Sources and sinks besides files in a graph: what messages become, and what is written; nothing of content in what is said.

Kafka is tried with its messages put in, BigQuery and Pub/Sub as graphs that are built and not run: there is no server of
Google's here. A broker is asked in tests/clusters.
"""

import json
import logging
import pickle
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import FixedWindows, TimestampedValue
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from templates import v1_post

from xsieve.pipelines import stream_io, stream_kafka
from xsieve.pipelines.columns import columns_of, schema_of
from xsieve.pipelines.plans import plans_of
from xsieve.pipelines.settings import Settings, parse
from xsieve.pipelines.stream_io import StreamIOError, slot_of
from xsieve.pipelines.stream_messages import RECORD, batches, documents, source_name, source_number
from xsieve.pipelines.writers import WriteError
from xsieve.transforms import Plan, RawBatch, Sift
from xsieve.transforms.records.batch import Reason, Reject
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.sift import RowBatch, WorkerError

SECRET = "hunter2-TOP"
BROKER = {"bootstrap.servers": "broker.example:9092"}
KAFKA = {"read": "kafka", "topics": ["b", "a"], "consumer": BROKER | {"group.id": "g"}, "through": "python"}
POST = v1_post(text="Nikolaus 🎅 قال\nمرحبا 1234567890123456789")
LINE = json.dumps(POST, ensure_ascii=False).encode()
ENRICH = {
    "n": {"path": "ml.n", "about": "content", "values": [1, 2]},
    "f": {"path": "ml.f", "about": "content", "values": [0.5, 1]},
    "b": {"path": "ml.b", "about": "content", "values": [True, False]},
}


def settings(source: dict[str, Any], write: dict[str, Any] | None = None, kind: str = "rows", **more: Any) -> Settings:
    output = {"kind": kind, "write": write} if write else {"kind": kind, "every": "1h", "write": {"path": "out/x"}}
    text = json.dumps({"policy": "base-2024", "input": source, "outputs": {"x": output}} | more)
    return parse(text, {"PW": SECRET})


def new_pipeline(*options: str) -> beam.Pipeline:
    return beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner", *options]))


# --- messages


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (LINE, [LINE]),
        (b" " + LINE + b"\r\n", [LINE]),
        (b"\xef\xbb\xbf" + LINE, [LINE]),
        (LINE.decode().encode("utf-16"), [LINE]),
        (LINE + b"\n" + LINE + b"\n", [LINE, LINE]),
        (b"[" + LINE + b", " + LINE + b"]", [LINE, LINE]),
        (None, Reason.NOT_JSON),
        (b"", Reason.NOT_JSON),
        (b" \n\t", Reason.NOT_JSON),
        (b"\xff\xfe{", Reason.TRUNCATED),
        (LINE + b" " * 50_000, Reason.TOO_LARGE),
        (b"[]", [b"[]"]),
        (b"[\n]", [b"[]"]),
        (b"no payload", [b"no payload"]),
    ],
    ids=range(14),
)
def test_a_message_is_its_documents_or_a_reason(value: bytes | None, found: object) -> None:
    """One a line, in whatever arrangement they came; a tombstone is a reject, and nothing is lost without a word."""
    assert documents(value, 50_000) == found


@pytest.mark.parametrize("payload", [POST, [POST, POST], [POST]])
def test_pretty_printed_documents_are_the_same_documents(payload: object) -> None:
    """As a tool writes them that was told to be kind to people."""
    found = documents(json.dumps(payload, indent=2, ensure_ascii=False).encode())
    assert isinstance(found, list)
    assert [json.loads(line) for line in found] == (payload if isinstance(payload, list) else [payload])


VALUES = st.sampled_from([b'{"a": 1}', b"[1]", b"", None, b"no", b'[{"a": 1}, {"b": 2}]', b'{\n"a": 1}', b"x" * 70])


@examples(deadline=None)
@given(st.lists(st.tuples(VALUES, st.integers(1, 3))), st.integers(1, 200))
def test_each_document_is_in_a_batch_whose_lines_tell_its_offset(messages: list[Any], batch_bytes: int) -> None:
    """Whatever lies between offsets, and wherever batches are cut; in order, each once."""
    offset, offsets = 0, []
    for _, step in messages:
        offsets.append(offset := offset + step)
    values = [value for value, _ in messages]
    expected = []
    for value, at in zip(values, offsets, strict=True):
        found = documents(value)
        expected += [(at, line) for line in found] if isinstance(found, list) else [(at, found)]
    got: list[Any] = []
    for made in batches(values, offsets, 7, batch_bytes):
        assert made.source == 7
        assert made.unit == RECORD
        if isinstance(made, Reject):
            got.append((made.offset, made.reason))
        else:
            got += [(made.offset + n, line) for n, line in enumerate(made.lines.split(b"\n")) if line]
    key = lambda pair: (pair[0], str(pair[1]))  # noqa: E731
    assert sorted(got, key=key) == sorted(expected, key=key)


def test_messages_that_follow_each_other_are_one_batch() -> None:
    """What a batch costs is shared; a gap begins another one, for lines tell offsets."""
    assert list(batches([LINE] * 3, [5, 6, 8], 1)) == [
        RawBatch(LINE + b"\n" + LINE, 1, 5, RECORD),
        RawBatch(LINE, 1, 8, RECORD),
    ]


def test_what_is_rejected_while_sifting_is_named_by_the_offset_of_its_message() -> None:
    """Between good messages, after a tombstone, and inside of an array."""
    values = [LINE, None, b"broken {", b"[" + LINE + b', {"id": 1}]', LINE]
    offsets = [40, 41, 42, 43, 44]
    sieve = sieve_for(Plan("ids"))
    rejects, ids = [], 0
    for made in batches(values, offsets, 3):
        if isinstance(made, Reject):
            rejects.append(made)
            continue
        sifted = sieve(made)
        rejects += sifted.rejects
        ids += len(sifted.content)
    assert sorted((r.offset, r.stage, r.reason.value, r.source, r.unit) for r in rejects) == [
        (41, "read", "not_json", 3, "record"),
        (42, "sift", "not_json", 3, "record"),
        (43, "sift", "unknown_shape", 3, "record"),
    ]
    assert ids == 3


def test_partitions_are_numbered_for_good() -> None:
    """Each has its own number, which stays when partitions are added, and leads back for the operator."""
    topics = ("a", "b", "c")
    numbers = {(topic, p): source_number(topics, topic, p) for topic in topics for p in range(4)}
    assert len({*numbers.values()}) == 12
    assert {source_number(topics, "b", p) for p in range(2)} < {*numbers.values()}
    assert all(source_name(topics, number) == f"{t}, partition {p}" for (t, p), number in numbers.items())


# --- Kafka


class Fed(beam.PTransform):
    """Messages in place of a broker; notes how it was asked for."""

    asked: list[tuple[Any, ...]]

    def __init__(self, *given: Any, **how: Any) -> None:
        super().__init__()
        self.asked.append((*given, how))

    def expand(self, begin: Any) -> Any:
        messages = [
            TimestampedValue(stream_kafka.Messages((LINE, None), "b", 1, (10, 11)), 100),
            TimestampedValue(stream_kafka.Messages((b"\xff", LINE), "a", 0, (5, 6)), 7300),
        ]
        return begin | beam.Create(messages, reshuffle=False)


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Puts messages in place of the Python source; gives how it was asked for."""
    from xsieve.pipelines import kafka

    Fed.asked = []
    monkeypatch.setattr(kafka, "ReadKafka", Fed)
    return Fed.asked


def test_messages_become_batches_at_their_times_and_rejects_beside_them(fed: list[Any]) -> None:
    """A tombstone costs one reject, bytes that are no text another one; the numbers are those of partitions."""
    with new_pipeline() as pipeline:
        found, unread = pipeline | stream_io.read(settings(KAFKA).input, 60)
        sifted = found | Sift(Plan("ids"))
        hours = found | beam.WindowInto(FixedWindows(3600)) | beam.ParDo(WithHour())
        assert_that(hours, equal_to([(0, 3, 10, LINE), (2, 0, 5, b"\xff\n" + LINE)]), label="batches")
        assert_that(unread, equal_to([Reject(Reason.NOT_JSON, "read", "unknown", 3, 11, "record")]), label="unread")
        bad = Reject(Reason.NOT_UTF8, "sift", "unknown", 0, 5, "record")
        assert_that(sifted.rejects, equal_to([bad]), label="not sifted")


class WithHour(beam.DoFn):
    def process(self, batch: RawBatch, window: Any = beam.DoFn.WindowParam) -> Any:
        yield int(window.start) // 3600, batch.source, batch.offset, batch.lines


def test_the_settings_reach_the_python_source(fed: list[Any], tmp_path: Path) -> None:
    """Options, the places of secrets, the start, the end, the slot of time."""
    place = tmp_path / "key"
    place.write_text(SECRET, "utf-8")
    consumer = KAFKA["consumer"] | {"sasl.password": "${PW}", "ssl.key.password": f"${{file:{place}}}"}
    for start, expected in (
        ("earliest", "earliest"),
        ("2026-01-01T00:00:00Z", 1767225600.0),
        ("committed", "committed"),
    ):
        for until in ({"until": "end"}, {}):
            write = {"kafka": {"topic": "t", "producer": BROKER}}
            source = settings(KAFKA | {"consumer": consumer, "start": start} | until, write).input
            _ = new_pipeline() | stream_io.read(source, 900)
            topics, config, secrets, at, bounded, how = fed.pop()
            assert (topics, config) == (("b", "a"), KAFKA["consumer"])
            assert secrets == {"sasl.password": "env:PW", "ssl.key.password": f"file:{place}"}
            assert (at, bounded, how) == (expected, bool(until), {"slot": 900})


def test_processing_time_is_when_a_message_is_read(fed: list[Any]) -> None:
    """Not when it was written."""
    source = settings(KAFKA | {"timestamps": "processing_time"}).input
    with new_pipeline() as pipeline:
        found, _ = pipeline | stream_io.read(source, 60)
        times = found | beam.Map(lambda _, at=beam.DoFn.TimestampParam: float(at) > 1_600_000_000)
        assert_that(times, equal_to([True, True]))


def test_what_java_gives_one_by_one_is_brought_together_by_partition_and_slot() -> None:
    """As the Python source does it: one element for many messages, never across the edge of a window."""
    rows = [
        (beam.Row(topic=topic, partition=0, offset=offset, value=b"%d" % offset), at)
        for topic, offset, at in [("a", 1, 3599), ("b", 1, 3599), ("a", 2, 3599.5), ("a", 3, 3600), ("a", 4, 3601)]
    ]
    with new_pipeline() as pipeline:
        timed = pipeline | beam.Create(rows, reshuffle=False) | beam.MapTuple(lambda row, at: TimestampedValue(row, at))
        together = timed | beam.ParDo(stream_kafka.Together(3600)).with_output_types(stream_kafka.Messages)
        said = together | beam.Map(lambda m, at=beam.DoFn.TimestampParam: (m.topic, m.offsets, m.values, float(at)))
        assert_that(
            said,
            equal_to(
                [
                    ("a", (1, 2), (b"1", b"2"), 3599.5),
                    ("b", (1,), (b"1",), 3599.0),
                    ("a", (3, 4), (b"3", b"4"), 3601.0),
                ]
            ),
        )


def test_java_that_cannot_be_had_is_said_without_what_options_hold() -> None:
    """An expansion service that does not answer; the error names the ways out, and no secret."""
    consumer = KAFKA["consumer"] | {"ssl.keystore.password": "${PW}"}
    more = {"through": "java", "expansion_service": "localhost:1", "consumer": consumer}
    with pytest.raises(StreamIOError, match="else through: python") as caught:
        _ = new_pipeline() | stream_io.read(settings(KAFKA | more).input)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_client_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways: whoever reads, and whoever writes."""
    for name in ("xsieve.pipelines.kafka", "xsieve.pipelines.kafka_client"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.delattr("xsieve.pipelines." + name.rpartition(".")[2], raising=False)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    pipeline = new_pipeline()
    with pytest.raises(StreamIOError, match=r"pip install 'xsieve\[kafka\]'"):
        _ = pipeline | stream_io.read(settings(KAFKA).input)
    sink = {"kafka": {"topic": "out", "producer": BROKER, "through": "python"}}
    (output,) = settings(KAFKA, sink, "store").outputs.values()
    with pytest.raises(StreamIOError, match=r"pip install 'xsieve\[kafka\]'"):
        _ = pipeline | beam.Create([]) | stream_io.write(output, Plan("store"))


def test_java_gets_every_option_as_text_with_secrets_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """For that is when its transforms read them."""
    from apache_beam.io import kafka

    asked: list[Any] = []

    class Java(beam.PTransform):
        def __init__(self, *given: Any, **how: Any) -> None:
            super().__init__()
            asked.append((*given, how))

        def expand(self, begin: Any) -> Any:
            return begin | beam.Create([])

    monkeypatch.setattr(kafka, "ReadFromKafka", Java)
    monkeypatch.setenv("PW", SECRET)
    options = {"ssl.keystore.password": "${PW}", "check.crcs": False, "fetch.min.bytes": 7}
    more = {"through": "java", "consumer": KAFKA["consumer"] | options, "timestamps": "log_append_time"}
    for start, reset, at, commit in (
        ("latest", "latest", None, False),
        ("committed", "earliest", None, True),
        ("2026-01-01", "earliest", 1_767_225_600_000, False),
    ):
        _ = new_pipeline() | stream_io.read(settings(KAFKA | more | {"start": start}).input)
        config, topics, how = asked.pop()
        assert (topics, config["auto.offset.reset"]) == (["b", "a"], reset)
        assert config["ssl.keystore.password"] == SECRET
        assert (config["check.crcs"], config["fetch.min.bytes"]) == ("false", "7")
        assert (how["start_read_time"], how["commit_offset_in_finalize"]) == (at, commit)
        assert (how["timestamp_policy"], how["with_metadata"]) == ("LogAppendTime", True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("rows", {"time", "lang", "hashtags"}), ("ids", b"1590000000000000017"), ("store", {"id", "text", "user"})],
)
def test_each_kind_of_output_becomes_messages_without_keys(kind: str, expected: Any, monkeypatch: Any) -> None:
    """A JSON document for each row and payload, a decimal number for each id."""
    from xsieve.pipelines import kafka

    written: list[tuple[Any, ...]] = []

    class Noted(beam.DoFn):
        def __init__(self, *given: Any) -> None:
            written.append(given)

        def process(self, pair: Any) -> Any:
            yield pair

    monkeypatch.setattr(kafka, "WriteKafka", Noted)
    sink = {"topic": "out", "producer": BROKER | {"acks": "all", "sasl.password": "${PW}"}, "through": "python"}
    known = settings(KAFKA, {"kafka": sink}, kind)
    with new_pipeline() as pipeline:
        passed = pipeline | beam.Create([RawBatch(LINE + b"\n" + LINE, 0, 0)], reshuffle=False) | Sift(Plan(kind))
        pairs = passed.passed | stream_io.write(known.outputs["x"], plans_of(known)["x"])

        def look(found: Any) -> None:
            assert [key for key, _ in found] == [None, None]
            for _, value in found:
                assert value == expected if kind == "ids" else expected <= json.loads(value).keys()
                assert b"\n" not in value

        assert_that(pairs, look)
    assert written == [("out", BROKER | {"acks": "all"}, {"sasl.password": "env:PW"})]


def test_no_secret_is_in_what_workers_get() -> None:
    """The transforms, as they travel."""
    options = {"sasl.password": "${PW}"}
    sink = {"kafka": {"topic": "out", "producer": BROKER | options, "through": "python"}}
    known = settings(KAFKA | {"consumer": KAFKA["consumer"] | options}, sink)
    pipeline = new_pipeline()
    found, _ = pipeline | stream_io.read(known.input)
    _ = (found | Sift(Plan("rows"))).passed | stream_io.write(known.outputs["x"], plans_of(known)["x"])
    proto = pipeline.to_runner_api()
    assert SECRET.encode() not in proto.SerializeToString()
    assert b"broker.example" in pickle.dumps(known.input)
    assert SECRET.encode() not in pickle.dumps(known.input)


@pytest.mark.parametrize("do_fn", ["kafka", "bigquery"])
def test_an_error_of_a_library_gets_out_without_content(do_fn: str) -> None:
    """Only its kind, and the place in our code."""
    from xsieve.pipelines.stream_bigquery import ToRows

    step = stream_kafka.ToMessages(Plan("rows")) if do_fn == "kafka" else ToRows(Plan("rows"), times=False)
    step.setup()
    rows = sieve_for(Plan("rows"))(RawBatch(LINE, 0, 0)).content
    rows.columns["lang"] = [SECRET, SECRET]
    with pytest.raises(WorkerError) as caught:
        list(step.process(RowBatch(rows, 0, 0)))
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_slot_of_time_fits_into_every_window() -> None:
    """Messages of one slot travel together, so it must not lie across the edge of a window of any output."""

    def of(*spans: str) -> int:
        outputs = {f"o{n}": {"kind": "store", "every": s, "write": {"path": f"out/{n}"}} for n, s in enumerate(spans)}
        text = json.dumps({"policy": "base-2024", "input": KAFKA, "outputs": outputs})
        return slot_of(parse(text, {}).outputs.values())

    assert of("1h") == 3600
    assert of("15m", "6h") == 900
    assert of("10m", "15m") == 300
    assert of("1d") == timedelta(hours=1).total_seconds()


# --- Google's


def labels(pipeline: beam.Pipeline) -> set[str]:
    found: set[str] = set()

    class Steps(beam.pipeline.PipelineVisitor):
        def visit_transform(self, transform_node: Any) -> None:
            found.add(transform_node.full_label)

        enter_composite_transform = visit_transform

    pipeline.visit(Steps())
    return found


def test_pubsub_is_read_by_beams_transform_with_its_own_options() -> None:
    """Built, not run: no message of a real subscription is read here."""
    pubsub = pytest.importorskip("google.cloud.pubsub")
    assert pubsub
    options = {"id_label": "id", "timestamp_attribute": "at"}
    source = {"read": "pubsub", "subscription": "projects/norsund/subscriptions/posts"} | options
    pipeline = new_pipeline("--streaming")
    found, unread = pipeline | stream_io.read(settings(source).input)
    _ = found | Sift(Plan("rows"))
    assert found.element_type is RawBatch
    assert unread.element_type is Reject
    (read,) = (
        step.transform.source
        for step in pipeline.transforms_stack[0].parts[0].parts[0].parts
        if isinstance(step.transform, beam.io.Read)
    )
    assert (read.full_subscription, read.id_label) == ("projects/norsund/subscriptions/posts", "id")
    assert (read.timestamp_attribute, read.with_attributes) == ("at", True)


def test_a_message_of_pubsub_is_known_by_its_number() -> None:
    """The one that Pub/Sub gave it."""
    pytest.importorskip("google.cloud.pubsub")
    from apache_beam.io.gcp.pubsub import PubsubMessage

    from xsieve.pipelines.stream_pubsub import ToBatches

    message = PubsubMessage(LINE, {}, message_id="4711")
    assert list(ToBatches().process(message)) == [RawBatch(LINE, 0, 4711, "record")]
    (reject,) = ToBatches().process(PubsubMessage(b" ", {}, message_id="4712"))
    assert reject.value == Reject(Reason.NOT_JSON, "read", "unknown", 0, 4712, "record")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"table": "norsund:d.t"}, {"table": "norsund:d.t", "method": "EXPORT"}),
        (
            {"query": "SELECT 1", "use_standard_sql": False, "gcs_location": "gs://b/f"},
            {"query": "SELECT 1", "use_standard_sql": False, "gcs_location": "gs://b/f", "method": "EXPORT"},
        ),
        ({"query": "SELECT 1"}, {"query": "SELECT 1", "use_standard_sql": True, "method": "EXPORT"}),
        (
            {"table": "d.t", "method": "DIRECT_READ", "row_restriction": "a = 1", "selected_fields": "a"},
            {"table": "d.t", "method": "DIRECT_READ", "row_restriction": "a = 1", "selected_fields": ["a"]},
        ),
    ],
)
def test_bigquery_is_read_by_beams_transform_with_its_own_options(
    more: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Built, not run: no table is read here."""
    pytest.importorskip("google.cloud.bigquery")
    from xsieve.pipelines.stream_bigquery import read_options

    source = settings({"read": "bigquery"} | more, {"path": "out"}).input
    assert read_options(source) == expected
    if more != {"table": "norsund:d.t"}:
        return
    pipeline = new_pipeline("--project=norsund", "--temp_location=gs://bucket/tmp")
    found, unread = pipeline | stream_io.read(source)
    _ = found | Sift(Plan("rows"))
    assert found.element_type is RawBatch
    assert unread.element_type is Reject
    assert any("Read BigQuery" in label for label in labels(pipeline))


@pytest.mark.parametrize(
    ("payload", "rows", "documents", "rejects"),
    [
        ("doc", [{"doc": LINE.decode(), "n": 1}, {"doc": POST}, {"doc": LINE}], 3, 0),
        ("doc", [{"doc": None}, {"n": 4}, {"doc": LINE.decode()}, {"doc": " "}], 1, 3),
        (None, [POST, {**POST, "lang": None}, {**POST, "at": datetime(2026, 1, 1)}], 3, 0),
        (None, [POST, {"id": object()}], 1, 1),
    ],
)
def test_rows_of_a_table_become_batches(payload: str | None, rows: list[Any], documents: int, rejects: int) -> None:
    """The column that holds the payload, or the row itself; what is neither is a reject, not a failure."""
    pytest.importorskip("google.cloud.bigquery")
    from xsieve.pipelines.stream_bigquery import ToBatches

    with new_pipeline() as pipeline:
        made = beam.ParDo(ToBatches(payload)).with_output_types(RawBatch).with_outputs("rejects", main="batches")
        batched = pipeline | beam.Impulse() | beam.FlatMap(lambda _: rows) | made
        ids = batched.batches | beam.FlatMap(
            lambda batch: [json.loads(line)["id"] for line in batch.lines.split(b"\n") if line]
        )
        counted = batched.batches | beam.Map(lambda batch: batch.offset)
        assert_that(counted, equal_to([0]), label="one batch")
        assert_that(
            batched.rejects | beam.Map(lambda r: r.reason), equal_to([Reason.NOT_JSON] * rejects), label="rejects"
        )
        assert_that(ids, equal_to([POST["id"]] * documents), label="documents")


def test_the_schema_of_a_table_is_that_of_the_rows() -> None:
    """Each type of column has its type there, with its meaning; lists are repeated."""
    pytest.importorskip("google.cloud.bigquery")
    from apache_beam.io.gcp import bigquery_tools

    from xsieve.pipelines.stream_bigquery import STORAGE, ToRows, table_schema

    known = settings(KAFKA, {"bigquery": {"table": "d.t"}}, enrich=ENRICH)
    plan = plans_of(known)["x"]
    schema = table_schema(schema_of(plan))
    types = {field["name"]: (field["type"], field["mode"]) for field in schema["fields"]}
    assert [types[name][0] for name in ("time", "lang", "like_count", "is_repost")] == [
        "TIMESTAMP",
        "STRING",
        "INTEGER",
        "BOOLEAN",
    ]
    assert types["hashtags"] == ("STRING", "REPEATED")
    assert [types[name] for name in ("n", "f", "b")] == [(t, "NULLABLE") for t in ("INTEGER", "FLOAT", "BOOLEAN")]
    assert all(field["description"] for field in schema["fields"])

    lines = [v1_post(ml={"n": 2, "f": 0.5, "b": True}), v1_post(lang=None)]
    rows = sieve_for(plan)(RawBatch("\n".join(map(json.dumps, lines)).encode(), 0, 0)).content
    for times in (False, True):
        step = ToRows(plan, times)
        step.setup()
        made = list(step.process(RowBatch(rows, 0, 0)))
        assert [row.keys() for row in made] == [types.keys()] * 2
        assert made[0]["hashtags"] == made[1]["hashtags"] == []
        assert (made[0]["n"], made[0]["f"], made[0]["b"], made[1]["n"]) == (2, 0.5, True, None)
        assert made[0]["time"] == ("2022-11-12T09:00:00Z" if not times else made[0]["time"])
    assert columns_of(rows, schema_of(plan))
    hints = bigquery_tools.get_beam_typehints_from_tableschema(schema)
    coder = beam.coders.registry.get_coder(beam.typehints.row_type.RowTypeConstraint.from_fields(hints))
    for row in made:
        sent = coder.decode(coder.encode(bigquery_tools.beam_row_from_dict(row, schema)))
        assert sent.like_count == row["like_count"]
        assert float(sent.time) == 1668243600
    assert STORAGE == "STORAGE_WRITE_API"


@pytest.mark.parametrize(
    ("source", "sink", "step"),
    [
        (KAFKA, {"table": "norsund:d.t"}, "StreamInsertRows"),
        (
            KAFKA,
            {"table": "norsund:d.t", "method": "FILE_LOADS", "triggering_frequency": "5m"},
            "BigQueryBatchFileLoads",
        ),
        (KAFKA | {"until": "end"}, {"table": "norsund:d.t"}, "BigQueryBatchFileLoads"),
        (KAFKA | {"until": "end"}, {"table": "norsund:d.t", "method": "STREAMING_INSERTS"}, "StreamInsertRows"),
    ],
)
def test_rows_go_to_a_table_by_beams_transform(source: dict[str, Any], sink: dict[str, Any], step: str) -> None:
    """Built, not run: no row is written to a table here."""
    pytest.importorskip("google.cloud.bigquery")
    known = settings(source, {"bigquery": sink})
    options = ["--project=norsund", "--temp_location=gs://bucket/tmp", *(["--streaming"] if known.streaming else [])]
    pipeline = new_pipeline(*options)
    batches_ = pipeline | beam.Create([RawBatch(LINE, 0, 0)]) | Sift(Plan("rows"))
    _ = batches_.passed | stream_io.write(known.outputs["x"], plans_of(known)["x"])
    assert any(step in label for label in labels(pipeline))
    assert any("Refused rows" in label for label in labels(pipeline)) is (step == "StreamInsertRows")
    assert pipeline.to_runner_api()


def test_rows_that_a_table_refuses_end_the_run_and_are_not_quoted(caplog: pytest.LogCaptureFixture) -> None:
    """What Beam logs of them holds them: only the place in its code goes on."""
    pytest.importorskip("google.cloud.bigquery")
    from apache_beam.io.gcp import bigquery

    from xsieve.pipelines import stream_bigquery

    with caplog.at_level(logging.INFO):
        logging.getLogger(bigquery.__name__).error("There were errors: %s", SECRET)
        try:
            raise ValueError(SECRET)
        except ValueError:
            logging.getLogger(bigquery.__name__).exception("no")
        logging.getLogger(bigquery.__name__).info("a table was made")
    assert SECRET not in caplog.text
    assert "is not shown, for it may quote rows" in caplog.text
    assert "a table was made" in caplog.text
    with pytest.raises(WriteError, match="does the table have the columns") as caught:
        stream_bigquery.fail(("norsund:d.t", {"lang": SECRET}))
    assert SECRET not in str(caught.value)
