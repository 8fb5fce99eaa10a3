"""Publishing: outputs appear whole or not at all, and a re-run replaces its own outputs and nothing else.

An output is a folder. Its ``manifest.json`` goes first and comes last: while it is there, it names all files of one
whole output. What a run writes lies in a folder ``.staged-…`` beside them until all of it is there.

A journal, ``.publishing.json``, is the turning point. Before it, nothing was touched, and a crash leaves the old output.
From then on the new one is complete, though some of it may still lie in its staging folder, and a crash leaves it to the
next run to move the rest. For as long as the files are moved neither has a manifest: on a disk that is the time of the
renames; on an object store, which copies to rename, longer. Nothing is lost there either: what was copied but not deleted
is copied again. One run at a time writes to an output.
"""

import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from apache_beam.io.filesystems import FileSystems

from xsieve.pipelines.folders import (
    MAKER,
    PublishError,
    move,
    read_json,
    remove,
    remove_folder,
    saying,
    sizes,
    write_json,
)
from xsieve.pipelines.stage import Staged
from xsieve.pipelines.streams import is_remote

MANIFEST, JOURNAL, STAGED = "manifest.json", ".publishing.json", ".staged-"


class Output(NamedTuple):
    """A folder, and what its content is to become."""

    folder: str
    staging: str
    files: Sequence[Staged]
    manifest: Mapping[str, Any]
    prefix: str = "part"  # of the names of files that were staged without one


class Journal(NamedTuple):
    """What it takes to publish an output, by names of files in its folder and in its staging folder."""

    staging: str
    moves: dict[str, str]  # staged as -> published as
    old: list[str]  # what an earlier run published


def staging_folder(folder: str) -> str:
    """A new folder inside an output's folder for what is not published yet. Raises PublishError."""
    path = FileSystems.join(folder, STAGED + uuid.uuid4().hex[:12])
    with saying(f"{folder} cannot be written to"):
        FileSystems.mkdirs(path)
    return path


def publish(outputs: Sequence[Output]) -> list[list[str]]:
    """Make what is staged the content of the outputs; their files. Raises PublishError.

    Nothing of any output is touched before all of them are known to be fit for it.
    """
    journals = []
    for output in outputs:
        with saying(f"{output.folder} cannot be published"):
            journals.append(_prepare(output))
    for output in outputs:
        with saying(f"{output.folder} cannot be published"):
            move(output.staging, output.folder, {JOURNAL: JOURNAL})
    return [_finish(output.folder, journal) for output, journal in zip(outputs, journals, strict=True)]


def recover(folder: str) -> None:
    """Finish what an interrupted run was publishing, and remove what it had only staged. Raises PublishError."""
    finish(folder)
    with saying(f"{folder} cannot be tidied up after an interrupted run"):
        for staging in _staging_folders(folder):
            remove_folder(staging)
        _own_files(folder)


def finish(folder: str) -> None:
    """Finish what was being published when it was interrupted. Raises PublishError."""
    with saying(f"{folder} cannot be tidied up after an interrupted run"):
        if known := read_json(folder, JOURNAL):
            _finish(folder, Journal(*(known[field] for field in Journal._fields)))


def is_on_its_way(folder: str) -> bool:
    """Whether something is being published there: then its files are for the next run to finish."""
    return FileSystems.exists(FileSystems.join(folder, JOURNAL))


def discard(folder: str, staging: str) -> None:
    """Remove a staging folder, unless its files are being published."""
    try:
        if not is_on_its_way(folder):
            remove_folder(staging)
    except Exception:  # each file system has its own; the next run removes what is left
        pass


def names_of(files: Iterable[Staged], prefix: str) -> list[tuple[Staged, str]]:
    """What each staged file will be called: its own name, or ``part-00000-of-00003.jsonl`` where others have the same or none."""
    ordered = sorted(files, key=lambda staged: (staged.name, staged.ending, staged.file))
    named: list[tuple[Staged, str]] = []
    for (name, ending), group in groupby(ordered, key=lambda staged: (staged.name, staged.ending)):
        same = list(group)
        for number, staged in enumerate(same):
            alone = name and len(same) == 1
            named.append((staged, (name if alone else f"{name or prefix}-{number:05d}-of-{len(same):05d}") + ending))
    return named


