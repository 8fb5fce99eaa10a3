"""Sources: the files that patterns name, what each holds by its content, and the pieces it can be read in.

Sources are known by number everywhere else, for names of collections hold handles: the list of numbers and
paths stays with the operator.
"""

import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from glob import iglob
from typing import NamedTuple

from xsieve.pipelines.streams import (
    NONE,
    UTF8_MARK,
    UTF16_MARKS,
    Cut,
    SourceError,
    blocks_of,
    compression_of,
    decompressed,
    is_remote,
    opened,
    resized,
)
from xsieve.transforms.records.documents import is_lines

LINES, DOCUMENTS, AVRO, PARQUET = "lines", "documents", "avro", "parquet"
CONTAINERS = ((AVRO, b"Obj\x01"), (PARQUET, b"PAR1"))
ARCHIVES = ((0, b"PK\x03\x04", "zip"), (0, b"7z\xbc\xaf\x27\x1c", "7z"), (257, b"ustar", "tar"))
HEAD, LONG_HEAD = (
    1 << 16,
    1 << 20,
)  # bytes that tell what a file holds; more of them where its first line is longer
PARALLEL = 16  # files looked at side by side: what takes time is a remote file system
WILDCARD = re.compile(r"[*?\[]")


class Source(NamedTuple):
    """A file that is read. ``mtime_ns`` is 0 where the file system does not tell."""

    number: int
    path: str
    size: int  # bytes, as the file lies there
    format: str  # "lines", "documents", "avro" or "parquet"
    compression: str = NONE
    mtime_ns: int = 0


class Piece(NamedTuple):
    """What is read in one go: the lines of a source that begin in [start, end), or all if end is None."""

    source: Source
    start: int = 0
    end: int | None = None


class _File(NamedTuple):
    path: str
    size: int
    mtime_ns: int


def find(patterns: str | Iterable[str], exclude: Iterable[str] = ()) -> list[Source]:
    """The files that the patterns name, numbered from 0 in the order of their paths.

    A pattern is a file, a folder (all below it, less hidden and temporary files), or a glob in which ``**``
    is any number of folders; on this machine or on any of Beam's file systems. ``exclude`` holds globs, which
    may begin at any folder of a path. Raises SourceError if a pattern names nothing or a file cannot be read.
    """
    files: dict[str, _File] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        named = {file.path: file for file in (_remote(pattern) if is_remote(_plain(pattern)) else _local(pattern))}
        if not named:
            raise SourceError(f"{pattern}: there is no such file, nor any that matches")
        files |= named
    unwanted = [
        _regex(pattern if pattern.startswith("/") or is_remote(pattern) else f"**/{pattern}") for pattern in exclude
    ]
    wanted = [files[path] for path in sorted(files) if not any(regex.fullmatch(path) for regex in unwanted)]
    if not wanted:
        raise SourceError("the patterns to exclude leave no file to read")
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(_source, range(len(wanted)), wanted))


def pieces(source: Source, piece_bytes: int) -> list[Piece]:
    """A source in ranges of ``piece_bytes`` where it can be cut, else in one; an empty file has no pieces."""
    if not source.size:
        return []
    if source.format != LINES or source.compression != NONE:
        return [Piece(source)]
    bounds = range(0, source.size, piece_bytes)
    return [Piece(source, start, min(start + piece_bytes, source.size)) for start in bounds]


def describe(sources: Iterable[Source]) -> list[dict[str, object]]:
    """The list of numbers and paths, for the operator's eyes only."""
    return [{"number": source.number, "path": source.path, "size": source.size} for source in sources]


# --- finding


def _plain(pattern: str) -> str:
    return pattern.removeprefix("file://")


def _local(pattern: str) -> Iterator[_File]:
    path = os.path.normpath(_plain(pattern))
    if os.path.isdir(path):
        found = _below(path)
    elif os.path.exists(path):
        if not os.path.isfile(path):
            raise SourceError(f"{pattern}: is not a regular file")
        found = iter([path])
    else:
        found = filter(os.path.isfile, iglob(path, recursive=True))
    for file in found:
        status = os.stat(file)
        yield _File(os.path.normpath(file), status.st_size, status.st_mtime_ns)


def _below(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_passed_over(name)]
        yield from (os.path.join(parent, name) for name in names if not _is_passed_over(name))


def _is_passed_over(name: str) -> bool:
    """Hidden and temporary files, and the marks that Hadoop and Spark leave beside their output."""
    return name.startswith((".", "_")) or name.endswith(".tmp")


def _remote(pattern: str) -> Iterator[_File]:
    glob = WILDCARD.search(pattern)
    if not glob:
        yield from (exact := _listed(pattern, pattern))
        if exact:
            return
    top = pattern[: pattern.rfind("/", 0, glob.start()) + 1] if glob else pattern.rstrip("/") + "/"
    wanted = _regex(pattern if glob else top + "**")
    for file in _listed(top + "**", pattern):
        steps = file.path[len(top) :].split("/")
        passed_over = any(step.startswith(".") if glob else _is_passed_over(step) for step in steps)
        if wanted.fullmatch(file.path) and steps[-1] and not passed_over:
            yield file


def _listed(remote: str, pattern: str) -> list[_File]:
    from apache_beam.io.filesystems import FileSystems  # takes most of a second

    try:
        (result,) = FileSystems.match([remote])
        listed = result.metadata_list
    except Exception:  # each file system has its own
        raise SourceError(f"{pattern}: cannot be listed; does apache-beam support this file system here?") from None
    return [_File(f.path, f.size_in_bytes, int(f.last_updated_in_seconds * 1_000_000_000)) for f in listed]


def _regex(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression for whole paths: only ``**`` crosses a slash."""
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\])", glob)
    meant = (
        meanings.get(part) or (part.replace("[!", "[^", 1) if index % 2 else re.escape(part))
        for index, part in enumerate(parts)
    )
    return re.compile("".join(meant), re.DOTALL)


# --- looking into files


def _source(number: int, file: _File) -> Source:
    try:
        form, compression = _sniff(file.path)
    except SourceError as error:
        raise SourceError(f"source {number}: {error}") from None
    except Exception as error:  # each file system has its own
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it cannot be opened"
        raise SourceError(f"source {number}: {why}") from None
    return Source(number, file.path, file.size, form, compression, file.mtime_ns)


def _sniff(path: str) -> tuple[str, str]:
    head = _head(path, NONE, HEAD)
    compression = compression_of(head)
    if compression != NONE:
        head = _head(path, compression, HEAD)
    for form, mark in CONTAINERS:
        if head.startswith(mark):
            if compression != NONE:
                raise SourceError(f"is {form} inside of {compression}; expected {form} that is compressed itself")
            return form, compression
    for offset, mark, name in ARCHIVES:
        if head.startswith(mark, offset):
            raise SourceError(f"is a {name} archive; expected the files in it")
    if head.startswith(UTF16_MARKS):
        return DOCUMENTS, compression
    if b"\n" not in head:
        head = _head(path, compression, LONG_HEAD)
    return LINES if is_lines(head.removeprefix(UTF8_MARK)) else DOCUMENTS, compression


def _head(path: str, compression: str, size: int) -> bytes:
    """The first bytes of the content, up to ``size``; fewer where it is shorter, or cut."""
    with closing(opened(path)) as file:
        blocks = blocks_of(file, HEAD)
        content = resized(blocks if compression == NONE else decompressed(blocks, compression), size)
        try:
            return next(content, b"")
        except Cut:
            return b""
