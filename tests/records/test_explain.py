"""Explain: numbered English that changes with every option, and says what must be said."""

import copy
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from xsieve.configs import table
from xsieve.pipelines.explain import actions_of
from xsieve.pipelines.explain import explain as explain_at
from xsieve.pipelines.settings import Settings, json_schema, parse
from xsieve.transforms.records import catalog, policy

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
ACCEPTED = dict.fromkeys(policy.load("base-2024").accepted, "2026-11-01")
PAPER = {"reference": "X-1", "from": "2026-01-01", "until": "2026-12-31"}
BASE: dict[str, Any] = {
    "policy": "base-2024",
    "collection": {},
    "input": {"read": "files", "path": ["data/*.jsonl"]},
    "where": {},
    "enrich": {
        "stance": {"path": "ml.stance", "about": "content"},
        "tone": {"path": "ml.tone", "about": "content"},
    },
    "outputs": {
        "rows": {"kind": "rows", "text": "scrub", "write": {"path": "out/rows"}},
        "ids": {"kind": "ids", "recipient": "lab", "write": {"path": "out/ids"}},
        "shared_ids": {"kind": "ids", "recipients": ["lab"], "write": {"path": "out/shared_ids"}},
        "hydrated": {
            "kind": "hydrated",
            "sample": {"n": 100},
            "recipient": "lab",
            "write": {"path": "/tmp/out/hydrated"},
        },
        "shared_hydrated": {"kind": "hydrated", "recipients": ["lab"], "write": {"path": "/tmp/out/shared_hydrated"}},
        "store": {"kind": "store", "write": {"path": "out/store"}},
    },
    "ledger": "sqlite:///outflow.db",
    "sender": {
        "institution": "A University",
        "academic": {"sole_purpose": "non_commercial_research", "approval": PAPER},
    },
    "recipients": {
        "lab": {"entity": "partner", "accepted": ACCEPTED | {"by": "Prof. B", "evidence": "dua.pdf"}},
        "own": {"entity": "us", "person": "C. Lee", "accepted": {"all": "2026-11-01", "evidence": "c.pdf"}},
        "archive": {"entity": "zenodo", "public": {"gate": "none", "where": "https://repository.example"}},
    },
    "entities": {
        "partner": {"name": "Partner Lab", "government": False, "permission": PAPER | {"post_ids": 2_000_000}},
        "us": {"name": "A University", "aliases": ["B University"], "government": False},
        "zenodo": {"name": "An Open Repository", "government": False},
        "ministry": {"name": "A Ministry", "government": {"approval": PAPER, "primary_mission": "other"}},
    },
}

CLIENT = {"bootstrap.servers": "broker.example:9092"}
TO_KAFKA: dict[str, list[Any]] = {
    "kafka.topic": ["other"],
    "kafka.producer": [CLIENT | {"acks": "all"}, CLIENT | {"enable.idempotence": False}],
    "kafka.through": ["java", "python"],
    "kafka.expansion_service": ["localhost:8097"],
}
KAFKA = {"read": "kafka", "topics": "posts", "consumer": CLIENT | {"group.id": "g"}}
# parts that replace those of BASE where they are tried: by the start of the option's path
INSTEAD: dict[str, dict[str, Any]] = {
    "input.kafka": {"input": KAFKA},
    "input.pubsub": {"input": {"read": "pubsub", "subscription": "projects/norsund/subscriptions/posts"}},
    "input.bigquery": {"input": {"read": "bigquery", "table": "norsund:d.posts", "method": "DIRECT_READ"}},
    **{
        f"outputs.{kind}.{key}": {
            "input": KAFKA,
            "outputs": {kind: {"kind": kind, "every": "1h", "write": {"path": "o"}}},
        }
        for kind in ("rows", "ids", "store")
        for key in ("every", "lateness")
    },
    **{
        f"outputs.{kind}.write.kafka": {
            "input": KAFKA,
            "outputs": {kind: {"kind": kind, "write": {"kafka": {"topic": kind, "producer": CLIENT}}}},
        }
        for kind in ("rows", "ids", "store")
    },
    "outputs.rows.write.bigquery": {
        "input": KAFKA,
        "outputs": {
            "rows": {
                "kind": "rows",
                "write": {"bigquery": {"table": "d.t", "method": "FILE_LOADS", "triggering_frequency": "5m"}},
            }
        },
    },
}

