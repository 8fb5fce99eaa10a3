"""Forms: the types that a decoder fills, built from the catalog.

A form names the fields that may pass and those that are needed to decide, and nothing else: the decoder skips whatever a
form does not name, so that it never becomes an object. The form of a root carries its shape: keys that must be there are
required, keys that must not be there have a type that nothing satisfies, so that a decoder accepts exactly its own shape.
"""

from collections.abc import Callable, Collection, Mapping
from functools import reduce
from keyword import iskeyword
from typing import Any, NamedTuple, Union

import msgspec
from msgspec import UNSET, Raw, UnsetType

from xsieve.transforms.records.catalog import ANY_KEY, Catalog, Field, Kind
from xsieve.transforms.records.shapes import Shape
from xsieve.transforms.records.shapes import load as load_shapes
from xsieve.transforms.records.signs import Sign, holds_signs

Place = tuple[str, str]  # (object, field): one line of the catalog
Wanted = Callable[[Field], bool]

MAX_DEEP = 7  # how often objects that can hold themselves may nest (post -> repost -> quote -> author …); what lies deeper is dropped
ROOM_FOR_AUTHOR = 3  # a post is left out before its author would be: who wrote it decides who may see it
SCALARS: dict[str, Any] = {"text": str, "int": int, "number": Union[int, float], "bool": bool}  # noqa: UP007 a value, not an annotation


class Empty(msgspec.Struct):
    """An object whose content is discarded: v2 data has ``{}`` where a list belongs."""


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """``{}`` and no more, where a list of records belongs whose signs decide: anything in it would go unseen."""


class Never(msgspec.Struct):
    """What nothing satisfies: the type of a key that must not be there."""

    never: int = msgspec.field(name="\ue000")


ABSENT = Raw()  # what a marker holds that is not there
NULL = Raw(b"null")  # … and one that is null


