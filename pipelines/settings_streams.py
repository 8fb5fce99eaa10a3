"""The settings of sources and sinks besides files, and of the windows of streams. Options have their libraries' names."""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from xsieve.configs import table
from xsieve.pipelines.settings_errors import wrong
from xsieve.pipelines.settings_parts import Part
from xsieve.pipelines.settings_secrets import Secret
from xsieve.pipelines.settings_streams_values import (
    Address,
    Bucket,
    ColumnOf,
    Columns,
    Duration,
    Options,
    PubSubTopic,
    Start,
    Subscription,
    Table,
    Topic,
    Topics,
)
from xsieve.pipelines.settings_values import Text

Through = Literal["auto", "java", "python"]
_THROUGH = (
    "auto, java (Beam's own transforms, which need Java or an expansion service) or python (confluent-kafka); auto is "
    "java where it can be had"
)


# --- sources


class Kafka(Part):
    """Topics of Kafka: a stream, unless it is read until its end only."""

    read: Literal["kafka"] = Field(description="where the data comes from")
    topics: Topics = Field(description="the topics to read, one or a list")
    consumer: Options = Field(
        description="options of the consumer by Kafka's own names, with at least bootstrap.servers and group.id"
    )
    start: Start = Field(
        default="committed",
        description="where a fresh job starts: earliest, latest, committed (where the group was, else earliest), or a "
        "time in UTC; one that goes on from a checkpoint does so from there",
    )
    timestamps: Literal["create_time", "log_append_time", "processing_time"] = Field(
        default="create_time",
        description="which time decides on the window of a message: create_time (its producer's), log_append_time (its "
        "broker's) or processing_time (when it is read)",
    )
    through: Through = Field(default="auto", description=_THROUGH)
    expansion_service: Address | None = Field(
        default=None, description="host:port of the expansion service that knows Beam's Java transforms for Kafka"
    )
    until: Literal["end"] | None = Field(
        default=None,
        description="end: reads what is there when the job begins, and ends; without this key it reads on for ever",
    )


class PubSub(Part):
    """A subscription of Google Cloud Pub/Sub: a stream."""

    read: Literal["pubsub"] = Field(description="where the data comes from")
    subscription: Subscription | None = Field(default=None, description="projects/PROJECT/subscriptions/NAME")
    topic: PubSubTopic | None = Field(
        default=None, description="projects/PROJECT/topics/NAME, for which Beam makes a subscription of its own"
    )
    id_label: Text | None = Field(
        default=None, description="the attribute that makes a message unique: what is delivered again counts once"
    )
    timestamp_attribute: Text | None = Field(
        default=None, description="the attribute that holds the time of a message; without it, when it was published"
    )

    @field_validator("topic")
    @classmethod
    def _or_subscription(cls, topic: str | None, info: ValidationInfo) -> str | None:
        if topic and info.data.get("subscription"):
            raise wrong("stands beside subscription; expected one of the two")
        return topic


class BigQuery(Part):
    """A table of Google BigQuery, or what a query gives."""

    read: Literal["bigquery"] = Field(description="where the data comes from")
    table: Table | None = Field(default=None, description="PROJECT:DATASET.TABLE or DATASET.TABLE")
    query: Text | None = Field(default=None, description="a query in place of a table")
    use_standard_sql: bool = Field(True, description="true or false: whether the query is in GoogleSQL")
    method: Literal["EXPORT", "DIRECT_READ"] = Field(
        default="EXPORT", description="by files in Cloud Storage (EXPORT) or by the Storage Read API (DIRECT_READ)"
    )
    gcs_location: Bucket | None = Field(
        default=None, description="gs://BUCKET/FOLDER for files of EXPORT; without it, temp_location of the run"
    )
    row_restriction: Text | None = Field(
        default=None, description="a condition that rows must meet, in SQL; of tables by DIRECT_READ"
    )
    selected_fields: Columns | None = Field(
        default=None, description="names of the columns to read; of tables by DIRECT_READ"
    )
    payload: ColumnOf | None = Field(
        default=None, description="the column that holds the JSON document; without it, the row itself is the document"
    )

    @field_validator("query")
    @classmethod
    def _or_table(cls, query: str | None, info: ValidationInfo) -> str | None:
        if query and info.data.get("table"):
            raise wrong("stands beside table; expected one of the two")
        return query

    @field_validator("gcs_location")
    @classmethod
    def _of_export(cls, location: str | None, info: ValidationInfo) -> str | None:
        if location and info.data.get("method") == "DIRECT_READ":
            raise wrong("is for method: EXPORT; leave it out")
        return location

    @field_validator("row_restriction", "selected_fields")
    @classmethod
    def _of_direct_read(cls, value: object, info: ValidationInfo) -> object:
        if value and (info.data.get("method") == "EXPORT" or info.data.get("query")):
            raise wrong("is for tables read by method: DIRECT_READ; with EXPORT say it in a query")
        return value


