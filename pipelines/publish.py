"""Publishing: outputs appear whole or not at all, and a re-run replaces its own outputs and nothing else.

An output is a folder. Its ``manifest.json``, written last, says that it is whole and which files are its own. What a run
writes lies in a folder ``.staged-…`` beside them until then. Before the first file is moved, ``.publishing.json`` says which
files, old and new, are in question: whoever finds that after a crash removes them, for the output is not whole.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from xsieve.pipelines.stage import Staged, create

MANIFEST, INTENT, STAGED = "manifest.json", ".publishing.json", ".staged-"


class PublishError(Exception):
    """An output that cannot be published. Names the output and what to do; never content."""


def staging_folder(folder: str) -> str:
    """A new folder inside an output's folder for what is not published yet."""
    path = FileSystems.join(folder, STAGED + uuid.uuid4().hex[:12])
    FileSystems.mkdirs(path)
    return path


def names_of(files: Iterable[Staged], prefix: str = "part") -> list[tuple[Staged, str]]:
    """What each staged file will be called: ``part-00000-of-00003.jsonl``, or the name it was staged with."""
    files = sorted(files, key=lambda staged: (staged.name, staged.file))
    numbered = [staged for staged in files if not staged.name]
    names = {
        staged.file: f"{prefix}-{n:05d}-of-{len(numbered):05d}{staged.ending}" for n, staged in enumerate(numbered)
    }
    return [(staged, names.get(staged.file, staged.name + staged.ending)) for staged in files]


def publish(folder: str, files: Iterable[Staged], manifest: Mapping[str, Any], prefix: str = "part") -> list[str]:
    """Make the staged files the content of the output: the old ones go, the new ones come, the manifest seals it."""
    named = names_of(files, prefix)
    new = [name for _, name in named]
    old = own_files(folder)
    strangers = [name for name in new if name not in old and FileSystems.exists(FileSystems.join(folder, name))]
    if strangers:
        raise PublishError(
            f"{folder} holds {strangers[0]}, which no earlier run wrote; move it away or choose another path"
        )
    described = [{"name": name, "records": staged.units, "bytes": size_of(staged.file)} for staged, name in named]
    _write(folder, INTENT, {"files": sorted({*old, *new})})
    _remove(folder, [MANIFEST, *old])
    if named:
        FileSystems.rename([staged.file for staged, _ in named], [FileSystems.join(folder, name) for name in new])
    _write(folder, MANIFEST, {**manifest, "files": described})
    _remove(folder, [INTENT])
    return [FileSystems.join(folder, name) for name in new]


def own_files(folder: str) -> list[str]:
    """The files in a folder that earlier runs wrote, the half-published ones among them."""
    found: set[str] = set()
    for name in (MANIFEST, INTENT):
        path = FileSystems.join(folder, name)
        if not FileSystems.exists(path):
            continue
        try:
            files = json.loads(_read(path))["files"]
            found.update(entry if isinstance(entry, str) else entry["name"] for entry in files)
        except (ValueError, KeyError, TypeError):
            raise PublishError(f"{path} is not a manifest of xsieve; move it away or choose another path") from None
    return [name for name in sorted(found) if FileSystems.exists(FileSystems.join(folder, name))]


def recover(folder: str) -> None:
    """Remove what an interrupted run left: staged files, and an output that was being replaced when it stopped."""
    if not FileSystems.exists(folder):
        return
    if FileSystems.exists(FileSystems.join(folder, INTENT)):
        _remove(folder, [*own_files(folder), MANIFEST, INTENT])
    pattern = FileSystems.join(folder, STAGED + "*/*")
    stale = {path.path.rsplit("/", 1)[0] for match in FileSystems.match([pattern]) for path in match.metadata_list}
    if stale:
        FileSystems.delete(sorted(stale))


def discard(folder: str) -> None:
    """Remove a staging folder."""
    if FileSystems.exists(folder):
        FileSystems.delete([folder])


def size_of(path: str) -> int:
    """Bytes of a file."""
    return FileSystems.match([path])[0].metadata_list[0].size_in_bytes


def _read(path: str) -> bytes:
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
        return handle.read()


def _write(folder: str, name: str, content: Mapping[str, Any]) -> None:
    """Write a small file whole: under another name first, then renamed."""
    path = FileSystems.join(folder, name)
    draft = f"{path}.{uuid.uuid4().hex[:8]}"
    with create(draft) as handle:
        handle.write(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")
    if FileSystems.exists(path):
        FileSystems.delete([path])
    FileSystems.rename([draft], [path])


def _remove(folder: str, names: Iterable[str]) -> None:
    paths = [path for name in names if FileSystems.exists(path := FileSystems.join(folder, name))]
    if paths:
        FileSystems.delete(paths)
