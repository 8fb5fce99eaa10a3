"""Outflow is counted exactly: each object once in a release, whatever is repeated, split or tried again."""

import json
import random
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import FixedWindows
from apache_beam.typehints.decorators import TypeCheckError
from templates import OTHER_AUTHOR, OTHER_POST, POST, activity, v1_post, v1_repost, v1_user, v2_page, v2_post, v2_user

from xsieve.transforms import CountedOutflow, CountOutflow, Dehydrate, KeepPublic, Plan, Sift, StripIdentifiers
from xsieve.transforms import outflow as counting
from xsieve.transforms.outflow import Slice, StageUnits, count_part
from xsieve.transforms.records.batch import RawBatch
from xsieve.transforms.records.sieves import sieve_for
from xsieve.transforms.records.units import DIGEST_PARTS, Units, digest_of
from xsieve.transforms.sift import IdBatch

PAYLOADS = [
    v1_post(),
    v1_repost(v1_post(OTHER_POST, OTHER_AUTHOR), id_str="1590000000000000409", id=1590000000000000409),
    v2_page(v2_post(), v2_post("1590000000000000203"), users=[v2_user()]),
    activity("1590000000000000307", OTHER_AUTHOR),
    v1_post("1590000000000000101", user=v1_user(protected=True)),
]
HYDRATED = Plan("hydrated", attested=True)
UNITS = {
    "hydrated": (HYDRATED, 7),  # 5 posts and 2 users
    "post_id": (Plan("ids", nested=True), 5),
    "user_id": (Plan("ids", ids="user"), 2),
}


def pipeline() -> beam.Pipeline:
    return beam.Pipeline("FnApiRunner", PipelineOptions())


def batches(count: int, seed: int = 0, repeats: int = 3) -> list[RawBatch]:
    """The payloads, repeated, in some order, in so many batches."""
    lines = [json.dumps(payload) for payload in PAYLOADS] * repeats
    random.Random(seed).shuffle(lines)
    return [RawBatch("\n".join(lines[at::count]).encode(), at, 0) for at in range(count)]


def counted(plan: Plan, folder: Path, given: list[RawBatch], **more: Any) -> list[CountedOutflow]:
    """What CountOutflow gives of batches."""
    found = folder / "found.json"
    with pipeline() as p:
        passed = (p | beam.Create(given) | Sift(plan)).passed
        told = passed | CountOutflow(plan, str(folder), **{"release": "2026-11-24"} | more)
        _ = told | beam.combiners.ToList() | beam.Map(lambda all_: found.write_text(json.dumps(all_)))
    return [CountedOutflow(*one) for one in json.loads(found.read_text())]


@pytest.mark.parametrize("unit", UNITS)
def test_each_object_counts_once_whatever_slices_and_order_it_comes_in(unit: str, tmp_path: Path) -> None:
    """One batch or many, repeated or not: the same number, and the same digest."""
    plan, units = UNITS[unit]
    (first,) = counted(plan, tmp_path, batches(1, repeats=1))
    assert first[:4] == ("", unit, "2026-11-24", units)
    for count, seed in ((2, 1), (7, 2)):
        assert counted(plan, tmp_path, batches(count, seed)) == [first]


def test_the_digest_is_that_of_the_set_of_objects(tmp_path: Path) -> None:
    """As the functions without Beam make it."""
    content = sieve_for(HYDRATED)(batches(1)[0]).content
    ((*_, digest),) = counted(HYDRATED, tmp_path, batches(4))
    assert digest == digest_of(content.units)
    ids = np.unique(sieve_for(Plan("ids"))(batches(1)[0]).content)
    ((*_, digest),) = counted(Plan("ids"), tmp_path, batches(4))
    assert digest == digest_of(Units(ids))


def test_each_recipient_of_a_release_is_told_the_same(tmp_path: Path) -> None:
    """One count for all of them."""
    found = counted(HYDRATED, tmp_path, batches(2), recipients=("anna", "lab"), release="r7")
    assert [(one.recipient, one.release, one.units) for one in found] == [("anna", "r7", 7), ("lab", "r7", 7)]
    assert len({one.digest for one in found}) == 1


@pytest.mark.parametrize("given", [[], [RawBatch(b"", 0, 0)], [RawBatch(json.dumps(PAYLOADS[-1]).encode(), 0, 0)]])
def test_a_release_of_nothing_has_no_units(given: list[RawBatch], tmp_path: Path) -> None:
    """No input, no lines, or nothing that passes: it is told all the same."""
    assert counted(HYDRATED, tmp_path, given) == [CountedOutflow("", "hydrated", "2026-11-24", 0, digest_of(Units()))]


