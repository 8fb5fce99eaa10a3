"""Releases to recipients: whole or not at all, counted once, within the limit; what does not fit waits."""

import csv
import errno
import json
import os
import stat
import subprocess
import sys
from datetime import datetime, timezone

import openpyxl
import pytest
from outflow_settings import numbers, policy, posts, settings_for, text_of
from outputs import manifest, names
from templates import v1_post

from xsieve.pipelines.folders import PublishError
from xsieve.pipelines.hand_over import chosen, give_up, hand_over, waiting
from xsieve.pipelines.release import ReleaseError
from xsieve.pipelines.run import run
from xsieve.pipelines.settings import load
from xsieve.transforms.ledger import LedgerError, open_ledger

LAB = {"kind": "ids", "recipient": "lab"}
BESIDE = ["README.md", "SHA256SUMS", "manifest.json"]
NOW = datetime.now(timezone.utc)


@pytest.fixture
def house(tmp_path):
    """A folder with 30 posts to read."""
    posts(tmp_path / "in", numbers(30))
    return tmp_path


def ledger(house):
    return open_ledger(f"sqlite:///{house}/outflow.db")


def released(summary, output="climate"):
    return [(one.recipient, one.state) for one in summary.outputs[output].releases]


def used(house, name="partner"):
    with ledger(house) as opened:
        return sum(one.used for one in opened.usage() if one.name == name)


# --- what fits


def test_a_release_is_published_whole_with_its_manifest_readme_and_checksums(house):
    """Data, counts, clause and what the release rests on lie in one folder, and the checksums hold."""
    summary = run(settings_for(house, {"climate": LAB}))
    out = house / "out" / "climate"
    assert released(summary) == [("lab", "published")]
    assert names(out) == sorted([*BESIDE, "ids.txt"])
    assert ids_in(out) == numbers(30)
    told = manifest(out)
    assert (told["distinct_objects"], told["recipient"], told["entity"]) == (30, "lab", "partner")
    assert (told["clause"], told["cap"]["units"]) == ("content-redistribution.post-ids", 1_500_000)
    assert told["relies_on"]["accepted"]["on"]["developer_policy"] == "2026-01-01"
    assert told["read"] == told["out"] + sum(told["dropped"].values()) + sum(told["rejected"].values())
    assert told["period"] == ["2020-09-13T12:26:40Z", "2020-09-14T17:26:40Z"]
    done = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=out, capture_output=True, check=False)
    assert done.returncode == 0
    assert "30 distinct post ids" in (out / "README.md").read_text("utf-8")
    assert used(house) == 30


def ids_in(folder):
    return sorted(int(line) for path in folder.glob("ids*.txt") for line in path.read_text().splitlines())


def test_files_of_ids_are_what_twarc_and_hydrator_read(house):
    """Decimal, one a line, no header, no blank line, a line feed at the end."""
    run(settings_for(house, {"climate": {**LAB, "split": "utc_day"}}))
    for path in (house / "out" / "climate").glob("*.txt"):
        lines = path.read_bytes().split(b"\n")
        assert lines.pop() == b""
        assert lines
        assert all(line.isdigit() for line in lines)


def test_the_same_run_again_is_the_same_release_and_counts_nothing(house):
    """A retry publishes nothing and reserves nothing; what was handed over lies there as it was."""
    known = settings_for(house, {"climate": LAB})
    first = run(known).outputs["climate"].releases[0]
    before = {path: path.stat().st_mtime_ns for path in (house / "out" / "climate").iterdir()}
    again = run(known).outputs["climate"].releases[0]
    assert (again.release, again.state, again.units) == (first.release, "published", 30)
    assert "published before" in again.says[0]
    assert {path: path.stat().st_mtime_ns for path in (house / "out" / "climate").iterdir()} == before
    assert used(house) == 30


def test_what_was_published_and_lost_is_published_again_and_counted_once(house):
    """Whoever removes a release by accident gets it back from the same input."""
    known = settings_for(house, {"climate": LAB})
    run(known)
    for path in (house / "out" / "climate").iterdir():
        path.unlink()
    run(known)
    assert ids_in(house / "out" / "climate") == numbers(30)
    assert used(house) == 30


