"""The tables of the ledger, for queries. How they come to be, and change, is told in ``migrations``.

Times are microseconds since 1970 UTC, whole numbers: the same in every database. Nothing is content: units are counts, and
unit keys are hashes under random secrets that are destroyed with them.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, CursorResult, Identity, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()
_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only if they are called INTEGER


def _numbered() -> "Column[int]":
    return Column("id", _NUMBER, Identity(), primary_key=True)


VERSION = Table("outflow_version", METADATA, Column("version", Integer, nullable=False))

# the account itself; triggers refuse to change or remove an entry
EVENTS = Table(
    "outflow_events",
    METADATA,
    _numbered(),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("release_id", Text, nullable=False),
    Column("output", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("unit", Text),
    Column("units", BigInteger, nullable=False),
    Column("counted", BigInteger, nullable=False),
    Column("cap", BigInteger),
    Column("used", BigInteger),
    Column("digest", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("clause", Text, nullable=False),
    Column("evidence", Text, nullable=False),  # JSON
    Column("inputs", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("person", Text),
    Column("detail", Text, nullable=False),  # JSON
)

# who is who
ENTITIES = Table("outflow_entities", METADATA, _numbered(), Column("name", Text, nullable=False))
NAMES = Table(
    "outflow_names",
    METADATA,
    Column("name", Text, primary_key=True),  # folded
    Column("entity", BigInteger, nullable=False),
)
RECIPIENTS = Table(
    "outflow_recipients",
    METADATA,
    Column("recipient", Text, primary_key=True),  # folded
    Column("name", Text, nullable=False),
    Column("entity", BigInteger, nullable=False),  # that it belongs to now
)

# how things stand: each release, and each count that a cap may look at
RELEASES = Table(
    "outflow_releases",
    METADATA,
    Column("release_id", Text, primary_key=True),
    Column("entity", BigInteger, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("since_at", BigInteger, nullable=False),
    Column("offer", Text, nullable=False),  # JSON
    Column("supplement_of", Text),
)
CHARGES = Table(
    "outflow_charges",
    METADATA,
    _numbered(),
    Column("release_id", Text, nullable=False),
    Column("entity", BigInteger, nullable=False),  # it was booked to
    Column("also", BigInteger),  # the entity that the recipient has moved to since
    Column("recipient", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("counted", BigInteger, nullable=False),  # less what a later release of the same series took over
    Column("received", BigInteger, nullable=False),  # what it was at first
    Column("cap", BigInteger),  # none: it does not count against caps
    Column("has_left", Boolean, nullable=False),  # cannot be given back any more
    Column("at", BigInteger, nullable=False),
)

# units that are told apart: the secret that their keys are made with, and sorted arrays of keys
SCOPES = Table(
    "outflow_scopes",
    METADATA,
    _numbered(),
    Column("name", Text, nullable=False),
    Column("secret", LargeBinary),  # none: destroyed
    Column("closed", Boolean, nullable=False),  # keys were destroyed: what comes now may have come before
    Column("last_at", BigInteger, nullable=False),
)
KEYS = Table(
    "outflow_keys",
    METADATA,
    _numbered(),
    Column("scope", BigInteger, nullable=False),
    Column("charge", BigInteger),  # none: denied
    Column("part", Integer, nullable=False),  # 0: of the release itself, n: of its supplement n
    Column("units", BigInteger, nullable=False),
    Column("keys", LargeBinary, nullable=False),  # 16 bytes each, ascending
    Column("at", BigInteger, nullable=False),
)


def number_of(added: CursorResult[Any]) -> int:
    """The number that the database gave to a row that was added."""
    assert added.inserted_primary_key is not None
    return added.inserted_primary_key[0]
