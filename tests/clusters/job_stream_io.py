"""A job for tests: what its settings read, sifted for each output, to the topics that these name, and nothing else.

``python -m clusters.job_stream_io --settings FILE …Beam's options``
"""

import argparse

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from xsieve.pipelines import stream_io
from xsieve.pipelines.plans import plans_of
from xsieve.pipelines.settings import Settings, load
from xsieve.transforms import Sift


def build(pipeline: beam.Pipeline, settings: Settings) -> None:
    """Source, a sift for each output, sinks."""
    batches, _ = pipeline | "Read" >> stream_io.read(settings.input, stream_io.slot_of(settings.outputs.values()))
    for name, plan in plans_of(settings).items():
        sifted = batches | f"Sift: {name}" >> Sift(plan)
        _ = sifted.passed | f"Write: {name}" >> stream_io.write(settings.outputs[name], plan)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--settings", required=True)
    given, rest = parser.parse_known_args()
    settings, options = load(given.settings), PipelineOptions(rest)
    options.view_as(StandardOptions).streaming = settings.streaming
    pipeline = beam.Pipeline(options=options)
    build(pipeline, settings)
    pipeline.run().wait_until_finish()


if __name__ == "__main__":
    main()
