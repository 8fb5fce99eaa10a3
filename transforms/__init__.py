"""The verbs of the sieve, as Beam transforms and as functions of the same names.

``StripIdentifiers``, ``Dehydrate``, ``KeepPublic`` and ``DropSensitive`` work on any PCollection of JSON lines;
``strip_identifiers``, ``dehydrate``, ``keep_public`` and ``drop_sensitive`` on lines at hand, without Beam. ``Plan`` says
what they let through. ``CountOutflow`` counts what leaves: exactly, each object once in a release.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xsieve.transforms.outflow import CountedOutflow, CountOutflow
    from xsieve.transforms.records.batch import RawBatch, Reason, Reject
    from xsieve.transforms.records.plan import Enrichment, Plan, PlanError, Where
    from xsieve.transforms.records.sieves import dehydrate, drop_sensitive, keep_public, strip_identifiers
    from xsieve.transforms.sift import HydratedBatch, IdBatch, RowBatch, Sift, Sifted, StoreBatch
    from xsieve.transforms.verbs import Dehydrate, DropSensitive, KeepPublic, StripIdentifiers

_HOMES = {
    "outflow": ("CountOutflow", "CountedOutflow"),
    "records.batch": ("RawBatch", "Reason", "Reject"),
    "records.plan": ("Enrichment", "Plan", "PlanError", "Where"),
    "records.sieves": ("dehydrate", "drop_sensitive", "keep_public", "strip_identifiers"),
    "sift": ("HydratedBatch", "IdBatch", "RowBatch", "Sift", "Sifted", "StoreBatch"),
    "verbs": ("Dehydrate", "DropSensitive", "KeepPublic", "StripIdentifiers"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CountOutflow",
    "CountedOutflow",
    "Dehydrate",
    "DropSensitive",
    "Enrichment",
    "HydratedBatch",
    "IdBatch",
    "KeepPublic",
    "Plan",
    "PlanError",
    "RawBatch",
    "Reason",
    "Reject",
    "RowBatch",
    "Sift",
    "Sifted",
    "StoreBatch",
    "StripIdentifiers",
    "Where",
    "dehydrate",
    "drop_sensitive",
    "keep_public",
    "strip_identifiers",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(f"xsieve.transforms.{_HOME_OF[name]}"), name)
    raise AttributeError(name)
