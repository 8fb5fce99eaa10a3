"""Streams on their way to a runner: what options they are given, and what is said where the runner does not take them."""

from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest

from xsieve.pipelines.execute import RunError
from xsieve.pipelines.settings import parse
from xsieve.pipelines.stream_run import FLINK_NEEDS, run_stream

FLINK = ["--runner=PortableRunner", "--job_endpoint=nowhere:1", "--environment_type=LOOPBACK"]
CHECKPOINTS = "--checkpointing_interval=1000"


def submit(monkeypatch: pytest.MonkeyPatch, folder: Path, options: list[str], ends: BaseException) -> dict[str, Any]:
    """Submits a stream to a runner that gives up at once; the options that it was given."""
    pytest.importorskip("confluent_kafka")
    given: dict[str, Any] = {}

    def run(pipeline: beam.Pipeline) -> None:
        given.update(pipeline.options.get_all_options(retain_unknown_options=True))
        raise ends

    monkeypatch.setattr(beam.Pipeline, "run", run)
    text = (
        "policy: base-2024\n"
        "input: {read: kafka, topics: posts, through: python, consumer: {bootstrap.servers: 'b:1', group.id: g}}\n"
        f"outputs: {{table: {{kind: rows, every: 1h, write: {{path: {folder / 'out'}}}}}}}\n"
    )
    with pytest.raises(RunError) as said:
        run_stream(parse(text), options, print)
    return {**given, "said": str(said.value)}


@pytest.mark.parametrize("also", [[], [FLINK_NEEDS[0]], [*FLINK_NEEDS]])
def test_a_stream_on_flink_keeps_its_last_checkpoint_and_ends_bundles_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, also: list[str]
) -> None:
    """Whether the command says so or not."""
    given = submit(monkeypatch, tmp_path, [*FLINK, CHECKPOINTS, *also], ValueError())
    assert all(given[flag.removeprefix("--")] for flag in FLINK_NEEDS)
    assert given["streaming"]


def test_a_runner_that_does_not_take_an_option_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its own parser would end the command without a word, for what Beam says is quieted."""
    said = submit(monkeypatch, tmp_path, [*FLINK, CHECKPOINTS], SystemExit(2))["said"]
    assert said.startswith("the runner does not take its options")
