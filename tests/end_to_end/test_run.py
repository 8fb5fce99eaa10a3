"""Whole runs: files in, outputs on disk, and a summary in which every record is accounted for."""

import bz2
import gzip
import io
import json
import logging
import random
import re
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import pairwise

import fastavro
import payloads
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from outputs import ids, in_order, in_python, lines, manifest, names, rows, settings
from planting import IN_TEXT, Haystack
from templates import activity, v1_post, v1_quote, v1_repost, v1_user, v2_page, v2_post, v2_user

from xsieve.pipelines import graph, readers
from xsieve.pipelines.execute import RunError
from xsieve.pipelines.publish import PublishError
from xsieve.pipelines.run import run
from xsieve.pipelines.streams import SourceError
from xsieve.transforms import Plan, drop_sensitive, strip_identifiers
from xsieve.transforms.records.batch import Reason
from xsieve.transforms.records.times import EPOCH_MS

ROWS, IDS, STORE = {"kind": "rows"}, {"kind": "ids"}, {"kind": "store"}
NOON = datetime(2022, 11, 12, 12, tzinfo=timezone.utc)


def id_at(moment: datetime, number: int = 0) -> str:
    """The id that a post of that moment has."""
    return str((int(moment.timestamp() * 1000) - EPOCH_MS << 22) + number)


def at(moment: datetime) -> str:
    return moment.strftime("%a %b %d %H:%M:%S +0000 %Y")


def jsonl(*found) -> bytes:
    return b"".join(json.dumps(payload, ensure_ascii=False).encode() + b"\n" for payload in found)


def dm(number: str) -> dict:
    return {"type": "message_create", "id": number, "message_create": {"message_data": {"text": "see you"}}}


POSTS = [
    v1_post(id_at(NOON + timedelta(minutes=17 * n), n), text=f"day {n} at the lake 🏔️ שלום #{n}") for n in range(300)
]
OLD_IDS = [20, 1234567, 99_999_999_999_999]  # from before ids held their time
PAGES = [v2_page(*(v2_post(id_at(NOON + timedelta(hours=n, seconds=m), 400)) for m in range(3))) for n in range(4)]
ACTIVITIES = [activity(id_at(NOON - timedelta(days=n), 401)) for n in range(5)]
QUOTED, ORIGINAL = v1_post(id_at(NOON, 901), "77"), v1_post(id_at(NOON, 902), "78")
NESTED = [v1_quote(QUOTED) | {"id_str": id_at(NOON, 903)}, v1_repost(ORIGINAL, id_str=id_at(NOON, 904))]
NESTED = [post | {"id": int(post["id_str"]), "user": v1_user("79")} for post in NESTED]
CLOSED = v1_post(id_at(NOON, 905), user=v1_user("80", protected=True))
USERS = [v1_user("81"), v2_user("82"), v1_user("83", protected=True)]
MESSAGES = [dm(id_at(NOON, 906)), dm(id_at(NOON, 907))]
OLD = [v1_post(str(number)) for number in OLD_IDS]
EVERYTHING = [*POSTS, *PAGES, *ACTIVITIES, *NESTED, CLOSED, *USERS, *MESSAGES, {"delete": {"status": {"id": 5}}}, *OLD]
BROKEN = b'{"id": 159000000\n\x00\xff\n{"a": 1}\n'
POST_IDS = sorted(
    {int(post["id_str"]) for post in POSTS + NESTED + OLD}
    | {int(post["id"]) for page in PAGES for post in page["data"]}
    | {int(post["id"].rpartition(":")[2]) for post in ACTIVITIES}
)


