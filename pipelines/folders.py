"""Folders on any file system: what lies in them, moved, removed, read and written, with errors that are ours."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from xsieve.pipelines.stage import create
from xsieve.pipelines.streams import is_remote

MAKER = "xsieve"  # tells our manifests from those of others, whose files are not ours to remove


class PublishError(Exception):
    """An output that cannot be published. Names its folder and what to do; never content."""


def read_json(folder: str, name: str) -> dict[str, Any] | None:
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


@contextmanager
def saying(what: str) -> Iterator[None]:
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


def sizes(folder: str) -> dict[str, int]:
    """The files right inside a folder, by name, and their bytes. Raises PublishError where there is a file instead."""
    if is_remote(folder):
        (found,) = FileSystems.match([FileSystems.join(folder, "*")])
        return {os.path.basename(file.path): file.size_in_bytes for file in found.metadata_list}
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry.stat(follow_symlinks=False).st_size for entry in entries}
    except FileNotFoundError:
        return {}
    except NotADirectoryError:
        raise PublishError(
            f"{folder} is a file, and outputs are folders; move it away or choose another path"
        ) from None


def write_json(path: str, content: Mapping[str, Any]) -> None:
    with create(path) as handle:
        handle.write(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")


def move(staging: str, folder: str, names: Mapping[str, str]) -> None:
    if names:
        sources = [FileSystems.join(staging, name) for name in names]
        FileSystems.rename(sources, [FileSystems.join(folder, name) for name in names.values()])


def remove(folder: str, names: Iterable[str]) -> None:
    there = sizes(folder)
    if paths := [FileSystems.join(folder, name) for name in dict.fromkeys(names) if name in there]:
        FileSystems.delete(paths)


def remove_folder(folder: str) -> None:
    """A folder with the files in it; object stores have no folders apart from those."""
    remove(folder, sizes(folder))
    if FileSystems.exists(folder):
        FileSystems.delete([folder])
