"""Settings: one YAML file that describes a pipeline; read once, checked as a whole, then frozen.

``load`` a file or ``parse`` a text. What is wrong is reported all at once, each mistake with its dotted path
and what was expected there. Unknown keys are mistakes. Relative paths start at the working directory.
The descriptions below are read in three places: in editors (``json_schema``), in messages, and here.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from xsieve.configs import resource
from xsieve.pipelines import settings_checks, settings_yaml
from xsieve.pipelines.settings_errors import Mistake, SettingsError, translate, wrong
from xsieve.pipelines.settings_values import (
    ColumnName,
    ColumnNames,
    Description,
    Dotted,
    Folder,
    Labels,
    Languages,
    Moment,
    OutputName,
    Share,
    Text,
    Texts,
)
from xsieve.transforms.records.sensitive import judge

__all__ = ["Mistake", "Settings", "SettingsError", "json_schema", "load", "parse", "warnings"]


class Part(BaseModel):
    """A group of keys. It knows all of them, takes values for what they are, and does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


# --- what comes in


class Collection(Part):
    """How the data was collected."""

    access: Literal["app_only", "user_context"] | None = Field(
        default=None,
        description="whose eyes saw the data: app_only (a bearer token, which sees public posts only) or "
        "user_context (an account, which sees protected posts that it follows)",
    )


class Input(Part):
    """What is read."""

    read: Literal["files"] = Field(description="where the data comes from")
    path: Texts = Field(description="files, folders or patterns such as data/**/*.jsonl.gz, one or a list")
    exclude: Texts | None = Field(default=None, description="patterns of files that are not read, one or a list")


