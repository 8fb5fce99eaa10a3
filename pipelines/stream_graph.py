"""The graph of a stream: messages -> batches -> for each plan one sift -> windows -> files, released window by window.

Content is written to files where it is sifted; only names of files, and ids packed as int64, cross a shuffle. Whatever comes
late is a supplement of its window: no window of Beam's is ever closed to it, for what Beam drops as late it drops silently.
"""

import copy
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, Union

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterProcessingTime, AfterWatermark
from apache_beam.transforms.window import FixedWindows, IntervalWindow
from apache_beam.utils.windowed_value import PaneInfoTiming, WindowedValue

from xsieve.pipelines.pane_files import publish_pane
from xsieve.pipelines.settings_secrets import Secret
from xsieve.pipelines.stage import Staged, StageLines, StageRows
from xsieve.pipelines.windows import Stream, Told, Window, keep_window, release_window
from xsieve.transforms.records.batch import Reject
from xsieve.transforms.records.ids import Ids
from xsieve.transforms.sift import NAMESPACE, IdBatch, RowBatch, StoreBatch, content_kept_in

EVER = 10 * 365 * 86_400  # seconds that Beam waits for what is late: whoever is later still is counted here, not there
LATE_AFTER = 30
Packed = tuple[str, bytes]  # output, ids as int64

Staging = Union[RowBatch, StoreBatch, tuple[str, Reject]]  # noqa: UP007 Beam reads typing.Union only


class Windows(NamedTuple):
    """How an output is cut: windows of so many seconds, and how long after its end a window takes what is late (None: ever).

    ``gather``: for how many seconds late records of a window are brought together; 0: each comes by itself.
    """

    every: int
    lateness: int | None = None
    gather: int = LATE_AFTER

    def into(self) -> beam.WindowInto:
        """Beam's transform for it."""
        return beam.WindowInto(
            FixedWindows(self.every),
            trigger=AfterWatermark(late=AfterProcessingTime(self.gather) if self.gather else AfterCount(1)),
            accumulation_mode=AccumulationMode.DISCARDING,
            allowed_lateness=EVER,
        )


def bounds(window: IntervalWindow) -> Window:
    """A window of Beam's in our words."""
    start, end = (datetime.fromtimestamp(int(at), timezone.utc) for at in (window.start, window.end))
    return Window(start, end)


# --- ids


class ReleaseIds(beam.PTransform):
    """PCollection[IdBatch] -> one release a window and recipient, reserved and published; Told, of each pane.

    ``ledger`` is the URL as it is written: secrets in it are read on the worker. None for in-house.
    """

    def __init__(self, output: str, windows: Windows, streams: Sequence[Stream], ledger: Secret | None) -> None:
        super().__init__()
        self.output, self.windows, self.streams, self.ledger = output, windows, tuple(streams), ledger

    def expand(self, batches):
        return (
            batches
            | "Cut into windows" >> self.windows.into()
            | "Pack ids" >> beam.ParDo(PackIds(self.output)).with_output_types(Packed)
            | "Together by window" >> beam.GroupByKey()
            | "Reserve and publish" >> beam.ParDo(ReleasePanes(self.windows, self.streams, self.ledger))
        )


class PackIds(beam.DoFn):
    """IdBatch -> the ids of a bundle by window, packed: one element of a shuffle instead of thousands."""

    def __init__(self, output: str) -> None:
        self.output = output

    def start_bundle(self) -> None:
        self._held: dict[IntervalWindow, list[Ids]] = defaultdict(list)

    def process(self, batch: IdBatch, window: Any = beam.DoFn.WindowParam) -> None:
        if len(batch.ids):
            self._held[window].append(batch.ids)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for window, held in self._held.items():
            ids = np.unique(np.concatenate(held))
            yield WindowedValue((self.output, ids.tobytes()), window.max_timestamp(), [window])


# step of a job -> the end of the newest window that came in time; of this process, for runners make DoFns anew at will
_newest: dict[str, datetime] = {}


