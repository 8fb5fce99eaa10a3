"""Cutting: what is nested in a payload and not public is taken out, and with it what leads to it.

A quoted post of a protected author goes with its permalink and id, a protected user of a page with the references to them.
"""

from functools import cache
from typing import Any

from msgspec import UNSET, Struct

from xsieve.configs import table
from xsieve.transforms.records.families import POST_OBJECTS, Includes
from xsieve.transforms.records.forms import attribute_of
from xsieve.transforms.records.visibility import Eye, loud_sign, sign_ways


@cache
def companions() -> dict[tuple[str, str], tuple[str, ...]]:
    """(object, attribute) -> the attributes beside it that lead to the same record."""
    return {
        (line.cells["object"], attribute_of(line.cells["field"])): tuple(
            map(attribute_of, line.cells["goes_too"].split())
        )
        for line in table("references.tsv")
    }


class Knife:
    """Cuts what is not public out of the payloads of one shape. ``objects`` tells which object a form is of."""

    def __init__(self, objects: dict[type[Struct], str], eye: Eye, page: Includes) -> None:
        self._objects = objects
        self._eye = eye
        self._page = page
        self._hidden_posts = {key for key, post in page.posts.items() if eye.reason(post, page)}
        users = [user for user in page.users.values() if eye.user_reason(user)]
        self._hidden_users = {name for user in users for name in (user.id, user.username) if name}

    def cut(self, record: Struct) -> None:
        """Take out of a record whatever below it is not public. The record itself stays."""
        for name in record.__struct_fields__:
            value: Any = getattr(record, name)
            items: list[Any] = value if value.__class__ is list else []
            if value.__class__ is list:
                setattr(record, name, self._cut_list(items))
            elif value.__class__ is dict:
                setattr(record, name, {key: item for key, item in value.items() if self._cut_list([item])})
            elif isinstance(value, Struct):
                if self._hides(value):
                    self._remove(record, name)
                else:
                    self.cut(value)
        if getattr(record, "in_reply_to_user_id", UNSET) in self._hidden_users:
            self._remove(record, "in_reply_to_user_id")

    def _cut_list(self, values: list[Any]) -> list[Any]:
        kept: list[Any] = []
        for value in values:
            if value.__class__ is list:
                kept.append(self._cut_list(value))
            elif not isinstance(value, Struct):
                kept.append(value)
            elif not self._hides(value):
                self.cut(value)
                kept.append(value)
        return kept

    def _hides(self, record: Struct) -> bool:
        name = self._objects.get(type(record), "")
        if name in POST_OBJECTS:
            return getattr(record, "id", None) in self._hidden_posts or bool(self._eye.reason(record, self._page))
        if loud_sign(record, sign_ways(name)):
            return True
        return name == "v2.mention" and (record.username in self._hidden_users or record.id in self._hidden_users)  # type: ignore[attr-defined]

    def _remove(self, record: Struct, attribute: str) -> None:
        name = self._objects.get(type(record), "")
        for other in (attribute, *companions().get((name, attribute), ())):
            setattr(record, other, UNSET)
