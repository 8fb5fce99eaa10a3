"""A streaming job to compare with: each message of a topic by itself through a map that does nothing, to another topic.

``python -m clusters.job_identity BOOTSTRAP SOURCE SINK …Beam's options``
"""

import sys

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from xsieve.pipelines.kafka import Messages, ReadKafka, WriteKafka


def values(messages: Messages) -> list[bytes]:
    return [value for value in messages.values if value is not None]


def same(value: bytes) -> bytes:
    return value


def without_key(value: bytes) -> tuple[bytes | None, bytes]:
    return None, value


def main() -> None:
    bootstrap, source, sink, *options = sys.argv[1:]
    config = {"bootstrap.servers": bootstrap, "group.id": sink}
    pipeline = beam.Pipeline(options=PipelineOptions(options))
    _ = (
        pipeline
        | "Read" >> ReadKafka([source], config, start="earliest")
        | "One by one" >> beam.FlatMap(values).with_output_types(bytes)
        | "Identity" >> beam.Map(same).with_output_types(bytes)
        | "No key" >> beam.Map(without_key).with_output_types(tuple[bytes | None, bytes])
        | "Write" >> beam.ParDo(WriteKafka(sink, {"bootstrap.servers": bootstrap}))
    )
    pipeline.run()


if __name__ == "__main__":
    main()
