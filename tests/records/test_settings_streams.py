"""Settings of streams: sources, sinks, windows; and secrets, of which only the place is ever kept."""

import copy
import json
import pickle
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from outflow_settings import WHO

from xsieve.configs import table
from xsieve.pipelines import settings_streams
from xsieve.pipelines.explain import explain
from xsieve.pipelines.settings import Kafka, Settings, SettingsError, ToBigQuery, ToKafka, parse, warnings
from xsieve.pipelines.settings_secrets import Secret, SecretError, is_secret
from xsieve.pipelines.settings_streams import library_of

BROKER = {"bootstrap.servers": "broker.example:9092"}
KAFKA: dict[str, Any] = {"read": "kafka", "topics": "posts", "consumer": BROKER | {"group.id": "sieve"}}
PUBSUB = {"read": "pubsub", "subscription": "projects/norsund/subscriptions/posts"}
BIGQUERY = {"read": "bigquery", "table": "norsund:d.posts"}
FILES = {"read": "files", "path": "data/*"}
ROWS = {"kind": "rows", "every": "1h", "write": {"path": "out/rows"}}
IDS = {"kind": "ids", "every": "1h", "write": {"path": "out/ids"}}
STORE = {"kind": "store", "every": "1h", "write": {"path": "out/store"}}
TOPIC = {"kafka": {"topic": "rows", "producer": BROKER}}
TABLE = {"bigquery": {"table": "d.rows"}}
HUNTER = "hunter2-🔑"


def base(source: dict[str, Any] = KAFKA, **outputs: Any) -> dict[str, Any]:
    return copy.deepcopy({"policy": "base-2024", "input": source, "outputs": outputs or {"rows": ROWS}})


def read(data: dict[str, Any], **env: str) -> Settings:
    return parse(json.dumps(data, ensure_ascii=False), env)


