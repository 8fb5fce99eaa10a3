"""A streaming job for tests: an impulse every half second, counted by windows of 3 seconds, a line of JSON each to a file.

``python -m clusters.job_periodic FILE …Beam's options``
"""

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.periodicsequence import PeriodicImpulse
from apache_beam.transforms.window import FixedWindows

EVERY, WINDOW, FOR = 0.5, 3.0, 12.0  # seconds


class Note(beam.DoFn):
    """Appends the end of a window, how many impulses it holds, and the time now."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def process(self, group: tuple[str, Iterable[float]], window: Any = beam.DoFn.WindowParam) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([float(window.end), len(list(group[1])), time.time()]) + "\n")


def main() -> None:
    file, options = Path(sys.argv[1]), sys.argv[2:]
    start = (time.time() // WINDOW + 1) * WINDOW
    with beam.Pipeline(options=PipelineOptions(options)) as pipeline:
        _ = (
            pipeline
            | "impulses" >> PeriodicImpulse(start_timestamp=start, stop_timestamp=start + FOR, fire_interval=EVERY)
            | "key" >> beam.Map(lambda at: ("", float(at))).with_output_types(tuple[str, float])
            | "windows" >> beam.WindowInto(FixedWindows(WINDOW))
            | "group" >> beam.GroupByKey()
            | "note" >> beam.ParDo(Note(file))
        )


if __name__ == "__main__":
    main()
