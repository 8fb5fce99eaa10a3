"""Outflows: what goes to each recipient under which limit, what no longer holds at release, and the ways out of a denial."""

import json
import pickle
from datetime import datetime, timezone
from typing import Any

import pytest
import yaml

from xsieve.pipelines.outflow import Outflow, outflows, permission_request, refusals, withheld_help
from xsieve.pipelines.settings import Settings, parse
from xsieve.transforms.records import policy
from xsieve.transforms.records.outflow import Cap, Decision

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
TEXT = """\
policy: base-2024
input: {read: files, path: data/*.jsonl}
ledger: sqlite:///outflow.db
outputs:
  climate: {kind: ids, recipients: [lab, own, archive], write: {path: /tmp/out/climate}}
  exempt: {kind: ids, recipient: lab, exempt: academic, series: climate, write: {path: /tmp/out/exempt}}
  authors: {kind: ids, ids: user, recipient: lab, write: {path: /tmp/out/authors}}
  sample: {kind: hydrated, recipients: [lab, anna], write: {path: /tmp/out/sample}}
  inside: {kind: ids, write: {path: /tmp/out/inside}}
  table: {kind: rows, write: {path: /tmp/out/table}}
sender:
  institution: A University
  person: R. Data
  academic:
    sole_purpose: non_commercial_research
    approval: {reference: X-2026-113, from: 2026-05-01, until: 2027-04-30}
recipients:
  lab: {entity: partner, country: DE, accepted: {all: 2026-11-01, by: Prof. B, evidence: dua.pdf}}
  anna: {entity: bureau, person: Anna Køb, country: DK, accepted: {all: 2026-11-20, evidence: a.pdf}}
  own: {entity: us, person: C. Lee, internal: true}
  archive: {entity: zenodo, public: {gate: click_through, where: https://repository.example/records/1}}
entities:
  partner: {name: Partner Lab, aliases: [PL gGmbH], government: false}
  us: {name: A University, government: false}
  zenodo: {name: An Open Repository, government: false}
  bureau:
    name: A Bureau
    government: {approval: {reference: X-G-7, from: 2026-03-01, until: 2026-12-31}, primary_mission: other}
"""
PERMISSION = {"reference": "X-200", "from": "2026-11-01", "until": "2026-12-31", "post_ids": 5_000_000}
BASE = policy.load("base-2024")
FOUR = dict.fromkeys(BASE.accepted, "2026-11-01")


def read(*changes: tuple[str, Any], now: datetime = NOW) -> Settings:
    data = json.loads(json.dumps(yaml.safe_load(TEXT), default=str))
    for path, value in changes:
        *above, last = path.split(".")
        here = data
        for key in above:
            here = here[key]
        here[last] = value
    return parse(json.dumps(data), {}, now)


def one(output: str, *changes: tuple[str, Any], now: datetime = NOW) -> Outflow:
    """The first outflow of an output."""
    return outflows(read(*changes), output, now)[0]


def denied(**changes: Any) -> Decision:
    known: dict[str, Any] = {"used": 1_400_000, "cap": 1_500_000, "clause": policy.POST_IDS, "state": "withheld"}
    return Decision(granted=False, release="climate.lab.1", units=0, **{**known, **changes})


def at(day: int, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, 12, tzinfo=timezone.utc)


# --- who, what, how much


def test_an_outflow_holds_all_that_a_release_rests_on() -> None:
    """Entity with all its names, unit, limit, clause, profile, and the declarations as JSON."""
    outflow = one("sample")
    assert outflow == Outflow(
        output="sample",
        recipient="lab",
        entity="partner",
        entity_names=("Partner Lab", "PL gGmbH"),
        unit="hydrated",
        cap=Cap(50_000, "recipient", "utc_day", policy.HYDRATED),
        clause=policy.HYDRATED,
        profile="base-2024",
        evidence={
            "policy": BASE.title,
            "clause": BASE.clauses[policy.HYDRATED].cited,
            "sender": {"institution": "A University", "person": "R. Data"},
            "recipient": {"country": "DE"},
            "accepted": {"on": FOUR, "by": "Prof. B", "evidence": "dua.pdf"},
        },
        country="DE",
    )
    assert json.loads(json.dumps(outflow.evidence)) == outflow.evidence
    assert pickle.loads(pickle.dumps(outflow)) == outflow


def test_each_recipient_gets_an_outflow_in_the_order_of_the_settings() -> None:
    """And what stays in-house has none."""
    settings = read()
    assert [(found.recipient, found.entity) for found in outflows(settings, "climate", NOW)] == [
        ("lab", "partner"),
        ("own", "us"),
        ("archive", "zenodo"),
    ]
    assert outflows(settings, "inside", NOW) == outflows(settings, "table", NOW) == []