def mistakes_in(data: dict[str, Any], **env: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        read(data, **env)
    return {found.path: found.message for found in caught.value.mistakes}


# --- what is read


def test_kafka_is_read_as_it_is_declared() -> None:
    """Options pass by their own names, whatever their type; a start may be a time."""
    source = KAFKA | {"start": "2026-01-01", "timestamps": "log_append_time", "through": "java"}
    source["consumer"] = KAFKA["consumer"] | {"fetch.min.bytes": 7, "check.crcs": True}
    found = read(base(source | {"topics": ["a", "b"], "expansion_service": "localhost:8097"})).input
    assert isinstance(found, Kafka)
    assert found.topics == ("a", "b")
    assert found.start == datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert dict(found.consumer) == source["consumer"]
    assert (found.timestamps, found.through, found.until) == ("log_append_time", "java", None)
    assert found.expansion_service == "localhost:8097"


@pytest.mark.parametrize(
    ("source", "streaming"),
    [(KAFKA, True), (KAFKA | {"until": "end"}, False), (PUBSUB, True), (BIGQUERY, False), (FILES, False)],
)
def test_what_has_no_end_is_a_stream(source: dict[str, Any], streaming: bool) -> None:
    """Kafka until its end is read like files."""
    rows = ROWS if streaming else {"kind": "rows", "write": {"path": "out/rows"}}
    assert read(base(source, rows=rows)).streaming is streaming


@pytest.mark.parametrize(
    ("source", "path", "message"),
    [
        (KAFKA | {"topics": []}, "topics", "is empty; expected the topics to read"),
        (KAFKA | {"topics": "a b"}, "topics.0", "is not written as it must be"),
        (KAFKA | {"start": "noon"}, "start", "expected earliest, latest, committed, or a time in UTC"),
        (
            KAFKA | {"timestamps": "CreateTime"},
            "timestamps",
            "expected create_time, log_append_time or processing_time",
        ),
        (KAFKA | {"through": "go"}, "through", "expected auto, java or python"),
        (KAFKA | {"until": "noon"}, "until", "expected end"),
        (KAFKA | {"until": "end", "through": "java"}, "until", "is for through: python"),
        (KAFKA | {"expansion_service": "here"}, "expansion_service", "expected host:port"),
        (KAFKA | {"expansion_service": "h:1", "through": "python"}, "expansion_service", "is for through: java"),
        (KAFKA | {"consumer": BROKER}, "consumer.group.id", "is missing"),
        (KAFKA | {"consumer": {"group.id": "g"}}, "consumer.bootstrap.servers", "is missing"),
        (KAFKA | {"consumer": KAFKA["consumer"] | {"a.b": [1]}}, "consumer.a.b", "is no value of an option"),
        (KAFKA | {"path": "data"}, "path", "is not known; expected read, topics"),
        (PUBSUB | {"topic": "projects/norsund/topics/posts"}, "topic", "stands beside subscription"),
        ({"read": "pubsub"}, "subscription", "is missing"),
        (PUBSUB | {"subscription": "posts"}, "subscription", "expected projects/PROJECT/subscriptions/NAME"),
        ({"read": "pubsub", "topic": "posts"}, "topic", "expected projects/PROJECT/topics/NAME"),
        ({"read": "bigquery"}, "table", "is missing; expected PROJECT:DATASET.TABLE, or a query"),
        (BIGQUERY | {"query": "SELECT 1"}, "query", "stands beside table"),
        (BIGQUERY | {"table": "posts"}, "table", "expected PROJECT:DATASET.TABLE"),
        (BIGQUERY | {"row_restriction": "a = 1"}, "row_restriction", "is for tables read by method: DIRECT_READ"),
        (BIGQUERY | {"selected_fields": "a"}, "selected_fields", "is for tables read by method: DIRECT_READ"),
        (BIGQUERY | {"method": "DIRECT_READ", "gcs_location": "gs://b/f"}, "gcs_location", "is for method: EXPORT"),
        (BIGQUERY | {"gcs_location": "/tmp"}, "gcs_location", "expected gs://BUCKET/FOLDER"),
        (BIGQUERY | {"payload": "a b"}, "payload", "expected the column that holds the JSON document"),
    ],
)
def test_a_mistake_in_what_is_read_is_told_its_path(source: dict[str, Any], path: str, message: str) -> None:
    """Where, what is wrong, and what was expected."""
    rows = (
        {"kind": "rows", "write": TOPIC} if source["read"] != "bigquery" else {"kind": "rows", "write": {"path": "o"}}
    )
    assert message in mistakes_in(base(source, rows=rows))[f"input.{path}"]


@pytest.mark.parametrize("line", [line.cells for line in table("kafka_options.tsv")], ids=lambda cells: cells["option"])
def test_options_that_cannot_work_are_refused(line: dict[str, str]) -> None:
    """What xsieve sets itself, and what only the other library knows; each with what to write instead."""
    option = line["option"]
    through = {"java": "python", "python": "java", "ours": "auto"}[line["rule"]]
    options = KAFKA["consumer"] | {option: "${IT}"}
    message = mistakes_in(base(KAFKA | {"consumer": options, "through": through}), IT="x")[f"input.consumer.{option}"]
    assert line["instead"] in message
    assert message.startswith("is set by xsieve" if line["rule"] == "ours" else "is an option of")


def test_the_options_decide_on_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """``auto``: what the options ask for; a bounded read needs Python; else Java where it is."""

    def chosen(java: str | None = "/bin/java", options: dict[str, str] | None = None, **more: Any) -> str:
        monkeypatch.setattr(settings_streams.shutil, "which", lambda _: java)
        source = KAFKA | {"consumer": KAFKA["consumer"] | (options or {})} | more
        found = read(base(source, rows={"kind": "rows", "write": TOPIC}), IT="x").input
        assert isinstance(found, Kafka)
        return library_of(found)

    assert chosen() == "java"
    assert chosen(None) == "python"
    assert chosen(None, expansion_service="h:1") == "java"
    assert chosen(None, {"ssl.truststore.location": "/x"}) == "java"
    assert chosen(options={"ssl.ca.location": "/x"}) == "python"
    assert chosen(until="end") == "python"
    assert chosen(None, through="java") == "java"
    assert chosen(through="python") == "python"


# --- what is written


def test_outputs_go_to_files_topics_and_tables() -> None:
    """Told apart by their keys."""
    found = read(
        base(
            rows={"kind": "rows", "write": TOPIC},
            table={"kind": "rows", "write": TABLE},
            files=ROWS,
            ids={"kind": "ids", "write": {"kafka": {"topic": "ids", "producer": BROKER}}},
            store={"kind": "store", "write": {"kafka": {"topic": "store", "producer": BROKER | {"acks": "all"}}}},
        )
    ).outputs
    assert isinstance(found["rows"].write, ToKafka)
    assert isinstance(found["table"].write, ToBigQuery)
    assert found["files"].write.path == "out/rows"
    assert isinstance(found["store"].write, ToKafka)
    assert dict(found["store"].write.kafka.producer) == BROKER | {"acks": "all"}


@pytest.mark.parametrize(
    ("output", "path", "message"),
    [
        ({"kind": "rows", "write": TOPIC | {"path": "o"}}, "write.path", "stands beside kafka"),
        ({"kind": "rows", "write": TOPIC | TABLE}, "write.bigquery", "stands beside kafka"),
        ({"kind": "rows", "write": TABLE | {"format": "csv"}}, "write.format", "stands beside bigquery"),
        ({"kind": "rows", "write": {"kafka": {"topic": "t"}}}, "write.kafka.producer", "is missing"),
        ({"kind": "rows", "write": {"kafka": {"producer": BROKER}}}, "write.kafka.topic", "is missing"),
        (
            {"kind": "rows", "write": {"kafka": {"topic": "t", "producer": {"acks": "1"}}}},
            "write.kafka.producer.bootstrap.servers",
            "is missing",
        ),
        (
            {"kind": "rows", "write": {"kafka": {"topic": "posts", "producer": BROKER}}},
            "write.kafka.topic",
            "input.topics",
        ),
        ({"kind": "ids", "write": TABLE}, "write.bigquery", "rows are written to tables"),
        ({"kind": "store", "write": TABLE}, "write.bigquery", "rows are written to tables"),
        (
            {"kind": "hydrated", "recipient": "lab", "write": {"path": "/o"} | TOPIC},
            "write.kafka",
            "handed over by a person",
        ),
        ({"kind": "ids", "recipient": "lab", "write": TOPIC}, "write.kafka", "is for ids that stay in-house"),
        (
            {"kind": "rows", "write": {"bigquery": {"table": "t"}}},
            "write.bigquery.table",
            "expected PROJECT:DATASET.TABLE",
        ),
        (
            {"kind": "rows", "write": {"bigquery": {"table": "d.t", "write_disposition": "WRITE_TRUNCATE"}}},
            "write.bigquery.write_disposition",
            "is for runs that end",
        ),
        (
            {"kind": "rows", "write": {"bigquery": {"table": "d.t", "method": "FILE_LOADS"}}},
            "write.bigquery.triggering_frequency",
            "is missing",
        ),
        (
            {"kind": "rows", "write": {"bigquery": {"table": "d.t", "triggering_frequency": "5m"}}},
            "write.bigquery.triggering_frequency",
            "is for method: FILE_LOADS or STORAGE_WRITE_API",
        ),
        (
            {"kind": "rows", "write": {"bigquery": {"table": "d.t", "custom_gcs_temp_location": "gs://b"}}},
            "write.bigquery.custom_gcs_temp_location",
            "is for method: FILE_LOADS",
        ),
        ({"kind": "rows", "every": "1h", "write": "out"}, "write", "is not a group of keys; expected where to and how"),
    ],
)
def test_a_mistake_in_what_is_written_is_told_its_path(output: dict[str, Any], path: str, message: str) -> None:
    """Where, what is wrong, and what was expected."""
    assert message in mistakes_in(base(x=output) | WHO | {"ledger": "sqlite:///l.db"})[f"outputs.x.{path}"]


def test_two_outputs_do_not_share_a_topic() -> None:
    """Its readers would get two kinds of messages; of other brokers it is another topic."""
    rows, store = {"kind": "rows", "write": TOPIC}, {"kind": "store", "write": TOPIC}
    assert (
        "is the topic of outputs.rows" in mistakes_in(base(rows=rows, store=store))["outputs.store.write.kafka.topic"]
    )
    other = {"kafka": {"topic": "rows", "producer": {"bootstrap.servers": "other.example:9092"}}}
    read(base(rows=rows, store={"kind": "store", "write": other}))


# --- windows


@pytest.mark.parametrize(
    ("text", "span"),
    [("1s", 1), ("90s", 90), ("15m", 900), ("1h", 3600), ("24h", 86_400), ("1d", 86_400)],
)
def test_windows_are_whole_fractions_of_a_day(text: str, span: int) -> None:
    """Seconds, minutes, hours or a day."""
    found = read(base(rows=ROWS | {"every": text, "lateness": "0s"})).outputs["rows"]
    assert (found.every, found.lateness) == (timedelta(seconds=span), timedelta(0))


@pytest.mark.parametrize("text", ["7m", "5h", "2d", "0h", "0s", "1w", "h", "-1h", "1.5h", "1h30m", 60, True, ["1h"]])
def test_other_windows_are_refused(text: object) -> None:
    """They would not begin at midnight, or are no durations."""
    message = mistakes_in(base(rows=ROWS | {"every": text}))["outputs.rows.every"]
    assert "is no whole fraction of a day" in message or "is no duration" in message


@pytest.mark.parametrize("output", [ROWS, IDS, STORE])
def test_files_of_a_stream_need_windows_and_others_have_none(output: dict[str, Any]) -> None:
    """Without windows nothing would ever be whole; topics, and runs that end, have none."""
    without = {key: value for key, value in output.items() if key != "every"}
    assert "is missing" in mistakes_in(base(x=without))["outputs.x.every"]
    assert "is missing" in mistakes_in(base(PUBSUB, x=without))["outputs.x.every"]
    flowing = mistakes_in(base(x=output | {"lateness": "1h", "write": TOPIC}))
    assert {"outputs.x.every", "outputs.x.lateness"} == flowing.keys()
    assert all("flows at once" in message for message in flowing.values())
    for source in (FILES, BIGQUERY, KAFKA | {"until": "end"}):
        bounded = mistakes_in(base(source, x=output | {"lateness": "1h"}))
        assert {"outputs.x.every", "outputs.x.lateness"} == bounded.keys()
        assert all("is for streams" in message for message in bounded.values())
        read(base(source, x=without))


def test_what_is_handed_over_by_a_person_is_refused_in_a_stream() -> None:
    """With the clause that says so."""
    hydrated = {"kind": "hydrated", "recipient": "lab", "write": {"path": "/o"}}
    found = mistakes_in(base(x=hydrated) | WHO | {"ledger": "sqlite:///l.db"})
    assert list(found) == ["outputs.x.kind"]
    assert "never automatically (content-redistribution.by-hand" in found["outputs.x.kind"]
    assert "never window by window" in mistakes_in(base(FILES, x=hydrated | {"every": "1h"}) | WHO)["outputs.x.every"]


@pytest.mark.parametrize(("key", "value"), [("truncate", True), ("split", "utc_day")])
def test_ids_of_a_stream_are_neither_cut_nor_split(key: str, value: object) -> None:
    """What is cut would depend on what came first, and windows split already; where there is an end both are fine."""
    ids = IDS | {"recipient": "lab", key: value}
    rest = WHO | {"ledger": "sqlite:///l.db"}
    assert "is for runs that end" in mistakes_in(base(x=ids) | rest)[f"outputs.x.{key}"]
    del ids["every"]
    read(base(FILES, x=ids) | rest)


# --- secrets


@pytest.mark.parametrize(
    ("option", "secret"),
    [
        ("sasl.password", True),
        ("ssl.key.password", True),
        ("sasl.jaas.config", True),
        ("basic.auth.user.info", True),
        ("ssl.key.pem", True),
        ("SASL_PASSWORD", True),
        ("some.new-client.secret", True),
        ("sasl.username", False),
        ("sasl.oauthbearer.token.endpoint.url", False),
        ("ssl.key.location", False),
        ("passwordless", False),
    ],
)
def test_options_that_hold_secrets_are_known_by_their_names(option: str, secret: bool) -> None:
    """Whole names, and words in names that nobody has heard of yet."""
    assert is_secret(option) is secret


def with_option(option: str, value: Any, **more: Any) -> dict[str, Any]:
    return base(KAFKA | {"consumer": KAFKA["consumer"] | {option: value}} | more)


@pytest.mark.parametrize("value", [HUNTER, 12345, True, "${", "$${PW}"])
def test_a_secret_in_plain_sight_is_refused_and_not_shown(value: Any) -> None:
    """The file of settings is copied, committed and sent around."""
    for path, data in {
        "input.consumer.sasl.password": with_option("sasl.password", value),
        "outputs.x.write.kafka.producer.sasl.password": base(
            x={"kind": "rows", "write": {"kafka": {"topic": "t", "producer": BROKER | {"sasl.password": value}}}}
        ),
    }.items():
        with pytest.raises(SettingsError) as caught:
            read(data)
        found = {mistake.path: mistake.message for mistake in caught.value.mistakes}
        assert "in plain sight; expected ${NAME} or ${file:/PATH}" in found[path] or "begins no ${NAME}" in found[path]
        assert HUNTER not in f"{caught.value}{caught.value.mistakes}"


@pytest.mark.parametrize("written", ["postgresql://sieve:hunter2@db/x", "postgresql://sieve@db/x?password=hunter2"])
def test_a_password_of_the_ledger_in_plain_sight_is_refused(written: str) -> None:
    """From a variable or a file it is taken; an address without one is no secret."""
    rows = {"kind": "rows", "write": {"path": "out/rows"}}
    message = mistakes_in(base(FILES, rows=rows) | {"ledger": written})["ledger"]
    assert "holds a password in plain sight" in message
    assert "hunter2" not in message
    for hidden, env in ((written.replace("hunter2", "${PW}"), {"PW": "hunter2"}), ("${URL}", {"URL": written})):
        found = read(base(FILES, rows=rows) | {"ledger": hidden}, **env)
        assert found.ledger == written
        assert found.deferred_ledger == Secret(hidden)
        assert found.deferred_ledger.resolve(env) == written
    assert read(base(FILES, rows=rows) | {"ledger": "postgresql://sieve@db/x"}).ledger
    assert read(base(FILES, rows=rows)).deferred_ledger is None


@pytest.mark.parametrize("value", [HUNTER, "12345", "true"])
def test_only_the_place_of_a_secret_is_kept(value: str, tmp_path: Path) -> None:
    """What workers get, and whatever is shown, has ``${NAME}``; a number is a secret as well; the value is read at the end."""
    (tmp_path / "key").write_text(f"{value}\n", "utf-8")
    places = {"sasl.password": "${PW}", "ssl.key.password": f"${{file:{tmp_path}/key}}"}
    source = KAFKA | {"consumer": KAFKA["consumer"] | places, "through": "python"}
    text = json.dumps(base(source)).replace('"${PW}"', "${PW}")
    found = parse(text, {"PW": value})
    assert isinstance(found.input, Kafka)
    shown = f"{found!r}{found.input.consumer}{explain(found)}{warnings(found)}".replace("true or false", "")
    shown = shown.replace("=True", "").replace("true", "" if value == "true" else "true")
    assert value == "true" or value not in shown
    assert value.encode() not in pickle.dumps(dict(found.input.consumer))
    assert "sasl.password = ${PW}" in "".join(explain(found))
    for name, place in places.items():
        secret = found.input.consumer[name]
        assert secret == Secret(place)
        assert secret.resolve({"PW": value}) == value


def test_whatever_comes_from_a_file_is_a_secret(tmp_path: Path) -> None:
    """Also under a name that tells nothing, and in an address."""
    (tmp_path / "it").write_text(HUNTER, "utf-8")
    for option, written in (("client.rack", f"${{file:{tmp_path}/it}}"), ("some.url", "${URL}")):
        found = read(with_option(option, written), URL=f"https://u:{HUNTER}@h").input
        assert isinstance(found, Kafka)
        assert found.consumer[option] == Secret(written)
        assert HUNTER not in repr(found)
    assert "in plain sight" in mistakes_in(with_option("some.url", "https://u:pw@h"))["input.consumer.some.url"]
    plain = read(with_option("client.id", "${ID}"), ID="sieve-7").input
    assert isinstance(plain, Kafka)
    assert plain.consumer["client.id"] == "sieve-7"


def test_text_beside_a_secret_is_for_java_only() -> None:
    """A login module is a sentence with a password in it; elsewhere the whole value is the secret."""
    message = mistakes_in(with_option("sasl.password", "a${PW}"), PW=HUNTER)["input.consumer.sasl.password"]
    assert "with text beside it" in message
    module = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="${PW}";'
    found = read(with_option("sasl.jaas.config", module), PW=HUNTER).input
    assert isinstance(found, Kafka)
    assert found.consumer["sasl.jaas.config"] == Secret(module)


@pytest.mark.parametrize("content", [None, b"\xff", b"x" * (2 << 20), b"", b"a\x07"])
def test_a_file_that_cannot_be_filled_in_is_a_mistake_at_its_path(content: bytes | None, tmp_path: Path) -> None:
    """Missing, no text, no secret of that size, empty, unprintable."""
    if content is not None:
        (tmp_path / "it").write_bytes(content)
    found = mistakes_in(with_option("sasl.password", f"${{file:{tmp_path}/it}}"))
    assert "input.consumer.sasl.password" in found
    with pytest.raises(SecretError, match=r"\$\{file:/nowhere/at/all\}: needs the file") as caught:
        Secret("${file:/nowhere/at/all}").resolve({})
    assert caught.value.__cause__ is None
    with pytest.raises(SecretError, match="needs the variable PW"):
        Secret("${PW}").resolve({})


def test_a_file_fills_in_any_value(tmp_path: Path) -> None:
    """As a variable does, less its last line break; a path that starts nowhere is none."""
    (tmp_path / "where").write_text("out/rows\n", "utf-8")
    path = f"${{file:{tmp_path}/where}}"
    found = read(base(rows=ROWS | {"write": {"path": path}}))
    assert found.outputs["rows"].write.path == "out/rows"
    assert found.as_written("out/rows") == path
    message = mistakes_in(base(rows=ROWS | {"write": {"path": "${file:where}"}}))["outputs.rows.write.path"]
    assert "begins no ${NAME} and no ${file:/PATH}" in message


def test_secrets_in_javas_transforms_are_warned_of() -> None:
    """They have to be in the job when it is built; Python's workers read them for themselves."""
    option = {"ssl.keystore.password": "${PW}"}
    for through, warned in (("java", True), ("python", False)):
        data = with_option("ssl.keystore.password", "${PW}", through=through)
        data["outputs"] = {
            "x": {"kind": "rows", "write": {"kafka": {"topic": "t", "producer": BROKER | option, "through": through}}}
        }
        said = "\n".join(warnings(read(data, PW=HUNTER)))
        for path in ("input.consumer", "outputs.x.write.kafka.producer"):
            assert (f"{path}: Beam's Java transforms take ssl.keystore.password" in said) is warned
        assert HUNTER not in said
