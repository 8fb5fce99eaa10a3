"""The settings of outputs: what goes out, in which kind, where to, and to whom."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from xsieve.pipelines.settings_errors import wrong
from xsieve.pipelines.settings_parts import Part
from xsieve.pipelines.settings_streams import BIGQUERY, FILES, KAFKA, ToBigQuery, ToKafka, by_keys
from xsieve.pipelines.settings_streams_values import Duration, Every
from xsieve.pipelines.settings_values import (
    ColumnNames,
    Description,
    Folder,
    Name,
    Names,
    Text,
)
from xsieve.transforms.records.outflow import Unit


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


class WriteByHand(Write):
    """Where an output is written to that people hand over."""

    private_repository: bool = Field(
        False,
        description="true or false: whether the folder lies in a git work tree that is and stays private; "
        "what lies in another one is as good as public",
    )


class Output(Part):
    """What all kinds of output share."""

    description: Description | None = Field(
        default=None, description="a text of up to 1,000 characters for people who find the output"
    )


class Windowed(Output):
    """What outputs share that may be written while a stream goes on."""

    every: Every | None = Field(
        default=None,
        description="in streams: how long a window is, such as 15m, 1h or 1d, a whole fraction of a day from 00:00 UTC",
    )
    lateness: Duration | None = Field(
        default=None,
        description="in streams: how long after its window what is late still becomes a supplement of it, such as 2h; "
        "without this key always",
    )


class Rows(Windowed):
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
    write: Annotated[
        Annotated[WriteRows, FILES] | Annotated[ToKafka, KAFKA] | Annotated[ToBigQuery, BIGQUERY],
        by_keys("kafka", "bigquery"),
    ] = Field(description="where to and how: path, format, compression; or kafka; or bigquery")

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


_UNIT_OF_IDS: Mapping[str, Unit] = {"post": "post_id", "user": "user_id", "dm": "dm_id"}


def counted(output: Mapping[str, Any]) -> Unit | None:
    """What is counted of an output as it was written; None for kinds that stay in-house, and for mistaken ones."""
    if output.get("kind") == "ids":
        return _UNIT_OF_IDS.get(str(output.get("ids", "post")))
    return "hydrated" if output.get("kind") == "hydrated" else None


class Handed(Output):
    """What outputs share that may go to others."""

    recipient: Name | None = Field(default=None, description="the name of the one recipient, from recipients")
    recipients: Annotated[Names, Field(min_length=1)] | None = Field(
        default=None, description="the names of several recipients, from recipients; each gets the whole"
    )

    @field_validator("recipients")
    @classmethod
    def _each_once(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("recipient"):
            raise wrong("stands beside recipient; expected one of the two")
        if len(set(names)) < len(names):
            raise wrong("holds a name twice; expected each once")
        return names

    @property
    def receivers(self) -> tuple[str, ...]:
        """The names of all recipients; none for what stays in-house."""
        return (self.recipient,) if self.recipient else self.recipients or ()


class Ids(Windowed, Handed):
    """Ids as decimal strings, one a line, each once. In-house without a recipient."""

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
    exempt: Literal["academic"] | None = Field(
        default=None,
        description="academic: the exemption that lifts the limit of post ids, as sender.academic declares",
    )
    series: Name | None = Field(
        default=None,
        description="a name for a data set that is corrected and issued again: each id counts once in 30 days",
    )
    truncate: bool = Field(
        False,
        description="true or false: whether as many ids as still fit are released, the lowest first, if not all fit",
    )
    write: Annotated[Annotated[Write, FILES] | Annotated[ToKafka, KAFKA], by_keys("kafka")] = Field(
        description="where to: path; or kafka"
    )

    @property
    def unit(self) -> Unit:
        """What is counted of it."""
        return _UNIT_OF_IDS[self.ids]

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


class Store(Windowed):
    """The payload in its own shape and names, less what must not pass; for one's own storage."""

    kind: Literal["store"]
    consent: Consent | None = Field(
        default=None,
        description="what people have agreed to: direct_messages, with a reference to their consent",
    )
    write: Annotated[Annotated[WriteLines, FILES] | Annotated[ToKafka, KAFKA], by_keys("kafka")] = Field(
        description="where to and how: path, format, compression; or kafka"
    )


class Sample(Part):
    """A part of the objects, drawn by chance, the same in each run."""

    n: Annotated[int, Field(ge=1)] = Field(description="how many objects, a number from 1")
    seed: int = Field(default=0, description="a whole number; another one draws other objects")


class Hydrated(Handed):
    """Public posts and users with more than their ids, handed over by a person and never automatically."""

    kind: Literal["hydrated"]
    as_: Literal["jsonl", "csv", "xlsx"] = Field(default="jsonl", alias="as", description="the format of the files")
    objects: Literal["posts", "users", "both"] = Field(default="posts", description="which objects are handed over")
    sample: Sample | None = Field(default=None, description="a sample instead of all: n, seed")
    write: WriteByHand = Field(description="where to: path, private_repository")

    @property
    def unit(self) -> Unit:
        """What is counted of it."""
        return "hydrated"
