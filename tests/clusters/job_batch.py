"""A batch job for tests: words of a text and how often they come, written to a file in a folder.

``python -m clusters.job_batch FOLDER …Beam's options``
"""

import sys
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

TEXT = "o que é que é o que o mar tem"


def main() -> None:
    folder, options = Path(sys.argv[1]), sys.argv[2:]
    with beam.Pipeline(options=PipelineOptions(options)) as pipeline:
        _ = (
            pipeline
            | "words" >> beam.Create(TEXT.split())
            | "count" >> beam.combiners.Count.PerElement()
            | "write" >> beam.Map(lambda pair: (folder / pair[0]).write_text(str(pair[1]), "utf-8"))
        )


if __name__ == "__main__":
    main()
