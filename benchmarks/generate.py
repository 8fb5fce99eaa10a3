"""Test data by the gigabyte: a block of distinct invented posts, repeated with fresh ids.

    python -m benchmarks.generate v1 1000 OUT.jsonl      # about 1,000 MB of v1.1 posts

Post ids are snowflakes that end in zeros; each round of the block fills in digits of its own, wherever the id
stands in the payload (also in links and nested posts). So all ids stay consistent with the time of their post
and with each other, and a gigabyte takes about a second.
"""

import argparse
import re
from pathlib import Path

from benchmarks.payloads import v1_line, v2_line
from benchmarks.posts import ROUND_DIGITS, Writer

START_MS = 1_583_020_800_000  # 2020-03-01
SPAN_MS = 30 * 86_400_000
POST_ID = re.compile(rb"(?<!\d)\d{%d}0{%d}(?!\d)" % (19 - ROUND_DIGITS, ROUND_DIGITS))


def block(shape: str, posts: int, seed: int) -> bytes:
    """Lines of ``posts`` invented posts of one shape (``v1``, ``v2``) in order of time, 2 % of them twice."""
    writer = Writer(seed, people=max(50, posts // 8), start_ms=START_MS)
    lines: list[bytes] = []
    for number in range(posts):
        if lines and writer.random.random() < 0.02:
            lines.append(writer.random.choice(lines[-1000:]))
            continue
        draft = writer.draft(START_MS + SPAN_MS * number // posts + writer.random.randrange(1000))
        roll = writer.random.random()
        lines.append(v1_line(draft, roll < 0.4) if shape == "v1" else v2_line(draft, roll < 0.12))
    return b"".join(lines)


def write(path: Path, shape: str, size: int, seed: int = 7, posts: int = 20_000) -> None:
    """Write at least ``size`` bytes of whole lines: the block again and again, each time with fresh ids."""
    lines = bytearray(block(shape, min(posts, max(200, size // 1000)), seed))
    places = [found.end() - ROUND_DIGITS for found in POST_ID.finditer(lines)]
    with path.open("wb") as out:
        for number in range(10**ROUND_DIGITS):
            fresh = digits_of(number)
            for place in places:
                lines[place : place + ROUND_DIGITS] = fresh
            left = size - out.tell()
            if left <= len(lines):
                out.write(lines[: lines.index(b"\n", left - 1) + 1])
                return
            out.write(lines)
    raise ValueError(f"more than {10**ROUND_DIGITS} rounds: ask for fewer bytes or more distinct posts")


def digits_of(number: int) -> bytes:
    """The digits of a round, different for each; few rounds end in 00, as ids do that were rounded."""
    return b"%0*d" % (ROUND_DIGITS, (number * 7919 + 4327) % 10**ROUND_DIGITS)


def main() -> None:
    """Command line: shape, megabytes, path."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("shape", choices=["v1", "v2"])
    parser.add_argument("megabytes", type=float)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    write(args.path, args.shape, int(args.megabytes * 1e6), args.seed)


if __name__ == "__main__":
    main()