class Panes(beam.DoFn):
    """What is done with panes of windows: late ones are counted, and those that are too late left out."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self._job = uuid.uuid4().hex  # travels with the graph: the same on all workers

    def takes(self, window: Window, timing: int) -> bool:
        """Whether a pane still belongs to its window. A worker that has just started does not know better than to take it."""
        if timing != PaneInfoTiming.LATE:
            _newest[self._job] = max(window.end, _newest.get(self._job, window.end))
            return True
        self.count("late_panes", 1)
        lateness = self.windows.lateness
        newest = _newest.get(self._job, window.end)
        return lateness is None or window.end + timedelta(seconds=lateness) >= newest

    def count(self, what: str, number: int) -> None:
        """A counter of Beam's, for those who watch the job."""
        if number:
            Metrics.counter(NAMESPACE, what).inc(number)


class ReleasePanes(Panes):
    """(output, packed ids) of a pane -> Told for each recipient, once it is published and the ledger knows."""

    def __init__(self, windows: Windows, streams: Sequence[Stream], ledger: Secret | None) -> None:
        super().__init__(windows)
        self.streams, self.url = tuple(streams), ledger
        self._ledger: Any = None

    def setup(self) -> None:
        if self.url:
            from xsieve.transforms.ledger import open_ledger

            self._ledger = open_ledger(self.url.resolve())

    def teardown(self) -> None:
        if self._ledger:
            self._ledger.close()

    def process(
        self,
        group: tuple[str, Iterable[bytes]],
        window: Any = beam.DoFn.WindowParam,
        pane: Any = beam.DoFn.PaneInfoParam,
    ) -> Iterator[Told]:
        with content_kept_in():
            ids = np.unique(np.concatenate([np.frombuffer(packed, np.int64) for packed in group[1]]))
            if not self.takes(bounds(window), pane.timing):
                self.count("dropped.too_late", len(ids))
                return
            for stream in self.streams:
                told = self._release(stream, bounds(window), ids)
                for name, number in told._asdict().items():
                    self.count(f"{name}.{stream.output}", number)
                yield told

    def _release(self, stream: Stream, window: Window, ids: Ids) -> Told:
        if stream.outflow is None:
            return keep_window(stream, window, ids)
        return release_window(self._ledger, stream, window, ids)


# --- rows and payloads, in files


class WriteWindows(beam.PTransform):
    """PCollection[RowBatch] or [StoreBatch] -> a folder of files a window. At least once where a worker is killed."""

    def __init__(self, windows: Windows, stage: StageRows | StageLines, folder: str, facts: Mapping[str, Any]) -> None:
        super().__init__()
        self.windows, self.stage, self.folder, self.facts = windows, stage, folder, facts

    def expand(self, batches):
        return (
            batches
            | "Cut into windows" >> self.windows.into()
            | "Stage by window" >> beam.ParDo(StageByWindow(self.stage)).with_output_types(tuple[str, Staged])
            | "Together by window" >> beam.GroupByKey()
            | "Publish" >> beam.ParDo(PublishPanes(self.windows, self.folder, self.facts))
        )


class StageByWindow(beam.DoFn):
    """Batches or rejects -> (output, Staged): a file a bundle and window, by whatever stages a bundle where there are no windows."""

    def __init__(self, stage: StageRows | StageLines) -> None:
        self.stage = stage

    def start_bundle(self) -> None:
        self._stages: dict[IntervalWindow, Any] = {}

    def process(self, batch: Staging, window: Any = beam.DoFn.WindowParam) -> None:
        if window not in self._stages:
            self._stages[window] = copy.copy(self.stage)
            self._stages[window].start_bundle()
        self._stages[window].process(batch)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for window, stage in self._stages.items():
            for staged in stage.finish_bundle():
                yield WindowedValue((self.stage.output, staged.value), window.max_timestamp(), [window])


class PublishPanes(Panes):
    """(output, Staged files) of a pane -> the number of units published."""

    def __init__(self, windows: Windows, folder: str, facts: Mapping[str, Any]) -> None:
        super().__init__(windows)
        self.folder, self.facts = folder, dict(facts)

    def process(
        self,
        group: tuple[str, Iterable[Staged]],
        window: Any = beam.DoFn.WindowParam,
        pane: Any = beam.DoFn.PaneInfoParam,
    ) -> Iterator[int]:
        output, files, span = group[0], list(group[1]), bounds(window)
        units = sum(file.units for file in files)
        if not self.takes(span, pane.timing):
            self.count("dropped.too_late", units)
            return
        with content_kept_in():
            facts = {**self.facts, "window": list(span.facts)}
            publish_pane(self.folder, span, files, facts, late=pane.timing == PaneInfoTiming.LATE, now=time.time())
        self.count(f"published.{output}", units)
        yield units