def manifest_of(folder: str) -> dict[str, Any] | None:
    """What the manifest of a published output says, None where there is none. Raises PublishError if it is not one of ours."""
    with saying(f"{folder} cannot be read"):
        return read_json(folder, MANIFEST)


def bytes_of(files: Iterable[str]) -> dict[str, int]:
    """The sizes of staged files, by path. Raises PublishError where one is gone."""
    paths = list(files)
    found = {
        FileSystems.join(folder, name): size
        for folder in {os.path.dirname(path) for path in paths}
        for name, size in sizes(folder).items()
    }
    if not set(paths) <= found.keys():
        raise PublishError("staged files are lost; does another run write there at the same time?")
    return {path: found[path] for path in paths}


# --- the steps


def _prepare(output: Output) -> Journal:
    """What is to be done: a journal, staged beside the files like the manifest that names them."""
    named, old = names_of(output.files, output.prefix), _own_files(output.folder)
    there, staged = sizes(output.folder), sizes(output.staging)
    names = {os.path.basename(file.file): name for file, name in named}
    for name in names.values():
        if name in there and name not in old:
            raise PublishError(
                f"{output.folder} holds {name}, which no earlier run wrote; move it away or choose another path"
            )
    if not names.keys() <= staged.keys():
        raise PublishError(f"{output.folder} has lost staged files; does another run write there at the same time?")
    files = [_entry(file, name, staged[os.path.basename(file.file)]) for file, name in named]
    write_json(FileSystems.join(output.staging, MANIFEST), {"made_by": MAKER, **output.manifest, "files": files})
    journal = Journal(os.path.basename(output.staging), {**names, MANIFEST: MANIFEST}, old)
    write_json(FileSystems.join(output.staging, JOURNAL), {"made_by": MAKER, **journal._asdict()})
    return journal


def _entry(file: Staged, name: str, size: int) -> dict[str, Any]:
    """A file as the manifest names it."""
    return {"name": name, "units": file.units, "bytes": size, **({"sha256": file.sha256} if file.sha256 else {})}


def _finish(folder: str, journal: Journal) -> list[str]:
    """Do what the journal says and was not done yet; the files that are published."""
    staging = FileSystems.join(folder, journal.staging)
    with saying(f"{folder} is not whole yet, the next run will finish it: it cannot be written to"):
        staged = sizes(staging)
        waiting = {source: name for source, name in journal.moves.items() if source in staged}
        moved = {name for source, name in journal.moves.items() if source not in staged}
        if not moved <= sizes(folder).keys():  # somebody has removed some of it since
            remove(folder, [MANIFEST, *journal.old, *moved])
        elif waiting:
            remove(folder, [MANIFEST])
            remove(folder, [name for name in journal.old if name not in moved])
            move(staging, folder, {source: name for source, name in waiting.items() if source != MANIFEST})
            move(staging, folder, {MANIFEST: MANIFEST})
        remove_folder(staging)
        remove(folder, [JOURNAL])
    return [FileSystems.join(folder, name) for name in journal.moves.values() if name != MANIFEST]


def _own_files(folder: str) -> list[str]:
    """The files in a folder that an earlier run published."""
    manifest = read_json(folder, MANIFEST)
    there = sizes(folder)
    return [entry["name"] for entry in manifest["files"] if entry["name"] in there] if manifest else []


def _staging_folders(folder: str) -> list[str]:
    if is_remote(folder):
        (found,) = FileSystems.match([FileSystems.join(folder, STAGED + "*/*")])
        return sorted({os.path.dirname(file.path) for file in found.metadata_list})
    return [FileSystems.join(folder, name) for name in sizes(folder) if name.startswith(STAGED)]
