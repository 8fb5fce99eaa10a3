"""Releases whose run or hand-over is killed, for good: one whole release in the end, counted once, and nothing left over.

XSIEVE_KILLS says how many are killed at random moments, and at how many of all changes that they make to the disk and the
ledger (from 100 on at each of them).
"""

import json
import os
import random
import re
import subprocess
import time

import pytest
from killing import Workers
from outflow_settings import numbers, policy, text_of
from outputs import manifest, names, rows
from templates import v1_post, v1_quote

from xsieve.pipelines.kept import damaged, read_kept
from xsieve.pipelines.private import PREFIX
from xsieve.pipelines.publish import JOURNAL, MANIFEST, STAGED
from xsieve.transforms.ledger import open_ledger

KILLS = int(os.environ.get("XSIEVE_KILLS", "5"))
LIMIT = 80  # of post ids for an entity: room for one release of each input to the lab, and for none to the office
FIRST, SECOND = numbers(45), numbers(30, start=100)
STRANGER = "ids-1999-12-31.txt"
PLACES = {"lab": "climate/lab", "paper": "climate/paper", "office": "wide", "daily": "sample"}
OUTPUTS = {
    "climate": {"kind": "ids", "recipients": ["lab", "paper"], "split": "utc_day"},
    "wide": {"kind": "ids", "recipient": "office", "nested": True},
    "sample": {"kind": "hydrated", "recipient": "paper"},
    "trends": {"kind": "rows"},
}


def quoted(number):
    return number + 7


def read(house, found):
    """Let the next run read posts that quote others."""
    posts = [v1_quote(v1_post(str(quoted(n))), id=n, id_str=str(n), text=f"number {n % 1000} 🌊 مرحبا") for n in found]
    (house / "in").write_text("".join(json.dumps(post) + "\n" for post in posts))


def declare(house, limit=LIMIT):
    (house / "settings").write_text(text_of(house, OUTPUTS, policy=policy(house, post_id=limit)))


def new_house(folder):
    """Posts to read, settings, and files of somebody else where something is published."""
    for place in ("climate/lab", "wide"):
        (folder / "out" / place).mkdir(parents=True)
        (folder / "out" / place / STRANGER).write_text("mine")
    read(folder, FIRST)
    declare(folder)
    return folder


@pytest.fixture
def house(tmp_path):
    return new_house(tmp_path)


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    with Workers(tmp_path_factory.mktemp("workers")) as found:
        yield found


# --- what is looked at


def ledger(house):
    return open_ledger(f"sqlite:///{house}/outflow.db")


def used(house, name="partner", unit="post_id"):
    with ledger(house) as opened:
        return sum(one.used for one in opened.usage() if (one.name, one.unit) == (name, unit))


def states(house, output):
    """The releases of an output as the ledger knows them: by id."""
    with ledger(house) as opened:
        return {known.offer.release: known for known in opened.releases() if known.offer.output == output}


def entries(house, release):
    with ledger(house) as opened:
        return [event.kind for event in opened.events(release)]


def strangers(folder):
    return [name for name in names(folder) if name == STRANGER]


def assert_sums_hold(folder):
    done = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=False)
    assert done.returncode == 0


def assert_published(folder, found):
    """A folder holds a whole release of these ids, what strangers left, and no more but what waits."""
    told = manifest(folder)
    assert told["distinct_objects"] == len(found)
    files = [entry["name"] for entry in told["files"]]
    shown = [name for name in names(folder) if not name.startswith(".kept-")]
    assert shown == sorted([MANIFEST, *strangers(folder), *files])
    assert all((folder / entry["name"]).stat().st_size == entry["bytes"] for entry in told["files"])
    assert_sums_hold(folder)
    listed = [int(line) for path in folder.glob("ids*.txt") if path.name != STRANGER for line in path.open()]
    assert sorted(listed) == sorted(found)


