"""A Kafka broker of one node, which is its own controller (KRaft)."""

import base64
import subprocess
import uuid

from clusters.maven import jars, java
from clusters.places import Home, free_ports, listens
from clusters.processes import StartError, spawn, wait_until
from clusters.state import Running

SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{control}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{control}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
message.max.bytes=8388608
log.retention.ms=-1
"""
LOGGING = """\
status=error
rootLogger.level=WARN
rootLogger.appenderRef.c.ref=C
appender.c.name=C
appender.c.type=Console
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %c{1} %m%n
"""


def start(home: Home) -> Running:
    port, control = free_ports(2)
    libraries, folder = jars(home, "kafka"), home.fresh("kafka")
    settings, logging = folder / "server.properties", folder / "log4j2.properties"
    settings.write_text(SETTINGS.format(port=port, control=control, folder=folder), "utf-8")
    logging.write_text(LOGGING, "utf-8")
    options = ["-Xms256m", "-Xmx512m", f"-Dlog4j2.configurationFile={logging}"]
    # it may begin with a dash, and would be taken for an option if it stood by itself
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    form = java(
        libraries, "kafka.tools.StorageTool", ["format", f"--cluster-id={cluster}", "-c", str(settings)], options
    )
    done = subprocess.run(form, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartError(f"Kafka cannot lay out its folder:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    broker = spawn("kafka", java(libraries, "kafka.Kafka", [str(settings)], options), home.log("kafka"))
    wait_until(lambda: listens(port), broker, home.log("kafka"), 60)
    return Running((broker,), {"bootstrap": f"127.0.0.1:{port}"})