FLIPS: dict[str, list[Any]] = {
    "policy": ["policy-2026"],
    "collection.access": ["app_only", "user_context"],
    "input.files.read": [],  # tried as the inputs beside it
    "input.files.path": [["data/*.jsonl", "more/*.jsonl"], "other/*.jsonl"],
    "input.files.exclude": ["*err*"],
    "input.kafka.read": [],
    "input.kafka.topics": ["likes", ["posts", "likes"]],
    "input.kafka.consumer": [CLIENT | {"group.id": "other"}, CLIENT | {"group.id": "g", "security.protocol": "SSL"}],
    "input.kafka.start": ["earliest", "latest", "2026-01-01", "2026-01-01T12:00:00Z"],
    "input.kafka.timestamps": ["log_append_time", "processing_time"],
    "input.kafka.through": ["java", "python"],
    "input.kafka.expansion_service": ["localhost:8097"],
    "input.kafka.until": [],  # windows are for what has no end
    "input.pubsub.read": [],
    "input.pubsub.subscription": ["projects/norsund/subscriptions/other"],
    "input.pubsub.topic": [],  # instead of a subscription
    "input.pubsub.id_label": ["id"],
    "input.pubsub.timestamp_attribute": ["at"],
    "input.bigquery.read": [],
    "input.bigquery.table": ["norsund:d.other"],
    "input.bigquery.query": [],  # instead of a table
    "input.bigquery.use_standard_sql": [],  # of queries
    "input.bigquery.method": ["EXPORT"],
    "input.bigquery.gcs_location": [],  # of another method
    "input.bigquery.row_restriction": ["lang = 'de'"],
    "input.bigquery.selected_fields": ["document", ["document", "lang"]],
    "input.bigquery.payload": ["document"],
    "where.from": ["2020-01-01"],
    "where.to": ["2020-01-01"],
    "where.lang": [["en"], ["en", "de"]],
    "where.reposts": ["drop", "only"],
    "enrich.stance.path": ["model.stance"],
    "enrich.stance.about": ["author", "person"],
    "enrich.stance.values": [["pro", "contra"]],
    "catalogs": ["my_fields.tsv"],
    "rejects": ["out/rejects"],
    "max_rejects": [0, 0.5],
    "outputs.rows.kind": [],  # tried as the outputs beside it
    "outputs.rows.description": ["of 2020"],
    "outputs.rows.text": [...],
    "outputs.rows.place": ["country", "city"],
    "outputs.rows.time": ["day", "exact"],
    "outputs.rows.metrics": ["exact", "drop"],
    "outputs.rows.columns": [["time", "text"]],
    "outputs.rows.enrich": [[], ["tone"]],
    "outputs.rows.every": ["30m", "1d"],
    "outputs.rows.lateness": ["30m", "0s"],
    "outputs.rows.write.path": ["out/other"],
    **{f"outputs.{kind}.write.{key}": values for kind in ("rows", "ids", "store") for key, values in TO_KAFKA.items()},
    "outputs.rows.write.bigquery.table": ["d.other"],
    "outputs.rows.write.bigquery.method": ["STORAGE_WRITE_API"],
    "outputs.rows.write.bigquery.create_disposition": ["CREATE_NEVER"],
    "outputs.rows.write.bigquery.write_disposition": [],  # of runs that end
    "outputs.rows.write.bigquery.triggering_frequency": ["10m", "30s"],
    "outputs.rows.write.bigquery.custom_gcs_temp_location": ["gs://bucket/other"],
    "outputs.rows.write.format": ["csv", "avro", "parquet"],
    "outputs.rows.write.compression": ["gzip", "zstd"],
    "outputs.ids.kind": [],
    "outputs.ids.description": ["of 2020"],
    "outputs.ids.ids": ["user", "dm"],
    "outputs.ids.nested": [True],
    "outputs.ids.split": ["utc_day", "utc_hour"],
    "outputs.ids.recipient": ["own"],
    "outputs.ids.recipients": [["lab", "own"], ["archive"]],
    "outputs.ids.exempt": ["academic"],
    "outputs.ids.series": ["climate", "weather"],
    "outputs.ids.truncate": [True],
    "outputs.ids.every": ["30m", "1d"],
    "outputs.ids.lateness": ["30m", "0s"],
    "outputs.ids.write.path": ["out/other"],
    "outputs.hydrated.kind": [],
    "outputs.hydrated.description": ["of 2020"],
    "outputs.hydrated.as": ["csv", "xlsx"],
    "outputs.hydrated.objects": ["users", "both"],
    "outputs.hydrated.sample.n": [10],
    "outputs.hydrated.sample.seed": [7],
    "outputs.hydrated.recipient": ["own"],
    "outputs.hydrated.recipients": [["lab", "own"]],
    "outputs.hydrated.write.path": ["/tmp/out/other"],
    "outputs.hydrated.write.private_repository": [True],
    "outputs.store.kind": [],
    "outputs.store.description": ["of 2020"],
    "outputs.store.consent.direct_messages": ["forms of 2026"],
    "outputs.store.every": ["30m", "1d"],
    "outputs.store.lateness": ["30m", "0s"],
    "outputs.store.write.path": ["out/other"],
    "outputs.store.write.format": [],  # there is only one yet
    "outputs.store.write.compression": ["gzip", "zstd"],
    "ledger": ["sqlite:///other.db", "postgresql://u@db.example/ledger"],
    "sender.institution": ["B University"],
    "sender.person": ["R. Data"],
    "sender.academic.sole_purpose": [],  # there is only one
    "sender.academic.approval.reference": ["X-2"],
    "sender.academic.approval.from": ["2026-02-01"],
    "sender.academic.approval.until": ["2027-01-31"],
    "recipients.lab.entity": ["us"],
    "recipients.lab.person": ["Anna Køb"],
    "recipients.lab.country": ["DE", "DK"],
    "recipients.lab.internal": [True],
    "recipients.lab.public.gate": ["click_through"],
    "recipients.lab.public.where": ["elsewhere"],
    "recipients.lab.accepted.all": ["2026-11-02"],
    **{f"recipients.lab.accepted.{text}": ["2026-11-02"] for text in ACCEPTED},
    "recipients.lab.accepted.others.statement": ["2026-11-02"],
    "recipients.lab.accepted.by": ["Prof. C"],
    "recipients.lab.accepted.evidence": ["dua-2.pdf"],
    "entities.partner.name": ["Partner Laboratory"],
    "entities.partner.aliases": ["PL", ["PL", "Lab"]],
    "entities.partner.government": [{"approval": PAPER, "primary_mission": "other"}],
    "entities.partner.government.approval.reference": ["X-2"],
    "entities.partner.government.approval.from": ["2026-02-01"],
    "entities.partner.government.approval.until": ["2027-01-31"],
    "entities.partner.government.primary_mission": [],  # the others are refused
    "entities.partner.permission.reference": ["X-2"],
    "entities.partner.permission.from": ["2026-02-01"],
    "entities.partner.permission.until": ["2027-01-31"],
    "entities.partner.permission.post_ids": [3_000_000],
}

