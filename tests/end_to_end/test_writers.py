"""Files of rows: what is read back is what went in, in every format, and equal rows make equal files."""

import csv
import gzip
import io
import json
import re
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import zstandard
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from hypothesis import given, settings
from hypothesis import strategies as st

from xsieve.pipelines import avro, formats_arrow, writers
from xsieve.pipelines.columns import type_of
from xsieve.pipelines.writers import FORMATS, ColumnType, RowWriter, WriteError, compressed, open_writer, schema_of
from xsieve.transforms.records.plan import Enrichment, Plan
from xsieve.transforms.records.rows import Rows, specs
from xsieve.transforms.records.sieves import strip_identifiers

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
PLAN = Plan("rows", text=True, place="city")
PACKED = [("jsonl", "gzip"), ("jsonl", "zstd"), ("csv", "gzip"), ("csv", "zstd")]
ALL = [*((name, "none") for name in FORMATS), *PACKED]

SCHEMA = [
    ColumnType("time", "time", "when it was posted"),
    ColumnType("text", "text", "what it says"),
    ColumnType("like_count", "int", "likes"),
    ColumnType("score", "float", "a label", declared=True),
    ColumnType("is_reply", "bool", "answers another post"),
    ColumnType("hashtags", "[text]", "hashtags in order"),
]
NAMES = [column.name for column in SCHEMA]
CELLS = [
    ("2020-03-01T14:00:00Z", "Regen über Köln 🌧️👩‍👩‍👧 #Wetter", 0, 0.25, True, ["Wetter", "雨"]),
    ("1969-12-31T23:00:00Z", 'She said: "no",\r\nthen left\n', 2**53 - 1, -1e300, False, []),
    ("2024-02-29T00:00:00Z", "صباح الخير يا جماعة \u202b#مطر\u202c", 2**63 - 1, 0.1, False, ['a"b', "c,d"]),
    ("2020-03-01T14:00:00Z", "", -(2**63), 3.0, True, [""]),
    (None, None, None, None, None, None),
    ("2020-03-01T15:00:00Z", "\\N NULL null , ; ' \t| 0,5", 7, -0.5, False, ["null"]),
]


def rows_of(cells: list[tuple[Any, ...]], names: list[str] = NAMES) -> Rows:
    return Rows({name: [row[number] for row in cells] for number, name in enumerate(names)})


class Kept(io.BytesIO):
    """A file in memory whose content outlives its closing."""

    content = b""

    def close(self) -> None:
        self.content = self.getvalue()
        super().close()


def written(format_: str, *batches: Rows, schema: list[ColumnType] = SCHEMA, compression: str = "none") -> bytes:
    """The file that batches of rows become."""
    handle = Kept()
    writer = open_writer(handle, format_, schema, compression)
    for rows in batches:
        writer.write(rows)
    writer.close()
    assert writer.rows == sum(map(len, batches))
    assert handle.closed
    return handle.content


def _time(value: datetime | None) -> str | None:
    return value and value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_jsonl(data: bytes, schema: list[ColumnType]) -> Iterator[tuple[Any, ...]]:
    for line in data.split(b"\n")[:-1]:
        row = json.loads(line)
        assert list(row) == [column.name for column in schema]
        yield tuple(row.values())


