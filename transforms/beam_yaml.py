"""The verbs for Beam YAML: rows with a line of JSON in, rows of plain types out. ``configs/beam_yaml/providers.yaml`` lists them.

Beam's own error rows hold the record that failed and a traceback. Those of the sieve, which ``error_handling`` asks for as
everywhere in Beam YAML, say why a payload could not be handled and of which shape it was, and hold nothing of it.

Fields that users added (``enrich``) are not offered here: what they may hold is judged with the settings of a pipeline.
"""

# ruff: noqa: UP045 Beam reads typing.Optional only
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Literal, Optional, get_args, get_origin, get_type_hints

import apache_beam as beam

from xsieve.transforms import beam_yaml_rows as rows
from xsieve.transforms import verbs
from xsieve.transforms.outflow import CountOutflow
from xsieve.transforms.records.plan import Plan, PlanError, Where
from xsieve.transforms.records.sieves import sieve_for

Words = Optional[Mapping[str, Any]]
Texts = Optional[Sequence[str]]


# --- what Beam YAML calls


def strip_identifiers(
    text: Optional[str] = None,
    place: Optional[str] = None,
    time: str = "hour",
    metrics: str = "rounded",
    columns: Texts = None,
    where: Words = None,
    access: Optional[str] = None,
    field: Optional[str] = None,
    error_handling: Words = None,
) -> beam.PTransform:
    """Posts as flat rows without user ids, handles, names, post ids, links, exact times and places.

    Args:
        text: scrub adds the text, with handles, links, addresses and long numbers replaced.
        place: country or city, beside the text.
        time: hour, day or exact.
        metrics: rounded (to two significant digits), exact or drop.
        columns: the columns to give; all of them by default.
        where: which posts go on: from, to (dates in quotes), lang (a list), reposts (keep, drop or only).
        access: app_only says that the data came by a bearer token, which sees public posts only.
        field: the field that holds JSON, where a row has several.
        error_handling: where payloads go that could not be handled, without their content: output.
    """
    scrubbed = text is not None and _one_of("text", text, {"scrub": True})
    plan = plan_of("rows", where, access, text=scrubbed, place=place, time=time, metrics=metrics, columns=columns)
    return rows.OnRows(verbs.StripIdentifiers(plan), rows.columns(plan), field, _errors(error_handling))


def dehydrate(
    ids: str = "post",
    nested: bool = False,
    distinct: bool = True,
    where: Words = None,
    access: Optional[str] = None,
    field: Optional[str] = None,
    error_handling: Words = None,
) -> beam.PTransform:
    """Ids, as decimal text in a field ``id``.

    Args:
        ids: of posts (post), of their authors and of users (user), or of direct messages (dm).
        nested: also of what posts repeat and quote.
        distinct: false gives repeats too.
        where: which posts go on: from, to (dates in quotes), lang (a list), reposts (keep, drop or only).
        access: app_only says that the data came by a bearer token, which sees public posts only.
        field: the field that holds JSON, where a row has several.
        error_handling: where payloads go that could not be handled, without their content: output.
    """
    plan = plan_of("ids", where, access, ids=ids, nested=nested)
    return rows.OnRows(verbs.Dehydrate(plan, distinct=distinct), rows.ids, field, _errors(error_handling))


def keep_public(
    objects: str = "posts",
    country: Optional[str] = None,
    where: Words = None,
    access: Optional[str] = None,
    field: Optional[str] = None,
    error_handling: Words = None,
) -> beam.PTransform:
    """Posts and users that are public for certain, as JSON in the field they came in, to be handed on by a person.

    Args:
        objects: posts, users or both.
        country: where they are received, such as DE; what is withheld there stays behind.
        where: which posts go on: from, to (dates in quotes), lang (a list), reposts (keep, drop or only).
        access: app_only says that the data came by a bearer token, which sees public posts only.
        field: the field that holds JSON, where a row has several.
        error_handling: where payloads go that could not be handled, without their content: output.
    """
    plan = plan_of("hydrated", where, access, objects=objects, country=country)
    return rows.OnRows(verbs.KeepPublic(plan), rows.lines, field, _errors(error_handling))


def drop_sensitive(
    consent: Words = None,
    where: Words = None,
    access: Optional[str] = None,
    field: Optional[str] = None,
    error_handling: Words = None,
) -> beam.PTransform:
    """The payloads in their own shape, less what must not be stored, as JSON in the field they came in.

    Args:
        consent: direct_messages, a reference to the consent of both sides, lets direct messages pass.
        where: which posts go on: from, to (dates in quotes), lang (a list), reposts (keep, drop or only).
        access: app_only says that the data came by a bearer token, which sees public posts only.
        field: the field that holds JSON, where a row has several.
        error_handling: where payloads go that could not be handled, without their content: output.
    """
    given = _known("consent", consent, ("direct_messages",))
    plan = plan_of("store", where, access, direct_messages=bool(given.get("direct_messages")))
    return rows.OnRows(verbs.DropSensitive(plan), rows.lines, field, _errors(error_handling))


