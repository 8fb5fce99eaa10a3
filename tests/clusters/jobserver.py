"""Beam's job server for Flink, put together from modules; in production Beam fetches the matching one by itself."""

from clusters.maven import jars, java
from clusters.places import Home, free_ports, listens
from clusters.processes import spawn, wait_until
from clusters.state import Running, recall

OPTIONS = [
    "-Xmx768m",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
]


def start(home: Home) -> Running:
    job, artifact, expansion = free_ports(3)
    flink = recall(home, "flink")
    assert flink, "the job server needs Flink"
    folder = home.fresh("jobserver")
    arguments = [
        *("--flink-master", flink.at["master"], "--artifacts-dir", str(folder / "artifacts")),
        *("--job-port", str(job), "--artifact-port", str(artifact), "--expansion-port", str(expansion)),
    ]
    command = java(jars(home, "beam"), "org.apache.beam.runners.flink.FlinkJobServerDriver", arguments, OPTIONS)
    server = spawn("jobserver", command, home.log("jobserver"))
    wait_until(lambda: listens(job), server, home.log("jobserver"), 60)
    return Running((server,), {"endpoint": f"localhost:{job}"})
