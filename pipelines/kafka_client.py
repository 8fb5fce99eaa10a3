"""What is asked of a Kafka broker: where partitions begin and end, and their messages in order.

Options pass to librdkafka by its own names. What it says of errors goes no further than the error's name.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka import KafkaError as Code

COMMITTED, EARLIEST, LATEST = "committed", "earliest", "latest"
Value = TypeVar("Value")
At = Literal["committed", "earliest", "latest"] | float
NEEDED = ("bootstrap.servers", "group.id")
OURS = {  # what reading in checkpoints rests on
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "error",  # a message that is gone is said, never passed over
}
CONSUMER = {
    "isolation.level": "read_committed",
    "queued.max.messages.kbytes": 16384,  # of each partition, in memory
    "fetch.queue.backoff.ms": 20,  # once that much was held; a second, as the library has it, ends a turn before its time
}
BY_DEFAULT = {"log_level": 0}
PRODUCER = {"enable.idempotence": True, "linger.ms": 5, "delivery.report.only.error": True}
WAIT = 20.0  # seconds for a broker to answer
LOOK = 0.25  # seconds until there is nothing for now
AT_ONCE = 1000  # messages taken from the client in one call
PASSING = {  # what brokers say while they change places or start
    *(Code._TRANSPORT, Code._ALL_BROKERS_DOWN, Code._TIMED_OUT, Code.REQUEST_TIMED_OUT),
    *(Code.NOT_COORDINATOR, Code.COORDINATOR_NOT_AVAILABLE, Code.COORDINATOR_LOAD_IN_PROGRESS),
    *(Code.LEADER_NOT_AVAILABLE, Code.NOT_LEADER_FOR_PARTITION, Code.UNKNOWN_LEADER_EPOCH, Code.FENCED_LEADER_EPOCH),
}
GONE = "Kafka no longer has what comes next; to go on without it, begin anew with another start"


class KafkaError(Exception):
    """What a broker refuses or a client is set up wrong for. Names topics, options and codes; never a message."""


class Message(NamedTuple):
    """A message: its value as it came (None: a tombstone), where it lies, and its time in ms since 1970 (-1: none)."""

    value: bytes | None
    topic: str
    partition: int
    offset: int
    time_ms: int


class Client(NamedTuple):
    """How brokers are reached; travels to the workers, without the values of secrets."""

    config: tuple[tuple[str, Any], ...]
    secrets: tuple[tuple[str, str], ...]  # option -> env:NAME or file:PATH

    @classmethod
    def of(cls, config: Mapping[str, Any], secrets: Mapping[str, str]) -> "Client":
        """Raises KafkaError for options that are missing, or are not the user's to set."""
        if missing := [name for name in NEEDED if name not in config]:
            raise KafkaError(f"Kafka: {', '.join(missing)} must be given")
        if refused := sorted({*OURS} & {*config, *secrets}):
            raise KafkaError(f"Kafka: {', '.join(refused)} cannot be set: xsieve keeps its own place; use start")
        if bad := sorted(name for name, place in secrets.items() if not place.startswith(("env:", "file:"))):
            raise KafkaError(f"Kafka: secrets.{bad[0]}: expected env:NAME or file:PATH, where workers find the value")
        return cls(tuple(sorted(config.items())), tuple(sorted(secrets.items())))

    def options(self) -> dict[str, Any]:
        """All options with the values of secrets, as the library wants them."""
        return {**BY_DEFAULT, **dict(self.config), **{name: _secret(name, place) for name, place in self.secrets}}

    def consumer(self) -> Consumer:
        return _made(Consumer, {**CONSUMER, **self.options(), **OURS})

    def producer(self) -> Producer:
        options = {name: value for name, value in self.options().items() if name not in ("group.id", *CONSUMER)}
        return _made(Producer, {**PRODUCER, **options})

    def partitions(self, topic: str) -> list[int]:
        """The numbers of a topic's partitions. Raises KafkaError if there is no such topic."""
        with _asking(self, f"topic {topic}") as consumer:
            found = consumer.list_topics(topic, WAIT).topics[topic]
            if found.error or not found.partitions:
                raise KafkaError(f"topic {topic}: {found.error.name() if found.error else 'has no partitions'}")
            return sorted(found.partitions)

    def bounds(self, topic: str, partition: int, start: At) -> tuple[int, int]:
        """The offset to start at, and the one that the next message will have."""
        with _asking(self, f"topic {topic}, partition {partition}") as consumer:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), WAIT)
            if start in (EARLIEST, LATEST):
                return (low if start == EARLIEST else high), high
            if start == COMMITTED:
                (found,) = _patiently(lambda: consumer.committed([TopicPartition(topic, partition)], WAIT))
                if found.offset >= 0 and not low <= found.offset <= high:
                    raise KafkaError(f"topic {topic}, partition {partition}, offset {found.offset}: {GONE}")
                return max(found.offset, low), high
            wanted = TopicPartition(topic, partition, int(float(start) * 1000))
            (found,) = consumer.offsets_for_times([wanted], WAIT)
            return (found.offset if found.offset >= 0 else high), high  # high: nothing is that young

    @contextmanager
    def reader(self, topic: str, partition: int, offset: int) -> Iterator["Reader"]:
        """A reader that stands at an offset."""
        with self._borrowed(topic, partition) as reader:
            reader.seek(offset)
            yield reader

    def commit(self, topic: str, partition: int, offset: int) -> None:
        """Tells the group how far this is, for those who watch it: nothing here depends on it."""
        with contextlib.suppress(KafkaException, KafkaError), self._borrowed(topic, partition) as reader:
            reader.commit(offset)

    @contextmanager
    def _borrowed(self, topic: str, partition: int) -> Iterator["Reader"]:
        """A reader of a partition that nobody else uses; kept for the next if all goes well."""
        key = (self, topic, partition)
        with _lock:
            reader = _idle.pop(key, None)
        reader = reader or Reader(self.consumer(), topic, partition)
        try:
            yield reader
        except BaseException:  # also where Beam gives up the turn
            reader.close()
            raise
        with _lock:
            other, _idle[key] = _idle.get(key), reader
        if other:
            other.close()

    def close(self) -> None:
        """Closes the readers that nobody uses now."""
        with _lock:
            mine = [_idle.pop(key) for key in [key for key in _idle if key[0] == self]]
        for reader in mine:
            reader.close()


