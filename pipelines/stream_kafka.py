"""Topics of Kafka in a pipeline: read and written by Beam's own Java transforms, or by confluent-kafka where there is no Java.

Both give the same batches. They differ in when secrets are read: on the workers by Python, when the pipeline is built by Java.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional, Union

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.window import GlobalWindow, TimestampedValue
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from xsieve.pipelines.columns import columns_of, schema_of
from xsieve.pipelines.formats import Jsonl
from xsieve.pipelines.settings_secrets import FILE, VARIABLE, Secret
from xsieve.pipelines.settings_streams import Kafka, KafkaSink, library_of, options_of
from xsieve.pipelines.stream_io import StreamIOError
from xsieve.pipelines.stream_messages import batches, source_number
from xsieve.transforms.records.batch import RawBatch, Reject
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.sift import IdBatch, RowBatch, StoreBatch, content_kept_in

Pair = tuple[Optional[bytes], bytes]  # noqa: UP045 Beam reads typing.Optional only
SiftedBatch = Union[RowBatch, StoreBatch, IdBatch]  # noqa: UP007
POLICIES = {"create_time": "CreateTime", "log_append_time": "LogAppendTime", "processing_time": "ProcessingTime"}
# As the Python source does: what a transaction gave up is not read, and xsieve's place is the job's own
JAVA_CONSUMER = {"isolation.level": "read_committed", "enable.auto.commit": "false"}
ENOUGH = 1000  # messages of Java's source that are brought together at most


class Messages(NamedTuple):
    """What Java's source gives, brought together as Python's does it: messages of a partition and a slot of time."""

    values: tuple[bytes | None, ...]
    topic: str
    partition: int
    offsets: tuple[int, ...]


# --- reading


class ReadTopics(beam.PTransform):
    """PBegin -> (PCollection[RawBatch], PCollection[Reject])."""

    def __init__(self, kafka: Kafka, slot: int) -> None:
        super().__init__()
        self.kafka, self.slot = kafka, slot

    def expand(self, begin: Any) -> Any:
        through = _by_java if library_of(self.kafka) == "java" else _by_python
        made = beam.ParDo(ToBatches(tuple(sorted({*self.kafka.topics})))).with_output_types(RawBatch)
        outputs = through(begin, self.kafka, self.slot) | "Messages to batches" >> made.with_outputs(
            "rejects", main="batches"
        )
        outputs.rejects.element_type = Reject
        return outputs.batches, outputs.rejects


def _by_python(begin: Any, kafka: Kafka, slot: int) -> Any:
    kafka_io = _confluent()
    start = kafka.start if isinstance(kafka.start, str) else kafka.start.timestamp()
    config, secrets = for_workers(kafka)
    bounded = kafka.until == "end"
    found = begin | "Read Kafka" >> kafka_io.ReadKafka(kafka.topics, config, secrets, start, bounded, slot=slot)
    return found | "Time of reading" >> beam.Map(_as_of_now) if kafka.timestamps == "processing_time" else found


def _confluent() -> Any:
    """What reads and writes by confluent-kafka, which is an extra."""
    try:
        from xsieve.pipelines import kafka
    except ModuleNotFoundError:
        raise StreamIOError("Kafka by Python needs confluent-kafka: pip install 'xsieve[kafka]'") from None
    return kafka


def _as_of_now(messages: Any) -> TimestampedValue:
    return TimestampedValue(messages, time.time())


def _by_java(begin: Any, kafka: Kafka, slot: int) -> Any:
    from apache_beam.io.kafka import ReadFromKafka

    reset = "latest" if kafka.start == "latest" else "earliest"
    with _java_answers():
        found = begin | "Read Kafka" >> ReadFromKafka(
            {**JAVA_CONSUMER, **resolved(kafka), "auto.offset.reset": reset},
            list(kafka.topics),
            start_read_time=None if isinstance(kafka.start, str) else int(kafka.start.timestamp() * 1000),
            commit_offset_in_finalize=kafka.start == "committed",
            timestamp_policy=POLICIES[kafka.timestamps],
            with_metadata=True,
            expansion_service=kafka.expansion_service,
        )
    return found | "Messages together" >> beam.ParDo(Together(slot)).with_output_types(Messages)


@contextmanager
def _java_answers() -> Iterator[None]:
    """An expansion service quotes the options it was given, which hold what secrets stand for."""
    try:
        yield
    except Exception as error:
        raise StreamIOError(
            f"Beam's Java transforms for Kafka cannot be had here ({type(error).__name__}): expected Java, and its packages "
            "of Beam, or an expansion_service that answers; else through: python"
        ) from None


class Together(beam.DoFn):
    """Messages one by one -> Messages: those of a bundle together, by partition and slot of time."""

    def __init__(self, slot: int) -> None:
        self._slot = slot

    def start_bundle(self) -> None:
        self._held: dict[tuple[str, int, int], list[tuple[bytes | None, int]]] = {}
        self._latest: dict[tuple[str, int, int], Timestamp] = {}

    def process(self, message: Any, at: Any = beam.DoFn.TimestampParam) -> Iterator[TimestampedValue]:
        key = message.topic, message.partition, at.micros // (self._slot * 1_000_000)
        held = self._held.setdefault(key, [])
        held.append((message.value, message.offset))
        self._latest[key] = max(self._latest.get(key, at), at)
        if len(held) >= ENOUGH:
            yield TimestampedValue(self._together(key), self._latest[key])

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for key in list(self._held):
            yield WindowedValue(self._together(key), self._latest[key], [GlobalWindow()])

    def _together(self, key: tuple[str, int, int]) -> Messages:
        values, offsets = zip(*self._held.pop(key), strict=True)
        return Messages(values, *key[:2], offsets)


class ToBatches(beam.DoFn):
    """Messages -> RawBatch; Rejects beside them. ``topics`` are all that are read, in order: they number the sources."""

    def __init__(self, topics: tuple[str, ...]) -> None:
        self.topics = topics

    def process(self, told: Any) -> Iterator[Any]:
        with content_kept_in():
            source = source_number(self.topics, told.topic, told.partition)
            for found in batches(told.values, told.offsets, source):
                yield TaggedOutput("rejects", found) if isinstance(found, Reject) else found


# --- writing


class WriteTopic(beam.PTransform):
    """PCollection of RowBatch, StoreBatch or IdBatch -> a message a row, payload or id, without a key. At least once."""

    def __init__(self, kafka: KafkaSink, plan: Plan) -> None:
        super().__init__()
        self.kafka, self.plan = kafka, plan

    def expand(self, batches: PCollection) -> Any:
        by_java = library_of(self.kafka) == "java"
        made = beam.ParDo(ToMessages(self.plan))
        # Java takes no null for a key of bytes unless it is said that there may be one
        pairs = batches | "Batches to messages" >> made.with_output_types(Pair)
        if not by_java:
            write = _confluent().WriteKafka(self.kafka.topic, *for_workers(self.kafka))
            return pairs | "Write Kafka" >> beam.ParDo(write)
        from apache_beam.io.kafka import WriteToKafka

        with _java_answers():
            return pairs | "Write Kafka" >> WriteToKafka(
                resolved(self.kafka), self.kafka.topic, expansion_service=self.kafka.expansion_service
            )


class ToMessages(beam.DoFn):
    """A batch of what was sifted -> (no key, a JSON document) for each row and payload, a decimal number for each id."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def setup(self) -> None:
        self._lines = lines_of(self.plan)

    def process(self, batch: SiftedBatch) -> Iterator[Pair]:
        with content_kept_in():
            for line in self._lines(batch):
                yield None, line


