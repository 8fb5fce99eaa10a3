"""Files that people get by hand: JSON lines and tables that hold what was sifted, to the last digit, and nothing that runs."""

import csv
import io
import json
import random
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam
import openpyxl
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.typehints.decorators import TypeCheckError
from planting import Haystack, Planted
from templates import (
    AUTHOR,
    OTHER_AUTHOR,
    OTHER_POST,
    POST,
    activity,
    share,
    v1_post,
    v1_quote,
    v1_repost,
    v1_user,
    v2_page,
    v2_post,
    v2_user,
)

from xsieve.configs import table
from xsieve.pipelines import hydrated_files, stage_hydrated
from xsieve.pipelines.stage import Staged
from xsieve.pipelines.stage_hydrated import FinishHydrated, HandOver, Run, StagedError, StageHydrated
from xsieve.transforms import Plan, Sift
from xsieve.transforms.records.batch import RawBatch
from xsieve.transforms.records.catalog import load
from xsieve.transforms.records.hydrated_table import columns_of
from xsieve.transforms.records.sample import Sample
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.units import Units, digest_of, units_of
from xsieve.transforms.sift import HydratedBatch

ATTESTED = Plan("hydrated", attested=True)
BOTH = Plan("hydrated", attested=True, objects="both")
ODD = "1234035696597499903"  # a double cannot hold it
TEXT = "👩‍👩‍👧‍👦 שלום ‏עולם — البحيرة متجمدة 🇵🇸\n\"two\" lines, and a 'comma'"
FORMULAS = ["=1+1", "+351 912 345 678", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'=1", '=HYPERLINK("http://x")']


class Done(NamedTuple):
    """What a run of an output left: files by name, their bytes, the corrections of the counts, what is handed over."""

    files: list[Staged]
    data: dict[str, bytes]
    counts: dict[str, int]
    handed: stage_hydrated.Handed


def run(folder: Path, given: list[RawBatch], format_: str = "jsonl", plan: Plan = ATTESTED, sample: Any = None) -> Done:
    """The output of batches, as HandOver makes it in a pipeline."""
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "told.json"
    with beam.Pipeline("FnApiRunner", PipelineOptions()) as p:
        passed = (p | beam.Create(given) | Sift(plan)).passed
        finished = passed | HandOver("picked", plan, str(folder), format_, sample)
        counts = finished.counts | beam.Map(lambda one: (one[0], [[*key, n] for key, n in one[1].items()]))
        all_ = (finished.files, counts, finished.units, finished.seen)
        tagged = [
            found | f"Tag {tag}" >> beam.Map(lambda v, tag=tag: (tag, v))
            for tag, found in zip("fcus", all_, strict=True)
        ]
        _ = tagged | beam.Flatten() | beam.combiners.ToList() | beam.Map(lambda v: told.write_text(json.dumps(v)))
    found = json.loads(told.read_text())
    files = [Staged(*value[:-1], tuple(value[-1]) if value[-1] else None) for tag, value in found if tag == "f"]
    counts = {}
    for _, reason, number in (entry for tag, (_, one) in ((t, v) for t, v in found if t == "c") for entry in one):
        counts[reason] = counts.get(reason, 0) + number
    (handed,) = (value for tag, value in found if tag == "u")
    files.sort(key=lambda staged: (staged.name, staged.file))
    data = {f"{staged.name}{number}": Path(staged.file).read_bytes() for number, staged in enumerate(files)}
    return Done(files, data, counts, stage_hydrated.Handed(*handed))


def batch(*payloads: Any, source: int = 0) -> RawBatch:
    return RawBatch(b"\n".join(json.dumps(one, ensure_ascii=False).encode() for one in payloads), source, 0)


def many(count: int) -> list[dict[str, Any]]:
    return [v1_post(str(1_590_000_000_000_000_001 + 2 * number), text=f"lake no. {number}") for number in range(count)]


def split(payloads: list[Any], count: int, seed: int) -> list[RawBatch]:
    """The payloads in another order, in so many batches."""
    shuffled = random.Random(seed).sample(payloads, len(payloads))
    return [batch(*shuffled[at::count], source=at) for at in range(count)]


def sheet(data: bytes) -> list[dict[str, Any]]:
    """The rows of a spreadsheet, as openpyxl reads them."""
    header, *rows = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def csv_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), "")))


