"""Runners: wrong pairs of pipeline and runner are refused with the reason, right ones are not."""

import stat
from pathlib import Path

import pytest

from xsieve.pipelines import prism
from xsieve.pipelines.runners import RULES, Chosen, Facts, chosen, default_runner, facts_of, refusals
from xsieve.pipelines.settings import parse

POSTGRES = "postgresql://db/outflow"
BATCH = Facts(False, {"outputs.posts": "ids"}, POSTGRES, folders={"outputs.posts": "out/posts"})
STREAM = BATCH._replace(streaming=True)
SHARED = {"shared": ("/mnt/x",), "folders": {"outputs.posts": "/mnt/x/posts"}}
REMOTE = {"folders": {"outputs.posts": "gs://bucket/posts"}}
LOOPBACK = {"environment": "LOOPBACK", "checkpointing": 60_000}
EXTERNAL = {"environment": "EXTERNAL", "checkpointing": 60_000}


RIGHT = [
    (BATCH, Chosen("FnApiRunner")),
    (BATCH._replace(ledger="sqlite:///outflow.db"), Chosen("FnApiRunner")),
    (BATCH._replace(kinds={"outputs.posts": "hydrated"}), Chosen("FnApiRunner")),
    (BATCH, Chosen("FlinkRunner", "LOOPBACK")),
    (BATCH._replace(**REMOTE), Chosen("DataflowRunner", ships=True)),
    (STREAM, Chosen("PrismRunner", "LOOPBACK", prism="/usr/bin/prism")),
    (STREAM, Chosen("PortableRunner", **LOOPBACK, parallelism=4, max_parallelism=128)),
    (STREAM._replace(**SHARED), Chosen("PortableRunner", **EXTERNAL, savepoint="file:///mnt/x/savepoints/1")),
    (STREAM._replace(**REMOTE), Chosen("PortableRunner", "DOCKER", ships=True, checkpointing=60_000)),
    (STREAM._replace(**REMOTE), Chosen("DataflowRunner", ships=True, update=True, job_name="xsieve")),
    (STREAM._replace(**REMOTE, from_pubsub=True), Chosen("DataflowRunner", ships=True)),
]


@pytest.mark.parametrize(("facts", "options"), RIGHT)
def test_right_pairs_are_not_refused(facts, options):
    """Each of the ways to run that the guide names is open."""
    assert refusals(facts, options) == []


HYDRATED = {"outputs.sample": "hydrated"}
WRONG = [
    (BATCH, Chosen("DirectRunner"), "picks one of several runners"),
    (STREAM, Chosen("FnApiRunner"), "a stream on FnApiRunner gives no window before its source ends"),
    (STREAM, Chosen("BundleBasedDirectRunner"), "no window before its source ends"),
    (STREAM._replace(from_pubsub=True), Chosen("PrismRunner", "LOOPBACK", prism="p"), "reads Pub/Sub on DataflowRunner only"),
    (STREAM._replace(from_pubsub=True), Chosen("PortableRunner", **LOOPBACK), "PortableRunner has no such step"),
    (BATCH, Chosen("FnApiRunner", streaming=True), "--streaming is for streams"),
    (BATCH, Chosen("FlinkRunner", "LOOPBACK", checkpointing=1000), "never ends"),
    (STREAM._replace(kinds=HYDRATED), Chosen("PortableRunner", **LOOPBACK), "outputs.sample: hydrated posts and users"),
    (BATCH._replace(kinds=HYDRATED, to_kafka=("outputs.sample",)), Chosen("FnApiRunner"), "never to Kafka"),
    (STREAM._replace(ledger="sqlite:///x.db", **SHARED), Chosen("PortableRunner", **EXTERNAL), "SQLite is a file of one"),
    (BATCH._replace(ledger="sqlite:///x.db", **REMOTE), Chosen("DataflowRunner", ships=True), "SQLite is a file of one"),
    (STREAM, Chosen("PortableRunner", **EXTERNAL), "outputs.posts: the folder is on this machine"),
    (STREAM._replace(**SHARED | {"shared": ("/mnt/xy",)}), Chosen("PortableRunner", **EXTERNAL), "a volume that all"),
    (BATCH._replace(**SHARED), Chosen("DataflowRunner", ships=True), "workers of Dataflow have no folder in common"),
    (STREAM, Chosen("PortableRunner", "LOOPBACK"), "add --checkpointing_interval"),
    (STREAM, Chosen("FlinkRunner", "LOOPBACK", checkpointing=-1), "add --checkpointing_interval"),
    (STREAM._replace(**REMOTE), Chosen("PortableRunner", "DOCKER", checkpointing=60_000), "do not have xsieve"),
    (BATCH._replace(**REMOTE), Chosen("DataflowRunner"), "do not have xsieve"),
    (STREAM, Chosen("PortableRunner", **LOOPBACK, parallelism=8, max_parallelism=4), "--max_parallelism is less"),
    (STREAM, Chosen("PrismRunner", "LOOPBACK", prism="p", savepoint="s"), "--savepoint_path is of Flink"),
    (STREAM._replace(**REMOTE), Chosen("DataflowRunner", ships=True, update=True), "--update replaces a stream"),
    (STREAM, Chosen("PortableRunner", **LOOPBACK, update=True, job_name="x"), "--update replaces a stream"),
    (STREAM, Chosen("PrismRunner", "LOOPBACK"), "go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2."),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "options", "said"), WRONG)