def test_what_is_internal_or_public_is_counted_like_all_else() -> None:
    """Under the same limit; how it was declared stands in the evidence."""
    lab, own, archive = outflows(read(), "climate", NOW)
    assert lab.cap == own.cap == archive.cap == Cap(1_500_000, "entity", "rolling_30_days", policy.POST_IDS)
    assert own.evidence["recipient"] == {"person": "C. Lee", "internal": True}
    assert archive.evidence["recipient"]["public"]["gate"] == "click_through"


def test_the_profile_gives_the_limit() -> None:
    """500 under policy-2026."""
    assert one("sample", ("policy", "policy-2026")).cap == Cap(500, "recipient", "utc_day", policy.HYDRATED)


def test_ids_without_a_number_are_counted_and_not_limited() -> None:
    """Their clause is the one that lets ids pass."""
    outflow = one("authors")
    assert (outflow.unit, outflow.cap, outflow.clause) == ("user_id", None, policy.IDS)


def test_the_exemption_lifts_the_limit_of_post_ids_and_is_put_on_record() -> None:
    """With its clause, what was declared, and the series."""
    outflow = one("exempt")
    assert (outflow.cap, outflow.clause, outflow.series) == (None, policy.ACADEMIC, "climate")
    assert outflow.evidence["exemption"] == {
        "name": "academic",
        "sole_purpose": "non_commercial_research",
        "approval": {"reference": "X-2026-113", "from": "2026-05-01", "until": "2027-04-30"},
    }
    assert "exemption" not in one("climate").evidence


@pytest.mark.parametrize(
    ("output", "now", "units"),
    [("climate", NOW, 5_000_000), ("climate", at(1, 1, 2027), 1_500_000), ("sample", NOW, 50_000)],
)
def test_a_written_permission_sets_the_limit_of_post_ids_while_it_holds(output: str, now: datetime, units: int) -> None:
    """Not of hydrated objects, and not after its last day."""
    outflow = one(output, ("entities.partner.permission", PERMISSION), now=now)
    assert outflow.cap is not None
    assert outflow.cap.units == units
    assert outflow.evidence.get("permission") == (PERMISSION if units == 5_000_000 else None)


def test_who_is_exempt_needs_no_permission() -> None:
    """What is not relied on is not on record."""
    outflow = one("exempt", ("entities.partner.permission", PERMISSION))
    assert outflow.cap is None
    assert "permission" not in outflow.evidence


def test_cutting_is_asked_for_by_output() -> None:
    """Never by default."""
    assert one("climate").truncate is False
    assert one("climate", ("outputs.climate.truncate", True)).truncate is True


# --- what holds at release


def test_what_holds_is_not_refused() -> None:
    """Neither acceptances, nor approvals, nor permissions; internal and public recipients accept nothing themselves."""
    settings = read(("entities.partner.permission", PERMISSION))
    for output in settings.outputs:
        for outflow in outflows(settings, output, NOW):
            assert refusals(outflow, NOW) == []


def test_an_acceptance_after_the_release_is_refused() -> None:
    """Each by its path, and only until its day has come (UTC)."""
    accepted = FOUR | {"privacy_policy": "2026-11-20", "by": "Prof. B", "evidence": "dua.pdf"}
    outflow = one("sample", ("recipients.lab.accepted", accepted))
    (refusal,) = refusals(outflow, at(19))
    assert refusal.startswith(
        "recipients.lab.accepted.privacy_policy: is dated 2026-11-20, after this release (2026-11-19"
    )
    assert refusals(outflow, datetime.fromisoformat("2026-11-20T01:00:00+02:00")) == [refusal]
    assert refusals(outflow, datetime.fromisoformat("2026-11-19T23:00:00-01:00")) == []


@pytest.mark.parametrize(
    ("evidence", "path"),
    [
        ({}, "recipients.lab.accepted: is missing"),
        ({"accepted": {"on": FOUR | {"privacy_policy": None}}}, "recipients.lab.accepted.privacy_policy: is missing"),
    ],
)
def test_what_nobody_accepted_is_refused(evidence: dict[str, Any], path: str) -> None:
    """No evidence is no acceptance."""
    (refusal,) = refusals(one("sample")._replace(evidence=evidence), NOW)
    assert refusal.startswith(path)


@pytest.mark.parametrize(
    ("output", "recipient", "path", "holds", "lapsed"),
    [
        ("exempt", 0, "sender.academic.approval", at(30, 4, 2027), at(1, 5, 2027)),
        ("sample", 1, "entities.bureau.government.approval", at(31, 12), at(1, 1, 2027)),
        ("climate", 0, "entities.partner.permission", at(31, 12), at(1, 1, 2027)),
    ],
)
def test_a_document_that_has_lapsed_since_is_refused(
    output: str, recipient: int, path: str, holds: datetime, lapsed: datetime
) -> None:
    """Up to its last day it holds."""
    outflow = outflows(read(("entities.partner.permission", PERMISSION)), output, NOW)[recipient]
    assert refusals(outflow, holds) == []
    (refusal,) = refusals(outflow, lapsed)
    assert refusal.startswith(f"{path}: holds from 2026-")
    assert f"this release is of {lapsed:%Y-%m-%d} (UTC)" in refusal