def read_csv(data: bytes, schema: list[ColumnType]) -> Iterator[tuple[Any, ...]]:
    """Cells of CSV: an empty cell is null, a pair of quotes is empty text, and the first ' before a formula is ours."""
    names = [column.name for column in schema]
    table = pa.csv.read_csv(
        io.BytesIO(data),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    assert table.column_names == names
    parse: dict[str, Callable[[str], Any]] = {
        "text": lambda cell: re.sub("^'('*[=+\\-@＝＋－＠\t\r\n])", r"\1", cell),
        "time": str,
        "int": int,
        "float": float,
        "bool": {"true": True, "false": False}.__getitem__,
        "[text]": json.loads,
    }
    for row in table.to_pylist():
        yield tuple(None if row[c.name] is None else parse[c.type](row[c.name]) for c in schema)


def read_avro(data: bytes, schema: list[ColumnType]) -> Iterator[tuple[Any, ...]]:
    times = {column.name for column in schema if column.type == "time"}
    for row in fastavro.reader(io.BytesIO(data)):
        yield tuple(_time(value) if name in times else value for name, value in row.items())


def read_parquet(data: bytes, schema: list[ColumnType]) -> Iterator[tuple[Any, ...]]:
    times = {column.name for column in schema if column.type == "time"}
    for row in pq.read_table(io.BytesIO(data)).to_pylist():
        yield tuple(_time(value) if name in times else value for name, value in row.items())


READERS = {"jsonl": read_jsonl, "csv": read_csv, "avro": read_avro, "parquet": read_parquet}
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


def read(
    format_: str, data: bytes, schema: list[ColumnType] = SCHEMA, compression: str = "none"
) -> list[tuple[Any, ...]]:
    return list(READERS[format_](UNPACK[compression](data), schema))


# What goes in comes out


@pytest.mark.parametrize(("format_", "compression"), ALL)
def test_every_format_gives_back_what_it_was_given(format_: str, compression: str) -> None:
    """Emoji, text from right to left, quotes, line breaks, nulls, empty lists and 64-bit numbers survive."""
    data = written(format_, rows_of(CELLS[:2]), rows_of(CELLS[2:]), compression=compression)
    assert read(format_, data, compression=compression) == CELLS


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"', "''", "'=1", "=1+1", "@a", "-", "\r\n", "\n", ",", "\t", "[]", "null", "NaN", "true", "\ufeff", "٣"]
)
MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0).isoformat() + "Z"
)
ROWS = st.lists(
    st.tuples(
        st.none() | MOMENTS,
        st.none() | TEXTS,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.booleans(),
        st.none() | st.lists(TEXTS, max_size=3),
    ),
    max_size=8,
)


