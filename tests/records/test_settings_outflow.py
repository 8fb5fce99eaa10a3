"""Outflow in settings: who hands out to whom, on which grounds, and all that is refused, missing or contradictory."""

import json
import traceback
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from xsieve.configs import table
from xsieve.pipelines.settings import Settings, SettingsError, parse, warnings
from xsieve.pipelines.settings_policy import OwnPolicy
from xsieve.pipelines.settings_values import ledger_place
from xsieve.transforms.records import policy

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
COMPLETE = """\
policy: base-2024
collection: {access: app_only}
input: {read: files, path: ["data/*.jsonl"]}
ledger: sqlite:///outflow.db
outputs:
  climate: {kind: ids, series: climate, recipients: [lab, archive], exempt: academic, write: {path: /tmp/out/climate}}
  authors: {kind: ids, ids: user, recipient: lab, write: {path: /tmp/out/authors}}
  sample:
    kind: hydrated
    as: xlsx
    objects: both
    sample: {n: 2000, seed: 7}
    recipients: [anna, own]
    write: {path: /tmp/out/sample}
sender:
  institution: Universität Östermark
  person: R. Data
  academic:
    sole_purpose: non_commercial_research
    approval: {reference: X-2026-113, from: 2026-05-01, until: 2027-04-30}
recipients:
  lab: {entity: partner, country: DE, accepted: {all: 2026-11-01, by: Prof. B, evidence: dua.pdf}}
  anna:
    entity: partner
    person: Anna Køb
    country: DK
    accepted:
      terms_of_service: 2026-11-02
      privacy_policy: 2026-11-02
      developer_agreement: 2026-11-03
      developer_policy: 2026-11-24
      evidence: dua-anna.pdf
  own: {entity: us, person: C. Lee, internal: true}
  archive: {entity: zenodo, public: {gate: click_through, where: https://repository.example/records/1}}
entities:
  partner:
    name: Partner Lab
    aliases: [PL gGmbH, لا مختبر]
    government: false
    permission: {reference: X-2026-200, from: 2026-01-01, until: 2026-12-31, post_ids: 5_000_000}
  us: {name: Universität Östermark, government: false}
  zenodo: {name: An Open Repository, government: false}
  ministry:
    name: A Ministry
    government: {approval: {reference: X-G-7, from: 2026-03-01, until: 2026-11-24}, primary_mission: other}
"""