def packed(found: list[dict], kind: str) -> bytes:
    """Payloads in a container, one in a record."""
    texts = [json.dumps(payload) for payload in found]
    file = io.BytesIO()
    if kind == "avro":
        schema = {"type": "record", "name": "Post", "fields": [{"name": "payload", "type": "string"}]}
        fastavro.writer(file, schema, [{"payload": text} for text in texts])
    else:
        pq.write_table(pa.table({"payload": texts}), file)
    return file.getvalue()


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """Payloads of many shapes in files of all formats, some of them twice; and what could not be read among them."""
    folder = tmp_path_factory.mktemp("everything")
    (folder / "in" / "deep").mkdir(parents=True)
    files = {
        "a.jsonl": jsonl(*POSTS[:150]) + BROKEN + b"\r\n\n",
        "b.jsonl.gz": gzip.compress(jsonl(*POSTS[100:200])),
        "c.jsonl.zst": zstandard.compress(jsonl(*POSTS[200:], *OLD)),
        "d.jsonl.bz2": bz2.compress(jsonl(*ACTIVITIES, *NESTED, CLOSED)),
        "deep/pretty.json": json.dumps(PAGES[0], indent=2).encode(),
        "deep/list.json": json.dumps([*PAGES[1:], EVERYTHING[-4]], indent=1).encode(),
        "f.avro": packed(USERS, "avro"),
        "g.parquet": packed(MESSAGES + POSTS[:7], "parquet"),
        "empty.jsonl": b"",
    }
    for name, data in files.items():
        (folder / "in" / name).write_bytes(data)
    return folder


READ_TWICE = POSTS[100:150] + POSTS[:7]
REJECTED = {"not_json": 1, "not_utf8": 1, "unknown_shape": 1}
OUTPUTS = {
    "jsonl": ROWS,
    "jsonl_gz": {**ROWS, "write": {"compression": "gzip"}},
    "csv": {**ROWS, "write": {"format": "csv"}},
    "csv_zst": {**ROWS, "write": {"format": "csv", "compression": "zstd"}},
    "avro": {**ROWS, "write": {"format": "avro"}},
    "parquet": {**ROWS, "write": {"format": "parquet"}},
    "text": {**ROWS, "text": "scrub"},
    "posts": IDS,
    "nested": {**IDS, "nested": True},
    "days": {**IDS, "split": "utc_day"},
    "hours": {**IDS, "split": "utc_hour"},
    "users": {**IDS, "ids": "user"},
    "messages": {**IDS, "ids": "dm"},
    "store": STORE,
    "store_gz": {**STORE, "write": {"compression": "gzip"}},
    "store_zst": {**STORE, "write": {"compression": "zstd"}},
}


