"""Kafka as a source that ends, and as a sink, on the runner of batch jobs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from clusters.topics import Sent, consume, create, produce
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from xsieve.pipelines.kafka import ReadKafka, WriteKafka
from xsieve.pipelines.kafka_client import COMMITTED, EARLIEST, LATEST, Client, KafkaError

FAMILY = "👨‍👩‍👧"


def read(
    kafka: str, topic: str, folder: Path, group: str = "g", **how: Any
) -> list[tuple[int, int, bytes | None, float]]:
    """All messages of a topic as (partition, offset, value, event time in s), in order."""
    out = folder / f"read-{time.monotonic_ns()}"

    def note(messages: Any, at: Any = beam.DoFn.TimestampParam) -> None:
        with out.open("a", encoding="utf-8") as file:
            for offset, value in zip(messages.offsets, messages.values, strict=True):
                file.write(repr((messages.partition, offset, value, float(at))) + "\n")

    config = {"bootstrap.servers": kafka, "group.id": group}
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        _ = pipeline | ReadKafka([topic], config, bounded=True, **how) | beam.Map(note)
    return sorted(map(eval, out.read_text("utf-8").splitlines())) if out.exists() else []


def test_a_bounded_read_gives_every_message_once_at_the_time_that_kafka_keeps(
    kafka: str, topic: Callable[[str], str], tmp_path: Path
) -> None:
    """All partitions to their ends; bytes as they came, tombstones too; event time is the message's."""
    name = create(kafka, topic("all"), 3)
    sent = [Sent(f"{n} {FAMILY}".encode(), 1_583_020_800_000 + n, n % 2) for n in range(2000)]
    produce(kafka, name, [*sent, Sent(None, 1_583_020_900_000, 1)])
    got = read(kafka, name, tmp_path, slot=0.001)
    assert [(p, v, round(t * 1000)) for p, _, v, t in got] == [
        *((0, s.value, s.time_ms) for s in sent[::2]),
        *((1, s.value, s.time_ms) for s in sent[1::2]),
        (1, None, 1_583_020_900_000),
    ]
    assert [o for p, o, *_ in got if p == 1] == list(range(1001))


def test_messages_are_together_where_their_times_are(kafka: str, topic: Callable[[str], str], tmp_path: Path) -> None:
    """No element crosses the edge of a slot, so every message is in its own window."""
    name = create(kafka, topic("slots"), 1)
    seconds = [0, 4, 5, 3, 9, 10]
    produce(kafka, name, [Sent(str(second).encode(), (1_583_020_800 + second) * 1000) for second in seconds])
    times = {v: t - 1_583_020_800 for _, _, v, t in read(kafka, name, tmp_path, slot=5)}
    assert times == {b"0": 4, b"4": 4, b"5": 5, b"3": 3, b"9": 9, b"10": 10}


def test_the_start_decides_what_is_read(kafka: str, topic: Callable[[str], str], tmp_path: Path) -> None:
    """Earliest, latest, a time, and the group's offsets, which a bounded read leaves at its end."""
    name = create(kafka, topic("start"), 1)
    produce(kafka, name, [Sent(b"a", 1_583_020_800_000), Sent(b"b", 1_583_020_860_000)])
    assert [v for _, _, v, _ in read(kafka, name, tmp_path, start=EARLIEST)] == [b"a", b"b"]
    assert read(kafka, name, tmp_path, start=LATEST) == []
    assert [v for _, _, v, _ in read(kafka, name, tmp_path, start=1_583_020_801.0)] == [b"b"]
    assert read(kafka, name, tmp_path, start=1_583_030_000.0) == []
    produce(kafka, name, [Sent(b"c", 1_583_020_870_000)])
    assert [v for _, _, v, _ in read(kafka, name, tmp_path)] == [b"c"]
    assert [v for _, _, v, _ in read(kafka, name, tmp_path, group="other")] == [b"a", b"b", b"c"]


def test_offsets_are_committed_when_a_bundle_is_done(kafka: str, topic: Callable[[str], str], tmp_path: Path) -> None:
    """The group shows how far the job is."""
    name = create(kafka, topic("commit"), 1)
    produce(kafka, name, [Sent(b"x")] * 7)
    read(kafka, name, tmp_path, group="watched")
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "watched"})
    (found,) = consumer.committed([TopicPartition(name, 0)], 10)
    consumer.close()
    assert found.offset == 7


def test_messages_that_kafka_has_deleted_are_never_passed_over(
    kafka: str, topic: Callable[[str], str], tmp_path: Path
) -> None:
    """Where retention was faster than the group, the run fails and says where; a new start goes on."""
    name = create(kafka, topic("gone"), 1)
    produce(kafka, name, [Sent(b"a")] * 3)
    read(kafka, name, tmp_path)
    produce(kafka, name, [Sent(b"b")] * 4)
    admin = AdminClient({"bootstrap.servers": kafka})
    for deleted in admin.delete_records([TopicPartition(name, 0, 5)]).values():
        deleted.result(20)
    client = Client.of({"bootstrap.servers": kafka, "group.id": "g"}, {})
    gone = "partition 0, offset 3: Kafka no longer has what comes next"
    with pytest.raises(KafkaError, match=gone):
        client.bounds(name, 0, COMMITTED)
    with client.reader(name, 0, 3) as reader, pytest.raises(KafkaError, match=gone):
        next(filter(None, iter(reader.next_messages, None)))
    assert [v for _, _, v, _ in read(kafka, name, tmp_path, start=EARLIEST)] == [b"b", b"b"]


