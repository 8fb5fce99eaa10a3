"""A census tells which fields are there, of which class, and never what is in them."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import SHAPES, Mix, batch, examples, lines
from planting import Haystack

from xsieve.transforms.records import census as module
from xsieve.transforms.records import shapes
from xsieve.transforms.records.batch import Reason
from xsieve.transforms.records.catalog import load
from xsieve.transforms.records.census import TOLD_FROM, Census, Report, Seen

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
ROOTS = {shape.name: shape.object for shape in shapes.load()}
MIXES = (Mix(closed=0.05), Mix(unknown=0.3), Mix(fields=0.7, unknown=0.5, nested=1))
seeds = st.integers(0, 2**64)


def post(number: int = 0, **more: Any) -> dict[str, Any]:
    """An invented v1.1 post."""
    text_id = str(1212092628029698048 + number)
    user = {"id": 7007 + number, "id_str": str(7007 + number), "screen_name": "kaninchen", "protected": False}
    return {"id": int(text_id), "id_str": text_id, "text": "so schön hier 🎉", "user": user, **more}


def take(*payloads: Any, **options: Any) -> Report:
    counted = Census(**options)
    counted.add(b"\n".join(json.dumps(payload).encode() for payload in payloads))
    return counted.report()


def paths(report: Report, shape: str = "v1_post") -> dict[str, Seen]:
    (found,) = (found for found in report.shapes if found.shape == shape)
    assert len({seen.path for seen in found.paths}) == len(found.paths)
    return {seen.path: seen for seen in found.paths}


def said(report: Report) -> list[str]:
    """Every text in a report."""
    texts = [*report.rejected]
    for shape in report.shapes:
        texts.append(shape.shape)
        for seen in shape.paths:
            texts += [seen.path, *seen.types, seen.cls or "", *seen.sensitive]
    return texts


# --- what is told


def test_each_path_is_told_with_its_payloads_types_and_class() -> None:
    """A payload counts once at each path, however often its lists hold it."""
    urls = [{"url": "https://t.co/a", "expanded_url": None}, {"url": "https://t.co/b"}]
    found = paths(take(post(), post(1, entities={"urls": urls}), post(2, entities={"urls": []}, lang=None)))
    assert found["text"] == Seen("text", 3, ("text",), "text", 1, ())
    assert found["user.screen_name"][1:4] == (3, ("text",), "handle")
    assert found["user.protected"][1:4] == (3, ("bool",), "visibility")
    assert found["id"][1:4] == (3, ("int",), "post_id")
    assert found["lang"][1:4] == (1, ("null",), "language")
    assert found["entities.urls"][1:3] == (2, ("list",))
    assert found["entities.urls[]"][1:3] == (1, ("object",))
    assert found["entities.urls[].url"][1:4] == (1, ("text",), "link")
    assert found["entities.urls[].expanded_url"].types == ("null",)


def test_types_are_those_of_json() -> None:
    """A field that holds several types is told with all of them."""
    values = ({"a": 1}, [1], "a", 1, 1.5, True, None)
    found = paths(take(*(post(n, text=value) for n, value in enumerate(values)), post(9, text="b")))
    assert found["text"].types == ("object", "list", "text", "int", "number", "bool", "null")


def test_keys_that_are_data_are_told_as_a_star() -> None:
    """Objects that are keyed by the ids of users give one path, whatever the ids are."""
    users = {str(n): {"screen_name": "kaninchen"} for n in range(770_001, 770_040)}
    report = take({"for_user_id": "770001", "users": users})
    found = paths(report, "account_activity")
    assert found["users.*.screen_name"][1:4] == (1, ("text",), "handle")
    assert not [path for path in found if "77" in path]


@settings(max_examples=examples(30))
@given(seeds, st.sampled_from(MIXES))
def test_the_class_of_a_path_is_the_one_of_the_field_tables(seed: int, mix: Mix) -> None:
    """Whatever the nesting, a census says what the catalog says."""
    counted = Census()
    counted.add(lines(batch(random.Random(seed), 5, mix)))
    for found in counted.report().shapes:
        for seen in found.paths:
            if found.shape in ROOTS and "?" not in seen.path:
                field = load().field_at(ROOTS[found.shape], seen.path)
                assert seen.cls == (field.cls if field else None), (found.shape, seen.path)


def test_a_key_that_only_looks_like_a_path_is_not_taken_for_the_field() -> None:
    """A flat key such as user.id_str, made by table tools, is unknown."""
    counted = Census()
    counted.add(b"\n".join(json.dumps(post(n, **{"geo.lat": 1})).encode() for n in range(TOLD_FROM)))
    assert paths(counted.report())["geo.lat"].cls is None


def test_unknown_shapes_are_told_with_their_top_level_keys() -> None:
    """What no shape describes is counted, by the keys on top and nothing below."""
    report = take({"text": "x", "secretProject": {"inner": {"deep": 1}}}, ["a list"], "a text")
    assert [(found.shape, found.payloads) for found in report.shapes] == [("unknown", 3)]
    assert {seen.path for seen in report.shapes[0].paths} == {"text", "?", "[]"}
    assert report.cut == 0


# --- what is not told


@pytest.mark.parametrize(("times", "told"), [(TOLD_FROM - 1, False), (TOLD_FROM, True)])
def test_a_key_that_no_table_names_is_told_from_twenty_payloads_on(times: int, told: bool) -> None:
    """One payload fewer, and the key stays hidden."""
    found = paths(take(*(post(n, mlStance="pro") for n in range(times))))
    assert ("mlStance" in found, "?" in found) == (told, not told)
    assert found["mlStance" if told else "?"].payloads == times


def test_twenty_times_in_one_payload_are_one_payload() -> None:
    """Neither lists, nor hidden keys above, nor nested posts make one payload many."""
    listed = {"rows": [{"kaninchenbau": n} for n in range(50)]}
    keyed = {f"user{chr(97 + n)}": {"kaninchenbau": n} for n in range(26)}
    report = take(post(ml=listed, scores=keyed, retweeted_status=post(kaninchenbau=1)))
    assert not [text for text in said(report) if "kaninchenbau" in text]
    assert {"?.?[].?", "?.?.?"} <= paths(report).keys()


def test_payloads_are_counted_over_places_and_shapes() -> None:
    """A key is told if enough payloads hold it, wherever it stands in them."""
    flat = [{"id": "1", "text": "x", "kept": 1} for _ in range(TOLD_FROM // 2)]
    deep = [post(n, more={"kept": 1}) for n in range(TOLD_FROM // 2)]
    report = take(*flat, *deep)
    assert "kept" in paths(report, "v2_post")
    assert "?.kept" in paths(report)


DATA = (
    *("12345", "user_98765", "x１２３４５", "9lives", "@kaninchen", "#tag", "Jane Kaninchen", "jane@example.org"),
    *("", "a/b", "a\x1b[31m", "a\u202eb", "k" * 65, "k" * 500, "?", "*", "[]"),
)


@pytest.mark.parametrize("key", DATA)
def test_a_key_that_looks_like_data_is_never_told(key: str) -> None:
    """Long numbers, handles, names, addresses, what would not show: hidden however many payloads hold it."""
    report = take(*(post(n, more={key: 1}) for n in range(60)))
    found = paths(report)
    assert [path for path in found if path.startswith("?") or "more" in path] == ["more", "more.?"]
    assert found["more.?"].payloads == 60


def test_names_of_fields_of_x_are_told_wherever_they_stand() -> None:
    """What X documents is no secret: one payload with a known name in an unknown place is enough."""
    assert "?.full_text" in paths(take(post(wrapper={"full_text": "x"})))


@settings(max_examples=examples(40))
@given(seeds, st.sampled_from(MIXES))
def test_nothing_planted_in_payloads_is_told(seed: int, mix: Mix) -> None:
    """Neither a value nor a key that is data comes out of a census."""
    made = batch(random.Random(seed), 4, mix)
    counted = Census()
    counted.add(lines(made))
    haystack = Haystack(said(counted.report()))
    assert not haystack.found(one for payload in made for one in payload.planted)


@settings(max_examples=examples(100))
@given(st.lists(st.dictionaries(st.text(max_size=8), st.integers() | st.text(), max_size=6), max_size=TOLD_FROM - 1))
def test_keys_in_few_payloads_are_never_told(extras: list[dict[str, Any]]) -> None:
    """Only names of the field tables come out of fewer than twenty payloads."""
    named = {name for fields in load().objects.values() for name in fields} | {"?"}
    for path in paths(take(post(), *(post(more={"ml": extra}) for extra in extras))):
        assert set(path.replace("[]", "").split(".")) <= named


# --- what is sensitive


@pytest.mark.parametrize(
    ("key", "item"),
    [
        ("is_pregnant", "pregnancy"),
        ("political_affiliation", "political affiliation"),
        ("party", "political affiliation?"),
    ],
)
def test_names_that_express_a_sensitive_category_are_marked(key: str, item: str) -> None:
    """A name that tells is marked, one that may tell with a question mark; so is what lies below."""
    found = paths(take(*(post(n, ml={key: {"score": 0.02}}) for n in range(TOLD_FROM))))
    assert found[f"ml.{key}"].sensitive == found[f"ml.{key}.score"].sensitive == (item,)
    assert found["ml"].sensitive == ()


def test_hidden_keys_are_judged_too() -> None:
    """That some key expresses pregnancy is told, though not which one."""
    found = paths(take(post(pregnant_jane=1, other=2)))
    assert found["?"].sensitive == ("pregnancy",)


def test_what_x_inferred_is_marked() -> None:
    """X's own inferences are marked as such, with all that lies below."""
    report = take({"id": "1", "text": "x", "context_annotations": [{"domain": {"name": "Politics"}}]})
    assert paths(report, "v2_post")["context_annotations[].domain.name"].sensitive == ("inference",)