@pytest.fixture(scope="module")
def done(everything):
    """The summary of one run with an output of every kind, and the folder of its outputs; ids fall into several parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "IDS_PART_BYTES", 40_000)
        summary = run(settings(everything, OUTPUTS, rejects=str(everything / "rejects")))
    return summary, everything / "out"


# --- what comes out


@pytest.mark.parametrize("name", ["jsonl", "jsonl_gz", "csv", "csv_zst", "avro", "parquet", "text"])
def test_rows_are_the_same_in_every_format(done, name):
    """Whatever rows are written as, they are what the verb makes of the payloads; each public post is one."""
    _, out = done
    plan = Plan("rows", text=name == "text", attested=True)
    expected = strip_identifiers(jsonl(*EVERYTHING, *READ_TWICE), plan).content.as_dicts()
    assert len(expected) == len(POST_IDS) + len(READ_TWICE)
    found = rows(out / name)
    if "csv" in name:  # which has no lists, and no text "" apart from null
        expected = [{k: v or (v if v in (0, False) else None) for k, v in row.items()} for row in expected]
        found = [{k: v or (v if v in (0, False) else None) for k, v in row.items()} for row in found]
    assert in_order(found) == in_order(expected)


def test_ids_are_distinct_over_files_batches_and_parts(done):
    """An id in three files comes out once; parts are ascending, and no id lies in two of them."""
    _, out = done
    parts = [
        [int(line) for line in (out / "posts" / e["name"]).read_text().split()]
        for e in manifest(out / "posts")["files"]
    ]
    assert len(parts) > 2
    assert all(list(part) == sorted(part) for part in parts)
    assert sorted(number for part in parts for number in part) == POST_IDS
    assert {entry["name"] for entry in manifest(out / "posts")["files"]} == {
        f"ids-{number:05d}-of-{len(parts):05d}.txt" for number in range(len(parts))
    }


def test_ids_are_split_by_their_own_day_or_hour(done):
    """The name of a file says when its ids were made, in UTC; ids from before they held their time are undated."""
    _, out = done
    for name, form in (("days", "ids-%Y-%m-%d"), ("hours", "ids-%Y-%m-%dT%H")):
        assert sorted(ids(out / name)) == POST_IDS
        undated = []
        for entry in manifest(out / name)["files"]:
            found = [int(line) for line in (out / name / entry["name"]).read_text().split()]
            assert found == sorted(found)
            stem = re.sub(r"(-\d{5}-of-\d{5})?\.txt$", "", entry["name"])
            if stem == "ids-undated":
                undated += found
                continue
            for number in found:
                made = datetime.fromtimestamp(((number >> 22) + EPOCH_MS) / 1000, timezone.utc)
                assert made.strftime(form) == stem
        assert sorted(undated) == OLD_IDS


@pytest.mark.parametrize("name", ["posts", "nested", "days", "hours", "users", "messages"])
def test_files_of_ids_hold_decimal_ids_one_a_line_and_nothing_else(done, name):
    """No header, no blank line, no quotes, no carriage return; a line feed after each id, the last one too."""
    _, out = done
    for entry in manifest(out / name)["files"]:
        data = (out / name / entry["name"]).read_bytes()
        assert entry["name"].endswith(".txt")
        assert data.endswith(b"\n")
        found = data[:-1].split(b"\n")
        assert all(line.isdigit() and not line.startswith(b"0") for line in found)
        assert entry["units"] == len(found) == len(set(found))


def test_ids_are_those_that_were_asked_for(done):
    """Nested posts, authors and messages come only where they are asked for; what is closed in none."""
    _, out = done
    inside = {int(post["id_str"]) for post in (QUOTED, ORIGINAL)}
    assert set(ids(out / "nested")) == set(POST_IDS) | inside
    assert set(ids(out / "messages")) == {int(message["id"]) for message in MESSAGES}
    authors = {int(post["user"]["id_str"]) for post in POSTS + NESTED} | {81, 82}
    authors |= {int(post["author_id"]) for page in PAGES for post in page["data"]}
    assert set(ids(out / "users")) == authors


@pytest.mark.parametrize("name", ["store", "store_gz", "store_zst"])
def test_payloads_are_stored_compressed_or_not(done, name):
    """A store holds the payloads that the verb lets through, page by page, and no messages."""
    _, out = done
    expected = drop_sensitive(jsonl(*EVERYTHING, *READ_TWICE), Plan("store", attested=True)).content.splitlines()
    assert in_order(list(map(json.loads, lines(out / name)))) == in_order(list(map(json.loads, expected)))
    assert sum(line.startswith(b'{"data":') for line in lines(out / name)) == len(PAGES)
    (entry,) = manifest(out / name)["files"]
    assert entry["name"].endswith({"store": "jsonl", "store_gz": ".jsonl.gz", "store_zst": ".jsonl.zst"}[name])


# --- the account


def test_every_output_balances_and_its_manifest_says_the_same(done):
    """read = out + dropped + rejected, in the summary and in the manifest; units are what lies in the files."""
    summary, out = done
    for name, output in summary.outputs.items():
        assert output.balanced
        assert output.read > 300
        told = manifest(out / name)
        assert told["read"] == told["out"] + sum(told["dropped"].values()) + sum(told["rejected"].values())
        assert (told["read"], told["out"], told["dropped"]) == (output.read, output.out, output.dropped)
        assert [str(out / name / entry["name"]) for entry in told["files"]] == output.files
        assert names(out / name) == sorted([entry["name"] for entry in told["files"]] + ["manifest.json"])
        assert all((out / name / entry["name"]).stat().st_size == entry["bytes"] for entry in told["files"])
        assert told["release"] == "in-house"
        units = sum(entry["units"] for entry in told["files"])
        pages = 2 * len(PAGES) if output.kind == "store" else 0  # a page of three posts is one unit
        assert units == output.out - pages
        assert len(rows(out / name) if output.kind == "rows" else lines(out / name)) == units


def test_repeated_ids_are_dropped_and_say_so(done):
    """What distinctness costs is a reason of its own, exact over all files and parts."""
    summary, _ = done
    for name in ("posts", "days", "hours"):
        assert summary.outputs[name].out == len(POST_IDS)
        assert summary.outputs[name].dropped["repeated_id"] == len(READ_TWICE)
    assert summary.outputs["posts"].dropped["author_protected"] == 1


def test_rejects_are_listed_for_each_output_without_content(done, everything):
    """One JSON line a reject and output: a closed reason, and where the payload lies. Never what it holds."""
    summary, _ = done
    found = [json.loads(line) for line in lines(everything / "rejects")]
    assert Counter(reject["output"] for reject in found) == dict.fromkeys(OUTPUTS, len(REJECTED))
    assert Counter(reject["reason"] for reject in found) == {reason: len(OUTPUTS) for reason in REJECTED}
    start = len(jsonl(*POSTS[:150]))
    offsets = {"not_json": start, "not_utf8": start + 17, "unknown_shape": start + 20}
    for reject in found:
        assert reject["reason"] in {reason.value for reason in Reason}
        assert reject == {
            "output": reject["output"],
            "reason": reject["reason"],
            "stage": "sift",
            "shape": "unknown",
            "source": 0,
            "offset": offsets[reject["reason"]],
            "unit": "byte",
        }
    for output in summary.outputs.values():
        assert output.rejected == REJECTED
    assert summary.rejects_path == str(everything / "rejects")


def test_the_summary_names_what_was_read_and_what_did_it(done):
    """Sources by number, in the order of their paths; the runner; the share of what was rejected."""
    summary, _ = done
    assert [source["number"] for source in summary.sources] == list(range(9))
    assert [a["path"] < b["path"] for a, b in pairwise(summary.sources)] == [True] * 8
    assert (summary.runner, summary.workers) == ("FnApiRunner", 1)
    assert summary.rejected_share == pytest.approx(3 / min(output.read for output in summary.outputs.values()))
    assert summary.too_many_rejects
    assert json.loads(json.dumps(summary.as_dict()))["outputs"]["posts"]["out"] == len(POST_IDS)


def test_invented_payloads_of_all_shapes_and_faults_balance(tmp_path):
    """Whatever is wrong with payloads, none disappears uncounted: thousands of them, in batches that mix shapes."""
    rng = random.Random(20221112)
    mix = payloads.Mix(faults=0.15, closed=0.2)
    (tmp_path / "in").mkdir()
    for number in range(4):
        (tmp_path / "in" / f"{number}.jsonl").write_bytes(
            payloads.lines(payloads.batch(rng, payloads.examples(250), mix), rng)
        )
    outputs = {"r": {**ROWS, "text": "scrub"}, "i": {**IDS, "nested": True}, "u": {**IDS, "ids": "user"}, "s": STORE}
    summary = run(settings(tmp_path, outputs, rejects=str(tmp_path / "rejects")))
    for name, output in summary.outputs.items():
        assert output.balanced
        assert min(output.read, output.out, sum(output.dropped.values())) > 0
        assert set(output.rejected) <= {reason.value for reason in Reason}
        told = [json.loads(line) for line in lines(tmp_path / "rejects")]
        assert Counter(r["reason"] for r in told if r.get("output") == name) == output.rejected


# --- what is wanted


def test_a_time_filter_takes_its_first_moment_and_not_its_last(tmp_path):
    """``from`` is the first moment that passes, ``to`` the first that does not."""
    moments = [NOON + timedelta(seconds=seconds) for seconds in (-1, 0, 3599, 3600)]
    found = [v1_post(id_at(moment), created_at=at(moment)) for moment in moments]
    (tmp_path / "in").write_bytes(jsonl(*found, v1_post(id_at(NOON, 9), created_at=None)))
    summary = run(settings(tmp_path, {"i": IDS}, where={"from": "2022-11-12T12:00:00Z", "to": "2022-11-12T13:00:00Z"}))
    assert ids(tmp_path / "out" / "i") == [int(post["id_str"]) for post in found[1:3]]
    assert summary.outputs["i"].dropped == {"where_time": 3}


@pytest.mark.parametrize(("reposts", "expected"), [("keep", [1, 2, 3]), ("drop", [1, 3]), ("only", [2])])
def test_reposts_are_kept_dropped_or_all_there_is(tmp_path, reposts, expected):
    """A filter of reposts leaves quotes alone, and counts what it leaves out."""
    numbers = {n: id_at(NOON, n) for n in (1, 2, 3)}
    found = [v1_post(numbers[1]), v1_repost(ORIGINAL), v1_quote(QUOTED)]
    found = [post | {"id": int(numbers[n]), "id_str": numbers[n]} for n, post in enumerate(found, 1)]
    (tmp_path / "in").write_bytes(jsonl(*found))
    summary = run(settings(tmp_path, {"i": IDS}, where={"reposts": reposts}))
    assert ids(tmp_path / "out" / "i") == [int(numbers[n]) for n in expected]
    assert sum(summary.outputs["i"].dropped.values()) == 3 - len(expected)
    assert summary.outputs["i"].balanced


def test_filters_of_language_hold_for_every_output(tmp_path):
    """``where`` is one for all outputs: rows, ids and store hold the same posts."""
    found = [v1_post(id_at(NOON, n), lang=lang) for n, lang in enumerate(["en", "de", "und", None, "en"])]
    (tmp_path / "in").write_bytes(jsonl(*found))
    summary = run(settings(tmp_path, {"r": ROWS, "i": IDS, "s": STORE}, where={"lang": ["en", "und"]}))
    assert [row["lang"] for row in rows(tmp_path / "out" / "r")] == ["en", "und", "en"]
    assert len(ids(tmp_path / "out" / "i")) == len(lines(tmp_path / "out" / "s")) == 3
    assert all(output.dropped == {"where_lang": 2} for output in summary.outputs.values())


def test_labels_that_may_not_pass_are_dropped_at_run_time_and_counted(tmp_path):
    """A declared field passes with its declared values; what expresses a sensitive category goes, whatever was declared."""
    stances = ["pro", "muslim", "contra", "pregnant", 7]
    found = [v1_post(id_at(NOON, n), ml={"stance": stance, "other": "no"}) for n, stance in enumerate(stances)]
    (tmp_path / "in").write_bytes(jsonl(*found))
    known = settings(tmp_path, {"r": ROWS, "s": STORE}, enrich={"stance": {"path": "ml.stance", "about": "content"}})
    summary = run(known)
    assert [row["stance"] for row in rows(tmp_path / "out" / "r")] == ["pro", None, "contra", None, "7"]
    stored = [json.loads(line)["ml"] for line in lines(tmp_path / "out" / "s")]
    assert stored == [{"stance": "pro"}, {}, {"stance": "contra"}, {}, {"stance": 7}]
    for output in summary.outputs.values():
        assert output.noted["label_refused"] == 2
        assert output.balanced


# --- ids that cannot be trusted


def test_a_source_of_rounded_ids_is_refused_by_its_number(tmp_path):
    """Ids that went through a float cannot be got back: nothing is published, of no output."""
    (tmp_path / "in").mkdir()
    exact = [v1_post(id_at(NOON, n)) for n in range(100)]
    (tmp_path / "in" / "a.jsonl").write_bytes(jsonl(*exact))
    by_javascript = [{**post, "id": int(post["id_str"][:16] + "000"), "id_str": None} for post in exact]
    (tmp_path / "in" / "b.jsonl").write_bytes(jsonl(*by_javascript))
    known = settings(tmp_path, {"i": IDS, "r": ROWS}, rejects=str(tmp_path / "rejects"))
    with pytest.raises(RunError, match="ids of source 1 look rounded"):
        run(known)
    assert names(tmp_path / "out" / "i") == names(tmp_path / "out" / "r") == names(tmp_path / "rejects") == []


def test_an_id_that_differs_from_its_text_is_noted_and_the_text_wins(tmp_path):
    """Where only the number was rounded, ``id_str`` is the id."""
    exact = [id_at(NOON, n + 1) for n in range(80)]
    (tmp_path / "in").write_bytes(jsonl(*(v1_post(number) | {"id": int(float(number))} for number in exact)))
    summary = run(settings(tmp_path, {"i": IDS}))
    assert ids(tmp_path / "out" / "i") == sorted(map(int, exact))
    assert summary.outputs["i"].noted["id_mismatch"] > 60


# --- what cannot be read


def test_what_cannot_be_read_is_in_every_balance(tmp_path, monkeypatch):
    """A truncated archive and a line too large cost one reject each; what stands beside them is kept."""
    monkeypatch.setattr(graph, "read", partial(readers.read, max_payload=20_000))
    (tmp_path / "in").mkdir()
    whole = gzip.compress(
        jsonl(*(v1_post(id_at(NOON, n), text=random.Random(n).randbytes(300).hex()) for n in range(99)))
    )
    (tmp_path / "in" / "a.jsonl.gz").write_bytes(whole[:-2000])
    large = v1_post(id_at(NOON, 500), text="x" * 30_000)
    (tmp_path / "in" / "b.jsonl").write_bytes(jsonl(v1_post(id_at(NOON, 501)), large, v1_post(id_at(NOON, 502))))
    summary = run(settings(tmp_path, {"r": ROWS, "i": IDS, "s": STORE}, rejects=str(tmp_path / "rejects")))
    for output in summary.outputs.values():
        assert output.balanced
        assert output.rejected == {"too_large": 1, "truncated": 1}
        assert output.out == output.read - 2 > 50
    assert {int(id_at(NOON, 501)), int(id_at(NOON, 502))} <= set(ids(tmp_path / "out" / "i"))
    found = [json.loads(line) for line in lines(tmp_path / "rejects")]
    assert sorted((r["reason"], r["stage"], r["source"]) for r in found) == [
        ("too_large", "read", 1),
        ("truncated", "read", 0),
    ]
    assert not any("output" in reject for reject in found)


def test_a_file_without_a_payload_gives_an_output_without_files(tmp_path):
    """Empty files are no error: the outputs are whole, and hold nothing."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "empty.jsonl").write_bytes(b"")
    (tmp_path / "in" / "blank.jsonl").write_bytes(b"\n \r\n\n")
    summary = run(settings(tmp_path, {"r": ROWS, "i": IDS, "s": STORE}, rejects=str(tmp_path / "rejects")))
    for name, output in summary.outputs.items():
        assert (output.read, output.files) == (0, [])
        assert names(tmp_path / "out" / name) == ["manifest.json"]
    assert not summary.too_many_rejects