def test_other_input_is_another_release_and_the_run_says_what_counts_beside_it(house):
    """Ids that are released again with more of them count again, and one is told."""
    known = settings_for(house, {"climate": LAB})
    first = run(known).outputs["climate"].releases[0]
    posts(house / "in", numbers(40))
    second = run(known).outputs["climate"].releases[0]
    assert second.release != first.release
    assert any("30 units of other releases" in line for line in second.says)
    assert ids_in(house / "out" / "climate") == numbers(40)
    assert used(house) == 70


def test_a_series_counts_each_id_once_in_30_days(house):
    """A data set that is corrected and issued again is not counted again, but for what is new in it."""
    known = settings_for(house, {"climate": {**LAB, "series": "climate"}})
    run(known)
    posts(house / "in", numbers(40))
    again = run(known).outputs["climate"].releases[0]
    assert again.state == "published"
    assert used(house) == 40


def test_every_recipient_gets_a_folder_and_every_person_counts_for_the_entity(house):
    """Two people of one entity are counted together, another entity apart; data are stored once."""
    out = house / "out" / "climate"
    summary = run(settings_for(house, {"climate": {"kind": "ids", "recipients": ["lab", "office", "paper"]}}))
    assert released(summary) == [("lab", "published"), ("office", "published"), ("paper", "published")]
    assert names(out) == ["lab", "office", "paper"]
    assert all(ids_in(out / name) == numbers(30) for name in names(out))
    assert len({os.stat(out / name / "ids.txt")[stat.ST_INO] for name in names(out)}) == 1
    assert (used(house), used(house, "press")) == (60, 30)


def test_the_academic_exemption_lifts_the_cap_and_stands_in_the_manifest(house):
    """What a sender claims is recorded with the clause; without the claim the same does not fit."""
    known = {"policy": policy(house, post_id=10)}
    summary = run(settings_for(house, {"climate": {**LAB, "exempt": "academic"}, "other": LAB}, **known))
    assert released(summary) == [("lab", "published")]
    assert released(summary, "other") == [("lab", "withheld")]
    told = manifest(house / "out" / "climate")
    assert told["cap"] is None
    assert told["clause"] == "content-redistribution.academic"
    assert told["relies_on"]["exemption"]["sole_purpose"] == "non_commercial_research"


# --- what does not fit


@pytest.fixture
def tight(house):
    """Settings under which one of two people of an entity gets the ids, and the other does not."""
    return settings_for(
        house, {"climate": {"kind": "ids", "recipients": ["lab", "office"]}}, policy=policy(house, post_id=40)
    )


def test_what_does_not_fit_is_withheld_whole_out_of_sight_and_says_when_it_fits(house, tight):
    """Nothing of it lies where the recipient looks; the run says so, and names the ways out."""
    summary = run(tight)
    assert released(summary) == [("lab", "published"), ("office", "withheld")]
    assert summary.withheld == [summary.outputs["climate"].releases[1].release]
    (kept,) = names(house / "out" / "climate" / "office")
    assert kept.startswith(".kept-climate.office.")
    says = " ".join(summary.outputs["climate"].releases[1].says)
    assert "fits whole from" in says
    assert "--truncate" in says
    assert "permission" in says
    assert used(house) == 30


def test_a_denial_is_remembered_by_the_same_run(house, tight):
    """Running again does not try again, and leaves what is kept as it is."""
    run(tight)
    assert released(run(tight)) == [("lab", "published"), ("office", "withheld")]
    assert len(names(house / "out" / "climate" / "office")) == 1
    assert used(house) == 30


