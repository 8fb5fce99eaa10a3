"""Measure streams: Kafka -> xsieve -> Kafka against Kafka -> an identity map in Python -> Kafka, on the same Flink.

    python -m benchmarks.streams                            # 800,000 posts, three repeats
    python -m benchmarks.streams --posts 5000 --repeats 1   # does it work?

Runs on the servers of tests/clusters, which it starts and stops. Both jobs read the same topic by the same source, from its
beginning, and write a message for each post to a topic of their own; the rate is that between the first tenth and the last
message of the sink, so that the start of a job does not count. Jobs are interleaved. Both spread by luck: Flink may put both
partitions on one slot. So each run is shown, and medians are compared; fewer posts say little. Exits with 1 if xsieve is slower than 0.7 of the identity.
"""

import argparse
import json
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from benchmarks.generate import block
from benchmarks.run import machine

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # the test servers are a developer's tool, too

LEAST = 0.7  # of the identity's rate
PARTITIONS, PATIENCE = 2, 900
AT_ONCE = 20_000  # posts handed to a producer, whose queue holds 100,000
FLINK = ["--streaming", "--parallelism=2", "--checkpointing_interval=5000", "--finish_bundle_before_checkpointing"]


def settings(folder: Path, bootstrap: str, source: str, sink: str) -> Path:
    """The settings of xsieve for the same: rows with scrubbed text."""
    kafka = {"topic": sink, "producer": {"bootstrap.servers": bootstrap}, "through": "python"}
    data = {
        "policy": "base-2024",
        "collection": {"access": "app_only"},
        "input": {
            "read": "kafka", "topics": [source], "start": "earliest", "through": "python",
            "consumer": {"bootstrap.servers": bootstrap, "group.id": sink},
        },
        "outputs": {"rows": {"kind": "rows", "text": "scrub", "write": {"kafka": kafka}}},
    }  # fmt: skip
    path = folder / f"{sink}.json"
    path.write_text(json.dumps(data))
    return path


def count(bootstrap: str, topic: str) -> int:
    """How many messages a topic has; none for as long as nobody leads it, as just after it was made."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "count"})
    try:
        return sum(consumer.get_watermark_offsets(TopicPartition(topic, n), 10)[1] for n in range(PARTITIONS))
    except KafkaException:
        return 0
    finally:
        consumer.close()


def rate(bootstrap: str, sink: str, posts: int) -> float:
    """Messages a second of a sink, from its first tenth to the last."""
    end, seen = time.monotonic() + PATIENCE, list[tuple[float, int]]()
    while not seen or seen[-1][1] < posts:
        if time.monotonic() > end:
            raise TimeoutError(f"{sink}: {seen[-1][1] if seen else 0} of {posts} after {PATIENCE} s")
        time.sleep(0.25)
        seen.append((time.monotonic(), count(bootstrap, sink)))
    first = next(entry for entry in seen if entry[1] >= posts / 10)
    return (seen[-1][1] - first[1]) / (seen[-1][0] - first[0]) if seen[-1][0] > first[0] else float("inf")


def measure(posts: int, repeats: int, folder: Path) -> dict[str, list[float]]:
    """Rates of both jobs, interleaved."""
    from clusters import servers
    from clusters.jobs import submit
    from clusters.places import Home, shared_home
    from clusters.state import recall
    from clusters.topics import Sent, create, produce

    home = Home(shared_home().cache, folder)
    names = ("kafka", "flink", "jobserver", "workers")
    rates: dict[str, list[float]] = {"identity": [], "xsieve": []}
    try:
        servers.up(home, names)
        running = recall(home, "kafka")
        assert running
        bootstrap = running.at["bootstrap"]
        source = create(bootstrap, "source", PARTITIONS)
        lines, now = block("v2", min(posts, 20_000), 7).splitlines(), int(time.time() * 1000)
        passing = _passing(lines)
        for part in range(0, posts, AT_ONCE):
            numbers = range(part, min(part + AT_ONCE, posts))
            produce(bootstrap, source, (Sent(passing[n % len(passing)], now, n % PARTITIONS) for n in numbers))
        for repeat in range(repeats):
            for name in rates:
                sink = create(bootstrap, f"{name}-{repeat}", PARTITIONS)
                job = _submit(submit, home, name, folder, bootstrap, source, sink)
                rates[name].append(rate(bootstrap, sink, posts))
                job.cancel()
    finally:
        servers.down(home, names)
    return rates


def _passing(lines: list[bytes]) -> list[bytes]:
    """The posts that pass, so that both sinks have as many messages."""
    from xsieve.transforms import dehydrate

    return [line for line in lines if len(dehydrate(line).content)]


def _submit(submit: Any, home: Any, name: str, folder: Path, bootstrap: str, source: str, sink: str) -> Any:
    if name == "xsieve":
        return submit(
            home, "xsieve.pipelines.command", sink, ["run", str(settings(folder, bootstrap, source, sink)), *FLINK]
        )
    return submit(home, "clusters.job_identity", sink, [bootstrap, source, sink, *FLINK])


def report(rates: dict[str, list[float]], posts: int) -> str:
    """The table of a result."""
    middle = {name: median(found) for name, found in rates.items()}
    lines = [
        f"# Streams of {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        machine(),
        f"{posts:,} v2 posts; Flink with 2 slots, workers of a pool, Kafka on the same machine; the median of {len(rates['xsieve'])}.",
        "| job | posts a second | x identity | each run |\n| --- | --- | --- | --- |\n"
        + "\n".join(
            f"| {name} | {middle[name]:,.0f} | {middle[name] / middle['identity']:.2f} | {_each(rates[name])} |"
            for name in middle
        ),
    ]
    return "\n\n".join(lines) + "\n"


def _each(rates: list[float]) -> str:
    return ", ".join(f"{rate:,.0f}" for rate in rates)


def main() -> int:
    """Command line: measure, write the table, and say whether the promise holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--posts", type=int, default=800_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rates = measure(given.posts, given.repeats, Path(folder))
    text = report(rates, given.posts)
    given.results.mkdir(parents=True, exist_ok=True)
    (given.results / f"{datetime.now(timezone.utc):%Y-%m-%d-%H%M}-streams.md").write_text(text, "utf-8")
    print(text)
    return 0 if median(rates["xsieve"]) >= LEAST * median(rates["identity"]) else 1


if __name__ == "__main__":
    sys.exit(main())
