"""The verbs for Beam YAML: every option matters, mistakes are told when the pipeline is put together, errors hold no content."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple, Optional

import apache_beam as beam
import pytest
import yaml
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_stream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.typehints.schemas import named_fields_from_element_type
from templates import AUTHOR, OTHER_POST, POST, v1_post, v1_repost, v2_page, v2_post

from xsieve.configs import resource
from xsieve.transforms import PlanError, beam_yaml

PLANTED = "Xyzzy Fjuqua"
DIRECT_MESSAGE = {"id": "1440000000000000083", "event_type": "MessageCreate", "text": "até já 🙂", "sender_id": AUTHOR}

OPTIONS = [
    (beam_yaml.strip_identifiers(text="scrub", columns=["text"]), v1_post(text="hi @anna_b"), ["hi [handle]"]),
    (beam_yaml.strip_identifiers(time="day", columns=["time"]), v1_post(), ["2022-11-12T00:00:00Z"]),
    (beam_yaml.strip_identifiers(metrics="exact", columns=["like_count"]), v1_post(favorite_count=1234), [1234]),
    (beam_yaml.strip_identifiers(metrics="rounded", columns=["like_count"]), v1_post(favorite_count=1234), [1200]),
    (beam_yaml.dehydrate(ids="user"), v1_post(), [AUTHOR]),
    (beam_yaml.dehydrate(nested=True), v1_repost(v1_post(OTHER_POST)), sorted([POST, OTHER_POST])),
    (beam_yaml.dehydrate(), v2_page(v2_post(POST), v2_post(POST)), [POST]),
    (beam_yaml.dehydrate(distinct=False), v2_page(v2_post(POST), v2_post(POST)), [POST, POST]),
    (beam_yaml.dehydrate(where={"reposts": "drop"}), v1_repost(v1_post(OTHER_POST)), []),
    (beam_yaml.dehydrate(where={"reposts": "only"}), v1_repost(v1_post(OTHER_POST)), [POST]),
    (beam_yaml.dehydrate(where={"lang": "de"}), v1_post(lang="en"), []),
    (beam_yaml.dehydrate(where={"lang": ["de", "en"]}), v1_post(lang="en"), [POST]),
    (beam_yaml.dehydrate(where={"from": "2022-11-13"}), v1_post(), []),
    (beam_yaml.dehydrate(where={"to": "2022-11-12T09:42:00Z", "__line__": 7}), v1_post(), [POST]),
]  # fmt: skip


class Message(NamedTuple):
    """A row as Kafka gives it to Beam YAML."""

    key: bytes
    payload: Optional[bytes]  # noqa: UP045 Beam reads typing.Optional only


def rows_of(*payloads: Any) -> list[beam.Row]:
    return [beam.Row(line=p if isinstance(p, str) else json.dumps(p, ensure_ascii=False)) for p in payloads]


def passed(transform: beam.PTransform, rows: list[Any], check: Callable[[Any], Any], of: str = "good") -> None:
    """Run a transform on rows, and check what it gives (or its other output)."""
    with beam.Pipeline("FnApiRunner", PipelineOptions()) as pipeline:
        found = pipeline | beam.Create(rows) | transform
        assert_that(found[of] if isinstance(found, dict) else found, check)


def fields_of(transform: beam.PTransform) -> dict[str, Any]:
    """The schema of what comes out, by field."""
    pipeline = beam.Pipeline("FnApiRunner", PipelineOptions())
    found = pipeline | beam.Create(rows_of(v1_post())) | transform
    return dict(named_fields_from_element_type(found.element_type))


def listed() -> dict[str, Any]:
    """The transforms of the packaged listing, as Beam YAML loads them."""
    from apache_beam.yaml.yaml_provider import parse_providers

    providers = parse_providers("", yaml.safe_load(resource("beam_yaml/providers.yaml").read_text("utf-8")))
    return {name: provider for provider in providers for name in provider.provided_transforms()}


def test_every_listed_verb_describes_itself_to_beam_yaml():
    """Beam YAML finds each verb, and knows the options that it takes, each with its meaning."""
    providers = listed()
    assert sorted(providers) == ["CountOutflow", "Dehydrate", "DropSensitive", "KeepPublic", "StripIdentifiers"]
    for name, provider in providers.items():
        options = provider.config_schema(name).fields
        assert {"where", "access", "field", "error_handling"} < {option.name for option in options}
        assert all(option.description for option in options), name
        assert provider.description(name)


def test_rows_have_the_columns_as_plain_types():
    """The schema says which columns there are, and every one of them may be empty."""
    fields = fields_of(beam_yaml.strip_identifiers(text="scrub", place="city", columns=["time", "hashtags", "city"]))
    assert list(fields) == ["time", "hashtags", "city"]
    assert fields["time"] == Optional[str]  # noqa: UP045
    assert list(fields_of(beam_yaml.dehydrate())) == ["id"]
    counted = fields_of(beam_yaml.count_outflow("ids", "unused", "2026-11"))
    assert list(counted) == ["recipient", "unit", "release", "units", "digest"]


def test_every_option_matters():
    """What comes out is what each option says."""
    with beam.Pipeline("FnApiRunner", PipelineOptions()) as pipeline:
        for number, (transform, payload, expected) in enumerate(OPTIONS):
            rows = pipeline | f"Payload {number}" >> beam.Create(rows_of(payload)) | f"Verb {number}" >> transform
            values = rows | f"Values {number}" >> beam.Map(lambda row: next(iter(row.as_dict().values())))
            assert_that(values, equal_to(expected), f"Option {number}")


def test_attested_and_consent_let_through_what_they_are_for():
    """Records of unknown visibility are handed on only if the data came by an app-only token; DMs are kept only by consent."""

    def many(number: int) -> Callable[[Any], Any]:
        return lambda rows: equal_to([number])([len(rows)])

    unknown = rows_of(v2_post())
    passed(beam_yaml.keep_public(), unknown, many(0))
    passed(beam_yaml.keep_public(access="user_context"), unknown, many(0))
    passed(beam_yaml.keep_public(access="app_only"), unknown, many(1))
    message = rows_of(DIRECT_MESSAGE)
    passed(beam_yaml.drop_sensitive(), message, many(0))
    passed(beam_yaml.drop_sensitive(consent={"direct_messages": "file 12"}), message, many(1))


def test_bytes_stay_bytes_in_the_field_they_came_in():
    """From Kafka, JSON is bytes beside a key: the named field is read, and comes out as it came."""
    payload = json.dumps(v1_post(text="Grüße 🌍")).encode()
    with beam.Pipeline("FnApiRunner", PipelineOptions()) as pipeline:
        rows = pipeline | beam.Create([Message(b"k", payload), Message(b"k", None)]).with_output_types(Message)
        found = rows | beam_yaml.drop_sensitive(field="payload", error_handling={"output": "bad"})
        assert dict(named_fields_from_element_type(found["good"].element_type)) == {"payload": bytes}
        assert_that(
            found["good"] | beam.Map(lambda row: json.loads(row.payload)["text"]), equal_to(["Grüße 🌍"]), "payloads"
        )
        assert_that(found["bad"] | beam.Map(lambda row: row.reason), equal_to(["unknown_shape"]), "a row without any")


def test_errors_hold_nothing_of_the_payload():
    """The rows of errors are reason, stage and shape; what was in the payload is in none of them."""
    broken = rows_of(f'{{"id": "15900", "text": "{PLANTED}', {"id_str": PLANTED, "text": "x"}, {"stranger": PLANTED})
    errors = {"output": "bad"}

    def only_reasons(rows: Any) -> None:
        assert sorted(row._asdict().keys() == {"reason", "stage", "shape"} for row in rows) == [True] * 3
        assert PLANTED not in repr(rows)

    for transform in (
        beam_yaml.strip_identifiers(error_handling=errors),
        beam_yaml.dehydrate(error_handling=errors),
        beam_yaml.keep_public(error_handling=errors),
        beam_yaml.drop_sensitive(error_handling=errors),
    ):
        passed(transform, broken, only_reasons, "bad")


def test_outflow_is_counted_for_each_recipient(tmp_path):
    """Each object of a release counts once, for every recipient; the choices are those of what makes the release."""
    rows = rows_of(v2_page(v2_post(POST), v2_post(OTHER_POST)), v2_post(POST))

    def units(*found: tuple[str, str, int]) -> Callable[[Any], Any]:
        return lambda rows: equal_to(found)([(row.recipient, row.unit, row.units) for row in rows])

    ids = beam_yaml.count_outflow("ids", str(tmp_path), "2026-11", ["a", "b"])
    passed(ids, rows, units(("a", "post_id", 2), ("b", "post_id", 2)))
    hydrated = beam_yaml.count_outflow("hydrated", str(tmp_path), "2026-11", objects="posts")
    passed(hydrated, rows, units(("", "hydrated", 0)))
    attested = beam_yaml.count_outflow("hydrated", str(tmp_path), "2026-11", objects="posts", access="app_only")
    passed(attested, rows, lambda rows: equal_to([True])([row.units >= 2 for row in rows]))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: beam_yaml.strip_identifiers(text="keep"), "text: expected one of scrub"),
        (lambda: beam_yaml.strip_identifiers(place="city"), "place: a place may pass only beside the text"),
        (lambda: beam_yaml.strip_identifiers(time="minute"), "time: expected one of hour, day, exact"),
        (lambda: beam_yaml.strip_identifiers(columns=["user"]), "columns: there is no user; expected some of time"),
        (lambda: beam_yaml.dehydrate(ids="tweet"), "ids: expected one of post, user, dm"),
        (lambda: beam_yaml.dehydrate(nested="yes"), "nested: expected true or false"),
        (lambda: beam_yaml.dehydrate(access="mine"), "access: expected one of app_only, user_context"),
        (lambda: beam_yaml.dehydrate(where={"form": "2020-01-01"}), "where: there is no form; expected from, to"),
        (lambda: beam_yaml.dehydrate(where={"from": "spring"}), "where.from: expected a date"),
        (lambda: beam_yaml.dehydrate(where={"reposts": "some"}), "reposts: expected one of keep, drop, only"),
        (lambda: beam_yaml.dehydrate(error_handling={"outptu": "x"}), "error_handling: there is no outptu"),
        (lambda: beam_yaml.dehydrate(error_handling={"output": "good"}), "error_handling: good is what passes"),
        (lambda: beam_yaml.keep_public(country="Germany"), "country: a country is two capital letters"),
        (lambda: beam_yaml.drop_sensitive(consent={"dms": "x"}), "consent: there is no dms"),
        (lambda: beam_yaml.count_outflow("rows", "x", "2026-11"), "kind: expected one of ids, hydrated"),
    ],
)
def test_mistakes_are_told_with_what_was_expected(make, said):
    """Nothing runs with a value that is none."""
    with pytest.raises(PlanError) as caught:
        make()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("elements", "field", "said"),
    [
        ([Message(b"k", b"{}")], None, "rows have the fields key, payload; say by field"),
        ([Message(b"k", b"{}")], "value", "value is no field of text or bytes"),
        ([beam.Row(line=7)], None, "line is no field of text or bytes"),
        (["{}"], None, "expected rows that have a schema"),
    ],
)
def test_rows_without_one_field_of_json_are_refused(elements, field, said):
    """It is never guessed which field holds the payload."""
    pipeline = beam.Pipeline("FnApiRunner", PipelineOptions())
    with pytest.raises(ValueError, match=said):
        pipeline | beam.Create(elements) | beam_yaml.dehydrate(field=field)


def test_a_stream_hands_nothing_over():
    """What holds more than ids is handed over by a person, so a stream of it is refused."""
    pipeline = beam.Pipeline("FnApiRunner", PipelineOptions())
    rows = (
        pipeline
        | test_stream.TestStream().advance_watermark_to_infinity()
        | beam.Map(lambda line: beam.Row(line=str(line)))
    )
    with pytest.raises(ValueError, match="by a person"):
        rows | beam_yaml.keep_public()
