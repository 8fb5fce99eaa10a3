"""Runners: which one a pipeline runs on, and which pairs of pipeline and runner cannot keep the promises.

What is wrong stands in a table, ``RULES``: a test over plain facts, and the reason as it is told to people.
"""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from xsieve.pipelines import settings as st
from xsieve.pipelines.prism import PACKAGE as PRISM_PACKAGE

BATCH, STREAM = "FnApiRunner", "PrismRunner"
FLINK = frozenset({"FlinkRunner", "PortableRunner"})  # the second is what Flink is reached by through a job server
DATAFLOW = "DataflowRunner"
SWITCHES = frozenset({"DirectRunner", "SwitchingDirectRunner"})
BATCH_ONLY = frozenset({BATCH, "BundleBasedDirectRunner"})
LOCAL_MASTERS = frozenset({"[local]", "[auto]", "[collection]"})
KNOWN = FLINK | SWITCHES | BATCH_ONLY | {DATAFLOW, STREAM}
BY_HAND = "hydrated"
SHIPS = ("sdk_container_image", "extra_packages", "setup_file", "requirements_file")  # what brings xsieve to workers


class Facts(NamedTuple):
    """What a pipeline is, as far as runners care. Everything is named as in the settings: ``outputs.NAME``."""

    streaming: bool
    kinds: Mapping[str, str]  # of the outputs
    ledger: str | None = None  # its URL
    to_kafka: Collection[str] = ()  # outputs that go to Kafka
    folders: Mapping[str, str] = {}  # what workers read and write, by where the settings name it
    shared: Collection[str] = ()  # folders of which the operator says that all workers have them
    from_pubsub: bool = False


class Chosen(NamedTuple):
    """What Beam's options say, as far as it matters here."""

    runner: str
    environment: str | None = None  # DOCKER, PROCESS, EXTERNAL or LOOPBACK
    ships: bool = False  # whether they bring xsieve to the workers
    checkpointing: int | None = None  # milliseconds
    parallelism: int = -1
    max_parallelism: int = -1
    savepoint: str | None = None
    update: bool = False
    job_name: str | None = None
    prism: str | None = None  # where Prism is, if it was found
    streaming: bool = False

    @property
    def workers_here(self) -> bool:
        """Whether the workers are on the machine that the pipeline is started on."""
        return self.runner in BATCH_ONLY | SWITCHES or self.environment == "LOOPBACK"


class Rule(NamedTuple):
    """What cannot work: a test that names what is wrong (nothing: all is well), and what people are told."""

    wrong: Callable[[Facts, Chosen], Iterable[str]]
    reason: str  # {what}: what the test named; {runner}


def default_runner(streaming: bool) -> str:
    """The runner where none is named: both need no server, and are named outright, for DirectRunner downloads one of them."""
    return STREAM if streaming else BATCH


def refusals(facts: Facts, chosen: Chosen) -> list[str]:
    """Why this pipeline cannot run on that runner with those options, one sentence a reason; none if it can."""
    found = ((rule, list(rule.wrong(facts, chosen))) for rule in RULES)
    return [rule.reason.format(what=", ".join(what), runner=chosen.runner) for rule, what in found if what]


def facts_of(settings: st.Settings, shared: Sequence[str] = ()) -> Facts:
    """What runners care about, named as in the settings."""
    outputs = {f"outputs.{name}": output for name, output in settings.outputs.items()}
    folders = {
        f"{name}.write.path": _absolute(o.write.path) for name, o in outputs.items() if isinstance(o.write, st.Write)
    }
    if settings.rejects:
        folders["rejects"] = _absolute(settings.rejects)
    given = settings.input.path if isinstance(settings.input, st.Files) else ()
    paths = [given] if isinstance(given, str) else given
    folders |= {f"input.path.{number}": _absolute(path) for number, path in enumerate(paths)}
    return Facts(
        streaming=settings.streaming,
        kinds={name: output.kind for name, output in outputs.items()},
        ledger=settings.ledger,
        to_kafka=[name for name, output in outputs.items() if isinstance(output.write, st.ToKafka)],
        folders=folders,
        shared=[_absolute(path) for path in shared],
        from_pubsub=isinstance(settings.input, st.PubSub),
    )


def _absolute(path: str) -> str:
    return path if "://" in path else os.path.abspath(path)


def chosen(options: Mapping[str, Any], streaming: bool, prism: str | None = None) -> Chosen:
    """The choices in Beam's options, also those that Python's Beam does not know.

    ``options`` is what ``PipelineOptions.get_all_options(retain_unknown_options=True)`` gives.
    """
    runner = options.get("runner") or default_runner(streaming)
    docker = options.get("environment_type") in (None, "DOCKER")
    return Chosen(
        runner,
        _environment(runner, options),
        any(map(options.get, SHIPS)) or bool(docker and options.get("environment_config")),
        _int(options.get("checkpointing_interval")),
        _int(options.get("parallelism")) or -1,
        _int(options.get("max_parallelism")) or -1,
        options.get("savepoint_path"),
        bool(options.get("update")),
        options.get("job_name"),
        prism,
        bool(options.get("streaming")),
    )