def test_what_failed_attempts_wrote_does_not_count(tmp_path: Path) -> None:
    """A bundle that is tried again writes files of its own; the runner forgets what the first one told."""
    content = sieve_for(HYDRATED)(batches(1)[0])
    for _ in range(3):
        step = StageUnits(HYDRATED, str(tmp_path))
        step.start_bundle()
        assert list(step.process(counting.HydratedBatch(content.content, 0, 0))) == []
        told = [value.value for value in step.finish_bundle()]
    ((*_, units, _digest),) = counted(HYDRATED, tmp_path, batches(1))
    assert units == sum(count_part(part, [piece]).units for part, piece in told) == 7
    assert len(list(tmp_path.glob("*.units"))) >= 4


def test_memory_is_bounded_by_flushing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million ids are held back at most; what is flushed in pieces is counted once."""
    monkeypatch.setattr(counting, "FLUSH_UNITS", 1000)
    ids = np.arange(1, 5001, dtype=np.int64) * 7_919_000_003
    step = StageUnits(Plan("ids"), str(tmp_path))
    step.start_bundle()
    told = [found for part in np.split(np.tile(ids, 2), 20) for found in step.process(IdBatch(part, 0, 0))]
    told += [value.value for value in step.finish_bundle()]
    slices: dict[tuple[int, int], list[Slice]] = {}
    for part, piece in told:
        slices.setdefault(part, []).append(piece)
    assert len({piece.file for _, piece in told}) == 10
    assert len(slices) == DIGEST_PARTS
    assert sum(count_part(part, pieces).units for part, pieces in slices.items()) == 5000


def test_no_content_crosses_a_shuffle(tmp_path: Path) -> None:
    """Names of files and numbers do; neither texts nor ids."""
    step = StageUnits(HYDRATED, str(tmp_path))
    step.start_bundle()
    content = sieve_for(HYDRATED)(batches(1)[0]).content
    told = [*step.process(counting.HydratedBatch(content, 0, 0)), *(v.value for v in step.finish_bundle())]
    assert told
    for part, piece in told:
        assert set(map(type, (*part, piece.first, piece.count))) == {int}
        assert max(*part, piece.first, piece.count) < 1000
        assert POST not in piece.file


def test_only_what_leaves_the_house_is_counted(tmp_path: Path) -> None:
    """Rows and stores stay in it; a plan and batches of different kinds are a mistake; streams are the ledger's."""
    for kind in ("rows", "store"):
        with pytest.raises(ValueError, match="only plans of kind ids and hydrated"):
            CountOutflow(Plan(kind), str(tmp_path), release="r")
    ids = (pipeline() | beam.Create(batches(1)) | Sift(Plan("ids"))).passed
    with pytest.raises(ValueError, match="batches of another"):
        _ = ids | CountOutflow(HYDRATED, str(tmp_path), release="r")
    windowed = ids | beam.WindowInto(FixedWindows(60))
    with pytest.raises(ValueError, match="in streams the ledger counts"):
        _ = windowed | "Windowed" >> CountOutflow(Plan("ids"), str(tmp_path), release="r")
    rows = pipeline() | beam.Create(["{}"]) | StripIdentifiers()
    with pytest.raises(TypeCheckError):
        _ = rows | CountOutflow(HYDRATED, str(tmp_path), release="r")


def test_it_counts_beside_the_verbs_in_anyones_pipeline(tmp_path: Path) -> None:
    """What a verb has sifted is counted as it leaves."""
    lines = [json.dumps(payload) for payload in PAYLOADS]
    public, ids = KeepPublic(attested=True, country="DE"), Dehydrate()
    with pipeline() as p:
        posts = p | beam.Create(lines)
        records, numbers = posts | public, posts | ids
        scratch = str(tmp_path)
        counts = public.sifted.passed | "Public" >> CountOutflow(public.plan, scratch, release="r", recipients=("lab",))
        of_ids = ids.sifted.passed | "Ids" >> CountOutflow(ids.plan, scratch, release="r")
        assert_that(records | "Of records" >> beam.combiners.Count.Globally(), equal_to([5]), "records")
        assert_that(numbers | "Of ids" >> beam.combiners.Count.Globally(), equal_to([4]), "ids")
        assert_that(counts | "Units" >> beam.Map(lambda one: one[:4]), equal_to([("lab", "hydrated", "r", 7)]), "units")
        assert_that(of_ids | "Numbers" >> beam.Map(lambda one: one[:4]), equal_to([("", "post_id", "r", 4)]), "numbers")
