"""Dataflow, without a network: the Flex Template's launcher submits a whole batch, and what Google would get is looked at."""

import base64
import bz2
import json
import logging
import os
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from apache_beam.portability.api import beam_runner_api_pb2
from fake_google import Google, fake_google

from xsieve.configs import resource
from xsieve.pipelines.flex import parameters

REPO = Path(__file__).parents[2]
TEMPLATE = REPO / "deploy" / "dataflow"
BUCKET = "my-bucket"
SETTINGS = """
policy: base-2024
collection: {access: user_context}
input: {read: files, path: "gs://my-bucket/data/*"}
rejects: gs://my-bucket/out/rejects
outputs:
  table: {kind: rows, text: scrub, time: TIME, write: {path: gs://my-bucket/out/table}}
  posts: {kind: ids, write: {path: "gs://my-bucket/out/${DAY}/posts"}}
  archive: {kind: store, write: {path: gs://my-bucket/out/archive}}
"""
# A job on Dataflow is replaced by --update only where its steps are called the same: whoever renames one breaks that
STEPS = {
    "Count what cannot be read",
    "Count: archive",
    "Count: posts",
    "Count: table",
    "Distinct: posts",
    "Everything to tell",
    "Group: posts",
    "List rejects: ",
    "List rejects: archive",
    "List rejects: posts",
    "List rejects: table",
    "Publish",
    "Read",
    "Read/Pieces of sources",
    "Read/Read pieces",
    "Reject: ",
    "Reject: archive",
    "Reject: posts",
    "Reject: table",
    "Sift: archive",
    "Sift: archive/Sift batches",
    "Sift: posts",
    "Sift: posts/Sift batches",
    "Sift: table",
    "Sift: table/Sift batches",
    "Something to tell",
    "Stage: archive",
    "Stage: posts",
    "Stage: table",
    "Tell: Count what cannot be read",
    "Tell: Count: archive",
    "Tell: Count: posts",
    "Tell: Count: table",
    "Tell: List rejects: ",
    "Tell: List rejects: archive",
    "Tell: List rejects: posts",
    "Tell: List rejects: table",
    "Tell: Distinct: posts",
    "Tell: Distinct: posts: counts",
    "Tell: Something to tell",
    "Tell: Stage: posts: counts",
    "Tell: Stage: posts: seen",
    "Tell: Stage: archive",
    "Tell: Stage: table",
    "Together",
    "Write the report",
}
OF_BEAM = re.compile(r"^Together/|\(")  # steps inside Beam's own transforms


class Launched(NamedTuple):
    """How the launcher ended."""

    code: int
    said: str


Launch = Callable[..., Launched]


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    """A bucket with the sample data, and a jobs endpoint."""
    if lacking := [name for name in ("apitools", "gcp_storage_emulator") if not find_spec(name)]:
        give_up = pytest.fail if os.environ.get("XSIEVE_REQUIRE_SERVERS") else pytest.skip
        give_up(f"{', '.join(lacking)} is not installed; pip install 'xsieve[test]' brings it")
    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)
    with fake_google(BUCKET) as fake:
        for path in (resource("examples") / "data").iterdir():
            fake.put(f"data/{path.name}", path.read_bytes())
        yield fake