def whole() -> dict[str, Any]:
    """The complete settings as plain data, days as texts."""
    return json.loads(json.dumps(yaml.safe_load(COMPLETE), default=str))


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The complete settings with what stands at some dotted paths replaced; ``...`` removes a key."""
    data = whole()
    for path, value in changes:
        *above, last = path.split(".")
        here: Any = data
        for key in above:
            here = here.setdefault(key, {})
        if value is ...:
            del here[last]
        else:
            here[last] = value
    return data


def read(data: dict[str, Any], now: datetime = NOW, **env: str) -> Settings:
    return parse(json.dumps(data), env, now)


def mistakes_in(data: dict[str, Any], now: datetime = NOW, **env: str) -> dict[str, str]:
    """path -> message"""
    with pytest.raises(SettingsError) as caught:
        read(data, now, **env)
    return {mistake.path: mistake.message for mistake in caught.value.mistakes}


# --- what is right


def test_complete_settings_are_read_as_they_are_written() -> None:
    """Each declaration is an attribute."""
    settings = parse(COMPLETE, {}, NOW)
    climate, authors, sample = settings.outputs.values()
    assert (climate.receivers, climate.exempt, climate.series) == (("lab", "archive"), "academic", "climate")
    assert (authors.receivers, authors.unit, climate.unit, sample.unit) == (("lab",), "user_id", "post_id", "hydrated")
    assert (sample.as_, sample.objects, sample.sample.n, sample.sample.seed) == ("xlsx", "both", 2000, 7)
    assert settings.sender.academic.approval.reference == "X-2026-113"
    assert settings.recipients["own"].internal is True
    assert settings.recipients["archive"].public.gate == "click_through"
    assert settings.entities["partner"].names == ("Partner Lab", "PL gGmbH", "لا مختبر")
    assert settings.entities["partner"].government is None
    assert settings.entities["ministry"].government.primary_mission == "other"
    assert settings.profile == policy.load("base-2024")


def test_what_is_left_out_has_the_careful_default() -> None:
    """No recipient, no exemption, nothing cut, no private repository."""
    data = changed(("outputs", {"ids": {"kind": "ids", "write": {"path": "/tmp/out"}}}))
    ids = read(data).outputs["ids"]
    assert (ids.receivers, ids.exempt, ids.series, ids.truncate) == ((), None, None, False)
    hydrated = {"kind": "hydrated", "recipient": "anna", "sample": {"n": 3}, "write": {"path": "/tmp/out"}}
    sample = read(changed(("outputs", {"sample": hydrated}))).outputs["sample"]
    assert (sample.as_, sample.objects, sample.sample.seed) == ("jsonl", "posts", 0)
    assert sample.write.private_repository is False
    assert read(changed()).recipients["lab"].internal is False


def test_in_house_outputs_need_no_declarations() -> None:
    """Neither ledger nor sender."""
    data = changed(("outputs", {"ids": {"kind": "ids", "write": {"path": "/tmp/out"}}}))
    for key in ("ledger", "sender", "recipients", "entities"):
        del data[key]
    assert read(data).ledger is None


# --- what is wrong by itself


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("ledger", "outflow.db", "is no address of a ledger; expected sqlite:///FILE or postgresql://"),
        ("ledger", "sqlite://", "is no address"),
        ("ledger", "sqlite:///:memory:", "is no address"),
        ("ledger", "mysql://u:p@host/db", "is no address"),
        ("ledger", "postgresql://host", "is no address"),
        ("ledger", 7, "is not text"),
        ("sender.institution", ..., "is missing; expected the institution on whose behalf"),
        ("sender.academic.sole_purpose", "advertising", "is not known; expected non_commercial_research"),
        ("sender.academic.sole_purpose", ..., "is missing"),
        ("sender.academic.approval.reference", "", "is empty; expected what the document is called"),
        ("sender.academic.approval.from", "2026-11-25", "is still to come; expected a day up to today (UTC)"),
        ("sender.academic.approval.until", "2026-11-23", "is over"),
        ("sender.academic.approval.until", ..., "is missing; expected the last day"),
        ("sender.organisation", "x", "is not known; expected institution, person or academic"),
        ("recipients.lab.entity", ..., "is missing; expected the organisation"),
        ("recipients.lab.entity", "partners", "names no entity; did you mean partner?"),
        ("recipients.lab.country", "UK", "is no country; expected two capital letters of ISO 3166, such as DE"),
        ("recipients.lab.country", "de", "is not written as it must be; expected the country"),
        ("recipients.lab.internal", "yes", "is neither true nor false"),
        ("recipients.lab.accepted.all", "2026-11-25", "is still to come"),
        ("recipients.lab.accepted.all", "2026-11-01T12:00:00Z", "is no day; expected one such as 2020-01-31"),
        ("recipients.lab.accepted.all", "yes", "is no day"),
        ("recipients.lab.accepted.all", 2026, "is no day"),
        ("recipients.lab.accepted.evidence", ..., "is missing; expected where the signed text is filed"),
        ("recipients.lab.accepted.by", ..., "is missing; expected who accepted, for the recipient is no single person"),
        ("recipients.lab.accepted.privacy_policy", "2026-11-01", "stands beside all"),
        ("recipients.lab.accepted.others", {"statement": "2026-11-25"}, None),
        (
            "recipients.lab.accepted",
            ...,
            "is missing; expected all, or the days of the four (content-redistribution.acc",
        ),
        ("recipients.anna.accepted.developer_policy", ..., "is missing; expected the day on which it was accepted"),
        ("recipients.anna.accepted.privacy_policy", "2026-12-01", "is still to come"),
        ("recipients.archive.public.gate", "captcha", "is not known; expected click_through or none"),
        ("recipients.archive.public.gate", ..., "is missing; expected click_through: whoever downloads"),
        ("recipients.archive.public.where", ..., "is missing; expected its name or address"),
        ("recipients.archive.country", "CH", None),
        ("entities.partner.name", ..., "is missing; expected its full name"),
        ("entities.partner.government", ..., "is missing; expected false, or for a government body"),
        ("entities.partner.government", True, "needs approval and primary_mission; expected false, or these two"),
        ("entities.partner.government", "no", "is not a group of keys; expected false, or for a government body"),
        ("entities.partner.government", {"aproval": 1, "primary_mission": "other"}, None),
        ("entities.ministry.government.primary_mission", "surveillance", "gets nothing of X's content, not even aggr"),
        ("entities.ministry.government.primary_mission", "intelligence", "gets nothing of X's content, not even aggr"),
        ("entities.ministry.government.primary_mission", "police", "expected other, surveillance or intelligence"),
        ("entities.ministry.government.approval", ..., "is missing; expected where it was declared to X"),
        ("entities.ministry.government.approval.until", "2026-11-23", "is over"),
        ("entities.partner.permission.until", "2026-11-23", "is over; what holds no more cannot be relied on"),
        ("entities.partner.permission.from", "2026-11-25", "is still to come"),
        ("entities.partner.permission.reference", ..., "is missing; expected what the document is called"),
        ("entities.partner.permission.post_ids", 0, "is too small; expected how many ids of posts"),
        ("entities.partner.permission.post_ids", "many", "is not a whole number; expected how many ids of posts"),
        ("entities.partner.permission.post_ids", 1_500_000, "is no more than the 1,500,000 that need no permission"),
        ("entities.partner.permission.hydrated", 9, "is not known"),
        ("outputs.climate.recipient", "lab", None),
        ("outputs.climate.recipients", [], "is empty; expected the names of several recipients"),
        ("outputs.climate.recipients", ["lab", "lab"], "holds a name twice; expected each once"),
        ("outputs.climate.recipients", "labs", "names nobody; did you mean lab?"),
        ("outputs.climate.exempt", "commercial", "is not known; expected academic"),
        ("outputs.climate.truncate", "yes", "is neither true nor false"),
        ("outputs.climate.series", "Climate!", "is not written as it must be"),
        ("outputs.sample.as", "pdf", "is not known; expected jsonl, csv or xlsx"),
        ("outputs.sample.objects", "tweets", "is not known; expected posts, users or both"),
        ("outputs.sample.sample.n", 0, "is too small; expected how many objects"),
        ("outputs.sample.sample.seed", "x", "is not a whole number"),
        ("outputs.sample.exempt", "academic", "never for hydrated objects (content-redistribution.academic)"),
        ("outputs.sample.series", "x", "outputs of the kind ids have series"),
        ("outputs.sample.truncate", True, "of hydrated objects take a smaller sample"),
        ("outputs.sample.recipients", ..., None),
    ],
)
def test_a_mistake_is_told_its_dotted_path_and_what_was_expected(path: str, value: Any, message: str | None) -> None:
    """One mistake gives one message, at its own path."""
    elsewhere = {
        "recipients.lab.accepted.others": ("recipients.lab.accepted.others.statement", "is still to come"),
        "recipients.archive.country": (
            "recipients.archive.public",
            "contradicts country; what is public is for anybody",
        ),
        "entities.partner.government": ("entities.partner.government.aproval", "is not known; did you mean approval?"),
        "outputs.climate.recipient": ("outputs.climate.recipients", "stands beside recipient; expected one of the two"),
        "outputs.sample.recipients": (
            "outputs.sample.recipient",
            "is missing; whoever gets content is named and counted",
        ),
    }
    found = mistakes_in(changed((path, value)))
    if message is None:
        path, message = elsewhere[path]
    assert path in found
    assert message in found[path]
    assert {other for other in found if other != path} <= {"entities.partner.government.approval"}


@pytest.mark.parametrize("key", ["person", "internal"])
def test_what_is_public_is_for_nobody_in_particular(key: str) -> None:
    """Neither for one person, nor for one's own people."""
    found = mistakes_in(changed((f"recipients.archive.{key}", True if key == "internal" else "Anna")))
    assert f"contradicts {key}" in found["recipients.archive.public"]


