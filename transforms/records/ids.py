"""Ids: what payloads are reduced to when they are dehydrated. Exact, of the posts, authors or DM events asked for.

``id_str`` is read before ``id``; a float is never taken for an id; where both are there and disagree, the text wins and the
disagreement is counted (rules, section 6: JavaScript and spreadsheets round ids to 53 bits).
"""

import time
from collections.abc import Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xsieve.transforms.records.batch import Reason
from xsieve.transforms.records.decode import Group, Line, Refused
from xsieve.transforms.records.families import Column, both_ids
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.shapes import Shape
from xsieve.transforms.records.sift import Needs, Posts, Sieve, contents_of
from xsieve.transforms.records.tally import Tally
from xsieve.transforms.records.times import EPOCH_MS

Ids = npt.NDArray[np.int64]
NO_IDS: Ids = np.empty(0, np.int64)

DAY_MS = 86_400_000
MAX_ID = 2**63 - 1
DOUBLE_SAFE = 2**53  # up to here a double holds every integer
ROUNDED_SHARE = (
    0.25  # exact ids end in 00 once in a hundred, those with sequence 0 once in 25; rounded ones nearly always
)
ROUNDED_AT_LEAST = 50  # of fewer ids the share says nothing

NEEDS: dict[str, tuple[tuple[str, str], ...]] = {
    "post": (("v1.post", "id_str"), ("v1.post", "id"), ("v2.post", "id"), ("activity.activity", "id")),
    "user": (
        ("v1.user", "id_str"),
        ("v1.user", "id"),
        ("v1.users_page", "users"),
        ("v2.user", "id"),
        ("v2.post", "author_id"),
        ("v2.user_page", "data"),
        ("activity.activity", "actor.id"),
    ),
    "dm": (
        ("v1.dm_event", "id"),
        ("v1.dm_legacy", "id_str"),
        ("v1.dm_legacy", "id"),
        ("v1.dm_answer", "event"),
        ("v1.dm_answer", "events"),
        ("v2.dm_event", "id"),
        ("v2.dm_page", "data"),
    ),
}
NESTED_NEEDS = (("v1.post", "quoted_status"), ("activity.activity", "twitter_quoted_status"))
HOLDS = {
    "post": frozenset({"post", "page"}),
    "user": frozenset({"post", "page", "user", "user_page"}),
    "dm": frozenset({"dm", "dm_page"}),
}


class Rounding(NamedTuple):
    """How many ids beyond 53 bits there were, and how many of them end in 00."""

    large: int = 0
    ending_00: int = 0

    def looks_rounded(self) -> bool:
        """Whether these ids went through a float somewhere: an exact id is not to be had from them."""
        return self.large >= ROUNDED_AT_LEAST and self.ending_00 / self.large > ROUNDED_SHARE


def rounding_of(ids: Ids) -> Rounding:
    """The evidence for or against rounded ids."""
    large = ids[ids > DOUBLE_SAFE]
    return Rounding(len(large), int(np.count_nonzero(large % 100 == 0)))


def latest_id() -> int:
    """The largest id that X can have given out by tomorrow."""
    return (int(time.time() * 1000) + DAY_MS - EPOCH_MS) << 22


def parse_id(text: Any, number: Any = None) -> int:
    """The id in ``id_str`` or, where that is missing, in ``id``. Raises Refused with NO_ID or BAD_ID."""
    value: Any = text or number
    if not value:
        raise Refused(Reason.NO_ID)
    if value.__class__ is str and value.isascii() and value.isdigit() and value[0] != "0" and len(value) < 20:
        value = int(value)
    if value.__class__ is not int or not 0 < value <= min(MAX_ID, latest_id()):
        raise Refused(Reason.BAD_ID)
    return value


def parse_ids(texts: Sequence[Any]) -> Ids | None:
    """Many ids at once; None if one of them needs a closer look."""
    if not texts:
        return NO_IDS
    try:
        digits, lengths = "".join(texts), set(map(len, texts))
        if not digits.isascii():
            return None
        if len(lengths) == 1 and 0 < lengths.pop() < 20:
            ids = _of_one_length(digits, len(texts))
        elif digits.isdigit() and "0" not in {text[0] for text in texts}:
            ids = np.fromiter(map(int, texts), np.int64, len(texts))
        else:
            return None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    # what is larger than int64 wraps around to less than zero
    return ids if ids is not None and ids.min() > 0 and ids.max() <= latest_id() else None


