"""What flows between the steps: batches of lines, and rejects, which remember why and never who."""

from enum import Enum
from typing import NamedTuple


class Reason(str, Enum):
    """Why a payload could not be handled. A closed list: nothing of a payload, and no library's message, goes in here."""

    # while reading
    NOT_JSON = "not_json"
    NOT_UTF8 = "not_utf8"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    # while decoding
    TOO_DEEP = "too_deep"
    REPEATED_KEY = "repeated_key"
    UNKNOWN_SHAPE = "unknown_shape"
    MISTYPED = "mistyped"
    # while sifting
    NO_ID = "no_id"
    BAD_ID = "bad_id"
    NOT_ENCODABLE = "not_encodable"


class RawBatch(NamedTuple):
    """One or more payloads as they came, one JSON document a line.

    ``offset`` counts bytes (unit "byte") to the first line in its source, decompressed; or documents (unit "record") where
    a source is not made of lines. ``arrays``: a line may also be an array of documents, as tools save them in files.
    """

    lines: bytes
    source: int
    offset: int
    unit: str = "byte"
    arrays: bool = False


class Reject(NamedTuple):
    """A payload that could not be handled: why, at which step, of which shape, and where it lies. Never its content."""

    reason: Reason
    stage: str
    shape: str
    source: int
    offset: int
    unit: str = "byte"
