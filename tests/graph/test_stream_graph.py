"""Windows of a stream in a Beam graph: in time, late, empty; on Beam's test stream, whose clock is ours."""

import json
from datetime import datetime, timezone

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_stream import TestStream as Events
from apache_beam.transforms.window import TimestampedValue
from outflow_settings import numbers, policy, posts, settings_for
from outputs import manifest, names, rows
from templates import v1_post

from xsieve.pipelines.outflow import outflows
from xsieve.pipelines.pane_files import staging_of
from xsieve.pipelines.settings_secrets import Secret
from xsieve.pipelines.stage import StageRows
from xsieve.pipelines.stream_graph import ReleaseIds, Windows, WriteWindows
from xsieve.pipelines.windows import Stream
from xsieve.transforms import Plan, RawBatch, Sift
from xsieve.transforms.ledger import open_ledger

HOUR = 3600
NOON = datetime(2026, 11, 28, 12, tzinfo=timezone.utc).timestamp()
IDS = numbers(20)


def message(number: int, at: float) -> TimestampedValue:
    """A post as it comes from a topic, at so many hours after noon."""
    line = json.dumps(v1_post(str(IDS[number]), text="🌊")).encode()
    return TimestampedValue(RawBatch(line, 0, number, "record"), NOON + at * HOUR)


def run(events, build):
    """A stream of messages and of hours to which the watermark moves."""
    stream = Events()
    for event in events:
        if isinstance(event, (int, float)):
            stream = stream.advance_watermark_to(NOON + event * HOUR)
        else:
            stream = stream.add_elements([event])
    options = PipelineOptions()
    options.view_as(StandardOptions).streaming = True
    with beam.Pipeline("BundleBasedDirectRunner", options) as pipeline:
        build(pipeline | stream.advance_watermark_to_infinity())


@pytest.fixture
def released(tmp_path):
    """Runs events through ids of one recipient; gives the ids in each window's folder."""
    posts(tmp_path / "in", numbers(1))
    url = Secret(f"sqlite:///{tmp_path}/outflow.db")

    def do(*events, limit=1000, lateness=None):
        outputs = {"climate": {"kind": "ids", "recipient": "lab"}}
        settings = settings_for(tmp_path, outputs, policy=policy(tmp_path, post_id=limit))
        (outflow,) = outflows(settings, "climate", datetime.now(timezone.utc))
        streams = [Stream("climate", str(tmp_path / "out"), "content", "kafka", outflow)]
        windows = Windows(HOUR, lateness, gather=0)
        run(events, lambda found: (found | Sift(Plan("ids"))).passed | ReleaseIds("climate", windows, streams, url))
        return windows_in(tmp_path / "out")

    return do


def windows_in(folder):
    found = {}
    for name in names(folder) if folder.exists() else []:
        if (folder / name / "manifest.json").exists():
            files = [entry["name"] for entry in manifest(folder / name)["files"] if entry["units"]]
            found[name] = {
                file: [IDS.index(int(line)) for line in (folder / name / file).read_text().split()] for file in files
            }
    return found


def test_each_window_is_a_release_and_an_empty_one_is_none(released):
    """Two hours with posts and one without: two folders."""
    found = released(message(0, 0.1), message(1, 0.9), 1, message(2, 2.5), 3)
    assert found == {"2026-11-28T120000Z": {"ids.txt": [0, 1]}, "2026-11-28T140000Z": {"ids.txt": [2]}}


def test_posts_out_of_order_fall_into_their_own_windows(released):
    """The time of the event decides, not that of its coming."""
    found = released(message(1, 1.2), message(0, 0.3), message(2, 1.1), 2)
    assert found == {"2026-11-28T120000Z": {"ids.txt": [0]}, "2026-11-28T130000Z": {"ids.txt": [1, 2]}}


def test_late_posts_are_a_supplement_of_their_window_and_are_never_lost(released):
    """However late: an hour, a day, a year."""
    found = released(message(0, 0.1), 1, message(1, 0.2), 2, message(2, 0.3), 9000, message(3, 0.4))
    supplements = {f"ids-supplement-{n:04d}.txt": [n] for n in (1, 2, 3)}
    assert found == {"2026-11-28T120000Z": {"ids.txt": [0], **supplements}}


def test_posts_that_repeat_in_a_window_or_late_are_published_once(released):
    """A replay of the topic adds nothing."""
    found = released(message(0, 0.1), message(0, 0.1), 1, message(0, 0.1), 2)
    assert found == {"2026-11-28T120000Z": {"ids.txt": [0]}}


def test_what_is_later_than_lateness_is_left_out(released):
    """With a bound, what comes after it is counted as too late; what comes within it is a supplement."""
    events = (message(0, 0.1), 1, message(1, 1.5), 2, message(2, 0.3), message(3, 3.5), 4, message(4, 0.4))
    bounded = released(*events, lateness=90 * 60)
    assert bounded["2026-11-28T120000Z"] == {"ids.txt": [0], "ids-supplement-0001.txt": [2]}


def test_without_lateness_nothing_is_too_late(released):
    """The same events, and no bound."""
    events = (message(0, 0.1), 1, message(1, 1.5), 2, message(2, 0.3), message(3, 3.5), 4, message(4, 0.4))
    assert released(*events)["2026-11-28T120000Z"] == {
        "ids.txt": [0], "ids-supplement-0001.txt": [2], "ids-supplement-0002.txt": [4],
    }  # fmt: skip


def test_a_limit_that_is_reached_in_mid_stream_holds_and_later_windows_wait(released, tmp_path):
    """Exactly what was granted is published, and what was denied is kept, window by window."""
    events = [message(n, n / 4) for n in range(12)]
    found = released(*events, 3, limit=9)
    assert {name: files["ids.txt"] for name, files in found.items()} == {
        "2026-11-28T120000Z": [0, 1, 2, 3],
        "2026-11-28T130000Z": [4, 5, 6, 7],
    }
    with open_ledger(f"sqlite:///{tmp_path}/outflow.db") as ledger:
        assert [known.units for known in ledger.releases("withheld")] == [4]
        assert [one.used for one in ledger.usage()] == [8]


def test_a_poisoned_message_costs_one_reject_and_not_the_stream(released):
    """What is no JSON stays behind; its neighbours pass."""
    poison = TimestampedValue(RawBatch(b'{"id": ', 0, 7, "record"), NOON + 600)
    assert released(message(0, 0.1), poison, message(1, 0.2), 1) == {"2026-11-28T120000Z": {"ids.txt": [0, 1]}}


def test_rows_are_published_by_window_and_late_ones_beside_them(tmp_path):
    """A folder a window; what comes late adds a file and changes none."""
    plan, out = Plan("rows"), tmp_path / "rows"
    stage = StageRows("trends", plan, staging_of(str(out)), "jsonl", "none")
    facts = {"output": "trends", "kind": "rows"}
    build = WriteWindows(Windows(HOUR, gather=0), stage, str(out), facts)
    run((message(0, 0.1), message(1, 0.2), message(2, 1.5), 2, message(3, 0.5), 3),
        lambda found: (found | Sift(plan)).passed | build)  # fmt: skip
    noon = out / "2026-11-28T120000Z"
    assert len(rows(noon)) == 3
    assert len(rows(out / "2026-11-28T130000Z")) == 1
    assert any(name.startswith("supplement-") for name in names(noon))
    assert manifest(noon)["window"][0] == "2026-11-28T12:00:00+00:00"