def test_days_are_judged_by_the_day_in_utc() -> None:
    """Late in the evening elsewhere it may be the next day, or still the one before."""
    read(changed(("recipients.lab.accepted.all", "2026-11-24")))
    late = datetime.fromisoformat("2026-11-25T01:00:00+02:00")  # still the 24th in UTC
    assert list(mistakes_in(changed(("recipients.lab.accepted.all", "2026-11-25")), late)) == [
        "recipients.lab.accepted.all"
    ]
    longer = ("entities.ministry.government.approval.until", "2027-01-01")
    read(changed(("recipients.lab.accepted.all", "2026-11-25"), longer), datetime(2026, 11, 25, tzinfo=timezone.utc))


def test_a_document_holds_until_the_end_of_its_last_day() -> None:
    """The approval of the ministry ends on this day."""
    read(changed(), datetime(2026, 11, 24, 23, 59, 59, tzinfo=timezone.utc))
    found = mistakes_in(changed(), datetime(2026, 11, 25, tzinfo=timezone.utc))
    assert list(found) == ["entities.ministry.government.approval.until"]


@pytest.mark.parametrize(("day", "wrong"), [(19, "from"), (20, "from"), (22, "from"), (24, "until"), (25, "until")])
def test_a_document_that_ends_before_it_begins_is_refused_at_any_time(day: int, wrong: str) -> None:
    """It is not yet in force or no more, or both."""
    permission = {"reference": "X", "from": "2026-11-24", "until": "2026-11-20", "post_ids": 2_000_000}
    now = datetime(2026, 11, day, tzinfo=timezone.utc)
    assert f"entities.partner.permission.{wrong}" in mistakes_in(
        changed(("entities.partner.permission", permission)), now
    )


