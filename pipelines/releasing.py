"""Releasing: what a run has staged for others is put together, offered to the ledger, and published if that grants it.

All releases of a run are offered together, before anything is published, so that a ledger that fails stops all of it. What is not granted
waits beside its place; what is hydrated waits for a person. A crash at any point is set right by the same run again: an
offer that was granted is granted again and counted once, and files that were being moved are moved on (``publish``).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from apache_beam.io.filesystems import FileSystems

from xsieve.pipelines import publish
from xsieve.pipelines import settings as st
from xsieve.pipelines.folders import PublishError
from xsieve.pipelines.kept import Kept, discard_kept, hold, kept_folder
from xsieve.pipelines.outflow import Outflow, refusals
from xsieve.pipelines.release import (
    Counted,
    Release,
    ReleaseError,
    counted_ids,
    ids_in,
    ids_of,
    output_of,
    published_before,
    put_together,
    summary_of_release,
    tell_ledger,
)
from xsieve.pipelines.release_files import manifest_facts
from xsieve.pipelines.releases import Branch, content_fingerprint, input_fingerprint, offer_of
from xsieve.pipelines.sources import Source
from xsieve.pipelines.stage import Staged
from xsieve.pipelines.summary import OutputSummary, ReleaseSummary
from xsieve.pipelines.truncate import truncated
from xsieve.transforms.records.outflow import Offer

if TYPE_CHECKING:
    from xsieve.transforms.ledger import Known, Ledger

DAYS = timedelta(days=30)


class Releasing:
    """The releases of one run. ``truncate`` asks for it where the settings do not."""

    def __init__(
        self,
        settings: st.Settings,
        branches: Mapping[str, Branch],
        sources: Sequence[Source],
        ledger: "Ledger",
        now: datetime,
    ) -> None:
        self.settings, self.branches, self.sources, self.ledger, self.now = settings, branches, sources, ledger, now
        self.releases: dict[str, list[Release]] = {}  # by branch
        self._inputs = input_fingerprint(sources) if isinstance(settings.input, st.Files) else None
        self._contents = {b.output: content_fingerprint(settings, b.output) for b in branches.values() if b.outflows}
        self._staging: list[tuple[str, str]] = []

    # --- before the run

    def check(self) -> None:
        """Refuse what the declarations do not allow today. Raises ReleaseError."""
        for outflow in self._outflows():
            for why in refusals(outflow, self.now):
                raise ReleaseError(f"outputs.{outflow.output}, for {outflow.recipient}: {why}")

    def recover(self) -> None:
        """Finish what an interrupted run was publishing, and tell the ledger. Raises PublishError and LedgerError."""
        for label, branch in self.branches.items():
            for outflow in branch.outflows:
                place = self.place(label, outflow)
                publish.recover(place)
                tell_ledger(self.ledger, place)

    def place(self, label: str, outflow: Outflow) -> str:
        """The folder of a release: that of its output, or one inside for each of several recipients."""
        output = self.settings.outputs[self.branches[label].output]
        path = output.write.path.removeprefix("file://")
        several = isinstance(output, st.Ids | st.Hydrated) and len(output.receivers) > 1
        return FileSystems.join(path, outflow.recipient) if several else path

    def _outflows(self) -> Iterator[Outflow]:
        for branch in self.branches.values():
            yield from branch.outflows

    # --- after the pipeline

    def assemble_all(
        self,
        summaries: Mapping[str, OutputSummary],
        staged: Callable[[str], Sequence[Staged]],
        units: Mapping[str, Counted],
    ) -> None:
        """Put all releases together. Raises PublishError and LedgerError."""
        for label, branch in self.branches.items():
            if branch.outflows:
                self._assemble(label, staged(label), summaries[label], units.get(label))

    def would(
        self, staged: Callable[[str], Sequence[Staged]], units: Mapping[str, Counted], as_of: datetime | None
    ) -> dict[str, list[ReleaseSummary]]:
        """What would become of all releases, one after the other, now or at another time; nothing is written."""
        told: dict[str, list[ReleaseSummary]] = {}
        before: dict[str, list[Offer]] = {}  # by entity
        for label in self.branches:
            for release in self._unwritten(label, staged, units):
                offer, earlier = release.offer, before.setdefault(release.offer.entity, [])
                known = self.ledger.release(offer.release)
                if known and self._is_out(known, offer):
                    release.decision, release.before = published_before(known), True
                else:
                    ids = ids_in(offer, staged(label))
                    release.decision = self.ledger.weigh(offer, ids=ids, at=as_of, after=earlier)
                earlier.append(offer)
                told.setdefault(label, []).append(self._summary(release))
        return told

    def _unwritten(
        self, label: str, staged: Callable[[str], Sequence[Staged]], units: Mapping[str, Counted]
    ) -> Iterator[Release]:
        for outflow in self.branches[label].outflows:
            found = units.get(label) or counted_ids(staged(label))
            content, place = self._contents[outflow.output], self.place(label, outflow)
            yield Release(outflow, offer_of(outflow, content, self._inputs_of(found), found.units, found.digest, place))

    def _assemble(self, label: str, staged: Sequence[Staged], summary: OutputSummary, counted: Counted | None) -> None:
        """Put the releases of a branch together from what was staged for it. Raises PublishError and LedgerError."""
        found = self.releases.setdefault(label, [])
        for outflow in self.branches[label].outflows:
            found.append(self._release(label, outflow, staged, summary, counted))

    def _release(
        self, label: str, outflow: Outflow, staged: Sequence[Staged], summary: OutputSummary, counted: Counted | None
    ) -> Release:
        place = self.place(label, outflow)
        found = counted or counted_ids(staged)
        offer = offer_of(
            outflow, self._contents[outflow.output], self._inputs_of(found), found.units, found.digest, place
        )
        known = self.ledger.release(offer.release)
        if known and self._is_out(known, offer):
            return Release(outflow, offer, None, published_before(known), before=True)
        if known and known.state in ("reserved", "published") and known.offer.digest != offer.digest:
            offer, staged, left_out = self._as_reserved(known, offer, staged)
        else:
            offer, staged, left_out = self._fitting(outflow, offer, staged)
        folder = publish.staging_folder(place)
        self._staging.append((place, folder))
        return Release(outflow, offer, self._put_together(folder, outflow, offer, staged, summary), left_out=left_out)

    def _inputs_of(self, found: Counted) -> str:
        """The fingerprint of the input: of files that of what they are, of a topic or a table that of what it gave."""
        return self._inputs or found.digest

    def _is_out(self, known: "Known", offer: Offer) -> bool:
        """Whether a release was published, and lies where it would be published now."""
        told = publish.manifest_of(offer.place) if known.state == "published" else None
        return bool(told) and told.get("release") == offer.release

    def _fitting(self, outflow: Outflow, offer: Offer, staged: Sequence[Staged]) -> tuple[Offer, Sequence[Staged], int]:
        """The whole, or what still fits of it where that is asked for."""
        if not outflow.truncate or self.ledger.release(offer.release):
            return offer, staged, 0
        would = self.ledger.weigh(offer, after=self._before(offer))
        if would.granted or not would.left:
            return offer, staged, 0
        return self._cut(offer, staged, would.left)

    def _before(self, offer: Offer) -> list[Offer]:
        """What this run offers to the same entity before."""
        releases = (release for some in self.releases.values() for release in some)
        return [it.offer for it in releases if it.offer.entity == offer.entity and not it.before]

    def _as_reserved(
        self, known: "Known", offer: Offer, staged: Sequence[Staged]
    ) -> tuple[Offer, Sequence[Staged], int]:
        """What was granted before a crash: as many units as then, if that was a part of the whole."""
        return self._cut(offer, staged, known.offer.units) if known.offer.units < offer.units else (offer, staged, 0)

    def _cut(self, offer: Offer, staged: Sequence[Staged], most: int) -> tuple[Offer, Sequence[Staged], int]:
        cut = truncated(staged, most, staged[0].file.rpartition("/")[0])
        found = counted_ids(cut)
        return offer._replace(units=found.units, digest=found.digest), cut, offer.units - found.units

    def _put_together(
        self, folder: str, outflow: Outflow, offer: Offer, staged: Sequence[Staged], summary: OutputSummary
    ) -> Kept:
        output = self.settings.outputs[outflow.output]
        counts = {"read": summary.read, "out": summary.out, "dropped": summary.dropped, "rejected": summary.rejected}
        facts = manifest_facts(offer, {**counts, "sources": len(self.sources)}, period_of_files(staged))
        prefix = "ids" if isinstance(output, st.Ids) else outflow.output
        kept = Kept(folder, offer, (), facts, outflow.country)
        return put_together(kept, staged, prefix, output.description)

    def offer(self) -> None:
        """Offer every release to the ledger. What is not granted waits. Raises LedgerError; all is kept then."""
        releases = list(self._waiting())
        offers = ((release.offer, ids_of(release.kept) if release.kept else None) for release in releases)
        for release, decision in zip(releases, self.ledger.offer(offers), strict=True):
            release.decision = decision
            if release.kept and not decision.granted:
                release.kept = hold(release.kept)

    def outputs(self) -> Iterator[publish.Output]:
        """What is to be published."""
        for release in self._waiting():
            if release.decision and release.decision.granted and release.kept:
                release.files = [FileSystems.join(release.offer.place, file.name) for file in release.kept.files]
                yield output_of(release.kept)

    def published(self) -> None:
        """Tell the ledger what was published. Raises LedgerError; the next run tells it then."""
        granted = [it for it in self._waiting() if it.decision and it.decision.granted]
        files = ([file._asdict() for file in it.kept.files] for it in granted if it.kept)
        self.ledger.all_published(
            (it.offer.release, it.offer.place, some) for it, some in zip(granted, files, strict=True)
        )
        for release in granted:
            discard_kept(kept_folder(release.offer.place, release.offer.release))

    def keep(self) -> None:
        """After an error: have what is whole wait, so that nothing that was staged is lost; the next run moves on what was on its way."""
        for release in self._waiting():
            with suppress(PublishError):  # where it could not be put anywhere else either
                if release.kept and not publish.is_on_its_way(release.offer.place):
                    release.kept = hold(release.kept)

    def discard(self) -> None:
        """Remove what is neither published nor kept."""
        for place, folder in self._staging:
            publish.discard(place, folder)

    def _waiting(self) -> Iterable[Release]:
        return [release for some in self.releases.values() for release in some if release.kept]

    # --- what is said

    def summaries(self, label: str) -> list[ReleaseSummary]:
        """What became of the releases of a branch."""
        return [self._summary(release) for release in self.releases.get(label, [])]

    def _summary(self, release: Release) -> ReleaseSummary:
        return summary_of_release(release, lambda: self._earlier(release.offer))

    def _earlier(self, offer: Offer) -> list["Known"]:
        beside = self._counting[offer.output, offer.recipient]
        return [known for known in beside if known.offer.release != offer.release]

    @cached_property
    def _counting(self) -> defaultdict[tuple[str, str], list["Known"]]:
        """What was released within 30 days, by output and recipient; looked up once for all that is said in the end."""
        found: defaultdict[tuple[str, str], list[Known]] = defaultdict(list)
        for known in self.ledger.releases("reserved", "published"):
            if known.first > self.now - DAYS:
                found[known.offer.output, known.offer.recipient].append(known)
        return found


@contextmanager
def ledger_of(settings: st.Settings, instead: str | None = None) -> Iterator["Ledger"]:
    """The ledger of the settings; made if it is not there, or, where another one is given ``instead``, left alone then.

    Raises ReleaseError where none is named, LedgerError where it cannot be opened.
    """
    from xsieve.transforms.ledger import MissingLedgerError, open_ledger  # SQLAlchemy is heavy

    if not settings.ledger:
        raise ReleaseError("ledger: is missing; what goes to a recipient has to be accounted for")
    try:
        ledger = open_ledger(settings.ledger, create=instead is None)
    except MissingLedgerError:
        if instead is None:
            raise
        ledger = open_ledger(instead)
    with ledger:
        yield ledger


def period_of_files(staged: Sequence[Staged]) -> tuple[int, int] | None:
    known = [file.period for file in staged if file.period]
    return (min(first for first, _ in known), max(last for _, last in known)) if known else None
