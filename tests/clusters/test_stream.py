"""xsieve as a stream, on real servers: a broker, a runner, a ledger. What is killed comes back, and nothing counts twice."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from clusters import flink as cluster
from clusters import workers
from clusters.jobs import Job
from clusters.places import Home
from clusters.postgres import Postgres
from clusters.streams import COMMAND, EVERY, FLINK, Stream
from clusters.topics import Sent, produce
from ledger.new_ledgers import new_schema

from xsieve.configs import resource
from xsieve.pipelines.hand_over import hand_over, waiting
from xsieve.pipelines.settings import load
from xsieve.transforms.ledger import open_ledger

KILLS = int(os.environ.get("XSIEVE_STREAM_KILLS", "4"))


# --- on Flink


def test_a_stream_on_flink_releases_each_window_once_and_the_ledger_agrees(
    stream: Stream, go: Callable[..., Job]
) -> None:
    """Kafka to windows: every post once, in its own window, and counted; rows beside them; poison costs its rejects."""
    go()
    stream.send(60, seconds=12)
    stream.poison()
    stream.send(20, seconds=4)
    stream.wait(lambda: stream.is_whole() and stream.rows() == 80 and stream.rejected() == 3)
    assert stream.is_in_its_own_windows()
    assert len(stream.published()) >= 3
    assert stream.used() == 80


def test_a_limit_that_is_reached_in_mid_stream_withholds_later_windows_until_a_person_hands_them_over(
    kafka: str,
    postgres: Postgres,
    topic: Callable[[str], str],
    tmp_path: Path,
    run_on_flink: Callable[..., Job],
    flink: Home,
) -> None:
    """Exactly the granted ids are out; what waits is handed over, in order, once the limit allows it."""
    stream = Stream(tmp_path, kafka, topic("posts"), new_schema(postgres), limit=50)
    given = ["run", str(stream.settings()), f"--shared-folder={tmp_path}", *FLINK]
    run_on_flink(COMMAND, given).wait_running()
    stream.send(120, seconds=24)

    def settled() -> bool:
        with open_ledger(stream.ledger) as ledger:
            return stream.used() + sum(one.known.units for one in waiting(ledger)) == 120

    stream.wait(settled)
    published = stream.all_ids()
    assert len(published) == len({*published}) == stream.used() <= 50
    settings = load(stream.settings(policy="base-2024"))
    with open_ledger(stream.ledger) as ledger:
        waits = waiting(ledger)
        assert [one.known.offer.release for one in waits] == sorted(one.known.offer.release for one in waits)
        for one in waits:
            assert hand_over(ledger, one, "Rita", datetime.now(timezone.utc), settings).state == "published"
        assert waiting(ledger) == []
    assert stream.is_whole()
    assert stream.used() == 120


def test_a_stream_that_is_stopped_with_a_savepoint_goes_on_without_a_gap_or_a_repeat(
    stream: Stream, go: Callable[..., Job]
) -> None:
    """Posts before, while it is down, and after: each once."""
    job = go()
    stream.send(40, seconds=8)
    savepoint = job.stop()
    stream.send(20, seconds=4)
    go(f"--savepoint_path={savepoint}")
    stream.send(40, seconds=8)
    stream.wait(stream.is_whole)
    assert stream.used() == 100


def test_a_stream_that_is_cancelled_goes_on_from_its_last_checkpoint(
    stream: Stream, go: Callable[..., Job], flink: Home
) -> None:
    """Flink keeps the checkpoint of a job that it was told to cancel: posts before, while it is down, and after, each once."""
    job = go()
    stream.send(40, seconds=8)
    number = job.id
    job.cancel()
    stream.send(20, seconds=4)
    go(f"--savepoint_path={cluster.last_checkpoint(flink, number)}")
    stream.send(40, seconds=8)
    stream.wait(stream.is_whole)
    assert stream.used() == 100


KILLED = ("worker", "task manager", "job", "ledger")


def test_a_stream_whose_parts_are_killed_publishes_and_counts_each_post_once(
    stream: Stream, go: Callable[..., Job], flink: Home, postgres: Postgres
) -> None:
    """One part after the other, killed at a random moment while posts come in: each post once, whatever is replayed.

    XSIEVE_STREAM_KILLS says how often, each part in turn; the full number is 20.
    """
    chance = random.Random(7)
    job = go()
    for number in range(KILLS):
        stream.send(20, seconds=4)
        time.sleep(chance.uniform(0, EVERY))
        victim = KILLED[number % len(KILLED)]
        if victim == "job":
            job = again(job, go, flink)
        else:
            kill(victim, flink, postgres)
        stream.send(30, seconds=6)
        stream.wait(stream.is_whole, 240)
        assert stream.used() == len(stream.ids)
    assert stream.is_in_its_own_windows()
    assert not list((stream.out / "climate").glob("*/.kept-*"))


def again(job: Job, go: Callable[..., Job], flink: Home) -> Job:
    """Kill what runs the job, which Flink then knows no more, and submit it again from its last checkpoint."""
    number = job.id
    cluster.restart_job_manager(flink)
    job.client.kill()
    return go(f"--savepoint_path={cluster.last_checkpoint(flink, number)}")


def kill(victim: str, flink: Home, postgres: Postgres) -> None:
    """Kill a part of the stream."""
    if victim == "worker":
        assert workers.kill_workers(flink)
    elif victim == "task manager":
        cluster.kill_task_manager(flink)
        cluster.start_task_manager(flink)
    else:
        postgres.stop("immediate")
        time.sleep(1)
        postgres.start()


# --- the same answer, however it is run


def test_batch_batch_on_flink_and_stream_give_the_same_rows_ids_and_counts(
    kafka: str,
    postgres: Postgres,
    topic: Callable[[str], str],
    tmp_path: Path,
    flink: Home,
    run_on_flink: Callable[..., Job],
) -> None:
    """The sample data of all shapes through FnApiRunner, through Flink in batch, and through Kafka on Flink."""
    lines = [line for name in ("stream-v1", "pages-v2") for line in sample(name)]
    answers = []
    for way in ("local", "flink", "kafka"):
        folder = tmp_path / way
        folder.mkdir()
        stream = Stream(folder, kafka, topic(way), new_schema(postgres))
        if way == "kafka":
            at = int(time.time() * 1000)
            produce(kafka, stream.topic, [Sent(line, at, number % 2) for number, line in enumerate(lines)])
            run_on_flink(COMMAND, ["run", str(stream.settings()), f"--shared-folder={folder}", *FLINK])
            stream.wait(lambda stream=stream: len(stream.rows_in_order()) >= len(answers[0][0]), 180)
            stream.wait(lambda stream=stream: len(stream.all_ids()) >= len(answers[0][1]), 60)
        else:
            (folder / "in.jsonl").write_bytes(b"\n".join(lines) + b"\n")
            settings = str(stream.batch_settings(folder / "in.jsonl"))
            if way == "flink":
                run_on_flink(COMMAND, ["run", settings], "LOOPBACK").wait_finished()
            else:
                subprocess.run([sys.executable, "-m", COMMAND, "run", settings], check=True, capture_output=True)
        answers.append((stream.rows_in_order(), stream.all_ids(), stream.used()))
    local, on_flink, streamed = answers
    assert len(local[0]) > 10
    assert local == on_flink == streamed


def sample(name: str) -> list[bytes]:
    """The payloads of a sample file that are whole lines of JSON."""
    lines = resource(f"examples/data/{name}.jsonl").read_bytes().splitlines()
    return [line for line in lines if line.strip()]
