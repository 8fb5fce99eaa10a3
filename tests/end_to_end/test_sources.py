"""From patterns to batches of lines: whatever files look like, each payload is read once or rejected once."""

import bz2
import codecs
import gzip
import io
import json
import lzma
import os
import pickle
from datetime import datetime, timezone
from decimal import Decimal
from typing import ClassVar

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from apache_beam.io.filesystem import FileMetadata, FileSystem, MatchResult
from hypothesis import given, settings
from hypothesis import strategies as st

from xsieve.pipelines.readers import gather, read
from xsieve.pipelines.sources import Piece, Source, describe, find, pieces
from xsieve.pipelines.streams import SourceError
from xsieve.transforms.records.batch import RawBatch, Reason, Reject
from xsieve.transforms.records.plan import Plan
from xsieve.transforms.records.sieves import sieve_for

COMPRESS = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
POSTS = [
    {
        "id": 1190000000000000000 + number,
        "id_str": str(1190000000000000000 + number),
        "text": "مرحبا \"quoted\" back\\slash {brace} 😀\n" * (number % 3),
        "user": {"id": 77, "screen_name": "anna_example", "protected": False, "entities": {}},
        "retweeted_status": {"id": 5, "user": {"id": 78}, "entities": {"urls": []}} if number % 2 else None,
        "source": '<a href="https://example.org" rel="nofollow">Example App</a>',
    }
    for number in range(40)
]  # fmt: skip
JSONL = "".join(json.dumps(post) + "\n" for post in POSTS).encode()


@pytest.fixture
def put(tmp_path):
    """Writes a file below tmp_path and gives its path."""

    def write(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)

    return write


def read_all(pattern, piece_bytes=1 << 30, **options):
    """What all pieces of all sources give: lines without blank ones, and rejects."""
    batches, rejects = [], []
    for source in find(pattern):
        for piece in pieces(source, piece_bytes):
            for item in read(piece, **options):
                (batches if isinstance(item, RawBatch) else rejects).append(item)
    return [line for batch in batches for line in batch.lines.split(b"\n") if line.strip()], rejects


dehydrate_batch = sieve_for(Plan("ids"))


def documents_in(pattern, **options):
    """The documents in files that hold nothing to reject."""
    lines, rejects = read_all(pattern, **options)
    assert rejects == []
    return [json.loads(line) for line in lines]


# --- what files look like


ARRANGEMENTS = {
    "lines": JSONL,
    "lines, last one without its break": JSONL[:-1],
    "lines of Windows": JSONL.replace(b"\n", b"\r\n"),
    "lines with blank ones between": b"\n \n" + JSONL.replace(b"\n", b"\n\n"),
    "a mark of UTF-8": codecs.BOM_UTF8 + JSONL,
    "a mark of UTF-8, pretty": codecs.BOM_UTF8 + json.dumps(POSTS, indent=2).encode(),
    "UTF-16 as PowerShell writes it": JSONL.decode().replace("\n", "\r\n").encode("utf-16"),
    "UTF-16 the other way round": codecs.BOM_UTF16_BE + JSONL.decode().encode("utf-16-be"),
    "an array on one line": json.dumps(POSTS).encode(),
    "an array, pretty": json.dumps(POSTS, indent=4, ensure_ascii=False).encode(),
    "an array, an element a line": b"[\n" + JSONL[:-1].replace(b"\n", b",\n") + b"\n]\n",
    "documents one after another, pretty": "\n".join(json.dumps(p, indent=2) for p in POSTS).encode(),
    "documents that touch": JSONL.replace(b"\n", b""),
    "arrays, one a line": json.dumps(POSTS[:30]).encode() + b"\n" + json.dumps(POSTS[30:]).encode() + b"\n",
}


@pytest.mark.parametrize("compression", ["none", *COMPRESS])
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_posts_come_out_the_same_whatever_the_file_looks_like(put, arrangement, compression):
    """Told by content: the names of the files say nothing."""
    content = ARRANGEMENTS[arrangement]
    path = put("export.data", content if compression == "none" else COMPRESS[compression](content))
    (source,) = find(path)
    assert source.compression == compression
    assert documents_in(path) == POSTS
    assert documents_in(path, batch_bytes=200, piece_bytes=333) == POSTS