# what one recipient, entity or output cannot have all at once is tried at another one
TRIED_AT = {
    "outputs.ids.recipients": "outputs.shared_ids.recipients",
    "outputs.hydrated.recipients": "outputs.shared_hydrated.recipients",
    "recipients.lab.internal": "recipients.own.internal",
    "recipients.lab.accepted.all": "recipients.own.accepted.all",
    "recipients.lab.public": "recipients.archive.public",
    "entities.partner.government.": "entities.ministry.government.",
}
NAMES = {"enrich": "stance", "recipients": "lab", "entities": "partner", "others": "statement"}


def explain(settings: Settings, of: catalog.Catalog | None = None) -> list[str]:
    return explain_at(settings, of, NOW)


def read(data: dict[str, Any], **env: str) -> Settings:
    return parse(json.dumps(data), env, NOW)


def base_of(path: str) -> dict[str, Any]:
    """What an option is tried in."""
    instead = next((parts for start, parts in INSTEAD.items() if path.startswith(start)), {})
    if instead.get("input", {}).get("read") in ("kafka", "pubsub") and "outputs" not in instead:
        instead = instead | {"outputs": {"rows": {"kind": "rows", "every": "1h", "write": {"path": "out/rows"}}}}
    return copy.deepcopy(BASE | instead)


def flipped(path: str, value: Any) -> Settings:
    data = base_of(path)
    path = re.sub(r"^input\.\w+\.", "input.", path)  # the name of what is read stands in it
    for start, other in TRIED_AT.items():
        path = path.replace(start, other)
    *above, last = path.split(".")
    here = data
    for key in above:
        here = here.setdefault(key, {})
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return read(data)