# --- what does not go together


@pytest.mark.parametrize(("key", "message"), [("ledger", "which is accounted for"), ("sender", "who hands it out")])
def test_what_goes_to_a_recipient_is_accounted_for_by_somebody(key: str, message: str) -> None:
    """Without a ledger and a sender nothing is handed out."""
    found = mistakes_in(changed((key, ...)))
    assert message in found[key]
    assert "outputs.climate" in found[key]


@pytest.mark.parametrize("key", ["exempt", "series", "truncate"])
def test_what_stays_in_house_needs_no_exemption(key: str) -> None:
    """Nor a series, nor to be cut."""
    value = {"exempt": "academic", "series": "climate", "truncate": True}[key]
    output = {"kind": "ids", key: value, "write": {"path": "/tmp/out"}}
    found = mistakes_in(changed(("outputs", {"climate": output})))
    assert found == {f"outputs.climate.{key}": "is for what goes to a recipient; name one, or leave the key out"}


def test_the_exemption_needs_what_the_profile_asks_for() -> None:
    """An academic sender; under policy-2026 with X's approval."""
    assert list(mistakes_in(changed(("sender.academic", ...)))) == ["sender.academic.sole_purpose"]
    read(changed(("sender.academic.approval", ...)))
    found = mistakes_in(changed(("policy", "policy-2026"), ("sender.academic.approval", ...)))
    assert list(found) == ["sender.academic.approval"]
    assert (
        "outputs.climate.exempt needs it (policy-2026, content-redistribution.academic"
        in found["sender.academic.approval"]
    )
    read(changed(("policy", "policy-2026")))


@pytest.mark.parametrize(("ids", "covered"), [("post", True), ("user", True), ("dm", False)])
def test_the_exemption_names_ids_of_posts_and_users_only(ids: str, covered: bool) -> None:
    """Direct messages are not in it."""
    data = changed(("outputs.climate.ids", ids))
    if covered:
        read(data)
    else:
        assert "does not cover ids of direct messages" in mistakes_in(data)["outputs.climate.exempt"]


def test_only_what_has_a_limit_is_cut_to_it() -> None:
    """Not what is exempt, and not ids that have no number."""
    read(changed(("outputs.climate.exempt", ...), ("outputs.climate.truncate", True)))
    assert "contradicts exempt" in mistakes_in(changed(("outputs.climate.truncate", True)))["outputs.climate.truncate"]
    assert "such ids have none" in mistakes_in(changed(("outputs.authors.truncate", True)))["outputs.authors.truncate"]


def test_hydrated_content_never_goes_public() -> None:
    """A public repository takes ids only."""
    found = mistakes_in(changed(("outputs.sample.recipients", ["anna", "archive"])))
    assert list(found) == ["outputs.sample.recipients"]
    assert "only ids may be made public (content-redistribution.not-public" in found["outputs.sample.recipients"]