@given(batches=st.lists(ROWS, max_size=4), enough=st.sampled_from([1, 5, 256]))
@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize("format_", FORMATS)
def test_any_rows_survive_however_they_are_cut_into_batches(
    format_: str, batches: list[list[tuple[Any, ...]]], enough: int
) -> None:
    """For any values of the types of the columns, in batches of any size, empty ones too, encoded together or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writers, "ENOUGH", enough)
        data = written(format_, *map(rows_of, batches))
    assert read(format_, data) == [row for batch in batches for row in batch]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_without_rows_is_whole(format_: str) -> None:
    """Nothing passed: the file is read as one of no rows, with its columns where the format names them."""
    data = written(format_)
    assert read(format_, data) == []
    if format_ == "csv":
        assert data.decode() == ",".join(f'"{name}"' for name in NAMES) + "\r\n"
    if format_ == "avro":
        assert [f["name"] for f in fastavro.reader(io.BytesIO(data)).writer_schema["fields"]] == NAMES
    if format_ == "parquet":
        assert pq.read_schema(io.BytesIO(data)).names == NAMES


def test_rows_pass_through_any_beam_file_system(tmp_path: Path) -> None:
    """A handle that Beam opened will do, and lies whole at its place once the writer is closed."""
    for format_ in FORMATS:
        path = str(tmp_path / f"rows.{format_}")
        writer = open_writer(FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED), format_, SCHEMA)
        writer.write(rows_of(CELLS))
        writer.close()
        assert read(format_, Path(path).read_bytes()) == CELLS


def test_duckdb_reads_what_was_written(tmp_path: Path) -> None:
    """The tool that users reach for first sees the same texts and numbers in CSV, JSON lines and Parquet."""
    duckdb = pytest.importorskip("duckdb")
    for format_ in ("csv", "jsonl", "parquet"):
        path = tmp_path / f"rows.{format_}"
        path.write_bytes(written(format_, rows_of(CELLS)))
        source = f"read_csv('{path}', header=true, all_varchar=true)" if format_ == "csv" else f"'{path}'"
        found = duckdb.sql(f"select text, like_count::bigint, is_reply::boolean from {source}").fetchall()
        assert [(t or "", n, b) for t, n, b in found] == [(c[1] or "", c[2], c[4]) for c in CELLS]


@pytest.mark.skipif(not CORPORA.exists(), reason="needs real payloads")
def test_real_posts_are_the_same_rows_in_every_format() -> None:
    """Posts of all shapes, with scrubbed text and city, read back from each format as they were given."""
    schema, given_rows = schema_of(PLAN), list[tuple[Any, ...]]()
    files = {format_: Kept() for format_ in FORMATS}
    writers = {format_: open_writer(handle, format_, schema) for format_, handle in files.items()}
    for path in sorted(CORPORA.rglob("*.jsonl"))[:60]:
        rows = strip_identifiers(path.read_bytes()[:2_000_000], PLAN).content
        given_rows += zip(*rows.columns.values(), strict=True)
        for writer in writers.values():
            writer.write(rows)
    for format_, writer in writers.items():
        writer.close()
        same = read(format_, files[format_].content, schema) == given_rows
        assert same, format_  # no diff: it would show the posts


# Equal rows, equal files


@pytest.mark.parametrize(("format_", "compression"), ALL)
def test_equal_rows_make_equal_files(format_: str, compression: str) -> None:
    """Byte by byte: nothing in a file is drawn by lot or taken from a clock."""
    batches = [rows_of(CELLS), rows_of(CELLS[::-1])]
    first, again = (written(format_, *batches, compression=compression) for _ in range(2))
    assert first == again


def test_gzip_headers_hold_no_time_and_no_name() -> None:
    """The flags say that there is no name, and the time is zero."""
    data = written("jsonl", rows_of(CELLS), compression="gzip")
    assert data[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


def test_the_marker_of_avro_comes_from_the_schema() -> None:
    """Files of one schema share it, files of another have another."""
    whole, fewer = written("avro"), written("avro", schema=SCHEMA[:3])
    assert whole[-16:] == written("avro", rows_of(CELLS))[-16:] != fewer[-16:]


# What the options do


def test_each_compression_is_what_it_says() -> None:
    """The same rows, packed by gzip, by zstd or not at all."""
    rows = rows_of(CELLS * 50)
    plain, gz, zst = (written("jsonl", rows, compression=packed) for packed in UNPACK)
    assert (plain[:1], gz[:2], zst[:4]) == (b"{", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
    assert len(gz) < len(plain) / 5 > len(zst)


@pytest.mark.parametrize("format_", ["avro", "parquet"])
def test_what_compresses_by_itself_is_not_compressed_again(format_: str) -> None:
    """A .parquet inside of gzip is no Parquet file; asking for it is an error, before anything is written."""
    handle = io.BytesIO()
    with pytest.raises(ValueError, match="compresses by itself"):
        open_writer(handle, format_, SCHEMA, "gzip")
    assert handle.getvalue() == b""


def test_lines_of_any_kind_can_be_compressed() -> None:
    """The same packing serves other files of lines, piece by piece."""
    handle = Kept()
    packed = compressed(handle, "zstd")
    packed.write(b'{"a":1}\n')
    packed.write(b'{"a":2}\n')
    packed.close()
    assert handle.closed
    assert UNPACK["zstd"](handle.content) == b'{"a":1}\n{"a":2}\n'


# The schema


def test_the_schema_follows_the_plan() -> None:
    """All columns of the table in their order, those that an option adds only with it, added fields at the end."""
    added = Enrichment("stance", "ml.stance", ("pro", "contra"))
    everything = [spec.name for spec in specs()]
    assert [column.name for column in schema_of(PLAN)] == everything
    assert [c.name for c in schema_of(Plan("rows"))] == [n for n in everything if n not in ("text", "country", "city")]
    *_, last = schema_of(Plan("rows", columns=("time",), enrich=(added,)))
    assert last == ColumnType("stance", "text", "label added to the posts as ml.stance: pro, contra", True)
    with pytest.raises(ValueError, match="kind rows"):
        schema_of(Plan("ids"))


def test_files_with_a_schema_say_what_their_columns_mean() -> None:
    """Avro and Parquet carry the meaning of each column, and times as times in UTC."""
    schema = schema_of(PLAN)
    meanings = {spec.name: spec.meaning for spec in specs()}
    fields = fastavro.reader(io.BytesIO(written("avro", schema=schema))).writer_schema["fields"]
    assert {field["name"]: field["doc"] for field in fields} == meanings
    assert fields[0]["type"] == ["null", {"type": "long", "logicalType": "timestamp-millis"}]
    arrow = pq.read_schema(io.BytesIO(written("parquet", schema=schema)))
    assert {field.name: field.metadata[b"description"].decode() for field in arrow} == meanings
    assert arrow.field("time").type == pa.timestamp("ms", "UTC")
    assert {str(arrow.field(name).type) for name in ("lang", "is_quote", "like_count")} == {"string", "bool", "int64"}


# Formulas


@pytest.mark.parametrize("text", ["=1+1", "+49", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "'=1", "''@a"])
def test_spreadsheets_find_no_formula_in_csv(text: str) -> None:
    """Text that they would run, or that looks as if it was made harmless already, gets a ' in front."""
    schema = [ColumnType("text", "text", "")]
    data = written("csv", Rows({"text": [text]}), schema=schema).decode()
    assert list(csv.reader(io.StringIO(data, newline=""))) == [["text"], ["'" + text]]
    assert read("csv", data.encode(), schema) == [(text,)]