class Reader:
    """A consumer of one partition. Knows where it stands, also behind marks that are no messages."""

    def __init__(self, consumer: Consumer, topic: str, partition: int) -> None:
        self._consumer, self._topic, self._partition = consumer, topic, partition
        self.position = -1

    def seek(self, offset: int) -> None:
        if offset != self.position:
            self._consumer.assign([TopicPartition(self._topic, self._partition, offset)])
            self.position = offset

    def next_messages(self) -> list[Message]:
        """What comes next, in order; nothing if there is nothing for now. Raises KafkaError."""
        found: list[Message] = []
        end = time.monotonic() + LOOK
        while not found and (left := end - time.monotonic()) > 0:
            for raw in self._consumer.consume(AT_ONCE, min(left, 0.05)):
                error = raw.error()
                if error is None:
                    found.append(self._message(raw))
                    self.position = raw.offset() + 1
                elif error.code() == Code._PARTITION_EOF:
                    self.position = max(self.position, raw.offset())
                    left = 0
                elif error.code() not in PASSING:
                    where = f"topic {self._topic}, partition {self._partition}, offset {self.position}"
                    raise KafkaError(f"{where}: {GONE if error.code() == Code._AUTO_OFFSET_RESET else error.name()}")
            if not left:
                break
        return found

    def commit(self, offset: int) -> None:
        self._consumer.commit(offsets=[TopicPartition(self._topic, self._partition, offset)], asynchronous=False)

    def is_at_end(self) -> bool:
        """Whether the broker says, now, that nothing comes after the position; False if it does not answer."""
        try:
            place = TopicPartition(self._topic, self._partition)
            return self._consumer.get_watermark_offsets(place, WAIT)[1] <= self.position
        except KafkaException:
            return False

    def close(self) -> None:
        self._consumer.close()

    def _message(self, raw: Any) -> Message:
        kind, time_ms = raw.timestamp()
        return Message(raw.value(), self._topic, self._partition, raw.offset(), time_ms if kind else -1)


_lock = threading.Lock()
_idle: dict[tuple[Client, str, int], Reader] = {}  # of this process, between turns


@contextmanager
def _asking(client: Client, what: str) -> Iterator[Consumer]:
    consumer = client.consumer()
    try:
        yield consumer
    except KafkaException as error:
        raise KafkaError(f"{what}: {error.args[0].name()}") from None
    finally:
        consumer.close()


def _patiently(ask: Callable[[], Value]) -> Value:
    """What a broker answers once it has found its place."""
    end = time.monotonic() + WAIT
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in PASSING or time.monotonic() > end:
                raise
            time.sleep(LOOK)


def _made(kind: Any, options: dict[str, Any]) -> Any:
    try:
        return kind(options)
    except (KafkaException, TypeError, ValueError) as error:
        code = error.args[0].name() if isinstance(error, KafkaException) else "a value of the wrong type"
        names = ", ".join(sorted({*options} - {*OURS, *CONSUMER, *BY_DEFAULT}))
        raise KafkaError(f"Kafka does not take these options ({names}): {code}") from None


def _secret(name: str, place: str) -> str:
    how, _, where = place.partition(":")
    try:
        return os.environ[where] if how == "env" else open(where, encoding="utf-8").read().strip()
    except (KeyError, OSError, ValueError):
        raise KafkaError(f"Kafka: secrets.{name}: {place} cannot be read on this worker") from None