def test_what_a_file_holds_is_told_by_its_content(put):
    """Lines can be cut into pieces, documents cannot."""
    put("a.json", JSONL)
    put("b.jsonl", json.dumps(POSTS[0], indent=2).encode())
    put("c.txt", gzip.compress(JSONL))
    assert [(s.format, s.compression) for s in find(os.path.dirname(put("d.json", b"[]")))] == [
        ("lines", "none"),
        ("documents", "none"),
        ("lines", "gzip"),
        ("documents", "none"),
    ]


def test_a_first_line_longer_than_the_head_is_still_recognised(put):
    """A page of a hundred kilobytes a line, or all of it in an array on one line."""
    long = {"text": "x" * 200_000}
    assert documents_in(put("lines", json.dumps(long).encode() + b"\n" + JSONL)) == [long, *POSTS]
    assert documents_in(put("array", json.dumps([long, *POSTS]).encode())) == [long, *POSTS]


def test_an_array_among_lines_is_unfolded_at_its_place(put):
    """Tools that page append an array for each page, and an object for what is not paged."""
    path = put("mixed.jsonl", JSONL * 80 + json.dumps(POSTS[:2]).encode() + b"\n" + JSONL)
    assert [s.format for s in find(path)] == ["lines"]
    batches = [found for piece in pieces(find(path)[0], 5000) for found in read(piece)]
    ids = [number for batch in batches for number in dehydrate_batch(batch).content]
    assert ids == [post["id"] for post in POSTS * 80 + POSTS[:2] + POSTS]
    array = next(batch for batch in batches if b"\n[" in batch.lines)
    assert [reject.reason for reject in dehydrate_batch(array._replace(arrays=False)).rejects] == [Reason.UNKNOWN_SHAPE]


def test_an_empty_file_is_a_source_without_payloads(put):
    """Also where what is empty is compressed, or an array."""
    for name, content in (
        ("a", b""),
        ("b", b"\n\n"),
        ("c", gzip.compress(b"")),
        ("d", b"[]"),
        ("e", b"[\n]\n"),
    ):
        assert len(find(put(name, content))) == 1
        assert documents_in(put(name, content)) == []


def test_an_archive_is_refused_with_what_to_do(put):
    """Zip and tar hold files, not payloads."""
    with pytest.raises(SourceError, match=r"^source 0: is a zip archive; expected the files in it$"):
        find(put("export.zip", b"PK\x03\x04" + bytes(60)))
    with pytest.raises(SourceError, match="is a tar archive"):
        find(put("export.tar.gz", gzip.compress(bytes(257) + b"ustar" + bytes(250))))


# --- pieces and batches


@given(
    content=st.lists(st.sampled_from([b"\n", b"{}", b"a", b'{"id": 1}\n', b"\r\n", b"x" * 30]), max_size=30).map(
        b"".join
    ),
    piece_bytes=st.integers(1, 60),
    batch_bytes=st.integers(5, 50),
)
@settings(max_examples=150, deadline=None)
def test_any_split_of_a_file_gives_each_line_once(tmp_path_factory, content, piece_bytes, batch_bytes):
    """A line belongs to the piece in which its first byte lies; offsets are those of the file."""
    path = tmp_path_factory.getbasetemp() / "split.jsonl"
    path.write_bytes(content)
    source = Source(0, str(path), len(content), "lines")
    found = {}
    for piece in pieces(source, piece_bytes):
        for batch in read(piece, batch_bytes):
            at = batch.offset
            for line in batch.lines.splitlines(keepends=True):
                assert at not in found
                assert piece.start <= at < piece.end
                found[at] = line
                at += len(line)
    expected = {}
    at = 0
    for line in content.splitlines(keepends=True):
        expected[at] = line
        at += len(line)
    blank = {at for at, line in expected.items() if not line.strip()}
    assert {at: line for at, line in found.items() if at not in blank} == {
        at: line for at, line in expected.items() if at not in blank
    }


