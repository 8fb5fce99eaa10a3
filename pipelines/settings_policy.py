"""``policy`` in settings: the name of a packaged profile, or the file of a policy of one's own that tightens one."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, WithJsonSchema

from xsieve.pipelines import settings_yaml
from xsieve.pipelines.settings_errors import Mistake, SettingsError, not_one_of, translate, wrong
from xsieve.pipelines.settings_parts import Part, schema_of
from xsieve.pipelines.settings_values import Line, Names, Text, several
from xsieve.transforms.records import policy
from xsieve.transforms.records.outflow import Per, Span

_OWN_FILE = "the path of a policy of one's own (.yaml)"
_SUFFIXES = (".yaml", ".yml")


def _known(value: str) -> str:
    if value in policy.names() or value.endswith(_SUFFIXES):
        return value
    raise wrong(not_one_of(value, (*policy.names(), _OWN_FILE)))


Policy = Annotated[
    Text,
    AfterValidator(_known),
    WithJsonSchema({"anyOf": [{"enum": list(policy.names())}, {"type": "string", "pattern": r"\.ya?ml$"}]}),
]


class OwnLimit(Part):
    """A limit that is lower than that of the profile, or of units that have none there."""

    units: Annotated[int, Field(ge=0)] = Field(description="how many at most, a number")
    per: Per | None = Field(default=None, description="entity or recipient; as in the profile if that has a limit")
    span: Span | None = Field(
        default=None, description="rolling_30_days or utc_day; as in the profile if that has a limit"
    )


class OwnLimits(Part):
    """Limits by unit."""

    post_id: OwnLimit | None = Field(default=None, description="of ids of posts: units, per, span")
    user_id: OwnLimit | None = Field(default=None, description="of ids of users: units, per, span")
    dm_id: OwnLimit | None = Field(default=None, description="of ids of direct messages: units, per, span")
    hydrated: OwnLimit | None = Field(default=None, description="of hydrated posts and users: units, per, span")


class OwnExemption(Part):
    """What becomes of an exemption."""

    allowed: bool = Field(True, description="true or false: whether it may be claimed at all")
    needs: Annotated[tuple[Literal["person", "academic.approval"], ...], BeforeValidator(several)] = Field(
        default=(), description="what sender must declare besides: person, academic.approval"
    )


class OwnExemptions(Part):
    """Exemptions by name."""

    academic: OwnExemption | None = Field(default=None, description="the academic exemption: allowed, needs")


class OwnPolicy(Part):
    """A policy of one's own."""

    extends: Literal["base-2024", "policy-2026"] = Field(description="the profile that is tightened")
    source: Line = Field(description="who decided this and when, as it is to be cited")
    limits: OwnLimits = Field(default=OwnLimits(), description="limits by unit: post_id, user_id, dm_id, hydrated")
    exemptions: OwnExemptions = Field(default=OwnExemptions(), description="exemptions by name: academic")
    accepted: Names = Field(
        default=(), description="names of further texts that recipients must have accepted (accepted.others)"
    )


def read_profile(data: object) -> tuple[policy.Profile, list[Mistake]]:
    """The profile that ``policy`` asks for, and the mistakes in a file of one's own.

    Where there is no such policy, which other checks tell, it is the first of the packaged ones.
    """
    value = data.get("policy") if isinstance(data, dict) else None
    if isinstance(value, str) and value.endswith(_SUFFIXES):
        return _own(value)
    return policy.load(str(value) if value in policy.names() else policy.names()[0]), []


def _own(path: str) -> tuple[policy.Profile, list[Mistake]]:
    document = settings_yaml.Document()
    profile, found = policy.load(policy.names()[0]), list[Mistake]()
    try:
        document = settings_yaml.read(settings_yaml.text_of(path), {})
        own = OwnPolicy.model_validate(document.data)
        profile, loose = policy.tightened(policy.load(own.extends), _as_own(own))
        found += (Mistake(*mistake) for mistake in loose)
    except SettingsError as error:
        found += error.mistakes
    except ValidationError as error:
        found += translate(error, schema_of(OwnPolicy))
    return profile, [_placed(mistake, document) for mistake in (*document.mistakes, *found)]


def _placed(mistake: Mistake, document: settings_yaml.Document) -> Mistake:
    """At its path below ``policy``, which has the line of ``policy``; its own line is told beside."""
    line = mistake.line or document.line_of(mistake.path)
    where = f" (line {line} of the policy's file)" if line else " (in the policy's file)"
    return Mistake(f"policy.{mistake.path}".rstrip("."), mistake.message + where)


def _as_own(own: OwnPolicy) -> policy.Own:
    limits = {unit: limit for unit in policy.UNITS if (limit := getattr(own.limits, unit))}
    academic = own.exemptions.academic
    return policy.Own(
        own.source,
        {unit: policy.OwnLimit(limit.units, limit.per, limit.span) for unit, limit in limits.items()},
        {"academic": policy.OwnExemption(academic.allowed, academic.needs)} if academic else {},
        own.accepted,
    )