def test_a_person_hands_over_what_was_withheld_once_it_fits(house, tight):
    """With more room (here: another policy) a person releases it, and the manifest says who."""
    run(tight)
    roomy = settings_for(house, {"climate": {"kind": "ids", "recipients": ["lab", "office"]}})
    with ledger(house) as opened:
        (found,) = chosen(opened, "climate")
        assert hand_over(opened, found, "Rita", NOW).state == "withheld"
        assert hand_over(opened, found, "Rita", NOW, roomy).state == "published"
        assert waiting(opened) == []
    out = house / "out" / "climate" / "office"
    assert ids_in(out) == numbers(30)
    assert names(out) == sorted([*BESIDE, "ids.txt"])
    assert manifest(out)["released_by"] == "Rita"
    assert used(house) == 60


def test_a_person_may_hand_over_the_lowest_ids_that_fit(house, tight):
    """Truncation on hand-over makes a release of its own, and gives the whole one up."""
    run(tight)
    with ledger(house) as opened:
        (found,) = chosen(opened, "climate")
        told = hand_over(opened, found, "Rita", NOW, truncate=True)
        assert (told.state, told.units, told.left_out) == ("published", 10, 20)
        assert waiting(opened) == []
    assert ids_in(house / "out" / "climate" / "office") == numbers(10)
    assert names(house / "out" / "climate" / "office") == sorted([*BESIDE, "ids.txt"])
    assert used(house) == 40


@pytest.mark.parametrize("split", ["none", "utc_day"])
def test_truncation_releases_the_lowest_ids_that_fit_in_every_run_the_same(house, split):
    """Opt-in, deterministic, reported; and a no-op when repeated."""
    known = settings_for(
        house, {"climate": {**LAB, "truncate": True, "split": split}}, policy=policy(house, post_id=12)
    )
    told = run(known).outputs["climate"].releases[0]
    assert (told.state, told.units, told.left_out) == ("published", 12, 18)
    assert ids_in(house / "out" / "climate") == numbers(12)
    assert "truncated" in told.says[0]
    assert run(known).outputs["climate"].releases[0].state == "published"
    assert used(house) == 12


def test_files_that_are_not_what_they_were_are_not_handed_over(house, tight):
    """Whoever changes what is kept has to run again."""
    run(tight)
    (kept,) = (house / "out" / "climate" / "office").glob(".kept-*")
    with (kept / "ids.txt").open("a") as file:
        file.write("1\n")
    with ledger(house) as opened:
        (found,) = chosen(opened, "climate")
        with pytest.raises(ReleaseError, match=r"ids\.txt is not what it was"):
            hand_over(
                opened,
                found,
                "Rita",
                NOW,
                settings_for(house, {"climate": {"kind": "ids", "recipients": ["lab", "office"]}}),
            )
    assert used(house) == 30


def test_what_waits_can_be_given_up_with_its_files(house, tight):
    """Discarding is a person's decision, too; it stands in the ledger, and nothing was ever counted."""
    run(tight)
    with ledger(house) as opened:
        (found,) = chosen(opened, "climate")
        give_up(opened, found, "Rita")
        with pytest.raises(ReleaseError, match="nothing of that name waits"):
            chosen(opened, "climate")
        assert [event.by for event in opened.events() if event.kind == "discarded"] == ["Rita"]
    assert names(house / "out" / "climate" / "office") == []
    assert used(house) == 30


# --- no ledger, no release


def test_a_ledger_that_cannot_be_opened_stops_the_run_before_anything_is_read(house):
    """A clear error, and nothing published, of outputs that stay in-house neither."""
    outputs = {"climate": LAB, "trends": {"kind": "rows"}}
    with pytest.raises(LedgerError):
        run(settings_for(house, outputs, ledger=f"sqlite:///{house}/no/such/folder/outflow.db"))
    assert not (house / "out").exists()


