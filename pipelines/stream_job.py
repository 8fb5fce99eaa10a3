"""A stream as one graph: sources, sifts, and for each output its sink, from settings. And its submission to a runner."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

import apache_beam as beam

from xsieve.pipelines import settings as st
from xsieve.pipelines import stream_io
from xsieve.pipelines.graph import by_plan, count_unread
from xsieve.pipelines.outflow import Outflow, refusals
from xsieve.pipelines.pane_files import staging_of
from xsieve.pipelines.plans import plans_of
from xsieve.pipelines.release import ReleaseError
from xsieve.pipelines.releases import branches, content_fingerprint
from xsieve.pipelines.settings_secrets import Secret
from xsieve.pipelines.stage import StageLines, StageRows
from xsieve.pipelines.stream_graph import LATE_AFTER, ReleaseIds, Windows, WriteWindows
from xsieve.pipelines.windows import Stream
from xsieve.transforms.records.batch import Reject
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.sift import Sift

REJECTS = ""
REJECTS_EVERY = 3600  # seconds of a window of the list of rejects, where no output has a shorter one


class StreamJob(NamedTuple):
    """What a stream does; all that the graph is built of."""

    settings: st.Settings
    plans: Mapping[str, Plan]
    outflows: Mapping[str, tuple[Outflow, ...]]
    inputs: str  # fingerprint of the source
    ledger: Secret | None
    gather: int = LATE_AFTER  # seconds for which late records are brought together; 0 where a runner has no such clock


def stream_job(settings: st.Settings, now: datetime | None = None) -> StreamJob:
    """The job of settings. Raises PlanError, and ReleaseError where a declaration does not allow a release today."""
    now = now or datetime.now(timezone.utc)
    found = branches(settings, plans_of(settings), now)
    for branch in found.values():
        for outflow in branch.outflows:
            for why in refusals(outflow, now):
                raise ReleaseError(f"outputs.{outflow.output}, for {outflow.recipient}: {why}")
    plans = {label: branch.plan for label, branch in found.items()}
    outflows = {label: branch.outflows for label, branch in found.items()}
    return StreamJob(settings, plans, outflows, _fingerprint(settings), settings.deferred_ledger)


def _fingerprint(settings: st.Settings) -> str:
    """The same for the same topics, subscription or table: where a stream comes from, whatever it is read by."""
    source = settings.input.model_dump(
        mode="json", include={"read", "topics", "subscription", "topic", "table", "query"}
    )
    return hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()


def build_stream(pipeline: beam.Pipeline, job: StreamJob, batches: Any = None, unread: Any = None) -> None:
    """Put the whole stream into the pipeline. ``batches`` and ``unread`` stand in for the source."""
    if batches is None:
        slot = stream_io.slot_of(job.settings.outputs.values())
        batches, unread = pipeline | "Read" >> stream_io.read(job.settings.input, slot)
    rejects = [unread | "Name: unread" >> beam.Map(_named, "")] if unread is not None else []
    if unread is not None:
        _ = unread | "Count what cannot be read" >> beam.FlatMap(count_unread, tuple(job.plans))
    for plan, names in by_plan(job.plans):
        sifted = batches | f"Sift: {'+'.join(names)}" >> Sift(plan)
        for name in names:
            _write(sifted.passed, name, job)
            rejects.append(sifted.rejects | f"Reject: {name}" >> beam.Map(_named, name))
    if job.settings.rejects:
        folder = _local(job.settings.rejects)
        stage = StageLines(REJECTS, staging_of(folder))
        facts = {"what": "payloads that could not be handled, without content", "kind": "rejects"}
        spans = [int(o.every.total_seconds()) for o in job.settings.outputs.values() if getattr(o, "every", None)]
        windows = Windows(min([REJECTS_EVERY, *spans]), gather=job.gather)
        write = WriteWindows(windows, stage, folder, facts)
        _ = rejects | "All rejects" >> beam.Flatten() | "List rejects" >> write


def _write(passed: Any, name: str, job: StreamJob) -> None:
    """Send what passed for an output where it belongs."""
    output, plan = job.settings.outputs[name], job.plans[name]
    assert isinstance(output, st.Rows | st.Ids | st.Store)  # hydrated posts are handed over by people
    if not isinstance(output.write, st.Write):
        _ = passed | f"Write: {name}" >> stream_io.write(output, plan)
        return
    windows, folder = windows_of(output, job.gather), _local(output.write.path)
    if isinstance(output, st.Ids):
        _ = passed | f"Release: {name}" >> ReleaseIds(name, windows, list(_streams(name, folder, job)), job.ledger)
        return
    staging, compression = staging_of(folder), output.write.compression
    if isinstance(output, st.Rows):
        stage: StageRows | StageLines = StageRows(name, plan, staging, output.write.format, compression)
    else:
        stage = StageLines(name, staging, compression)
    facts = {"output": name, "kind": output.kind, "policy": job.settings.policy, "plan": plan.fingerprint}
    _ = passed | f"Write: {name}" >> WriteWindows(windows, stage, folder, facts)


def windows_of(output: st.Rows | st.Ids | st.Store, gather: int = LATE_AFTER) -> Windows:
    """The windows of an output."""
    assert output.every is not None
    lateness = None if output.lateness is None else int(output.lateness.total_seconds())
    return Windows(int(output.every.total_seconds()), lateness, gather)


def _streams(name: str, folder: str, job: StreamJob) -> Iterable[Stream]:
    """The output as it goes to each recipient; to nobody, if it stays in-house."""
    content, about = content_fingerprint(job.settings, name), job.settings.outputs[name].description
    outflows = job.outflows[name]
    if not outflows:
        yield Stream(name, folder, content, job.inputs, None, about)
    for outflow in outflows:
        place = folder if len(outflows) == 1 else f"{folder}/{outflow.recipient}"
        yield Stream(name, place, content, job.inputs, outflow, about)


def _local(path: str) -> str:
    return path.removeprefix("file://")


def _named(reject: Reject, name: str) -> tuple[str, Reject]:
    return name, reject
