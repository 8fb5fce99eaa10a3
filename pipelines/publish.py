"""Publishing: outputs appear whole or not at all, and a re-run replaces its own outputs and nothing else.

An output is a folder. Its ``manifest.json`` goes first and comes last: while it is there, it names all files of one
whole output. What a run writes lies in a folder ``.staged-…`` beside them until all of it is there.

A journal, ``.publishing.json``, is the turning point. Before it, nothing was touched, and a crash leaves the old output.
From then on the new one is complete, though some of it may still lie in its staging folder, and a crash leaves it to the
next run to move the rest. For as long as the files are moved neither has a manifest: on a disk that is the time of the
renames; on an object store, which copies to rename, longer. Nothing is lost there either: what was copied but not deleted
is copied again. One run at a time writes to an output.
"""

import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, NamedTuple

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from xsieve.pipelines.stage import Staged, create
from xsieve.pipelines.streams import is_remote

MANIFEST, JOURNAL, STAGED = "manifest.json", ".publishing.json", ".staged-"
MAKER = "xsieve"  # tells our manifests from those of others, whose files are not ours to remove


class PublishError(Exception):
    """An output that cannot be published. Names its folder and what to do; never content."""


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
    with _saying(f"{folder} cannot be written to"):
        FileSystems.mkdirs(path)
    return path


def publish(outputs: Sequence[Output]) -> list[list[str]]:
    """Make what is staged the content of the outputs; their files. Raises PublishError.

    Nothing of any output is touched before all of them are known to be fit for it.
    """
    journals = []
    for output in outputs:
        with _saying(f"{output.folder} cannot be published"):
            journals.append(_prepare(output))
    for output in outputs:
        with _saying(f"{output.folder} cannot be published"):
            _move(output.staging, output.folder, {JOURNAL: JOURNAL})
    return [_finish(output.folder, journal) for output, journal in zip(outputs, journals, strict=True)]


def recover(folder: str) -> None:
    """Finish what an interrupted run was publishing, and remove what it had only staged. Raises PublishError."""
    with _saying(f"{folder} cannot be tidied up after an interrupted run"):
        if known := _read(folder, JOURNAL):
            _finish(folder, Journal(*(known[field] for field in Journal._fields)))
        for staging in _staging_folders(folder):
            _remove_folder(staging)
        _own_files(folder)


def discard(folder: str, staging: str) -> None:
    """Remove a staging folder, unless its files are being published: those are for the next run to finish."""
    try:
        if not FileSystems.exists(FileSystems.join(folder, JOURNAL)):
            _remove_folder(staging)
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


# --- the steps


def _prepare(output: Output) -> Journal:
    """What is to be done: a journal, staged beside the files like the manifest that names them."""
    named, old = names_of(output.files, output.prefix), _own_files(output.folder)
    there, staged = _sizes(output.folder), _sizes(output.staging)
    names = {os.path.basename(file.file): name for file, name in named}
    for name in names.values():
        if name in there and name not in old:
            raise PublishError(
                f"{output.folder} holds {name}, which no earlier run wrote; move it away or choose another path"
            )
    if not names.keys() <= staged.keys():
        raise PublishError(f"{output.folder} has lost staged files; does another run write there at the same time?")
    files = [{"name": name, "units": file.units, "bytes": staged[os.path.basename(file.file)]} for file, name in named]
    _write(FileSystems.join(output.staging, MANIFEST), {"made_by": MAKER, **output.manifest, "files": files})
    journal = Journal(os.path.basename(output.staging), {**names, MANIFEST: MANIFEST}, old)
    _write(FileSystems.join(output.staging, JOURNAL), {"made_by": MAKER, **journal._asdict()})
    return journal


def _finish(folder: str, journal: Journal) -> list[str]:
    """Do what the journal says and was not done yet; the files that are published."""
    staging = FileSystems.join(folder, journal.staging)
    with _saying(f"{folder} is not whole yet, the next run will finish it: it cannot be written to"):
        staged = _sizes(staging)
        waiting = {source: name for source, name in journal.moves.items() if source in staged}
        moved = {name for source, name in journal.moves.items() if source not in staged}
        if not moved <= _sizes(folder).keys():  # somebody has removed some of it since
            _remove(folder, [MANIFEST, *journal.old, *moved])
        elif waiting:
            _remove(folder, [MANIFEST])
            _remove(folder, [name for name in journal.old if name not in moved])
            _move(staging, folder, {source: name for source, name in waiting.items() if source != MANIFEST})
            _move(staging, folder, {MANIFEST: MANIFEST})
        _remove_folder(staging)
        _remove(folder, [JOURNAL])
    return [FileSystems.join(folder, name) for name in journal.moves.values() if name != MANIFEST]


def _own_files(folder: str) -> list[str]:
    """The files in a folder that an earlier run published."""
    manifest = _read(folder, MANIFEST)
    there = _sizes(folder)
    return [entry["name"] for entry in manifest["files"] if entry["name"] in there] if manifest else []


def _read(folder: str, name: str) -> dict[str, Any] | None:
    """A manifest or journal, None where there is none. Raises PublishError if it is not one of ours."""
    path = FileSystems.join(folder, name)
    if not FileSystems.exists(path):
        return None
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
        text = handle.read()
    try:
        content = json.loads(text)
        if content["made_by"] == MAKER:
            return content
    except (ValueError, LookupError, TypeError):
        pass
    raise PublishError(f"{path} was not written by xsieve; move it away or choose another path")


# --- file systems


@contextmanager
def _saying(what: str) -> Iterator[None]:
    """Errors of file systems, of which each has its own, as ours: what the system says or their kind, not their text."""
    try:
        yield
    except PublishError:
        raise
    except Exception as error:
        inside = [error, *(getattr(error, "exception_details", None) or {}).values()]  # one error of many files
        systems = [cause for one in inside for cause in (one, *one.args) if isinstance(cause, OSError) and cause.errno]
        why = os.strerror(systems[0].errno) if systems else type(error).__name__
        raise PublishError(f"{what} ({why})") from None


def _sizes(folder: str) -> dict[str, int]:
    """The files right inside a folder, by name, and their bytes."""
    if is_remote(folder):
        (found,) = FileSystems.match([FileSystems.join(folder, "*")])
        return {os.path.basename(file.path): file.size_in_bytes for file in found.metadata_list}
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry.stat(follow_symlinks=False).st_size for entry in entries}
    except FileNotFoundError:
        return {}


def _staging_folders(folder: str) -> list[str]:
    if is_remote(folder):
        (found,) = FileSystems.match([FileSystems.join(folder, STAGED + "*/*")])
        return sorted({os.path.dirname(file.path) for file in found.metadata_list})
    return [FileSystems.join(folder, name) for name in _sizes(folder) if name.startswith(STAGED)]


def _write(path: str, content: Mapping[str, Any]) -> None:
    with create(path) as handle:
        handle.write(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")


def _move(staging: str, folder: str, names: Mapping[str, str]) -> None:
    if names:
        sources = [FileSystems.join(staging, name) for name in names]
        FileSystems.rename(sources, [FileSystems.join(folder, name) for name in names.values()])


def _remove(folder: str, names: Iterable[str]) -> None:
    there = _sizes(folder)
    if paths := [FileSystems.join(folder, name) for name in dict.fromkeys(names) if name in there]:
        FileSystems.delete(paths)


def _remove_folder(folder: str) -> None:
    """A folder with the files in it; object stores have no folders apart from those."""
    _remove(folder, _sizes(folder))
    if FileSystems.exists(folder):
        FileSystems.delete([folder])
