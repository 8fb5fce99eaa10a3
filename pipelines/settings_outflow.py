"""The settings of outflow: who sends, who receives, which entity they belong to, and what was accepted and permitted."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from xsieve.pipelines.settings_values import Country, Day, Line, Name, Part


class Paper(Part):
    """A document with a time for which it holds."""

    reference: Line = Field(description="what the document is called or numbered, so that it is found again")
    from_: Day = Field(alias="from", description="the first day on which it holds (UTC)")
    until: Day = Field(description="the last day on which it holds (UTC)")


class Permission(Paper):
    """Written permission by X to pass on more post ids."""

    post_ids: Annotated[int, Field(ge=1)] = Field(description="how many post ids in any 30 days, a number")


class Academic(Part):
    """What an academic sender declares."""

    sole_purpose: Literal["non_commercial_research"] = Field(
        description="non_commercial_research, and nothing beside it"
    )
    approval: Paper | None = Field(default=None, description="the approval by X, in writing: reference, from, until")


class Sender(Part):
    """Who hands out the data."""

    institution: Line = Field(description="the institution on whose behalf the data is handed out")
    person: Line | None = Field(default=None, description="who answers for it")
    academic: Academic | None = Field(
        default=None,
        description="for academic institutions only: sole_purpose, approval",
    )


class Accepted(Part):
    """When a recipient has accepted X's terms, and how one knows."""

    all: Day | None = Field(default=None, description="the day on which all four were accepted, instead of single days")
    terms_of_service: Day | None = Field(
        default=None, description="the day on which X's Terms of Service were accepted"
    )
    privacy_policy: Day | None = Field(default=None, description="the day on which X's Privacy Policy was accepted")
    developer_agreement: Day | None = Field(
        default=None, description="the day on which X's Developer Agreement was accepted"
    )
    developer_policy: Day | None = Field(default=None, description="the day on which X's Developer Policy was accepted")
    others: Mapping[Name, Day] = Field(
        default={}, description="days on which more was accepted that a policy of one's own asks for, by name"
    )
    by: Line | None = Field(default=None, description="who accepted; without this key the person who receives")
    evidence: Line = Field(description="where the signed text is filed")


class Public(Part):
    """A repository that anybody can read."""

    gate: Literal["click_through", "none"] = Field(
        description="click_through: whoever downloads accepts X's four documents first; none: nothing is asked"
    )
    where: Line = Field(description="its name or address")


class Recipient(Part):
    """Who receives."""

    entity: Name = Field(description="the one organisation that the recipient belongs to, from entities")
    person: Line | None = Field(default=None, description="the person who receives")
    country: Country | None = Field(
        default=None, description="the country where it is received, two capital letters such as DE (ISO 3166)"
    )
    accepted: Accepted | None = Field(
        default=None, description="what was accepted and when: all or the four days, by, evidence"
    )
    internal: bool = Field(
        False, description="true or false: whether the recipient belongs to the institution that sends"
    )
    public: Public | None = Field(default=None, description="for a public repository: gate, where")


class Government(Part):
    """What a government entity must show."""

    approval: Paper = Field(description="the approval by X: reference, from, until")
    primary_mission: Literal["other", "surveillance", "intelligence"] = Field(
        description="what the entity is there for: other, surveillance or intelligence"
    )


class Entity(Part):
    """An organisation with all its recipients."""

    name: Line = Field(description="its full name")
    aliases: Annotated[tuple[Line, ...], Field()] = Field(default=(), description="other names that it is known by")
    government: Literal[False] | Government = Field(
        description="false, or what a government entity must show: approval, primary_mission"
    )
    permission: Permission | None = Field(
        default=None, description="written permission by X: reference, from, until, post_ids"
    )
