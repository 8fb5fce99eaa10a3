"""The tally of a batch: everything that happened to its records is counted here, and nothing is counted elsewhere.

read = out + dropped + rejected. Records are the posts of a page, and other payloads themselves; a payload that cannot be
handled is one read and one rejected. Notes (mistyped leaves, unknown visibility …) stand beside the balance.
"""

from collections import Counter

from xsieve.transforms.records.batch import RawBatch, Reason, Reject
from xsieve.transforms.records.decode import Line, Refused

READ, OUT, DROPPED, REJECTED, NOTED = "read", "out", "dropped", "rejected", "noted"
Counts = Counter[tuple[str, str]]  # (READ | OUT | DROPPED | REJECTED | NOTED, reason or "") -> records


class Tally:
    """Counts what becomes of the records of one batch, and keeps the rejects."""

    def __init__(self, batch: RawBatch) -> None:
        self._batch = batch
        self.counts: Counts = Counter()
        self.rejects: list[Reject] = []

    def payload(self, line: Line) -> bytes:
        """The bytes of a payload of the batch."""
        return self._batch.lines[slice(*line)]

    def read(self, records: int) -> None:
        """So many records came in."""
        self.counts[READ, ""] += records

    def passed(self, records: int) -> None:
        """So many records go out."""
        self.counts[OUT, ""] += records

    def dropped(self, reason: str, records: int = 1) -> None:
        """So many records stay behind, as they are meant to."""
        if records:
            self.counts[DROPPED, reason] += records

    def noted(self, what: str, times: int = 1) -> None:
        """Something worth knowing that is not the fate of a record."""
        if times:
            self.counts[NOTED, what] += times

    def refuse(self, line: Line, refused: Refused) -> None:
        """A payload could not be handled."""
        self.read(1)
        self.reject(line, refused)

    def reject(self, line: Line, refused: Refused) -> None:
        """A record that was read could not be handled."""
        batch = self._batch
        offset = batch.offset + (line[0] if batch.unit == "byte" else batch.lines.count(b"\n", 0, line[0]))
        self.counts[REJECTED, refused.reason.value] += 1
        self.rejects.append(Reject(refused.reason, "sift", refused.shape, batch.source, offset, batch.unit))


def balance(counts: Counts) -> int:
    """read - out - dropped - rejected; anything but 0 is a defect."""
    return counts[READ, ""] - counts[OUT, ""] - _sum(counts, DROPPED) - _sum(counts, REJECTED)


def _sum(counts: Counts, what: str) -> int:
    return sum(number for (kind, _), number in counts.items() if kind == what)


def count_reject(reason: Reason) -> Counts:
    """The counts of one payload that could not even be read."""
    return Counter({(READ, ""): 1, (REJECTED, reason.value): 1})