def test_a_ledger_that_fails_in_the_end_stops_all_of_the_run_and_what_was_staged_is_kept(house, monkeypatch):
    """Nothing is published, in-house outputs neither; the release waits, and the same run sets it right."""
    known = settings_for(house, {"climate": LAB, "trends": {"kind": "rows"}})

    def refuse(*_, **__):
        raise LedgerError("the ledger is locked")

    with monkeypatch.context() as broken:
        broken.setattr("xsieve.transforms.ledger.Ledger.offer", refuse)
        with pytest.raises(LedgerError, match="locked"):
            run(known)
    assert names(house / "out" / "trends") == []
    (kept,) = names(house / "out" / "climate")
    assert kept.startswith(".kept-")
    assert used(house) == 0
    run(known)
    assert names(house / "out" / "climate") == sorted([*BESIDE, "ids.txt"])
    assert used(house) == 30


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("step", ["staging_folder", "assemble"])
def test_a_destination_that_cannot_be_written_to_reserves_nothing(house, monkeypatch, number, step):
    """Read-only or full: found before the ledger is asked, said in one sentence, and nothing is published."""

    def refuse(*_):
        raise PublishError(f"out/climate cannot be written to ({os.strerror(number)})")

    with monkeypatch.context() as broken:
        where = "publish.staging_folder" if step == "staging_folder" else "release.assemble"
        broken.setattr(f"xsieve.pipelines.{where}", refuse)
        with pytest.raises(PublishError, match=os.strerror(number)):
            run(settings_for(house, {"climate": LAB, "trends": {"kind": "rows"}}))
    assert names(house / "out" / "trends") == names(house / "out" / "climate") == []
    assert used(house) == 0


def test_a_dry_run_says_what_would_be_withheld_and_writes_nothing(house, tight):
    """No file, no folder, no ledger; not even where one is there."""
    before = names(house)
    summary = run(tight, dry_run=True)
    assert released(summary) == [("lab", "published"), ("office", "withheld")]
    assert names(house) == before
    run(tight)
    events = (house / "outflow.db").read_bytes()
    run(tight, dry_run=True)
    assert (house / "outflow.db").read_bytes() == events


def test_a_dry_run_says_what_was_published_before(house):
    """As the run itself does: a second one counts nothing, and does not say how much was used."""
    settings = settings_for(house, {"climate": LAB})
    run(settings)
    (would,) = run(settings, dry_run=True).outputs["climate"].releases
    (done,) = run(settings).outputs["climate"].releases
    assert would == done
    assert would.says == ["was published before; nothing was done and nothing counted"]
    assert (would.state, would.used) == ("published", None)


def test_a_dry_run_can_be_asked_of_another_time(house):
    """What is full today has room once 30 days are over."""
    run(settings_for(house, {"climate": LAB}, policy=policy(house, post_id=40)))
    posts(house / "in", numbers(20))
    known = settings_for(house, {"climate": LAB}, policy=policy(house, post_id=40))
    later = datetime.fromtimestamp(NOW.timestamp() + 31 * 86_400, timezone.utc)
    assert released(run(known, dry_run=True)) == [("lab", "withheld")]
    assert released(run(known, dry_run=True, as_of=later)) == [("lab", "published")]


# --- the command


def command(house, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "xsieve.pipelines.command", *arguments],
        cwd=house, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def filed(house):
    """The settings as a file."""
    outputs = {"climate": {"kind": "ids", "recipients": ["lab", "office"]}}
    (house / "p.json").write_text(text_of(house, outputs, policy=policy(house, post_id=40)))
    return house


def test_the_command_ends_with_3_and_lists_shows_and_hands_over(filed):
    """A run that withholds ends with 3; release lists, refuses and truncates; the ledger shows it all."""
    done = command(filed, "run", "p.json")
    assert done.returncode == 3
    assert "withheld" in done.stderr
    asked = ("release", "--pipeline", "p.json")
    listed = json.loads(command(filed, *asked, "--format", "json").stdout)
    assert [(one["recipient"], one["state"], one["units"]) for one in listed] == [("office", "withheld", 30)]
    assert command(filed, "release", "climate", "--pipeline", "p.json").returncode == 2  # who?
    assert command(filed, "release", "climate", "--pipeline", "p.json", "--by", "Rita").returncode == 3
    done = command(filed, "release", "climate", "--pipeline", "p.json", "--by", "Rita", "--truncate")
    assert done.returncode == 0
    assert command(filed, *asked).stdout == "There is nothing to show.\n"
    (shown,) = json.loads(command(filed, "ledger", "show", "--pipeline", "p.json", "--format", "json").stdout)
    assert (shown["name"], shown["used"], shown["cap"], shown["left"]) == ("partner", 40, 40, 0)
    done = command(
        filed, "ledger", "show", "--ledger", f"sqlite:///{filed}/outflow.db", "--releases", "--format", "csv"
    )
    assert [line.split(",")[5] for line in done.stdout.splitlines()] == ["state", "published", "discarded", "published"]