# --- sinks


class KafkaSink(Part):
    """A topic of Kafka that is written to."""

    topic: Topic = Field(description="the topic to write to")
    producer: Options = Field(
        description="options of the producer by Kafka's own names, with at least bootstrap.servers"
    )
    through: Through = Field(default="auto", description=_THROUGH)
    expansion_service: Address | None = Field(
        default=None, description="host:port of the expansion service that knows Beam's Java transforms for Kafka"
    )


class BigQuerySink(Part):
    """A table of Google BigQuery that is written to. Its schema is that of the rows."""

    table: Table = Field(description="PROJECT:DATASET.TABLE or DATASET.TABLE")
    method: Literal["STREAMING_INSERTS", "FILE_LOADS", "STORAGE_WRITE_API"] | None = Field(
        default=None, description="how rows are written; without it, what Beam holds best for the run"
    )
    create_disposition: Literal["CREATE_IF_NEEDED", "CREATE_NEVER"] = Field(
        default="CREATE_IF_NEEDED", description="whether the table is made if there is none"
    )
    write_disposition: Literal["WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_EMPTY"] = Field(
        default="WRITE_APPEND", description="what becomes of the rows that are there"
    )
    triggering_frequency: Duration | None = Field(
        default=None,
        description="how often rows are handed over, such as 5m; in streams by FILE_LOADS or STORAGE_WRITE_API",
    )
    custom_gcs_temp_location: Bucket | None = Field(
        default=None, description="gs://BUCKET/FOLDER for files of FILE_LOADS; without it, temp_location of the run"
    )

    @field_validator("triggering_frequency")
    @classmethod
    def _of_batches(cls, frequency: timedelta | None, info: ValidationInfo) -> timedelta | None:
        if frequency and info.data.get("method") not in ("FILE_LOADS", "STORAGE_WRITE_API"):
            raise wrong("is for method: FILE_LOADS or STORAGE_WRITE_API; leave it out")
        return frequency

    @field_validator("custom_gcs_temp_location")
    @classmethod
    def _of_loads(cls, location: str | None, info: ValidationInfo) -> str | None:
        if location and info.data.get("method") != "FILE_LOADS":
            raise wrong("is for method: FILE_LOADS; leave it out")
        return location


class ToKafka(Part):
    """Where an output is written to: a topic of Kafka."""

    kafka: KafkaSink = Field(description="a topic of Kafka: topic, producer, through, expansion_service")


class ToBigQuery(Part):
    """Where an output is written to: a table of BigQuery."""

    bigquery: BigQuerySink = Field(description="a table of BigQuery: table, method and Beam's other options")


def by_keys(*others: str) -> Discriminator:
    """Tells by its keys where an output is written to: "[path]", or one of ``others`` (such as "kafka") in brackets."""

    def tag(write: Any) -> str:
        keys = write if isinstance(write, dict) else type(write).model_fields if isinstance(write, Part) else ()
        return next((f"[{name}]" for name in others if name in keys), "[path]")

    return Discriminator(tag)


KAFKA, BIGQUERY, FILES = Tag("[kafka]"), Tag("[bigquery]"), Tag("[path]")


# --- which library speaks to Kafka


class Rule(NamedTuple):
    """What holds for an option that does not simply pass: "ours", "java" or "python"; and what to write in place of it."""

    rule: str
    instead: str


@cache
def rules() -> dict[str, Rule]:
    """option -> what holds for it (configs/kafka_options.tsv)."""
    lines = (line.cells for line in table("kafka_options.tsv"))
    return {cells["option"]: Rule(cells["rule"], cells["instead"]) for cells in lines}


def library_of(kafka: Kafka | KafkaSink) -> Literal["java", "python"]:
    """Which library speaks to Kafka here. ``auto``: what the options ask for, else Java where it can be had."""
    if kafka.through != "auto":
        return kafka.through
    found = {rules()[name].rule for name in options_of(kafka) if name in rules()}
    if "python" in found or (isinstance(kafka, Kafka) and kafka.until):
        return "python"
    return "java" if "java" in found or kafka.expansion_service or shutil.which("java") else "python"


def options_of(kafka: Kafka | KafkaSink) -> Mapping[str, str | bool | int | float | Secret]:
    """The options of the consumer or producer."""
    return kafka.consumer if isinstance(kafka, Kafka) else kafka.producer
