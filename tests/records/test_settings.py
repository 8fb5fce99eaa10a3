"""Settings: read once, checked as a whole, every mistake at its dotted path, and no secret ever shown."""

import copy
import json
import pickle
import traceback
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import ValidationError

from xsieve.configs import table
from xsieve.pipelines import settings_checks
from xsieve.pipelines.settings import Settings, SettingsError, json_schema, load, parse, warnings

COMPLETE = """\
policy: base-2024
collection: {access: app_only}
input: {read: files, path: ["data/*.jsonl.gz"], exclude: "**/*err*"}
where: {from: 2020-01-01, to: 2021-01-01T12:30:00Z, lang: [en, no], reposts: drop}
enrich: {stance: {path: ml.stance, about: content, values: [pro, contra, none]}}
catalogs: [my_fields.tsv]
rejects: out/rejects
max_rejects: 0.01
outputs:
  trends:
    kind: rows
    text: scrub
    place: city
    time: day
    metrics: exact
    columns: [time, lang, text]
    enrich: [stance]
    write: {path: out/trends, format: csv, compression: zstd}
  climate: {kind: ids, ids: post, nested: true, split: utc_day, write: {path: out/climate}}
  archive:
    kind: store
    description: all of it
    consent: {direct_messages: "forms of 2026, folder 3"}
    write: {path: out/archive, compression: gzip}
"""

