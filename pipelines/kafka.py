"""Kafka as a source and a sink, over confluent-kafka: no Java, on every runner that splits work in Python.

A message is known by partition and offset. The group's offsets are committed for those who watch it; a job itself goes on
from its checkpoint or savepoint, and a fresh one from where ``start`` says. Messages come at least once: what must count
once is counted by what it is, not by when it came.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from xsieve.pipelines.kafka_client import COMMITTED, At, Client, KafkaError, Message, Reader

EVER = 2**62  # no partition comes to its end
MOST_MESSAGES, MOST_BYTES = 50_000, 64 << 20  # of one turn, after which others have theirs
MOST_SECONDS = 2.0  # of one turn: messages that come one by one must not hold up a checkpoint until there are that many
AHEAD_MS = 60_000  # that a producer's clock may be ahead of ours
FLUSH_SECONDS = 60  # that a broker has for all of a bundle
PAUSE = Duration(seconds=1)  # until a partition without news is looked at again
# Beam passes the first by position and the others by name, so it must come before them
FINALIZER = beam.DoFn.BundleFinalizerParam
TRACKER = beam.DoFn.RestrictionParam()
WATERMARK = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider())


class Partition(NamedTuple):
    """A part of a topic, which one reader at a time reads in order."""

    topic: str
    number: int


class Messages(NamedTuple):
    """Messages that follow each other in a partition, all of one slot of time: values as they came (None: a tombstone)."""

    values: tuple[bytes | None, ...]
    topic: str
    partition: int
    offsets: tuple[int, ...]


class ReadKafka(beam.PTransform):
    """The messages of topics, together where their times, which Kafka keeps, lie in one slot of time.

    ``config`` holds options by librdkafka's own names, with at least bootstrap.servers and group.id. ``secrets`` names, for
    options that must not be seen, where the workers find their values: ``env:NAME`` or ``file:PATH``. ``start`` is
    "committed" (the group's offsets, else the earliest message), "earliest", "latest", or a time in seconds since 1970.
    With ``bounded`` it ends where the topics end when it begins. ``disorder``: by how many seconds a message may be older
    than one before it in its partition. ``idle``: after so many seconds without a message at its very end, a partition
    holds back no other; whoever then brings older ones is late. ``slot``: seconds, of which every window downstream must be a
    multiple; the longer, the fewer elements. Partitions are those that exist when the job begins.
    """

    def __init__(
        self,
        topics: Iterable[str],
        config: Mapping[str, Any],
        secrets: Mapping[str, str] | None = None,
        start: At = COMMITTED,
        bounded: bool = False,
        disorder: float = 0.0,
        idle: float = 10.0,
        slot: float = 1.0,
    ) -> None:
        super().__init__()
        self.topics = sorted({*topics})
        self.client = Client.of(config, secrets or {})
        self.bounded = bounded
        self.how = _How(start, Duration(seconds=disorder), Duration(seconds=idle), int(slot * 1000))

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection[Messages]:
        read = _ReadToEnd if self.bounded else _ReadOn
        return (
            pbegin
            # without the shuffle that Create has by default: there is nothing to spread yet
            | "topics" >> beam.Create(self.topics, reshuffle=False)
            | "partitions" >> beam.ParDo(_Partitions(self.client)).with_output_types(Partition)
            | "messages" >> beam.ParDo(read(self.client, self.how)).with_output_types(Messages)
        )


class WriteKafka(beam.DoFn):
    """Writes (key, value) to a topic. A bundle is done when the broker has all of it: at least once."""

    def __init__(self, topic: str, config: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> None:
        self._topic, self._client = topic, Client.of({"group.id": "none", **config}, secrets or {})

    def setup(self) -> None:
        self._producer = self._client.producer()
        self._failed: list[str] = []

    def process(self, pair: tuple[bytes | None, bytes]) -> None:
        while True:
            try:
                self._producer.produce(self._topic, pair[1], key=pair[0], on_delivery=self._delivered)
                break
            except BufferError:  # full: wait until some are delivered
                self._producer.poll(0.1)
        self._producer.poll(0)

    def finish_bundle(self) -> None:
        left = self._producer.flush(FLUSH_SECONDS)
        failed, self._failed = self._failed, []
        if left or failed:
            why = failed[0] if failed else f"no answer within {FLUSH_SECONDS} s"
            raise KafkaError(f"topic {self._topic}: messages not delivered: {left + len(failed):,} ({why})")

    def _delivered(self, error: Any, _: Any) -> None:
        if error:
            self._failed.append(error.name())


class _How(NamedTuple):
    start: At
    disorder: Duration
    idle: Duration
    slot_ms: int


class _Partitions(beam.DoFn):
    """The partitions of a topic, as they are when the job begins."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def process(self, topic: str) -> Iterator[Partition]:
        for number in self._client.partitions(topic):
            yield Partition(topic, number)


class _Offsets(OffsetRestrictionTracker):
    """Offsets that are still to be read. Cut only where the reader stands: half of what has no end is no half."""

    def try_split(self, fraction_of_remainder: float) -> tuple[OffsetRange, OffsetRange] | None:
        return super().try_split(0) if fraction_of_remainder == 0 else None

    def is_bounded(self) -> bool:
        return self.stop_position() < EVER


class _Read(beam.DoFn, RestrictionProvider):
    """Reads a partition in turns: a turn ends when nothing is there or enough was read, so that bundles end."""

    bounded = True

    def __init__(self, client: Client, how: _How) -> None:
        self._client, self._how = client, how

    def initial_restriction(self, element: Partition) -> OffsetRange:
        first, end = self._client.bounds(*element, self._how.start)
        return OffsetRange(first, max(first, end) if self.bounded else EVER)

    def create_tracker(self, restriction: OffsetRange) -> _Offsets:
        return _Offsets(restriction)

    def restriction_size(self, _: Partition, restriction: OffsetRange) -> float:
        return float(min(restriction.size(), MOST_MESSAGES))

    def teardown(self) -> None:
        self._client.close()

    def _turn(self, element: Partition, finalizer: Any, tracker: Any, watermark: Any) -> Iterator[TimestampedValue]:
        left = tracker.current_restriction()
        latest, began, is_quiet = watermark.current_watermark(), Timestamp.now(), True
        with self._client.reader(*element, left.start) as reader:
            for found in _enough(reader, left.stop):
                if not tracker.try_claim(found[-1].offset):  # with the last go all before it
                    return
                for time, messages in _slots(found, self._how.slot_ms):
                    yield TimestampedValue(messages, time)
                    latest = max(latest or time, time)
                is_quiet = False
            _advance(watermark, latest and min(latest, Timestamp.now()) - self._how.disorder)
            if is_quiet and reader.is_at_end():
                _advance(watermark, began - self._how.idle)
            position = min(reader.position, left.stop)
        if position > left.start:
            finalizer.register(lambda: self._client.commit(*element, position))
        if position == left.stop:
            tracker.try_claim(position)  # what is left before the end are marks of transactions
        else:
            tracker.defer_remainder(PAUSE if is_quiet else Duration(0))


def _enough(reader: Reader, stop: int) -> Iterator[list[Message]]:
    """The messages of one turn before an offset, as they come."""
    count = size = 0
    end = time.monotonic() + MOST_SECONDS
    while reader.position < stop and count < MOST_MESSAGES and size < MOST_BYTES and time.monotonic() < end:
        found = [message for message in reader.next_messages() if message.offset < stop]
        if not found:
            return
        yield found
        count, size = count + len(found), size + sum(len(message.value or b"") for message in found)


def _slots(messages: list[Message], slot_ms: int) -> Iterator[tuple[Timestamp, Messages]]:
    """Messages by slots of time, each with its latest time.

    Kafka's times stay, so that a replay puts each message into the window where it was; but one that is ahead of all clocks
    counts as of now.
    """
    now_ms = Timestamp.now().micros // 1000
    times = [message.time_ms if 0 <= message.time_ms <= now_ms + AHEAD_MS else now_ms for message in messages]
    for _, group in groupby(zip(times, messages, strict=True), lambda timed: timed[0] // slot_ms):
        among, found = zip(*group, strict=True)
        place = found[0].topic, found[0].partition
        together = Messages(tuple(m.value for m in found), *place, tuple(m.offset for m in found))
        yield Timestamp(micros=max(among) * 1000), together


def _advance(watermark: Any, time: Timestamp | None) -> None:
    """Watermarks never go back."""
    now = watermark.current_watermark()
    if time is not None and (now is None or time > now):
        watermark.set_watermark(time)


class _ReadToEnd(_Read):
    """Reads up to the offsets at which the partitions ended when the job began."""

    def process(
        self, element: Partition, finalizer: Any = FINALIZER, tracker: Any = TRACKER, watermark: Any = WATERMARK
    ) -> Iterator[TimestampedValue]:
        yield from self._turn(element, finalizer, tracker, watermark)


class _ReadOn(_Read):
    """Reads without end."""

    bounded = False

    @beam.DoFn.unbounded_per_element()
    def process(
        self, element: Partition, finalizer: Any = FINALIZER, tracker: Any = TRACKER, watermark: Any = WATERMARK
    ) -> Iterator[TimestampedValue]:
        yield from self._turn(element, finalizer, tracker, watermark)
