"""Samples: n records drawn by a seed, the same whatever the order of the data and however it is split.

Each record gets a number from its key and the seed, and the n lowest are drawn. The lowest of a whole are among the lowest of
its parts, so a part may forget the others: ``draw(draw(a) | draw(b)) == draw(a | b)``.
"""

import hashlib
from collections.abc import Iterable
from heapq import nsmallest
from typing import NamedTuple

from xsieve.transforms.records.units import Key


class Sample(NamedTuple):
    """How many records are drawn, and the seed: another one draws others."""

    n: int
    seed: int = 0

    def rank(self, key: Key) -> bytes:
        """The place of a record in the order that the seed makes; as good as chance."""
        kind, number = key
        return hashlib.blake2b(f"{self.seed} {kind} {number}".encode(), digest_size=16).digest()

    def draw(self, keys: Iterable[Key]) -> set[Key]:
        """The records that are drawn; all where there are no more than n. Repeats are of one and the same record."""
        return set(nsmallest(self.n, set(keys), key=self.rank))