def test_pieces_cover_a_file_and_travel(put):
    """Pieces are cheap values that workers receive."""
    (source,) = find(put("a.jsonl", JSONL))
    parts = pieces(source, 1000)
    assert [part.end for part in parts[:-1]] == [part.start for part in parts[1:]]
    assert (parts[0].start, parts[-1].end) == (0, len(JSONL))
    assert pickle.loads(pickle.dumps(parts)) == parts


def test_what_cannot_be_cut_is_one_piece(put):
    """Compressed files and documents over several lines are read from their beginning."""
    for content in (gzip.compress(JSONL), json.dumps(POSTS, indent=1).encode()):
        (source,) = find(put("a", content))
        assert pieces(source, 10) == [Piece(source)]


def test_batches_are_about_as_large_as_asked_for(put):
    """Many small lines make batches of the size; bytes and offsets add up."""
    (source,) = find(put("a.jsonl", JSONL * 10))
    batches = list(read(Piece(source), 4096))
    assert max(len(batch.lines) for batch in batches) < 4096 + 2 * max(map(len, JSONL.split(b"\n")))
    assert b"".join(batch.lines for batch in batches) == JSONL * 10
    assert batches[3].offset == sum(len(batch.lines) for batch in batches[:3])


# --- what is broken


def test_a_line_that_is_too_large_costs_one_reject_and_the_lines_beside_it_are_kept(put):
    """Of any size, without being held; at its offset, in whichever piece it begins."""
    large = b'{"text": "' + b"x" * 5_000_000 + b'"}\n'
    path = put("a.jsonl", JSONL + large + JSONL)
    for piece_bytes in (1 << 30, 700_000, 9_999):
        lines, rejects = read_all(path, piece_bytes, batch_bytes=50_000, max_payload=1_000_000)
        assert rejects == [Reject(Reason.TOO_LARGE, "read", "unknown", 0, len(JSONL))]
        assert [json.loads(line) for line in lines] == POSTS + POSTS


def test_a_document_that_is_too_large_costs_one_reject(put):
    """Inside of an array, too, and where it is the last one and has no end."""
    large = json.dumps({"text": ["x" * 1000] * 300}, indent=1)
    first, last = json.dumps(POSTS[0]), json.dumps(POSTS[1])
    for text, good in ((f"[{first},\n{large}, {last}]", POSTS[:2]), (f"[{first},\n{large[:-9]}", POSTS[:1])):
        lines, rejects = read_all(put("a.json", text.encode()), batch_bytes=10_000, max_payload=100_000)
        assert [(reject.reason, reject.offset) for reject in rejects] == [(Reason.TOO_LARGE, text.index(large[:50]))]
        assert [json.loads(line) for line in lines] == good


def test_a_line_without_end_is_never_held():
    """A gigabyte without a line break takes as much memory as a block."""
    held = []

    def blocks():
        for _ in range(1000):
            held.append(memory_of(lines))
            yield bytes(1 << 20)

    def memory_of(generator):
        frame = generator.gi_frame
        kept = frame.f_locals["lines"] if frame else None
        return sum(map(len, kept._held)) if kept else 0

    lines = gather(blocks(), 3, 0, framed=False, max_payload=4 << 20)
    assert list(lines) == [Reject(Reason.TOO_LARGE, "read", "unknown", 3, 0)]
    assert max(held) <= 4 << 20