SMALLEST: dict[str, Any] = {
    "policy": "base-2024",
    "input": {"read": "files", "path": "data/*.jsonl"},
    "outputs": {"trends": {"kind": "rows", "write": {"path": "out/trends"}}},
}
IDS = {"kind": "ids", "write": {"path": "out/ids"}}
STORE = {"kind": "store", "write": {"path": "out/store"}}
STANCE = {"path": "ml.stance", "about": "content"}


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The smallest settings with what stands at some dotted paths replaced; ``...`` removes a key."""
    data = copy.deepcopy(SMALLEST)
    for path, value in changes:
        *above, last = path.split(".")
        here = data
        for key in above:
            here = here.setdefault(key, {})
        if value is ...:
            del here[last]
        else:
            here[last] = value
    return data


def read(data: dict[str, Any], **env: str) -> Settings:
    return parse(json.dumps(data), env)  # JSON is YAML


def mistakes_in(text: str, **env: str) -> dict[str, str]:
    """path -> message"""
    with pytest.raises(SettingsError) as caught:
        parse(text, env)
    return {mistake.path: mistake.message for mistake in caught.value.mistakes}


def error_of(text: str, **env: str) -> SettingsError | None:
    try:
        parse(text, env)
    except SettingsError as error:
        return error
    return None


# --- what is right


def test_complete_settings_are_read_as_they_are_written() -> None:
    """Each key of the file is an attribute, with lists as tuples and moments in UTC."""
    settings = parse(COMPLETE, {})
    assert settings.input.path == ("data/*.jsonl.gz",)
    assert settings.input.exclude == ("**/*err*",)
    assert settings.where.from_ == datetime(2020, 1, 1, tzinfo=timezone.utc)
    assert settings.where.to == datetime(2021, 1, 1, 12, 30, tzinfo=timezone.utc)
    assert settings.where.lang == ("en", "no")  # not false, as YAML 1.1 would have it
    assert settings.enrich["stance"].values == ("pro", "contra", "none")
    assert settings.max_rejects == 0.01
    trends, climate, archive = settings.outputs.values()
    assert (trends.kind, trends.text, trends.place, trends.time) == ("rows", "scrub", "city", "day")
    assert (trends.write.format, trends.write.compression) == ("csv", "zstd")
    assert (climate.kind, climate.ids, climate.nested, climate.split) == ("ids", "post", True, "utc_day")
    assert archive.consent.direct_messages == "forms of 2026, folder 3"


def test_what_is_left_out_has_the_careful_default() -> None:
    """Without a word there is no text, no place, no exact time, and no attestation."""
    settings = read(changed(("outputs.ids", IDS), ("outputs.store", STORE)))
    rows, ids, store = settings.outputs.values()
    assert settings.collection.access is None
    assert settings.where.reposts == "keep"
    assert settings.max_rejects == 0.001
    assert (rows.text, rows.place, rows.time, rows.metrics) == (None, None, "hour", "rounded")
    assert (rows.columns, rows.enrich) == (None, None)
    assert (rows.write.format, rows.write.compression) == ("jsonl", "none")
    assert (ids.ids, ids.nested, ids.split) == ("post", False, "none")
    assert (store.consent, store.write.format, store.write.compression) == (None, "jsonl", "none")


def test_settings_do_not_change_once_they_are_read() -> None:
    """They are frozen, down to the last part."""
    settings = parse(COMPLETE, {})
    with pytest.raises(ValidationError):
        settings.policy = "policy-2026"  # type: ignore[misc]  # that is the point
    with pytest.raises(ValidationError):
        settings.outputs["trends"].write.path = "elsewhere"  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2020-01-31", datetime(2020, 1, 31, tzinfo=timezone.utc)),
        ('"2020-01-31"', datetime(2020, 1, 31, tzinfo=timezone.utc)),
        ("2020-01-31 12:00:00", datetime(2020, 1, 31, 12, tzinfo=timezone.utc)),
        ("2020-01-31T12:00:00Z", datetime(2020, 1, 31, 12, tzinfo=timezone.utc)),
        ('"2020-01-31T12:00:00Z"', datetime(2020, 1, 31, 12, tzinfo=timezone.utc)),
        ("2020-01-31T12:00:00+02:00", datetime(2020, 1, 31, 10, tzinfo=timezone.utc)),
    ],
)
def test_moments_are_utc_however_they_are_written(written: str, moment: datetime) -> None:
    """A date is its midnight; a time without a zone is UTC; another zone is converted."""
    assert parse(f"{json.dumps(SMALLEST)[:-1]}, where: {{from: {written}}}}}", {}).where.from_ == moment


def test_an_output_may_be_called_by_a_number_of_a_year() -> None:
    """Names are text even where YAML sees a number."""
    text = "policy: base-2024\ninput: {read: files, path: x}\noutputs: {2020: {kind: ids, write: {path: out}}}"
    assert list(parse(text, {}).outputs) == ["2020"]


# --- what is wrong


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("policy", ..., "is missing; expected the profile"),
        (
            "policy",
            "base-2025",
            "expected base-2024, policy-2026 or the path of a policy of one's own (.yaml); did you ",
        ),
        ("policy", "none.yaml", "there is no such file (in the policy's file)"),
        ("collection.access", "app-only", "did you mean app_only?"),
        ("collection", "app_only", "is not a group of keys; expected how the data was collected"),
        ("collection.acess", "app_only", "is not known; did you mean access?"),
        ("input", ..., "is missing; expected what is read"),
        ("input.read", "kafak", "is not known; expected bigquery, files, kafka or pubsub; did you mean kafka?"),
        ("input.read", ..., "is missing"),
        ("input.path", [], "is empty; expected files, folders or patterns"),
        ("input.path", "", "is empty"),
        ("input.path", 7, "is not a list"),
        ("input.paths", "x", "is not known; did you mean path?"),
        ("where.from", "yesterday", "is no date; expected a date or a time in UTC such as 2020-01-31"),
        ("where.to", 2020, "is no date"),
        ("where.lang", [], "is empty; expected language codes"),
        ("where.reposts", "skip", "is not known; expected keep, drop or only"),
        ("where.since", "2020-01-01", "is not known; expected from, to, lang or reposts"),
        ("enrich", ["stance"], "is not a group of keys"),
        ("enrich.stance", {"path": "ml.stance"}, None),
        ("catalogs", {"my.tsv": "x"}, "is not a list"),
        ("rejects", "out/*/rejects", "holds wildcards; expected the folder to write to"),
        ("max_rejects", 1.5, "is too large; expected the share of payloads, from 0 to 1"),
        ("max_rejects", -0.1, "is too small"),
        ("max_rejects", "0.1", "is not a number"),
        ("max_rejects", True, "is not a number"),
        ("ledgers", "sqlite:///x.db", "is not known; did you mean ledger?"),
        ("outputs", ..., "is missing; expected what goes out, by name"),
        ("outputs", {}, "is empty"),
        ("outputs.Trends", IDS, "is no name; expected what goes out, by name (a-z, 0-9, _ and -"),
        ("outputs.-x", IDS, "is no name"),
        ("outputs." + "x" * 65, IDS, "is no name"),
        ("outputs.trends", 7, "is not a group of keys"),
        ("outputs.trends.kind", ..., "is missing; expected hydrated, ids, rows or store"),
        ("outputs.trends.kind", "row", "is not known; expected hydrated, ids, rows or store; did you mean rows?"),
        ("outputs.trends.kind", "counts", "is not supported by this version"),
        ("outputs.trends.kind", 7, "is not known; expected hydrated, ids, rows or store"),
        ("outputs.trends.text", "verbatim", "is not known; expected scrub"),
        ("outputs.trends.place", "street", "is not known; expected country or city"),
        ("outputs.trends.place", "city", "needs text: scrub beside it"),
        ("outputs.trends.time", "hor", "did you mean hour?"),
        ("outputs.trends.metrics", "round", "did you mean rounded?"),
        ("outputs.trends.columns", [], "is empty; expected names of the columns"),
        (
            "outputs.trends.enrich",
            ["stance"],
            "holds a name that is not declared; expected names under enrich",
        ),
        ("outputs.trends.nested", True, "is not for this kind of output; outputs of the kind ids have it"),
        ("outputs.trends.nestd", True, "is not known; expected description"),
        ("outputs.trends.recipient", "lab", "is not for this kind of output; outputs of the kinds ids and hydrated"),
        ("outputs.trends.recipients", ["lab"], "is not for this kind of output; outputs of the kinds ids and hydrated"),
        ("outputs.trends.series", "lab", "is not for this kind of output; outputs of the kind ids have series"),
        (
            "outputs.trends.exempt",
            "academic",
            "is not for this kind of output; the exemption is for outputs of the kind",
        ),
        ("outputs.trends.truncate", True, "is not for this kind of output; outputs of the kind ids are cut"),
        ("outputs.trends.sample", {"n": 3}, "is not for this kind of output; outputs of the kind hydrated are sampled"),
        ("outputs.trends.as", "csv", "is not for this kind of output; outputs of the kind hydrated have it"),
        ("outputs.trends.objects", "both", "is not for this kind of output; outputs of the kind hydrated have it"),
        ("outputs.trends.description", "", "is empty; expected a text"),
        ("outputs.trends.description", "x" * 1001, "is too long"),
        ("outputs.trends.write", ..., "is missing; expected where to and how"),
        ("outputs.trends.write.path", ..., "is missing; expected the folder to write to"),
        ("outputs.trends.write.path", 7, "is not text (put it in quotes); expected the folder"),
        ("outputs.trends.write.format", "orc", "is not known; expected jsonl, avro, parquet or csv"),
        ("outputs.trends.write.compression", "gz", "is not known; expected none, gzip or zstd"),
        ("outputs.trends.write.compresion", "gzip", "is not known; did you mean compression?"),
    ],
)
def test_a_mistake_is_told_its_dotted_path_and_what_was_expected(path: str, value: Any, message: str | None) -> None:
    """One mistake gives one message, at its own path."""
    found = mistakes_in(json.dumps(changed((path, value))))
    if message is None:
        path, message = f"{path}.about", "is missing; expected what the field speaks about"
    assert list(found) == [path]
    assert message in found[path]


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ([("where.from", "2021-01-01"), ("where.to", "2021-01-01")], "where.to", "is not after where.from"),
        (
            [("where.lang", ["en", "EN"])],
            "where.lang.1",
            "is not written as it must be; expected language codes",
        ),
        ([("input.exclude", ["x", ""])], "input.exclude.1", "is empty; expected patterns"),
        (
            [("outputs.trends.write.format", "parquet"), ("outputs.trends.write.compression", "gzip")],
            "outputs.trends.write.compression",
            "is for jsonl and csv",
        ),
        (
            [
                ("outputs.trends.text", "scrub"),
                ("outputs.trends.place", "city"),
                ("outputs.trends.columns", ["time"]),
            ],
            "outputs.trends.columns",
            "leaves out text, which has to stand beside place",
        ),
        ([("outputs.a", IDS | {"ids": "tweet"})], "outputs.a.ids", "is not known; expected post, user or dm"),
        ([("outputs.a", IDS | {"nested": "yes"})], "outputs.a.nested", "is neither true nor false"),
        (
            [("outputs.a", IDS | {"ids": "dm", "nested": True})],
            "outputs.a.nested",
            "direct messages hold no posts",
        ),
        ([("outputs.a", IDS | {"split": "day"})], "outputs.a.split", "did you mean utc_day?"),
        (
            [("outputs.a", IDS | {"ids": "user", "split": "utc_day"})],
            "outputs.a.split",
            "does not tell the time",
        ),
        (
            [("outputs.a", IDS | {"text": "scrub"})],
            "outputs.a.text",
            "is not for this kind of output; outputs of the kind rows have it",
        ),
        (
            [("outputs.a", IDS | {"write": {"path": "out/a", "format": "csv"}})],
            "outputs.a.write.format",
            "is not for this kind of output; ids are written as text",
        ),
        (
            [("outputs.a", IDS | {"write": {"path": "out/a", "compression": "gzip"}})],
            "outputs.a.write.compression",
            "is not for this kind of output; outputs of the kinds rows and store are compressed",
        ),
        ([("enrich.stance", "ml.stance")], "enrich.stance", "is not a group of keys; expected fields that users added"),
        (
            [("outputs.a", STORE | {"consent": True})],
            "outputs.a.consent",
            "is not a group of keys; expected what",
        ),
        ([("outputs.a", STORE | {"consent": {}})], "outputs.a.consent.direct_messages", "is missing"),
        (
            [("outputs.a", STORE), ("outputs.a.write.format", "csv")],
            "outputs.a.write.format",
            "expected jsonl",
        ),
        (
            [("enrich.stance", STANCE | {"about": "user"})],
            "enrich.stance.about",
            "expected content, author or person",
        ),
        ([("enrich.stance", STANCE | {"values": []})], "enrich.stance.values", "is not a list of labels"),
        ([("enrich.stance", STANCE | {"values": [["a"]]})], "enrich.stance.values", "holds more than labels"),
        (
            [("enrich.stance", STANCE | {"path": "ml..stance"})],
            "enrich.stance.path",
            "is not written as it must be",
        ),
        ([("enrich.my-stance", STANCE)], "enrich.my-stance", "is no name"),
        (
            [("enrich.who", STANCE | {"path": "user.screen_name"})],
            "enrich.who.path",
            "leads to a field of X's own",
        ),
        (
            [("enrich.stance", STANCE), ("enrich.again", STANCE)],
            "enrich.again.path",
            "leads to the same as enrich.stance.path",
        ),
        (
            [("enrich.stance", STANCE), ("enrich.again", STANCE | {"path": "ml"})],
            "enrich.again.path",
            "leads to the same as enrich.stance.path",
        ),
        (
            [("enrich.stance", STANCE), ("outputs.trends.enrich", ["stanse"])],
            "outputs.trends.enrich",
            "holds a name that is not declared; did you mean stance?",
        ),
        (
            [("outputs.trends.columns", ["hashtag"])],
            "outputs.trends.columns",
            "no column; did you mean hashtags?",
        ),
        (
            [("outputs.trends.columns", ["user"])],
            "outputs.trends.columns",
            "no column; expected time, lang, ",
        ),
        (
            [("outputs.trends.columns", ["text"])],
            "outputs.trends.columns",
            "holds text, which needs text: scrub",
        ),
        (
            [("outputs.trends.columns", ["country"])],
            "outputs.trends.columns",
            "holds country, which needs place",
        ),
        (
            [
                ("outputs.trends.text", "scrub"),
                ("outputs.trends.place", "country"),
                ("outputs.trends.columns", ["text", "city"]),
            ],
            "outputs.trends.columns",
            "holds city, which needs place: city",
        ),
        (
            [
                ("enrich.stance", STANCE),
                ("outputs.trends.columns", ["time", "stance"]),
                ("outputs.trends.enrich", []),
            ],
            "outputs.trends.columns",
            "holds stance, which enrich beside it leaves out",
        ),
        (
            [("outputs.trends.metrics", "drop"), ("outputs.trends.columns", ["time", "like_count"])],
            "outputs.trends.columns",
            "holds like_count, which metrics: drop leaves out",
        ),
        ([("enrich.hashtags", STANCE)], "enrich.hashtags", "is the name of a column of rows already"),
        (
            [("enrich.bot", STANCE | {"about": "author"}), ("outputs.trends.enrich", ["bot"])],
            "outputs.trends.enrich",
            "holds one that is about a person",
        ),
    ],
)
def test_parts_that_do_not_go_together_are_told_apart(changes: list[tuple[str, Any]], path: str, message: str) -> None:
    """What is wrong only beside something else is reported at the later of the two."""
    found = mistakes_in(json.dumps(changed(*changes)))
    assert list(found) == [path]
    assert message in found[path]


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    """Mistakes of YAML, of single keys and between keys come together, each with its line."""
    text = """\
