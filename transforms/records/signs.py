"""Signs: the values that say who may see a record.

Each sign has a type of its own in the forms, and the decoder hands every one it meets to a listener, also those that a
repeated key overwrites afterwards. So a batch in which no sign is loud needs no further look, and a loud sign that cannot
be found again in the decoded records betrays a repeated key. Which field is which sign stands in ``configs/visibility.tsv``.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, get_args

from msgspec import Struct, structs

from xsieve.configs import table
from xsieve.transforms.records.catalog import Catalog

EVERYWHERE = frozenset({"XX", "XY"})  # all countries; taken down for copyright (rules, section 2)


class Sign:
    """A value that says who may see a record. ``loud`` if it says that not everybody may."""

    __slots__ = ("loud", "value")
    reason: str = ""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.loud = self.says_no(value)

    def says_no(self, value: Any) -> bool:
        """Whether the value closes the record to the public. Raises TypeError on a value of the wrong type."""
        raise NotImplementedError


class _Flag(Sign):
    def says_no(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError
        return value


class Protected(_Flag):
    """The author's posts are for approved followers."""

    reason = "author_protected"


class Suspended(_Flag):
    """The account is suspended."""

    reason = "author_suspended"


class Private(Sign):
    """A list that only its owner sees: true (v2), or "private" (v1.1)."""

    reason = "private_list"

    def says_no(self, value: Any) -> bool:
        if not isinstance(value, bool | str):
            raise TypeError
        return value is True or value == "private"


class Copyright(_Flag):
    """Withheld after a copyright complaint."""

    reason = "withheld_everywhere"


class Withheld(Sign):
    """The countries in which a record is withheld; loud only if that is everywhere."""

    reason = "withheld_everywhere"

    def says_no(self, value: Any) -> bool:
        if value == {}:
            return False
        if value.__class__ is not list or not all(code.__class__ is str for code in value):
            raise TypeError
        return any(code.upper() in EVERYWHERE for code in value)


def withheld_from(country: str | None) -> type[Withheld]:
    """The sign that is loud where a record is withheld in a country (DE); where that is not known, in any at all."""

    class WithheldHere(Withheld):
        __slots__ = ("reason",)

        def says_no(self, value: Any) -> bool:
            everywhere = super().says_no(value)
            self.reason = Withheld.reason if everywhere else "withheld_in_country"
            return everywhere or bool(value if country is None else country in {code.upper() for code in value})

    return WithheldHere


class Followers(Sign):
    """Delivered to followers, or to nobody, whatever it holds."""

    reason = "followers_only"

    def says_no(self, value: Any) -> bool:
        return value is not None


class Community(Sign):
    """Posted in a community, whatever it holds."""

    reason = "community_only"

    def says_no(self, value: Any) -> bool:
        return bool(value)


KINDS: dict[str, type[Sign]] = {
    "protected": Protected,
    "suspended": Suspended,
    "private": Private,
    "copyright": Copyright,
    "withheld": Withheld,
    "followers": Followers,
    "community": Community,
}


@cache
def table_of_signs() -> dict[str, list[tuple[str, type[Sign]]]]:
    """object -> the paths to its signs: ``v1.post -> [("scopes.followers", Followers), …]``."""
    found: dict[str, list[tuple[str, type[Sign]]]] = {}
    for line in table("visibility.tsv"):
        found.setdefault(line.cells["object"], []).append((line.cells["path"], KINDS[line.cells["sign"]]))
    return found


def places(catalog: Catalog) -> dict[tuple[str, str], type[Sign]]:
    """(object, field) -> the type of sign that stands there."""
    found: dict[tuple[str, str], type[Sign]] = {}
    for name, paths in table_of_signs().items():
        for path, kind in paths:
            trail = catalog.trail(name, path)
            if not trail:
                raise LookupError(f"visibility.tsv: the field tables have no {path} in {name}")
            found[trail[-1].object, trail[-1].name] = kind
    return found


def listener(loud: list[Sign]) -> Callable[[type, Any], Any]:
    """A hook for msgspec decoders that makes signs, and puts the loud ones into the list."""
    silent: dict[type, Sign] = {}  # of the kinds that false does not make loud: most signs are these

    def hear(kind: type, value: Any) -> Any:
        if value is False and kind in silent:
            return silent[kind]
        sign = kind(value)
        if sign.loud:
            loud.append(sign)
        elif value is False:
            silent[kind] = sign
        return sign

    return hear


def signs_within(value: Any) -> Iterator[Sign]:
    """Every sign anywhere in a decoded record."""
    if isinstance(value, Struct):
        for name in _ways_down(type(value)):
            yield from signs_within(getattr(value, name))
    elif value.__class__ is list:
        for item in value:
            yield from signs_within(item)
    elif value.__class__ is dict:
        for item in value.values():
            yield from signs_within(item)
    elif isinstance(value, Sign):
        yield value


def loud_within(value: Any) -> list[Sign]:
    """The signs anywhere in a decoded record that say it is not for everybody."""
    return [sign for sign in signs_within(value) if sign.loud]


@cache
def _ways_down(form: type[Struct]) -> tuple[str, ...]:
    """The attributes of a form below which there may be signs."""
    return tuple(field.name for field in structs.fields(form) if holds_signs(field.type))


def holds_signs(kind: Any) -> bool:
    """Whether there may be signs in values of a type."""
    if isinstance(kind, type) and issubclass(kind, Sign):
        return True
    if isinstance(kind, type) and issubclass(kind, Struct):
        return bool(_ways_down(kind))
    return any(map(holds_signs, get_args(kind)))
