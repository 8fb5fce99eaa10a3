"""A private folder for as long as a process works; a process that is killed leaves its own to the next one to remove.

Whoever works holds a lock on its folder, which the system releases when the process is gone, however it went.
"""

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

PREFIX = "xsieve-run-"


@contextmanager
def private_folder() -> Iterator[str]:
    """A new folder that only this user can look into, removed in the end."""
    _remove_abandoned()
    while True:
        with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder, _held(folder) as held:
            if held:
                yield folder
                return


def _remove_abandoned() -> None:
    for folder in glob.glob(os.path.join(glob.escape(tempfile.gettempdir()), f"{PREFIX}*")):
        with _held(folder) as held:
            if held:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: str) -> Iterator[bool]:
    """Whether nobody else holds the folder, and it is still there: then it is held meanwhile."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # gone, or another user's
        yield False
        return
    try:
        yield _locked(handle) and os.path.exists(folder)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