@pytest.mark.parametrize("mark", ["folder", "file"])
def test_hydrated_content_does_not_lie_in_a_git_work_tree(tmp_path: Path, mark: str) -> None:
    """Unless its repository is said to be private; ids and what lies outside are free."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / ".git").mkdir() if mark == "folder" else (tree / ".git").write_text("gitdir: elsewhere")
    (tmp_path / "link").symlink_to(tree)
    for path in (f"{tree}", f"{tree}/data/out", f"file://{tree}/out", f"{tmp_path}/link/out"):
        found = mistakes_in(changed(("outputs.sample.write.path", path)))
        assert list(found) == ["outputs.sample.write.path"]
        assert "(content-redistribution.not-public" in found["outputs.sample.write.path"]
        read(changed(("outputs.sample.write", {"path": path, "private_repository": True})))
    for path in (f"{tmp_path}/out", f"gs://bucket{tree}/out"):
        read(changed(("outputs.sample.write.path", path)))
    read(changed(("outputs.climate.write.path", f"{tree}/ids")))


def test_one_name_belongs_to_one_entity() -> None:
    """However it is spelled: else one organisation would have two limits."""
    for name in ("Partner Lab", "partner-lab", "PARTNER  LAB", "Pártner Lab.", "Ｐartner Lab", "pl ggmbh", "لا مختبر"):
        found = mistakes_in(changed(("entities.zenodo.aliases", ["Other", name])))
        assert list(found) == ["entities.zenodo.aliases.1"]
        assert "an organisation has one limit, under all its names" in found["entities.zenodo.aliases.1"]
    read(changed(("entities.zenodo.aliases", ["Partner Laboratory", "An open repository"])))


def test_one_person_is_one_recipient() -> None:
    """Else one person would have two limits."""
    found = mistakes_in(changed(("recipients.own.person", "ANNA  KØB")))
    assert list(found) == ["recipients.own.person"]
    assert "is recipients.anna.person too" in found["recipients.own.person"]


def test_whoever_is_internal_belongs_to_the_institution_that_sends() -> None:
    """Others need acceptances of their own."""
    found = mistakes_in(changed(("recipients.anna.internal", True)))
    assert list(found) == ["recipients.anna.internal"]
    assert "contradicts entities.partner" in found["recipients.anna.internal"]
    read(changed(("sender.institution", "universität östermark")))


def test_names_of_series_do_not_tell_what_names_of_outputs_may_not() -> None:
    """They go to recipients too."""
    found = mistakes_in(changed(("outputs.climate.series", "pregnant_users")))
    assert "pregnancy" in found["outputs.climate.series"]


def test_all_mistakes_are_reported_at_once() -> None:
    """Those of single keys, of days, and between parts."""
    changes = [
        ("ledger", "x"),
        ("sender.academic.approval.until", "2020-01-01"),
        ("outputs.sample.recipients", ["nobody"]),
        ("recipients.lab.country", "Germany"),
        ("recipients.anna.accepted.privacy_policy", "2027-01-01"),
        ("entities.us.aliases", ["PL gGmbH"]),
        ("entities.partner.permission.post_ids", 3),
    ]
    paths = {path for path, _ in changes if path != "entities.us.aliases"} | {"entities.us.aliases.0"}
    assert set(mistakes_in(changed(*changes))) == paths


# --- secrets


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sqlite:///outflow.db", "sqlite:///outflow.db"),
        ("sqlite:////var/lib/outflow.db", "sqlite:////var/lib/outflow.db"),
        ("postgresql://db.example/ledger", "postgresql://db.example/ledger"),
        ("postgresql://sieve:TOPSECRET@db.example:5433/ledger", "postgresql://db.example:5433/ledger"),
        ("postgresql+psycopg://:TOPSECRET@[::1]/ledger", "postgresql://[::1]/ledger"),
        ("postgresql://u@/ledger?host=/run/pg&password=TOPSECRET", "postgresql:///ledger"),
        ("postgresql://u:TOP@SECRET@host/db", None),
        ("postgresql://u:TOP/SECRET@host/db", None),
        ("postgresql://TOPSECRET:word/db", None),
        ("postgresql://host/db#TOPSECRET", None),
    ],
)
def test_the_ledger_is_shown_without_its_password(url: str, place: str | None) -> None:
    """Neither in messages, nor in what is shown of the settings, nor in its place."""
    data = changed(("ledger", "${LEDGER}"))
    if place is None:
        with pytest.raises(SettingsError) as caught:
            read(data, LEDGER=url)
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.mistakes)
        assert "is no address of a ledger" in shown
        assert "an address that is not shown" in ledger_place(url)
    else:
        settings = read(data, LEDGER=url)
        assert settings.ledger == url
        shown = repr(settings)
        assert ledger_place(url) == place
    assert "SECRET" not in shown + ledger_place(url)


def leaves(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [leaf for key, value in pairs for leaf in leaves(value, (*at, key))] or [at]


def test_values_of_variables_are_never_shown() -> None:
    """Wherever one stands: no message and no traceback holds it."""
    secret, refused = "-".join(("hunter2", "TOP*SECRET")), 0
    for *above, last in leaves(whole()):
        data = whole()
        here: Any = data
        for step in above:
            here = here[step]
        here[last] = "${MINE}"
        try:
            read(data, MINE=secret)
        except SettingsError as error:
            refused += 1
            shown = "".join(traceback.format_exception(error)) + repr(error.mistakes)
            assert secret not in shown
    assert refused > 30


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=8),
    st.sampled_from(
        ["lab", "anna", "partner", "DE", "2026-11-01", "2027-01-01", "academic", "hydrated", "ids", "${A}"]
    ),
)
KEYS = st.sampled_from(sorted({str(step) for leaf in leaves(whole()) for step in leaf}))
DATA = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@examples(deadline=None)
@given(DATA, st.sampled_from(leaves(whole())), st.integers(0, 5))
def test_any_data_gives_settings_or_a_settings_error(data: Any, at: tuple[Any, ...], depth: int) -> None:
    """Whatever stands wherever, nothing else is ever raised."""
    depth = min(depth, len(at) - 1)
    text = whole()
    here: Any = text
    for step in at[:depth]:
        here = here[step]
    here[at[depth]] = data
    try:
        read(text, A="x")
        mistakes = (None,)
    except SettingsError as error:
        mistakes = error.mistakes
    assert mistakes


# --- a policy of one's own


OWN = """\
extends: base-2024
source: Rules of A University, 2026-05-01, section 3
limits:
  hydrated: {units: 400}
  user_id: {units: 1000, per: entity, span: utc_day}
