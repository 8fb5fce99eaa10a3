"""Java programs from Maven packages: fetched once for each list of packages, by Maven as it is set up on the machine."""

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from clusters.places import Home
from clusters.processes import StartError

POMS = Path(__file__).parent / "poms"
# what Kafka, Flink and Beam open by reflection, which Java 17 refuses by itself
OPENS = [
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in (
        *("java.lang", "java.lang.invoke", "java.math", "java.net", "java.nio", "java.text", "java.time"),
        *("java.util", "java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch"),
    )
]


def jars(home: Home, name: str) -> Path:
    """The folder with the packages that ``poms/NAME.xml`` names, and all that they need."""
    pom = POMS / f"{name}.xml"
    folder = home.cache / f"{name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        partial = folder.with_suffix(".part")
        shutil.rmtree(partial, ignore_errors=True)
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
        done = subprocess.run(["mvn", "-q", "-B", "-f", str(pom), *goal], capture_output=True, text=True, check=False)
        if done.returncode:
            raise StartError(f"Maven cannot fetch {pom.name}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        partial.rename(folder)
    return folder


def java(folder: Path, program: str, arguments: Sequence[str], options: Sequence[str]) -> list[str]:
    """The command that runs a class of the packages in a folder."""
    return ["java", *options, *OPENS, "-cp", f"{folder}/*", program, *arguments]
