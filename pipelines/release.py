"""A release on its way: put together, counted, cut to what fits, and what is said of it in the end."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from apache_beam.io.filesystems import FileSystems

from xsieve.pipelines import publish
from xsieve.pipelines.kept import File, Kept, assemble, digest_of, discard_kept, kept_folder, set_digest
from xsieve.pipelines.outflow import Outflow, by_command, withheld_help
from xsieve.pipelines.release_files import README, SUMS, checksums, readme
from xsieve.pipelines.stage import Staged
from xsieve.pipelines.summary import ReleaseSummary
from xsieve.pipelines.truncate import read_ids, truncated
from xsieve.transforms.records.ids import NO_IDS, Ids
from xsieve.transforms.records.outflow import Decision, Offer

if TYPE_CHECKING:
    from xsieve.transforms.ledger import Known, Ledger

PART = ".part"  # ends the id of a release that holds a part of another one


class ReleaseError(Exception):
    """A release that cannot be made or handed over. Says what is wrong and what to do; never content."""


class Counted(NamedTuple):
    """How many distinct objects there are in what was staged, and which, as a digest."""

    units: int
    digest: str


@dataclass
class Release:
    """A release on its way."""

    outflow: Outflow
    offer: Offer
    kept: Kept | None = None  # None: nothing was put together
    decision: Decision | None = None
    before: bool = False  # it was published by an earlier run
    left_out: int = 0  # objects, by truncation
    files: Sequence[str] = ()


def put_together(kept: Kept, staged: Sequence[Staged], prefix: str, description: str | None) -> Kept:
    """Staged files as a release in a folder of its own, with a README and checksums beside them. Raises PublishError."""
    named = publish.names_of(staged, prefix)
    bytes_ = publish.bytes_of(file.file for file, _ in named)
    data = [File(name, file.units, bytes_[file.file], file.sha256) for file, name in named]
    texts = {README: readme(kept.offer, kept.facts, data, description)} if kept.offer.entity_names else {}
    files = [*data, *(_text_file(name, text) for name, text in texts.items())]
    texts[SUMS] = checksums(files)
    whole = kept._replace(files=(*files, _text_file(SUMS, texts[SUMS])))
    assemble(whole, {name: file.file for file, name in named}, texts)
    return whole


def tell_ledger(ledger: "Ledger", place: str) -> None:
    """Have the ledger know what lies published at a place, if it was not told before a crash. Raises PublishError and LedgerError."""
    told = publish.manifest_of(place)
    known = ledger.release(told["release"]) if told and "release" in told else None
    if told and known and known.state == "reserved":
        known = ledger.published(known.offer.release, place=place, files=told["files"])
    if known and known.state == "published":
        discard_kept(kept_folder(place, known.offer.release))


def published_before(known: "Known") -> Decision:
    """What the ledger would say of a release that was published."""
    offer = known.offer
    return Decision(True, offer.release, known.units, 0, None, offer.clause, "published", repeated=True)


def _text_file(name: str, text: str) -> File:
    return File(name, 0, len(text.encode()), digest_of([text.encode()]))


def counted_ids(staged: Sequence[Staged]) -> Counted:
    """The ids in staged files, which are distinct over all of them."""
    files = [File("", file.units, 0, file.sha256) for file in staged]
    return Counted(sum(file.units for file in staged), set_digest(files))


def data_of(kept: Kept) -> list[Staged]:
    """The data of a release as staged files that have their final names."""
    return [_staged(kept, file) for file in kept.files if file.units]


def output_of(kept: Kept) -> publish.Output:
    """A release as something to publish."""
    return publish.Output(kept.offer.place, kept.folder, [_staged(kept, file) for file in kept.files], kept.facts)


def _staged(kept: Kept, file: File) -> Staged:
    path = FileSystems.join(kept.folder, file.name)
    return Staged(kept.offer.output, path, file.name, "", file.units, file.sha256)


def ids_of(kept: Kept) -> Ids | None:
    """The ids of a release, where the ledger needs to know them."""
    return ids_in(kept.offer, data_of(kept))


def ids_in(offer: Offer, staged: Sequence[Staged]) -> Ids | None:
    """The ids in staged files if they are of a series, of which each counts once in 30 days; else None."""
    if not (offer.series and offer.cap) or offer.units > offer.cap.units:
        return None
    return np.concatenate([NO_IDS, *map(read_ids, staged)])


def truncate_kept(kept: Kept, most: int, folder: str) -> Kept:
    """The ``most`` lowest ids of a release of ids as a release of its own, in another folder. Raises PublishError."""
    staged = truncated(data_of(kept), most, folder)
    found = counted_ids(staged)
    offer = kept.offer._replace(release=kept.offer.release + PART, units=found.units, digest=found.digest)
    facts = {**kept.facts, "release": offer.release, "distinct_objects": offer.units, "of": kept.offer.units}
    return put_together(Kept(folder, offer, (), facts, kept.country), staged, "ids", None)


# --- what is said


def summary_of_release(release: Release, earlier: Callable[[], list["Known"]] = list) -> ReleaseSummary:
    """What became of a release; ``earlier`` finds the other releases of its output to the same recipient."""
    offer, decision = release.offer, release.decision
    assert decision is not None
    state = "published" if decision.granted else decision.state
    return ReleaseSummary(
        recipient=offer.recipient,
        release=offer.release,
        state=state,
        unit=offer.unit,
        units=offer.units,
        left_out=release.left_out,
        used=None if release.before else decision.used,
        cap=decision.cap,
        left=decision.left,
        clause=decision.clause,
        files=list(release.files),
        says=list(_says(release, state, earlier)),
    )


def _says(release: Release, state: str, earlier: Callable[[], list["Known"]]) -> Iterator[str]:
    offer = release.offer
    if release.before:
        yield "was published before; nothing was done and nothing counted"
    if release.left_out:
        yield f"truncated: {release.left_out:,} ids, the highest, do not fit and were left out"
    if state == "prepared":
        yield f"waits for a person: {by_command(offer.output, '--by PERSON')}"
    elif state != "published" and release.decision:
        yield from withheld_help(release.decision, release.outflow)
    elif not release.before and offer.cap and not offer.series and (others := earlier()):
        number = sum(known.units for known in others)
        yield f"{number:,} units of other releases of this output to {offer.recipient} in 30 days count beside it"