def test_fields_of_x_are_judged_by_their_class_not_by_their_names() -> None:
    """A field that the tables know is no finding for having a suspicious name."""
    found = paths(take(post(possibly_sensitive=True, withheld_in_countries=["DE"])))
    assert not [seen for seen in found.values() if seen.sensitive]


# --- what adds up


@settings(max_examples=examples(30))
@given(seeds, st.sampled_from(MIXES), st.integers(0, 10), st.booleans())
def test_merged_parts_are_the_same_as_one_pass(seed: int, mix: Mix, cut: int, first: bool) -> None:
    """However payloads are split over censuses and in whichever order they are merged, the report is one."""
    rng = random.Random(seed)
    made = [payload.line(rng) for payload in batch(rng, 8, mix)] + [b"{half", b'{"a":1,"a":2}']
    whole, left, right = Census(), Census(), Census()
    whole.add(b"\n".join(made))
    left.add(b"\n".join(made[:cut]))
    right.add(b"\n".join(made[cut:]))
    one, other = (left, right) if first else (right, left)
    one.merge(other)
    assert one.report() == whole.report()


def test_a_key_is_told_when_the_parts_together_reach_twenty() -> None:
    """What is hidden in each of two censuses may be told by their sum."""
    parts = [Census(), Census()]
    for part in parts:
        part.add(b"\n".join(json.dumps(post(n, mlStance=1)).encode() for n in range(TOLD_FROM // 2)))
        assert "mlStance" not in paths(part.report())
    parts[0].merge(parts[1])
    assert paths(parts[0].report())["mlStance"].payloads == TOLD_FROM
    parts[0].add(json.dumps(post(mlStance=1)).encode())
    assert paths(parts[0].report())["mlStance"].payloads == TOLD_FROM + 1


@settings(max_examples=examples(30))
@given(seeds, st.integers(1, 5))
def test_every_payload_is_accounted_for(seed: int, step: int) -> None:
    """payloads = skipped + by shape + rejected, and no path is in more payloads than its shape."""
    rng = random.Random(seed)
    counted = Census(step=step)
    counted.add(lines(batch(rng, 10, Mix(unknown=0.5))) + b"\n  \n{\n\xff\n")
    counted.reject(Reason.TRUNCATED)
    report = counted.report()
    assert report.payloads == 13
    assert report.payloads == report.skipped + sum(s.payloads for s in report.shapes) + sum(report.rejected.values())
    for shape in report.shapes:
        assert all(0 < seen.payloads <= shape.payloads for seen in shape.paths)


def test_a_sample_looks_at_one_payload_of_so_many() -> None:
    """The rest is skipped, and said to be."""
    report = take(*(post(n) for n in range(10)), step=4)
    assert (report.payloads, report.skipped, report.shapes[0].payloads) == (10, 7, 3)


def test_what_cannot_be_read_is_counted_by_reason() -> None:
    """Broken payloads are counted and do not stop the others."""
    counted = Census()
    broken = (b"{cut", b'{"id": 1, "id": 2}', b"\xff\xfe", b"[" * 5_000 + b"]" * 5_000, b'{"a": NaN}')
    counted.add(b"\n".join([*broken, json.dumps(post()).encode()]))
    counted.reject(Reason.TOO_LARGE)
    report = counted.report()
    assert report.rejected == {"not_json": 2, "not_utf8": 1, "repeated_key": 1, "too_deep": 1, "too_large": 1}
    assert [(found.shape, found.payloads) for found in report.shapes] == [("v1_post", 1)]


@pytest.mark.parametrize("value", [b"1e999", b"1" * 400, b'"\xff"'])
def test_values_that_only_lenient_parsers_take_do_not_cost_the_payload(value: bytes) -> None:
    """Outputs skip fields that hold such values; a census tells that the fields are there."""
    counted = Census()
    counted.add(json.dumps(post()).encode()[:-1] + b', "odd": ' + value + b"}")
    assert counted.report().rejected == {}
    assert paths(counted.report())["?"].payloads == 1


# --- what is bounded


def test_keys_without_end_are_pooled_and_known_fields_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of keys at one place costs no more memory than its bound, and no other place."""
    monkeypatch.setattr(module, "MAX_KEYS", 50)
    flood = {f"k{chr(97 + n % 26)}{n}": {"score": n} for n in range(5_000)}
    counted = Census()
    counted.add(json.dumps(post(flood=flood)).encode() + b"\n" + json.dumps({**flood, **post(1, lang="en")}).encode())
    found = paths(counted.report())
    assert counted._size < 500
    assert found["?.?"].types == ("object",)
    assert found["lang"].cls == "language"
    assert counted.report().cut == 0


def test_places_without_end_are_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound for all, payloads are still counted, and said not to have been followed."""
    monkeypatch.setattr(module, "MAX_PLACES", 100)
    counted = Census()
    counted.add(b"\n".join(json.dumps(post(n, **{f"a{n}b{m}": 1 for m in range(40)})).encode() for n in range(20)))
    report = counted.report()
    assert counted._size == 100
    assert 0 < report.cut < 20
    assert paths(report)["text"].payloads == 20


def test_deep_nesting_is_cut_and_counted() -> None:
    """A payload that nests deeper than anything of X's is followed to a bound."""
    nested: Any = 1
    for _ in range(200):
        nested = {"child": [nested]}
    report = take(post(more=nested))
    assert report.cut == 1
    assert max(seen.path.count(".") + seen.path.count("[]") for seen in report.shapes[0].paths) < module.MAX_DEPTH


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the recorded payloads are not here")
def test_every_recorded_payload_is_accounted_for() -> None:
    """Real payloads of every format are counted, and posts, users and their pages are fully known."""
    counted, total = Census(), 0
    for path in sorted(CORPORA.glob("*/*.jsonl")):
        text = path.read_bytes()
        total += sum(bool(line.strip()) for line in text.splitlines())
        counted.add(text)
    report = counted.report()
    assert report.payloads == total == sum(found.payloads for found in report.shapes) + sum(report.rejected.values())
    assert report.cut == 0
    for shape in ("v1_post", "v1_user", "activity", "v2_page", "v2_user_page"):
        assert not [seen.path for seen in paths(report, shape).values() if seen.cls is None], shape


def test_shapes_are_told_by_how_frequent_they_are() -> None:
    """The most frequent shape comes first."""
    report = take({"id": "1", "username": "kaninchen"}, post(), post(1))
    assert [found.shape for found in report.shapes] == ["v1_post", "v2_user"]
    assert set(SHAPES) > {"v1_post", "v2_user"}