# --- ways out


def test_the_ways_out_of_a_denial_are_wait_cut_exemption_and_permission() -> None:
    """Each with what to do."""
    fits = datetime(2026, 11, 26, 9, 13, 0, 1, tzinfo=timezone.utc)
    wait, cut, exemption, permission = withheld_help(denied(fits_from=fits), one("climate"))
    assert wait.startswith("wait: it fits whole from 26 Nov 2026 09:14 UTC, if nothing else is released before")
    assert "--pipeline PIPELINE.yaml hands over the 100,000 lowest ids" in cut
    assert (
        "outputs.climate.exempt: academic (content-redistribution.academic: More on restricted use cases" in exemption
    )
    assert "entities.partner.permission" in permission
    assert "xsieve release climate --request --pipeline PIPELINE.yaml writes the letter" in permission


def test_a_moment_is_never_told_too_early() -> None:
    """A full minute is itself, any part of one the next."""
    fits = datetime(2026, 12, 1, 0, 0, tzinfo=timezone.utc)
    assert "from 1 Dec 2026 00:00 UTC" in withheld_help(denied(fits_from=fits), one("climate"))[0]
    fits = datetime(2026, 12, 31, 23, 59, 0, 1, tzinfo=timezone.utc)
    assert "from 1 Jan 2027 00:00 UTC" in withheld_help(denied(fits_from=fits), one("climate"))[0]


def test_what_can_never_fit_says_so() -> None:
    """Waiting is no way out then."""
    first, *_ = withheld_help(denied(never=True), one("climate"))
    assert first == "it can never fit whole: the limit is 1,500,000 ids of posts to one entity in any 30 days"


def test_nothing_is_cut_to_nothing() -> None:
    """Where the limit is used up there is nothing to cut to."""
    assert not [way for way in withheld_help(denied(used=1_500_000), one("climate")) if way.startswith("cut")]


def test_hydrated_objects_know_neither_exemption_nor_permission() -> None:
    """Wait, or hand over less."""
    fits = datetime(2026, 11, 25, tzinfo=timezone.utc)
    ways = withheld_help(denied(used=49_000, cap=50_000, fits_from=fits), one("sample"))
    assert [way.partition(":")[0] for way in ways] == ["wait", "hand over less"]
    assert "1,000 posts and users still fit" in ways[1]


def test_an_exemption_that_a_policy_of_ones_own_drops_is_no_way_out(tmp_path: Any) -> None:
    """Only what may be claimed is offered."""
    own = tmp_path / "own.yaml"
    own.write_text("extends: base-2024\nsource: Rules of ours\nexemptions: {academic: {allowed: false}}\n")
    data = yaml.safe_load(TEXT)
    del data["outputs"]["exempt"]
    settings = parse(json.dumps(data | {"policy": str(own)}, default=str), {}, NOW)
    ways = withheld_help(denied(), outflows(settings, "climate", NOW)[0])
    assert not [way for way in ways if way.startswith("exemption")]


def test_what_is_granted_needs_no_way_out() -> None:
    """Nor does what has no limit."""
    assert withheld_help(denied()._replace(granted=True), one("climate")) == []
    assert withheld_help(denied(), one("authors")) == []


def test_a_request_for_permission_is_ready_to_be_sent() -> None:
    """It names both sides, the clause, the numbers, and what was accepted when; gaps are marked."""
    settings = read()
    letter = permission_request(settings, one("climate"), denied(), 300_000)
    for words in (
        "A University asks for written permission",
        "- Sender: A University (R. Data)",
        "- Recipient: Partner Lab, also called PL gGmbH",
        "lab, DE",
        BASE.clauses[policy.POST_IDS].cited,
        "1,500,000 ids of posts to one entity in any 30 days",
        "Handed on already in that time: 1,400,000",
        "Asked for: 1,700,000 post ids in any 30 days",
        "[say what the ids are for]",
        "- developer policy: 2026-11-01",
    ):
        assert words in letter
    assert "[number] post ids" in permission_request(settings, one("climate"), denied())
    assert "{" not in letter


@pytest.mark.parametrize("output", ["sample", "authors", "exempt"])
def test_permission_is_asked_for_post_ids_under_a_limit_only(output: str) -> None:
    """X permits nothing else."""
    with pytest.raises(ValueError, match="X permits more ids of posts only"):
        permission_request(read(), one(output), denied())
