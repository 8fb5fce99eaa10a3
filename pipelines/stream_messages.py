"""Messages as batches of lines: what a topic, a subscription or a table holds, one JSON document a line.

A message holds a payload, in whatever arrangement, or several. One that holds none costs one reject. Rejects name the number
of the source and the offset of the message there.
"""

from collections.abc import Iterable, Iterator, Sequence

from xsieve.pipelines.readers import BATCH_BYTES, MAX_PAYLOAD, STAGE
from xsieve.pipelines.streams import Cut, as_utf8
from xsieve.transforms.records.batch import RawBatch, Reason, Reject
from xsieve.transforms.records.documents import Framer, unfold
from xsieve.transforms.records.shapes import UNKNOWN

RECORD = "record"


def source_number(topics: Sequence[str], topic: str, partition: int) -> int:
    """The number of a partition among the partitions of all topics. It stays when partitions are added."""
    return partition * len(topics) + topics.index(topic)


def source_name(topics: Sequence[str], number: int) -> str:
    """What a number means, for the operator's eyes only."""
    partition, topic = divmod(number, len(topics))
    return f"{topics[topic]}, partition {partition}"


def documents(value: bytes | None, max_payload: int = MAX_PAYLOAD) -> list[bytes] | Reason:
    """The documents of a message, each on a line; or why there are none."""
    if value is None:
        return Reason.NOT_JSON
    if len(value) > max_payload:
        return Reason.TOO_LARGE
    if value.startswith(b"{") and value.endswith(b"}") and b"\n" not in value:  # as nearly all are: nothing to be done
        return [value]
    try:
        text = b"".join(as_utf8(iter([value]))).strip()
    except Cut as cut:
        return cut.reason
    if not text:
        return Reason.NOT_JSON
    if b"\n" in text:
        text = Framer().feed(text)
    elif not text.startswith(b"["):
        return [text]
    lines = [line for framed in text.split(b"\n") for line in unfold(framed).split(b"\n")]
    return [line for line in lines if line.strip()] or [text.strip() or b"[]"]


def batches(
    values: Iterable[bytes | None], offsets: Iterable[int], source: int, batch_bytes: int = BATCH_BYTES
) -> Iterator[RawBatch | Reject]:
    """Messages of one source, in order. Those that follow each other come as one batch, in which the line tells the offset."""
    held: list[bytes] = []
    first = size = 0
    for value, offset in zip(values, offsets, strict=True):
        if held and (offset != first + len(held) or size >= batch_bytes):
            yield from _batch(held, source, first)
            held, size = [], 0
        if not held:
            first = offset
        found = documents(value)
        if isinstance(found, list) and len(found) == 1:
            held.append(found[0])
            size += len(found[0])
            continue
        held.append(b"")  # so that the lines after it tell their offsets
        if isinstance(found, list):
            yield from (RawBatch(line, source, offset, RECORD) for line in found)
        else:
            yield Reject(found, STAGE, UNKNOWN.name, source, offset, RECORD)
    yield from _batch(held, source, first)


def _batch(lines: list[bytes], source: int, first: int) -> Iterator[RawBatch]:
    if any(lines):
        yield RawBatch(b"\n".join(lines).rstrip(b"\n"), source, first, RECORD)
