"""What all tests share: the helpers beside this file can be imported, and properties are not judged by the clock."""

import os
import sys
from pathlib import Path

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
