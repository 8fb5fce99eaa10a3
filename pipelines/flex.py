"""The launcher of a Flex Template: settings from a bucket, the graph put together and handed to Dataflow, not waited for.

    python -m xsieve.pipelines.flex --pipeline=gs://BUCKET/pipeline.yaml --runner=DataflowRunner …

Nobody waits for the job: the launcher is gone when it runs. So the last step of a batch publishes, on a worker. What the
launcher may be told beside Beam's own options is what ``deploy/dataflow/batch.json`` and ``stream.json`` list.
"""

import argparse
import json
import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, StandardOptions
from apache_beam.runners.runner import PipelineResult

from xsieve.pipelines import settings as st
from xsieve.pipelines.execute import RunError
from xsieve.pipelines.finish import finish
from xsieve.pipelines.graph import REJECTS, Job, build
from xsieve.pipelines.plans import plans_of
from xsieve.pipelines.publish import PublishError, recover, staging_folder
from xsieve.pipelines.release import ReleaseError
from xsieve.pipelines.releases import branches
from xsieve.pipelines.runners import Chosen, chosen, facts_of, refusals
from xsieve.pipelines.sources import SourceError, find
from xsieve.pipelines.stream_io import StreamIOError
from xsieve.pipelines.stream_job import build_stream, stream_job

WORKERS = 2  # more than one, so that pieces are spread


class Given(NamedTuple):
    """What the launcher is told: where the settings lie, values for the ${NAME} in them, and the options of Beam."""

    pipeline: str
    variables: Mapping[str, str]
    options: PipelineOptions


def main(arguments: Sequence[str] | None = None) -> None:
    """Launch, and say in one line what is wrong if it cannot be done."""
    try:
        launch(given(sys.argv[1:] if arguments is None else arguments))
    except (st.SettingsError, RunError, PublishError, SourceError, ReleaseError, StreamIOError) as error:
        sys.exit(f"xsieve: {error}")


def parameters() -> argparse.ArgumentParser:
    """The parameters of the template. All are shown to whoever may look at the job."""
    parser = argparse.ArgumentParser("xsieve.pipelines.flex", allow_abbrev=False)
    parser.add_argument("--pipeline", required=True, help="the settings of the pipeline: gs://BUCKET/pipeline.yaml")
    parser.add_argument(
        "--variables", default="{}", help='values for the ${NAME} in them, as JSON: {"DAY": "2026-11-01"}; no secrets'
    )
    return parser


def given(arguments: Sequence[str]) -> Given:
    """The arguments of the launcher, read. Raises RunError."""
    known, others = parameters().parse_known_args(list(arguments))
    try:
        variables = json.loads(known.variables)
    except ValueError:
        variables = None
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise RunError('variables: expected names and texts as JSON, such as {"DAY": "2026-11-01"}')
    return Given(known.pipeline, variables, PipelineOptions(others, save_main_session=False))


def launch(told: Given) -> PipelineResult:
    """Put the graph together and start it. Raises SettingsError, RunError, PublishError, SourceError, ReleaseError, StreamIOError."""
    FileSystems.set_options(told.options)  # which say, for one, as whom buckets are read
    settings = st.parse(read_text(told.pipeline), {**os.environ, **told.variables})
    if wrong := refusals(facts_of(settings), _chosen(told.options, settings.streaming)):
        raise RunError("; ".join(wrong))
    put_together = _batch if isinstance(settings.input, st.Files) else _stream
    told.options.view_as(StandardOptions).streaming = settings.streaming
    pipeline = beam.Pipeline(options=told.options)
    put_together(pipeline, settings)
    return pipeline.run()


def _stream(pipeline: beam.Pipeline, settings: st.Settings) -> None:
    """Its windows are reserved and published by the workers, as on every runner."""
    build_stream(pipeline, stream_job(settings))


def _batch(pipeline: beam.Pipeline, settings: st.Settings) -> None:
    """What is staged is published by the last step."""
    found = branches(settings, plans_of(settings), datetime.now(timezone.utc))
    if to_others := sorted({branch.output for branch in found.values() if branch.outflows}):
        raise RunError(
            f"outputs.{', outputs.'.join(to_others)}: what goes to a recipient is reserved by whoever waits for the batch, and "
            "here nobody does; start it by xsieve run on a machine that waits"
        )
    assert isinstance(settings.input, st.Files)
    sources = tuple(find(settings.input.path, settings.input.exclude or ()))
    targets = {
        name: output.write.path for name, output in settings.outputs.items() if isinstance(output.write, st.Write)
    }
    if settings.rejects:
        targets[REJECTS] = settings.rejects
    for folder in targets.values():
        recover(folder)
    staging = {name: staging_folder(folder) for name, folder in targets.items()}
    report = FileSystems.join(_scratch(pipeline.options), f"xsieve-{uuid.uuid4().hex}.json")
    job = Job(settings, found, sources, staging, report, WORKERS)
    build(pipeline, job) | "Publish" >> beam.Map(finish, job, targets)


def _chosen(options: PipelineOptions, streaming: bool) -> Chosen:
    return chosen(options.get_all_options(retain_unknown_options=True), streaming)


def read_text(path: str) -> str:
    """A text on any file system. Raises RunError."""
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
            return handle.read().decode("utf-8-sig")
    except Exception as error:  # each file system has its own
        raise RunError(f"pipeline: {path} cannot be read ({type(error).__name__})") from None


def _scratch(options: PipelineOptions) -> str:
    folder = options.view_as(GoogleCloudOptions).temp_location
    if not folder:
        raise RunError(
            "--temp_location is missing: a folder for what the job needs while it runs, such as gs://BUCKET/tmp"
        )
    return folder


if __name__ == "__main__":
    main()