def test_a_ledger_that_nobody_names_is_asked_for(house):
    """With what may name it; settings that do not are told so."""
    settings = json.loads(text_of(house, {"trends": {"kind": "rows"}}))
    del settings["ledger"]
    (house / "p.json").write_text(json.dumps(settings))
    assert "which ledger? give --pipeline or --ledger" in command(house, "release").stderr
    told = command(house, "release", "--pipeline", "p.json")
    assert (told.returncode, "the settings name none; give --ledger" in told.stderr) == (2, True)


def test_the_command_prints_a_letter_that_asks_x_for_permission(filed):
    """Ready to be sent: who asks, for whom, how many."""
    command(filed, "run", "p.json")
    letter = command(filed, "release", "climate", "--request", "--pipeline", "p.json").stdout
    assert "University of Norsund" in letter
    assert "60 post ids in any 30 days" in letter


def test_the_command_voids_with_a_reason(filed):
    """What has left stays counted; the trace says who and why."""
    command(filed, "run", "p.json")
    with ledger(filed) as opened:
        (known,) = opened.releases("published")
    done = command(
        filed, "ledger", "void", known.offer.release, "--pipeline", "p.json", "--by", "Rita", "--reason", "wrong data"
    )
    assert "what has left still counts" in done.stdout
    assert used(filed) == 30
    with ledger(filed) as opened:
        assert [event.by for event in opened.events() if event.kind == "void"] == ["Rita"]


def test_what_was_published_before_a_crash_and_not_told_is_not_given_back(filed, monkeypatch):
    """A void looks at what lies there: units whose files are out stay counted."""
    with monkeypatch.context() as broken:
        broken.setattr("xsieve.transforms.ledger.Ledger.all_published", _fail)
        with pytest.raises(LedgerError):
            run(load(filed / "p.json"))
    assert ids_in(filed / "out" / "climate" / "lab") == numbers(30)
    with ledger(filed) as opened:
        (known,) = opened.releases("reserved")
    done = command(filed, "ledger", "void", known.offer.release, "--pipeline", "p.json", "--by", "R", "--reason", "x")
    assert "what has left still counts" in done.stdout
    assert used(filed) == 30


def _fail(*_, **__):
    raise LedgerError("no")


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_command_draws_the_account(filed, ending):
    """A picture of an entity's rolling 30 days against its limit."""
    command(filed, "run", "p.json")
    done = command(filed, "ledger", "show", "--pipeline", "p.json", "--plot", f"u.{ending}")
    assert done.returncode == 0
    head = (filed / f"u.{ending}").read_bytes()
    assert head.startswith(b"\x89PNG" if ending == "png" else b"<?xml")
    if ending == "svg":
        assert b"limit 40" in head


def test_truncate_on_the_command_line_is_the_same_as_in_the_settings(filed):
    """--truncate releases what fits, and the run ends with 0."""
    done = command(filed, "run", "p.json", "--truncate")
    assert done.returncode == 0
    assert ids_in(filed / "out" / "climate" / "office") == numbers(10)


def test_as_of_never_goes_with_what_is_counted(filed):
    """Only a dry run may pretend another time."""
    assert command(filed, "run", "p.json", "--as-of", "2030-01-01").returncode == 2
    assert not (filed / "outflow.db").exists()


# --- hydrated: by hand


def hydrated(house, **more):
    return settings_for(house, {"sample": {"kind": "hydrated", "recipient": "paper", **more}})