@pytest.mark.parametrize("compression", COMPRESS)
def test_of_a_compressed_file_that_was_cut_the_good_lines_are_kept(put, compression):
    """And one reject says that there should have been more."""
    content = b"".join(json.dumps({"id": n, "x": os.urandom(40).hex()}).encode() + b"\n" for n in range(20_000))
    packed = COMPRESS[compression](content)
    lines, rejects = read_all(put("a", packed[: len(packed) * 2 // 3]))
    assert [reject.reason for reject in rejects] == [Reason.TRUNCATED]
    assert lines
    assert lines == content.split(b"\n")[: len(lines)]
    assert rejects[0].offset == sum(len(line) + 1 for line in lines)


@pytest.mark.parametrize("compression", COMPRESS)
def test_all_streams_of_a_compressed_file_are_read(put, compression):
    """Rotated logs are appended to one another; padding with zeros may follow."""
    packed = b"".join(COMPRESS[compression](line + b"\n") for line in JSONL.split(b"\n")) + bytes(20)
    assert documents_in(put("a", packed)) == POSTS


def test_what_is_no_compressed_data_any_more_costs_one_reject(put):
    """The lines before the damage are kept."""
    path = put("a.gz", gzip.compress(JSONL) + b"what is this")
    lines, rejects = read_all(path)
    assert [json.loads(line) for line in lines] == POSTS
    assert rejects == [Reject(Reason.UNREADABLE, "read", "unknown", 0, len(JSONL))]


def test_a_document_that_ends_too_early_costs_one_reject(put):
    """The last element of an array whose writer was stopped."""
    text = json.dumps(POSTS[:3], indent=2).encode()
    lines, rejects = read_all(put("a.json", text[:-30]))
    assert [json.loads(line) for line in lines] == POSTS[:2]
    assert [(r.reason, r.offset, r.unit) for r in rejects] == [
        (Reason.TRUNCATED, text.rindex(b'  {\n    "id": 11') + 2, "byte")
    ]


def test_lines_are_framed_not_judged(put):
    """Zeros, invalid UTF-8, half lines and deep nesting go to the sieve as they are, like good lines."""
    bad = [b"\x00\x00", b'{"a": "\xff\xfe"}', b'{"cut": "o', b"[" * 1000, b'{"a":' * 1000, b"no JSON", b"7"]
    good = JSONL.strip().split(b"\n")
    lines = [*good, *bad, *good]
    assert read_all(put("a.jsonl", b"\n".join(lines)), piece_bytes=500) == (lines, [])


def test_a_file_of_headings_and_pretty_documents_gives_all_documents(put):
    """What is no document is a line of its own, for the sieve to count."""
    text = (
        "Classic post, extended mode\n"
        + json.dumps(POSTS[1], indent=2)
        + "\nAnother\n"
        + json.dumps(POSTS[2], indent=2)
    )
    lines, rejects = read_all(put("a.json", text.encode()))
    assert (lines[0], json.loads(lines[1]), lines[2], json.loads(lines[3]), rejects) == (
        b"Classic post, extended mode", POSTS[1], b"Another", POSTS[2], [],
    )  # fmt: skip


def test_a_source_that_vanished_is_an_error_of_the_run(put):
    """Its number is named, not its path."""
    path = put("handle_of_somebody.jsonl", JSONL)
    (source,) = find(path)
    os.remove(path)
    with pytest.raises(SourceError, match=r"^source 0 can no longer be opened$"):
        list(read(pieces(source, 100)[0]))


def test_a_source_that_shrank_is_not_taken_for_whole(put):
    """One reject where bytes are missing that were there when the source was found."""
    path = put("a.jsonl", JSONL)
    (source,) = find(path)
    put("a.jsonl", JSONL[:100])
    assert [item.reason for item in read(Piece(source, 0, source.size)) if isinstance(item, Reject)] == [
        Reason.TRUNCATED
    ]


def test_a_line_cut_anywhere_costs_no_line_beside_it(put):
    """Also where the cut leaves something that the next line could be a part of."""
    first, second, third = JSONL.strip().split(b"\n")[:3]
    for at in range(1, len(second)):
        lines = [first, second[:at], third]
        assert read_all(put("a.jsonl", b"\n".join(lines) + b"\n")) == (lines, [])
        assert read_all(put("a.jsonl", b"\n".join(lines[1:]) + b"\n")) == (lines[1:], [])


# --- finding


def names(sources):
    return [os.path.basename(source.path) for source in sources]


def test_sources_are_numbered_in_the_order_of_their_paths_each_once(put):
    """Files that several patterns name are read once; the order of the patterns does not matter."""
    for name in ("b.jsonl", "a.jsonl", "sub/c.jsonl"):
        put(name, JSONL)
    folder = os.path.dirname(put("d.txt", b"{}"))
    found = find([f"{folder}/b*", folder, f"{folder}/./a.jsonl"])
    assert [(source.number, os.path.relpath(source.path, folder)) for source in found] == [
        (0, "a.jsonl"), (1, "b.jsonl"), (2, "d.txt"), (3, "sub/c.jsonl"),
    ]  # fmt: skip
    assert found[0].size == len(JSONL)
    assert found[0].mtime_ns == os.stat(found[0].path).st_mtime_ns
    assert describe(found)[3] == {"number": 3, "path": found[3].path, "size": len(JSONL)}


def test_a_folder_is_read_with_all_below_it_but_hidden_and_temporary_files(put):
    """What other programs leave beside their output is no data."""
    for name in (
        "part-0.json",
        "deep/er/part-1.json",
        "_SUCCESS",
        ".part-0.crc",
        "x.tmp",
        "_temporary/p.json",
        ".git/p",
    ):
        folder = put(name, b"{}")[: -len(name)]
    assert names(find(folder)) == ["part-1.json", "part-0.json"]


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("*.jsonl", ["a.jsonl"]),
        ("**/*.jsonl", ["a.jsonl", "b.jsonl", "c.jsonl"]),
        ("20??/*", ["b.jsonl", "b.txt"]),
        ("20[12]*/**/*.jsonl", ["b.jsonl", "c.jsonl"]),
        ("**", ["b.jsonl", "b.txt", "c.jsonl", "a.jsonl"]),
    ],
)
def test_globs_name_files_on_this_machine_and_on_any_file_system_alike(put, memory, glob, expected):
    """``*`` stays in its folder, ``**`` is any number of folders."""
    for name in ("a.jsonl", "2019/b.jsonl", "2019/b.txt", "2020/01/c.jsonl"):
        folder = put(name, JSONL)[: -len(name)]
        memory.files[f"mem://bucket/{name}"] = JSONL
    assert sorted(names(find(folder + glob))) == sorted(expected)
    assert sorted(names(find("mem://bucket/" + glob))) == sorted(expected)


def test_what_is_excluded_is_not_read(put):
    """Patterns to exclude may begin at any folder."""
    for name in ("a.jsonl", "a.err.jsonl", "errors/b.jsonl", "sub/errors/c.jsonl", "sub/stderr.jsonl"):
        folder = put(name, b"{}")[: -len(name)]
    assert names(find(folder, exclude=["**/*err*"])) == ["a.jsonl", "b.jsonl", "c.jsonl"]
    assert names(find(folder, exclude=["errors/*", "*.err.*"])) == ["a.jsonl", "stderr.jsonl"]
    assert names(find(folder, exclude=[f"{folder}sub/**"])) == ["a.err.jsonl", "a.jsonl", "b.jsonl"]
    with pytest.raises(SourceError, match="leave no file"):
        find(folder, exclude=["**"])


def test_a_pattern_that_names_nothing_is_named(put):
    """A mistyped pattern beside a good one is no empty input."""
    good = put("a.jsonl", JSONL)
    for wrong in ("nowhere/*.jsonl", "b.jsonl", f"{good}.gz", f"{os.path.dirname(good)}/*.zst"):
        with pytest.raises(SourceError) as error:
            find([good, wrong])
        assert str(error.value) == f"{wrong}: there is no such file, nor any that matches"


def test_a_file_with_wildcards_in_its_name_is_that_file(put):
    """What exists is not a pattern."""
    assert documents_in(put("posts [1]?.jsonl", JSONL)) == POSTS


def test_a_file_system_that_is_not_there_is_an_error_that_names_the_pattern():
    """No message of a library goes with it."""
    with pytest.raises(SourceError, match=r"^nowhere://bucket/\*: cannot be listed; does apache-beam") as error:
        find("nowhere://bucket/*")
    assert error.value.__cause__ is None


# --- other file systems


class MemoryFileSystem(FileSystem):
    """A file system of Beam with the scheme mem://."""

    files: ClassVar[dict[str, bytes]] = {}

    @classmethod
    def scheme(cls):
        return "mem"

    def match(self, patterns, limits=None):
        def listed(pattern):
            start = pattern.split("*")[0]
            for path, content in self.files.items():
                if path == pattern or ("*" in pattern and path.startswith(start)):
                    yield FileMetadata(path, len(content), 1577836800.5)

        return [MatchResult(pattern, list(listed(pattern))) for pattern in patterns]

    def open(self, path, mime_type=None, compression_type="auto"):
        return io.BytesIO(self.files[path])

    def join(self, basepath, *paths): ...
    def split(self, path): ...
    def mkdirs(self, path): ...
    def has_dirs(self): ...
    def _list(self, dir_or_prefix): ...
    def create(self, path, mime_type=None, compression_type="auto"): ...
    def copy(self, source_file_names, destination_file_names): ...
    def rename(self, source_file_names, destination_file_names): ...
    def exists(self, path): ...
    def size(self, path): ...
    def last_updated(self, path): ...
    def checksum(self, path): ...
    def metadata(self, path): ...
    def delete(self, paths): ...


@pytest.fixture
def memory():
    MemoryFileSystem.files.clear()
    return MemoryFileSystem


def test_any_file_system_of_beam_is_read(memory):
    """Files, folders and globs; in pieces, compressed, as documents and as containers."""
    table = io.BytesIO()
    pq.write_table(pa.table({"payload": [json.dumps(post) for post in POSTS]}), table)
    memory.files |= {
        "mem://bucket/x/a.jsonl": JSONL,
        "mem://bucket/x/b.jsonl.gz": gzip.compress(JSONL),
        "mem://bucket/x/y/c.json": json.dumps(POSTS, indent=2).encode(),
        "mem://bucket/x/d.parquet": table.getvalue(),
        "mem://bucket/x/_SUCCESS": b"",
        "mem://bucket/xx": JSONL,
    }
    assert names(find("mem://bucket/x")) == ["a.jsonl", "b.jsonl.gz", "d.parquet", "c.json"]
    assert find("mem://bucket/x/a.jsonl")[0].mtime_ns == 1577836800_500_000_000
    assert documents_in("mem://bucket/x/", piece_bytes=2000) == POSTS * 4


# --- Avro and Parquet


RECORDS = [
    {
        "id": 1190000000000000001,
        "author": {"id": Decimal("9007199254740993"), "name": None},
        "created_at": datetime(2019, 11, 1, 12, 30, 15, 123456, tzinfo=timezone.utc),
        "tags": ["😀", "شكرا"],
        "raw_bytes": b"abc",
    },
    {"id": None, "author": None, "created_at": None, "tags": [], "raw_bytes": None},
]
AS_JSON = [
    {
        "id": 1190000000000000001,
        "author": {"id": 9007199254740993},
        "created_at": "2019-11-01T12:30:15.123Z",
        "tags": ["😀", "شكرا"],
        "raw_bytes": "abc",
    },
    {"tags": []},
]
AVRO_SCHEMA = {
    "type": "record",
    "name": "post",
    "fields": [
        {"name": "id", "type": ["null", "long"]},
        {
            "name": "author",
            "type": [
                "null",
                {
                    "type": "record",
                    "name": "author",
                    "fields": [
                        {
                            "name": "id",
                            "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 0},
                        },
                        {"name": "name", "type": ["null", "string"]},
                    ],
                },
            ],
        },
        {"name": "created_at", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "raw_bytes", "type": ["null", "bytes"]},
    ],
}


def avro(schema, records, **options):
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(schema), records, **options)
    return file.getvalue()


