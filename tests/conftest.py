"""What all tests share: the helpers beside this file can be imported, and properties are not judged by the clock."""

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("xsieve", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("xsieve")
