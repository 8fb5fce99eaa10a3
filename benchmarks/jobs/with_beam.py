"""The jobs as people first write them in Apache Beam: python with_beam.py JOB SHAPE IN OUT."""

import sys

import apache_beam as beam
from apache_beam.io import ReadFromText, WriteToText
from apache_beam.options.pipeline_options import PipelineOptions
from plain import handler


def main(job: str, shape: str, source: str, out: str) -> None:
    """Read lines, load, choose, dump, write lines; ids through Distinct. One process, FnApiRunner."""
    options = PipelineOptions(["--runner=FnApiRunner", "--direct_num_workers=1"])
    with beam.Pipeline(options=options) as pipeline:
        done = pipeline | ReadFromText(source) | beam.FlatMap(handler(job, shape))
        if job == "ids":
            done |= beam.Distinct()
        done | WriteToText(out, shard_name_template="", num_shards=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
