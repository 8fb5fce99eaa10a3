"""Mistakes in settings, said so that they can be mended: where, what is wrong, what was expected.

A mistake never shows a value. Values may come from variables of the environment, and those may be secrets.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from xsieve.transforms.records.policy import ACADEMIC

Location = tuple[int | str, ...]
Schema = Mapping[str, Any]

# keys that outputs of some kinds have and others have not, and why
ELSEWHERE = {
    "recipient": "outputs of the kinds ids and hydrated have recipients, the others stay in-house",
    "recipients": "outputs of the kinds ids and hydrated have recipients, the others stay in-house",
    "exempt": f"the exemption is for outputs of the kind ids, never for hydrated objects ({ACADEMIC})",
    "series": "outputs of the kind ids have series",
    "truncate": "outputs of the kind ids are cut to what fits; of hydrated objects take a smaller sample",
    "sample": "outputs of the kind hydrated are sampled",
    "as": "outputs of the kind hydrated have it; for others see write.format",
    "format": "ids are written as text; rows and store have write.format, hydrated has as",
    "compression": "outputs of the kinds rows and store are compressed",
    "kafka": "what is hydrated is handed over by a person, as files",
    "bigquery": "rows are written to tables of BigQuery, for the others have no columns",
    "every": "what is hydrated is handed over by a person, never window by window",
    "lateness": "what is hydrated is handed over by a person, never window by window",
}
LATER_CHOICES = {"counts"}

_OWN = "settings_mistake"
_WRONG = {
    "missing": "is missing",
    "string_type": "is not text (put it in quotes)",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "is not written as it must be",
    "bool_type": "is neither true nor false",
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "finite_number": "is not a number",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "tuple_type": "is not a list",
    "dict_type": "is not a group of keys",
    "mapping_type": "is not a group of keys",
    "model_type": "is not a group of keys",
    "model_attributes_type": "is not a group of keys",
}


class Mistake(NamedTuple):
    """One thing to mend: its dotted path ("" is the whole file), what is wrong and was expected, the line."""

    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = f" (line {self.line})" if self.line else ""
        return f"{self.path or 'settings'}: {self.message}{where}"


class SettingsError(Exception):
    """The settings cannot be used; ``mistakes`` is all that is wrong with them, in the order of the file."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)

    def __reduce__(self) -> tuple[type["SettingsError"], tuple[tuple[Mistake, ...]]]:
        return SettingsError, (self.mistakes,)


def wrong(message: str) -> PydanticCustomError:
    """What a validator of ours raises: ``message`` is shown as it is."""
    return PydanticCustomError(_OWN, "{message}", {"message": message})


def dotted(location: Sequence[int | str]) -> str:
    """``outputs.trends.write.path``"""
    return ".".join(map(str, location))


def translate(error: ValidationError, schema: Schema) -> Iterator[Mistake]:
    """The mistakes that pydantic found, in plain words; what was expected is what the JSON Schema says.

    ``None`` stands where reading the YAML found a mistake already.
    """
    for detail in error.errors(include_url=False):
        at = detail["loc"]
        of_tag = detail["type"].startswith("union_tag")
        tag = detail["ctx"]["discriminator"].strip("'") if of_tag else ""
        if detail["input"] is None or (of_tag and detail["input"].get(tag, "") is None):
            continue
        yield Mistake(dotted((*_without_tags(at), tag) if of_tag else _without_tags(at)), _message(detail, schema))


def _without_tags(at: Location) -> Location:
    """What chose between several forms stands among the keys: after ``input``, after the name of an output, in brackets."""
    depth = {"input": 1, "outputs": 2}.get(str(at[0]), len(at)) if at else 0
    steps = at[:depth] + at[depth + 1 :]
    return tuple(step for step in steps if not (isinstance(step, str) and step.startswith("[")))


