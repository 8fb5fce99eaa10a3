"""A lean import of Beam: for a run on this machine, from files to files, what Beam imports for databases and clouds stays out, and
Arrow until a file is read or written that needs it.

Beam looks for these packages when it is imported and does without where they are not installed. Where they are, they take
longer than all else together (0.9 s of CPU instead of 0.4 with Beam's own extras installed).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

OTHERS = (
    "apitools",
    "google.api_core",
    "google.auth",
    "google.cloud",
    "oauth2client",
    "bson",
    "pandas",
    "pyarrow",
    "pymongo",
    "requests",
)

# before the collector of cycles looks at them: what is imported stays, and the start takes a quarter less
YOUNG_OBJECTS = 1_000_000


@contextmanager
def unimported(names: tuple[str, ...] = OTHERS) -> Iterator[None]:
    """Within this, packages that are not imported yet cannot be: importing them raises ImportError, as if they were not there."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is how Python marks them
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
