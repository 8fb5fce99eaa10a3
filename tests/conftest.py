"""What all tests share: the helpers beside this file can be imported, and properties are not judged by the clock.

Where tests run in several processes (``-n 2``), those of a file stay together, but for those of ``tests/clusters``: they wait
most of the time, so they begin first, and each process brings up servers of its own.
"""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))
SERVERS = "tests/clusters/"

# the same examples in every run, so that a change is judged by what it changes; XSIEVE_EXAMPLES looks at more, at random
settings.register_profile(
    "xsieve",
    deadline=None,
    derandomize="XSIEVE_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("xsieve")


@pytest.hookimpl(optionalhook=True)  # there is none without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps the tests of a file together, and spreads those that need servers."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if nodeid.startswith(SERVERS) else nodeid.partition("::")[0]

    config.option.loadscopereorder = False
    return ByFile(config, log)
