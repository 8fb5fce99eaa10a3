"""Avro and Parquet: their records as JSON documents, one a line.

Where a record holds the payload as JSON text, that text is the payload, and its other columns stay behind.
Else the record itself is: names as they are, ids with all their digits, times in UTC as X writes them, nulls
left out.
"""

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, BinaryIO

import msgspec

from xsieve.pipelines.readers import STAGE, Read, open_source
from xsieve.pipelines.sources import AVRO, Source
from xsieve.pipelines.streams import Cut, SourceError
from xsieve.transforms.records.batch import RawBatch, Reason, Reject
from xsieve.transforms.records.shapes import UNKNOWN

# What people call the column that holds what X delivered, in the order in which they are looked at
PAYLOAD_COLUMNS = ("payload", "json", "raw", "data_json", "tweet", "value")
OBJECT = re.compile(rb'\s*\{\s*["}]')
ONE_LINE = bytes.maketrans(b"\r\n", b"  ")  # JSON has line breaks only where it may have blanks
ROWS = 1000  # of a row group at a time
READ_AHEAD = 1 << 20  # bytes of a column chunk

Record = dict[str, Any]
_encode = msgspec.json.Encoder(decimal_format="number").encode


def read_records(source: Source, batch_bytes: int, max_payload: int) -> Read:
    """The records of an Avro or Parquet file as batches; offsets count records. Raises SourceError."""
    with closing(open_source(source)) as file:
        records = _avro(file, source) if source.format == AVRO else _parquet(file, source)
        lines: list[bytes] = []
        size = first = 0
        for number, line in enumerate(_lines(records, max_payload)):
            if isinstance(line, bytes):
                lines.append(line)
                size += len(line)
            if lines and (size >= batch_bytes or isinstance(line, Reason)):
                yield RawBatch(b"\n".join(lines), source.number, first, "record")
                lines, size, first = [], 0, number + 1
            if isinstance(line, Reason):
                yield Reject(line, STAGE, UNKNOWN.name, source.number, number, "record")
                first = number + 1
        if lines:
            yield RawBatch(b"\n".join(lines), source.number, first, "record")


def _lines(records: Iterable[Record], max_payload: int) -> Iterator[bytes | Reason]:
    try:
        for record in records:
            line = payload_of(record)
            yield line if isinstance(line, Reason) or len(line) <= max_payload else Reason.TOO_LARGE
    except Cut as cut:
        yield cut.reason


def payload_of(record: Record) -> bytes | Reason:
    """The payload that a record holds, or is, on one line; a reason where it cannot be written as JSON."""
    texts = [value for value in record.values() if isinstance(value, str | bytes)]
    named = [record.get(name) for name in PAYLOAD_COLUMNS]
    for value in named + texts if len(texts) == 1 else named:
        text = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        if isinstance(text, bytes) and OBJECT.match(text):
            return text.translate(ONE_LINE).strip()
    try:
        return _encode(_plain(record))
    except (ValueError, TypeError, OverflowError):
        return Reason.NOT_ENCODABLE
    except RecursionError:
        return Reason.TOO_DEEP


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        utc = value.astimezone(timezone.utc) if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return int(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value


def _unbroken(records: Iterator[Any]) -> Iterator[Any]:
    """The records up to where the file is damaged. Raises Cut there."""
    while True:
        try:
            record = next(records)
        except StopIteration:
            return
        except EOFError:
            raise Cut(Reason.TRUNCATED) from None
        except RecursionError:
            raise Cut(Reason.TOO_DEEP) from None
        except Exception:  # each codec has its own
            raise Cut(Reason.UNREADABLE) from None
        yield record


def _avro(file: BinaryIO, source: Source) -> Iterator[Record]:
    from fastavro import reader

    try:
        records = reader(
            io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file,
            handle_unicode_errors="surrogateescape",  # invalid text costs its record, not all that follow
        )
    except Exception:  # of the codec, of the schema, of the file system
        raise SourceError(f"source {source.number} cannot be read as Avro") from None
    for record in _unbroken(records):
        yield record if isinstance(record, dict) else {"value": record}


def _parquet(file: BinaryIO, source: Source) -> Iterator[Record]:
    from pyarrow import Table, schema
    from pyarrow.parquet import ParquetFile

    try:
        table = ParquetFile(file, buffer_size=READ_AHEAD, coerce_int96_timestamp_unit="us")
        plain = schema([field.with_type(_plain_type(field.type)) for field in table.schema_arrow])
    except Exception:
        raise SourceError(f"source {source.number} cannot be read as Parquet") from None
    batches = table.iter_batches(ROWS, use_threads=False)
    for batch in _unbroken(Table.from_batches([batch]).cast(plain, safe=False).to_pylist() for batch in batches):
        yield from batch


def _plain_type(kind: Any) -> Any:
    """A type of Arrow with its times in microseconds and UTC, which is all that Python's times can hold."""
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz and "UTC")
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain_type(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain_type(kind.value_type)))
    return kind