def test_wrong_pairs_are_refused_with_the_reason(facts, options, said):
    """One thing is wrong, one sentence says so: what, why, and what to do."""
    (reason,) = refusals(facts, options)
    assert said in reason


def test_every_rule_refuses_something():
    """No line of the table is without effect."""
    told = {reason for facts, options, _ in WRONG for reason in refusals(facts, options)}
    openings = [rule.reason.replace("{runner}", "{what}").split("{what}") for rule in RULES]
    assert all(any(max(parts, key=len) in reason for reason in told) for parts in openings)


def test_several_things_wrong_are_told_at_once():
    """People see every reason in one go."""
    facts = STREAM._replace(ledger="sqlite:///x.db", kinds=HYDRATED)
    assert len(refusals(facts, Chosen("PortableRunner"))) == 5


@pytest.mark.parametrize(("source", "is_pubsub"), [
    ("{read: pubsub, subscription: projects/norsund/subscriptions/posts}", True),
    ("{read: kafka, topics: posts, consumer: {bootstrap.servers: 'b:1', group.id: g}}", False),
])  # fmt: skip
def test_a_subscription_is_known_from_the_settings(source: str, is_pubsub: bool) -> None:
    """So that the command refuses it before anything is built."""
    text = f"policy: base-2024\ninput: {source}\noutputs: {{posts: {{kind: rows, every: 1h, write: {{path: out}}}}}}\n"
    assert facts_of(parse(text)).from_pubsub is is_pubsub


def options(*given: str) -> Chosen:
    from apache_beam.options.pipeline_options import PipelineOptions

    return chosen(PipelineOptions(list(given)).get_all_options(retain_unknown_options=True), streaming=True)


def test_choices_are_read_from_the_options_of_beam():
    """Also those that Python's Beam hands on without knowing them, and the defaults that runners have."""
    assert (default_runner(False), default_runner(True)) == ("FnApiRunner", "PrismRunner")
    assert options() == Chosen("PrismRunner", "LOOPBACK")
    flink = options(
        "--runner=FlinkRunner", "--checkpointing_interval=2000", "--savepoint_path", "/s", "--parallelism=2"
    )
    assert flink == Chosen("FlinkRunner", "LOOPBACK", checkpointing=2000, savepoint="/s", parallelism=2)
    cluster = options("--runner=FlinkRunner", "--flink_master=jobs:8081", "--environment_config=img:1", "--streaming")
    assert cluster == Chosen("FlinkRunner", "DOCKER", ships=True, streaming=True)
    pool = options("--runner=PortableRunner", "--environment_type=EXTERNAL", "--environment_config=pool:50000")
    assert pool == Chosen("PortableRunner", "EXTERNAL")
    dataflow = options("--runner=DataflowRunner", "--extra_package=x.whl", "--update", "--job_name=j")
    assert dataflow == Chosen("DataflowRunner", ships=True, update=True, job_name="j")


def test_a_mistyped_interval_of_checkpoints_is_none():
    """What is no number does not pass for checkpoints."""
    assert options("--runner=FlinkRunner", "--checkpointing_interval=often").checkpointing is None


# --- Prism


def env_with(tmp_path: Path, name: str, script: str) -> dict[str, str]:
    """An environment with one program on its PATH."""
    program = tmp_path / "bin" / name
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"PATH": str(program.parent), "HOME": str(tmp_path)}


def test_prism_is_found_where_it_was_said_to_be_or_on_the_path(tmp_path):
    """What is said wins; without Go and Prism there is none."""
    env = env_with(tmp_path, "prism", "exit 0")
    assert prism.find("/opt/prism", env) == "/opt/prism"
    assert prism.find(None, env) == str(tmp_path / "bin/prism")
    assert prism.find(None, {"PATH": "", "HOME": str(tmp_path)}) is None
    assert prism.build(print, {"PATH": "", "HOME": str(tmp_path)}) is None


def test_prism_is_built_once_where_go_is(tmp_path):
    """Go is asked for Beam's own version, and what it built is found from then on."""
    env = env_with(tmp_path, "go", 'echo "$@" >"$GOBIN/asked"; : >"$GOBIN/prism"')
    said: list[str] = []
    built = prism.build(said.append, env)
    assert built == prism.find(None, env)
    assert (prism.folder(env) / "asked").read_text() == f"install {prism.PACKAGE}\n"
    assert len(said) == 1


def test_a_failed_build_of_prism_is_no_prism(tmp_path):
    """Go without a way to the sources gives none, so the pipeline is refused."""
    assert prism.build(lambda text: None, env_with(tmp_path, "go", "exit 1")) is None
