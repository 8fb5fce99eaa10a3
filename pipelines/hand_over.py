"""Handing over: a person lets out what a run has prepared or withheld, or gives it up.

What is handed over is what the run has put together, byte for byte; it is offered to the ledger again, by a person, under the
declarations of that run or, where settings are given, under those that hold now.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xsieve.pipelines import publish
from xsieve.pipelines import settings as st
from xsieve.pipelines.kept import Kept, damaged, discard_kept, kept_folder, read_kept
from xsieve.pipelines.outflow import Outflow, outflows, permission_request, refusals
from xsieve.pipelines.release import (
    PART,
    Release,
    ReleaseError,
    data_of,
    ids_of,
    output_of,
    published_before,
    summary_of_release,
    tell_ledger,
    truncate_kept,
)
from xsieve.pipelines.summary import ReleaseSummary
from xsieve.pipelines.truncate import read_ids
from xsieve.pipelines.windows import add_to_window
from xsieve.transforms.records.ids import NO_IDS
from xsieve.transforms.records.outflow import Decision, Offer

if TYPE_CHECKING:
    from xsieve.transforms.ledger import Known, Ledger

WAITING = ("prepared", "withheld", "reserved")


class Waiting(NamedTuple):
    """A release that has not left, and whether its files are still there."""

    known: "Known"
    kept: Kept | None


def waiting(ledger: "Ledger") -> list[Waiting]:
    """Everything that is prepared, withheld, or reserved and not published, oldest first."""
    return [Waiting(known, _kept(known.offer)) for known in ledger.releases(*WAITING)]


def chosen(ledger: "Ledger", name: str, recipient: str | None = None) -> list[Waiting]:
    """What waits of an output, or under the id of a release. Raises ReleaseError if nothing does."""
    found = [
        it
        for it in waiting(ledger)
        if name in (it.known.offer.output, it.known.offer.release) and recipient in (None, it.known.offer.recipient)
    ]
    if not found:
        raise ReleaseError(f"{name}: nothing of that name waits; `xsieve release` lists what does")
    return found


def hand_over(
    ledger: "Ledger",
    found: Waiting,
    by: str,
    now: datetime,
    settings: st.Settings | None = None,
    truncate: bool = False,
) -> ReleaseSummary:
    """Offer what waits once more, in the name of a person, and publish it if the ledger grants it.

    Raises ReleaseError where the declarations do not allow it, or its files are gone or not what they were.
    """
    if before := _finished(ledger, found.known, by):
        return before
    kept = _whole(found)
    outflow = _outflow(kept, settings, now)
    for why in refusals(outflow, now):
        raise ReleaseError(f"{kept.offer.release}: {why}")
    if found.known.supplement_of:
        return _supplement(ledger, found.known, kept, outflow, by)
    offer = _under(kept.offer, outflow)
    if truncate and (left := _reserved_of(ledger, offer) or _left(ledger, offer)) and left < offer.units:
        return _in_part(ledger, kept._replace(offer=offer), outflow, left, by)
    return _released(ledger, Release(outflow, offer, kept._replace(offer=offer)), by)


def _finished(ledger: "Ledger", known: "Known", by: str) -> ReleaseSummary | None:
    """What an interrupted hand-over was publishing, if it was that release or a part of it: it is finished first."""
    offer = known.offer
    if known.supplement_of or not offer.place:
        return None
    publish.finish(offer.place)
    tell_ledger(ledger, offer.place)
    whole, part = ledger.release(offer.release), ledger.release(offer.release + PART)
    if part and part.state == "published" and part.since > known.since:
        _forget(ledger, offer, by)
        return _told(part, offer.units - part.units)
    return _told(whole, 0) if whole and whole.state == "published" else None


def _told(known: "Known", left_out: int) -> ReleaseSummary:
    outflow = _as_then(known.offer, None)
    return summary_of_release(Release(outflow, known.offer, None, published_before(known), True, left_out))


def _reserved_of(ledger: "Ledger", offer: Offer) -> int | None:
    """The units of a part that were granted before a hand-over was interrupted."""
    part = ledger.release(offer.release + PART)
    return part.units if part and part.state == "reserved" else None


def _forget(ledger: "Ledger", offer: Offer, by: str) -> None:
    """The files first: what has none can still be given up, but nobody would find files of what was given up."""
    discard_kept(kept_folder(offer.place, offer.release))
    ledger.discard(offer.release, by=by)


def _released(ledger: "Ledger", release: Release, by: str) -> ReleaseSummary:
    kept = release.kept
    assert kept is not None
    release.decision = ledger.reserve(release.offer, ids=ids_of(kept), by=by)
    if release.decision.granted:
        offer = release.offer
        facts = {**kept.facts, "clause": offer.clause, "cap": offer.cap and offer.cap._asdict()}
        kept = kept._replace(facts={**facts, "relies_on": dict(offer.evidence), "released_by": by})
        (release.files,) = publish.publish([output_of(kept)])
        ledger.published(offer.release, place=offer.place, files=[file._asdict() for file in kept.files])
    return summary_of_release(release)


def _supplement(ledger: "Ledger", known: "Known", kept: Kept, outflow: Outflow, by: str) -> ReleaseSummary:
    """What a window of a stream was denied, added to what was published of it."""
    release = Release(outflow, _under(known.offer, outflow), kept)
    release.decision = ledger.reserve(release.offer, by=by)
    if release.decision.granted:
        whole = release.offer._replace(release=str(known.supplement_of))
        add_to_window(whole, np.concatenate([NO_IDS, *map(read_ids, data_of(kept))]), kept.facts["window"])
        ledger.published(release.offer.release, place=whole.place)
        discard_kept(kept.folder)
        release.files = [whole.place]
    return summary_of_release(release)


def _in_part(ledger: "Ledger", kept: Kept, outflow: Outflow, most: int, by: str) -> ReleaseSummary:
    """As much as fits, as a release of its own; the whole one is given up once that is granted."""
    whole, folder = kept.offer, publish.staging_folder(kept.offer.place)
    try:
        part = truncate_kept(kept, most, folder)
        release = Release(outflow, part.offer, part, left_out=whole.units - part.offer.units)
        told = _released(ledger, release, by)
    finally:
        publish.discard(whole.place, folder)
    if told.state == "published":
        _forget(ledger, whole, by)
    return told


def give_up(ledger: "Ledger", found: Waiting, by: str) -> None:
    """Discard a release that waits, and its files. What is reserved has to be voided first. Raises ReleaseError."""
    if found.known.state == "reserved":
        raise ReleaseError(
            f"{found.known.offer.release} is reserved, and counts; hand it over, or give it back with `xsieve ledger void`"
        )
    _forget(ledger, found.known.offer, by)


def letters(ledger: "Ledger", found: Sequence[Waiting], settings: st.Settings, now: datetime) -> Iterator[str]:
    """Letters that ask X for permission to hand over what waits. Raises ReleaseError where none could be given."""
    for one in found:
        kept = _whole(one)
        outflow = _outflow(kept, settings, now)
        if outflow.unit != "post_id" or outflow.cap is None:
            raise ReleaseError(f"{kept.offer.release}: X permits more ids of posts, and of nothing else")
        offer = _under(kept.offer, outflow)
        yield permission_request(settings, outflow, _would(ledger, offer), offer.units)


def _would(ledger: "Ledger", offer: Offer) -> Decision:
    """What the ledger would say of an offer that it has never heard of."""
    return ledger.weigh(offer._replace(release=offer.release + PART))


def _left(ledger: "Ledger", offer: Offer) -> int | None:
    would = _would(ledger, offer)
    return None if would.granted else would.left


def _kept(offer: Offer) -> Kept | None:
    return read_kept(kept_folder(offer.place, offer.release)) if offer.place else None


def _whole(found: Waiting) -> Kept:
    offer, kept = found.known.offer, found.kept
    if kept is None:
        raise ReleaseError(f"{offer.release}: its files are not there; run the pipeline again on the same input")
    if names := damaged(kept):
        raise ReleaseError(
            f"{offer.release}: {', '.join(names)} is not what it was; discard the release, and run the pipeline again"
        )
    return kept


def _outflow(kept: Kept, settings: st.Settings | None, now: datetime) -> Outflow:
    """What is declared now, or was when the release was put together."""
    offer = kept.offer
    if settings is None:
        return _as_then(offer, kept.country)
    if offer.output in settings.outputs:
        for outflow in outflows(settings, offer.output, now):
            if outflow.recipient == offer.recipient:
                return _same_country(outflow, kept)
    raise ReleaseError(f"{offer.release}: the settings have no output {offer.output} for {offer.recipient}")


def _as_then(offer: Offer, country: str | None) -> Outflow:
    return Outflow(
        offer.output, offer.recipient, offer.entity, offer.entity_names, offer.unit, offer.cap, offer.clause,
        offer.profile, offer.evidence, offer.series, False, country,
    )  # fmt: skip


def _same_country(outflow: Outflow, kept: Kept) -> Outflow:
    """What is withheld in a country was left out for the one that was declared then."""
    if outflow.unit == "hydrated" and outflow.country != kept.country:
        raise ReleaseError(
            f"{kept.offer.release}: was prepared for another country than recipients.{outflow.recipient}.country; "
            "discard it, and run the pipeline again"
        )
    return outflow


def _under(offer: Offer, outflow: Outflow) -> Offer:
    """The same release under other declarations."""
    return offer._replace(
        entity=outflow.entity,
        entity_names=outflow.entity_names,
        cap=outflow.cap,
        clause=outflow.clause,
        profile=outflow.profile,
        evidence=outflow.evidence,
    )
