"""The catalog: what each field of X's objects holds, and which class it is of.

Read from the flat tables in ``configs/fields`` (and from tables of one's own): object, field, type, class, why. Objects
refer to one another (``@v1.user``), so that a few hundred lines serve thousands of JSON paths. A field that no table
names is unknown, and unknown fields pass nowhere.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from xsieve.configs import Line, TableError, parse_table, table, tables

SCALARS = frozenset({"text", "int", "number", "bool"})
ANY_KEY = "*"


class Kind(NamedTuple):
    """What a field may hold: scalars, objects and lists, nested as JSON nests them."""

    scalars: frozenset[str] = frozenset()
    refs: tuple[str, ...] = ()
    item: "Kind | None" = None

    @property
    def leaf(self) -> "Kind":
        """What stands at the bottom: of all lists, and beside them where a value may be one object or a list."""
        return self.item.leaf if self.item and not self.refs else self


class Field(NamedTuple):
    """One line of a field table."""

    object: str
    name: str
    kind: Kind
    cls: str
    why: str
    where: str


class Catalog(NamedTuple):
    """All objects by name, each with its fields by JSON key; the classes of the actions table; a fingerprint."""

    objects: dict[str, dict[str, Field]]
    classes: frozenset[str]
    fingerprint: str

    def trail(self, root: str, path: str) -> list[Field]:
        """The fields along ``path`` (``user.entities.urls[].url``) from the object ``root``; empty if it leads to nothing."""
        names, found = [root], list[Field]()
        for step in path.split("."):
            key = step.split("[")[0].removesuffix("{}")
            fields = [field for name in names if (field := self._field(name, key))]
            if not fields:
                return []
            found.append(fields[0])
            names = [ref for field in fields for ref in field.kind.leaf.refs]
        return found

    def field_at(self, root: str, path: str) -> Field | None:
        """The field that gives the class of what lies at ``path``; None if it is unknown.

        A class other than ``part`` on a reference holds for everything below it.
        """
        trail = self.trail(root, path)
        return next((field for field in trail if field.cls != "part"), trail[-1] if trail else None)

    def with_fields(self, fields: Iterable[Field]) -> "Catalog":
        """This catalog and more fields (of enrichments), which may not replace any."""
        more = list(fields)
        if not more:
            return self  # as most are: a fingerprint would take longer than all else of a plan
        objects = {name: dict(known) for name, known in self.objects.items()}
        for field in more:
            objects.setdefault(field.object, {}).setdefault(field.name, field)
        return Catalog(objects, self.classes, _fingerprint(objects))

    def _field(self, name: str, key: str) -> Field | None:
        known = self.objects[name]
        return known.get(key) or known.get(ANY_KEY)


def load(extra: Iterable[str | Path] = ()) -> Catalog:
    """The packaged catalog, with the lines of one's own tables added. Raises TableError (file, line, what is wrong).

    One's own table may add fields and objects and may give a field a stricter class; it may not loosen one.
    """
    return load_texts(tuple((str(path), Path(path).read_text("utf-8")) for path in extra))


@cache
def load_texts(extra: tuple[tuple[str, str], ...]) -> Catalog:
    """As ``load``, the tables of one's own given as (name, text)."""
    actions = table("actions.tsv")
    classes = frozenset(line.cells["class"] for line in actions)
    objects: dict[str, dict[str, Field]] = {}
    for line in tables("fields"):
        _add(objects, _field(line, classes), line.where, own=False)
    for name, text in extra:
        for line in parse_table(text, name):
            _add(objects, _field(line, classes), line.where, own=True)
    _check_references(objects)
    return Catalog(objects, classes, _fingerprint(objects))


def _field(line: Line, classes: frozenset[str]) -> Field:
    cells, where = line
    missing = {"object", "field", "type", "class"} - cells.keys()
    if missing:
        raise TableError(f"{where}: the table lacks the column {', '.join(sorted(missing))}")
    if cells["class"] not in classes:
        raise TableError(f"{where}: there is no class of that name in actions.tsv")
    return Field(
        cells["object"], cells["field"], parse_kind(cells["type"], where), cells["class"], cells.get("why", ""), where
    )


def parse_kind(text: str, where: str = "") -> Kind:
    """The kind that a cell of the column ``type`` names: ``text``, ``int|text``, ``[@v1.url]``, ``@a|[@b]``."""
    scalars: set[str] = set()
    refs: list[str] = []
    item: Kind | None = None
    for part in text.split("|"):
        if part.startswith("[") and part.endswith("]") and item is None:
            item = parse_kind(part[1:-1], where)
        elif part.startswith("@"):
            refs.append(part[1:])
        elif part in SCALARS:
            scalars.add(part)
        else:
            raise TableError(f"{where}: a type is text, int, number, bool, @object or [type], joined by |")
    return Kind(frozenset(scalars), tuple(refs), item)


def _add(objects: dict[str, dict[str, Field]], field: Field, where: str, *, own: bool) -> None:
    fields = objects.setdefault(field.object, {})
    known = fields.get(field.name)
    if known and not own:
        raise TableError(f"{where}: this field is already in {known.where}")
    if known and known.cls != field.cls and _loosens(known.cls, field.cls):
        raise TableError(f"{where}: a table of one's own may not loosen the class given in {known.where}")
    fields[field.name] = field


@cache
def _passing() -> dict[str, frozenset[str]]:
    """What a class may do: the kinds of output that it passes to, and those that it passes to as it is."""
    return {
        line.cells["class"]: frozenset(
            what
            for kind in ("rows", "ids", "hydrated", "store")
            for what, passes in ((kind, line.cells[kind] != "drop"), (f"{kind} whole", line.cells[kind] == "keep"))
            if passes
        )
        for line in table("actions.tsv")
    }


def _loosens(known: str, new: str) -> bool:
    """Whether a class may do anything that the other may not, or may do nothing less."""
    return not _passing()[new] < _passing()[known]


def _check_references(objects: dict[str, dict[str, Field]]) -> None:
    for fields in objects.values():
        for field in fields.values():
            kind: Kind | None = field.kind
            while kind:
                for ref in kind.refs:
                    if ref not in objects:
                        raise TableError(f"{field.where}: no table has an object of that name")
                kind = kind.item


def _fingerprint(objects: dict[str, dict[str, Field]]) -> str:
    lines = sorted(f"{f.object}\t{f.name}\t{f.kind!r}\t{f.cls}" for fields in objects.values() for f in fields.values())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
