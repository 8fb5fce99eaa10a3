"""Profiles of the policy: what they hold, that they only ever get tighter, and where they contradict each other."""

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xsieve.transforms.records import policy
from xsieve.transforms.records.outflow import Cap
from xsieve.transforms.records.policy import Own, OwnExemption, OwnLimit, Profile

BASE, STRICT = policy.load("base-2024"), policy.load("policy-2026")
PROFILES = pytest.mark.parametrize("profile", [BASE, STRICT], ids=lambda profile: profile.name)
SOURCE = "Rules of A University, 2026-05-01, section 3"
DECLARED = ("institution", "academic.sole_purpose")


def own(
    limits: dict[str, OwnLimit] | None = None,
    exemptions: dict[str, OwnExemption] | None = None,
    accepted: tuple[str, ...] = (),
) -> Own:
    return Own(SOURCE, limits or {}, exemptions or {}, accepted)  # type: ignore[arg-type]  # units are given by name


def tight(profile: Profile, changes: Own) -> Profile:
    found, wrong = policy.tightened(profile, changes)
    assert wrong == []
    return found


# --- what they hold


def test_there_are_two_profiles() -> None:
    """They are found by the names of their files."""
    assert policy.names() == ("base-2024", "policy-2026")


@pytest.mark.parametrize(("profile", "hydrated"), [(BASE, 50_000), (STRICT, 500)], ids=["base-2024", "policy-2026"])
def test_the_limits_are_those_of_the_documents(profile: Profile, hydrated: int) -> None:
    """Ids of posts by entity in any 30 days, hydrated objects by recipient and UTC day, and no other number."""
    assert profile.caps == {
        "post_id": Cap(1_500_000, "entity", "rolling_30_days", policy.POST_IDS),
        "hydrated": Cap(hydrated, "recipient", "utc_day", policy.HYDRATED),
    }
    assert profile.clause_of("hydrated").id == policy.HYDRATED
    assert profile.clause_of("user_id").id == policy.IDS


@PROFILES
def test_a_profile_has_every_clause_that_code_asks_for(profile: Profile) -> None:
    """And no other, so that none is forgotten in silence."""
    assert sorted(profile.clauses) == sorted(policy.REQUIRED)


@PROFILES
def test_a_clause_names_its_document_with_date_and_section_and_speaks_in_our_own_words(profile: Profile) -> None:
    """Numbers stand in limits alone, where nothing can disagree with them."""
    for clause in profile.clauses.values():
        assert re.fullmatch(r'[A-Z].+, 20\d\d-\d\d-\d\d, "[^"]+"', clause.source)
        assert re.fullmatch(r"[A-Z][^\d]{40,}\.", clause.says)
        assert clause.cited == f"{clause.id}: {clause.source}"


@PROFILES
def test_four_texts_are_accepted_before_anything_is_received(profile: Profile) -> None:
    """The same four in both."""
    assert profile.accepted == ("terms_of_service", "privacy_policy", "developer_agreement", "developer_policy")


def test_the_academic_exemption_lifts_limits_of_ids_and_needs_approval_in_2026() -> None:
    """Never those of hydrated objects, and no ids of direct messages."""
    base, strict = BASE.exemptions["academic"], STRICT.exemptions["academic"]
    assert base.units == strict.units == {"post_id", "user_id"}
    assert base.needs == DECLARED
    assert strict.needs == (*DECLARED, "academic.approval")


@PROFILES
def test_a_profile_can_be_sent_to_another_process(profile: Profile) -> None:
    """It is plain data."""
    assert pickle.loads(pickle.dumps(profile)) == profile


# --- a policy of one's own


def test_a_lower_number_holds_and_cites_who_set_it() -> None:
    """Per whom and in which time stays as it is."""
    profile = tight(BASE, own({"hydrated": OwnLimit(200)}))
    assert profile.caps["hydrated"] == Cap(200, "recipient", "utc_day", "own.hydrated")
    assert profile.clause_of("hydrated").cited == f"own.hydrated: {SOURCE}"
    assert profile.caps["post_id"] == BASE.caps["post_id"]
    assert profile.name == "base-2024, tightened"
    assert SOURCE in profile.title


def test_the_same_number_is_no_looser() -> None:
    """The limit itself may be repeated; one more is refused, with both sources."""
    tight(BASE, own({"hydrated": OwnLimit(50_000, "recipient", "utc_day")}))
    unchanged, [(path, message)] = policy.tightened(BASE, own({"hydrated": OwnLimit(50_001)}))
    assert path == "limits.hydrated.units"
    assert "50,001" in message
    assert SOURCE in message
    assert BASE.clauses[policy.HYDRATED].cited in message
    assert unchanged.caps == BASE.caps


def test_a_limit_keeps_whom_and_which_time_it_is_for() -> None:
    """A number for another span cannot be compared with the one that there is."""
    _, wrong = policy.tightened(BASE, own({"post_id": OwnLimit(10, "recipient", "utc_day")}))
    assert [path for path, _ in wrong] == ["limits.post_id.per", "limits.post_id.span"]