_POWERS = 10 ** np.arange(18, -1, -1, dtype=np.int64)


def _of_one_length(digits: str, count: int) -> Ids | None:
    """The numbers that these digits are, as many of them for each; None unless all are digits, and the first ones not 0.

    Ids of one year are of one length: as columns of digits they are read in a quarter of the time that ``int`` takes.
    """
    columns = np.reshape(np.frombuffer(digits.encode(), np.uint8), (count, -1)) - np.uint8(ord("0"))
    if columns.max() > 9 or not columns[:, 0].all():
        return None
    return columns @ _POWERS[-columns.shape[1] :]


class IdsSieve(Sieve[Ids]):
    """Dehydrates posts to the ids of posts or of their authors, users to theirs, DM events to theirs."""

    def __init__(self, plan: Plan) -> None:
        self.holds = HOLDS[plan.ids]  # type: ignore[misc]  # per plan, not per class
        super().__init__(plan)

    def needs(self) -> Needs:
        return (*NEEDS[self.plan.ids], *(NESTED_NEEDS if self.plan.nested else ()))

    def take(self, group: Group, tally: Tally) -> Ids:
        """The ids of a group, repeats included."""
        if group.shape.holds in ("post", "page"):
            return self._of_posts(self.posts_of(group, tally), group.shape, tally)
        group = self.trusted(group, tally)
        records: list[Any] = []
        lines: list[Line] = []
        for payload, line in zip(group.payloads, group.lines, strict=True):
            found = contents_of(payload, group.shape) if group.shape.posts else [payload]
            records += found
            lines += repeat(line, len(found))
        tally.read(len(records))
        if self.plan.ids == "user":
            reasons = [self.eye(group.shape).user_reason(user) for user in records]
            for reason in filter(None, reasons):
                tally.dropped(reason)
            records = [record for record, reason in zip(records, reasons, strict=True) if not reason]
            lines = [line for line, reason in zip(lines, reasons, strict=True) if not reason]
        return self._parse(*both_ids(records), lines, group.shape, tally)

    def join(self, contents: list[Ids]) -> Ids:
        return contents[0] if len(contents) == 1 else np.concatenate([NO_IDS, *contents])

    def _of_posts(self, posts: Posts, shape: Shape, tally: Tally) -> Ids:
        family = self.eye(shape).family
        records, lines = posts.posts, posts.lines
        if self.plan.nested:
            nested, more = self._nested(posts, shape, tally)
            records, lines = records + nested, lines + more
        texts, numbers = family.ids(records) if self.plan.ids == "post" else family.author_ids(records)
        return self._parse(texts, numbers, lines, shape, tally)

    def _nested(self, posts: Posts, shape: Shape, tally: Tally) -> tuple[list[Any], list[Line]]:
        """The posts that the posts repeat and quote, and those that their originals quote; less what is not public."""
        eye = self.eye(shape)
        found: list[Any] = []
        lines: list[Line] = []
        quotes = eye.family.quotes(posts.posts, posts.pages)
        for quote, page, line, original in zip(quotes, posts.pages, posts.lines, posts.originals, strict=True):
            beneath = eye.family.quotes([original], [page]) if original else []
            for other in filter(None, [original, quote, *beneath]):
                tally.read(1)
                if eye.reason(other, page):
                    tally.dropped("nested_nonpublic")
                else:
                    found.append(other)
                    lines.append(line)
        return found, lines

    def _parse(self, texts: Column, numbers: Column, lines: list[Line], shape: Shape, tally: Tally) -> Ids:
        ids = parse_ids(texts)
        if ids is None:
            ids = self._parse_one_by_one(texts, numbers, lines, shape, tally)
        else:
            if any(numbers) and numbers != (exact := ids.tolist()):
                pairs = zip(numbers, exact, strict=True)
                tally.noted("id_mismatch", sum(bool(number) and number != found for number, found in pairs))
        tally.passed(len(ids))
        return ids

    def _parse_one_by_one(self, texts: Column, numbers: Column, lines: list[Line], shape: Shape, tally: Tally) -> Ids:
        found: list[int] = []
        for text, number, line in zip(texts, numbers, lines, strict=True):
            try:
                found.append(parse_id(text, number))
            except Refused as refused:
                tally.reject(line, Refused(refused.reason, shape.name))
                continue
            if text and number and number != found[-1]:
                tally.noted("id_mismatch")
        return np.array(found, np.int64)
