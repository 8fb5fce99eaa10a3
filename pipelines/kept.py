"""Kept releases: whole, beside the place they go to, and out of sight, until the ledger or a person lets them out.

A release is put together in a folder with the data under their final names and ``release.json``, which says all that it
takes to offer, publish or discard it. Until the ledger has answered, that is a staging folder, which the next run removes
after a crash; what is withheld or prepared then waits as ``.kept-ID``, which no run removes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from xsieve.pipelines.folders import MAKER, PublishError, remove_folder, saying, sizes, write_json
from xsieve.pipelines.stage import create
from xsieve.pipelines.streams import is_remote
from xsieve.transforms.records.outflow import Cap, Offer

KEPT, RELEASE = ".kept-", "release.json"
BLOCK = 1 << 20


class File(NamedTuple):
    """A file of a release. ``units`` is 0 for what stands beside the data."""

    name: str
    units: int
    bytes: int
    sha256: str


class Kept(NamedTuple):
    """A release that is whole, in a folder of its own."""

    folder: str
    offer: Offer
    files: tuple[File, ...]
    facts: Mapping[str, Any]  # for the manifest
    country: str | None = None  # of the recipient


def kept_folder(place: str, release: str) -> str:
    """Where a release to ``place`` waits."""
    return FileSystems.join(place, KEPT + release)


def assemble(kept: Kept, data: Mapping[str, str], texts: Mapping[str, str]) -> None:
    """Put a release together in its folder, which is there: ``data`` are staged files by their final name, ``texts`` what stands beside them.

    Staged files stay where they are (they may go to others too). Raises PublishError.
    """
    with saying(f"{kept.offer.place} cannot be written to"):
        for name, staged in data.items():
            put(staged, FileSystems.join(kept.folder, name))
        for name, text in texts.items():
            with create(FileSystems.join(kept.folder, name)) as handle:
                handle.write(text.encode())
        write_json(FileSystems.join(kept.folder, RELEASE), _told(kept))


def hold(kept: Kept) -> Kept:
    """Have a release wait under its own name, in place of another one that waits there already. Raises PublishError."""
    folder = kept_folder(kept.offer.place, kept.offer.release)
    with saying(f"{folder} cannot be written to"):
        if folder != kept.folder and not _is_same(folder, kept):
            remove_folder(folder)
            FileSystems.rename([kept.folder], [folder])
    return kept._replace(folder=folder)


def _is_same(folder: str, kept: Kept) -> bool:
    """Whether the same waits in a folder whole: then it stays, as it would be lost if it were being replaced in a crash."""
    there, known = sizes(folder), read_kept(folder)
    whole = all(there.get(file.name) == file.bytes for file in kept.files)
    return whole and known is not None and known._replace(folder=kept.folder) == read_kept(kept.folder)


def _told(kept: Kept) -> dict[str, Any]:
    cap = kept.offer.cap
    return {
        "made_by": MAKER,
        "offer": {**kept.offer._asdict(), "cap": cap._asdict() if cap else None},
        "files": [file._asdict() for file in kept.files],
        "facts": kept.facts,
        "country": kept.country,
    }


def put(staged: str, path: str) -> None:
    """The same file under another name; by a link where the file system has them, for 2,000 recipients of one output."""
    if is_remote(path):
        FileSystems.copy([staged], [path])
        return
    try:
        os.link(staged, path)
    except OSError:
        shutil.copyfile(staged, path)


def read_kept(folder: str) -> Kept | None:
    """The release that waits in a folder, None if none is whole there. Raises PublishError if it is not one of ours."""
    path = FileSystems.join(folder, RELEASE)
    with saying(f"{folder} cannot be read"):
        if not FileSystems.exists(path):
            return None
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
            text = handle.read()
    try:
        return _kept(folder, json.loads(text))
    except (ValueError, LookupError, TypeError):
        raise PublishError(f"{path} was not written by this xsieve; move it away or discard it by hand") from None


def _kept(folder: str, data: Mapping[str, Any]) -> Kept:
    offer = Offer(**data["offer"])
    cap = Cap(**data["offer"]["cap"]) if data["offer"]["cap"] else None
    offer = offer._replace(entity_names=tuple(offer.entity_names), cap=cap)
    return Kept(folder, offer, tuple(File(**file) for file in data["files"]), data["facts"], data["country"])


def damaged(kept: Kept) -> list[str]:
    """The names of files that are not what they were when the release was put together."""
    return [file.name for file in kept.files if _sha256(FileSystems.join(kept.folder, file.name)) != file.sha256]


def _sha256(path: str) -> str | None:
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
            return digest_of(iter(lambda: handle.read(BLOCK), b""))
    except Exception:  # each file system has its own: what cannot be read is not what it was
        return None


def digest_of(blocks: Iterable[bytes]) -> str:
    """The SHA-256 of blocks, one after the other."""
    sum_ = hashlib.sha256()
    for block in blocks:
        sum_.update(block)
    return sum_.hexdigest()


def set_digest(files: Sequence[File]) -> str:
    """The digest of a set of files, whatever they are called and in whatever order."""
    return digest_of(sorted(file.sha256.encode() for file in files))


def discard_kept(folder: str) -> None:
    """Remove a kept release, if it is there. Raises PublishError."""
    with saying(f"{folder} cannot be removed"):
        remove_folder(folder)


def sums(files: Iterable[File]) -> Iterator[str]:
    """The lines of SHA256SUMS, as ``sha256sum -c`` reads them."""
    return (f"{file.sha256}  {file.name}\n" for file in sorted(files, key=lambda file: file.name))