@pytest.fixture(scope="module")
def launch(google: Google, tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """``launch(settings, *options)``: the launcher, as the template starts it."""
    folder = tmp_path_factory.mktemp("launcher")
    (folder / "account.json").write_text(google.account())
    (folder / "xsieve-0.1.0-py3-none-any.whl").touch()
    with zipfile.ZipFile(folder / "xsieve-0.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("xsieve/empty", "")
    env = {
        **os.environ,
        "STORAGE_EMULATOR_HOST": google.storage,
        "GOOGLE_APPLICATION_CREDENTIALS": str(folder / "account.json"),
    }

    def run(settings: str, *options: str) -> Launched:
        google.put("pipeline.yaml", settings.encode())
        given = [f"--pipeline=gs://{BUCKET}/pipeline.yaml", '--variables={"DAY": "2026-11-01"}', *options]
        command = [sys.executable, "-W", "ignore", str(TEMPLATE / "main.py"), *given]
        done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        return Launched(done.returncode, done.stderr)

    return run


def on_dataflow(google: Google, *more: str) -> list[str]:
    """The options that the template's launcher adds for the service."""
    places = [f"--temp_location=gs://{BUCKET}/scratch", f"--staging_location=gs://{BUCKET}/staging"]
    service = ["--project=my-project", "--region=europe-west1", f"--dataflow_endpoint={google.jobs}"]
    return ["--runner=DataflowRunner", "--job_name=nightly", *places, *service, *more]


class Submitted(NamedTuple):
    """A job as Dataflow gets it: the request, and the graph."""

    request: dict[str, Any]
    graph: beam_runner_api_pb2.Pipeline
    bytes: bytes

    @property
    def steps(self) -> set[str]:
        """The full names of all steps but the root, which has none."""
        roots = set(self.graph.root_transform_ids)
        return {step.unique_name for key, step in self.graph.components.transforms.items() if key not in roots}


def last_submitted(google: Google) -> Submitted:
    request = google.submitted[-1]
    place = request["environment"]["sdkPipelineOptions"]["options"]["staging_location"]
    content = google.get(place.removeprefix(f"gs://{BUCKET}/") + "/pipeline.pb")
    return Submitted(request, beam_runner_api_pb2.Pipeline.FromString(content), content)


@pytest.fixture(scope="module")
def job(google: Google, launch: Launch) -> Submitted:
    """The job of the settings above, with xsieve as a wheel."""
    launched = launch(
        SETTINGS.replace("TIME", "hour"), *on_dataflow(google, "--extra_package=xsieve-0.1.0-py3-none-any.whl")
    )
    assert launched.code == 0, launched.said
    return last_submitted(google)


def test_the_launcher_submits_and_does_not_wait(job: Submitted) -> None:
    """One job is created, of a batch, by the name that was given; the launcher has ended although the job never does."""
    assert (job.request["name"], job.request["type"]) == ("nightly", 1)
    assert job.request["environment"]["version"]["job_type"] == "FNAPI_BATCH"


def test_every_step_has_a_name_that_stays(job: Submitted) -> None:
    """The steps are called as in the list above, and none was left to be named by Beam."""
    ours = {name for name in job.steps if not OF_BEAM.search(name) and name.count("/") <= 1}
    assert ours == STEPS
    assert not [name for name in job.steps if "(" in name.partition("/")[0]]


def test_choices_do_not_change_the_names_of_steps(google: Google, launch: Launch, job: Submitted) -> None:
    """A job whose settings were changed may replace one that runs: its steps are called the same, though it does other things."""
    assert launch(SETTINGS.replace("TIME", "day"), *on_dataflow(google, "--sdk_container_image=r/x:1")).code == 0
    other = last_submitted(google)
    assert other.steps == job.steps
    assert other.bytes != job.bytes


def test_workers_get_streaming_engine_and_the_runner_that_splits(job: Submitted) -> None:
    """The options of the job ask for Dataflow's second runner and, if it ever streams, its engine."""
    options = job.request["environment"]["sdkPipelineOptions"]["options"]
    assert options["enable_streaming_engine"]
    assert "use_runner_v2" in job.request["environment"]["experiments"]
    assert not options["save_main_session"]


def test_the_wheel_is_shipped(google: Google, job: Submitted) -> None:
    """Workers find xsieve beside the graph."""
    (pool,) = job.request["environment"]["workerPools"]
    packages = {package["name"]: package["location"] for package in pool["packages"]}
    place = packages["xsieve-0.1.0-py3-none-any.whl"].removeprefix(f"storage.googleapis.com/{BUCKET}/")
    assert place in google.names()


def test_workers_need_no_file_of_the_launcher(job: Submitted) -> None:
    """Nothing in the request or the graph, however packed, names a path of the launcher's machine."""
    told = json.dumps(job.request).encode() + job.bytes + b"\n".join(unpacked(job.bytes))
    assert b"gs://my-bucket/out/table" in told
    here = b"|".join(re.escape(str(path).encode()) for path in (REPO, Path.home(), "/tmp", sys.prefix))
    found = re.findall(rb"(?:" + here + rb")/[\w./-]+", told)
    of_beam = [
        path for path in found if b"/apache_beam/" in path
    ]  # where functions of Beam were defined, for tracebacks
    assert of_beam, "nothing was unpacked"
    assert [path for path in found if path not in of_beam] == []


def unpacked(graph: bytes) -> Iterator[bytes]:
    """The functions in a graph: pickled, compressed, and in base64."""
    for text in re.findall(rb"[A-Za-z0-9+/=]{64,}", graph):
        for skipped in range(4):
            for unpack in (zlib.decompress, bz2.decompress):
                with suppress(ValueError, OSError, zlib.error):
                    yield unpack(base64.b64decode(text[skipped : len(text) - (len(text) - skipped) % 4]))


def test_the_last_step_publishes_in_the_bucket(google: Google, launch: Launch) -> None:
    """The same graph on a runner that is here: outputs lie whole in the bucket, and nothing staged is left."""
    launched = launch(
        SETTINGS.replace("TIME", "hour"), "--runner=FnApiRunner", f"--temp_location=gs://{BUCKET}/scratch"
    )
    assert launched.code == 0, launched.said
    expected = resource("examples") / "expected" / "first"
    assert google.get("out/2026-11-01/posts/ids.txt") == (expected / "posts/ids.txt").read_bytes()
    published = {name.rpartition("/")[0] for name in google.names() if name.endswith("manifest.json")}
    assert published == {"out/table", "out/2026-11-01/posts", "out/archive", "out/rejects"}
    assert not [name for name in google.names() if "/.staged-" in name]


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (("gs://my-bucket/out/table", "out/table"), ["--sdk_container_image=r/x:1"], "outputs.table.write.path: the folder is"),
        (("gs://my-bucket/data/*", "/data/*"), ["--sdk_container_image=r/x:1"], "input.path.0: the folder is on this"),
        (("", ""), [], "workers of DataflowRunner do not have xsieve"),
        (("kind: ids", "kind: identities"), ["--sdk_container_image=r/x:1"], "outputs.posts"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_before_anything_is_submitted(google, launch, change, options, said):
    """The launcher ends with one line that says what is wrong, and no job is created."""
    before = len(google.submitted)
    launched = launch(SETTINGS.replace("TIME", "hour").replace(*change), *on_dataflow(google, *options))
    assert launched.code == 1
    assert said in launched.said
    assert "Traceback" not in launched.said
    assert len(google.submitted) == before


@pytest.mark.parametrize(("template", "streaming"), [("batch", False), ("stream", True)])
def test_the_templates_list_what_the_launcher_accepts(template: str, streaming: bool) -> None:
    """Metadata and launcher have the same parameters, required and with the same defaults; examples fit the patterns."""
    metadata = json.loads((TEMPLATE / f"{template}.json").read_text("utf-8"))
    accepted = {action.dest: action for action in parameters()._actions if action.dest != "help"}
    listed = {parameter["name"]: parameter for parameter in metadata["parameters"]}
    assert listed.keys() == accepted.keys()
    for name, parameter in listed.items():
        assert parameter["isOptional"] == (not accepted[name].required)
        assert parameter.get("defaultValue") == accepted[name].default
        example = parameter["helpText"].partition("Example: ")[2]
        assert all(re.fullmatch(pattern, example) for pattern in parameter["regexes"]), name
    (pattern,) = listed["pipeline"]["regexes"]
    assert not re.fullmatch(pattern, "/home/me/pipeline.yaml")
    assert metadata["streaming"] == streaming
    assert metadata["supportsExactlyOnce"]
    assert metadata.get("defaultStreamingMode") == ("EXACTLY_ONCE" if streaming else None)


STREAM = """
policy: base-2024
collection: {access: user_context}
input: {read: pubsub, subscription: projects/my-project/subscriptions/posts}
outputs:
  table: {kind: rows, every: 1h, write: {path: gs://my-bucket/out/table}}
  posts: {kind: ids, every: 1d, write: {path: gs://my-bucket/out/posts}}
"""


def test_a_stream_is_submitted_as_one(google: Google, launch: Launch) -> None:
    """The job is a streaming one with the service's own engine, and its top steps have names that --update finds again."""
    for attempt in (STREAM, STREAM.replace("1h", "6h")):
        assert launch(attempt, *on_dataflow(google, "--sdk_container_image=r/x:1")).said == ""
        job = last_submitted(google)
        assert job.request["environment"]["version"]["job_type"] == "FNAPI_STREAMING"
        options = job.request["environment"]["sdkPipelineOptions"]["options"]
        assert options["streaming"]
        assert options["enable_streaming_engine"]
        tops = {name for name in job.steps if "/" not in name}
        assert tops == {"Read", "Count what cannot be read", "Name: unread", "Sift: table", "Sift: posts"} | {
            "Reject: table",
            "Reject: posts",
            "Write: table",
            "Release: posts",
        }
