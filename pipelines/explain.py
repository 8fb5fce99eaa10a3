"""What a pipeline will do, in numbered English: for the people who must sign that the rules are kept.

Everything said here is read from where it is decided: the settings, the table of actions, the table of categories.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from xsieve.configs import table
from xsieve.pipelines.settings import Ids, Rows, Settings, Store
from xsieve.transforms.records.catalog import Catalog

_POLICIES = {
    "base-2024": 'X\'s page "More on restricted use cases" (developer terms, 2024-03-26)',
    "policy-2026": "X's Developer Policy as published in 2026, which is stricter where X's own pages contradict each other",
}
_ACCESS = {
    "app_only": "The data came by a bearer token, as collection.access declares, and so shows public posts only: "
    "posts that do not say whether they are public count as public.",
    "user_context": "The data was collected with the eyes of an account, as collection.access declares: posts that do "
    "not say whether they are public may be protected. They pass and are counted.",
    None: "How the data was collected is not declared: posts that do not say whether they are public pass and are counted.",
}
_REPOSTS = {
    "keep": "Reposts pass like other posts.",
    "drop": "Reposts are dropped and counted.",
    "only": "Only reposts pass; other posts are dropped and counted.",
}
_ABOUT = {
    "content": "about the content of the post, so it may become a column of rows",
    "author": "about the author, so rows never carry it",
    "person": "about a person, so rows never carry it",
}
_UNSEEN = {
    "rows": "Posts of protected authors, of communities and for followers only give no row; nor do reposts of protected "
    "posts, posts withheld everywhere, and direct messages. A quote of a protected post gives a row without the quoted "
    "post. Posts withheld in some countries give a row.",
    "ids": "Posts of protected authors, of communities and for followers only give no id; nor do reposts of protected "
    "posts and posts withheld everywhere. A quote of a protected post gives its own id only. Posts withheld in some "
    "countries give their id.",
    "store": "Posts of protected authors, of communities and for followers only are dropped; so are reposts of protected "
    "posts and posts withheld everywhere. A quote of a protected post is kept without the quoted post and its link; "
    "protected posts and users beside a page are removed, and references to them cut. Posts withheld in some countries "
    "are kept.",
}
_IDS = {"post": "posts", "user": "authors of posts", "dm": "direct messages"}
_ID_CLASSES = {"post": "post_id", "user": "user_id", "dm": "dm_id"}
_SPLITS = {
    "none": "All ids are in one set of files.",
    "utc_day": "Ids are split by the UTC day that each id tells.",
    "utc_hour": "Ids are split by the UTC hour that each id tells.",
}
_VERBS = {"keep": "Keeps", "coarsen": "Coarsens", "scrub": "Scrubs", "count": "Counts", "drop": "Drops"}


def explain(settings: Settings, catalog: Catalog | None = None) -> list[str]:
    """Numbered sentences on what is read, dropped, coarsened, scrubbed, kept and counted, with the clauses behind it.

    With the compiled catalog the sentences also tell how many fields are known. Values that variables of the
    environment filled in are shown as they are written, ``${NAME}``.
    """
    sentences = [*_incoming(settings, catalog), *_everywhere(settings)]
    for name, output in settings.outputs.items():
        sentences += (f"{name}: {sentence}" for sentence in _output(settings, output))
    sentences += (*_reasons(), *_account(settings))
    return [f"{number}. {sentence}" for number, sentence in enumerate(sentences, start=1)]


# --- what comes in


def _incoming(settings: Settings, catalog: Catalog | None) -> Iterator[str]:
    show, source, where = settings.as_written, settings.input, settings.where
    yield f"Applies the profile {settings.policy}: {_POLICIES[settings.policy]}."
    but = f", but not {_listed(map(show, source.exclude))}" if source.exclude else ""
    yield f"Reads {source.read}: {_listed(map(show, source.path))}{but}. Relative paths start at the working directory."
    yield _ACCESS[settings.collection.access]
    known = f" The tables know {sum(map(len, catalog.objects.values())):,} fields." if catalog else ""
    own = (
        f" Tables of one's own are added: {_listed(map(show, settings.catalogs))}."
        if settings.catalogs
        else ""
    )
    yield f"Drops every field that no table of fields names, wherever it stands.{known}{own}"
    if where.from_ or where.to or where.lang:
        yield f"Lets through posts {_bounds(where.from_, where.to, where.lang)}; the rest is dropped and counted."
    yield _REPOSTS[where.reposts]


def _bounds(start: datetime | None, end: datetime | None, languages: Sequence[str] | None) -> str:
    bounds = [
        f"made at or after {start:%Y-%m-%d %H:%M:%S} UTC" if start else "",
        f"made before {end:%Y-%m-%d %H:%M:%S} UTC" if end else "",
        f"in a language marked {_listed(languages, 'or')}" if languages else "",
    ]
    return _listed(filter(None, bounds))


def _everywhere(settings: Settings) -> Iterator[str]:
    """What holds for every output."""
    groups: dict[tuple[str, str], list[str]] = {}
    for line in table("vocabulary/categories.tsv"):
        groups.setdefault((line.cells["category"], line.cells["clause"]), []).append(line.cells["item"])
    categories = "; ".join(f"{name}: {_listed(items)} ({clause})" for (name, clause), items in groups.items())
    yield (
        "Drops from every output whatever was derived or inferred about people in the sensitive categories, "
        f"whatever its value says: {categories}. What people say themselves in a text is content, not inference."
    )
    for name, field in settings.enrich.items():
        labels = ""
        if field.values:
            labels = f" Its labels are {_listed(settings.as_written(str(label)) for label in field.values)}; others are dropped and counted."
        yield f"Reads the enrichment {name} from {settings.as_written(field.path)}; it is {_ABOUT[field.about]}.{labels}"
    yield (
        "Other fields" if settings.enrich else "Fields"
    ) + " that were added to X's own are not declared and are dropped."


# --- what goes out


def _output(settings: Settings, output: Rows | Ids | Store) -> Iterator[str]:
    show = settings.as_written
    if isinstance(output, Rows):
        yield from _rows(settings, output)
    elif isinstance(output, Ids):
        yield (
            f"Writes the ids of {_IDS[output.ids]} to {show(output.write.path)}, as decimal numbers, one a line, each "
            "once. They are still X content, and for in-house use only."
        )
        yield _SPLITS[output.split] + (" Posts inside other posts count too." if output.nested else "")
    else:
        yield (
            f"Writes payloads in their own shape and names to {show(output.write.path)}, {_format(output)}, less what "
            "must not pass. They are X content, identify people, and are for one's own storage only."
        )
        consent = output.consent and show(output.consent.direct_messages)
        yield (
            f"Direct messages are kept, by consent: {consent}." if consent else "Direct messages are dropped."
        )
    if output.description:
        yield f"It is described as: {show(output.description)}"
    yield _UNSEEN[output.kind]
    by_action: dict[str, list[str]] = {}
    for cls, action in actions_of(output).items():
        if cls != "part":
            by_action.setdefault(action, []).append(cls.replace("_", " "))
    for action, verb in _VERBS.items():
        if action in by_action:
            yield f"{verb} {_listed(by_action[action])}."


def _rows(settings: Settings, rows: Rows) -> Iterator[str]:
    yield (
        f"Writes one flat row for each public post to {settings.as_written(rows.write.path)}, {_format(rows)}. Rows are "
        "stripped, still X content, and for in-house use only: they are unique too often to be called anonymous."
    )
    if rows.text:
        yield (
            "Replaces handles, links, e-mail addresses, phone numbers and long numbers in the text by fixed marks. "
            "Names in the free text stay: only patterns are found."
        )
    precise = {
        "hour": "cut to the hour",
        "day": "cut to the day",
        "exact": "kept exactly, and so leads back to the post",
    }
    counts = {"rounded": "rounded to two significant digits", "exact": "kept exactly", "drop": "dropped"}
    place = (
        f"The {'country and city' if rows.place == 'city' else 'country'} is kept beside the text"
        if rows.place
        else "No place is kept"
    )
    yield f"The time is {precise[rows.time]}; counts of reposts, likes and so on are {counts[rows.metrics]}. {place}."
    yield f"The columns are {_listed(rows.columns)}." if rows.columns else "All columns of rows are written."
    content = [name for name, field in settings.enrich.items() if field.about == "content"]
    carried = content if rows.enrich is None else rows.enrich
    yield f"Enrichments become columns: {_listed(carried)}." if carried else "No enrichment becomes a column."


def _format(output: Rows | Store) -> str:
    packed = "" if output.write.compression == "none" else f", compressed with {output.write.compression}"
    return f"as {output.write.format}{packed}"


def actions_of(output: Rows | Ids | Store) -> dict[str, str]:
    """class -> action: what the table of actions says for the kind of output, as the choices of this output narrow it."""
    actions = {line.cells["class"]: line.cells[output.kind] for line in table("actions.tsv")}
    if isinstance(output, Rows):
        chosen = {
            "text": actions["text"] if output.text else "drop",
            "place": actions["place"] if output.place else "drop",
            "time": "keep" if output.time == "exact" else actions["time"],
            "metric": {"exact": "keep", "drop": "drop"}.get(output.metrics, actions["metric"]),
        }
    elif isinstance(output, Ids):
        chosen = {cls: "drop" for kind, cls in _ID_CLASSES.items() if kind != output.ids}
    else:
        chosen = {"message": "keep", "dm_id": "keep"} if output.consent else {}
    return {**actions, **chosen}


# --- why, and what is accounted for


def _reasons() -> Iterator[str]:
    """What each class is and why it is treated so, once for all outputs."""
    for line in table("actions.tsv"):
        cells = line.cells
        if cells["why"] and cells["class"] != "part":
            yield f"{cells['class'].replace('_', ' ').capitalize()} is: {cells['meaning']}. The reason: {cells['why']}."


def _account(settings: Settings) -> Iterator[str]:
    where = f"listed in {settings.as_written(settings.rejects)}" if settings.rejects else "not listed"
    yield (
        f"Payloads that cannot be handled are rejected, counted by reason, and {where}, never with their content. "
        f"The run counts as failed if more than {settings.max_rejects:.10g} of the payloads are rejected."
    )
    yield "In the end every record read is accounted for, for each output: released, dropped or rejected, by reason."


def _listed(items: Iterable[object], word: str = "and") -> str:
    *most, last = map(str, items)
    return f"{', '.join(most)} {word} {last}" if most else last
