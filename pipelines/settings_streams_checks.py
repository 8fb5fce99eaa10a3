"""What does not go together in streams: sources, sinks, windows, options of clients; and secrets in plain sight.

Like ``settings_checks`` these checks look at the data as it was written. A part that is mistaken by itself is passed over.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import combinations
from typing import Any, NamedTuple

from xsieve.pipelines.settings_checks import group, texts
from xsieve.pipelines.settings_errors import Mistake
from xsieve.pipelines.settings_secrets import FILE, VARIABLE, Secret, holds_password, is_secret, shows_password
from xsieve.pipelines.settings_streams import Rule, rules
from xsieve.pipelines.settings_values import is_ledger
from xsieve.transforms.records import policy

_NEEDED = {"consumer": ("bootstrap.servers", "group.id"), "producer": ("bootstrap.servers",)}


class Client(NamedTuple):
    """A client of Kafka as it was written: the path and the name of its options, what stands beside them."""

    path: str  # input, or outputs.NAME.write.kafka
    key: str  # consumer or producer
    beside: Mapping[str, Any]

    @property
    def options(self) -> Mapping[str, Any]:
        return group(self.beside, self.key)

    def at(self, option: str) -> str:
        return f"{self.path}.{self.key}.{option}"


def with_secrets(data: object, variables: Mapping[str, str]) -> object:
    """``data`` with a Secret in place of each secret option; ``variables`` has what is written with ``${…}``, by path."""
    data = deepcopy(data)
    for client in _clients(data):
        options = client.beside[client.key] if client.options else {}
        for name, value in options.items():
            written = variables.get(client.at(name), "")
            if written and value is not None and _is_kept(name, str(value), written):
                options[name] = Secret(written)
    return data


def _is_kept(option: str, value: str, written: str) -> bool:
    """Whether only its place goes to the workers."""
    return is_secret(option) or f"${{{FILE}" in written or holds_password(value)


def check(data: object, variables: Mapping[str, str], profile: policy.Profile) -> Iterator[Mistake]:
    """All mistakes of streams between the parts of ``data``; ``profile`` is the policy that holds."""
    yield from _ledger(data, variables)
    yield from _source(group(data, "input"))
    for client in _clients(data):
        yield from _client(client, variables)
    yield from _topics(data)
    for name in group(data, "outputs"):
        output = group(data, "outputs", name)
        yield from _sink(f"outputs.{name}", output)
        if group(data, "input").get("read") in ("files", "kafka", "pubsub", "bigquery"):
            judge = _streamed if is_stream(data) else _bounded
            yield from judge(f"outputs.{name}", output, profile)


def is_stream(data: object) -> bool:
    """Whether what is read has no end."""
    source = group(data, "input")
    return source.get("read") == "pubsub" or (source.get("read") == "kafka" and source.get("until") != "end")


# --- secrets


def _ledger(data: object, variables: Mapping[str, str]) -> Iterator[Mistake]:
    for url in texts(group(data).get("ledger")):
        if is_ledger(url) and shows_password(variables.get("ledger", url)):
            yield Mistake("ledger", "holds a password in plain sight; expected ${NAME} or ${file:/PATH} in place of it")


def _secrets(client: Client, variables: Mapping[str, str]) -> Iterator[Mistake]:
    for name, value in client.options.items():
        here, written = client.at(name), variables.get(client.at(name))
        if value is None or not (is_secret(name) or holds_password(str(value))):
            continue
        if value == "":
            yield Mistake(here, "is empty; expected a secret, or no such option")
        elif written is None or not VARIABLE.search(written):
            yield Mistake(here, "is a secret in plain sight; expected ${NAME} or ${file:/PATH} in place of it")
        elif not VARIABLE.fullmatch(written) and rules().get(name, Rule("", "")).rule != "java":
            yield Mistake(here, "is a secret with text beside it; expected ${NAME} or ${file:/PATH} and nothing else")


# --- Kafka


def _clients(data: object) -> Iterator[Client]:
    if group(data, "input").get("read") == "kafka":
        yield Client("input", "consumer", group(data, "input"))
    for name in group(data, "outputs"):
        if kafka := group(data, "outputs", name, "write", "kafka"):
            yield Client(f"outputs.{name}.write.kafka", "producer", kafka)


def _client(client: Client, variables: Mapping[str, str]) -> Iterator[Mistake]:
    if client.options:
        for name in _NEEDED[client.key]:
            if name not in client.options:
                yield Mistake(client.at(name), f"is missing; expected it among the options of the {client.key}")
    yield from _secrets(client, variables)
    yield from _of_others(client)
    through = client.beside.get("through", "auto")
    if through == "python" and "expansion_service" in client.beside:
        yield Mistake(f"{client.path}.expansion_service", "is for through: java; leave it out")
    if through == "java" and client.beside.get("until") == "end":
        yield Mistake(
            f"{client.path}.until", "is for through: python; Beam's Java transform does not know where to end"
        )


def _of_others(client: Client) -> Iterator[Mistake]:
    """Options that xsieve sets, and those of the other library."""
    through = client.beside.get("through", "auto")
    found = {name: rules()[name] for name in client.options if name in rules()}
    of_java = any(rule.rule == "java" for rule in found.values())
    library = (
        "java" if through == "java" or (through == "auto" and of_java) else "python" if through == "python" else ""
    )
    for name, rule in found.items():
        if rule.rule == "ours":
            yield Mistake(client.at(name), f"is set by xsieve; expected {rule.instead}")
        elif library and rule.rule != library:
            which = "Kafka's Java client" if rule.rule == "java" else "librdkafka (through: python)"
            yield Mistake(client.at(name), f"is an option of {which}; expected {rule.instead}, or through: {rule.rule}")


def _topics(data: object) -> Iterator[Mistake]:
    """A topic that is read is not written to, and one that is written to has one kind of messages."""
    source = group(data, "input")
    brokers = group(source, "consumer").get("bootstrap.servers")
    places = [("input.topics", (brokers, topic)) for topic in texts(source.get("topics"))]
    for name in group(data, "outputs"):
        kafka = group(data, "outputs", name, "write", "kafka")
        servers = group(kafka, "producer").get("bootstrap.servers")
        places += [(f"outputs.{name}.write.kafka.topic", (servers, topic)) for topic in texts(kafka.get("topic"))]
    for (first, one), (second, other) in combinations(places, 2):
        if one == other and second != "input.topics":
            yield Mistake(second, f"is the topic of {first}; expected one of its own")


# --- sources and sinks


def _source(source: Mapping[str, Any]) -> Iterator[Mistake]:
    read = source.get("read")
    if read == "pubsub" and not {"subscription", "topic"} & source.keys():
        yield Mistake("input.subscription", "is missing; expected projects/PROJECT/subscriptions/NAME, or a topic")
    if read == "bigquery" and not {"table", "query"} & source.keys():
        yield Mistake("input.table", "is missing; expected PROJECT:DATASET.TABLE, or a query")


def _sink(here: str, output: Mapping[str, Any]) -> Iterator[Mistake]:
    handed = output.get("kind") == "ids" and {"recipient", "recipients"} & output.keys()
    if handed and "kafka" in group(output, "write"):
        yield Mistake(
            f"{here}.write.kafka",
            "is for ids that stay in-house; what goes to recipients is a release of files, reserved before it is published",
        )


def _flows(output: Mapping[str, Any]) -> str:
    """What an output goes to at once: "kafka" or "bigquery"; "" for files."""
    return next((name for name in ("kafka", "bigquery") if name in group(output, "write")), "")


def _bounded(here: str, output: Mapping[str, Any], _: policy.Profile) -> Iterator[Mistake]:
    for key in ("every", "lateness"):
        if key in output and output.get("kind") != "hydrated":
            yield Mistake(f"{here}.{key}", "is for streams; what is read here has an end, and is one release")
    if "triggering_frequency" in group(output, "write", "bigquery"):
        yield Mistake(f"{here}.write.bigquery.triggering_frequency", "is for streams; what is read here has an end")


def _streamed(here: str, output: Mapping[str, Any], profile: policy.Profile) -> Iterator[Mistake]:
    kind, flows = output.get("kind"), _flows(output)
    if kind == "hydrated":
        cited = profile.clauses[policy.BY_HAND].cited
        yield Mistake(
            f"{here}.kind",
            f"is for runs that end: what is hydrated is handed over by a person, never automatically ({cited})",
        )
        return
    if flows:
        for key in ("every", "lateness"):
            if key in output:
                yield Mistake(f"{here}.{key}", f"is for files; what goes to {flows} flows at once, leave it out")
    elif "every" not in output and kind in ("rows", "ids", "store"):
        yield Mistake(
            f"{here}.every", "is missing; a stream is published window by window: expected such as 15m, 1h or 1d"
        )
    if kind == "ids":
        yield from _streamed_ids(here, output)
    yield from _streamed_table(f"{here}.write.bigquery", group(output, "write", "bigquery"))


def _streamed_ids(here: str, output: Mapping[str, Any]) -> Iterator[Mistake]:
    if output.get("truncate") is True:
        yield Mistake(
            f"{here}.truncate",
            "is for runs that end: which ids of a stream are cut would depend on which came first; what does not fit "
            "waits, leave it out",
        )
    if output.get("split", "none") != "none":
        yield Mistake(
            f"{here}.split", "is for runs that end: a stream is split by its windows, see every; leave it out"
        )


def _streamed_table(here: str, sink: Mapping[str, Any]) -> Iterator[Mistake]:
    if sink.get("write_disposition", "WRITE_APPEND") != "WRITE_APPEND":
        yield Mistake(f"{here}.write_disposition", "is for runs that end; a stream adds to what is there: WRITE_APPEND")
    if sink.get("method") == "FILE_LOADS" and "triggering_frequency" not in sink:
        yield Mistake(f"{here}.triggering_frequency", "is missing; expected how often a stream is loaded, such as 5m")