polcy: base-2024
input: {read: files, path: data, pth: data}
where: {from: 2021-01-01, to: 2020-01-01, lang: [en, XX]}
enrich: {Stance: {path: ml.stance, about: tone}}
max_rejects: ${SHARE}
max_rejects: 0.1
outputs:
  trends: {kind: rows, place: city, time: minute, write: {path: out/trends}}
  same: {kind: ids, split: daily, write: {path: out/./trends}}
  later: {kind: counts}
"""
    with pytest.raises(SettingsError) as caught:
        parse(text, {})
    assert [(mistake.line, mistake.path) for mistake in caught.value.mistakes] == [
        (1, "policy"),
        (1, "polcy"),
        (2, "input.pth"),
        (3, "where.to"),
        (3, "where.lang.1"),
        (4, "enrich.Stance"),
        (4, "enrich.Stance.about"),
        (5, "max_rejects"),
        (6, "max_rejects"),
        (8, "outputs.trends.place"),
        (8, "outputs.trends.time"),
        (9, "outputs.same.split"),
        (9, "outputs.same.write.path"),
        (10, "outputs.later.kind"),
    ]
    assert str(caught.value).count("\n") == 13
    assert "outputs.same.write.path: is the folder of outputs.trends.write.path" in str(caught.value)


def test_messages_speak_of_the_file_and_not_of_the_library() -> None:
    """No message holds the jargon or the address of the library that found the mistake."""
    text = json.dumps(changed(("policy", 7), ("where", 7), ("outputs.trends.kind", {}), ("input.path", [{}])))
    said = " ".join(mistakes_in(text).values()).lower()
    assert not any(word in said for word in ("pydantic", "http", "input should", "valid", "type=", "extra", "tag"))


def test_an_error_can_be_sent_to_another_process() -> None:
    """It keeps its mistakes when pickled."""
    with pytest.raises(SettingsError) as caught:
        parse("policy: x", {})
    assert pickle.loads(pickle.dumps(caught.value)).mistakes == caught.value.mistakes


# --- folders


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("out", "out", "is the folder of"),
        ("out", "./x/../out/", "is the folder of"),
        ("out", "out/inner", "lies inside the folder of"),
        ("out/inner", "out", "holds the folder of"),
        ("gs://bucket/out", "gs://bucket//out/", "is the folder of"),
        ("gs://bucket", "gs://bucket/out", "lies inside the folder of"),
        ("file:///tmp/out", "/tmp/out", "is the folder of"),
    ],
)
def test_two_outputs_never_write_into_each_other(one: str, other: str, how: str) -> None:
    """Neither two outputs nor the rejects share a folder, however it is spelt."""
    first = ("outputs.trends.write.path", one)
    twice = changed(first, ("outputs.ids", IDS | {"write": {"path": other}}))
    assert how in mistakes_in(json.dumps(twice))["outputs.ids.write.path"]
    assert how in mistakes_in(json.dumps(changed(first, ("rejects", other))))["rejects"]


@pytest.mark.parametrize(("one", "other"), [("out", "out2"), ("gs://a/out", "gs://b/out"), ("gs://a/out", "/a/out")])
def test_outputs_beside_each_other_are_fine(one: str, other: str) -> None:
    """Only whole steps of a path count."""
    read(changed(("outputs.trends.write.path", one), ("outputs.ids", IDS | {"write": {"path": other}})))


@pytest.mark.parametrize(
    ("source", "target", "reads"),
    [
        ("data/*.jsonl", "data", True),
        ("data/*.jsonl", "./data/", True),
        ("data/*.jsonl", ".", True),
        ("data/*.jsonl", "data/out", False),
        ("data/*/*.jsonl", "data/out", True),
        ("data/20*/*.jsonl", "data/out", False),
        ("data/**/*.jsonl", "data/a/b/c", True),
        ("data/**.jsonl", "data/a/b/c", True),
        ("data", "data/out", True),
        ("data/posts.jsonl", "data", True),
        ("data/posts.jsonl", "out", False),
        ("*.jsonl", "out", False),
        ("gs://a/data/*.jsonl", "gs://a/data", True),
        ("gs://a/data/*.jsonl", "gs://b/data", False),
    ],
)
def test_no_output_is_written_where_the_input_is_read(source: str, target: str, *, reads: bool) -> None:
    """A second run would otherwise read what the first one wrote."""
    data = changed(("input.path", ["elsewhere/*.jsonl", source]), ("outputs.trends.write.path", target))
    if reads:
        assert "is where input.path reads from" in mistakes_in(json.dumps(data))["outputs.trends.write.path"]
    else:
        read(data)


def test_a_link_to_the_input_is_the_input(tmp_path: Path) -> None:
    """Links on this machine are followed."""
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    data = changed(("input.path", f"{tmp_path}/data/*"), ("outputs.trends.write.path", f"{tmp_path}/link"))
    assert "outputs.trends.write.path" in mistakes_in(json.dumps(data))


# --- what is sensitive


@pytest.mark.parametrize(
    ("changes", "path", "item"),
    [
        ([("enrich.pregnant", STANCE)], "enrich.pregnant", "pregnancy"),
        ([("enrich.stance", STANCE | {"path": "ml.is_pregnant"})], "enrich.stance.path", "pregnancy"),
        ([("enrich.stance", STANCE | {"path": "pregnant.score"})], "enrich.stance.path", "pregnancy"),
        (
            [("enrich.stance", STANCE | {"path": "trade.union.member"})],
            "enrich.stance.path",
            "trade union membership",
        ),
        (
            [("enrich.stance", STANCE | {"values": ["democrat", "x"]})],
            "enrich.stance.values",
            "political affiliation",
        ),
        ([("enrich.sex", STANCE)], "enrich.sex", "sex life"),
        ([("outputs.pregnant_users", IDS)], "outputs.pregnant_users", "pregnancy"),
        (
            [("outputs.trends.description", "posts of pregnant women")],
            "outputs.trends.description",
            "pregnancy",
        ),
    ],
)
def test_what_expresses_a_sensitive_category_is_refused_with_its_clause(
    changes: list[tuple[str, Any]], path: str, item: str
) -> None:
    """Names, paths, labels and descriptions pass the vocabulary; a refusal names the item and the clause."""
    (clause,) = [c["clause"] for c, _ in table("vocabulary/categories.tsv") if c["item"] == item]
    found = mistakes_in(json.dumps(changed(*changes)))
    assert list(found) == [path]
    assert item in found[path]
    assert clause in found[path]


@pytest.mark.parametrize("about", ["content", "author", "person"])
def test_a_sensitive_enrichment_is_refused_whatever_it_is_about(about: str) -> None:
    """A label of one post in one row is an inference about its author."""
    assert "enrich.pregnant" in mistakes_in(json.dumps(changed(("enrich.pregnant", STANCE | {"about": about}))))


def test_a_word_that_may_mean_either_is_judged_by_the_values_beside_it() -> None:
    """Without values it is refused, and the message asks for them."""
    party = {"path": "ml.party", "about": "content"}
    found = mistakes_in(json.dumps(changed(("enrich.party", party))))
    assert "expected values beside it" in found["enrich.party"]
    read(changed(("enrich.party", party | {"values": ["birthday", "wedding"]})))


def test_name_path_and_labels_are_judged_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vocabulary sees the name, the whole path and its last key, each with the labels as text."""
    seen: list[tuple[str, object]] = []
    monkeypatch.setattr(settings_checks, "judge", lambda name, values=None: seen.append((name, values)))
    read(changed(("enrich.size", {"path": "ml.party.size", "about": "content", "values": [2, "Many", True]})))
    labels = ["2", "many", "true"]
    assert seen == [("size", labels), ("ml.party.size", labels), ("size", labels)]