class Where(Part):
    """Which posts go on. What is left out is counted."""

    from_: Moment | None = Field(
        default=None, alias="from", description="the first moment that passes: a date or a time in UTC"
    )
    to: Moment | None = Field(default=None, description="the first moment that passes no more: a date or a time in UTC")
    lang: Languages | None = Field(default=None, description="language codes as X writes them, such as [en, de, und]")
    reposts: Literal["keep", "drop", "only"] = Field(default="keep", description="what happens to reposts")

    @field_validator("to")
    @classmethod
    def _after_from(cls, to: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("from_")
        if to and start and to <= start:
            raise wrong("is not after where.from; expected a later moment, for `to` itself does not pass")
        return to


class Enrichment(Part):
    """A field that users added to the payloads. What is not declared stays out."""

    path: Dotted = Field(description="the keys that lead to the field, joined by dots, such as ml.stance")
    about: Literal["content", "author", "person"] = Field(
        description="what the field speaks about: the content of the post, its author, or any other person"
    )
    values: Labels | None = Field(
        default=None, description="all labels that the field may hold, such as [pro, contra, none]"
    )


# --- what goes out


class Write(Part):
    """Where an output is written to."""

    path: Folder = Field(description="the folder to write to, without wildcards")


class WriteLines(Write):
    """Where and how an output is written."""

    format: Literal["jsonl"] = Field(default="jsonl", description="the format of the files")
    compression: Literal["none", "gzip", "zstd"] = Field(default="none", description="how the files are compressed")


class WriteRows(Write):
    """Where and how rows are written."""

    format: Literal["jsonl", "avro", "parquet", "csv"] = Field(default="jsonl", description="the format of the files")
    compression: Literal["none", "gzip", "zstd"] = Field(
        default="none",
        description="how jsonl and csv files are compressed; avro and parquet compress by themselves",
    )

    @field_validator("compression")
    @classmethod
    def _only_of_text(cls, compression: str, info: ValidationInfo) -> str:
        if info.data.get("format") in ("avro", "parquet"):
            raise wrong("is for jsonl and csv; avro and parquet compress by themselves, leave the key out")
        return compression


class Output(Part):
    """What all kinds of output share."""

    description: Description | None = Field(
        default=None, description="a text of up to 1,000 characters for people who find the output"
    )


class Rows(Output):
    """One flat row per public post, for aggregate analysis in-house: no ids, no names, no links."""

    kind: Literal["rows"]
    text: Literal["scrub"] | None = Field(
        default=None,
        description="scrub: the text with handles, links, addresses and long numbers replaced (names in it "
        "stay); without this key there is no text",
    )
    place: Literal["country", "city"] | None = Field(
        default=None, description="how exactly the place of the post is told; only beside the text"
    )
    time: Literal["hour", "day", "exact"] = Field(
        default="hour", description="how exactly the time of the post is told"
    )
    metrics: Literal["rounded", "exact", "drop"] = Field(
        default="rounded",
        description="whether counts of reposts, likes … have two significant digits, all, or do not pass",
    )
    columns: Annotated[ColumnNames, Field(min_length=1)] | None = Field(
        default=None,
        description="names of the columns to write, such as [time, lang, hashtags]; all without this key",
    )
    enrich: ColumnNames | None = Field(
        default=None,
        description="names of enrichments that become columns, all of them about: content; "
        "without this key all that are",
    )
    write: WriteRows = Field(description="where to and how: path, format, compression")

    @field_validator("place")
    @classmethod
    def _only_beside_text(cls, place: str | None, info: ValidationInfo) -> str | None:
        if place and info.data.get("text", "scrub") is None:
            raise wrong(
                "needs text: scrub beside it; a place may only be kept with its post "
                '(developer policy, "using geo-data")'
            )
        return place

    @field_validator("columns")
    @classmethod
    def _text_beside_place(cls, columns: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        if columns and info.data.get("place") and "text" not in columns:
            raise wrong("leaves out text, which has to stand beside place; add text, or leave place out")
        return columns


class Ids(Output):
    """Ids as decimal strings, one a line, each once. Marked as in-house: recipients are not supported yet."""

    kind: Literal["ids"]
    ids: Literal["post", "user", "dm"] = Field(
        default="post", description="whose ids: of posts, of their authors, or of direct messages"
    )
    nested: bool = Field(
        False,
        description="true or false: whether posts inside other posts (the reposted, the quoted) count too",
    )
    split: Literal["none", "utc_day", "utc_hour"] = Field(
        default="none", description="one file for all, for each UTC day, or for each UTC hour of the id"
    )
    write: Write = Field(description="where to: path")

    @field_validator("nested")
    @classmethod
    def _only_of_posts(cls, nested: bool, info: ValidationInfo) -> bool:
        if nested and info.data.get("ids") == "dm":
            raise wrong("is for ids of posts and users; direct messages hold no posts to look into")
        return nested

    @field_validator("split")
    @classmethod
    def _only_of_dated_ids(cls, split: str, info: ValidationInfo) -> str:
        if split != "none" and info.data.get("ids") == "user":
            raise wrong("is for ids of posts and messages; the id of a user does not tell the time of a post")
        return split


class Consent(Part):
    """Consent that was given beforehand by the people concerned."""

    direct_messages: Text = Field(description="a reference to the consent of both sides to store their direct messages")


class Store(Output):
    """The payload in its own shape and names, less what must not pass; for one's own storage."""

    kind: Literal["store"]
    consent: Consent | None = Field(
        default=None,
        description="what people have agreed to: direct_messages, with a reference to their consent",
    )
    write: WriteLines = Field(description="where to and how: path, format, compression")


class Settings(Part):
    """A pipeline: what is read, what of it passes, and where it goes."""

    policy: Literal["base-2024", "policy-2026"] = Field(
        description="the profile of X's rules to apply; required, because X's own pages contradict each other"
    )
    collection: Collection = Field(default=Collection(), description="how the data was collected: access")
    input: Input = Field(description="what is read: read, path, exclude")
    where: Where = Field(default=Where(), description="which posts go on: from, to, lang, reposts")
    enrich: Mapping[ColumnName, Enrichment] = Field(
        default={},
        description="fields that users added, by name (a-z, 0-9, _), each with path, about, values",
    )
    catalogs: Texts | None = Field(default=None, description="tables of one's own fields (TSV files), one or a list")
    rejects: Folder | None = Field(
        default=None, description="the folder for the list of payloads that could not be handled"
    )
    max_rejects: Share = Field(
        0.001,
        description="the share of payloads, from 0 to 1, that may be rejected before the run has failed",
    )
    outputs: Annotated[
        Mapping[OutputName, Annotated[Rows | Ids | Store, Field(discriminator="kind")]], Field(min_length=1)
    ] = Field(description="what goes out, by name (a-z, 0-9, _ and -, at most 64): rows, ids or store")

    _written: dict[str, str] = PrivateAttr(default_factory=dict[str, str])

    def as_written(self, text: str) -> str:
        """``text`` as it stands in the file, with ``${NAME}`` where a variable filled it in; for display."""
        return self._written.get(text, text)


EXAMPLE = "example:"


def load(path: str | Path) -> Settings:
    """The settings in a file. Raises SettingsError, which holds every mistake in it.

    ``example:first`` is the packaged example of that name. ``${XSIEVE_EXAMPLES}`` is the folder of the examples, if the
    environment does not say otherwise.
    """
    examples = resource("examples")
    if str(path).startswith(EXAMPLE):
        path = examples / f"{str(path).removeprefix(EXAMPLE)}.yaml"
    try:
        with Path(path).open("rb") as file:
            text = file.read(settings_yaml.LIMIT + 1).decode("utf-8-sig")
    except FileNotFoundError:
        raise SettingsError([Mistake("", "there is no such file")]) from None
    except UnicodeDecodeError:
        raise SettingsError([Mistake("", "is not UTF-8 text")]) from None
    except (OSError, ValueError):
        raise SettingsError([Mistake("", "cannot be read; expected a file that may be read")]) from None
    return parse(text, {"XSIEVE_EXAMPLES": str(examples), **os.environ})


def parse(text: str, env: Mapping[str, str] = os.environ) -> Settings:
    """The settings in a YAML text, its ``${VARIABLES}`` looked up in ``env``. Raises as ``load`` does."""
    document = settings_yaml.read(text, env)
    mistakes, settings = list(document.mistakes), None
    try:
        settings = Settings.model_validate(document.data)
    except ValidationError as error:
        mistakes += translate(error, json_schema())
    mistakes += settings_checks.check(document.data)
    if mistakes or settings is None:
        placed = [found._replace(line=found.line or document.line_of(found.path)) for found in mistakes]
        raise SettingsError(sorted(placed, key=lambda found: found.line or 0))
    settings._written.update(document.written)
    return settings


def warnings(settings: Settings) -> list[str]:
    """What is allowed and yet deserves a second thought: one sentence each."""
    found: list[str] = []
    if settings.collection.access != "app_only":
        found.append(
            "collection.access is not app_only: posts that do not say who may see them pass and are counted. "
            "Declare app_only if the data came by a bearer token."
        )
    for name, output in settings.outputs.items():
        if finding := judge(name):
            found.append(
                f"outputs.{name}: the name may be read as {finding.item} of the people in the output "
                f"({finding.clause}). Better is a name for what was collected and when."
            )
        if isinstance(output, Rows) and output.time == "exact":
            found.append(f"outputs.{name}.time: an exact time leads back to the post, and so to its author.")
        if isinstance(output, Rows) and output.metrics == "exact":
            found.append(f"outputs.{name}.metrics: exact counts single posts out, and so their authors.")
    return found


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


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a settings file, for editors: titles, descriptions, choices."""
    schema = Settings.model_json_schema(schema_generator=_Schema)
    return {"$schema": _Schema.schema_dialect, **schema}
