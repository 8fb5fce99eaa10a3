"""Files of a pane: published as the content of their window, or beside it if they come late.

Staged files stay for a while after they were published: a runner that is set back to a checkpoint asks for them again, and
gets the window as it was, whole and once.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from apache_beam.io.filesystems import FileSystems

from xsieve.pipelines import publish
from xsieve.pipelines.folders import saying
from xsieve.pipelines.kept import put
from xsieve.pipelines.stage import Staged
from xsieve.pipelines.streams import is_remote
from xsieve.pipelines.windows import Window, locked, staging_in

STAGING = ".staging"  # of bundles, in the folder of an output
STAYS = 86_400  # seconds that staged files stay: no runner goes back to an older checkpoint


def staging_of(folder: str) -> str:
    """Where bundles stage files of an output; made if it is not there. Raises PublishError."""
    path = FileSystems.join(folder, STAGING)
    with saying(f"{folder} cannot be written to"):
        if not FileSystems.exists(path):
            FileSystems.mkdirs(path)
    return path


def publish_pane(
    folder: str, window: Window, files: Sequence[Staged], facts: Mapping[str, Any], *, late: bool, now: float
) -> None:
    """Publish what was staged of a pane: in place of what an earlier attempt published, or beside it if late.

    Raises PublishError; the same pane again sets it right.
    """
    place = FileSystems.join(folder, window.label)
    with locked(place):
        publish.recover(place)
        before = _published(place) if late else []
        named = [*before, *_named(files, len(before))]
        with staging_in(place) as staging:
            staged = [_into(staging, number, file) for number, file in enumerate(named)]
            publish.publish([publish.Output(place, staging, staged, facts, str(facts["kind"]))])
    forget(folder, now)


def _published(place: str) -> list[Staged]:
    told = publish.manifest_of(place)
    return [
        Staged("", FileSystems.join(place, entry["name"]), entry["name"], "", entry["units"])
        for entry in (told["files"] if told else ())
    ]


def _named(files: Sequence[Staged], before: int) -> list[Staged]:
    """Late files are called supplements, by the number of files that lie there already."""
    return [file._replace(name=f"supplement-{before:05d}") for file in files] if before else list(files)


def _into(staging: str, number: int, file: Staged) -> Staged:
    path = FileSystems.join(staging, f"{number:05d}{file.ending}")
    put(file.file, path)
    return file._replace(file=path)


def forget(folder: str, now: float) -> None:
    """Remove staged files that no runner asks for any more; on an object store that is for a lifecycle rule to do."""
    staging = FileSystems.join(folder, STAGING)
    if is_remote(staging) or not os.path.isdir(staging):
        return
    with saying(f"{staging} cannot be tidied up"), os.scandir(staging) as entries:
        for entry in entries:
            try:
                if entry.stat().st_mtime < now - STAYS:
                    os.unlink(entry.path)
            except FileNotFoundError:
                continue  # another worker was faster