class Forms:
    """Builds the forms of one plan. ``wanted`` decides which fields are in, ``markers`` are wanted only as present or not."""

    def __init__(
        self,
        catalog: Catalog,
        wanted: Wanted,
        signs: Mapping[Place, type[Sign]],
        markers: Collection[Place] = (),
    ) -> None:
        self._catalog = catalog
        self._wanted = wanted
        self._signs = signs
        self._markers = frozenset(markers)
        self._built: dict[tuple[str, int], type[msgspec.Struct] | None] = {}
        self.object_of: dict[type[msgspec.Struct], str] = {}  # form -> the object of the field tables
        self._nesting = _nesting(catalog, wanted)
        self._posts = {shape.object for shape in load_shapes() if shape.holds == "post"}

    def root(self, shape: Shape) -> type[msgspec.Struct]:
        """The form of a shape's payloads. Accepts a payload if and only if its keys are those of the shape."""
        heads = {key.partition(".")[0] for key in shape.required}
        inner: dict[str, _Guard] = {}
        for key in shape.required:
            head, _, tail = key.partition(".")
            if tail:
                inner.setdefault(head, _Guard([], []))[0].append(tail)
        for key in shape.lacks:
            head, _, tail = key.partition(".")
            if tail and head in heads:
                inner.setdefault(head, _Guard([], []))[1].append(tail)
        choices = [key for choice in shape.choices for key in choice if "." not in key]
        plain_lacks = [key for key in shape.lacks if "." not in key]
        return self._struct(shape.object, MAX_DEEP, _Guard(list(heads), plain_lacks), choices, inner)

    def _struct(
        self,
        name: str,
        depth: int,
        guard: "_Guard | None" = None,
        choices: Collection[str] = (),
        inner: "Mapping[str, _Guard] | None" = None,
    ) -> type[msgspec.Struct]:
        guard = guard or _Guard([], [])
        members: list[tuple[str, Any, Any]] = []
        names: dict[str, str] = {}
        for field in self._catalog.objects[name].values():
            if field.name in guard.lacks:
                continue
            required = field.name in guard.has
            kind = self._type(field, depth, (inner or {}).get(field.name))
            if kind is None and (required or field.name in choices):
                kind = Raw
            if kind is None:
                continue
            attribute = attribute_of(field.name)
            names[attribute] = field.name
            if kind is Raw:
                members.append((attribute, Raw, msgspec.NODEFAULT if required else ABSENT))
            elif required:
                members.append((attribute, kind, msgspec.NODEFAULT))
            else:
                members.append((attribute, Union[kind, None, UnsetType], UNSET))  # noqa: UP007
        for key in [*guard.has, *choices]:
            if key not in names.values():
                names[attribute_of(key)] = key
                members.append((attribute_of(key), Raw, msgspec.NODEFAULT if key in guard.has else ABSENT))
        for key in guard.lacks:
            names[attribute_of(key)] = key
            members.append((attribute_of(key), Union[Never, None, UnsetType], UNSET))  # noqa: UP007
        form = msgspec.defstruct(
            name.replace(".", "_"), members, rename=names, kw_only=True, omit_defaults=True, gc=False
        )
        self.object_of[form] = name
        return form

    def _type(self, field: Field, depth: int, guard: "_Guard | None" = None) -> Any:
        """The type of a field, or None where nothing of it is wanted."""
        place = (field.object, field.name)
        if place in self._signs:
            return self._signs[place]
        if place in self._markers:
            return Raw
        if not self._wanted(field):
            return None
        return self._kind(field.kind, depth, guard)

    def _kind(self, kind: Kind, depth: int, guard: "_Guard | None") -> Any:
        options: list[Any] = [SCALARS[scalar] for scalar in sorted(kind.scalars)]
        for ref in kind.refs:
            form = self._struct(ref, depth, guard) if guard else self._object(ref, depth)
            if form is not None:
                options.append(form)
        if kind.item:
            item = self._kind(kind.item, depth, guard)
            if item is not None:
                options.append(list[Union[item, None]])  # noqa: UP007
                if not kind.refs:
                    options.append(Nothing if holds_signs(item) else Empty)
        return reduce(lambda a, b: Union[a, b], options) if options else None  # noqa: UP007

    def _object(self, name: str, depth: int) -> Any:
        """The form of an object inside another; None if nothing of it is wanted, or if it lies too deep."""
        if name in self._nesting:
            depth -= 1
            if depth < (ROOM_FOR_AUTHOR if name in self._posts else 1):
                return None
        key = (name, depth)
        if key not in self._built:
            fields = self._catalog.objects[name]
            if ANY_KEY in fields:
                value = self._type(fields[ANY_KEY], depth)
                self._built[key] = None if value is None else dict[str, value | None]  # type: ignore[assignment]
            elif any(self._type(field, depth) is not None for field in fields.values()):
                self._built[key] = self._struct(name, depth)
            else:
                self._built[key] = None
        return self._built[key]


class _Guard(NamedTuple):
    """Keys of an object that must be there, and keys that must not."""

    has: list[str]
    lacks: list[str]


def attribute_of(key: str) -> str:
    """The attribute under which a form holds a JSON key."""
    plain = key.isidentifier() and not iskeyword(key) and not key.startswith("__")
    return key if plain else "field_" + key.encode().hex()


def _nesting(catalog: Catalog, wanted: Wanted) -> frozenset[str]:
    """Where nesting is counted: records that hold themselves, and whatever else holds itself without a record between."""
    below = {
        name: {ref for field in fields.values() if wanted(field) for ref in _refs(field.kind)}
        for name, fields in catalog.objects.items()
    }
    records = {shape.object for shape in load_shapes()} & below.keys()
    apart = {name: refs - records for name, refs in below.items() if name not in records}
    return frozenset(name for name in records if _reaches(below, name)) | frozenset(
        name for name in apart if _reaches(apart, name)
    )


def _reaches(below: Mapping[str, set[str]], start: str) -> bool:
    """Whether an object holds itself, directly or through others."""
    seen: set[str] = set()
    todo = set(below[start])
    while todo:
        name = todo.pop()
        if name == start:
            return True
        if name not in seen:
            seen.add(name)
            todo |= below[name]
    return False


def _refs(kind: Kind) -> set[str]:
    return set(kind.refs) | (_refs(kind.item) if kind.item else set())