def lines_of(plan: Plan) -> Callable[[Any], list[bytes]]:
    """What makes messages of a batch, by the kind of output."""
    if plan.kind == "rows":
        schema = schema_of(plan)
        encode = Jsonl(schema).encode
        return lambda batch: _lines(encode(columns_of(batch.rows, schema))) if len(batch.rows) else []
    if plan.kind == "ids":
        return lambda batch: [b"%d" % number for number in batch.ids.tolist()]
    return lambda batch: _lines(batch.lines)


def _lines(text: bytes) -> list[bytes]:
    return [line for line in text.split(b"\n") if line]


# --- options


def for_workers(kafka: Kafka | KafkaSink) -> tuple[dict[str, Any], dict[str, str]]:
    """Options as they are, and where workers find those that are secret: ``env:NAME`` or ``file:PATH``."""
    options = options_of(kafka)
    config = {name: value for name, value in options.items() if not isinstance(value, Secret)}
    return config, {name: _place(value) for name, value in options.items() if isinstance(value, Secret)}


def _place(secret: Secret) -> str:
    found = VARIABLE.fullmatch(secret.written)
    if not found:
        raise StreamIOError(f"{secret} is a secret with text beside it, which Python's client for Kafka does not take")
    return found[1] if found[1].startswith(FILE) else f"env:{found[1]}"


def resolved(kafka: Kafka | KafkaSink) -> Mapping[str, str]:
    """All options as texts, secrets filled in: Beam's Java transforms take nothing else. Raises SecretError."""
    return {name: _text(value) for name, value in options_of(kafka).items()}


def _text(value: object) -> str:
    if isinstance(value, Secret):
        return value.resolve()
    return str(value).lower() if isinstance(value, bool) else str(value)