@pytest.mark.parametrize(
    "label",
    ["@inkaberg_lund", "x.com/inkaberg_lund", "inka@lund.example.org", "+47 912 34 567", 1470000000000000011],
    ids=["handle", "link", "address", "phone", "id"],
)
def test_a_label_that_points_at_somebody_is_refused(label: str | int) -> None:
    """A declared label stands in rows as it is, so it may hold none of what is scrubbed from a text."""
    found = mistakes_in(json.dumps(changed(("enrich.stance", STANCE | {"values": ["pro", label]}))))
    assert list(found) == ["enrich.stance.values"]
    assert "may stand for somebody" in found["enrich.stance.values"]
    read(changed(("enrich.stance", STANCE | {"values": ["pro", 2020, 0.12345678, True, "2020-01-31"]})))


@pytest.mark.parametrize("name", ["stance", "gender", "party_size", "health_check", "crime_rate_of_city", "code"])
def test_what_only_looks_sensitive_passes(name: str) -> None:
    """Enrichments and outputs with harmless names are not in the way of anybody."""
    read(changed((f"enrich.{name}", {"path": f"ml.{name}", "about": "content"}), (f"outputs.{name}", IDS)))


# --- variables


def test_variables_fill_in_every_value() -> None:
    """All or part of a value; unquoted as if written there, quoted as text, ``$${`` as itself."""
    text = """\
policy: ${POLICY}
input: {read: files, path: [${ROOT}/${YEAR}/*.jsonl, '$${ROOT}']}
where: {from: "${START}"}
max_rejects: ${SHARE}
outputs: {ids: {kind: ids, nested: ${NESTED}, write: {path: "${OUT}"}}}
"""
    env = {"POLICY": "policy-2026", "ROOT": "/data", "YEAR": "2020", "START": "2020-01-01", "SHARE": "0.25"}
    settings = parse(text, env | {"NESTED": "true", "OUT": "2020-01-01"})
    assert settings.policy == "policy-2026"
    assert settings.input.path == ("/data/2020/*.jsonl", "${ROOT}")
    assert settings.where.from_ == datetime(2020, 1, 1, tzinfo=timezone.utc)
    assert settings.max_rejects == 0.25
    assert settings.outputs["ids"].nested is True
    assert settings.outputs["ids"].write.path == "2020-01-01"
    assert settings.as_written("/data/2020/*.jsonl") == "${ROOT}/${YEAR}/*.jsonl"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${MISSING}", "needs the variable MISSING; expected it in the environment"),
        ("a/${MISSING}/b", "needs the variable MISSING"),
        ("${}", "has a ${ that begins no ${NAME}"),
        ("${A-B}", "has a ${ that begins no ${NAME}"),
        ("${OPEN", "has a ${ that begins no ${NAME}"),
        ("${EMPTY}", "is empty"),
        ("a\\u0000b", "holds control characters"),
        ("a\\ud800b", "holds control characters"),
    ],
)
def test_a_value_that_cannot_be_filled_in_is_a_mistake_at_its_path(value: str, message: str) -> None:
    """Missing and malformed variables are reported like any other mistake."""
    text = json.dumps(changed(("outputs.trends.write.path", "VALUE"))).replace("VALUE", value)
    found = mistakes_in(text, EMPTY="")
    assert list(found) == ["outputs.trends.write.path"]
    assert message in found["outputs.trends.write.path"]