def test_a_missing_file_stops_the_run_before_anything_is_touched(tmp_path):
    """The pattern that names nothing is said."""
    with pytest.raises(SourceError, match="there is no such file"):
        run(settings(tmp_path, {"r": ROWS}))
    assert names(tmp_path) == []


@pytest.mark.parametrize(("allowed", "too_many"), [(0.0, True), (0.5, False), (0.49, True)])
def test_more_rejects_than_allowed_are_said(tmp_path, allowed, too_many):
    """The share is of what was read; what could be handled is published all the same."""
    (tmp_path / "in").write_bytes(jsonl(v1_post()) + b"{\n")
    summary = run(settings(tmp_path, {"i": IDS}, max_rejects=allowed))
    assert summary.rejected_share == 0.5
    assert summary.too_many_rejects is too_many
    assert len(ids(tmp_path / "out" / "i")) == 1


# --- runs that repeat, and runs that cannot be


def test_a_rerun_replaces_its_outputs_and_leaves_the_files_of_others(tmp_path):
    """Less input, another format and another split: what is not written any more goes, what others wrote stays."""
    (tmp_path / "in").write_bytes(jsonl(*POSTS))
    run(settings(tmp_path, {"r": ROWS, "i": {**IDS, "split": "utc_hour"}}))
    assert len(names(tmp_path / "out" / "i")) > 50
    (tmp_path / "out" / "i" / "notes.txt").write_text("mine")
    (tmp_path / "out" / "i" / "ids-1999-12-31.txt").write_text("mine too")
    (tmp_path / "in").write_bytes(jsonl(*POSTS[:5]))
    run(settings(tmp_path, {"r": {**ROWS, "write": {"format": "csv"}}, "i": IDS}))
    assert names(tmp_path / "out" / "i") == ["ids-1999-12-31.txt", "ids.txt", "manifest.json", "notes.txt"]
    assert names(tmp_path / "out" / "r") == ["manifest.json", "rows-00000-of-00001.csv"]
    assert (tmp_path / "out" / "i" / "ids-1999-12-31.txt").read_text() == "mine too"


