"""Windows of a stream, without a runner: whatever is replayed, each unit is published once and counted once."""

import itertools
import random
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from outflow_settings import numbers, policy, posts, settings_for
from outputs import manifest, names

from xsieve.pipelines.folders import PublishError
from xsieve.pipelines.hand_over import chosen, hand_over, waiting
from xsieve.pipelines.outflow import outflows
from xsieve.pipelines.windows import Stream, Window, keep_window, release_window
from xsieve.transforms.ledger import LedgerError, open_ledger

NOON = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
WINDOW = Window(NOON, NOON + timedelta(hours=1))
LATER = Window(NOON + timedelta(hours=1), NOON + timedelta(hours=2))
NOW = datetime.now(timezone.utc)


def array(ids):
    return np.array(ids, np.int64)


def ids_in(folder):
    """The ids in all files of a window, with repeats if there are any."""
    if not (folder / "manifest.json").exists():
        return []
    return sorted(
        int(line)
        for entry in manifest(folder)["files"] if entry["units"]
        for line in (folder / entry["name"]).read_text().splitlines()
    )  # fmt: skip


class House:
    """A stream of ids to one recipient, under a small limit."""

    def __init__(self, folder, limit=1000):
        posts(folder / "in", numbers(1))
        outputs = {"climate": {"kind": "ids", "recipient": "lab"}}
        settings = settings_for(folder, outputs, policy=policy(folder, post_id=limit))
        (outflow,) = outflows(settings, "climate", NOW)
        self.out = folder / "out"
        self.ledger = open_ledger(f"sqlite:///{folder}/outflow.db")
        self.stream = Stream("climate", str(self.out), "content", "kafka", outflow)

    def pane(self, ids, window=WINDOW):
        return release_window(self.ledger, self.stream, window, array(ids))

    def published(self, window=WINDOW):
        return ids_in(self.out / window.label)

    def used(self):
        return sum(one.used for one in self.ledger.usage())


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.ledger.close()


def test_a_window_is_a_release_with_a_folder_of_its_own(house):
    """Data, manifest with the window's bounds, README and checksums."""
    assert house.pane(numbers(10)) == (10, 0, 0)
    folder = house.out / "2026-11-28T120000Z"
    assert names(folder) == ["README.md", "SHA256SUMS", "ids.txt", "manifest.json"]
    assert manifest(folder)["window"] == ["2026-11-28T12:00:00+00:00", "2026-11-28T13:00:00+00:00"]
    assert house.published() == numbers(10)
    assert house.used() == 10


def test_the_same_pane_again_publishes_and_counts_nothing(house):
    """A replay of what was done is a no-op; the files are the same files."""
    house.pane(numbers(10))
    before = {path: path.stat().st_mtime_ns for path in (house.out / WINDOW.label).iterdir()}
    assert house.pane(numbers(10)) == (0, 10, 0)
    assert {path: path.stat().st_mtime_ns for path in (house.out / WINDOW.label).iterdir()} == before
    assert house.used() == 10


def test_what_comes_late_is_a_numbered_supplement_beside_what_was_published(house):
    """What a recipient has fetched stays as it is; what is new stands in another file, counted too."""
    house.pane(numbers(10))
    house.pane(numbers(12))
    house.pane(numbers(15, 5))
    folder = house.out / WINDOW.label
    assert names(folder)[2:5] == ["ids-supplement-0001.txt", "ids-supplement-0002.txt", "ids.txt"]
    assert house.published() == numbers(20)
    assert manifest(folder)["distinct_objects"] == house.used() == 20


@pytest.mark.parametrize("seed", range(8))
def test_replays_in_any_slices_and_any_order_publish_each_id_once(tmp_path, seed):
    """Two windows, slices that overlap, repeat, and come in any order, as from a runner that was killed."""
    house, chance = House(tmp_path), random.Random(seed)
    first, second = numbers(40), numbers(30, 40)
    panes = [(chance.sample(ids, chance.randrange(1, 20)), window)
             for ids, window in ((first, WINDOW), (second, LATER)) for _ in range(12)]  # fmt: skip
    panes += [(first, WINDOW), (second, LATER)]
    chance.shuffle(panes)
    for ids, window in panes:
        house.pane(ids, window)
    assert house.published() == first
    assert house.published(LATER) == second
    assert house.used() == 70


