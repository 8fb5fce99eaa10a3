"""Framing: text that holds JSON documents in whatever arrangement becomes one document a line.

Tools save payloads pretty-printed, as elements of an array, several documents one after another, on one huge
line, with headings in between. A framer takes such text chunk by chunk and writes it again, each byte in its
place: a line break inside a document becomes a space, what separates documents becomes line breaks. Offsets
stay what they were, and what follows sees lines only. Nothing is parsed or validated here: whoever decodes
the lines counts what is not a document.

Only whole objects that stand alone become lines of their own. What shares its line with anything else (half a
document, a heading) stays on that line and falls with it: no fragment of a payload must pass for a payload.
"""

from collections.abc import Iterator
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

NEWLINE, SPACE, QUOTE, BACKSLASH, OPEN, CLOSE = b'\n "\\{}'
BLANK = b" \t\r\n"
# What may stand between documents; the letters are those of null, written for what a tool did not get
SEPARATORS = BLANK + b",[]nul"
# What comes before an object inside of another one: a line that opens one after anything else begins anew
GOES_ON = b"[:,"


class Framer:
    """Frames a text, fed in chunks of any size. How it is cut makes no difference to its lines."""

    def __init__(self) -> None:
        self._depth = 0
        self._quoted = False  # inside a string
        self._escaped = False  # after an odd run of backslashes
        self._before = NEWLINE  # the last byte
        self._before_blanks = NEWLINE  # the last byte that is not blank
        self._spoiled = False  # on a line that holds something else than documents and separators
        self._closed = False  # the last byte closed a document

    @property
    def unfinished(self) -> bool:
        """Whether the text so far ends inside a document."""
        return self._depth > 0

    def feed(self, chunk: bytes) -> bytes:
        """The chunk, framed: as long as it was, and a line break longer where two documents touch."""
        if not chunk:
            return chunk
        at, kind = self._outside_strings(chunk)
        fresh = self._fresh(chunk, at, kind)
        depth, above = self._depths(kind, fresh)
        framed = bytearray(chunk)
        _view(framed)[at[(kind == NEWLINE) & (depth > 0)]] = SPACE
        edges = ((kind == OPEN) & (depth == 1)) | ((kind == CLOSE) & (above == 1))
        breaks = self._between(framed, zip(at[edges].tolist(), (kind[edges] == OPEN).tolist(), strict=True))
        self._depth = int(depth[-1]) if len(depth) else self._depth
        self._before = chunk[-1]
        self._before_blanks = (chunk.rstrip(BLANK) or bytes([self._before_blanks]))[-1]
        return _broken_at(framed, breaks)

    def _outside_strings(self, chunk: bytes) -> tuple[Numbers, Bytes]:
        """Where braces and line breaks lie outside of strings, and which is which.

        A line break ends a string, for JSON has none inside: a string that was cut off spoils only its line.
        """
        text = self._without_escapes(chunk)
        at = np.flatnonzero((text == QUOTE) | (text == NEWLINE) | (text == OPEN) | (text == CLOSE))
        if not len(at):
            return at, text[at]
        kind = text[at]
        quotes = np.cumsum(kind == QUOTE, dtype=np.int64) + self._quoted
        quoted = (quotes - np.maximum.accumulate(np.where(kind == NEWLINE, quotes, 0))) & 1
        self._quoted = bool(quoted[-1])
        outside = (kind != QUOTE) & (quoted == 0)
        return at[outside], kind[outside]

    def _without_escapes(self, chunk: bytes) -> Bytes:
        """The chunk, with blanks for the quotes that are escaped."""
        text = np.frombuffer(bytearray(chunk), np.uint8)
        if self._escaped and chunk[0] in b'"\\':
            text[0] = SPACE
        slashes = np.flatnonzero(text == BACKSLASH)
        order = np.arange(len(slashes))
        first = np.diff(slashes, prepend=-2) > 1  # of a run of backslashes, every second of which is escaped
        escaped = 1 + slashes[(order - np.maximum.accumulate(np.where(first, order, 0))) & 1 == 0]
        self._escaped = bool(len(escaped)) and int(escaped[-1]) == len(chunk)
        escaped = escaped[: len(escaped) - self._escaped]
        text[escaped[text[escaped] == QUOTE]] = SPACE
        return text

    def _fresh(self, chunk: bytes, at: Numbers, kind: Bytes) -> Flags:
        """Which braces certainly begin a document, even where the one before was cut off."""
        fresh = np.zeros(len(at), np.bool_)
        before = _view(bytes([self._before]) + chunk[:-1])
        candidates = np.flatnonzero((kind == OPEN) & (before[at] == NEWLINE))
        for number, place in zip(candidates.tolist(), at[candidates].tolist(), strict=True):
            fresh[number] = self._last_before(chunk, place) not in GOES_ON
        return fresh

    def _last_before(self, chunk: bytes, place: int) -> int:
        for byte in reversed(memoryview(chunk)[:place]):
            if byte not in BLANK:
                return byte
        return self._before_blanks

    def _depths(self, kind: Bytes, fresh: Flags) -> tuple[Numbers, Numbers]:
        """How many braces are open after each mark, and before it: never below 0, 1 after a fresh brace."""
        sums = np.cumsum((kind == OPEN).astype(np.int64) - (kind == CLOSE))
        # The depth is the sum less the lowest sum so far. A fresh brace starts that over: all sums from there
        # on are shifted so far down that none from before it can be the lowest
        shift = np.cumsum(fresh) * (len(kind) + self._depth + 2)
        lowest = np.minimum.accumulate(np.concatenate(([-self._depth], sums - fresh - shift)))[1:] + shift
        depth = sums - lowest
        above = np.concatenate(([self._depth], depth[:-1]))
        return depth, above

    def _between(self, framed: bytearray, edges: Iterator[tuple[int, bool]]) -> list[int]:
        """Frames what lies between the documents. Returns where a line break is lacking."""
        lacking: list[int] = []
        after = None if self._depth else 0  # where what lies between documents begins; None inside a document
        closed = self._closed
        for place, opens in edges:
            if not opens:
                after, closed = place + 1, True
                continue
            if after is None:
                # the document before this one was cut off, and its last line break became a space
                self._spoiled = False
                if place:
                    framed[place - 1] = NEWLINE
                else:
                    lacking.append(place)
            elif after < place:
                self._frame_gap(framed, after, place)
            elif closed and not self._spoiled:
                lacking.append(place)
            after = None
        if after is not None and after < len(framed):
            self._frame_gap(framed, after, len(framed))
        self._closed = after == len(framed)
        return lacking

    def _frame_gap(self, framed: bytearray, start: int, end: int) -> None:
        gap = bytes(framed[start:end])
        if gap == b"\n":
            self._spoiled = False
        elif self._spoiled or gap.strip(SEPARATORS):
            framed[start:end] = b"\n".join(self._lines_of_gap(gap))
        else:
            framed[start:end] = b"\n" * len(gap)

    def _lines_of_gap(self, gap: bytes) -> Iterator[bytes]:
        for number, line in enumerate(gap.split(b"\n")):
            self._spoiled = self._spoiled and not number
            if self._spoiled:
                yield line
            else:
                rest = line.lstrip(SEPARATORS)
                self._spoiled = bool(rest)
                yield b"\n" * (len(line) - len(rest)) + rest