def rows_of(done: Done) -> list[dict[str, Any]]:
    """The rows of an output, empty cells as None."""
    (data,) = done.data.values()
    rows = sheet(data) if data[:2] == b"PK" else csv_rows(data)
    return [{key: None if value == "" else value for key, value in row.items()} for row in rows]


# ---- lines


def test_lines_are_the_records_that_were_sifted_each_once_and_ascending(tmp_path: Path) -> None:
    """In X's own shape; a repeat is counted, and of copies that differ the shortest is handed over."""
    longer = v1_post(text="the lake is frozen over, all of it, from here to the other side")
    given = [batch(v1_post(ODD), longer, source=1), batch(v1_post(), v1_post(ODD))]
    done = run(tmp_path, given)
    assert [json.loads(line) for line in done.data["posts0"].splitlines()] == [v1_post(ODD), v1_post()]
    assert done.counts == {"": -2, "repeated_id": 2}
    (staged,) = done.files
    assert (staged.output, staged.name, staged.ending, staged.units) == ("picked", "posts", ".jsonl", 2)


def test_posts_and_users_stand_in_files_of_their_own(tmp_path: Path) -> None:
    """Each with its number of records."""
    done = run(tmp_path, [batch(v1_post(), v1_user(OTHER_AUTHOR))], plan=BOTH)
    assert [(staged.name, staged.units) for staged in done.files] == [("posts", 1), ("users", 2)]
    assert [json.loads(line) for line in done.data["users1"].splitlines()] == [v1_user(OTHER_AUTHOR), v1_user()]


def test_what_is_handed_over_is_counted_exactly(tmp_path: Path) -> None:
    """All distinct objects in the lines that are there in the end, by number and digest."""
    given = split([v1_repost(v1_post(OTHER_POST, OTHER_AUTHOR)), v1_post(), v1_post(OTHER_POST)] * 4, 3, 5)
    done = run(tmp_path, given)
    content = sieve_for(ATTESTED)(batch(*(json.loads(line) for line in done.data["posts0"].splitlines()))).content
    units = content.units
    assert done.handed == ("picked", units.total, digest_of(units), len(units.posts), len(units.users))
    assert (done.handed.posts, done.handed.users) == (2, 1)  # the shortest copy of POST is no repost


@pytest.mark.parametrize("given", [[], [batch()], [batch(v1_post(user=v1_user(protected=True)))]])
@pytest.mark.parametrize("format_", ["jsonl", "csv", "xlsx"])
def test_nothing_is_handed_over_as_no_file_and_no_units(format_: str, given: list[RawBatch], tmp_path: Path) -> None:
    """It is told all the same."""
    done = run(tmp_path, given, format_)
    assert (done.files, done.handed) == ([], ("picked", 0, digest_of(Units()), 0, 0))


@pytest.mark.parametrize("format_", ["jsonl", "csv", "xlsx"])
def test_files_are_told_with_their_checksum_and_period(format_: str, tmp_path: Path) -> None:
    """The SHA-256 is that of the bytes; the period is what the ids of the posts tell."""
    done = run(tmp_path, [batch(v1_post(), v1_post(OTHER_POST))], format_, plan=BOTH)
    assert [staged.sha256 for staged in done.files] == [sha256(data).hexdigest() for data in done.data.values()]
    posts, users = done.files
    assert posts.period == tuple((int(number) >> 22) + 1288834974657 for number in (OTHER_POST, POST))
    assert users.period is None


