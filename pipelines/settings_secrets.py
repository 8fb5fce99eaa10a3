"""Secrets: ``${NAME}`` and ``${file:/PATH}`` as they are written, read where they are needed and shown nowhere."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xsieve.configs import table

FILE = "file:"
# what may stand between ${ and }: a variable of the environment, or a file
PLACE = r"[A-Za-z_][A-Za-z0-9_]*|file:/[^\s{},\[\]\ue000\ue001]+"
VARIABLE = re.compile(rf"\$\{{({PLACE})\}}")
_URL_WITH_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#@]*:(?P<password>[^/?#@]+)@")
_PASSWORD_OPTION = re.compile(r"[?&]password=(?P<password>[^&#]+)")
_LONGEST = 1 << 20  # bytes of a file with a secret


class SecretError(Exception):
    """A secret that cannot be read. Names where it should be, never what it is."""


@dataclass(frozen=True)
class Secret:
    """A value as it is written, such as ``${KAFKA_PASSWORD}``. Workers receive this, and read the value themselves."""

    written: str

    def resolve(self, env: Mapping[str, str] | None = None) -> str:
        """The value, by the environment (of this process unless another is given) and the files here. Raises SecretError."""
        return VARIABLE.sub(lambda found: _value(found[1], os.environ if env is None else env), self.written)

    def __str__(self) -> str:
        return self.written


def look_up(place: str, env: Mapping[str, str]) -> str | None:
    """What stands in a variable, or in a file (``file:/PATH``) less its last line break; None if that cannot be read."""
    if not place.startswith(FILE):
        return env.get(place)
    try:
        with Path(place.removeprefix(FILE)).open("rb") as file:
            text = file.read(_LONGEST + 1).decode("utf-8")
    except (OSError, ValueError):
        return None
    return text.removesuffix("\n").removesuffix("\r") if len(text) <= _LONGEST else None


def expected(place: str) -> str:
    """What a message says where a variable or a file cannot be read."""
    if place.startswith(FILE):
        return f"needs the file {place.removeprefix(FILE)}; expected one with UTF-8 text that may be read"
    return f"needs the variable {place}; expected it in the environment"


def _value(place: str, env: Mapping[str, str]) -> str:
    value = look_up(place, env)
    if value is None:
        raise SecretError(f"${{{place}}}: {expected(place)}")
    return value


@cache
def is_secret(option: str) -> bool:
    """Whether an option of that name holds a secret (configs/secrets.tsv)."""
    lines = [line.cells for line in table("secrets.tsv")]
    whole = {cells["name"]: cells["secret"] == "yes" for cells in lines if cells["match"] == "whole"}
    words = {cells["name"] for cells in lines if cells["match"] == "word"}
    name = option.lower()
    return whole.get(name, not words.isdisjoint(re.split(r"[._-]", name)))


def shows_password(text: str) -> bool:
    """Whether an address, as it is written, holds a password that is not left to a variable or a file."""
    found = _URL_WITH_PASSWORD.match(text) or _PASSWORD_OPTION.search(text)
    return bool(found and not VARIABLE.fullmatch(found["password"]))


def holds_password(text: str) -> bool:
    """Whether an address holds a password at all."""
    return bool(_URL_WITH_PASSWORD.match(text) or _PASSWORD_OPTION.search(text))