def is_lines(head: bytes) -> bool:
    """Whether a text that begins like this has one document a line: framing makes none that is not a line.

    Broken lines do not count against it, although framing may add the next line to them.
    """
    framer = Framer()
    framed = _stripped(framer.feed(head))
    lines = frozenset(_stripped(head))
    if not framed:
        return not lines
    made = [line for line in framed if line not in lines]
    if framer.unfinished and made and made[-1] is framed[-1]:
        # it is longer than what is seen of it; unless it is a broken line, and others are whole
        return not any(map(_is_json, made[:-1])) and any(map(_is_object, head.split(b"\n")))
    return not any(map(_is_json, made))


def unfold(line: bytes) -> bytes:
    """A line that is an array of documents (or of none), as a line for each; any other line as it is."""
    text = line.strip(BLANK)
    if not (text.startswith(b"[") and text.endswith(b"]")):
        return line
    framer = Framer()
    framed = framer.feed(line)
    whole = all(each.startswith(b"{") and each.endswith(b"}") for each in _stripped(framed))
    return framed if whole and not framer.unfinished else line


def unfold_lines(lines: bytes) -> bytes:
    """Lines, with those that begin with a bracket unfolded; each byte stays in its place."""
    if not (lines.startswith(b"[") or b"\n[" in lines):
        return lines
    return b"\n".join(unfold(line) for line in lines.split(b"\n"))


def _is_json(line: bytes) -> bool:
    try:
        return bool(msgspec.json.decode(line, type=msgspec.Raw))
    except (msgspec.MsgspecError, RecursionError):
        return False


def _is_object(line: bytes) -> bool:
    return line.startswith(b"{") and _is_json(line)


def _stripped(text: bytes) -> list[bytes]:
    return [stripped for line in text.split(b"\n") if (stripped := line.strip(BLANK))]


def _view(text: bytes | bytearray) -> Bytes:
    return np.frombuffer(text, np.uint8)


def _broken_at(text: bytearray, places: list[int]) -> bytes:
    if not places:
        return bytes(text)
    bounds = [0, *places, len(text)]
    return b"\n".join(text[start:end] for start, end in pairwise(bounds))