@pytest.mark.parametrize("format_", ["jsonl", "csv", "xlsx"])
def test_equal_data_make_equal_files_however_they_are_split(format_: str, tmp_path: Path) -> None:
    """In any order, in one batch or many, flushed or not, today or tomorrow."""
    payloads = [*many(40), v2_page(v2_post(), v2_post(OTHER_POST), users=[v2_user()]), activity("1590000000000000307")]
    first = run(tmp_path / "a", [batch(*payloads)], format_, BOTH)
    for number, (count, seed) in enumerate(((1, 1), (5, 2), (13, 3))):
        again = run(tmp_path / str(number), split(payloads, count, seed), format_, BOTH)
        assert again.data == first.data
        assert again.handed == first.handed


def test_memory_is_bounded_by_flushing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines beyond a limit are written as runs, which are merged in the end."""
    payloads = many(60)
    whole = run(tmp_path / "a", [batch(*payloads)])
    monkeypatch.setattr(stage_hydrated, "FLUSH_BYTES", 3000)
    monkeypatch.setattr(stage_hydrated, "FLUSH_KEYS", 7)
    flushed = run(tmp_path / "b", split(payloads, 20, 1))
    assert len(list((tmp_path / "b").glob("*.run"))) > 5
    assert (flushed.data, flushed.handed) == (whole.data, whole.handed)


# ---- samples


@pytest.mark.parametrize("format_", ["jsonl", "xlsx"])
def test_a_sample_is_exactly_n_records_whatever_order_and_split(format_: str, tmp_path: Path) -> None:
    """The same for the same seed; repeats do not count, and what is not drawn does."""
    payloads = many(50) + many(50)[:20]
    sample = Sample(12, 7)
    first = run(tmp_path / "a", [batch(*payloads)], format_, sample=sample)
    assert [staged.units for staged in first.files] == [12]
    for number, (count, seed) in enumerate(((3, 1), (17, 2))):
        again = run(tmp_path / str(number), split(payloads, count, seed), format_, sample=sample)
        assert (again.data, again.handed, again.counts) == (first.data, first.handed, first.counts)
    drawn = sample.draw((0, int(post["id_str"])) for post in payloads)
    repeats = sum((0, int(post["id_str"])) in drawn for post in many(50)[:20])
    assert repeats
    assert first.counts == {"": -58, "not_in_sample": 58 - repeats, "repeated_id": repeats}
    assert first.handed.posts == 12


def test_another_seed_draws_other_records_and_a_large_sample_all(tmp_path: Path) -> None:
    """``n`` and ``seed`` both matter."""
    payloads = many(50)
    found = [run(tmp_path / str(at), [batch(*payloads)], sample=Sample(12, at)).data["posts0"] for at in range(3)]
    assert len(set(found)) == 3
    assert len(run(tmp_path / "5", [batch(*payloads)], sample=Sample(5)).data["posts0"].splitlines()) == 5
    whole, all_ = (run(tmp_path / name, [batch(*payloads)], sample=s) for name, s in (("w", None), ("n", Sample(99))))
    assert (whole.data, whole.counts) == (all_.data, all_.counts)


def test_staging_a_sample_keeps_no_more_than_can_be_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory and on disk: what is not among the lowest of a part is not among the lowest of all."""
    monkeypatch.setattr(stage_hydrated, "FLUSH_BYTES", 3000)
    step = StageHydrated("picked", str(tmp_path), Sample(10, 3))
    step.start_bundle()
    for raw in split(many(400), 40, 1):
        assert list(step.process(HydratedBatch(sieve_for(ATTESTED)(raw).content, 0, 0))) == []
        assert len(step._held) <= 40
    list(step.finish_bundle())
    (staged,) = tmp_path.glob("*.run")
    assert len(staged.read_bytes().splitlines()) == 10


# ---- tables

