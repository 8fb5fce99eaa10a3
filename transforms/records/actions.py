"""What happens to each class of field in each kind of output: the table ``configs/actions.tsv``, read."""

from functools import cache

from xsieve.configs import TableError, table

KINDS = ("rows", "ids", "hydrated", "store")
ACTIONS = frozenset({"keep", "drop", "coarsen", "scrub", "count"})


@cache
def load() -> dict[str, dict[str, str]]:
    """kind -> class -> action."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for line in table("actions.tsv"):
        for kind in KINDS:
            action = line.cells[kind]
            if action not in ACTIONS:
                raise TableError(f"{line.where}: an action is one of {', '.join(sorted(ACTIONS))}")
            found[kind][line.cells["class"]] = action
    return found


def action(cls: str, kind: str) -> str:
    """What happens to a field of that class in that kind of output; what is not in the table is dropped."""
    return load()[kind].get(cls, "drop")
