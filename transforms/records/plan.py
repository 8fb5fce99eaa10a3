"""The plan: what an output lets through. Frozen, small and picklable; the only thing that workers receive.

Workers compile it into decoders once (``sift.sieve_for``) and keep them by the plan's fingerprint.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from xsieve.configs import table
from xsieve.transforms.records.catalog import Catalog, Field, Kind, load_texts

LABEL_KIND = Kind(frozenset({"text", "int", "number", "bool"}), (), Kind(frozenset({"text"})))
POST_OBJECTS = ("v1.post", "v2.post", "activity.activity")


class PlanError(ValueError):
    """A plan that cannot be: says what is wrong, and where (an option, or a dotted path)."""


class Enrichment(NamedTuple):
    """A field that users added to the posts: its name as a column, where it lies, and the values it may have (empty: any)."""

    name: str
    path: str
    values: tuple[str | int | float | bool, ...] = ()


class Where(NamedTuple):
    """Which posts are wanted. Times in seconds since 1970 UTC, ``since`` inclusive and ``until`` exclusive."""

    since: int | None = None
    until: int | None = None
    lang: tuple[str, ...] = ()
    reposts: Literal["keep", "drop", "only"] = "keep"


ANYTHING = Where()


@dataclass(frozen=True)
class Plan:
    """What one output lets through.

    kind: ``rows`` (one flat row per public post), ``ids`` (distinct ids), ``hydrated`` (posts and users that are public for
    certain, to be handed on) or ``store`` (the payload, less what must not pass).
    rows: ``text`` adds the scrubbed text, ``place`` ("country" or "city") the place beside it, ``time`` ("hour", "day",
    "exact") and ``metrics`` ("rounded", "exact", "drop") say how fine they are, ``columns`` picks columns (default: all).
    ids: ``ids`` is "post", "user" or "dm"; ``nested`` adds the posts (or authors) that posts repeat and quote.
    hydrated: ``objects`` is "posts", "users" (authors too) or "both"; ``country`` is where it is received (DE): what is
    withheld there stays behind; where it is not known, what is withheld anywhere.
    store: ``direct_messages`` lets DMs through, for whoever has the consent of those who wrote them.
    all: ``where`` filters, ``enrich`` declares fields that users added, ``attested`` says that the data came by an app-only
    token, which sees public posts only; ``catalogs`` are (name, text) of field tables of one's own.
    """

    kind: Literal["rows", "ids", "hydrated", "store"]
    text: bool = False
    place: Literal["country", "city"] | None = None
    time: Literal["hour", "day", "exact"] = "hour"
    metrics: Literal["rounded", "exact", "drop"] = "rounded"
    columns: tuple[str, ...] | None = None
    ids: Literal["post", "user", "dm"] = "post"
    nested: bool = False
    objects: Literal["posts", "users", "both"] = "posts"
    country: str | None = None
    direct_messages: bool = False
    where: Where = ANYTHING
    enrich: tuple[Enrichment, ...] = ()
    attested: bool = False
    catalogs: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.place and not (self.kind == "rows" and self.text):
            raise PlanError("place: a place may pass only beside the text of its post (text: scrub)")
        if self.country is not None and not re.fullmatch("[A-Z]{2}", self.country):
            raise PlanError("country: a country is two capital letters (ISO 3166), such as DE")
        known = [line.cells["column"] for line in table("rows.tsv")]
        if unknown := sorted({*(self.columns or ())} - {*known}):
            raise PlanError(f"columns: there is no {', '.join(unknown)}; expected some of {', '.join(known)}")
        self.catalog()

    @cached_property
    def fingerprint(self) -> str:
        """The same for plans that let the same through."""
        return hashlib.sha256(f"{self!r}{self.catalog().fingerprint}".encode()).hexdigest()[:16]

    def catalog(self) -> Catalog:
        """The field tables of this plan, with the declared enrichments in every kind of post."""
        catalog = load_texts(self.catalogs)
        return catalog.with_fields(
            field for added in self.enrich for root in POST_OBJECTS for field in _enriched(catalog, root, added)
        )


def _enriched(catalog: Catalog, root: str, added: Enrichment) -> list[Field]:
    """The lines that put a declared field into the tables below ``root``: its objects, where X has none, and itself."""
    if catalog.trail(root, added.path):
        raise PlanError(f"enrich.{added.name}: {added.path} is one of X's own fields; what passes of those is fixed")
    *above, last = added.path.split(".")
    here, lines = root, list[Field]()
    for key in above:
        known = catalog.objects.get(here, {}).get(key)
        if known and known.kind.leaf.refs:
            here = known.kind.leaf.refs[0]
            continue
        if known:
            raise PlanError(f"enrich.{added.name}: {key} is one of X's own fields and holds no others")
        inner = f"{here}+{key}"
        lines.append(Field(here, key, Kind(refs=(inner,)), "part", "declared", "enrich"))
        here = inner
    lines.append(Field(here, last, LABEL_KIND, "label", "declared", "enrich"))
    return lines
