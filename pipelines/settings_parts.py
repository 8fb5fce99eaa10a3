"""What all groups of keys in settings have in common, and how their JSON Schema is made."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class Part(BaseModel):
    """A group of keys. It knows all of them, takes values for what they are, and does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class _Schema(GenerateJsonSchema):
    """Keys that may be left out are left out, never null; a name that breaks its pattern is unknown."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if not isinstance(made.get("default"), str | int | float):
            made.pop("default", None)
        return made

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        return {**super().dict_schema(schema), "additionalProperties": False}


def schema_of(part: type[Part]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a group of keys: titles, descriptions, choices."""
    return {"$schema": _Schema.schema_dialect, **part.model_json_schema(schema_generator=_Schema)}
