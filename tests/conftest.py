"""What all tests share: the helpers beside this file can be imported, and properties are not judged by the clock.

Where tests run in several processes (``-n 2 --dist loadgroup``), those of a file stay together, and so do all that need the
servers of ``tests/clusters``: these wait most of the time, and the others run meanwhile.
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

# the same examples in every run, so that a change is judged by what it changes; XSIEVE_EXAMPLES looks at more, at random
settings.register_profile(
    "xsieve",
    deadline=None,
    derandomize="XSIEVE_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("xsieve")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts each test into the group of its file, or of the servers."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            group = "clusters" if "clusters" in item.path.parts else str(item.path)
            item.add_marker(pytest.mark.xdist_group(group))