def test_marks_of_transactions_are_no_messages(kafka: str, topic: Callable[[str], str], tmp_path: Path) -> None:
    """What an aborted transaction wrote is not read, and a topic that ends in marks comes to its end."""
    name = create(kafka, topic("transactions"), 1)
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": name, "log_level": 0})
    producer.init_transactions(20)
    for value, end in ((b"kept", producer.commit_transaction), (b"given up", producer.abort_transaction)):
        producer.begin_transaction()
        producer.produce(name, value)
        producer.flush(20)
        end(20)
    assert [v for _, _, v, _ in read(kafka, name, tmp_path)] == [b"kept"]


def test_times_that_cannot_be_hold_up_nothing(kafka: str, topic: Callable[[str], str], tmp_path: Path) -> None:
    """A time in the future, as of a producer with a wrong clock or unit, counts as now."""
    name = create(kafka, topic("clock"), 1, message_timestamp_after_max_ms=str(2**63 - 1))
    before = time.time()
    produce(kafka, name, [Sent(b"far", 2**62), Sent(b"micro", 1_583_020_800_000_000), Sent(b"old", 1000)])
    times = {v: t for _, _, v, t in read(kafka, name, tmp_path)}
    assert before - 1 <= times[b"far"] <= time.time()
    assert before - 1 <= times[b"micro"] <= time.time()
    assert times[b"old"] == 1


def test_a_clock_that_is_a_little_ahead_is_believed(kafka: str, topic: Callable[[str], str], tmp_path: Path) -> None:
    """Else the time of a message would be that of its reading, and a replay could put it into another window."""
    name, at = create(kafka, topic("ahead"), 1), int(time.time() * 1000) + 30_000
    produce(kafka, name, [Sent(b"ahead", at)])
    assert [t for _, _, _, t in read(kafka, name, tmp_path)] == [at / 1000]


def test_a_sink_writes_what_it_is_given(kafka: str, topic: Callable[[str], str]) -> None:
    """Keys and values as bytes."""
    name = create(kafka, topic("sink"), 1)
    pairs = [(b"k", FAMILY.encode()), (None, b"")]
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        _ = pipeline | beam.Create(pairs, reshuffle=False) | beam.ParDo(WriteKafka(name, {"bootstrap.servers": kafka}))
    assert sorted((m.key() or b"", m.value()) for m in consume(kafka, name)) == [(b"", b""), (b"k", FAMILY.encode())]


def test_a_bundle_fails_if_the_broker_does_not_take_a_message(kafka: str, topic: Callable[[str], str]) -> None:
    """Only what fails is reported: it must be, and only by its name."""
    name = create(kafka, topic("small"), 1, max_message_bytes="1000")
    sink = WriteKafka(name, {"bootstrap.servers": kafka})
    sink.setup()
    sink.process((None, FAMILY.encode() * 1000))
    with pytest.raises(KafkaError, match=r"messages not delivered: 1 \(MSG_SIZE_TOO_LARGE\)") as caught:
        sink.finish_bundle()
    assert FAMILY not in str(caught.value)
    sink.process((None, b"after"))
    sink.finish_bundle()
    assert [m.value() for m in consume(kafka, name)] == [b"after"]


def test_what_is_set_wrong_is_said_without_values(kafka: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Errors name options and topics; secrets are read where the worker is, and shown nowhere."""
    known = {"bootstrap.servers": kafka, "group.id": "g"}
    with pytest.raises(KafkaError, match=r"group\.id must be given"):
        Client.of({"bootstrap.servers": kafka}, {})
    with pytest.raises(KafkaError, match=r"enable\.auto\.commit cannot be set"):
        Client.of({**known, "enable.auto.commit": True}, {})
    with pytest.raises(KafkaError, match=r"secrets\.sasl\.password: expected env:NAME or file:PATH"):
        Client.of(known, {"sasl.password": "hunter2"})
    with pytest.raises(KafkaError, match=r"topic nowhere: UNKNOWN_TOPIC_OR_PART"):
        Client.of(known, {}).partitions("nowhere")
    with pytest.raises(KafkaError, match=r"\(.*secutiry\.protocol.*\): _INVALID_ARG"):
        Client.of({**known, "secutiry.protocol": "ssl"}, {}).consumer()
    monkeypatch.setenv("KAFKA_PASSWORD", "hunter2")
    (tmp_path / "user").write_text("porto\n", "utf-8")
    client = Client.of(known, {"sasl.password": "env:KAFKA_PASSWORD", "sasl.username": f"file:{tmp_path}/user"})
    assert client.options()["sasl.password"] == "hunter2"
    assert client.options()["sasl.username"] == "porto"
    assert "hunter2" not in repr(client)
    with pytest.raises(KafkaError, match=r"secrets\.sasl\.password: env:GONE cannot be read") as error:
        Client.of(known, {"sasl.password": "env:GONE"}).consumer()
    assert error.value.__cause__ is None