def assert_whole_or_nothing(house):
    """What a killed run leaves: a manifest only beside all that it names; without one and unless it is on its way, nothing."""
    for place in ("climate/lab", "climate/paper", "wide", "sample"):
        folder = house / "out" / place
        if (folder / MANIFEST).exists():
            told = manifest(folder)
            assert all((folder / entry["name"]).stat().st_size == entry["bytes"] for entry in told["files"])
            assert_sums_hold(folder)
        elif not (folder / JOURNAL).exists():
            shown = [path.name for path in folder.iterdir() if path.is_file()] if folder.exists() else []
            assert shown == strangers(folder)
    assert used(house) <= LIMIT


def assert_waits(house, place, release):
    """A release is out of sight and whole."""
    folder = house / "out" / place / f".kept-{release}"
    kept = read_kept(str(folder))
    assert kept
    assert damaged(kept) == []
    assert_sums_hold(folder)


def assert_no_trace(house, workers):
    """Nothing is left of what was staged or on its way, in the outputs or where temporary files are."""
    left = [path for path in (house / "out").rglob("*") if path.name.startswith(STAGED) or path.name == JOURNAL]
    assert left == []
    assert all((house / "out" / place / STRANGER).read_text() == "mine" for place in ("climate/lab", "wide"))
    assert [path for path in workers.temporary.rglob("*") if path.is_file() or PREFIX in path.name] == []


def assert_set_right(house, workers, found=FIRST, before=()):
    """After a whole run: released once to each who may have it, counted once, kept where it has to wait.

    ``before``: the ids of another input, whose run was killed.
    """
    (inputs,) = {manifest(house / "out" / place)["input"] for place in ("climate/lab", "climate/paper")}
    for recipient, entity in (("lab", "partner"), ("paper", "press")):
        assert_published(house / "out" / "climate" / recipient, found)
        of_all = {r: k for r, k in states(house, "climate").items() if k.offer.recipient == recipient}
        (now,) = (release for release, known in of_all.items() if known.offer.inputs == inputs)
        assert of_all[now].state == "published"
        assert entries(house, now) == ["reserved", "published"]
        others = [known for release, known in of_all.items() if release != now]
        assert all(known.units == len(before) and known.state in ("reserved", "published") for known in others)
        assert len(others) <= bool(before)
        assert used(house, entity) == len(found) + sum(known.units for known in others)
    for output, place, state in (("wide", "wide", "withheld"), ("sample", "sample", "prepared")):
        (waits,) = (known for known in states(house, output).values() if known.offer.inputs == inputs)
        assert waits.state == state
        assert entries(house, waits.offer.release) == [state]
        assert_waits(house, place, waits.offer.release)
        assert MANIFEST not in names(house / "out" / place)
    assert used(house, "paper", "hydrated") == 0
    assert len(rows(house / "out" / "trends")) == len(found)
    assert_no_trace(house, workers)


