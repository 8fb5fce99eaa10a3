"""The expansion service that offers Beam's Kafka transforms, which are written in Java, to Python pipelines."""

from clusters.maven import jars, java
from clusters.places import Home, free_ports, listens
from clusters.processes import spawn, wait_until
from clusters.state import Running


def start(home: Home) -> Running:
    (port,) = free_ports(1)
    # EMBEDDED: the Java transforms run inside of Flink's task manager. The runner gives nothing from Kafka in a stream
    # by the splittable read of its version, so the older way to read is asked for.
    arguments = [str(port), "--defaultEnvironmentType=EMBEDDED", "--experiments=use_deprecated_read"]
    program = "org.apache.beam.sdk.expansion.service.ExpansionService"
    server = spawn("expansion", java(jars(home, "beam"), program, arguments, ["-Xmx384m"]), home.log("expansion"))
    wait_until(lambda: listens(port), server, home.log("expansion"), 60)
    return Running((server,), {"endpoint": f"localhost:{port}"})