def leaves(data: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    below = [leaf for key, value in pairs for leaf in leaves(value, (*at, key))]
    return below or [at]


DETAILED = changed(
    ("collection.access", "app_only"),
    ("where", {"from": "2020-01-01", "to": "2021-01-01", "lang": ["en"], "reposts": "keep"}),
    ("enrich.stance", STANCE | {"values": ["pro"]}),
    ("catalogs", ["x.tsv"]),
    ("rejects", "out/rejects"),
    ("max_rejects", 0.1),
    ("outputs.trends", {"kind": "rows", "text": "scrub", "place": "city", "time": "hour", "metrics": "drop"}),
    ("outputs.trends.columns", ["text"]),
    ("outputs.trends.enrich", ["stance"]),
    ("outputs.trends.description", "of 2020"),
    ("outputs.trends.write", {"path": "out/trends", "format": "csv", "compression": "none"}),
    ("outputs.ids", IDS | {"ids": "post", "nested": False, "split": "none"}),
    ("outputs.store", STORE | {"consent": {"direct_messages": "forms"}}),
)


@pytest.mark.parametrize("secret", ["hunter2-TOP*SECRET", "hourr", "2020-99-99", "pregnant", "\x07bell"])
def test_the_value_of_a_variable_is_never_shown(secret: str) -> None:
    """Wherever a secret is filled in, no message, repr or traceback holds it."""
    refused = 0
    for at in leaves(DETAILED):
        data = copy.deepcopy(DETAILED)
        here: Any = data
        for step in at[:-1]:
            here = here[step]
        here[at[-1]] = "${MINE}"
        for written in (json.dumps(data), json.dumps(data).replace('"${MINE}"', "${MINE}")):
            error = error_of(written, MINE=secret)
            if error:
                refused += 1
                shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
                assert secret not in f"{shown}{error!r}{error.mistakes!r}"
    assert refused > len(leaves(DETAILED))


# --- YAML


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected policy, input and outputs"),
        ("# nothing\n", "is empty"),
        ("a: b: c", "this is not YAML"),
        ("a: [", "this is not YAML"),
        ("a: *b", "this is not YAML"),
        ("a: 1\n---\nb: 2", "this is not YAML"),
        ("a: \x07", "holds a character that YAML does not allow"),
        ('a: "\\UFFFFFFFF"', "holds an escape sequence of no character"),
        ("[" * 100_000, "is nested too deeply"),
        ("a: " + "[" * 50 + "]" * 50, "holds too many values or levels"),
        ("a: &a [*a]", "holds too many values or levels"),
        ("a: " + "x" * 1_000_001, "is larger than 1,000,000 bytes"),
        ("7", "is not a group of keys"),
        ("[policy]", "is not a group of keys"),
        ("!!python/object/apply:os.system [echo]", "has a YAML tag"),
    ],
)
def test_what_is_no_settings_file_at_all_is_one_mistake(text: str, message: str) -> None:
    """It concerns the file as a whole."""
    found = mistakes_in(text)
    assert list(found) == [""]
    assert message in found[""]


