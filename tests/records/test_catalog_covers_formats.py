"""The catalogs name every field that recorded payloads and X's own descriptions hold, with types that fit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from xsieve.configs import resource, table
from xsieve.transforms.records import actions
from xsieve.transforms.records.catalog import ANY_KEY, Catalog, Field, Kind, load

FORMATS = Path(__file__).parents[3] / "shared" / "formats"

# Which objects a family of recorded payloads starts from. A family that mixes answers has several.
ROOTS = {
    "aaa_event": ("aaa.event",),
    "gnip_activity": ("activity.activity",),
    "gnip_native": ("v1.post",),
    "v1_dm_event": ("v1.dm_event",),
    "v1_dm_legacy": ("v1.dm_legacy",),
    "v1_envelope_meta": ("v1.cursor", "v1.search_answer", "v1.dm_answer"),
    "v1_ids": ("v1.ids_page",),
    "v1_list": ("v1.list",),
    "v1_place": ("v1.place", "v1.geo_answer"),
    "v1_relationship": ("v1.relationship_answer",),
    "v1_stream_message": ("v1.stream_message",),
    "v1_tweet": ("v1.post",),
    "v1_user": ("v1.user",),
    "v1_user_stream_event": ("v1.user_stream_event",),
    "v2_bare_tweet": ("v2.post",),
    "v2_batch_compliance": ("v2.batch_compliance",),
    "v2_envelope_compliance_job": ("v2.job_page",),
    "v2_envelope_counts": ("v2.counts_page",),
    "v2_envelope_dm": ("v2.dm_page",),
    "v2_envelope_errors": ("v2.errors_page",),
    "v2_envelope_list": ("v2.list_page",),
    "v2_envelope_other": ("v2.answer",),
    "v2_envelope_rules": ("v2.rules_page",),
    "v2_envelope_space": ("v2.space_page",),
    "v2_envelope_tweet": ("v2.page",),
    "v2_envelope_user": ("v2.user_page",),
    "v2_flat_tweet": ("v2.post",),
    "v2_includes": ("v2.includes",),
    "xaa_activity_event": ("xaa.event",),
}
# Schemas of X's OpenAPI descriptions, and the object that must know all of their properties.
SCHEMAS = {
    "Tweet": "v2.post",
    "Post": "v2.post",
    "User": "v2.user",
    "Media": "v2.media",
    "Photo": "v2.media",
    "Video": "v2.media",
    "AnimatedGif": "v2.media",
    "Place": "v2.place",
    "Poll": "v2.poll",
    "Space": "v2.space",
    "List": "v2.list",
    "News": "v2.list",
    "Community": "v2.list",
    "Topic": "v2.topic",
    "DmEvent": "v2.dm_event",
    "Expansions": "v2.includes",
    "ComplianceJob": "v2.job",
    "SearchCount": "v2.count",
    "Rule": "v2.rule",
    "TweetComplianceData": "v2.compliance_data",
    "PostComplianceData": "v2.compliance_data",
    "UserComplianceData": "v2.compliance_data",
    "LikeComplianceSchema": "v2.compliance_data",
    "TweetLabelData": "v2.compliance_data",
    "Problem": "v2.error",
}
NEVER_UNKNOWN = {
    "v1_tweet",
    "v1_user",
    "v2_bare_tweet",
    "v2_envelope_tweet",
    "v2_envelope_user",
    "v2_flat_tweet",
    "v2_includes",
    "gnip_native",
}
# friends/ids with stringify_ids=true: a list holds one type in the catalog, and ids_page passes nowhere
MISTYPED = {("v1_ids", "ids[]", "str")}
FITS = {
    "int": {"int", "number"},
    "float": {"number"},
    "str": {"text"},
    "bool": {"bool"},
    "integer": {"int", "number"},
    "number": {"number"},
    "string": {"text"},
    "boolean": {"bool"},
}

needs_formats = pytest.mark.skipif(not FORMATS.is_dir(), reason="the recorded formats are not here")


class Seen(NamedTuple):
    """One path of a family of payloads: ``user.entities.urls[].url``, and the JSON types met at its end."""

    path: str
    types: frozenset[str]


def recorded(family: str) -> list[Seen]:
    lines = (FORMATS / "paths" / f"{family}.tsv").read_text("utf-8").splitlines()[1:]
    cells = (line.split("\t") for line in lines)
    return [Seen(cell[0], frozenset(cell[3].split(",")) - {""}) for cell in cells]


def described(schema: dict[str, Any], schemas: dict[str, Any], path: str = "") -> Iterator[Seen]:
    """Every path below a schema of an OpenAPI description, with the type declared at its end."""
    if "$ref" in schema:
        yield from described(schemas[schema["$ref"].rpartition("/")[2]], schemas, path)
    for part in (*schema.get("allOf", ()), *schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from described(part, schemas, path)
    if schema.get("type") == "array":
        yield from described(schema["items"], schemas, f"{path}[]")
    for name, below in schema.get("properties", {}).items():
        yield from described(below, schemas, f"{path}.{name}" if path else name)
    if schema.get("type") in FITS:
        yield Seen(path, frozenset({schema["type"]}))


def lists(kind: Kind, depth: int) -> list[Kind]:
    """What lies ``depth`` lists below a kind."""
    if depth == 0:
        return [kind]
    return lists(kind.item, depth - 1) if kind.item else []


def ends(catalog: Catalog, root: str, path: str) -> list[tuple[Field, Kind]]:
    """The fields that a path leads to, whatever classes it passes, and what they hold below its lists."""
    objects, found = [root], list[tuple[Field, Kind]]()
    for step in path.split("."):
        key, depth = step.removesuffix("{}").replace("[]", ""), step.count("[]")
        tables = [catalog.objects[name] for name in objects]
        fields = [known.get(key) or known.get(ANY_KEY) for known in tables]
        found = [(field, kind) for field in fields if field for kind in lists(field.kind, depth)]
        objects = [ref for _, kind in found for ref in kind.refs]
    return found


def left_unknown(family: str) -> list[str]:
    lines = [line.cells for line in table("left_unknown.tsv")]
    return [cells["path"] for cells in lines if cells["format"] == family]


def covers(left: str, path: str) -> bool:
    """A path left unknown covers all that lies below it."""
    return path == left or path.startswith((f"{left}.", f"{left}[", f"{left}{{"))


def all_fields(catalog: Catalog) -> list[Field]:
    return [field for fields in catalog.objects.values() for field in fields.values()]


@needs_formats
def test_every_recorded_family_of_payloads_has_a_root_object() -> None:
    """A family of payloads that nobody assigned to an object would go unchecked."""
    assert {path.stem for path in (FORMATS / "paths").glob("*.tsv")} == ROOTS.keys()


@needs_formats
@pytest.mark.parametrize("family", sorted(ROOTS))
def test_every_recorded_path_is_classified_or_knowingly_left_unknown(family: str) -> None:
    """No field that real payloads hold is unknown by oversight."""
    catalog, left = load(), left_unknown(family)
    missed = [
        seen.path
        for seen in recorded(family)
        if not any(ends(catalog, root, seen.path) and catalog.field_at(root, seen.path) for root in ROOTS[family])
        and not any(covers(path, seen.path) for path in left)
    ]
    assert not missed


@needs_formats
@pytest.mark.parametrize("family", sorted(ROOTS))
def test_the_catalogued_type_admits_every_type_met(family: str) -> None:
    """A value of a type that its field does not name would be lost as mistyped."""
    catalog = load()
    unfit = [
        (family, seen.path, met)
        for seen in recorded(family)
        for found in [[end for root in ROOTS[family] for end in ends(catalog, root, seen.path)]]
        for met in seen.types
        if found and not any(kind.scalars & FITS[met] for _, kind in found)
    ]
    assert not set(unfit) - MISTYPED


@needs_formats
@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_described_property_is_classified_with_a_type_that_fits(name: str) -> None:
    """Fields that X describes are known before they are met, in both generations of names."""
    catalog, described_by = load(), 0
    for version in ("2.112", "2.167"):
        text = (FORMATS / "openapi" / f"x-api-v2-{version}.json").read_text("utf-8")
        schemas = json.loads(text)["components"]["schemas"]
        paths = {seen.path: seen.types for seen in described(schemas.get(name, {}), schemas)}
        described_by += bool(paths)
        for path, types in paths.items():
            found = ends(catalog, SCHEMAS[name], path)
            assert any(kind.scalars & FITS[met] for _, kind in found for met in types), (version, path)
    assert described_by


@needs_formats
def test_what_is_left_unknown_is_met_and_unknown() -> None:
    """What is left unknown is not stale and has a reason; of posts and users it is only planted faults."""
    catalog = load()
    for line in table("left_unknown.tsv"):
        family, left = line.cells["format"], line.cells["path"]
        below = [seen.path for seen in recorded(family) if covers(left, seen.path)]
        unknown = [path for path in below if not any(ends(catalog, root, path) for root in ROOTS[family])]
        assert below, f"{line.where}: not met"
        assert unknown == below, f"{line.where}: known by now"
        assert line.cells["why"], f"{line.where}: no reason given"
        if family in NEVER_UNKNOWN:
            assert "test suite" in line.cells["why"], f"{line.where}: fields of posts and users are not left unknown"


def test_every_field_is_told_once_with_a_class_that_has_actions() -> None:
    """Each line adds one field of one object; its class says what happens to it in each kind of output."""
    lines = [(line.cells["object"], line.cells["field"]) for line in _lines()]
    assert len(lines) == len(set(lines))
    assert {line.cells["class"] for line in _lines()} <= actions.load()["rows"].keys()


def test_every_object_is_reachable_from_a_shape_and_every_shape_has_its_object() -> None:
    """No table describes what no payload can lead to, and each shape is described."""
    catalog = load()
    waiting = [line.cells["object"] for line in table("shapes.tsv")]
    assert set(waiting) <= catalog.objects.keys()
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [ref for field in catalog.objects[name].values() for ref in _references(field.kind)]
    assert catalog.objects.keys() == reached


def test_an_object_keyed_by_data_has_no_other_field() -> None:
    """A name listed beside `*` would be mistaken for data, or data for the name."""
    for name, fields in load().objects.items():
        assert ANY_KEY not in fields or len(fields) == 1, name


def test_references_are_parts_or_classed_as_a_whole_and_scalars_never_parts() -> None:
    """`part` is for structures only: a scalar of that class would be kept everywhere."""
    for field in all_fields(load()):
        assert field.cls != "part" or (_references(field.kind) and not field.kind.leaf.scalars), field.where


def test_a_class_for_a_whole_subtree_never_lets_more_through_than_its_fields() -> None:
    """Classing a reference as a whole may drop what its fields would keep, and never the other way round."""
    catalog = load()
    for field in all_fields(catalog):
        if field.cls == "part":
            continue
        for below in _below(catalog, field):
            for kind in actions.KINDS:
                whole, own = actions.action(field.cls, kind), actions.action(below.cls, kind)
                assert whole in ("drop", own), f"{field.where}: {below.object}.{below.name} is {own} in {kind}"


def test_a_flattened_mention_knows_all_that_a_user_holds() -> None:
    """Flattening puts whole profiles into mentions: what is known of users is known there, classed alike."""
    objects = load().objects
    mention, user = objects["v2.mention"], objects["v2.user"]
    assert {name: (f.kind, f.cls) for name, f in user.items()}.items() <= {
        name: (f.kind, f.cls) for name, f in mention.items()
    }.items()


def test_both_generations_of_names_are_known_with_the_same_class() -> None:
    """2.167 says post where earlier versions say tweet: a renamed field keeps its kind and class."""
    objects = load().objects
    renamed = [field for field in all_fields(load()) if field.why.startswith("since 2026")]
    for new in renamed:
        old = objects[new.object][new.name.replace("post", "tweet")]
        assert (old.kind, old.cls) == (new.kind, new.cls), new.where
    assert {"includes.posts", "post.referenced_posts", "post.note_post", "post.edit_history_post_ids"} <= {
        f"{field.object.removeprefix('v2.')}.{field.name}" for field in renamed
    }


def test_every_table_says_where_its_knowledge_comes_from() -> None:
    """Each table starts with a comment that names its sources."""
    for path in [*sorted(resource("fields").glob("*.tsv")), resource("left_unknown.tsv")]:
        head = path.read_text("utf-8").partition("\nobject\t")[0].partition("\nformat\t")[0]
        assert all(line.startswith("#") for line in head.splitlines()), path.name
        assert "Source" in head, path.name


def _lines() -> list[Any]:
    return [line for path in sorted(resource("fields").glob("*.tsv")) for line in table(f"fields/{path.name}")]


def _references(kind: Kind) -> tuple[str, ...]:
    return kind.refs + (_references(kind.item) if kind.item else ())


def _below(catalog: Catalog, field: Field) -> list[Field]:
    """All fields in the subtree of a reference, down to scalars."""
    found: dict[str, Field] = {}
    waiting = list(_references(field.kind))
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for below in catalog.objects[name].values():
            refs = _references(below.kind)
            waiting += refs if below.cls == "part" else ()
            if below.cls != "part":
                found[below.where] = below
    return list(found.values())