def count_outflow(
    kind: str,
    folder: str,
    release: str,
    recipients: Texts = None,
    ids: str = "post",
    nested: bool = False,
    objects: str = "posts",
    country: Optional[str] = None,
    where: Words = None,
    access: Optional[str] = None,
    field: Optional[str] = None,
    error_handling: Words = None,
) -> beam.PTransform:
    """How many objects a release holds, each once: a row for each recipient, with unit, release, units and digest.

    Args:
        kind: ids or hydrated, with the same choices as Dehydrate or KeepPublic that makes the release.
        folder: one that all workers reach; what is written there may be removed afterwards.
        release: the name of the release.
        recipients: who gets it; without any, the count is of what stays in-house.
        ids: post, user or dm.
        nested: also what posts repeat and quote.
        objects: posts, users or both.
        country: where they are received, such as DE.
        where: which posts go on: from, to (dates in quotes), lang (a list), reposts (keep, drop or only).
        access: app_only says that the data came by a bearer token, which sees public posts only.
        field: the field that holds JSON, where a row has several.
        error_handling: where payloads go that could not be handled, without their content: output.
    """
    choices = {"ids": {"ids": ids, "nested": nested}, "hydrated": {"objects": objects, "country": country}}
    plan = plan_of(kind, where, access, **_one_of("kind", kind, choices))
    count = rows.Count(CountOutflow(plan, folder, release=release, recipients=tuple(recipients or ("",))))
    return rows.OnRows(count, rows.counted, field, _errors(error_handling))


# --- the plan


def plan_of(kind: str, where: Words, access: Optional[str], **choices: Any) -> Plan:
    """The plan of choices as YAML gives them. Raises PlanError for any that is not one of those there are."""
    attested = access is not None and _one_of("access", access, {"app_only": True, "user_context": False})
    found = {name: tuple(value) if isinstance(value, list | tuple) else value for name, value in choices.items()}
    plan = Plan(kind, where=_where(where), attested=attested, **found)  # pyright: ignore[reportArgumentType]
    _check_choices(plan)
    sieve_for(plan)
    return plan


def _check_choices(choices: Plan | Where) -> None:
    """What has a closed list of values has one of them, and a flag is true or false."""
    for name, hint in get_type_hints(type(choices)).items():
        options = [part for part in (hint, *get_args(hint)) if get_origin(part) is Literal]
        value = getattr(choices, name)
        if options and value is not None and value not in get_args(options[0]):
            raise PlanError(f"{name}: expected one of {', '.join(get_args(options[0]))}")
        if hint is bool and not isinstance(value, bool):
            raise PlanError(f"{name}: expected true or false")


def _where(given: Words) -> Where:
    found = _known("where", given, ("from", "to", "lang", "reposts"))
    languages = found.get("lang", ())
    where = Where(
        _second("where.from", found.get("from")),
        _second("where.to", found.get("to")),
        (languages,) if isinstance(languages, str) else tuple(languages),
        found.get("reposts", "keep"),
    )
    _check_choices(where)
    return where


def _second(name: str, moment: Any) -> int | None:
    """Seconds since 1970; UTC unless the text says otherwise. Beam YAML itself refuses dates without quotes."""
    if moment is None:
        return None
    try:
        found = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    except (AttributeError, ValueError):
        raise PlanError(f"{name}: expected a date or a time in UTC such as '2020-01-31T12:00:00Z'") from None
    return int((found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp())


def _errors(given: Words) -> str | None:
    """The name of the output of errors, if one is asked for."""
    name = _known("error_handling", given, ("output",)).get("output")
    if name == rows.GOOD:
        raise PlanError(f"error_handling: {name} is what passes; expected another name")
    return name


def _known(name: str, given: Words, keys: Sequence[str]) -> dict[str, Any]:
    """The entries of an option, less the marks that Beam YAML leaves in them."""
    found = {key: value for key, value in (given or {}).items() if not key.startswith("__")}
    if unknown := sorted({*found} - {*keys}):
        raise PlanError(f"{name}: there is no {', '.join(unknown)}; expected {', '.join(keys)}")
    return found


def _one_of(name: str, value: str, options: Mapping[str, Any]) -> Any:
    if value not in options:
        raise PlanError(f"{name}: expected one of {', '.join(options)}")
    return options[value]