def test_a_file_in_the_way_of_one_output_stops_all_of_them(tmp_path):
    """Outputs that could have been published are as they were."""
    (tmp_path / "in").write_bytes(jsonl(*POSTS[:5]))
    known = settings(tmp_path, {"a": IDS, "b": IDS})
    run(known)
    before = (tmp_path / "out" / "a" / "manifest.json").stat()
    (tmp_path / "out" / "b" / "manifest.json").unlink()
    with pytest.raises(PublishError, match=r"out/b holds ids\.txt, which no earlier run wrote"):
        run(known)
    assert (tmp_path / "out" / "a" / "manifest.json").stat() == before
    assert names(tmp_path / "out" / "a") == ["ids.txt", "manifest.json"]
    assert names(tmp_path / "out" / "b") == ["ids.txt"]


def test_a_destination_that_cannot_be_stops_the_run_before_it_reads(tmp_path, monkeypatch):
    """A folder that is a file, and a manifest of somebody else, are found before hours were spent."""
    monkeypatch.setattr("xsieve.pipelines.run.execute", None)
    (tmp_path / "in").write_bytes(jsonl(v1_post()))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("a file")
    with pytest.raises(PublishError, match="out/a is a file, and outputs are folders"):
        run(settings(tmp_path, {"a": ROWS}))
    (tmp_path / "out" / "b").mkdir()
    (tmp_path / "out" / "b" / "manifest.json").write_text('{"files": []}')
    with pytest.raises(PublishError, match="was not written by xsieve"):
        run(settings(tmp_path, {"b": ROWS}))
    assert names(tmp_path / "out" / "b") == ["manifest.json"]