def test_units_without_a_number_may_get_one() -> None:
    """Then it has to be said per whom, and in which time."""
    profile = tight(STRICT, own({"user_id": OwnLimit(1_000, "entity", "rolling_30_days")}))
    assert profile.caps["user_id"] == Cap(1_000, "entity", "rolling_30_days", "own.user_id")
    _, wrong = policy.tightened(STRICT, own({"user_id": OwnLimit(1_000)}))
    assert [path for path, _ in wrong] == ["limits.user_id.per", "limits.user_id.span"]


def test_exemptions_are_dropped_or_need_more() -> None:
    """None is added."""
    assert tight(BASE, own(exemptions={"academic": OwnExemption(allowed=False)})).exemptions == {}
    needing = tight(BASE, own(exemptions={"academic": OwnExemption(needs=("academic.approval", "institution"))}))
    assert needing.exemptions["academic"].needs == (*DECLARED, "academic.approval")
    _, [(path, _)] = policy.tightened(BASE, own(exemptions={"commercial": OwnExemption()}))
    assert path == "exemptions.commercial"


def test_more_may_have_to_be_accepted() -> None:
    """Beside the four."""
    assert tight(BASE, own(accepted=("statement", "privacy_policy"))).accepted == (*BASE.accepted, "statement")


@given(
    st.sampled_from([BASE, STRICT]),
    st.dictionaries(
        st.sampled_from(list(policy.UNITS)),
        st.builds(
            OwnLimit,
            st.sampled_from([0, 1, 499, 500, 501, 50_000, 50_001, 1_500_000, 1_500_001]),
            st.sampled_from([None, "entity", "recipient"]),
            st.sampled_from([None, "rolling_30_days", "utc_day"]),
        ),
    ),
    st.booleans(),
    st.sets(st.sampled_from(["person", "academic.approval"])).map(tuple),
    st.sets(st.sampled_from(["statement", "privacy_policy"])).map(tuple),
)
def test_no_policy_of_ones_own_is_ever_looser(
    profile: Profile, limits: dict[str, OwnLimit], allowed: bool, needs: tuple[str, ...], accepted: tuple[str, ...]
) -> None:
    """Whatever it says: every limit is at most that of the profile, every condition is kept."""
    changes = own(limits, {"academic": OwnExemption(allowed, needs)}, accepted)
    found, _ = policy.tightened(profile, changes)
    for unit, cap in profile.caps.items():
        mine = found.caps[unit]
        assert (mine.per, mine.span) == (cap.per, cap.span)
        assert mine.units <= cap.units
    assert set(profile.accepted) <= set(found.accepted)
    for name, exemption in found.exemptions.items():
        assert exemption.units <= profile.exemptions[name].units
        assert set(profile.exemptions[name].needs) <= set(exemption.needs)


# --- contradictions


def test_whoever_runs_the_looser_number_is_told_with_both_sources() -> None:
    """The stricter one is used in silence."""
    (told,) = policy.contradictions(BASE, "hydrated", None, ())
    assert "50,000 hydrated posts and users to one recipient in a UTC day" in told
    assert "500 hydrated posts and users" in told
    assert BASE.clauses[policy.HYDRATED].cited in told
    assert STRICT.clauses[policy.HYDRATED].cited in told
    assert policy.contradictions(STRICT, "hydrated", None, ()) == []


@PROFILES
@pytest.mark.parametrize("unit", ["post_id", "user_id", "dm_id"])
def test_where_profiles_agree_nothing_is_told(profile: Profile, unit: policy.Unit) -> None:
    """Their numbers of ids are the same."""
    assert policy.contradictions(profile, unit, None, ()) == []


@pytest.mark.parametrize(("units", "told"), [(501, 1), (500, 0)])
def test_a_policy_of_ones_own_is_compared_by_its_own_numbers(units: int, told: int) -> None:
    """Who has tightened the looser number as far as the stricter one needs no word."""
    profile = tight(BASE, own({"hydrated": OwnLimit(units)}))
    found = policy.contradictions(profile, "hydrated", None, ())
    assert len(found) == told
    assert all(SOURCE in sentence for sentence in found)


def test_whoever_claims_an_exemption_that_another_profile_narrows_is_told() -> None:
    """Not if all that the other asks for is declared too."""
    (told,) = policy.contradictions(BASE, "post_id", "academic", DECLARED)
    assert "asks for more: academic.approval" in told
    assert BASE.clauses[policy.ACADEMIC].cited in told
    assert STRICT.clauses[policy.ACADEMIC].cited in told
    assert policy.contradictions(BASE, "post_id", "academic", (*DECLARED, "academic.approval")) == []
    assert policy.contradictions(STRICT, "post_id", "academic", DECLARED) == []
