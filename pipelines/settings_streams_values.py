"""The kinds of values that stand in settings of streams: spans of time, options of libraries, names of topics and tables."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from xsieve.pipelines.settings_errors import wrong
from xsieve.pipelines.settings_secrets import Secret
from xsieve.pipelines.settings_values import Text, moment, several

_DAY = timedelta(days=1)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise wrong("is no duration; expected a number with its unit, such as 30s, 15m, 2h or 1d")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def _of_a_day(every: timedelta) -> timedelta:
    if every and every <= _DAY and not _DAY % every:
        return every
    raise wrong(
        "is no whole fraction of a day, by which windows begin at 00:00 UTC; expected such as 15m, 1h, 6h or 1d"
    )


def _start(value: object) -> object:
    if isinstance(value, str) and value in ("earliest", "latest", "committed"):
        return value
    return moment(value, "is no place to start at; expected earliest, latest, committed, or a time in UTC")


def _option(value: object) -> object:
    if isinstance(value, str | bool | int | float | Secret):
        return value
    raise wrong("is no value of an option; expected text, a number, true or false")


Duration = Annotated[
    timedelta, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,6}[smhd]$"})
]
Every = Annotated[Duration, AfterValidator(_of_a_day)]
Start = Annotated[
    Literal["earliest", "latest", "committed"] | datetime,
    BeforeValidator(_start),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["earliest", "latest", "committed"]},
                {"type": "string", "format": "date"},
                {"type": "string", "format": "date-time"},
            ]
        }
    ),
]
Options = Mapping[
    Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9._-]{0,127}$")],
    Annotated[
        str | bool | int | float | Secret,
        BeforeValidator(_option),
        WithJsonSchema({"type": ["string", "number", "boolean"]}),
    ],
]
Topic = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Topics = Annotated[tuple[Topic, ...], BeforeValidator(several), Field(min_length=1)]
Address = Annotated[str, StringConstraints(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$")]
ColumnOf = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,299}$")]
# as Beam reads them; a part of a table ($20260101) is none that rows can be said to be in
_PROJECT = r"([a-z0-9.-]+:)?[a-z][a-z0-9-]*[a-z0-9]"
_NAMED = r"[A-Za-z][A-Za-z0-9._~+%-]{2,254}$"
Table = Annotated[
    str, StringConstraints(pattern=rf"^({_PROJECT}[:.])?[A-Za-z0-9_]{{1,1024}}\.[A-Za-z0-9_-]{{1,1024}}$")
]
Subscription = Annotated[str, StringConstraints(pattern=rf"^projects/{_PROJECT}/subscriptions/{_NAMED}")]
PubSubTopic = Annotated[str, StringConstraints(pattern=rf"^projects/{_PROJECT}/topics/{_NAMED}")]
Bucket = Annotated[str, StringConstraints(pattern=r"^gs://[^/\s]+(/\S*)?$")]
Columns = Annotated[tuple[Text, ...], BeforeValidator(several), Field(min_length=1)]