def parquet(table, **options):
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def test_records_of_avro_are_documents(put):
    """Ids keep all digits, times are as X writes them, what is null is absent."""
    assert documents_in(put("a", avro(AVRO_SCHEMA, RECORDS, codec="deflate"))) == AS_JSON


def test_records_of_parquet_are_documents(put):
    """Also times in nanoseconds and in other zones, at any depth."""
    times = pa.array([r["created_at"] for r in RECORDS], pa.timestamp("ns", "America/New_York"))
    nested = pa.StructArray.from_arrays([times], names=["at"])
    table = pa.Table.from_pylist([{k: v for k, v in r.items() if k != "created_at"} for r in RECORDS])
    table = table.append_column("created_at", times).append_column("nested", nested)
    expected = [{**AS_JSON[0], "nested": {"at": "2019-11-01T12:30:15.123Z"}}, {**AS_JSON[1], "nested": {}}]
    assert documents_in(put("a", parquet(table, row_group_size=1))) == expected


@pytest.mark.parametrize("column", ["payload", "json", "raw", "data_json", "tweet", "value", "anything"])
@pytest.mark.parametrize("kind", [pa.string(), pa.binary(), pa.large_string()])
def test_a_column_that_holds_the_payload_as_json_is_the_payload(put, column, kind):
    """Named as people name it, or the only text there is; pretty-printed or not."""
    texts = [json.dumps(post, indent=2 if number % 2 else None).encode() for number, post in enumerate(POSTS)]
    table = pa.table({"offset": range(40), column: pa.array(texts, pa.binary()).cast(kind)})
    assert documents_in(put("a", parquet(table))) == POSTS
    schema = {"type": "record", "name": "r", "fields": [{"name": column, "type": "bytes"}]}
    assert documents_in(put("b", avro(schema, [{column: text} for text in texts]))) == POSTS