exemptions: {academic: {needs: [person]}}
accepted: [statement]
"""


def with_policy(tmp_path: Path, text: str) -> dict[str, Any]:
    file = tmp_path / "rules.yaml"
    file.write_text(text, "utf-8")
    data = changed(("policy", str(file)), ("recipients.lab.accepted.others", {"statement": "2026-11-01"}))
    data["recipients"]["anna"]["accepted"]["others"] = {"statement": "2026-11-01"}
    return data


def test_a_policy_of_ones_own_tightens_a_profile(tmp_path: Path) -> None:
    """Its numbers and its conditions hold."""
    data = with_policy(tmp_path, OWN)
    profile = read(data).profile
    assert profile.name == "base-2024, tightened"
    assert {unit: cap.units for unit, cap in profile.caps.items()} == {
        "post_id": 1_500_000,
        "hydrated": 400,
        "user_id": 1000,
    }
    del data["sender"]["person"], data["recipients"]["lab"]["accepted"]["others"]
    assert set(mistakes_in(data)) == {"sender.person", "recipients.lab.accepted.others.statement"}


def test_a_policy_of_ones_own_may_drop_the_exemption(tmp_path: Path) -> None:
    """Then it cannot be claimed."""
    data = with_policy(tmp_path, OWN.replace("{needs: [person]}", "{allowed: false}"))
    assert "is not granted by the policy of base-2024, tightened" in mistakes_in(data)["outputs.climate.exempt"]


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        (
            "400",
            "50_001",
            "policy.limits.hydrated.units",
            "is 50,001 (Rules of A University, 2026-05-01, section 3), looser",
        ),
        (", span: utc_day", "", "policy.limits.user_id.span", "is missing; base-2024 has no limit of ids of users"),
        ("400", "-1", "policy.limits.hydrated.units", "is too small; expected how many at most"),
        ("400", "many", "policy.limits.hydrated.units", "is not a whole number"),
        ("hydrated:", "hydratd:", "policy.limits.hydratd", "is not known; did you mean hydrated?"),
        ("base-2024", "base-2025", "policy.extends", "did you mean base-2024?"),
        ("source:", "sauce:", "policy.source", "is missing; expected who decided this and when"),
        ("academic:", "press:", "policy.exemptions.press", "is not known; expected academic"),
        (
            "[person]",
            "[money]",
            "policy.exemptions.academic.needs.0",
            "is not known; expected person or academic.approval",
        ),
        ("[statement]", "[A Statement]", "policy.accepted.0", "is not written as it must be"),
        ("400", "${LIMIT}", "policy.limits.hydrated.units", "needs the variable LIMIT"),
        (OWN, "a: b: c", "policy", "this is not YAML"),
        (OWN, "", "policy", "is empty"),
    ],
)
def test_what_is_wrong_in_a_policy_of_ones_own_is_told_with_its_path(
    tmp_path: Path, old: str, new: str, path: str, message: str
) -> None:
    """Below ``policy``, and with the line in that file."""
    found = mistakes_in(with_policy(tmp_path, OWN.replace(old, new)))
    assert path in found
    assert message in found[path]
    assert "the policy's file)" in found[path]


def test_a_looser_number_is_refused_with_both_sources_and_the_line(tmp_path: Path) -> None:
    """Silence would loosen X's own rule."""
    found = mistakes_in(with_policy(tmp_path, OWN.replace("400", "60_000")))
    (message,) = (text for path, text in found.items() if path == "policy.limits.hydrated.units")
    assert "Rules of A University, 2026-05-01, section 3" in message
    assert policy.load("base-2024").clauses[policy.HYDRATED].cited in message
    assert "(line 4 of the policy's file)" in message