def _environment(runner: str, options: Mapping[str, Any]) -> str | None:
    """The environment of the workers, with the defaults that runners have for it."""
    given = options.get("environment_type")
    embedded = runner == "FlinkRunner" and options.get("flink_master", "[auto]") in LOCAL_MASTERS
    if given or runner not in {*FLINK, STREAM}:
        return given
    return "LOOPBACK" if embedded or runner == STREAM else "DOCKER"


def _int(value: Any) -> int | None:
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None


# --- what cannot work


def _if(wrong: Any) -> tuple[str, ...]:
    return ("",) if wrong else ()


def _by_hand(facts: Facts) -> list[str]:
    return [name for name, kind in facts.kinds.items() if kind == BY_HAND]


def _local(facts: Facts) -> list[str]:
    return [name for name, path in facts.folders.items() if "://" not in path.removeprefix("file://")]


def _unshared(facts: Facts) -> list[str]:
    return [name for name in _local(facts) if not any(_within(facts.folders[name], top) for top in facts.shared)]


def _within(path: str, top: str) -> bool:
    inner, outer = (text.removeprefix("file://").rstrip("/") for text in (path, top))
    return inner == outer or inner.startswith(f"{outer}/")


RULES = (
    Rule(
        lambda facts, c: _if(c.runner in SWITCHES),
        f"{{runner}} picks one of several runners and tries to download one; name {BATCH} for a batch, {STREAM} for a stream",
    ),
    Rule(
        lambda facts, c: _if(facts.streaming and c.runner in BATCH_ONLY),
        "a stream on {runner} gives no window before its source ends; "
        f"use --runner={STREAM} on one machine, Flink or Dataflow on several",
    ),
    Rule(  # Prism: unsupported feature beam:transform:pubsub_read:v1; Flink's portable runner has no translation of it either
        lambda facts, c: _if(facts.from_pubsub and c.runner != DATAFLOW),
        f"input: Beam's Python reads Pub/Sub on {DATAFLOW} only, and {{runner}} has no such step; run it there, or read: kafka",
    ),
    Rule(
        lambda facts, c: _if(not facts.streaming and c.streaming),
        "--streaming is for streams, and this pipeline ends with its input; leave it out",
    ),
    Rule(
        lambda facts, c: _if(not facts.streaming and c.runner in FLINK and (c.checkpointing or 0) > 0),
        "a batch on Flink that makes checkpoints never ends; leave --checkpointing_interval out",
    ),
    Rule(
        lambda facts, c: _by_hand(facts) if facts.streaming else (),
        "{what}: hydrated posts and users are handed over by a person, never by a stream; use kind ids or rows, or a batch",
    ),
    Rule(
        lambda facts, c: [name for name in _by_hand(facts) if name in facts.to_kafka],
        "{what}: hydrated posts and users are handed over as files by a person, never to Kafka; write to a folder",
    ),
    Rule(
        lambda facts, c: _if(facts.ledger and facts.ledger.startswith("sqlite") and not c.workers_here),
        "ledger: SQLite is a file of one machine, and workers of {runner} are on others, where limits would be counted "
        "anew; expected postgresql://HOST/DATABASE",
    ),
    Rule(
        lambda facts, c: _unshared(facts) if not c.workers_here and c.runner != DATAFLOW else (),
        "{what}: the folder is on this machine, and the workers of {runner} are not; expected one of an object store "
        "(s3://, gs://), or a volume that all of them have, named by --shared_folder",
    ),
    Rule(
        lambda facts, c: _local(facts) if c.runner == DATAFLOW else (),
        "{what}: the folder is on this machine, and workers of Dataflow have no folder in common; expected gs://BUCKET/FOLDER",
    ),
    Rule(
        lambda facts, c: _if(facts.streaming and c.runner in FLINK and (c.checkpointing or 0) <= 0),
        "a stream on Flink without checkpoints loses what it held when a worker dies, and Kafka's offsets with it; "
        "add --checkpointing_interval=60000 (milliseconds)",
    ),
    Rule(
        lambda facts, c: _if(not c.workers_here and c.environment != "EXTERNAL" and not c.ships),
        "workers of {runner} do not have xsieve; name an image that has it (--sdk_container_image, or --environment_config "
        "for Flink) or its wheel (--extra_package)",
    ),
    Rule(
        lambda facts, c: _if(0 < c.max_parallelism < c.parallelism),
        "--max_parallelism is less than --parallelism; it is the most that a job may be resumed with, so give it room",
    ),
    Rule(
        lambda facts, c: _if(c.savepoint and c.runner not in FLINK),
        "--savepoint_path is of Flink; {runner} cannot go on from it"
        f" (a job on {DATAFLOW} is replaced by --update and its job_name)",
    ),
    Rule(
        lambda facts, c: _if(c.update and not (c.runner == DATAFLOW and facts.streaming and c.job_name)),
        f"--update replaces a stream on {DATAFLOW} by its --job_name; anything else starts anew",
    ),
    Rule(
        lambda facts, c: _if(c.runner == STREAM and not c.prism),
        f"Prism was not found; build it where Go is (go install {PRISM_PACKAGE}) and say where it is: "
        "--prism_location=$(go env GOPATH)/bin/prism",
    ),
)
