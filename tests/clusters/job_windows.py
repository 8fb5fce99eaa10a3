"""A streaming job for tests: what Kafka holds, grouped by windows of event time, to Kafka as one line of JSON a window.

``python -m clusters.job_windows --bootstrap … --source … --sink … --seconds 5 [--java HOST:PORT] …Beam's options``
"""

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.trigger import AccumulationMode, AfterProcessingTime, AfterWatermark
from apache_beam.transforms.window import FixedWindows

from xsieve.pipelines.kafka import Messages, ReadKafka, WriteKafka

Pair = tuple[bytes, bytes]


class Report(beam.DoFn):
    """(key, values) of one pane of a window -> (key, JSON with the window's end, the values and when this was)."""

    def process(
        self,
        group: tuple[bytes, Iterable[bytes]],
        window: Any = beam.DoFn.WindowParam,
        pane: Any = beam.DoFn.PaneInfoParam,
    ) -> Iterator[Pair]:
        values = sorted(value.decode() for value in group[1])
        told = {
            "end": float(window.end),
            "values": values,
            "pane": pane.index,
            "timing": pane.timing,
            "at": time.time(),
        }
        yield group[0], json.dumps(told).encode()


def source(given: argparse.Namespace) -> beam.PTransform:
    config = {"bootstrap.servers": given.bootstrap, "group.id": given.source}
    if not given.java:
        return ReadKafka([given.source], config, start="earliest", idle=given.idle)
    from apache_beam.io.kafka import ReadFromKafka

    reset = {**config, "auto.offset.reset": "earliest", "enable.auto.commit": "false"}
    return ReadFromKafka(reset, [given.source], timestamp_policy="CreateTime", expansion_service=given.java)


def pairs(read: Any) -> list[Pair]:
    """What either source gives, under one key."""
    values = read.values if isinstance(read, Messages) else [read[1]]
    return [(b"", value) for value in values]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "source", "sink"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--lateness", type=float, default=0)
    parser.add_argument("--idle", type=float, default=2)
    parser.add_argument("--java", default="")
    given, options = parser.parse_known_args()
    windows = beam.WindowInto(
        FixedWindows(given.seconds),
        trigger=AfterWatermark(late=AfterProcessingTime(1)),
        allowed_lateness=given.lateness,
        accumulation_mode=AccumulationMode.DISCARDING,
    )
    pipeline = beam.Pipeline(options=PipelineOptions(options))
    _ = (
        pipeline
        | "read" >> source(given)
        | "key" >> beam.FlatMap(pairs).with_output_types(Pair)
        | "windows" >> windows
        | "group" >> beam.GroupByKey()
        | "report" >> beam.ParDo(Report()).with_output_types(Pair)
        | "write" >> beam.ParDo(WriteKafka(given.sink, {"bootstrap.servers": given.bootstrap}))
    )
    pipeline.run().wait_until_finish()


if __name__ == "__main__":
    main()
