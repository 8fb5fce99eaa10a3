"""Settings -> plans: what workers are told of an output."""

from collections.abc import Mapping
from datetime import date, datetime, time, timezone
from pathlib import Path

from xsieve.pipelines import settings as st
from xsieve.transforms.records.plan import Enrichment, Plan, Where


def plans_of(settings: st.Settings) -> dict[str, Plan]:
    """The plan of each output, by its name. Raises PlanError and TableError."""
    catalogs = tuple((str(path), Path(path).read_text("utf-8")) for path in settings.catalogs or ())
    return {name: plan_of(output, settings, catalogs) for name, output in settings.outputs.items()}


def plan_of(output: st.Output, settings: st.Settings, catalogs: tuple[tuple[str, str], ...] = ()) -> Plan:
    """The plan of one output."""
    shared = {
        "where": _where(settings.where),
        "attested": settings.collection.access == "app_only",
        "catalogs": catalogs,
    }
    if isinstance(output, st.Rows):
        return Plan(
            "rows",
            text=output.text == "scrub",
            place=output.place,
            time=output.time,
            metrics=output.metrics,
            columns=tuple(output.columns) if output.columns else None,
            enrich=_enrichments(settings.enrich, output.enrich),
            **shared,
        )
    if isinstance(output, st.Ids):
        return Plan("ids", ids=output.ids, nested=output.nested, **shared)
    if isinstance(output, st.Hydrated):
        return Plan("hydrated", objects=output.objects, **shared)
    assert isinstance(output, st.Store)
    return Plan(
        "store", direct_messages=output.consent is not None, enrich=_enrichments(settings.enrich, None), **shared
    )


def _where(where: st.Where) -> Where:
    return Where(_seconds(where.from_), _seconds(where.to), tuple(where.lang or ()), where.reposts)


def _seconds(moment: date | datetime | None) -> int | None:
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(), timezone.utc)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp())


def _enrichments(declared: Mapping[str, st.Enrichment], chosen: tuple[str, ...] | None) -> tuple[Enrichment, ...]:
    """Labels about the content: those that were chosen, or all of them."""
    return tuple(
        Enrichment(name, added.path, tuple(added.values or ()))
        for name, added in declared.items()
        if added.about == "content" and (chosen is None or name in chosen)
    )
