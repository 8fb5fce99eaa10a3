"""Git work trees: what lies in one is a command away from being public."""

import os
import re
from pathlib import Path

_URL = re.compile(r"[a-z][a-z0-9+.-]+://")


def in_work_tree(folder: str) -> bool:
    """Whether a folder of this machine, there or not yet, lies in a git work tree; links are followed."""
    if _URL.match(folder) and not folder.startswith("file://"):
        return False
    path = Path(os.path.realpath(folder.removeprefix("file://")))
    return any((above / ".git").exists() for above in (path, *path.parents))
