"""The settings of outflow: who sends, who receives, which entity they belong to, what was accepted and permitted."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, ValidationInfo, field_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from xsieve.pipelines.settings_errors import wrong
from xsieve.pipelines.settings_parts import Part
from xsieve.pipelines.settings_values import Country, Line, Lines, Name, OpenDay, PastDay
from xsieve.transforms.records.policy import GOVERNMENT, SURVEILLANCE


class Paper(Part):
    """A document with the time for which it holds, which has begun and is not over."""

    reference: Line = Field(description="what the document is called or numbered, so that it is found again")
    from_: PastDay = Field(alias="from", description="the first day on which it holds (UTC)")
    until: OpenDay = Field(description="the last day on which it holds (UTC)")


# --- who hands out


class Academic(Part):
    """What an academic institution declares."""

    sole_purpose: Literal["non_commercial_research"] = Field(
        description="non_commercial_research: that the ids are handed on for this and for nothing else"
    )
    approval: Paper | None = Field(default=None, description="X's approval in writing: reference, from, until")


class Sender(Part):
    """Who hands out."""

    institution: Line = Field(description="the institution on whose behalf all is handed out")
    person: Line | None = Field(default=None, description="who answers for it")
    academic: Academic | None = Field(
        default=None, description="what an academic institution declares: sole_purpose, approval"
    )

    @property
    def declares(self) -> frozenset[str]:
        """The dotted keys that stand, such as academic.approval."""
        inner = self.academic.model_dump(exclude_none=True) if self.academic else {}
        return frozenset((*self.model_dump(exclude_none=True), *(f"academic.{key}" for key in inner)))


# --- who receives


FOUR = ("terms_of_service", "privacy_policy", "developer_agreement", "developer_policy")


class Accepted(Part):
    """When a recipient accepted X's terms, and how one knows."""

    all: PastDay | None = Field(default=None, description="the day on which all four were accepted at once")
    terms_of_service: PastDay | None = Field(
        default=None, description="the day on which X's Terms of Service were accepted"
    )
    privacy_policy: PastDay | None = Field(default=None, description="the day on which X's Privacy Policy was accepted")
    developer_agreement: PastDay | None = Field(
        default=None, description="the day on which X's Developer Agreement was accepted"
    )
    developer_policy: PastDay | None = Field(
        default=None, description="the day on which X's Developer Policy was accepted"
    )
    others: Mapping[Name, PastDay] = Field(
        default={}, description="the days on which more was accepted that a policy of one's own asks for, by name"
    )
    by: Line | None = Field(default=None, description="who accepted; needed where the recipient is no single person")
    evidence: Line = Field(description="where the signed text is filed")

    @field_validator(*FOUR)
    @classmethod
    def _either_all_or_each(cls, day: date, info: ValidationInfo) -> date:
        if info.data.get("all"):
            raise wrong("stands beside all; expected either all or the days of the four")
        return day

    def day_of(self, text: str) -> date | None:
        """The day on which that text was accepted."""
        return self.all or getattr(self, text) if text in FOUR else self.others.get(text)


class Public(Part):
    """A repository that anybody can read."""

    gate: Literal["click_through", "none"] = Field(
        description="click_through: whoever downloads accepts X's four documents before; none: nobody is asked"
    )
    where: Line = Field(description="its name or address")


class Recipient(Part):
    """Who receives."""

    entity: Name = Field(description="the organisation that the recipient belongs to, by its name in entities")
    person: Line | None = Field(default=None, description="the person who receives")
    country: Country | None = Field(
        default=None, description="the country in which it is received, in two capital letters, such as DE"
    )
    accepted: Accepted | None = Field(
        default=None, description="when X's terms were accepted: all or the days of the four, by, evidence"
    )
    internal: bool = Field(
        False,
        description="true or false: whether the recipient belongs to the institution that sends, under whose "
        "acceptance it works",
    )
    public: Public | None = Field(default=None, description="for a repository that anybody can read: gate, where")

    @field_validator("public")
    @classmethod
    def _nobody_in_particular(cls, public: Public, info: ValidationInfo) -> Public:
        for key in ("person", "country", "internal"):
            if info.data.get(key):
                raise wrong(f"contradicts {key}; what is public is for anybody anywhere, expected one of the two")
        return public


# --- organisations


class Government(Part):
    """What must be said of a government body."""

    approval: Paper = Field(description="where it was declared to X and approved: reference, from, until")
    primary_mission: Literal["other", "surveillance", "intelligence"] = Field(
        description="whether surveillance or intelligence is among its main tasks, or other"
    )

    @field_validator("primary_mission")
    @classmethod
    def _no_surveillance(cls, mission: str) -> str:
        if mission != "other":
            raise wrong(f"is one that gets nothing of X's content, not even aggregates ({SURVEILLANCE})")
        return mission


def _declared(value: object) -> object:
    if value is True:
        raise wrong(f"needs approval and primary_mission; expected false, or these two below it ({GOVERNMENT})")
    return None if value is False else value


class _OrFalse:
    """Tells editors that ``false`` may stand instead."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"title": "Government", "anyOf": [{"const": False}, handler(schema)]}


class Permission(Paper):
    """Written permission by X to hand on more ids of posts."""

    post_ids: Annotated[int, Field(ge=1)] = Field(description="how many ids of posts in any 30 days, a number")


class Entity(Part):
    """An organisation, with all its people."""

    name: Line = Field(description="its full name")
    aliases: Lines = Field(default=(), description="other names that it goes by, one or a list")
    government: Annotated[Government | None, BeforeValidator(_declared), _OrFalse()] = Field(
        description="false, or for a government body and who acts for one: approval, primary_mission"
    )
    permission: Permission | None = Field(
        default=None, description="written permission by X for more ids of posts: reference, from, until, post_ids"
    )

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and its aliases."""
        return (self.name, *self.aliases)