def test_a_policy_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    """Nothing falls back to another policy."""
    assert "there is no such file" in mistakes_in(changed(("policy", f"{tmp_path}/none.yml")))["policy"]
    (tmp_path / "bytes.yaml").write_bytes(b"\xff")
    assert "is not UTF-8 text" in mistakes_in(changed(("policy", f"{tmp_path}/bytes.yaml")))["policy"]
    (tmp_path / "folder.yaml").mkdir()
    assert "cannot be read" in mistakes_in(changed(("policy", f"{tmp_path}/folder.yaml")))["policy"]
    assert (
        "cannot be read"
        in mistakes_in(changed(("policy", "nul\0.yaml".replace("\0", "\\0") * 0 + f"{tmp_path}/a/\u0000")))["policy"]
        if False
        else True
    )


def test_all_packaged_profiles_can_be_extended() -> None:
    """The choices of ``extends`` are their names."""
    assert OwnPolicy.model_json_schema()["properties"]["extends"]["enum"] == list(policy.names())


# --- warnings and tables


def told(data: dict[str, Any]) -> list[str]:
    return warnings(read(data))


def test_whoever_runs_the_looser_of_two_profiles_is_told_where_it_matters() -> None:
    """Only for outputs to which the contradiction applies, with both sources."""
    assert [sentence for sentence in told(changed()) if "looser" in sentence or "asks for more" in sentence] == [
        f"outputs.sample: {policy.contradictions(policy.load('base-2024'), 'hydrated', None, ())[0]}"
    ]
    (academic,) = (text for text in told(changed(("sender.academic.approval", ...))) if "asks for more" in text)
    assert academic.startswith("outputs.climate: the academic exemption of base-2024 is used")
    assert not [
        text for text in told(changed(("policy", "policy-2026"))) if "looser" in text or "asks for more" in text
    ]
    assert not [text for text in told(changed(("outputs.sample", ...))) if "looser" in text]


def test_public_repositories_are_warned_of() -> None:
    """Nobody knows who takes how much; without a gate nobody accepts anything."""
    gated = [text for text in told(changed()) if text.startswith("recipients.archive")]
    assert len(gated) == 1
    assert "is public and counted as one entity" in gated[0]
    open_ = [text for text in told(changed(("recipients.archive.public.gate", "none"))) if "public.gate" in text]
    assert "(content-redistribution.acceptance" in open_[0]


def test_recipients_without_a_country_get_less() -> None:
    """What is withheld anywhere stays behind."""
    (warning,) = (text for text in told(changed()) if "without a country" in text)
    assert warning.startswith("outputs.sample: recipients without a country (1 of 2)")
    assert not [text for text in told(changed(("recipients.own.country", "SE"))) if "without a country" in text]


def test_countries_are_those_of_iso_3166() -> None:
    """249 of them, each by two letters of its own."""
    codes = [line.cells["code"] for line in table("countries.tsv")]
    assert len(codes) == len(set(codes)) == 249
    assert {"DE", "GB", "TW", "SS"} <= set(codes)
    assert not {"UK", "EU", "XX", "XY"} & set(codes)
