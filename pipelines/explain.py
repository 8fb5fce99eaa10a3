"""What a pipeline will do, in numbered English: for the people who must sign that the rules are kept.

What is said here is read from where it is decided: settings, the table of actions, the table of categories.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from xsieve.configs import table
from xsieve.pipelines.explain_outflow import declared, handed_out, listed
from xsieve.pipelines.explain_streams import flows, read_from, written_to
from xsieve.pipelines.settings import Hydrated, Ids, Rows, Settings, Store, ToKafka
from xsieve.transforms.records.catalog import Catalog

_ACCESS = {
    "app_only": "The data came by a bearer token, as collection.access declares, and so holds public posts "
    "only: posts that do not say who may see them count as public.",
    "user_context": "The data was collected with the eyes of an account, as collection.access declares: "
    "posts that do not say who may see them may be protected. They pass and are counted.",
    None: "How the data was collected is not declared: posts that do not say who may see them pass and are counted.",
}
_REPOSTS = {
    "keep": "Reposts pass like other posts.",
    "drop": "Reposts are dropped and counted.",
    "only": "Only reposts pass; other posts are dropped and counted.",
}
_ABOUT = {
    "content": "about the content of the post and may become a column of rows",
    "author": "about the author and never becomes a column of rows",
    "person": "about a person and never becomes a column of rows",
}
_UNSEEN = {
    "rows": "Posts of protected authors, of communities and for followers only give no row; nor do reposts "
    "of protected posts, posts withheld everywhere, and direct messages. A quote of a protected post gives a "
    "row without the quoted post. Posts withheld in some countries give a row.",
    "ids": "Posts of protected authors, of communities and for followers only give no id; nor do reposts of "
    "protected posts and posts withheld everywhere. A quote of a protected post gives its own id only. Posts "
    "withheld in some countries give their id.",
    "hydrated": "Only what is public for certain is handed over. Posts of protected authors, of communities and for "
    "followers only stay behind; so do posts that do not say who may see them, unless collection.access is app_only, "
    "reposts of protected posts, posts withheld everywhere or in the country of the recipient, and direct messages. A "
    "quote of a protected post is handed over without the quoted post. For recipients without a country, posts withheld "
    "anywhere stay behind.",
    "store": "Posts of protected authors, of communities and for followers only are dropped; so are reposts "
    "of protected posts and posts withheld everywhere. A quote of a protected post is kept without the "
    "quoted post and its link. Protected posts and users beside a page are removed, references to them cut. "
    "Posts withheld in some countries are kept.",
}
_TIMES = {
    "hour": "cut to the hour",
    "day": "cut to the day",
    "exact": "kept exactly, and so leads back to the post",
}
_METRICS = {"rounded": "rounded to two significant digits", "exact": "kept exactly", "drop": "dropped"}
_PLACES = {
    "country": "The country is kept beside the text",
    "city": "The country and the city are kept beside the text",
    None: "No place is kept",
}
_IDS = {"post": "posts", "user": "authors of posts", "dm": "direct messages"}
_OBJECTS = {"posts": "posts", "users": "users", "both": "posts and users"}
_SPLITS = {
    "none": "All ids stand together.",
    "utc_day": "Ids are split by the UTC day that each id tells.",
    "utc_hour": "Ids are split by the UTC hour that each id tells.",
}
_VERBS = {"keep": "Keeps", "coarsen": "Coarsens", "scrub": "Scrubs", "count": "Counts", "drop": "Drops"}


def explain(settings: Settings, catalog: Catalog | None = None, now: datetime | None = None) -> list[str]:
    """Numbered sentences on what is read, dropped, coarsened, scrubbed, kept and counted, with the clauses.

    With the compiled catalog they also tell how many fields are known. Values that came from variables of the
    environment are shown as they are written, ``${NAME}``. What is permitted is what is at ``now``.
    """
    sentences = [*_incoming(settings, catalog), *_everywhere(settings)]
    for name, output in settings.outputs.items():
        sentences += (f"{name}: {sentence}" for sentence in _outgoing(settings, output))
        if isinstance(output, Ids | Hydrated):
            handed = handed_out(settings, name, output, now or datetime.now(timezone.utc))
            sentences += (f"{name}: {sentence}" for sentence in handed)
    sentences += (*declared(settings), *_account(settings), *_reasons())
    return [f"{number}. {sentence}" for number, sentence in enumerate(sentences, start=1)]


def actions_of(output: Rows | Ids | Hydrated | Store) -> dict[str, str]:
    """class -> action: the table of actions for the kind of output, narrowed by the choices of this one."""
    actions = {line.cells["class"]: line.cells[output.kind] for line in table("actions.tsv")}
    if isinstance(output, Rows):
        actions["text"] = actions["text"] if output.text else "drop"
        actions["place"] = actions["place"] if output.place else "drop"
        actions["time"] = "keep" if output.time == "exact" else actions["time"]
        actions["metric"] = {"exact": "keep", "drop": "drop"}.get(output.metrics, actions["metric"])
    elif isinstance(output, Ids):
        actions.update({f"{other}_id": "drop" for other in _IDS if other != output.ids})
    elif isinstance(output, Store) and output.consent:
        actions.update(message="keep", dm_id="keep")
    return actions


# --- what comes in


def _incoming(settings: Settings, catalog: Catalog | None) -> Iterator[str]:
    show, where = settings.as_written, settings.where
    yield f"Applies the profile {settings.profile.name}: {settings.profile.title}."
    yield from read_from(settings)
    yield _ACCESS[settings.collection.access]
    fields = sum(map(len, catalog.objects.values())) if catalog else 0
    known = f" The tables name {fields:,} fields." if fields else ""
    own = f" Tables of one's own are among them: {listed(map(show, settings.catalogs))}." if settings.catalogs else ""
    yield f"Drops every field that no table of fields names, wherever it stands.{known}{own}"
    if where.from_ or where.to or where.lang:
        bounds = _bounds(where.from_, where.to, where.lang)
        yield f"Lets through posts {bounds}; the others are dropped and counted."
    yield _REPOSTS[where.reposts]


def _bounds(start: datetime | None, end: datetime | None, languages: Sequence[str] | None) -> str:
    bounds = (
        start and f"made at or after {start:%Y-%m-%d %H:%M:%S} UTC",
        end and f"made before {end:%Y-%m-%d %H:%M:%S} UTC",
        languages and f"in a language marked {listed(languages, 'or')}",
    )
    return listed(filter(None, bounds))


def _everywhere(settings: Settings) -> Iterator[str]:
    """What holds for every output."""
    sections: dict[str, list[str]] = {}
    for line in table("vocabulary/categories.tsv"):
        sections.setdefault(line.cells["clause"].partition(":")[0], []).append(line.cells["item"])
    closed = "; ".join(f"{listed(items)} (clause: {section})" for section, items in sections.items())
    yield (
        "Drops from every output whatever was derived or inferred about people, whatever its value says: "
        f"{closed}. What people say themselves in a text is content, not inference."
    )
    show = settings.as_written
    for name, field in settings.enrich.items():
        labels = listed(show(str(label)) for label in field.values or ())
        kept = f" Its labels are {labels}; others are dropped and counted." if labels else ""
        yield f"Reads the enrichment {name} from {show(field.path)}; it is {_ABOUT[field.about]}.{kept}"
    others = "Other fields" if settings.enrich else "Fields"
    yield f"{others} that were added to X's own are not declared, and are dropped."


# --- what goes out


def _outgoing(settings: Settings, output: Rows | Ids | Hydrated | Store) -> Iterator[str]:
    if isinstance(output, Rows):
        yield from _rows(settings, output)
    elif isinstance(output, Ids):
        yield from _ids(settings, output)
    elif isinstance(output, Hydrated):
        yield from _hydrated(settings, output)
    else:
        yield from _store(settings, output)
    yield from flows(settings, output)
    if output.description:
        yield f"It is described as: {settings.as_written(output.description)}"
    yield _UNSEEN[output.kind]
    classes: dict[str, list[str]] = {}
    for name, action in actions_of(output).items():
        if name != "part":
            classes.setdefault(action, []).append(_spoken(name))
    yield from (f"{verb} {listed(classes[action])}." for action, verb in _VERBS.items() if action in classes)


def _rows(settings: Settings, rows: Rows) -> Iterator[str]:
    yield (
        f"Writes one flat row for each public post {written_to(settings, rows)}. "
        "Rows are stripped, still X content, in-house: they are unique too often to be called anonymous."
    )
    if rows.text:
        yield (
            "Replaces handles, links, e-mail addresses, phone numbers and long numbers in the text by fixed "
            "marks. Names in free text stay: only patterns are found."
        )
    yield f"The time is {_TIMES[rows.time]}; counts of reposts, likes and so on are {_METRICS[rows.metrics]}."
    yield f"{_PLACES[rows.place]}."
    yield f"The columns are {listed(rows.columns)}." if rows.columns else "All columns of rows are written."
    content = [name for name, field in settings.enrich.items() if field.about == "content"]
    carried = listed(content if rows.enrich is None else rows.enrich)
    yield f"Enrichments become columns: {carried}." if carried else "No enrichment becomes a column."


def _ids(settings: Settings, ids: Ids) -> Iterator[str]:
    how = "as they come" if isinstance(ids.write, ToKafka) else "one a line, each once"
    yield (
        f"Writes the ids of {_IDS[ids.ids]} {written_to(settings, ids)}, as decimal numbers, {how}. "
        "They are still X content."
    )
    inside = "Posts inside other posts count too." if ids.nested else "Posts inside other posts do not count."
    yield f"{_SPLITS[ids.split]} {inside}"


def _hydrated(settings: Settings, hydrated: Hydrated) -> Iterator[str]:
    private = (
        ", which is declared to lie in a private repository if in any" if hydrated.write.private_repository else ""
    )
    yield (
        f"Writes public {_OBJECTS[hydrated.objects]} as {hydrated.as_} {written_to(settings, hydrated)}{private}. They are X content and identify "
        "people."
    )
    if hydrated.sample:
        yield f"Of these a sample of {hydrated.sample.n:,} is drawn by chance, by the seed {hydrated.sample.seed}."


def _store(settings: Settings, store: Store) -> Iterator[str]:
    yield (
        f"Writes payloads in their own shape and names {written_to(settings, store)}, less what must not pass. "
        "They are X content, identify people, and stay in-house."
    )
    if store.consent:
        reference = settings.as_written(store.consent.direct_messages)
        yield f"Keeps direct messages, by consent of both sides: {reference}."
    else:
        yield "Drops direct messages, for no consent is declared."


# --- what is accounted for, and why


def _account(settings: Settings) -> Iterator[str]:
    where = f"listed in {settings.as_written(settings.rejects)}" if settings.rejects else "not listed"
    yield (
        f"Payloads that cannot be handled are rejected, counted by reason, and {where}, never with content. "
        f"The run counts as failed if more than {settings.max_rejects:.10g} of the payloads are rejected."
    )
    yield "Every record read is accounted for, for each output: released, dropped or rejected, by reason."


def _reasons() -> Iterator[str]:
    """What each class is and why it is treated so, once for all outputs."""
    for line in table("actions.tsv"):
        name, meaning, why = (line.cells[column] for column in ("class", "meaning", "why"))
        if name != "part":
            yield f'By "{_spoken(name)}" is meant: {meaning}. The reason: {why}.'


def _spoken(name: str) -> str:
    return name.replace("_", " ")
