"""Reading: a piece of a source as batches of lines, one JSON document a line, whatever the file looks like.

Blocks go through whole: what is done to a line-delimited file is to cut each block at its last line break.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import cache
from typing import BinaryIO

from xsieve.pipelines.sources import AVRO, DOCUMENTS, PARQUET, Piece, Source
from xsieve.pipelines.streams import NONE, Cut, SourceError, as_utf8, blocks_of, decompressed, opened, resized
from xsieve.transforms.records.batch import RawBatch, Reason, Reject
from xsieve.transforms.records.documents import Framer
from xsieve.transforms.records.shapes import UNKNOWN

STAGE = "read"
BATCH_BYTES = 1 << 20
MAX_PAYLOAD = 32 << 20
KEPT_MEMORY = 16 << 20
LOOK = 1 << 16  # bytes at a time where only a line break is looked for

Read = Iterator[RawBatch | Reject]


def read(piece: Piece, batch_bytes: int = BATCH_BYTES, max_payload: int = MAX_PAYLOAD) -> Read:
    """The payloads of a piece in batches of about ``batch_bytes``, and a reject for each that cannot be read.

    A payload of more than ``max_payload`` bytes is rejected without being held. Raises SourceError where the
    source can no longer be read.
    """
    keep_memory()
    source = piece.source
    if source.format in (AVRO, PARQUET):
        from xsieve.pipelines.containers import read_records  # pyarrow is heavy

        return read_records(source, batch_bytes, max_payload)
    return _read_text(piece, min(batch_bytes, max_payload), max_payload)


@cache
def keep_memory() -> None:
    """Has the process keep the memory of one batch for the next, which reads lines at six times the speed.

    The C library of Linux gives back what is freed, so that each batch would begin by asking for fresh pages,
    unless something larger was freed before (mallopt(3), M_MMAP_THRESHOLD). That is never written to, and so
    takes no memory itself.
    """
    bytes(KEPT_MEMORY)


def _read_text(piece: Piece, size: int, max_payload: int) -> Read:
    source = piece.source
    with closing(open_source(source)) as file:
        if piece.end is not None:
            before = _guarded(file, source, max(piece.start - 1, 0), LOOK)
            start = first_line(before, piece.start, piece.end)
            blocks = until(_guarded(file, source, start, size), start, piece.end)
        else:
            start, blocks = 0, _guarded(file, source, 0, size)
            if source.compression != NONE:
                blocks = resized(decompressed(blocks, source.compression), size)
        if start == 0:
            blocks = as_utf8(blocks)
        yield from gather(blocks, source.number, start, source.format == DOCUMENTS, max_payload)


def open_source(source: Source) -> BinaryIO:
    """The bytes of a source. Raises SourceError."""
    try:
        return opened(source.path)
    except Exception:  # each file system has its own
        raise SourceError(f"source {source.number} can no longer be opened") from None


def _guarded(file: BinaryIO, source: Source, start: int, size: int) -> Iterator[bytes]:
    try:
        file.seek(start)
        yield from blocks_of(file, size)
    except Exception:
        raise SourceError(f"source {source.number} can no longer be read") from None


def first_line(blocks: Iterable[bytes], start: int, end: int) -> int:
    """Where the first line begins at or after ``start``; ``end`` or more if none begins before it.

    ``blocks`` begin one byte earlier, for a line break there makes a line begin at ``start``.
    """
    if not start:
        return 0
    position = start - 1
    for block in blocks:
        after = block.find(b"\n") + 1
        if after:
            return position + after
        position += len(block)
        if position >= end:
            break
    return max(position, start)


def until(blocks: Iterable[bytes], position: int, end: int) -> Iterator[bytes]:
    """The blocks, which begin at ``position``, up to the end of the line with the byte before ``end``."""
    if position >= end:
        return
    for block in blocks:
        last = end - 1 - position
        if last < len(block):
            after = block.find(b"\n", max(last, 0)) + 1
            if after:
                yield block[:after]
                return
        yield block
        position += len(block)
    if position < end:
        raise Cut(Reason.TRUNCATED)


def gather(blocks: Iterable[bytes], source: int, position: int, framed: bool, max_payload: int) -> Read:
    """Blocks of text, of which none is larger than ``max_payload``, as batches of whole lines.

    ``position`` is the offset of the first block. Text to be ``framed`` holds documents in any arrangement.
    """
    lines = _Lines(source, position, Framer() if framed else None, max_payload)
    try:
        for block in blocks:
            yield from lines.feed(block)
    except Cut as cut:
        yield from lines.end(cut.reason)
    else:
        yield from lines.end()


class _Lines:
    """Puts together the lines that lie across blocks."""

    def __init__(self, source: int, position: int, framer: Framer | None, max_payload: int) -> None:
        self._source = source
        self._position = position  # of what comes next
        self._framer = framer
        self._max = max_payload
        self._held: list[bytes] = []  # the begin of a line whose end has not come yet
        self._size = 0  # of what is held
        self._too_large = False  # in a line that is rejected already

    def feed(self, block: bytes) -> Read:
        start = self._position - self._size
        text = self._framer.feed(block) if self._framer else block
        first = text.find(b"\n") + 1
        if not self._too_large and self._size + (first or len(text)) > self._max:
            yield self._reject(Reason.TOO_LARGE)
            self._too_large, self._held, self._size = True, [], 0
        if self._too_large:
            self._too_large = not first
            start = self._position + first
            text = text[first:] if first else b""
        self._position += len(block)
        cut = text.rfind(b"\n") + 1
        if cut:
            yield self._batch(b"".join((*self._held, memoryview(text)[:cut])), start)
            self._held, self._size, text = [], 0, text[cut:]
        self._held.append(text)
        self._size += len(text)

    def end(self, why: Reason | None = None) -> Read:
        """What is left after the last block; ``why`` where there should have been more."""
        if self._framer and self._framer.unfinished and not self._too_large:
            why = why or Reason.TRUNCATED
        last = b"".join(self._held)
        if why:
            yield self._reject(why)
        elif last.strip():
            yield self._batch(last, self._position - self._size)

    def _batch(self, lines: bytes, start: int) -> RawBatch:
        return RawBatch(lines, self._source, start, arrays=not self._framer)

    def _reject(self, reason: Reason) -> Reject:
        return Reject(reason, STAGE, UNKNOWN.name, self._source, self._position - self._size)
