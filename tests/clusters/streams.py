"""A stream for tests: posts in a topic, xsieve on a runner, windows on disk, a ledger on a server."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import count as counted
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from clusters.topics import Sent, create, produce
from outflow_settings import WHO, policy
from outputs import HEAD, in_order, manifest, rows
from templates import v1_post

from xsieve.pipelines.windows import LABEL
from xsieve.transforms.ledger import open_ledger
from xsieve.transforms.records.times import EPOCH_MS

COMMAND = "xsieve.pipelines.command"
EVERY = 5  # seconds of a window
FLINK = ["--streaming", "--parallelism=2", "--checkpointing_interval=1000", "--finish_bundle_before_checkpointing"]


class Stream:
    """Posts whose ids tell the time at which they are sent, a topic for them, and what xsieve makes of it."""

    def __init__(
        self, folder: Path, bootstrap: str, topic: str, ledger: str, limit: int = 1_000_000, every: int = EVERY
    ) -> None:
        self.folder, self.bootstrap, self.ledger, self.every = folder, bootstrap, ledger, every
        self.topic = create(bootstrap, topic, 2)
        self.ids: list[int] = []
        self.posts = self._of_now()  # ids with payloads
        self.policy = policy(folder, post_id=limit)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def settings(self, **more: Any) -> Path:
        """The settings, in a file."""
        outputs = {
            "climate": {
                "kind": "ids",
                "recipient": "lab",
                "every": f"{self.every}s",
                "write": {"path": str(self.out / "climate")},
            },
            "trends": {
                "kind": "rows",
                "text": "scrub",
                "every": f"{self.every}s",
                "write": {"path": str(self.out / "trends")},
            },
        }
        source = {
            "read": "kafka",
            "topics": [self.topic],
            "through": "python",
            "start": "earliest",
            "consumer": {"bootstrap.servers": self.bootstrap, "group.id": self.topic},
        }
        data = {**HEAD, **WHO, "policy": self.policy, "input": source, "ledger": self._ledger_as_written(), "outputs": outputs,
                "rejects": str(self.out / "rejects"), **more}  # fmt: skip
        path = self.folder / "stream.json"
        path.write_text(json.dumps(data))
        return path

    def batch_settings(self, path: Path) -> Path:
        """The same for files, without windows; rejects do not fail it."""
        data = json.loads(self.settings(max_rejects=1).read_text())
        data["input"] = {"read": "files", "path": str(path)}
        for output in data["outputs"].values():
            del output["every"]
        written = self.folder / "batch.json"
        written.write_text(json.dumps(data))
        return written

    def send(self, count: int, seconds: float = 0.0) -> None:
        """So many posts, to both partitions in turn, spread over so many seconds of real time."""
        for _ in range(count):
            self.send_now(1)
            time.sleep(seconds / count)

    def send_now(self, count: int, at: float | None = None, partitions: int = 2) -> None:
        """So many posts at once. ``at``: of another time, seconds since 1970; ``partitions``: 1 leaves the other one without."""
        made, time_ms = list(islice(self.posts, count)), int((at or time.time()) * 1000)
        begin = len(self.ids)
        self.ids += [number for number, _ in made]
        sent = [Sent(post, time_ms, n % partitions) for n, (_, post) in enumerate(made, begin)]
        produce(self.bootstrap, self.topic, sent)

    def _of_now(self) -> Iterator[tuple[int, bytes]]:
        for number in counted():
            made = (int(time.time() * 1000) - EPOCH_MS << 22) + number % 4096
            yield made, json.dumps(v1_post(str(made), text=f"number {number} 🌊")).encode()

    def poison(self) -> None:
        """A message that is no JSON, and one that is empty."""
        produce(self.bootstrap, self.topic, [Sent(b'{"id": "1', None, 0), Sent(None, None, 1)])

    def _ledger_as_written(self) -> str:
        """The ledger's address with its password in a file, as it is in production."""
        password = urlsplit(self.ledger).password
        if not password:
            return self.ledger
        file = self.folder / "password"
        file.write_text(password)
        return self.ledger.replace(f":{password}@", f":${{file:{file}}}@")

    # --- what came of it

    def published(self) -> dict[str, list[int]]:
        """The ids in the folder of each window (a batch has one folder), with repeats if there are any."""
        return {place.name: ids_of(place) for place in windows_of(self.out / "climate")}

    def all_ids(self) -> list[int]:
        return sorted(number for ids in self.published().values() for number in ids)

    def rows(self) -> int:
        """How many rows there are in all windows."""
        return sum(e["units"] for place in windows_of(self.out / "trends") for e in manifest(place)["files"])

    def rows_in_order(self) -> list[str]:
        """All rows, in an order of their own."""
        found = []
        for place in windows_of(self.out / "trends"):
            with suppress(FileNotFoundError):  # it is being replaced
                found += rows(place)
        return in_order(found)

    def rejected(self) -> int:
        """How many rejects are listed, for each output or for none."""
        return sum(e["units"] for place in windows_of(self.out / "rejects") for e in manifest(place)["files"])

    def used(self) -> int:
        with open_ledger(self.ledger) as opened:
            return sum(one.used for one in opened.usage())

    def wait(self, holds: Callable[[], bool], seconds: float = 120) -> None:
        """Waits until something holds."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not after {seconds:.0f} s: {len(self.all_ids())} of {len(self.ids)} ids"
            time.sleep(0.5)

    def is_whole(self) -> bool:
        """Whether each post that was sent is published, once."""
        return self.all_ids() == sorted(self.ids)

    def is_in_its_own_windows(self) -> bool:
        """Whether no post lies in a window that ended before it was sent, or began after."""
        for place, ids in self.published().items():
            start = datetime.strptime(f"{place}+0000", f"{LABEL}%z").timestamp()
            if not all(start - 1 <= ((n >> 22) + EPOCH_MS) / 1000 < start + self.every for n in ids):
                return False
        return True


def windows_of(folder: Path) -> list[Path]:
    """The folders of windows that have been published; of a batch the folder itself."""
    return sorted(path.parent for pattern in ("manifest.json", "*/manifest.json") for path in folder.glob(pattern))


def ids_of(place: Path) -> list[int]:
    try:
        files = [entry["name"] for entry in manifest(place)["files"] if entry["units"]]
        return [int(line) for name in files for line in (place / name).read_text().splitlines()]
    except FileNotFoundError:  # it is being replaced
        return []