def some(count, share=1):
    """Of so many, a share of as many as are killed, by chance but the same in every test run; all of them from 100 kills on."""
    few = min(count, max(1, KILLS // share))
    return range(count) if KILLS >= 100 else sorted(random.Random(KILLS).sample(range(count), few))


# --- a run


@pytest.fixture(scope="module")
def changes(workers, tmp_path_factory):
    """What a run changes, one after the other."""
    return workers.changes(new_house(tmp_path_factory.mktemp("changes")), do="run")


STEPS = {
    "the staging folder": r"mkdir /out/climate/\.staged",
    "ids are staged": r"open /out/climate/\.staged-.*\.ids",
    "ids are made distinct": r"open /out/climate/\.staged-.*\.txt",
    "a release is put together": r"mkdir /out/climate/lab/\.staged",
    "its first file": r"link .* -> /out/climate/lab/.*-13\.txt",
    "its next file": r"link .* -> /out/climate/lab/.*-14\.txt",
    "its README": r"open /out/climate/lab/.*README",
    "its checksums": r"open /out/climate/lab/.*SHA256SUMS",
    "what it takes to offer it": r"open /out/climate/lab/.*release\.json",
    "the next release": r"mkdir /out/climate/paper/\.staged",
    "all are offered": r"commit offer",
    "what was withheld is kept": r"rename .* -> /out/wide/\.kept",
    "what was prepared is kept": r"rename .* -> /out/sample/\.kept",
    "the manifest is staged": r"open /out/climate/lab/.*manifest\.json",
    "the journal is staged": r"open /out/climate/lab/.*publishing\.json",
    "publishing begins": r"rename .* -> /out/climate/lab/\.publishing",
    "publishing of the next begins": r"rename .* -> /out/climate/paper/\.publishing",
    "a file is moved": r"rename .* -> /out/climate/lab/ids.*-13",
    "the next file is moved": r"rename .* -> /out/climate/lab/ids.*-14",
    "the manifest is moved": r"rename .* -> /out/climate/lab/manifest",
    "the staging folder goes": r"rmdir /out/climate/lab/\.staged",
    "the journal goes": r"remove /out/climate/lab/\.publishing",
    "the ledger is told": r"commit all_published",
}


def place_of(step, changes):
    return next(number for number, change in enumerate(changes) if re.match(STEPS[step], change))


@pytest.mark.parametrize("input_", ["the same input", "other input"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_killed_at_a_step_is_set_right_by_the_next(workers, house, changes, step, moment, input_):
    """Just before a step or just after it, with the same input or another one afterwards."""
    if moment == "after" and KILLS < 100:
        pytest.skip("only with 100 kills or more")
    assert workers.killed_at(house, place_of(step, changes) + (moment == "after"), do="run")
    assert_whole_or_nothing(house)
    if input_ == "other input":
        read(house, SECOND)
    assert workers.ends(house, do="run") == 0
    assert_set_right(house, workers, *((SECOND, FIRST) if input_ == "other input" else ()))


def test_a_run_may_be_killed_at_any_change_it_makes(workers, tmp_path, changes):
    """Whatever it is about to create, move, remove or commit."""
    for change in some(len(changes)):
        house = new_house(tmp_path / str(change))
        workers.killed_at(house, change, do="run")
        assert_whole_or_nothing(house)
        assert workers.ends(house, do="run") == 0
        assert_set_right(house, workers)


@pytest.fixture(scope="module")
def lasts(workers, tmp_path_factory):
    """Seconds that a run takes, about."""
    house, began = new_house(tmp_path_factory.mktemp("lasts")), time.monotonic()
    assert workers.ends(house, do="run") == 0
    return time.monotonic() - began


@pytest.mark.parametrize("number", range(KILLS))
def test_a_run_may_be_killed_at_any_moment(workers, house, lasts, number):
    """By chance, with the same input or another one afterwards."""
    chance = random.Random(number)
    moment, other = chance.uniform(0, lasts), chance.random() < 0.5
    workers.killed_when(house, lambda seconds: seconds > moment, do="run")
    if (house / "outflow.db").exists():
        assert_whole_or_nothing(house)
    if other:
        read(house, SECOND)
    assert workers.ends(house, do="run") == 0
    assert_set_right(house, workers, *((SECOND, FIRST) if other else ()))


SEEN = {
    "rows are staged": "trends/.staged-*/*",
    "a release is put together": "climate/lab/.staged-*",
    "what was withheld is kept": "wide/.kept-*",
}


@pytest.mark.parametrize("step", SEEN)
def test_a_run_of_several_processes_may_be_killed_too(workers, house, step):
    """Workers that outlive their run for a moment publish nothing, and are in nobody's way."""
    work = {"do": "run", "options": ["--direct_num_workers=2"]}
    assert workers.killed_when(house, lambda _: any((house / "out").glob(SEEN[step])), **work)
    assert workers.ends(house, **work) == 0
    assert_set_right(house, workers)


def test_runs_that_are_killed_one_after_the_other_are_set_right_by_the_last(workers, house, changes):
    """Kill upon kill, each a little later, without a whole run between them."""
    for step in ("ids are staged", "all are offered", "a file is moved", "the ledger is told"):
        workers.killed_at(house, place_of(step, changes), do="run")
        assert_whole_or_nothing(house)
    assert workers.ends(house, do="run") == 0
    assert_set_right(house, workers)


# --- a hand-over


CASES = {
    "a withheld release": ("wide", False, LIMIT * 3),
    "what fits of one": ("wide", True, LIMIT),
    "hydrated posts": ("sample", False, LIMIT),
}


def roomy(house, workers, limit):
    """A house with a withheld and a prepared release, and settings with another limit; the one that a case is about."""
    assert workers.ends(house, do="run") == 0
    declare(house, limit)
    return house


def assert_handed_over(house, workers, case):
    """What a case is about has left once; what it is not about waits as it did."""
    output, truncated, _ = CASES[case]
    folder = house / "out" / output
    told = manifest(folder)
    everything = sorted([*FIRST, *map(quoted, FIRST)])
    left = LIMIT - len(FIRST) if truncated else len(everything)
    shown = [name for name in names(folder) if not name.startswith(".kept-")]
    assert shown == sorted([MANIFEST, *strangers(folder), *(entry["name"] for entry in told["files"])])
    assert_sums_hold(folder)
    waits = [name.removeprefix(".kept-") for name in names(folder) if name.startswith(".kept-")]
    assert waits == [name for name, known in states(house, output).items() if known.state == "withheld"]
    assert truncated or not waits  # a run withholds again what was given up for a part of it
    (mine,) = (known for known in states(house, output).values() if known.state == "published")
    assert mine.offer.release == told["release"]
    assert entries(house, mine.offer.release).count("reserved") == 1
    assert entries(house, mine.offer.release).count("published") == 1
    with ledger(house) as opened:
        assert [event.by for event in opened.events(told["release"]) if event.kind == "reserved"] == ["Rita"]
    if output == "wide":
        listed = [int(line) for path in folder.glob("ids*.txt") if path.name != STRANGER for line in path.open()]
        assert sorted(listed) == everything[:left]
        assert used(house) == len(FIRST) + left
    else:
        assert used(house, "paper", "hydrated") == told["distinct_objects"]
    assert_no_trace(house, workers)


@pytest.mark.parametrize("then", ["handed over again", "run and handed over"])
@pytest.mark.parametrize("case", CASES)
def test_a_hand_over_may_be_killed_at_any_change_it_makes(workers, tmp_path, case, then):
    """Handing over again, or the run and then handing over, does what was left to do, and counts nothing twice."""
    output, truncated, limit = CASES[case]
    work = {"do": "release", "name": output, "truncate": truncated}
    changes = workers.changes(roomy(new_house(tmp_path / "whole"), workers, limit), **work)
    assert_handed_over(tmp_path / "whole", workers, case)
    for change in some(len(changes), share=4):
        house = roomy(new_house(tmp_path / str(change)), workers, limit)
        assert workers.killed_at(house, change, **work)
        assert_whole_or_nothing_waits(house, output)
        if then == "run and handed over":
            assert workers.ends(house, do="run") == 0
        if any(known.state in ("prepared", "withheld", "reserved") for known in states(house, output).values()):
            assert workers.ends(house, **work) == 0
        assert workers.ends(house, do="run") == 0
        assert_handed_over(house, workers, case)


def assert_whole_or_nothing_waits(house, output):
    folder = house / "out" / output
    if (folder / MANIFEST).exists():
        assert_sums_hold(folder)
    elif not (folder / JOURNAL).exists():
        (release,) = (
            known.offer.release for known in states(house, output).values() if "part" not in known.offer.release
        )
        assert_waits(house, output, release)