@pytest.mark.parametrize("text", ["'tis 1 = 1", "a=b", " =1", "1-1", "#x @y", "", "line\n=1", "é=1"])
def test_other_text_stays_as_it_is_in_csv(text: str) -> None:
    """Only the beginning of a cell counts."""
    data = written("csv", Rows({"text": [text]}), schema=[ColumnType("text", "text", "")]).decode()
    assert list(csv.reader(io.StringIO(data, newline="")))[1] == [text]


def test_csv_has_plain_booleans_and_numbers() -> None:
    """true and false as other tools write them, numbers bare, lists as JSON text, nothing for null."""
    data = written("csv", rows_of([CELLS[0], CELLS[4]])).decode()
    assert data.split("\r\n")[1:] == [
        '2020-03-01T14:00:00Z,"Regen über Köln 🌧️👩‍👩‍👧 #Wetter",0,0.25,true,"[""Wetter"",""雨""]"',
        ",,,,,",
        "",
    ]


# Fields that users added


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("pro", "contra"), "text"),
        ((True, False), "bool"),
        ((1, 2, 3), "int"),
        ((2**63, 1), "text"),
        ((0, 0.5, 1), "float"),
        ((0.5, 2**53 + 1), "text"),
        (("pro", 1), "text"),
        ((True, 1), "text"),
        ((), "text"),
    ],
)
def test_the_type_of_an_added_field_is_that_of_its_declared_values(values: tuple[Any, ...], expected: str) -> None:
    """One type if all of them have it without loss, otherwise text."""
    assert type_of(Enrichment("label", "ml.label", values)) == expected


ADDED = (
    Enrichment("stance", "ml.stance", ("pro", "contra")),
    Enrichment("grade", "ml.grade", (1, 2)),
    Enrichment("flag", "ml.flag", (True, False)),
    Enrichment("share", "ml.share", (0, 0.5, 1)),
    Enrichment("mixed", "ml.mixed", ("none", 1, 2.5, True)),
    Enrichment("free", "ml.free"),
)
LABELS = [
    {"stance": "pro", "grade": 1, "flag": True, "share": 0.5, "mixed": "none", "free": "ok"},
    {"stance": ["pro", "contra"], "grade": 2.0, "flag": 0, "share": 1, "mixed": 2.5, "free": ["a", "b"]},
    {"stance": ["else"], "grade": ["1"], "flag": ["x"], "share": [], "mixed": True, "free": 12345.5},
    {"stance": None, "grade": True, "flag": 1.0, "share": False, "free": False},
]
AS_WRITTEN = [
    ("pro", 1, True, 0.5, "none", "ok"),
    ('["pro","contra"]', 2, False, 1.0, "2.5", '["a","b"]'),
    ("[]", None, None, None, "true", "12345.5"),
    (None, 1, True, 0.0, None, "false"),
]


