"""Handles of a payload: what rows compare hashtags and client names with, so that neither gives an account away.

They are sought in the bytes of the payload, wherever they stand and whether or not a table knows the field, and only where
there is something to compare: so no handle is part of what is decoded for rows.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_KEYS = (b'screen_name"', b'sername"')  # screen_name, in_reply_to_screen_name; username, preferredUsername
_VALUE = re.compile(rb'\s*:\s*"@?([^"\\]{1,50})')
_SITES = (b"twitter.com", b"/x.com")
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


_WORDS = re.compile(r"\w+")
_MAYBE_HANDLE = re.compile(r"\w{1,30}", re.ASCII)
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_")
_WAYS = (b"/", b"\\/", b"/#!/", b"\\/#!\\/")  # from a site to a profile, those of 2010 to 2013 too
_BEFORE = (  # what stands before a handle: at signs (plain, full-width, escaped), operators of queries, paths, X's error texts
    *(b"@", b"\xef\xbc\xa0", b"\\uff20", b"%40", b"from:", b"to:", b"from%3a", b"to%3a"),
    *(b"username/", b"screen_name=", b": ["),
    *(site + way for site in (b"twitter.com", b"/x.com", b"instagram.com", b"nitter.net") for way in _WAYS),
)
_HANDLE_KEYS = (b'screen_name":', b'sername":', b'"twitter":')  # also in_reply_to_screen_name, preferredUsername
_ECHO_KEYS = (b'"value":',)  # in errors, which echo what was asked for
_ESCAPE = re.compile(rb"\\u00(?!3[ce]|2[67])([2-7][0-9a-f])")  # < > & and ' stand before no handle
_QUOTE = ord('"')
_LAST_BEFORE = frozenset({_QUOTE, *(mark[-1] for mark in _BEFORE)})


def handles_among(words: Iterable[str], payload: bytes) -> list[str]:
    """Those of some words (hashtags) that are handles in a payload: after @, in a query or a link, under a key for handles."""
    likely = [(word, plain) for word in words if _MAYBE_HANDLE.fullmatch(plain := _narrow(word))]
    if not likely:
        return []
    seen = _searchable(payload)
    return [word for word, plain in likely if _stands_in(plain, seen)]


def names_handle(name: str, payload: bytes) -> bool:
    """Whether a client's name gives a handle of its payload away: as a word, or with spaces and case left out."""
    seen, name = _searchable(payload), _narrow(name)
    words = filter(_MAYBE_HANDLE.fullmatch, _WORDS.findall(name))
    return any(_stands_in(word, seen) for word in words) or holds_handle(name, handles_in(seen))


def _narrow(word: str) -> str:
    """A word with its full-width and styled letters as plain ones: ``ａｎａ`` is ``ana``."""
    return word if word.isascii() else unicodedata.normalize("NFKC", word)


def _searchable(payload: bytes) -> bytes:
    """A payload in lower case and without escapes of plain letters."""
    payload = payload.lower()
    return _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), payload) if b"\\" in payload else payload


def _stands_in(word: str, payload: bytes) -> bool:
    """Whether a word stands in a searchable payload as a handle."""
    sought = word.lower().encode()
    at = payload.find(sought)
    while at >= 0:
        end, before = at + len(sought), payload[at - 1] if at else 0
        if before in _LAST_BEFORE and (end >= len(payload) or payload[end] not in _WORD):
            if before == _QUOTE and _is_handle_key(payload[max(0, at - 40) : at - 1], payload):
                return True
            if before != _QUOTE and payload.endswith(_BEFORE, 0, at):
                return True
        at = payload.find(sought, end)
    return False


def _is_handle_key(key: bytes, payload: bytes) -> bool:
    """Whether ``key`` ends with a key for handles and its colon, however they are spaced."""
    if not key.endswith(b'":'):
        key = key.rstrip()[:-1].rstrip() + b":"
    return key.endswith(_HANDLE_KEYS) or (key.endswith(_ECHO_KEYS) and b'"errors"' in payload)


@lru_cache(65536)
def squeezed(name: str) -> str:
    """A name without case, spaces, underscores and punctuation."""
    return _NOT_WORD.sub("", name.casefold())


def holds_handle(name: str, handles: frozenset[str]) -> bool:
    """Whether a name is one of the handles, or has one of three characters or more in it."""
    plain = squeezed(name)
    return any(short in plain for handle in handles if len(short := squeezed(handle)) > 2) or name.casefold() in handles