def test_aliases_that_multiply_are_refused() -> None:
    """A few lines of YAML cannot fill the memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "holds too many values" in mistakes_in("\n".join(lines))[""]


def test_aliases_that_share_a_part_are_read() -> None:
    """Two outputs may share what they have in common."""
    text = "policy: base-2024\ninput: {read: files, path: &x [a, b], exclude: *x}\n"
    text += "outputs: {ids: {kind: ids, write: {path: out}}}"
    assert parse(text, {}).input.exclude == ("a", "b")


@pytest.mark.parametrize(
    ("text", "path", "line", "message"),
    [
        (
            "policy: base-2024\npolicy: base-2024\n",
            "policy",
            2,
            "is there twice; expected it once, as in line 1",
        ),
        ("where:\n  to: 2020-01-01\n  to: 2021-01-01\n", "where.to", 3, "is there twice"),
        ("policy:\n", "policy", 1, "is empty; give it a value or leave the key out"),
        ("where:\n  from: 2020-02-30\n", "where.from", 2, "looks like a date, but is none"),
        ("policy: !!binary base-2024\n", "policy", 1, "has a YAML tag"),
        ("input: !mine {}\n", "input", 1, "has a YAML tag"),
        ("<<: {policy: base-2024}\n", "<<", 1, "is not known"),
        ("where:\n  ? [a, b]\n  : c\n", "where", 2, "holds a key that is no name"),
        (
            "where:\n\n  # why\n  reposts: none\n",
            "where.reposts",
            4,
            "is not known; expected keep, drop or only",
        ),
        (
            "outputs:\n  x:\n    kind: rows\n    write:\n      path: 7\n",
            "outputs.x.write.path",
            5,
            "is not text",
        ),
    ],
)
def test_a_mistake_knows_its_line(text: str, path: str, line: int, message: str) -> None:
    """Lines are counted from one, and are those of the key."""
    with pytest.raises(SettingsError) as caught:
        parse(text, {})
    assert any(
        (mistake.path, mistake.line) == (path, line) and message in mistake.message for mistake in caught.value.mistakes
    )


def test_a_file_is_read_in_utf_8_with_or_without_a_mark(tmp_path: Path) -> None:
    """What cannot be read is a mistake, not a traceback."""
    file = tmp_path / "pipeline.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + COMPLETE.encode())
    assert load(file) == parse(COMPLETE, {})
    file.write_bytes(b"policy: \xff")
    for path, message in [
        (file, "is not UTF-8 text"),
        (tmp_path / "none.yaml", "there is no such file"),
        (tmp_path, "cannot be read"),
        ("nul\0", "cannot be read"),
        ("example:frist", "there is no such example; expected enrich, first, "),
    ]:
        with pytest.raises(SettingsError, match=message):
            load(path)


KEYS = st.sampled_from([str(step) for leaf in leaves(DETAILED) for step in leaf] + ["x", "ledger", "", "a.b", "é"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["rows", "ids", "store", "files", "base-2024", "scrub", "out/*", "${A}", "$${", "${", "city"]),
    st.sampled_from(["avro", "gzip", "2020-01-01", "app_only", "content", "ml.stance", "gs://a/../..", "/", "\0"]),
)
DATA = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5))


@examples(deadline=None)
@given(DATA, st.sampled_from(leaves(DETAILED)), st.integers(0, 4))
def test_any_data_gives_settings_or_a_settings_error(data: Any, at: tuple[str | int, ...], depth: int) -> None:
    """Whatever stands wherever, nothing else is ever raised."""
    whole = copy.deepcopy(DETAILED)
    here: Any = whole
    for step in at[: min(depth, len(at) - 1)]:
        here = here[step]
    here[at[min(depth, len(at) - 1)]] = data
    for document in (whole, data):
        error = error_of(json.dumps(document), A="x")
        assert error is None or error.mistakes


YAML = st.text(
    alphabet=st.sampled_from("abc policy:outs\n\t-?:,[]{}#&*!|>'\"%@`$~.0129_\\\x00\ud800\u2028é="),
    max_size=60,
)


@examples(deadline=None)
@given(YAML | st.text(max_size=60))
def test_any_text_gives_settings_or_a_settings_error(text: str) -> None:
    """Whatever the file holds, nothing else is ever raised."""
    for document in (text, f"policy: base-2024\n{text}\ninput: {text}"):
        with pytest.raises(SettingsError):
            parse(document, {})


# --- warnings and schema


def test_what_is_allowed_and_risky_is_warned_of() -> None:
    """Exact times, exact metrics, and data that may hold what is not public."""
    careful = changed(("collection.access", "app_only"))
    assert warnings(read(careful)) == []
    for path, value in [
        ("outputs.trends.time", "exact"),
        ("outputs.trends.metrics", "exact"),
        ("collection.access", "user_context"),
    ]:
        (warning,) = warnings(read(changed(("collection.access", "app_only"), (path, value))))
        assert path in warning
    (warning,) = warnings(read(changed()))
    assert "collection.access" in warning
    (warning,) = warnings(read(careful | {"outputs": {"covid": IDS}}))
    assert "outputs.covid: the name may be read as health" in warning


def objects(node: Any) -> list[dict[str, Any]]:
    """Every schema of an object within a schema."""
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    found = [inner for value in below for inner in objects(value)]
    return [node, *found] if isinstance(node, dict) and node.get("type") == "object" else found


def test_the_schema_tells_an_editor_every_key_and_what_it_is_for() -> None:
    """Unknown keys are refused, every key has a title and a description, nothing is null."""
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    found = objects(schema)
    assert len(found) > 10
    for node in found:
        assert node["additionalProperties"] is False
        for key, inner in node.get("properties", {}).items():
            assert key == "kind" or inner["description"]
            assert "$ref" in inner or inner["title"]
    assert '"null"' not in json.dumps(schema)
    assert "null" not in json.dumps(schema)
    assert schema["required"] == ["policy", "input", "outputs"]
    assert schema["properties"]["policy"]["anyOf"][0] == {"enum": ["base-2024", "policy-2026"]}
    kinds = schema["properties"]["outputs"]["patternProperties"]["^[a-z0-9][a-z0-9_-]{0,63}$"]
    assert set(kinds["discriminator"]["mapping"]) == {"rows", "ids", "hydrated", "store"}