def _message(detail: ErrorDetails, schema: Schema) -> str:
    kind, at, given = detail["type"], detail["loc"], detail["input"]
    if kind == _OWN:
        return detail["msg"]
    node, around = _at(schema, at), _at(schema, at[:-1])
    if kind == "extra_forbidden":
        return _unknown(at, around["properties"], schema)
    if kind == "literal_error":
        return not_one_of(given, node.get("enum") or [node["const"]])
    if kind == "union_tag_invalid":
        return not_one_of(given[detail["ctx"]["discriminator"].strip("'")], list(node["discriminator"]["mapping"]))
    if kind == "union_tag_not_found":
        return f"is missing; expected {_one_of(node['discriminator']['mapping'])}"
    if at[-1:] == ("[key]",):
        return f"is no name; expected {_at(schema, at[:-2])['description']}"
    expected = node.get("description") or around.get("description")
    return _WRONG.get(kind, "is not what belongs here") + (f"; expected {expected}" if expected and at else "")


def _unknown(at: Location, known: Mapping[str, Any], schema: Schema) -> str:
    key, within = str(at[-1]), at[-2] if len(at) > 1 else ""
    if within in ("[kafka]", "[bigquery]"):
        return f"stands beside {str(within)[1:-1]}; expected one place to write to"
    if at[0] == "outputs" and key in ELSEWHERE:
        return f"is not for this kind of output; {ELSEWHERE[key]}"
    if at[0] == "outputs" and len(at) == 4 and (kinds := _kinds_with(key, schema)):
        return f"is not for this kind of output; outputs of the kind {_one_of(kinds)} have it"
    likely = get_close_matches(key, known, n=1)
    return "is not known; " + (f"did you mean {likely[0]}?" if likely else f"expected {_one_of(known)}")


def _kinds_with(key: str, schema: Schema) -> list[str]:
    """The kinds of output that have a key."""
    output = ("outputs", "NAME")
    kinds = _at(schema, output)["discriminator"]["mapping"]
    return [kind for kind in kinds if key in _at(schema, (*output, kind))["properties"]]


def not_one_of(given: object, choices: Sequence[str]) -> str:
    """What is said of something that is none of the choices."""
    text = given if isinstance(given, str) else ""
    wrong = "is not supported by this version" if text in LATER_CHOICES else "is not known"
    likely = get_close_matches(text, choices, n=1)
    return f"{wrong}; expected {_one_of(choices)}" + (f"; did you mean {likely[0]}?" if likely else "")


def _one_of(choices: Iterable[str]) -> str:
    *most, last = choices
    return f"{', '.join(most)} or {last}" if most else last


def _at(schema: Schema, location: Location) -> Schema:
    """The part of the JSON Schema that describes what stands at a location; empty where there is none."""
    node: Any = schema
    for step in location:
        node = _below(_resolve(node, schema), step, schema)
    return _resolve(node, schema)


def _below(node: Mapping[str, Any], step: int | str, schema: Schema) -> Mapping[str, Any]:
    if step in node.get("properties", {}):
        return node["properties"][step]
    if mapping := node.get("discriminator", {}).get("mapping"):
        return {"$ref": mapping[step]} if step in mapping else node
    for way in node.get("oneOf", ()):  # the form that has the key in brackets
        if str(step)[1:-1] in _resolve(way, schema)["properties"]:
            return {**way, "description": node["description"]}
    if isinstance(step, int):
        lists = [way for way in node.get("anyOf", [node]) if "items" in way]
        return lists[0]["items"] if lists else {}
    named = next(iter(node.get("patternProperties", {}).values()), {})
    return {"description": node["description"], **named} if "$ref" in named else named


def _resolve(node: Mapping[str, Any], schema: Schema) -> Mapping[str, Any]:
    """What a reference leads to, or the one among several ways, with what is said of it there."""
    for found in (node, *node.get("anyOf", ())):
        if "$ref" in found:
            return {**schema["$defs"][found["$ref"].rpartition("/")[2]], **node}
    return node