ROW = {
    "id": POST, "url": f"https://x.com/i/web/status/{POST}", "created_at": "2022-11-12T09:41:27Z", "author_id": AUTHOR, "username": "bo_hsn", "name": "Bo 🌊",
    "text": TEXT, "lang": "ar", "repost_of": None, "quote_of": OTHER_POST, "reply_to": "1470000000000000011", "conversation_id": "1460000000000000037",
    "repost_count": 3, "like_count": 5391, "reply_count": 2, "quote_count": 1, "view_count": 99, "hashtags": "Douro بحيرة", "mentions": "ana ben",
    "links": "https://example.org/?a=1", "media": "photo video", "place": "Porto, Portugal", "country": "PT",
}  # fmt: skip
TWEET_ENTITIES = {
    "hashtags": [{"text": "Douro"}, {"text": "بحيرة"}], "user_mentions": [{"screen_name": "ana"}, {"screen_name": "ben"}, {"screen_name": "ana"}],
    "urls": [{"url": "https://t.co/a", "expanded_url": "https://example.org/?a=1"}],
}  # fmt: skip
MEDIA = [{"type": "photo"}, {"type": "video"}]
V2_FULL = v2_post(
    text=TEXT, lang="ar", referenced_tweets=[{"type": "quoted", "id": OTHER_POST}, {"type": "replied_to", "id": ROW["reply_to"]}],
    conversation_id=ROW["conversation_id"], attachments={"media_keys": ["3_1", "3_2"]}, geo={"place_id": "p1"},
    public_metrics={"retweet_count": 3, "like_count": 5391, "reply_count": 2, "quote_count": 1, "impression_count": 99},
    entities={"hashtags": [{"tag": "Douro"}, {"tag": "بحيرة"}], "mentions": [{"username": "ana"}, {"username": "ben"}], "urls": [{"expanded_url": "https://example.org/?a=1"}]},
)  # fmt: skip
PERSON = {"username": "bo_hsn", "name": "Bo 🌊"}
V2_MEDIA = [{"media_key": "3_1", "type": "photo"}, {"media_key": "3_2", "type": "video"}]
PLACE = {"id": "p1", "full_name": "Porto, Portugal", "country_code": "PT"}
SHAPES: dict[str, tuple[Any, set[str]]] = {  # a full post, and the columns that its generation does not have
    "v1": (
        v1_post(
            full_text=TEXT, lang="ar", user=v1_user(screen_name="bo_hsn", name="Bo 🌊"), quoted_status_id_str=OTHER_POST,
            in_reply_to_status_id_str=ROW["reply_to"], retweet_count=3, favorite_count=5391, reply_count=2, quote_count=1,
            entities=TWEET_ENTITIES, extended_entities={"media": MEDIA}, place={"full_name": "Porto, Portugal", "country_code": "PT"},
        ),
        {"conversation_id", "view_count"},
    ),
    "v2 page": (v2_page(V2_FULL, users=[v2_user(**PERSON)], media=V2_MEDIA, places=[PLACE]), set()),
    "v2 flattened": (V2_FULL | {"author": v2_user(**PERSON), "attachments": {"media": V2_MEDIA}, "geo": PLACE}, set()),
    "activity": (
        activity(
            body=TEXT, twitter_lang="ar", actor={"id": f"id:twitter.com:{AUTHOR}", "preferredUsername": "bo_hsn", "displayName": "Bo 🌊"}, retweetCount=3, favoritesCount=5391,
            twitter_quoted_status=activity(OTHER_POST), twitter_entities=TWEET_ENTITIES, twitter_extended_entities={"media": MEDIA},
            location={"displayName": "Porto, Portugal", "twitter_country_code": "PT"},
        ),
        {"conversation_id", "view_count", "reply_to", "reply_count", "quote_count"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_post_is_the_same_row_whatever_its_shape(shape: str, format_: str, tmp_path: Path) -> None:
    """Emoji, scripts from right to left and line breaks intact; ids and times as text, counts as numbers."""
    post, lacking = SHAPES[shape]
    (row,) = rows_of(run(tmp_path, [batch(post)], format_))
    expected = {name: None if name in lacking else value for name, value in ROW.items()}
    if format_ == "csv":
        expected = {name: None if value is None else str(value) for name, value in expected.items()}
    assert row == expected
    assert list(row) == [column.name for column in columns_of("posts")]


USERS: dict[str, Any] = {
    "v1": v1_user(
        screen_name="bo_hsn", name="Bo 🌊", description=TEXT, location="Porto", url="https://t.co/a", entities={"url": {"urls": [{"expanded_url": "https://bo.example"}]}},
        verified=True, followers_count=7, friends_count=8, statuses_count=9, listed_count=0, created_at="Sat Nov 12 09:41:27 +0000 2022",
    ),
    "v2": {"data": v2_user(
        **PERSON, description=TEXT, location="Porto", url="https://t.co/a", entities={"url": {"urls": [{"expanded_url": "https://bo.example"}]}}, verified=True,
        created_at="2022-11-12T09:41:27.000Z", public_metrics={"followers_count": 7, "following_count": 8, "tweet_count": 9, "listed_count": 0},
    )},
}  # fmt: skip


@pytest.mark.parametrize("shape", USERS)
def test_a_user_is_the_same_row_whatever_its_shape(shape: str, tmp_path: Path) -> None:
    """With what it says of itself, and its public counts."""
    (row,) = rows_of(run(tmp_path, [batch(USERS[shape])], "xlsx", Plan("hydrated", objects="users")))
    assert row == {
        "id": AUTHOR, "username": "bo_hsn", "name": "Bo 🌊", "created_at": "2022-11-12T09:41:27Z", "description": TEXT, "location": "Porto",
        "link": "https://bo.example", "verified": True, "followers_count": 7, "following_count": 8, "post_count": 9, "listed_count": 0,
    }  # fmt: skip


REPOSTS = {
    "v1": v1_repost(v1_post(OTHER_POST, OTHER_AUTHOR, full_text=TEXT, entities=TWEET_ENTITIES)),
    "v2": v2_page(
        v2_post(text="RT @bo: cut…", referenced_tweets=[{"type": "retweeted", "id": OTHER_POST}]),
        users=[v2_user(), v2_user(OTHER_AUTHOR)],
        tweets=[v2_post(OTHER_POST, OTHER_AUTHOR, text=TEXT)],
    ),
    "activity": share(activity(OTHER_POST, OTHER_AUTHOR, body=TEXT)),
}


@pytest.mark.parametrize("shape", REPOSTS)
def test_a_repost_shows_the_original_which_then_counts(shape: str, tmp_path: Path) -> None:
    """Its text whole, its id beside it; the original's author is not shown, and does not count."""
    done = run(tmp_path, [batch(REPOSTS[shape])], "xlsx")
    (row,) = rows_of(done)
    assert (row["id"], row["repost_of"], row["text"]) == (POST, OTHER_POST, TEXT)
    expected = units_of([(0, int(POST)), (0, int(OTHER_POST)), (1, int(AUTHOR))])
    assert done.handed[1:3] == (3, digest_of(expected))


def test_a_table_counts_what_it_shows(tmp_path: Path) -> None:
    """The quoted post is an id in a table, and an object in JSON lines."""
    quote = v1_quote(v1_post(OTHER_POST, OTHER_AUTHOR))
    assert run(tmp_path / "a", [batch(quote)], "csv").handed[3:] == (1, 1)
    assert run(tmp_path / "b", [batch(quote)], "jsonl").handed[3:] == (2, 2)


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_ids_stay_exact(format_: str, tmp_path: Path) -> None:
    """As text: spreadsheets, and all that read numbers as doubles, keep 53 bits of a number."""
    numbers = [ODD, "1234035696597499904", str(2**53 + 1), "9007199254740993"]
    posts = [v1_post(number, user=v1_user(str(int(number) - 2))) for number in dict.fromkeys(numbers)]
    rows = rows_of(run(tmp_path, [batch(*posts)], format_))
    assert {row["id"]: row["author_id"] for row in rows} == {post["id_str"]: post["user"]["id_str"] for post in posts}


def test_ids_are_cells_of_text_in_a_spreadsheet(tmp_path: Path) -> None:
    """Their type and their format say so, so that editing does not make numbers of them."""
    (data,) = run(tmp_path, [batch(v1_post(ODD))], "xlsx").data.values()
    sheet_ = openpyxl.load_workbook(io.BytesIO(data)).active
    assert (sheet_["A2"].value, sheet_["A2"].data_type, sheet_["A2"].number_format) == (ODD, "s", "@")
    assert sheet_.freeze_panes == "A2"


# ---- nothing that runs


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_in_a_spreadsheet(text: str, tmp_path: Path) -> None:
    """It is a text cell, as it was written."""
    (data,) = run(tmp_path, [batch(v1_post(text=text, user=v1_user(name=text)))], "xlsx").data.values()
    (row,) = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(min_row=2)
    found = [cell for cell in row if cell.value is not None]
    assert {cell.data_type for cell in found} == {"s", "n"}
    assert [cell.value for cell in found].count(text.replace("\r", "_x000D_")) == 2
    assert b"<f" not in zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_csv_begins_like_a_formula(text: str, tmp_path: Path) -> None:
    """OWASP's way: in quotes, with a ' in front."""
    (row,) = csv_rows(run(tmp_path, [batch(v1_post(text=text))], "csv").data["posts0"])
    assert row["text"] == "'" + text


@pytest.mark.parametrize(
    "text",
    [
        '<r><t>x</t></r>',
        '<r></is></c><c r="Z9" t="str"><f>1+1</f></c><c t="inlineStr"><is><t></r>',
        "<r>&amp; ]]> </t></r>",
        "a & b < c > d",
    ],
)  # fmt: skip
def test_markup_in_a_text_stays_text(text: str, tmp_path: Path) -> None:
    """The library takes what looks like its own markup as such: such texts may not reach it."""
    (row,) = rows_of(run(tmp_path, [batch(v1_post(text=text))], "xlsx"))
    assert row["text"] == text


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_characters_that_xml_cannot_hold_make_no_broken_file(character: str, tmp_path: Path) -> None:
    """They stand there as spreadsheets escape them."""
    (row,) = rows_of(run(tmp_path, [batch(v1_post(text=f"a{character}b"))], "xlsx"))
    assert row["text"] == f"a_x{ord(character):04X}_b"


@pytest.mark.parametrize(("length", "fits"), [(32_767, True), (32_768, False)])
def test_a_text_that_no_cell_can_hold_is_refused_and_counted(length: int, fits: bool, tmp_path: Path) -> None:
    """Not cut: it is refused, counted, and its neighbours stay. Excel counts an emoji as two. Other formats hold it."""
    long = "x" * (length - 2) + "🌊"
    given = [batch(v1_post(full_text=long), v1_post(OTHER_POST))]
    done = run(tmp_path / "xlsx", given, "xlsx")
    assert [row["text"] for row in rows_of(done)][1:] == ([long] if fits else [])
    assert done.counts == ({} if fits else {"": -1, "not_encodable": 1})
    assert done.handed.posts == 1 + fits
    assert len(run(tmp_path / "csv", given, "csv").data["posts0"]) > length
    assert run(tmp_path / "jsonl", given).handed.posts == 2


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_rows_beyond_what_a_sheet_holds_go_to_another_file(
    format_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order, each file with a header, none of them empty."""
    assert hydrated_files.MAX_RECORDS[format_] == 1_048_576 - 1
    monkeypatch.setitem(hydrated_files.MAX_RECORDS, format_, 10)
    done = run(tmp_path, [batch(*many(30))], format_)
    assert [staged.units for staged in done.files] == [10, 10, 10]
    read = sheet if format_ == "xlsx" else csv_rows
    found = [row["id"] for data in done.data.values() for row in read(data)]
    assert found == [post["id_str"] for post in many(30)]


def test_files_do_not_tell_when_or_by_whom_they_were_made(tmp_path: Path) -> None:
    """Nothing but the year 1980 stands in a spreadsheet."""
    (data,) = run(tmp_path, [batch(v1_post())], "xlsx").data.values()
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
    properties = openpyxl.load_workbook(io.BytesIO(data)).properties
    assert {properties.created.year, properties.modified.year} == {1980}
    assert properties.creator in (None, "")


def test_nothing_of_a_spreadsheet_is_left_in_temporary_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It grows in the staging folder, which goes whatever happens, and leaves nothing there."""
    elsewhere = tmp_path / "tmp"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    done = run(tmp_path / "out", [batch(*many(20))], "xlsx")
    assert list(elsewhere.iterdir()) == []
    there = {path.name for path in (tmp_path / "out").iterdir()}
    assert there - {Path(staged.file).name for staged in done.files} <= {
        "told.json",
        *(n for n in there if n.endswith(".run")),
    }


# ---- what travels


def test_no_content_crosses_a_shuffle_or_stands_in_names(tmp_path: Path) -> None:
    """Runs are named by chance, and nothing but their names goes on."""
    step = StageHydrated("picked", str(tmp_path))
    step.start_bundle()
    content = sieve_for(ATTESTED)(batch(v1_post(text="korvalenbu"))).content
    told = [*step.process(HydratedBatch(content, 0, 0)), *step.finish_bundle()]
    secrets = [Planted("", value, "", "") for value in ("korvalenbu", POST, AUTHOR)]
    assert told
    assert Haystack(map(repr, told)).found(secrets) == []


def test_evidence_of_rounded_ids_is_told_by_source(tmp_path: Path) -> None:
    """As for ids: a source whose ids went through a float cannot be counted."""
    step = StageHydrated("picked", str(tmp_path))
    step.start_bundle()
    rounded = [v2_post(str(1_590_000_000_000_000_000 + 100 * number)) for number in range(60)]
    list(step.process(HydratedBatch(sieve_for(ATTESTED)(batch(*rounded)).content, 4, 0)))
    (seen,) = (one.value.value for one in step.finish_bundle() if getattr(one, "tag", "") == "seen")
    assert (seen.output, seen.source, seen.rounding.looks_rounded()) == ("picked", 4, True)


def test_a_staged_file_that_is_damaged_fails_the_run_and_is_not_shown(tmp_path: Path) -> None:
    """Nothing is guessed, and nothing quoted."""
    damaged = tmp_path / "x.run"
    damaged.write_bytes(b'{"id": "1590000000000000017", "text": "korvale\n')
    step = FinishHydrated("picked", ATTESTED, str(tmp_path), "jsonl")
    with pytest.raises(StagedError) as raised:
        list(step.process(("picked", [Run(str(damaged))])))
    assert "korvale" not in f"{raised.value!r}{raised.value.__cause__!r}"


@pytest.mark.parametrize("kind", ["rows", "ids", "store"])
def test_what_was_sifted_for_another_kind_is_refused(kind: Any, tmp_path: Path) -> None:
    """When the pipeline is built."""
    passed = (beam.Pipeline("FnApiRunner", PipelineOptions()) | beam.Create([batch()]) | Sift(Plan(kind))).passed
    with pytest.raises(TypeCheckError):
        _ = passed | HandOver("picked", ATTESTED, str(tmp_path), "csv")


def test_every_column_comes_from_fields_that_may_be_handed_on() -> None:
    """The table of columns names fields of the field tables, of classes that the kind keeps."""
    roots = {
        "v1": {"post": "v1.post", "original": "v1.post", "reposted": "v1.post", "quoted": "v1.post", "author": "v1.user", "user": "v1.user"},
        "v2": {"post": "v2.post", "original": "v2.post", "reposted": "v2.post", "quoted": "v2.post", "replied": "v2.post", "author": "v2.user", "user": "v2.user", "media": "v2.media", "place": "v2.place"},
        "activity": {"post": "activity.activity", "original": "activity.activity", "reposted": "activity.activity", "quoted": "activity.activity", "author": "activity.actor"},
    }  # fmt: skip
    kept = {line.cells["class"] for line in table("actions.tsv") if line.cells["hydrated"] == "keep"}
    seen = 0
    for line in table("hydrated_columns.tsv"):
        assert line.cells["why"], line.where
        for generation, names in roots.items():
            for way in filter(None, line.cells[generation].split(" / ")):
                part, _, path = way.strip().partition(".")
                field = load().field_at(names[part.removesuffix("[]")], path)
                assert field, f"{line.where}: {way}"
                assert field.cls in kept, f"{line.where}: {way}"
                seen += 1
    assert seen > 90
