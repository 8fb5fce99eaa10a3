"""Prism, Beam's own runner for streams on one machine: a program in Go, found where it is, or built once where Go is."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

VERSION = f"v{version('apache-beam')}"
PACKAGE = f"github.com/apache/beam/sdks/v2/go/cmd/prism@{VERSION}"


def find(given: str | None, env: Mapping[str, str] = os.environ) -> str | None:
    """Where Prism is: where ``--prism_location`` says, on PATH, or where it was built before. None where it is not."""
    if given:
        return given
    built = folder(env) / "prism"
    return shutil.which("prism", path=env.get("PATH", "")) or (str(built) if built.exists() else None)


def build(say: Callable[[str], None], env: Mapping[str, str] = os.environ) -> str | None:
    """Build Prism, of Beam's own version; where it is then. None where Go is not, or cannot get the sources."""
    go = shutil.which("go", path=env.get("PATH", ""))
    if not go:
        return None
    say(f"building Prism {VERSION}, once: a minute or two")
    place = folder(env)
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run([go, "install", PACKAGE], env={**env, "GOBIN": str(place)}, capture_output=True, check=False)
    return str(place / "prism") if (place / "prism").exists() else None


def folder(env: Mapping[str, str]) -> Path:
    """The folder for Prism of this version."""
    cache = env.get("XDG_CACHE_HOME") or Path(env.get("HOME") or Path.home()) / ".cache"
    return Path(cache) / "xsieve" / f"prism-{VERSION}"