def options(node: dict[str, Any], schema: dict[str, Any], at: str = "") -> set[str]:
    """The dotted path of every option in a JSON Schema; outputs are called by their kind."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    if refs := [way for way in node.get("anyOf", ()) if "$ref" in way]:
        return {at, *options(refs[0], schema, at)}
    if "oneOf" in node and "discriminator" not in node:
        return {path for way in node["oneOf"] for path in options(way, schema, at)}
    if "discriminator" in node:
        kinds = node["discriminator"]["mapping"].items()
        return {path for kind, ref in kinds for path in options({"$ref": ref}, schema, f"{at}.{kind}")}
    if at.endswith((".consumer", ".producer")):
        return {at}  # options of a library by its own names
    if "patternProperties" in node:
        (inner,) = node["patternProperties"].values()
        return options(inner, schema, at if at == "outputs" else f"{at}.{NAMES[at.rpartition('.')[2]]}")
    if "properties" not in node:
        return {at}
    pairs = node["properties"].items()
    return {path for key, inner in pairs for path in options(inner, schema, f"{at}.{key}".lstrip("."))}


def test_every_option_there_is_gets_flipped_here() -> None:
    """A new option without a flip fails this test."""
    schema = json_schema()
    assert options(schema, schema) == FLIPS.keys()


@pytest.mark.parametrize(
    ("path", "value"), [(path, value) for path, values in FLIPS.items() for value in values], ids=str
)
def test_every_option_matters_to_the_explanation(path: str, value: Any) -> None:
    """Whoever signs sees every choice that was made."""
    assert explain(flipped(path, value)) != explain(read(base_of(path)))


def test_the_choices_of_one_option_are_all_told_apart() -> None:
    """No two values of an option give the same explanation."""
    for path, values in FLIPS.items():
        explained = ["\n".join(explain(flipped(path, value))) for value in values]
        assert len(set(explained)) == len(values), path


def test_sentences_are_numbered_from_one_and_end_in_a_full_stop() -> None:
    """They can be referred to by number."""
    sentences = explain(read(BASE))
    assert [int(sentence.split(".")[0]) for sentence in sentences] == list(range(1, len(sentences) + 1))
    assert all(re.fullmatch(r"\d+\. \S.*\.", sentence) for sentence in sentences)


def test_what_users_must_know_is_said() -> None:
    """Rows are still X content, names in free text stay, unknown fields go, visibility has consequences."""
    said = "\n".join(explain(read(BASE)))
    for words in (
        "stripped, still X content, in-house",
        "Names in free text stay",
        "Drops every field that no table of fields names",
        "posts that do not say who may see them pass and are counted",
        "Posts of protected authors, of communities and for followers only give no row",
        "gives its own id only",
        "without the quoted post and its link",
        "Drops direct messages, for no consent is declared",
    ):
        assert words in said


def test_all_sub_items_of_the_sensitive_categories_are_named_with_their_clause() -> None:
    """The closed list of the policy is read to whoever signs."""
    said = "\n".join(explain(read(BASE)))
    for line in table("vocabulary/categories.tsv"):
        assert line.cells["item"] in said
        assert line.cells["clause"].partition(":")[0] in said


def test_every_class_has_its_action_in_every_output_and_its_reason() -> None:
    """Nothing in the table of actions goes unsaid."""
    settings = read(BASE)
    sentences = explain(settings)
    for line in table("actions.tsv"):
        name = line.cells["class"].replace("_", " ")
        if name == "part":
            continue
        assert any(f'By "{name}" is meant: ' in sentence and line.cells["why"] in sentence for sentence in sentences)
        for output in settings.outputs:
            verbs = rf"\d+\. {output}: (Keeps|Coarsens|Scrubs|Counts|Drops) [a-z ,]*\b{name}\b"
            assert any(re.match(verbs, sentence) for sentence in sentences)


def test_choices_only_ever_narrow_the_table_but_where_it_says_so() -> None:
    """What the table drops stays dropped, but for direct messages with consent."""
    for path, values in FLIPS.items():
        for value in values:
            for output in flipped(path, value).outputs.values():
                by_table = {line.cells["class"]: line.cells[output.kind] for line in table("actions.tsv")}
                loosened = {
                    name for name, action in actions_of(output).items() if by_table[name] == "drop" and action != "drop"
                }
                assert loosened == ({"message", "dm_id"} if "consent" in path and output.kind == "store" else set())


def test_the_catalog_tells_how_many_fields_are_known() -> None:
    """With the tables at hand, the explanation counts their fields."""
    assert any(re.search(r"The tables name [\d,]+ fields", line) for line in explain(read(BASE), catalog.load()))


def test_variables_are_shown_by_name_and_never_by_value() -> None:
    """An explanation can be shown around."""
    data = copy.deepcopy(BASE)
    data["input"] = {"read": "files", "path": ["${SECRET}/in/*"], "exclude": ["${SECRET}/x"]}
    data["enrich"]["stance"] = {"path": "ml.${SECRET}", "about": "content", "values": ["${SECRET}"]}
    data |= {"catalogs": ["${SECRET}.tsv"], "rejects": "${SECRET}/rejects"}
    for name, output in data["outputs"].items():
        output |= {"description": "by ${SECRET}", "write": {"path": f"/tmp/${{SECRET}}/{name}"}}
    data["outputs"]["store"]["consent"] = {"direct_messages": "in ${SECRET}"}
    data["ledger"] = "postgresql://${SECRET}:${SECRET}@db.example/ledger"
    paper = PAPER | {"reference": "number ${SECRET}"}
    data["sender"] = {"institution": "the ${SECRET}", "person": "a ${SECRET}"}
    data["sender"]["academic"] = {"sole_purpose": "non_commercial_research", "approval": paper}
    data["recipients"]["own"]["person"] = "this ${SECRET}"
    data["recipients"]["lab"]["accepted"] |= {"by": "that ${SECRET}", "evidence": "folder ${SECRET}"}
    data["recipients"]["archive"]["public"]["where"] = "at ${SECRET}"
    data["entities"]["us"] |= {"name": "our ${SECRET}", "aliases": ["other ${SECRET}"]}
    data["entities"]["partner"]["permission"] |= paper
    data["entities"]["ministry"]["government"]["approval"] = paper
    said = "\n".join(explain(read(data, SECRET="hunter2")))
    assert "hunter2" not in said
    written = re.findall(r'"([^"]*\$\{SECRET\}[^"]*)"', json.dumps(data))
    assert len(written) == 31
    assert [text for text in written if text not in said] == [data["ledger"]]
    assert "The ledger at postgresql://db.example/ledger keeps" in said


def test_who_receives_what_by_which_clause_is_said() -> None:
    """Limit, permission, exemption, what is counted, and where another profile is stricter."""
    said = "\n".join(explain(flipped("outputs.ids.series", "climate")))
    base = policy.load("base-2024")
    for words in (
        "ids: Goes to lab, once all of it is reserved in the ledger.",
        "ids: Counted are ids of posts, each once in 30 days over all releases of the series climate.",
        "ids: For lab: at most 2,000,000 ids of posts to one entity in any 30 days, by written permission of X: X-1, "
        f"from 2026-01-01 until 2026-12-31. {base.clauses[policy.POST_IDS].says[:-1]} "
        f"({base.clauses[policy.POST_IDS].cited}).",
        "hydrated: For lab: at most 50,000 hydrated posts and users to one recipient in a UTC day.",
        "hydrated: To be known: the looser of two numbers is used",
        "hydrated: Whatever is more than an id is handed over by a person",
        "The recipient own belongs to the entity us, is C. Lee, receives in a country that is not told and has accepted",
        "The ledger at sqlite:///outflow.db keeps the account",
    ):
        assert words in said
    exempt = "\n".join(explain(flipped("outputs.ids.exempt", "academic")))
    assert "ids: For lab: no limit holds, by the academic exemption." in exempt
    assert base.clauses[policy.ACADEMIC].cited in exempt
    users = "\n".join(explain(flipped("outputs.ids.ids", "user")))
    assert "ids: For lab: no limit holds, for there is no number." in users


def test_what_goes_to_nobody_is_said_to_stay_in_house() -> None:
    """And is not said to be counted."""
    said = explain(flipped("outputs.ids.recipient", ...))
    assert any(sentence.endswith(" ids: Goes to nobody: it stays in-house.") for sentence in said)
    assert not any(" ids: Counted" in sentence for sentence in said)


def test_a_policy_of_ones_own_is_said_to_tighten_its_profile(tmp_path: Path) -> None:
    """By whom, and with which numbers."""
    (tmp_path / "own.yaml").write_text("extends: base-2024\nsource: Rules of ours\nlimits: {hydrated: {units: 9}}\n")
    said = "\n".join(explain(flipped("policy", f"{tmp_path}/own.yaml")))
    assert "Applies the profile base-2024, tightened: X's page" in said
    assert "tightened by Rules of ours." in said
    assert "at most 9 hydrated posts and users to one recipient in a UTC day. A number that is tighter" in said
    assert "(own.hydrated: Rules of ours)" in said
