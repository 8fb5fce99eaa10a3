"""Soak: does the memory of workers stay flat while a stream goes on at a steady rate? And does every post arrive once?

    python -m benchmarks.soak --minutes 60 --rate 50
    python -m benchmarks.soak --minutes 3                   # does it work?

From Kafka through Flink to rows with scrubbed text and to releases of ids with a ledger in PostgreSQL, window by window, on the
servers of tests/clusters, which it starts and stops. Exits with 1 if what a worker holds in the last quarter of the time is more than
in the second by more than 5 %, by medians; or if a post is missing or came twice.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from benchmarks.generate import POST_ID, block, digits_of
from benchmarks.posts import ROUND_DIGITS
from benchmarks.run import machine
from benchmarks.streams import FLINK

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # the test servers are a developer's tool, too

from clusters import servers  # noqa: E402
from clusters.jobs import submit  # noqa: E402
from clusters.memory import faults, growths  # noqa: E402
from clusters.places import Home, shared_home  # noqa: E402
from clusters.postgres import running  # noqa: E402
from clusters.soak import Soaked, missing, soak  # noqa: E402
from clusters.state import recall  # noqa: E402
from clusters.streams import Stream  # noqa: E402
from ledger.new_ledgers import new_schema  # noqa: E402

SHARE = 0.05  # of growth that is allowed
WINDOW, LOOK = 60, 10  # seconds
DISTINCT = 20_000  # posts, before they come again with fresh ids
NAMES = ("kafka", "flink", "jobserver", "workers")


def posts(distinct: int) -> Iterator[tuple[int, bytes]]:
    """Ids and payloads of invented v1.1 posts that pass, round after round, each with fresh ids."""
    from xsieve.transforms import dehydrate

    lines = block("v1", distinct, 7).splitlines()
    found = {ids[0]: line for line in lines if len(ids := dehydrate(line).content.tolist()) == 1}
    for number in range(10**ROUND_DIGITS):
        digits = digits_of(number)
        for made, line in found.items():
            fresh = POST_ID.sub(lambda id_, digits=digits: id_[0][:-ROUND_DIGITS] + digits, line)
            yield made + int(digits), fresh


def measure(minutes: float, rate: float, folder: Path) -> tuple[Soaked, list[str], int]:
    """Memory, what is wrong with what came out, and how many posts were sent."""
    home, place = Home(shared_home().cache, folder / "servers"), folder / "stream"
    place.mkdir(parents=True)
    with running() as postgres:
        try:
            servers.up(home, NAMES)
            kafka = recall(home, "kafka")
            assert kafka
            stream = Stream(place, kafka.at["bootstrap"], "posts", new_schema(postgres), every=WINDOW)
            stream.posts = posts(DISTINCT)
            given = ["run", str(stream.settings()), f"--shared-folder={place}", *FLINK]
            job = submit(home, "xsieve.pipelines.command", "soak", given).wait_running()
            found = soak(stream, home, job, rate, 60 * minutes, LOOK)
            with suppress(AssertionError):  # what is missing is said below, in numbers
                stream.wait(stream.is_whole, 3 * WINDOW)
            wrong = [*missing(stream), *(f"a task failed: {why}" for why in job.failures())]
            job.cancel()
            return found, wrong, len(stream.ids)
        finally:
            servers.down(home, NAMES)


def report(found: Soaked, wrong: list[str], sent: int, rate: float) -> str:
    """The result in Markdown."""
    samples, sizes = found
    span, quarter = samples[-1].at - samples[0].at, len(sizes) // 4
    rows = [
        f"| {g.name} | {g.second:.1f} | {g.last:.1f} | {g.share:+.1%} | {g.an_hour:+.1f} |" for g in growths(samples)
    ]
    head = "| worker | MB, second quarter | MB, last quarter | growth | MB an hour |\n| --- | --- | --- | --- | --- |\n"
    return "\n\n".join(
        [
            f"# A soak of {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
            machine(),
            f"{sent:,} v1.1 posts in {span / 60:.0f} minutes, {rate:g} a second: from Kafka through Flink (2 slots, workers of a pool, a "
            f"checkpoint each 5 s) to rows with scrubbed text and to ids with a ledger in PostgreSQL, in windows of {WINDOW} s.",
            f"Medians of {len(samples):,} samples; the first quarter is for warming up, and the line that gives MB an hour is "
            f"fitted to what follows it. Growth by more than {SHARE:.0%} fails.",
            head + "\n".join(rows),
            f"Checkpoints of Flink: {median(sizes[quarter : 2 * quarter]):,.0f} KB in the second quarter, "
            f"{median(sizes[-quarter:]):,.0f} KB in the last (medians).",
            "\n".join(f"- {what}" for what in wrong)
            or "Every post came out once in both outputs, and is counted once.",
        ]
    )


def main() -> int:
    """Command line: soak, write the result, and say whether the promises hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=50, help="posts a second")
    parser.add_argument("--work", type=Path, help="a folder that stays, with the logs")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found, wrong, sent = measure(given.minutes, given.rate, given.work or Path(folder))
    wrong += faults(found.samples, SHARE)
    text = report(found, wrong, sent, given.rate) + "\n"
    given.results.mkdir(parents=True, exist_ok=True)
    (given.results / f"{datetime.now(timezone.utc):%Y-%m-%d-%H%M}-soak.md").write_text(text, "utf-8")
    print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
