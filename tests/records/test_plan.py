"""A plan that cannot be is refused where it is made, not on a worker, and says which option is wrong."""

from typing import Any

import pytest

from xsieve.transforms.records.plan import Plan, PlanError


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"columns": ("time", "user_id")}, "^columns: there is no user_id; expected some of time, lang, "),
        ({"place": "city"}, "^place: a place may pass only beside the text of its post"),
        ({"country": "at"}, "^country: a country is two capital letters"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(options: dict[str, Any], says: str) -> None:
    """Whoever uses the library without settings is told too."""
    with pytest.raises(PlanError, match=says):
        Plan("rows", **options)
