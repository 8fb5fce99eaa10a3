"""The summary of a run: what came in, what went where, why the rest did not. Every output's balance adds up."""

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from xsieve.transforms.records.tally import DROPPED, NOTED, OUT, READ, REJECTED, Counts, balance


class Progress(NamedTuple):
    """How far a run is: bytes of the sources as they lie on disk, records once they are known, seconds since it began."""

    bytes_done: int
    bytes_total: int
    records: int | None
    seconds: float


@dataclass(frozen=True)
class ReleaseSummary:
    """What became of a release: published, withheld, prepared; and the account it was held against."""

    recipient: str
    release: str
    state: str
    unit: str
    units: int
    left_out: int  # by truncation
    used: int | None  # of the cap, this release included if it was granted; None: the ledger was not asked again
    cap: int | None
    left: int | None
    clause: str
    files: list[str] = field(default_factory=list)
    says: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class OutputSummary:
    """What became of the records for one output: read = out + dropped + rejected."""

    name: str
    kind: str
    read: int
    out: int
    dropped: dict[str, int]
    rejected: dict[str, int]
    noted: dict[str, int]
    files: list[str] = field(default_factory=list)
    state: str = "published"
    releases: list[ReleaseSummary] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether every record is accounted for."""
        return self.read == self.out + sum(self.dropped.values()) + sum(self.rejected.values())


@dataclass(frozen=True)
class Summary:
    """What a run did. Holds no content: numbers, reasons, and the paths that the settings name."""

    outputs: dict[str, OutputSummary]
    sources: list[dict[str, Any]]
    seconds: float
    runner: str
    workers: int
    rejected_share: float
    max_rejects: float
    rejects_path: str | None = None
    warnings: list[str] = field(default_factory=list)
    dry_run: bool = False

    @property
    def too_many_rejects(self) -> bool:
        """Whether more was rejected than the settings allow."""
        return self.rejected_share > self.max_rejects

    @property
    def withheld(self) -> list[str]:
        """The releases that are withheld."""
        releases = (release for output in self.outputs.values() for release in output.releases)
        return [release.release for release in releases if release.state not in ("published", "prepared")]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def summary_of(name: str, kind: str, counts: Counts) -> OutputSummary:
    """The counts of one output, by what they count. Raises AssertionError if they do not add up: that is a defect."""
    if balance(counts):
        raise AssertionError("the counts of an output do not add up")
    dropped, rejected, noted = (
        {reason: number for (what, reason), number in sorted(counts.items()) if what == fate and number}
        for fate in (DROPPED, REJECTED, NOTED)
    )
    return OutputSummary(name, kind, counts[READ, ""], counts[OUT, ""], dropped, rejected, noted)