def test_hydrated_posts_wait_for_a_person_and_nothing_is_counted_until_then(house):
    """A run ends with what is prepared; a person reserves, counts and hands over."""
    summary = run(hydrated(house))
    (told,) = summary.outputs["sample"].releases
    assert (told.state, told.unit) == ("prepared", "hydrated")
    assert "xsieve release sample --by PERSON --pipeline PIPELINE.yaml" in told.says[0]
    assert summary.withheld == []
    assert used(house, "paper") == 0
    with ledger(house) as opened:
        (found,) = chosen(opened, "sample")
        assert hand_over(opened, found, "Rita", NOW).state == "published"
    out = house / "out" / "sample"
    assert manifest(out)["released_by"] == "Rita"
    found = [json.loads(line) for path in out.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    assert sorted(int(post["id_str"]) for post in found) == numbers(30)
    assert used(house, "paper") == manifest(out)["distinct_objects"] == 30 + len({p["user"]["id_str"] for p in found})


def test_the_same_run_again_leaves_what_is_prepared_as_it_is(house):
    """Prepared once, however often it is run; handed over once."""
    known = hydrated(house)
    run(known)
    run(known)
    assert len(names(house / "out" / "sample")) == 1
    with ledger(house) as opened:
        (found,) = chosen(opened, "sample")
        hand_over(opened, found, "Rita", NOW)
    counted = used(house, "paper")
    assert run(known).outputs["sample"].releases[0].state == "published"
    assert used(house, "paper") == counted


@pytest.mark.parametrize("format_", ["csv", "xlsx", "jsonl"])
def test_ids_of_hydrated_posts_are_text_in_every_format(house, format_):
    """64-bit ids come back from a spreadsheet as they went in."""
    run(hydrated(house, **{"as": format_}))
    (path,) = (house / "out" / "sample").glob(f".kept-*/*.{format_}")
    if format_ == "xlsx":
        rows = list(openpyxl.load_workbook(path, read_only=True).active.values)
        found = [row[rows[0].index("id")] for row in rows[1:]]
    elif format_ == "csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = [row["id"] for row in csv.DictReader(file)]
    else:
        found = [json.loads(line)["id_str"] for line in path.read_text("utf-8").splitlines()]
    assert sorted(found) == sorted(map(str, numbers(30)))


def test_a_sample_is_drawn_by_its_seed(house):
    """n posts, the same in every run with the same seed, others with another."""

    def drawn(seed):
        run(hydrated(house, sample={"n": 7, "seed": seed}))
        kept = max((house / "out" / "sample").glob(".kept-*"), key=lambda path: path.stat().st_mtime_ns)
        return [json.loads(line)["id_str"] for path in kept.glob("*.jsonl") for line in path.read_text().splitlines()]

    first = drawn(1)
    assert len(first) == 7
    assert drawn(1) == first
    assert drawn(2) != first


def test_a_recipient_gets_no_more_hydrated_objects_a_day_than_the_limit(house):
    """Posts and users share one budget, and even a person cannot go over it."""
    known = settings_for(
        house, {"sample": {"kind": "hydrated", "recipient": "paper"}}, policy=policy(house, hydrated=20)
    )
    run(known)
    with ledger(house) as opened:
        (found,) = chosen(opened, "sample")
        told = hand_over(opened, found, "Rita", NOW)
    assert (told.state, told.cap) == ("withheld", 20)
    assert "never" in " ".join(told.says)
    assert used(house, "paper") == 0


def test_recipients_of_two_countries_get_what_is_not_withheld_in_theirs(house):
    """One sift a country: a post that is withheld in Germany goes to France and not to Germany."""
    with (house / "in").open("a") as file:
        file.write(json.dumps(v1_post(str(numbers(31)[-1]), text="held", withheld_in_countries=["DE"])) + "\n")
    output = {"kind": "hydrated", "recipients": ["lab", "office"]}
    summary = run(settings_for(house, {"sample": output}))
    counts = {label: out.out for label, out in summary.outputs.items()}
    assert counts == {"sample@DE": 30, "sample@FR": 31}
    assert summary.outputs["sample@DE"].dropped["withheld_in_country"] == 1
