"""Topics as sources and sinks against a real broker: by Python until their end, and by Beam's Java transforms on Flink."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from clusters.jobs import Job
from clusters.places import TESTS
from clusters.topics import Sent, consume, create, produce
from templates import v1_post

NUMBERS = [1_590_000_000_000_000_000 + n for n in range(40)]
TIME = 1_767_225_600_000
KINDS = ("rows", "ids", "store")


def fill(kafka: str, name: str) -> None:
    """Posts one by one, as an array, pretty-printed; a tombstone, and what is no post."""
    posts = [v1_post(str(number), text=f"Lissabon 🌞 {number}") for number in NUMBERS]
    values: list[bytes | None] = [json.dumps(post, ensure_ascii=False).encode() for post in posts[:30]]
    values[3:3] = [None, b"", b"\xff\xfe", b"no payload"]
    values += [json.dumps(posts[30:35]).encode(), *(json.dumps(post, indent=2).encode() for post in posts[35:])]
    produce(kafka, name, [Sent(value, TIME + n, n % 2) for n, value in enumerate(values)])


def settings(kafka: str, folder: Path, name: str, source: dict[str, Any], sink: dict[str, Any]) -> Path:
    """A file of settings that reads a topic, and writes one for each kind of output."""
    for kind in KINDS:
        create(kafka, f"{name}-{kind}", 1)
    outputs = {
        kind: {
            "kind": kind,
            "write": {"kafka": {"topic": f"{name}-{kind}", "producer": {"bootstrap.servers": kafka}, **sink}},
        }
        for kind in KINDS
    }
    consumer = {"bootstrap.servers": kafka, "group.id": name}
    read = {"read": "kafka", "topics": name, "consumer": consumer, "start": "earliest", **source}
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump({"policy": "base-2024", "input": read, "outputs": outputs}), "utf-8")
    return path


def check(kafka: str, name: str, seconds: float = 0) -> None:
    """Each post once in each kind, without a key, whatever it came with."""
    found = {kind: consume(kafka, f"{name}-{kind}", len(NUMBERS), seconds) for kind in KINDS}
    assert {kind: len(messages) for kind, messages in found.items()} == dict.fromkeys(KINDS, len(NUMBERS))
    assert {message.key() for messages in found.values() for message in messages} == {None}
    assert sorted(int(message.value()) for message in found["ids"]) == NUMBERS
    assert sorted(json.loads(message.value())["id"] for message in found["store"]) == NUMBERS
    assert all(json.loads(message.value())["lang"] == "en" for message in found["rows"])
    assert not any(b"159000000000" in message.value() for message in found["rows"])


def test_a_topic_is_read_to_its_end_and_written_by_python(
    kafka: str, topic: Callable[[str], str], tmp_path: Path
) -> None:
    """Without Java, on the runner of batch jobs: all kinds of outputs, and the rejects go no further."""
    name = create(kafka, topic("io"), 2)
    fill(kafka, name)
    file = settings(kafka, tmp_path, name, {"until": "end", "through": "python"}, {"through": "python"})
    command = [sys.executable, "-m", "clusters.job_stream_io", "--settings", str(file), "--runner=FnApiRunner"]
    subprocess.run(command, cwd=TESTS, check=True, timeout=120)
    check(kafka, name)


@pytest.mark.parametrize("through", ["java", "python"])
def test_a_topic_is_read_and_written_on_flink(
    kafka: str,
    expansion: str,
    topic: Callable[[str], str],
    tmp_path: Path,
    run_on_flink: Callable[..., Job],
    through: str,
) -> None:
    """A stream by Beam's Java transforms, and by Python: the same."""
    name = create(kafka, topic(f"io-{through}"), 2)
    fill(kafka, name)
    how = {"through": through} | ({"expansion_service": expansion} if through == "java" else {})
    file = settings(kafka, tmp_path, name, how, how)
    run_on_flink("clusters.job_stream_io", ["--settings", str(file), "--streaming"])
    check(kafka, name, 120)
