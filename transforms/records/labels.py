"""Labels: the values of declared enrichments, judged again at run time.

A label passes if it is one of the declared values (where values were declared) and expresses none of the sensitive
categories; what does not pass is left out and counted.
"""

from typing import Any

from msgspec import UNSET

from xsieve.transforms.records.plan import Enrichment
from xsieve.transforms.records.sensitive import judge_label
from xsieve.transforms.records.tally import Tally


def labels(values: list[Any], added: Enrichment, tally: Tally) -> list[Any]:
    """The labels of many posts, None where there is none or none that may pass."""
    kept = [label_of(value, added) for value in values]
    tally.noted("label_refused", sum(_lost(value, label) for value, label in zip(values, kept, strict=True)))
    return kept


def label_of(value: Any, added: Enrichment) -> Any:
    """A label, or the labels of a list, if they may pass; else None."""
    if value.__class__ is list:
        return [label for item in value if (label := label_of(item, added)) is not None]
    if value.__class__ not in (str, int, float, bool):
        return None
    if added.values and value not in added.values:
        return None
    if not added.values and (
        not value.islower() or not value.isalpha() or len(value) > 12
        if value.__class__ is str
        else abs(value) >= 1_000_000
    ):
        return None  # text or a long number that nobody declared may be anybody's handle or id
    return None if value.__class__ is str and judge_label(value, added.path) else value


def _lost(value: Any, label: Any) -> bool:
    if value.__class__ is list:
        return len(value) != len(label)
    return label is None and value is not None and value is not UNSET
