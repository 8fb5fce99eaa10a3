"""What files hold as bytes: opened on any file system, decompressed, in blocks of bounded size.

Nothing that a library says goes further than this: messages of file systems and decompressors hold paths and
bytes.
"""

import bz2
import codecs
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from xsieve.transforms.records.batch import Reason

STEP = 4096  # compressed bytes at a time: even 1 : 30,000, the most that zstd can do, stays near 100 MB
UTF8_MARK = codecs.BOM_UTF8
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class SourceError(Exception):
    """Sources that cannot be found or read. Names the user's own pattern or the number of a source."""


class Cut(Exception):  # noqa: N818 not an error of the program: what was read so far is good
    """A source that ends before its end, or cannot be read any further."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Compression(NamedTuple):
    """How a compression shows at the start of a file, and what undoes it."""

    name: str
    marks: tuple[bytes, ...]
    start: Callable[[], Any]  # an object with decompress(), eof and unused_data


def _zstd() -> Any:
    import zstandard  # heavy enough to leave out where nothing is compressed

    return zstandard.ZstdDecompressor().decompressobj()


COMPRESSIONS = (
    Compression("gzip", (b"\x1f\x8b",), lambda: zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)),
    Compression("zstd", (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16))), _zstd),
    Compression("bzip2", (b"BZh",), bz2.BZ2Decompressor),
    Compression("xz", (b"\xfd7zXZ\0",), lzma.LZMADecompressor),
)
NONE = "none"


def compression_of(head: bytes) -> str:
    """The name of the compression that a file begins with, or "none"."""
    return next((c.name for c in COMPRESSIONS if head.startswith(c.marks)), NONE)


def is_remote(path: str) -> bool:
    """Whether a path names a file system of its own (``gs://…``)."""
    return "://" in path


def opened(path: str) -> BinaryIO:
    """The bytes of a file as they lie there. Raises what its file system raises."""
    if not is_remote(path):
        return open(path, "rb", buffering=0)
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)


def blocks_of(file: BinaryIO, size: int) -> Iterator[bytes]:
    """What is left of a file, in blocks of at most ``size`` bytes."""
    while block := file.read(size):
        yield block


def decompressed(blocks: Iterable[bytes], compression: str) -> Iterator[bytes]:
    """The content of compressed blocks, of all streams in them. Raises Cut after all that is good."""
    start = next(c.start for c in COMPRESSIONS if c.name == compression)
    stream, between = start(), True  # between two streams, where padding may lie
    for block in blocks:
        for at in range(0, len(block), STEP):
            rest = block[at : at + STEP]
            while rest := rest.lstrip(b"\0") if between else rest:
                try:
                    yield stream.decompress(rest)
                except Exception:  # each library has its own
                    raise Cut(Reason.UNREADABLE) from None
                between, rest = stream.eof, stream.unused_data if stream.eof else b""
                stream = start() if between else stream
    if not between:
        raise Cut(Reason.TRUNCATED)


def resized(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in blocks of exactly ``size``, but for the last; all of them, also before a Cut."""
    held = bytearray()
    try:
        for block in blocks:
            held += block
            while len(held) >= size:
                yield bytes(held[:size])
                del held[:size]
    except Cut as cut:
        yield bytes(held)
        raise cut from None
    yield bytes(held)


def as_utf8(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Text as UTF-8 without a mark: line breaks stand in for a mark, and UTF-16 with a mark is recoded.

    The first block holds at least the mark. Offsets into recoded text count its bytes in UTF-8.
    """
    first = next(blocks, b"")
    if first.startswith(UTF16_MARKS):
        yield from _recoded(first, blocks)
        return
    if first.startswith(UTF8_MARK):
        first = b"\n" * len(UTF8_MARK) + first[len(UTF8_MARK) :]
    yield first
    yield from blocks


def _recoded(first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    yield decoder.decode(first).encode("utf-8", "surrogatepass")
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "surrogatepass")
    if decoder.getstate()[0]:
        raise Cut(Reason.TRUNCATED)
