"""Explain: numbered English that changes with every option, and says what must be said."""

import copy
import json
import re
from typing import Any

import pytest

from xsieve.configs import table
from xsieve.pipelines.explain import actions_of, explain
from xsieve.pipelines.settings import Settings, json_schema, parse
from xsieve.transforms.records import catalog

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
        "ids": {"kind": "ids", "write": {"path": "out/ids"}},
        "store": {"kind": "store", "write": {"path": "out/store"}},
    },
}

FLIPS: dict[str, list[Any]] = {
    "policy": ["policy-2026"],
    "collection.access": ["app_only", "user_context"],
    "input.read": [],  # there is only one yet
    "input.path": [["data/*.jsonl", "more/*.jsonl"], "other/*.jsonl"],
    "input.exclude": ["*err*"],
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
    "outputs.rows.write.path": ["out/other"],
    "outputs.rows.write.format": ["csv", "avro", "parquet"],
    "outputs.rows.write.compression": ["gzip", "zstd"],
    "outputs.ids.kind": [],
    "outputs.ids.description": ["of 2020"],
    "outputs.ids.ids": ["user", "dm"],
    "outputs.ids.nested": [True],
    "outputs.ids.split": ["utc_day", "utc_hour"],
    "outputs.ids.write.path": ["out/other"],
    "outputs.store.kind": [],
    "outputs.store.description": ["of 2020"],
    "outputs.store.consent.direct_messages": ["forms of 2026"],
    "outputs.store.write.path": ["out/other"],
    "outputs.store.write.format": [],  # there is only one yet
    "outputs.store.write.compression": ["gzip", "zstd"],
}


def read(data: dict[str, Any], **env: str) -> Settings:
    return parse(json.dumps(data), env)


def flipped(path: str, value: Any) -> Settings:
    data = copy.deepcopy(BASE)
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
    if "discriminator" in node:
        kinds = node["discriminator"]["mapping"].items()
        return {path for kind, ref in kinds for path in options({"$ref": ref}, schema, f"{at}.{kind}")}
    if "patternProperties" in node:
        (inner,) = node["patternProperties"].values()
        return options(inner, schema, at if at == "outputs" else f"{at}.stance")
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
    assert explain(flipped(path, value)) != explain(read(BASE))


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
        output |= {"description": "by ${SECRET}", "write": {"path": f"${{SECRET}}/{name}"}}
    data["outputs"]["store"]["consent"] = {"direct_messages": "in ${SECRET}"}
    said = "\n".join(explain(read(data, SECRET="hunter2")))
    assert "hunter2" not in said
    assert said.count("${SECRET}") == 13
