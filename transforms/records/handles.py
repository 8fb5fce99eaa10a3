"""Handles of a payload: what rows compare hashtags and client names with, so that neither gives an account away.

They are taken from the bytes of the payload, wherever they stand and whether or not a table knows the field, and only where
there is something to compare: so no handle is part of what is decoded for rows.
"""

import re
from functools import lru_cache

_KEYS = (b'screen_name"', b'sername"')  # screen_name, in_reply_to_screen_name; username, preferredUsername
_VALUE = re.compile(rb'\s*:\s*"@?([^"\\]{1,50})')
_SITES = (b"twitter.com", b"//x.com", b"\\/x.com")
_PROFILE = re.compile(rb"\\?/(?:#!\\?/)?@?(\w{1,50})")
_AT = re.compile(rb"\w{1,50}")
_NOT_WORD = re.compile(r"[\W_]+")


def handles_in(payload: bytes) -> frozenset[str]:
    """The handles that occur in a payload, without @ and case: in the keys that hold handles, after @, in links to profiles."""
    found: set[bytes] = set()
    for key in _KEYS:
        for part in payload.split(key)[1:]:
            value = _VALUE.match(part)
            if value:
                found.add(value[1])
    for part in payload.split(b"@")[1:]:
        word = _AT.match(part)
        if word:
            found.add(word[0])
    for site in _SITES:
        for part in payload.split(site)[1:]:
            profile = _PROFILE.match(part)
            if profile:
                found.add(profile[1])
    return frozenset(handle.decode("utf-8", "replace").casefold() for handle in found)


@lru_cache(65536)
def squeezed(name: str) -> str:
    """A name without case, spaces, underscores and punctuation."""
    return _NOT_WORD.sub("", name.casefold())


def holds_handle(name: str, handles: frozenset[str]) -> bool:
    """Whether a name is one of the handles, or has one of three characters or more in it."""
    plain = squeezed(name)
    return any(short in plain for handle in handles if len(short := squeezed(handle)) > 2) or name.casefold() in handles