@pytest.mark.parametrize("format_", FORMATS)
def test_added_fields_have_one_type_whatever_the_posts_hold(format_: str) -> None:
    """Labels equal to a declared value take its type; what is no text becomes JSON text in a column of text."""
    plan = Plan("rows", columns=(), enrich=ADDED)
    posts = [
        {"id": str(1580000000000000000 + n), "text": "Sun", "author_id": "77", "ml": labels}
        for n, labels in enumerate(LABELS)
    ]
    sifted = strip_identifiers([json.dumps(post) for post in posts], plan)
    schema = schema_of(plan)
    found = read(format_, written(format_, sifted.content, schema=schema), schema)
    assert found == AS_WRITTEN
    assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in AS_WRITTEN]


# Misfits


MISFITS = [
    ("avro", "like_count", 2**63),
    ("csv", "like_count", 2**63),
    ("parquet", "like_count", 2**63),
    ("avro", "is_reply", "secret-4711"),
    ("parquet", "is_reply", "secret-4711"),
    ("csv", "like_count", "secret-4711"),
    *((format_, "text", "secret-4711 \ud800") for format_ in FORMATS),
    *((format_, "score", "secret-4711") for format_ in FORMATS),
]


def _write_all(writer: RowWriter, rows: Rows) -> None:
    writer.write(rows)
    writer.close()


@pytest.mark.parametrize("enough", [1, 256])
@pytest.mark.parametrize(("format_", "name", "value"), MISFITS)
def test_a_misfit_is_refused_without_a_word_about_it(
    format_: str, name: str, value: Any, enough: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error shows no value, and the file is not finished: its handle stays open."""
    monkeypatch.setattr(writers, "ENOUGH", enough)
    handle, rows = Kept(), rows_of(CELLS)
    rows.columns[name][3] = value
    writer = open_writer(handle, format_, SCHEMA)
    with pytest.raises(WriteError) as error:
        _write_all(writer, rows)
    shown = "".join(traceback.format_exception(error.value))
    assert "4711" not in shown
    assert str(2**63) not in shown
    assert not handle.closed


@pytest.mark.parametrize("format_", FORMATS)
def test_columns_of_different_lengths_lose_no_row_silently(format_: str) -> None:
    """They are no rows: refused, rather than cut to the shortest."""
    rows = rows_of(CELLS)
    rows.columns["text"].pop()
    writer = open_writer(io.BytesIO(), format_, SCHEMA)
    with pytest.raises(WriteError):
        writer.write(rows)
    assert writer.rows == 0


# Memory


@pytest.mark.parametrize("format_", FORMATS)
def test_rows_that_come_one_by_one_are_encoded_together(format_: str) -> None:
    """A stream of batches of one row makes the same file as batches of many."""
    cells = (CELLS * 100)[:512]
    ones = [rows_of([cell]) for cell in cells]
    assert written(format_, *ones) == written(format_, rows_of(cells[:256]), rows_of(cells[256:]))


def test_parquet_groups_are_bounded_by_rows_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long file is many row groups, and so is one of long texts."""
    monkeypatch.setattr(writers, "ENOUGH", 1)

    def groups(*batches: Rows) -> int:
        return pq.ParquetFile(io.BytesIO(written("parquet", *batches))).num_row_groups

    one = rows_of(CELLS[:1])
    assert groups(*[one] * 40) == 1
    monkeypatch.setattr(formats_arrow, "GROUP_ROWS", 10)
    assert groups(*[one] * 40) == 4
    monkeypatch.setattr(formats_arrow, "GROUP_ROWS", 1000)
    monkeypatch.setattr(formats_arrow, "GROUP_BYTES", 100_000)
    assert groups(*[rows_of([(None, "x" * 60_000, None, None, None, None)])] * 4) == 2


def test_avro_blocks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block is written once enough rows are held."""
    monkeypatch.setattr(writers, "ENOUGH", 1)

    def blocks(count: int) -> list[int]:
        data = written("avro", *[rows_of(CELLS[:1])] * count)
        return [block.num_records for block in fastavro.block_reader(io.BytesIO(data))]

    assert blocks(40) == [40]
    monkeypatch.setattr(avro, "BLOCK_BYTES", 600)
    assert len(blocks(40)) > 3
    assert sum(blocks(40)) == 40
