"""A stream on its runner: checked, submitted, and watched for as long as it runs here."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.runner import PipelineState

from xsieve.pipelines import prism, runners
from xsieve.pipelines import settings as st
from xsieve.pipelines.execute import RunError, ours_of, quiet
from xsieve.pipelines.releasing import ledger_of
from xsieve.pipelines.runners import Chosen
from xsieve.pipelines.stream_job import build_stream, stream_job
from xsieve.transforms.sift import NAMESPACE

Say = Callable[[str], None]
FLINK_NEEDS = (  # flags that a stream on Flink is given
    # a bundle that a checkpoint cuts would hold back posts until the next one comes
    "--finish_bundle_before_checkpointing",
    # Beam's jobs do not see what Flink's own settings say of this: a job that is cancelled would take its last checkpoint along
    "--externalized_checkpoints_enabled",
    "--retain_externalized_checkpoints_on_cancellation",
)


def run_stream(
    settings: st.Settings, beam_options: Sequence[str], say: Say, shared: Sequence[str] = ()
) -> dict[str, int]:
    """Run a stream until it is stopped, or hand it to a runner that goes on with it; the counters of what was done here.

    ``shared``: folders that all workers have in common. Raises RunError, LedgerError, ReleaseError, PlanError, StreamIOError.
    """
    options = PipelineOptions([*beam_options, *_for_flink(beam_options)], streaming=True)
    chosen = _chosen(options, settings.streaming, say)
    if wrong := runners.refusals(runners.facts_of(settings, shared), chosen):
        raise RunError("; ".join(wrong))
    job = stream_job(settings)
    if chosen.runner == runners.STREAM:
        job = job._replace(gather=0)  # seen: late records waited for ever on Prism for a clock to bring them together
    if job.ledger:
        with ledger_of(settings):  # no ledger, no release: better found here than on a worker
            pass
    with quiet():
        try:
            pipeline = beam.Pipeline(options=options)
        except ValueError:
            raise RunError("Apache Beam refuses its options; is the name of the runner right?") from None
        build_stream(pipeline, job)
        try:
            result = pipeline.run()
        except (
            SystemExit
        ):  # an option's value that the runner's own parser does not take; what it says is quieted with the rest
            raise RunError(
                "the runner does not take its options: is one misspelt, or a flag given a value (--flag=true)?"
            ) from None
        except Exception as error:
            raise RunError(f"the runner does not take the job: {ours_of(error)}") from None
    if not chosen.workers_here and chosen.runner not in (runners.BATCH, runners.STREAM):
        say(f"submitted to {chosen.runner}; it goes on without this command")
        return {}
    say(f"running on {chosen.runner}; end it with Ctrl-C")
    return _wait(result)


def _for_flink(given: Sequence[str]) -> list[str]:
    """The flags of FLINK_NEEDS that are not given, if the runner is Flink."""
    runner = PipelineOptions(list(given)).view_as(StandardOptions).runner
    return [flag for flag in FLINK_NEEDS if flag not in given] if runner in runners.FLINK else []


def _wait(result: Any) -> dict[str, int]:
    try:
        with quiet():
            state = result.wait_until_finish()
    except KeyboardInterrupt:
        with quiet(), suppress(Exception):  # the runner may be gone already, for it hears Ctrl-C too
            result.cancel()
        raise
    except Exception as error:
        raise RunError(
            f"a worker failed: {ours_of(error)}; what was published stands, and the same stream goes on"
        ) from None
    if state not in (PipelineState.DONE, None):
        raise RunError(f"the stream ended as {state}; what was published stands, and the same stream goes on")
    return counters_of(result)


def counters_of(result: Any) -> dict[str, int]:
    """xsieve's counters of a run, as far as its runner tells them: for those who watch, never the account."""
    found: dict[str, int] = {}
    for counter in result.metrics().query()["counters"]:
        if counter.key.metric.namespace == NAMESPACE:
            name = counter.key.metric.name
            found[name] = found.get(name, 0) + (counter.committed or counter.attempted or 0)
    return found


def _chosen(options: PipelineOptions, streaming: bool, say: Say) -> Chosen:
    """The runner and its options; Prism is found, or built where Go is."""
    standard = options.view_as(StandardOptions)
    standard.runner = standard.runner or runners.default_runner(streaming)
    place = None
    if standard.runner == runners.STREAM:
        known = options.get_all_options(retain_unknown_options=True).get("prism_location")
        place = prism.find(known) or prism.build(say)
        if place:
            _set(options, "prism_location", place)
            _set(options, "environment_type", "LOOPBACK")
    return runners.chosen(options.get_all_options(retain_unknown_options=True), streaming, place)


def _set(options: PipelineOptions, name: str, value: str) -> None:
    from apache_beam.options.pipeline_options import PortableOptions, PrismRunnerOptions

    view = options.view_as(PrismRunnerOptions if name == "prism_location" else PortableOptions)
    if not getattr(view, name):
        setattr(view, name, value)
