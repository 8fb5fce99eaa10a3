"""Tables of Google BigQuery in a pipeline, by Beam's own transforms: payloads in, rows out, with the schema of the rows."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import msgspec
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from xsieve.pipelines.columns import ColumnType, columns_of, schema_of
from xsieve.pipelines.readers import BATCH_BYTES
from xsieve.pipelines.settings_streams import BigQuery, BigQuerySink
from xsieve.pipelines.stream_io import StreamIOError
from xsieve.pipelines.stream_messages import batches
from xsieve.pipelines.writers import WriteError
from xsieve.transforms.records.batch import RawBatch, Reject
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.sift import RowBatch, content_kept_in

Row = dict[str, Any]
TYPES = {
    "text": "STRING",
    "int": "INTEGER",
    "float": "FLOAT",
    "bool": "BOOLEAN",
    "time": "TIMESTAMP",
    "[text]": "STRING",
}
LONGEST_DESCRIPTION = 1024  # characters of a column's description that BigQuery takes
STORAGE = "STORAGE_WRITE_API"


def _beam() -> Any:
    try:
        from apache_beam.io.gcp import bigquery, bigquery_tools
    except ImportError:
        raise StreamIOError("BigQuery needs apache-beam[gcp]: pip install 'xsieve[gcp]'") from None
    if bigquery_tools.gcp_bigquery is None:
        raise StreamIOError("BigQuery needs apache-beam[gcp]: pip install 'xsieve[gcp]'")
    return bigquery


# --- reading


class ReadTable(beam.PTransform):
    """PBegin -> (PCollection[RawBatch], PCollection[Reject]). Rows have no place: their offsets lead nowhere."""

    def __init__(self, table: BigQuery) -> None:
        super().__init__()
        self.table = table

    def expand(self, begin: Any) -> Any:
        made = (
            beam.ParDo(ToBatches(self.table.payload))
            .with_output_types(RawBatch)
            .with_outputs("rejects", main="batches")
        )
        found = begin | "Read BigQuery" >> _beam().ReadFromBigQuery(**read_options(self.table))
        outputs = found | "Rows to batches" >> made
        outputs.rejects.element_type = Reject
        return outputs.batches, outputs.rejects


def read_options(table: BigQuery) -> dict[str, Any]:
    """What Beam's ReadFromBigQuery is given."""
    options = table.model_dump(exclude={"read", "payload"}, exclude_none=True)
    if not table.query:
        del options["use_standard_sql"]
    if table.selected_fields:
        options["selected_fields"] = list(table.selected_fields)
    return options


class ToBatches(beam.DoFn):
    """Rows -> RawBatch of about 1 MB; Rejects beside them. ``payload``: the column with the document, else the row is it."""

    def __init__(self, payload: str | None) -> None:
        self.payload = payload

    def start_bundle(self) -> None:
        self._held: list[bytes | None] = []
        self._size = 0

    def process(self, row: Mapping[str, Any]) -> Iterator[Any]:
        with content_kept_in():
            self._held.append(document(row, self.payload))
        self._size += len(self._held[-1] or b"")
        if self._size >= BATCH_BYTES:
            yield from self._batches()

    def finish_bundle(self) -> Iterator[Any]:
        for found in self._batches():
            tag, value = (found.tag, found.value) if isinstance(found, TaggedOutput) else (None, found)
            windowed = WindowedValue(value, MIN_TIMESTAMP, [GlobalWindow()])
            yield TaggedOutput(tag, windowed) if tag else windowed

    def _batches(self) -> Iterator[Any]:
        held, self._held, self._size = self._held, [], 0
        with content_kept_in():
            for found in batches(held, range(len(held)), 0):
                yield TaggedOutput("rejects", found) if isinstance(found, Reject) else found


def document(row: Mapping[str, Any], payload: str | None) -> bytes | None:
    """The JSON document of a row: a column's text, or the whole row. None if there is none, or JSON has no form for it."""
    value = row.get(payload) if payload else row
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError):
        return None


# --- writing


class WriteTable(beam.PTransform):
    """PCollection[RowBatch] -> rows of a table."""

    def __init__(self, sink: BigQuerySink, plan: Plan) -> None:
        super().__init__()
        self.sink, self.plan = sink, plan

    def expand(self, batches: PCollection[RowBatch]) -> Any:
        bigquery = _beam()
        options = self.sink.model_dump(exclude_none=True)
        if self.sink.triggering_frequency:
            options["triggering_frequency"] = int(self.sink.triggering_frequency.total_seconds())
        made = beam.ParDo(ToRows(self.plan, self.sink.method == STORAGE)).with_output_types(Row)
        result = (
            batches
            | "Batches to rows" >> made
            | "Write BigQuery"
            >> bigquery.WriteToBigQuery(
                schema=table_schema(schema_of(self.plan)),
                insert_retry_strategy=bigquery.RetryStrategy.RETRY_ON_TRANSIENT_ERROR,
                additional_bq_parameters=_no_parameters,
                **options,
            )
        )
        try:
            refused = result.failed_rows
        except AttributeError:  # where rows are loaded, the job fails
            return result
        _ = refused | "Refused rows" >> beam.Map(fail)
        return result


def table_schema(schema: Sequence[ColumnType]) -> dict[str, Any]:
    """The schema of a table for these columns."""
    return {
        "fields": [
            {
                "name": column.name,
                "type": TYPES[column.type],
                "mode": "REPEATED" if column.type == "[text]" else "NULLABLE",
                "description": column.doc[:LONGEST_DESCRIPTION],
            }
            for column in schema
        ]
    }


class ToRows(beam.DoFn):
    """RowBatch -> a dictionary for each row. ``times``: as Beam's timestamps, not as text."""

    def __init__(self, plan: Plan, times: bool) -> None:
        self.plan, self.times = plan, times

    def setup(self) -> None:
        self._schema = schema_of(self.plan)
        self._names = [column.name for column in self._schema]

    def process(self, batch: RowBatch) -> Iterator[Row]:
        with content_kept_in():
            columns = columns_of(batch.rows, self._schema)
            columns = [self._fitted(values, c.type) for values, c in zip(columns, self._schema, strict=True)]
            for values in zip(*columns, strict=True):
                yield dict(zip(self._names, values, strict=True))

    def _fitted(self, values: list[Any], type_: str) -> list[Any]:
        """BigQuery has no null among repeated values."""
        if type_ == "[text]":
            return [value or [] for value in values]
        if type_ == "time" and self.times:
            return [value and Timestamp.from_rfc3339(value) for value in values]
        return values


def fail(_: Any) -> None:
    """A row that a table refuses is lost if the job goes on."""
    raise WriteError(
        "BigQuery refused rows: does the table have the columns of the rows? xsieve schema --rows tells them"
    )


class _Unquoted(logging.Filter):
    """What Beam logs of rows that were not inserted quotes them: only the place in its code goes on."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            record.msg, record.args = (
                f"a message of {record.name}.{record.funcName}, line {record.lineno}, is not shown, for it may quote rows",
                (),
            )
            record.exc_info = record.exc_text = None
        return True


for _module in ("bigquery", "bigquery_tools", "bigquery_file_loads"):
    logging.getLogger(f"apache_beam.io.gcp.{_module}").addFilter(_Unquoted())


def _no_parameters(_: Any) -> dict[str, Any]:
    """Named by the transform that inserts rows, so that each worker which runs it loads this module, and the filter with it."""
    return {}
