"""Truncation: as many ids of a release as still fit, the lowest first, so that any run that may release n of them releases the same."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from xsieve.pipelines.stage import Staged, write_ids
from xsieve.transforms.records.ids import NO_IDS, Ids


def truncated(files: Sequence[Staged], most: int, folder: str) -> list[Staged]:
    """Staged files of ids with the ``most`` lowest of all their ids, ascending in each; new files where some go."""
    if sum(file.units for file in files) <= most:
        return list(files)
    limit = _highest_that_stays(files, most)
    return list(_cut(files, limit, folder)) if most > 0 else []


def read_ids(file: Staged) -> Ids:
    """The ids in a staged text file."""
    with FileSystems.open(file.file, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
        return np.array(handle.read().split(), dtype=np.int64) if file.units else NO_IDS


def _highest_that_stays(files: Iterable[Staged], most: int) -> int:
    """The n-th lowest id; holds n ids and one file at a time."""
    lowest = NO_IDS
    for file in files:
        lowest = np.sort(np.concatenate([lowest, read_ids(file)]))[:most]
    return int(lowest[-1]) if len(lowest) else 0


def _cut(files: Iterable[Staged], limit: int, folder: str) -> Iterator[Staged]:
    for file in files:
        ids = read_ids(file)
        stay = ids[ids <= limit]
        if len(stay) == len(ids):
            yield file
        elif len(stay):
            path = FileSystems.join(folder, "cut-" + file.file.rpartition("/")[2])
            yield file._replace(file=path, units=len(stay), sha256=write_ids(stay, path))