@pytest.mark.parametrize("kind", [ROWS, IDS, STORE], ids=lambda kind: kind["kind"])
def test_a_full_disk_is_one_clear_error_and_the_old_output_stays(tmp_path, kind):
    """No space left while workers write: the run says so, and leaves what an earlier one published."""
    (tmp_path / "in").write_bytes(jsonl(v1_post()))
    known = settings(tmp_path, {"o": kind})
    run(known)
    before = {name: (tmp_path / "out" / "o" / name).read_bytes() for name in names(tmp_path / "out" / "o")}

    def refuse(path):
        raise OSError(28, "a message that may hold anything", path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xsieve.pipelines.stage.create", refuse)
        with pytest.raises(
            RunError, match=r"a worker failed: OSError \(No space left on device\).*nothing was published"
        ) as e:
            run(known)
    assert "anything" not in str(e.value)
    assert {name: (tmp_path / "out" / "o" / name).read_bytes() for name in names(tmp_path / "out" / "o")} == before


def test_options_that_beam_does_not_take_are_refused(tmp_path):
    """The name of a runner that does not exist is an error of one line."""
    (tmp_path / "in").write_bytes(jsonl(v1_post()))
    with pytest.raises(RunError, match="is the name of the runner right"):
        run(settings(tmp_path, {"i": IDS}), ["--runner=NoSuchRunner"])
    assert names(tmp_path / "out" / "i") == []


def test_progress_goes_up_to_all_there_is(tmp_path):
    """Bytes read never go down, and end at the size of the input."""
    (tmp_path / "in").mkdir()
    for name in "abc":
        (tmp_path / "in" / f"{name}.jsonl").write_bytes(jsonl(*POSTS))
    told = []
    run(settings(tmp_path, {"i": IDS}), progress=told.append)
    assert [a.bytes_done <= b.bytes_done for a, b in pairwise(told)] == [True] * (len(told) - 1)
    assert told[-1].bytes_done == told[-1].bytes_total == 3 * len(jsonl(*POSTS))


def test_outputs_may_be_anywhere_and_called_anything(tmp_path, monkeypatch):
    """Relative folders, file:// paths, and names that steps have too."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").write_bytes(jsonl(*POSTS[:9], {"a": 1}))
    outputs = {
        "rejects": {**IDS, "write": {"path": "relative/ids"}},
        "unread": {**IDS, "write": {"path": f"file://{tmp_path}/url"}},
        "all": {**IDS, "write": {"path": f"{tmp_path}/a folder, with blanks & ümläuts"}},
    }
    summary = run(settings(tmp_path, outputs, rejects="relative/rejects", max_rejects=1.0))
    for folder in ("relative/ids", "url", "a folder, with blanks & ümläuts"):
        assert len(ids(tmp_path / folder)) == 9
    assert len(lines(tmp_path / "relative" / "rejects")) == 3
    assert summary.outputs["all"].files == [f"{tmp_path}/a folder, with blanks & ümläuts/ids.txt"]


# --- several processes


def test_several_processes_give_the_same_as_one(done, everything, monkeypatch, tmp_path):
    """Rows, ids, payloads, rejects and counts do not depend on how many processes made them."""
    monkeypatch.setattr(graph, "PIECE_BYTES", 20_000)
    one, _ = done
    chosen = {name: OUTPUTS[name] for name in ("jsonl", "days", "users", "store_zst")}
    (tmp_path / "in").symlink_to(everything / "in")
    two = run(settings(tmp_path, chosen, rejects=str(tmp_path / "rejects")), ["--direct_num_workers=2"])
    assert two.workers == 2
    for name in chosen:
        a, b = one.outputs[name], two.outputs[name]
        assert (a.read, a.out, a.dropped, a.rejected, a.noted) == (b.read, b.out, b.dropped, b.rejected, b.noted)
    assert len(two.outputs["jsonl"].files) > 1
    assert in_order(rows(tmp_path / "out" / "jsonl")) == in_order(rows(everything / "out" / "jsonl"))
    assert in_order(list(map(json.loads, lines(tmp_path / "out" / "store_zst")))) == in_order(
        list(map(json.loads, lines(everything / "out" / "store_zst")))
    )
    assert sorted(ids(tmp_path / "out" / "days")) == POST_IDS
    listed = [line for line in lines(everything / "rejects") if json.loads(line)["output"] in chosen]
    assert sorted(lines(tmp_path / "rejects")) == sorted(listed)


# --- nothing of the payloads, anywhere


@pytest.mark.parametrize("options", [[], ["--direct_num_workers=2"]], ids=["one process", "two"])
def test_nothing_of_the_payloads_is_logged_or_said_when_a_step_fails(tmp_path, monkeypatch, capfd, caplog, options):
    """Broken data, and then a step that fails with a payload in its message: logs, terminal and error hold none of it."""
    rng = random.Random(7)
    found = payloads.batch(rng, 60, payloads.Mix(faults=0.3))
    (tmp_path / "in").write_bytes(payloads.lines(found, rng) + BROKEN)
    whole = (tmp_path / "in").read_text("utf-8", "replace")
    original = graph.build

    def build(pipeline, job, progress):
        def fail(told):
            raise ValueError(f"cannot make sense of {whole}\n{whole}")

        fail.__module__ = "__main__"  # so that it travels by value
        original(pipeline, job, progress)
        _ = pipeline | "Begin" >> graph.beam.Create([1]) | "Fail" >> graph.beam.Map(fail)

    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("xsieve.pipelines.execute.build", build)
    with pytest.raises(RunError) as raised:
        run(settings(tmp_path, {"r": ROWS, "i": IDS, "s": STORE}), options)
    said = "".join((str(raised.value), caplog.text, *capfd.readouterr()))
    planted = [planted for one in found for planted in one.planted if planted.kind != IN_TEXT]
    assert Haystack([said]).found(planted) == []
    assert str(raised.value).startswith("a worker failed: ")
    assert names(tmp_path / "out" / "r") == []


def test_a_source_that_breaks_on_a_worker_is_named_by_its_number(tmp_path, capfd):
    """In worker processes too, an error of ours arrives as one line, and what the worker prints does not."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "anna_example.avro").write_bytes(b"Obj\x01 no Avro at all: anna@example.org")
    for options in ([], ["--direct_num_workers=2"]):
        with pytest.raises(
            RunError, match=r"^a worker failed: source 0 cannot be read as Avro; nothing was published$"
        ):
            run(settings(tmp_path, {"i": IDS}), options)
    said = "".join(capfd.readouterr())
    assert "Traceback" not in said
    assert "anna" not in said


# --- memory

MEMORY = """
import json, re, sys
from pathlib import Path
from outputs import settings
from xsieve.pipelines.lean import unimported
with unimported():  # as the command does
    from xsieve.pipelines.run import run
folder = Path(sys.argv[1])
summary = run(settings(folder, {"r": {"kind": "rows", "text": "scrub"}, "i": {"kind": "ids"}, "s": {"kind": "store"}}))
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
print(json.dumps({"peak": peak, "out": summary.outputs["i"].out, "rejected": summary.outputs["s"].rejected}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is counted in KB on Linux")
def test_memory_stays_bounded_beside_a_line_of_50_mb(tmp_path):
    """A line that is larger than any payload is rejected without being held, among 30 MB of good ones."""
    good = [jsonl(*(v1_post(id_at(NOON, n + 1000 * k), text="ö" * 2000) for n in range(1000))) for k in range(8)]
    with (tmp_path / "in").open("wb") as file:
        file.writelines(good[:4])
        file.write(b'{"id": 1, "text": "')
        for _ in range(50):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n')
        file.writelines(good[4:])
    done = in_python(MEMORY, tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["out"] == 8000
    assert told["rejected"] == {"too_large": 1}
    assert told["peak"] < 300 * 1024
