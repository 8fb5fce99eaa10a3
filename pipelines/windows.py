"""Windows of a stream as releases: whatever a runner replays, each window is published once, and each unit of it counts once.

Runners replay: the same window comes again with other contents. So what is published is told by the units, not by the
replay: the ledger says which are granted, and of these only those are added that do not lie in the window's folder yet.
The first files of a window are whole when its manifest appears; what comes later is a numbered supplement beside them.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from apache_beam.io.filesystems import FileSystems

from xsieve.pipelines import publish
from xsieve.pipelines.folders import saying
from xsieve.pipelines.kept import Kept, hold, kept_folder, read_kept
from xsieve.pipelines.outflow import Outflow
from xsieve.pipelines.release import counted_ids, data_of, output_of, put_together
from xsieve.pipelines.release_files import manifest_facts
from xsieve.pipelines.stage import Staged, period_of, write_ids
from xsieve.pipelines.streams import is_remote
from xsieve.pipelines.truncate import read_ids
from xsieve.transforms.records.ids import NO_IDS, Ids
from xsieve.transforms.records.outflow import Offer

if TYPE_CHECKING:
    from xsieve.transforms.ledger import Ledger

LABEL = "%Y-%m-%dT%H%M%SZ"
LOCK = ".lock"


class Window(NamedTuple):
    """A span of event time, UTC; ``end`` is no longer in it."""

    start: datetime
    end: datetime

    @property
    def label(self) -> str:
        """What its folder is called: ``2026-11-28T040000Z``."""
        return self.start.strftime(LABEL)

    @property
    def facts(self) -> tuple[str, str]:
        """Its bounds as a manifest has them."""
        return self.start.isoformat(), self.end.isoformat()


class Stream(NamedTuple):
    """One output of a stream to one recipient, window by window. In-house if there is no outflow."""

    output: str
    folder: str
    content: str  # fingerprint of the settings that shape what is in it
    inputs: str  # fingerprint of where it comes from
    outflow: Outflow | None = None
    description: str | None = None

    def place(self, window: Window) -> str:
        """The folder of a window."""
        return FileSystems.join(self.folder, window.label)


class Told(NamedTuple):
    """What became of the units of one pane."""

    published: int = 0
    repeated: int = 0  # were published before
    withheld: int = 0


def offer_of_window(stream: Stream, outflow: Outflow, window: Window) -> Offer:
    """The offer of a window: the same for every pane of it, and for every replay."""
    return Offer(
        release=f"{stream.output}.{outflow.recipient}.{window.label}.{stream.content[:8]}",
        output=stream.output,
        recipient=outflow.recipient,
        entity=outflow.entity,
        entity_names=outflow.entity_names,
        unit=outflow.unit,
        units=0,
        digest="",
        cap=outflow.cap,
        clause=outflow.clause,
        profile=outflow.profile,
        evidence=outflow.evidence,
        inputs=stream.inputs,
        settings=stream.content,
        place=stream.place(window),
    )


def release_window(ledger: "Ledger", stream: Stream, window: Window, ids: Ids) -> Told:
    """Reserve the ids of a pane and publish those that are granted; what is denied waits. Again is a no-op.

    Raises LedgerError and PublishError; the same pane again sets it right.
    """
    assert stream.outflow is not None
    offer = offer_of_window(stream, stream.outflow, window)
    parts = ledger.reserve_units(offer, ids).parts
    for part in np.unique(parts[parts > 0]).tolist():
        _withhold(ledger, stream, window, offer, part, ids[parts == part])
    granted = ids[parts == 0]
    added = add_to_window(offer, granted, window.facts, stream.description) if len(granted) else 0
    if len(granted):
        ledger.published(offer.release, place=offer.place)
    return Told(added, len(granted) - added, len(ids) - len(granted))


def keep_window(stream: Stream, window: Window, ids: Ids) -> Told:
    """Publish the ids of a pane in-house: those that do not lie there yet. Raises PublishError."""
    offer = Offer(
        "in-house", stream.output, "in-house", "in-house", (), "post_id", 0, "", None, "", "", {},
        stream.inputs, stream.content, stream.place(window),
    )  # fmt: skip
    added = add_to_window(offer, ids, window.facts, stream.description)
    return Told(added, len(ids) - added)


def add_to_window(offer: Offer, ids: Ids, window: Sequence[str], description: str | None = None) -> int:
    """Add those ids to the folder of a window that do not lie there yet; how many these are. Raises PublishError."""
    place = offer.place
    with locked(place):
        publish.recover(place)
        before = _published(place)
        there = np.concatenate([NO_IDS, *map(read_ids, before)])
        new = np.setdiff1d(ids, there)
        if not len(new) and publish.manifest_of(place) is not None:
            return 0
        with staging_in(place) as staging, staging_in(place) as folder:
            staged = [*before, _write(offer.output, staging, new, len(before))]
            offer = offer._replace(units=len(there) + len(new), digest=counted_ids(staged).digest)
            publish.publish([output_of(_together(folder, offer, staged, window, description))])
    return len(new)


@contextmanager
def staging_in(place: str) -> Iterator[str]:
    folder = publish.staging_folder(place)
    try:
        yield folder
    finally:
        publish.discard(place, folder)


def _published(place: str) -> list[Staged]:
    """The files of ids that lie in a window's folder."""
    told = publish.manifest_of(place)
    files = [entry for entry in told["files"] if entry["units"]] if told else []
    return [
        Staged("", FileSystems.join(place, entry["name"]), entry["name"], "", entry["units"], entry["sha256"])
        for entry in files
    ]


def _write(output: str, folder: str, ids: Ids, before: int) -> Staged:
    name = f"ids-supplement-{before:04d}.txt" if before else "ids.txt"
    path = FileSystems.join(folder, name)
    ids = np.sort(ids)
    return Staged(output, path, name, "", len(ids), write_ids(ids, path), period_of(ids))


def _together(folder: str, offer: Offer, staged: list[Staged], window: Sequence[str], description: str | None) -> Kept:
    facts = {**manifest_facts(offer, {}, None), "window": list(window), "sources": 1}
    return put_together(Kept(folder, offer, (), facts), staged, "ids", description)


def _withhold(ledger: "Ledger", stream: Stream, window: Window, offer: Offer, part: int, ids: Ids) -> None:
    """Keep what was denied, with what was kept of the same supplement before."""
    from xsieve.transforms.ledger import supplement_id

    known = ledger.release(supplement_id(offer.release, part))
    if known is None or known.state != "withheld":
        return  # a person has decided on it since, and has what was kept
    with locked(offer.place):
        before = read_kept(kept_folder(offer.place, known.offer.release))
        there = np.concatenate([NO_IDS, *map(read_ids, data_of(before) if before else [])])
        union = np.union1d(ids, there)
        if before and len(union) == len(there):
            return
        with staging_in(offer.place) as staging, staging_in(offer.place) as folder:
            staged = [_write(offer.output, staging, union, part)]
            hold(_together(folder, known.offer, staged, window.facts, stream.description))


@contextmanager
def locked(place: str) -> Iterator[None]:
    """One writer to a window at a time, also where a worker that was given up goes on for a moment; on file systems with locks."""
    if is_remote(place):
        yield
        return
    above = os.path.dirname(place.rstrip("/"))
    with saying(f"{above} cannot be written to"):
        os.makedirs(above, exist_ok=True)
        file = os.open(os.path.join(above, LOCK), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