def test_a_text_that_only_looks_like_a_brace_is_no_payload(put):
    """A post may say {hello}."""
    assert documents_in(put("a", parquet(pa.table({"id": [1], "text": ["{hello}"]})))) == [{"id": 1, "text": "{hello}"}]


def test_offsets_in_containers_count_records(put):
    """Rejects say which record; the good ones beside it are kept."""
    table = pa.table({"payload": ["{}", '{"a": "%s"}' % ("x" * 500), '{"b": 1}', '{"c": 1}']})
    (source,) = find(put("a", parquet(table)))
    assert list(read(Piece(source), max_payload=100)) == [
        RawBatch(b"{}", 0, 0, "record"),
        Reject(Reason.TOO_LARGE, "read", "unknown", 0, 1, "record"),
        RawBatch(b'{"b": 1}\n{"c": 1}', 0, 2, "record"),
    ]
    assert [batch.offset for batch in read(Piece(source), batch_bytes=1)] == [0, 1, 2, 3]


def test_of_an_avro_file_that_was_cut_the_good_records_are_kept(put):
    """One reject, at the number of the first record that is lost."""
    content = avro(AVRO_SCHEMA, RECORDS * 5000, sync_interval=1000)
    lines, rejects = read_all(put("a", content[: len(content) // 2]))
    assert [json.loads(line) for line in lines[:2]] == AS_JSON
    assert [(r.reason, r.offset, r.unit) for r in rejects] == [(Reason.TRUNCATED, len(lines), "record")]


def test_invalid_text_in_avro_costs_no_other_record(put):
    """What cannot be written as JSON is rejected alone."""
    schema = {
        "type": "record",
        "name": "r",
        "fields": [{"name": "id", "type": "int"}, {"name": "text", "type": "string"}],
    }
    content = avro(schema, [{"id": 1, "text": "good"}, {"id": 2, "text": "evil"}, {"id": 3, "text": "good"}])
    lines, rejects = read_all(put("a", content.replace(b"evil", b"\xff\xfe\xfd\xfc")))
    assert [json.loads(line)["id"] for line in lines] == [1, 3]
    assert [(reject.reason, reject.offset) for reject in rejects] == [(Reason.NOT_ENCODABLE, 1)]


def test_a_container_that_cannot_be_read_at_all_is_an_error_of_the_run(put):
    """A Parquet file whose end is missing has no known record."""
    whole = parquet(pa.table({"payload": ["{}"]}))
    with pytest.raises(SourceError, match=r"^source 0 cannot be read as Parquet$"):
        read_all(put("a", whole[:-10]))
    with pytest.raises(SourceError, match=r"^source 0 cannot be read as Avro$"):
        read_all(put("b", b"Obj\x01 and nothing else"))
    with pytest.raises(SourceError, match="parquet inside of gzip"):
        find(put("c", gzip.compress(whole)))
