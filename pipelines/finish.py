"""Finishing on a worker: the last step of a batch that nobody waits for publishes what was staged, whole or not at all.

A step may be done again after any crash of its own. Then what was begun is finished, and what was done is left alone.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence

from xsieve.pipelines import run as runs
from xsieve.pipelines.folders import read_json
from xsieve.pipelines.graph import Job
from xsieve.pipelines.publish import JOURNAL, Output, manifest_of, publish, recover
from xsieve.pipelines.summary import summary_of
from xsieve.transforms.sift import content_kept_in


def finish(_: object, job: Job, targets: Mapping[str, str]) -> None:
    """Publish what the report of a job names, into the folder of each output. Raises RunError and PublishError."""
    with content_kept_in():
        report = runs.Report.read(job.report)
        runs.refuse_rounded(report)
        publish_once([_output(job, report, name, folder) for name, folder in targets.items()])


def publish_once(outputs: Sequence[Output]) -> None:
    """Publish outputs that were not published from the same staging folder before. Raises PublishError."""
    for output in outputs:
        if read_json(output.folder, JOURNAL):
            recover(output.folder)
    publish([output for output in outputs if not _is_done(output)])


def _is_done(output: Output) -> bool:
    return (manifest_of(output.folder) or {}).get("run") == os.path.basename(output.staging)


def _output(job: Job, report: runs.Report, name: str, folder: str) -> Output:
    label = job.branches.get(name)
    summary = summary_of(name, label.plan.kind, report.counts.get(name, Counter())) if label else None
    output = runs.output_of(job, report, name, folder, summary)
    return output._replace(manifest={**output.manifest, "run": os.path.basename(output.staging)})
