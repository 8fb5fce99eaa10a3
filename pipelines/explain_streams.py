"""Where data comes from and goes to, and the windows of streams, in plain English."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from xsieve.pipelines.explain_outflow import listed
from xsieve.pipelines.settings import (
    BigQuery,
    Files,
    Hydrated,
    Ids,
    Kafka,
    PubSub,
    Rows,
    Settings,
    Store,
    ToBigQuery,
    ToKafka,
)
from xsieve.pipelines.settings_outputs import WriteLines, WriteRows
from xsieve.pipelines.settings_streams import BigQuerySink, KafkaSink

_STARTS = {
    "earliest": "at the earliest message",
    "latest": "at the messages that are still to come",
    "committed": "where its group was, else at the earliest message",
}
_TIMES = {
    "create_time": "when its producer made it",
    "log_append_time": "when its broker got it",
    "processing_time": "when it is read",
}
_THROUGH = {
    "auto": "by Beam's Java transforms where they can be had, else by confluent-kafka",
    "java": "by Beam's Java transforms",
    "python": "by confluent-kafka",
}
_METHODS = {"EXPORT": "by files in Cloud Storage", "DIRECT_READ": "by the Storage Read API"}


def read_from(settings: Settings) -> Iterator[str]:
    """What is read, and how."""
    source = settings.input
    if isinstance(source, Files):
        yield from _files(settings, source)
    elif isinstance(source, Kafka):
        yield from _kafka(settings, source)
    elif isinstance(source, PubSub):
        yield from _pubsub(settings, source)
    else:
        yield from _bigquery(settings, source)


def _files(settings: Settings, files: Files) -> Iterator[str]:
    show = settings.as_written
    but = f", but not {listed(map(show, files.exclude))}" if files.exclude else ""
    yield f"Reads files: {listed(map(show, files.path))}{but}. Relative paths start at the working directory."


def _kafka(settings: Settings, kafka: Kafka) -> Iterator[str]:
    end = "to where they end when the run begins" if kafka.until else "without end"
    yield f"Reads topics of Kafka {end}: {listed(map(settings.as_written, kafka.topics))}, {_spoken(settings, kafka)}."
    yield f"Options of the consumer are {_options(settings, kafka.consumer)}."
    start = _STARTS[kafka.start] if isinstance(kafka.start, str) else f"at {kafka.start:%Y-%m-%d %H:%M:%S} UTC"
    yield f"A fresh job starts {start}; one that goes on from a checkpoint or savepoint starts from there."
    yield f"The time of a message, which decides on its window, is {_TIMES[kafka.timestamps]}."


def _pubsub(settings: Settings, pubsub: PubSub) -> Iterator[str]:
    show = settings.as_written
    what = (
        f"the subscription {show(pubsub.subscription)}"
        if pubsub.subscription
        else f"the topic {show(pubsub.topic or '')}"
    )
    yield f"Reads {what} of Google Cloud Pub/Sub without end."
    if pubsub.id_label:
        yield f"Messages with the same attribute {show(pubsub.id_label)} are one message that came again."
    attribute = pubsub.timestamp_attribute
    when = f"what its attribute {show(attribute)} says" if attribute else "when it was published"
    yield f"The time of a message, which decides on its window, is {when}."


def _bigquery(settings: Settings, source: BigQuery) -> Iterator[str]:
    show = settings.as_written
    sql = "GoogleSQL" if source.use_standard_sql else "legacy SQL"
    what = (
        f"what a query in {sql} gives: {show(source.query)}"
        if source.query
        else f"the table {show(source.table or '')}"
    )
    files = f" at {show(source.gcs_location)}" if source.gcs_location else ""
    yield f"Reads from Google BigQuery, {_METHODS[source.method]}{files}, {what}."
    if source.row_restriction:
        yield f"Reads rows only of which holds: {show(source.row_restriction)}."
    if source.selected_fields:
        yield f"Reads the columns {listed(map(show, source.selected_fields))} only."
    yield (
        f"The column {show(source.payload)} holds the payloads."
        if source.payload
        else "Each row, as a JSON document, is a payload."
    )


def written_to(settings: Settings, output: Rows | Ids | Hydrated | Store) -> str:
    """``to out/trends, as csv, compressed by gzip``"""
    write, show = output.write, settings.as_written
    if isinstance(write, ToKafka):
        return f"to the topic {show(write.kafka.topic)} of Kafka, a message each, {_spoken(settings, write.kafka)}"
    if isinstance(write, ToBigQuery):
        return f"to the table {show(write.bigquery.table)} of Google BigQuery"
    if not isinstance(write, WriteLines | WriteRows):
        return f"to {show(write.path)}"
    packed = f", compressed by {write.compression}" if write.compression != "none" else ""
    return f"to {show(write.path)}, as {write.format}{packed}"


def flows(settings: Settings, output: Rows | Ids | Hydrated | Store) -> Iterator[str]:
    """When what passes is out, in a stream; and how it is written, besides files."""
    if isinstance(output.write, ToKafka):
        yield f"Options of the producer are {_options(settings, output.write.kafka.producer)}."
        yield "What passes is written at once and, after a failure, perhaps again."
    elif isinstance(output.write, ToBigQuery):
        yield from _table(settings, output.write.bigquery)
    elif not isinstance(output, Hydrated) and output.every:
        yield f"Windows are {_span(output.every)} long, counted from 00:00 UTC; each is published when it is over."
        until = (
            f"for {_span(output.lateness)}; what comes later is dropped and counted"
            if output.lateness is not None
            else ("however late it is")
        )
        yield f"What is late becomes a numbered supplement of its window, {until}."


def _table(settings: Settings, sink: BigQuerySink) -> Iterator[str]:
    how = f"by {sink.method}" if sink.method else "by the method that Beam chooses"
    often = f", every {_span(sink.triggering_frequency)}" if sink.triggering_frequency else ""
    by = f", by files at {settings.as_written(sink.custom_gcs_temp_location)}" if sink.custom_gcs_temp_location else ""
    yield f"Rows are written {how}{often}{by}, with {sink.create_disposition} and {sink.write_disposition}."


def _spoken(settings: Settings, kafka: Kafka | KafkaSink) -> str:
    service = (
        f" of the expansion service at {settings.as_written(kafka.expansion_service)}"
        if kafka.expansion_service
        else ""
    )
    return f"{_THROUGH[kafka.through]}{service}"


def _options(settings: Settings, options: Mapping[str, object]) -> str:
    """Secrets as they are written; other values as they are, with variables by their names."""
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in options.items()}
    return listed(f"{name} = {settings.as_written(text)}" for name, text in texts.items()) or "none"


def _span(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    units = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
    size, unit = next((size, unit) for size, unit in units if (seconds % size == 0 and seconds >= size) or size == 1)
    return f"{seconds // size} {unit}{'' if seconds == size else 's'}"