@pytest.mark.parametrize("step", ["staging_folder", "put_together", "publish.publish", "ledger.published"])
def test_a_pane_that_fails_at_any_step_is_set_right_by_the_same_pane(house, monkeypatch, step):
    """Reserved and not published, or published and not told: the replay publishes once and counts once."""

    def fail(*_, **__):
        raise PublishError("no") if "ledger" not in step else LedgerError("no")

    where = {
        "staging_folder": "xsieve.pipelines.publish.staging_folder",
        "put_together": "xsieve.pipelines.windows.put_together",
        "publish.publish": "xsieve.pipelines.publish.publish",
        "ledger.published": "xsieve.transforms.ledger.Ledger.published",
    }[step]
    with monkeypatch.context() as broken:
        broken.setattr(where, fail)
        with pytest.raises((PublishError, LedgerError)):
            house.pane(numbers(10))
    house.pane(numbers(10)[:7])
    house.pane(numbers(10))
    assert house.published() == numbers(10)
    assert house.used() == 10
    assert not [name for name in names(house.out / WINDOW.label) if name.startswith(".")]
    (known,) = house.ledger.releases()
    assert known.state == "published"


# --- what does not fit


def test_a_window_that_does_not_fit_is_withheld_and_kept_and_later_ones_too(tmp_path):
    """Exactly what was granted is published; the rest waits, invisible, in order."""
    house = House(tmp_path, limit=15)
    assert house.pane(numbers(10)) == (10, 0, 0)
    assert house.pane(numbers(8, 10), LATER) == (0, 0, 8)
    assert house.published() == numbers(10)
    assert house.published(LATER) == []
    assert all(name.startswith(".kept-") for name in names(house.out / LATER.label))
    assert house.used() == 10


def test_a_denied_window_stays_denied_when_it_is_replayed_in_slices(tmp_path):
    """A slice that would fit by itself is not granted after the whole was denied; what is kept is the whole."""
    house = House(tmp_path, limit=15)
    house.pane(numbers(10))
    house.pane(numbers(8, 10), LATER)
    for slice_ in itertools.batched(numbers(8, 10), 3) if hasattr(itertools, "batched") else [numbers(3, 10)]:
        assert house.pane(list(slice_), LATER).published == 0
    (one,) = waiting(house.ledger)
    assert one.known.units == 8
    assert house.used() == 10


def test_a_person_hands_over_what_a_window_was_denied(tmp_path):
    """Once there is room it is added to its window, whole, and counted."""
    house = House(tmp_path, limit=15)
    house.pane(numbers(10))
    house.pane(numbers(8, 10), LATER)
    house.pane(numbers(4, 30), LATER)  # fits by itself
    assert house.published(LATER) == numbers(4, 30)
    roomy = settings_for(tmp_path, {"climate": {"kind": "ids", "recipient": "lab"}})
    (found,) = chosen(house.ledger, "climate")
    assert hand_over(house.ledger, found, "Rita", NOW).state == "withheld"
    assert hand_over(house.ledger, found, "Rita", NOW, roomy).state == "published"
    assert house.published(LATER) == numbers(8, 10) + numbers(4, 30)
    assert waiting(house.ledger) == []
    assert house.used() == 22
    assert house.pane(numbers(8, 10), LATER).published == 0  # replayed once more


# --- in-house


def test_an_in_house_window_needs_no_ledger_and_is_published_once(tmp_path):
    """The same without an account: replays add nothing, late ids come in a supplement."""
    stream = Stream("mine", str(tmp_path / "mine"), "content", "kafka")
    assert keep_window(stream, WINDOW, array(numbers(5))) == (5, 0, 0)
    assert keep_window(stream, WINDOW, array(numbers(7))) == (2, 5, 0)
    folder = tmp_path / "mine" / WINDOW.label
    assert ids_in(folder) == numbers(7)
    assert manifest(folder)["release"] == "in-house"
    assert "README.md" not in names(folder)
