"""Topics of a Kafka broker: made, filled and read whole."""

import time
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

QUIET = {"log_level": 0}


class Sent(NamedTuple):
    """A message to produce. ``time_ms``: milliseconds since 1970 as the producer says it, or None for now."""

    value: bytes | None
    time_ms: int | None = None
    partition: int | None = None
    key: bytes | None = None


def create(bootstrap: str, topic: str, partitions: int = 2, **config: str) -> str:
    """Makes a topic, which must not exist; its name. ``config`` has Kafka's options with underscores for dots."""
    admin = AdminClient({"bootstrap.servers": bootstrap, **QUIET})  # its futures end with it
    options = {name.replace("_", "."): value for name, value in config.items()}
    admin.create_topics([NewTopic(topic, partitions, 1, config=options)])[topic].result(20)
    return topic


@cache
def _producer(bootstrap: str) -> Producer:
    """One for all messages to a broker: to meet it anew for each takes longer than to send it."""
    return Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "enable.idempotence": True, **QUIET})


def produce(bootstrap: str, topic: str, messages: Iterable[Sent]) -> int:
    """Writes messages and waits until the broker has them; how many there were."""
    producer = _producer(bootstrap)
    failed: list[object] = []
    count = 0
    for count, sent in enumerate(messages, 1):  # noqa: B007
        place = {} if sent.partition is None else {"partition": sent.partition}
        when = {} if sent.time_ms is None else {"timestamp": sent.time_ms}
        producer.produce(
            topic, sent.value, key=sent.key, on_delivery=lambda e, _: e and failed.append(e), **place, **when
        )
        producer.poll(0)
    assert producer.flush(30) == 0, "the broker did not take all messages"
    assert not failed, failed
    return count


def consume(bootstrap: str, topic: str, count: int = 0, seconds: float = 0.0) -> list[Message]:
    """What a topic holds, partition by partition; waits up to ``seconds`` until there are ``count`` messages."""
    end = time.monotonic() + seconds
    while len(found := _read(bootstrap, topic)) < count and time.monotonic() < end:
        time.sleep(0.5)
    return found


def _read(bootstrap: str, topic: str) -> list[Message]:
    settings = {"bootstrap.servers": bootstrap, "group.id": "look", "isolation.level": "read_committed", **QUIET}
    consumer = Consumer({**settings, "enable.auto.commit": False, "enable.partition.eof": True})
    found: list[Message] = []
    for partition in sorted(consumer.list_topics(topic, 10).topics[topic].partitions):
        consumer.assign([TopicPartition(topic, partition, 0)])
        while (message := consumer.poll(10)) is not None and message.error() is None:
            found.append(message)
    consumer.close()
    return found
