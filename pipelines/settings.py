"""Settings: one YAML file that describes a pipeline; read once, checked as a whole, then frozen.

``load`` a file or ``parse`` a text. What is wrong is reported all at once, each mistake with its dotted path
and what was expected there. Unknown keys are mistakes. Relative paths start at the working directory.
The descriptions below are read in three places: in editors (``json_schema``), in messages, and here.
"""

import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, field_validator

from xsieve.configs import resource
from xsieve.pipelines import settings_checks, settings_outflow_checks, settings_streams_checks, settings_yaml
from xsieve.pipelines.settings_errors import Mistake, SettingsError, translate, wrong
from xsieve.pipelines.settings_outflow import Entity, Recipient, Sender
from xsieve.pipelines.settings_outputs import Hydrated, Ids, Output, Rows, Store, Write
from xsieve.pipelines.settings_parts import Part, schema_of
from xsieve.pipelines.settings_policy import Policy, read_profile
from xsieve.pipelines.settings_secrets import Secret
from xsieve.pipelines.settings_streams import BigQuery, Kafka, PubSub, ToBigQuery, ToKafka
from xsieve.pipelines.settings_values import (
    ColumnName,
    Dotted,
    Folder,
    Labels,
    Languages,
    Ledger,
    Moment,
    Name,
    Share,
    Texts,
)
from xsieve.pipelines.settings_warnings import warnings
from xsieve.transforms.records.policy import Profile

__all__ = [
    "BigQuery",
    "Enrichment",
    "Files",
    "Hydrated",
    "Ids",
    "Kafka",
    "Mistake",
    "Output",
    "PubSub",
    "Rows",
    "Settings",
    "SettingsError",
    "Store",
    "ToBigQuery",
    "ToKafka",
    "Where",
    "Write",
    "json_schema",
    "load",
    "parse",
    "warnings",
]


# --- what comes in


class Collection(Part):
    """How the data was collected."""

    access: Literal["app_only", "user_context"] | None = Field(
        default=None,
        description="whose eyes saw the data: app_only (a bearer token, which sees public posts only) or "
        "user_context (an account, which sees protected posts that it follows)",
    )


class Files(Part):
    """Files: JSON, Avro or Parquet, told by what they hold."""

    read: Literal["files"] = Field(description="where the data comes from")
    path: Texts = Field(description="files, folders or patterns such as data/**/*.jsonl.gz, one or a list")
    exclude: Texts | None = Field(default=None, description="patterns of files that are not read, one or a list")


Input = Files | Kafka | PubSub | BigQuery


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


# --- the whole


class Settings(Part):
    """A pipeline: what is read, what of it passes, and where it goes."""

    policy: Policy = Field(
        description="the profile of X's rules to apply, or the file of a policy of one's own that tightens one; "
        "required, because X's own pages contradict each other"
    )
    collection: Collection = Field(default=Collection(), description="how the data was collected: access")
    input: Input = Field(discriminator="read", description="what is read: read, and what belongs to that")
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
        Mapping[Name, Annotated[Rows | Ids | Hydrated | Store, Field(discriminator="kind")]], Field(min_length=1)
    ] = Field(description="what goes out, by name (a-z, 0-9, _ and -, at most 64): rows, ids, hydrated or store")
    ledger: Ledger | None = Field(
        default=None,
        repr=False,  # it may hold a password
        description="the account of what goes to recipients: sqlite:///FILE or postgresql://HOST/DATABASE",
    )
    sender: Sender | None = Field(default=None, description="who hands out: institution, person, academic")
    recipients: Mapping[Name, Recipient] = Field(
        default={}, description="who receives, by name: entity, person, country, accepted, internal, public"
    )
    entities: Mapping[Name, Entity] = Field(
        default={},
        description="the organisations that recipients belong to, by name: name, aliases, government, permission",
    )

    _written: dict[str, str] = PrivateAttr(default_factory=dict[str, str])
    _profile: Profile = PrivateAttr()

    @property
    def profile(self) -> Profile:
        """The limits and clauses that ``policy`` names."""
        return self._profile

    @property
    def streaming(self) -> bool:
        """Whether what is read has no end."""
        return isinstance(self.input, PubSub) or (isinstance(self.input, Kafka) and self.input.until is None)

    @property
    def deferred_ledger(self) -> Secret | None:
        """The address of the ledger as it is written, for workers, who read its variables and files themselves."""
        return Secret(self.as_written(self.ledger)) if self.ledger else None

    def as_written(self, text: str) -> str:
        """``text`` as it stands in the file, with ``${NAME}`` where a variable filled it in; for display."""
        return self._written.get(text, text)


EXAMPLE = "example:"


def load(path: str | Path, now: datetime | None = None) -> Settings:
    """The settings in a file. Raises SettingsError, which holds every mistake in it.

    ``example:first`` is the packaged example of that name. ``${XSIEVE_EXAMPLES}`` is the folder of the examples, if the
    environment does not say otherwise.
    """
    examples = resource("examples")
    if str(path).startswith(EXAMPLE):
        path = _example(str(path).removeprefix(EXAMPLE), examples)
    return parse(settings_yaml.text_of(path), {"XSIEVE_EXAMPLES": str(examples), **os.environ}, now)


def _example(name: str, examples: Path) -> Path:
    known = {path.stem: path for path in sorted(examples.glob("*.yaml"))}
    if name not in known:
        raise SettingsError([Mistake("", f"there is no such example; expected {', '.join(known)}")])
    return known[name]


def parse(text: str, env: Mapping[str, str] = os.environ, now: datetime | None = None) -> Settings:
    """The settings in a YAML text, its ``${VARIABLES}`` looked up in ``env``. Raises as ``load`` does.

    ``now`` is the time at which declarations must hold, by default that of the clock.
    """
    today = (now or datetime.now(timezone.utc)).astimezone(timezone.utc).date()
    document = settings_yaml.read(text, env)
    mistakes, settings = list(document.mistakes), None
    try:
        data = settings_streams_checks.with_secrets(document.data, document.variables)
        settings = Settings.model_validate(data, context={"today": today})
    except ValidationError as error:
        mistakes += translate(error, json_schema())
    profile, of_profile = read_profile(document.data)
    mistakes += (
        *of_profile,
        *settings_checks.check(document.data),
        *settings_outflow_checks.check(document.data, profile),
        *settings_streams_checks.check(document.data, document.variables, profile),
    )
    if mistakes or settings is None:
        placed = [found._replace(line=found.line or document.line_of(found.path)) for found in mistakes]
        raise SettingsError(sorted(placed, key=lambda found: found.line or 0))
    settings._profile = profile
    settings._written.update(document.written)
    return settings


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a settings file, for editors: titles, descriptions, choices."""
    return schema_of(Settings)
