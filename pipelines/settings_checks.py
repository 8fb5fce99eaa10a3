"""What no part of the settings can know by itself: folders in each other's way, names that tell too much.

These checks look at the data as it was written, so that their mistakes are reported together with all others.
"""

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import PurePath
from typing import Any

from xsieve.configs import table
from xsieve.pipelines.settings_errors import Mistake
from xsieve.transforms.records.plan import Enrichment, Plan, PlanError
from xsieve.transforms.records.scrub import scrub
from xsieve.transforms.records.sensitive import Finding, judge, judge_words

_URL = re.compile(r"(?P<root>[a-z][a-z0-9+.-]+://[^/]*)/*(?P<path>.*)", re.DOTALL)
_WILDCARD = re.compile(r"[*?\[]")
_NEEDS = {"text": "text: scrub", "country": "place", "city": "place: city"}


def check(data: object) -> Iterator[Mistake]:
    """All mistakes between the parts of ``data``; parts that are no groups of keys are passed over."""
    yield from _folders(data)
    yield from _enrichments(data)
    yield from _rows(data)
    yield from _outputs(data)


def group(data: object, *keys: str) -> Mapping[str, Any]:
    """The group of keys that those keys lead to; an empty one if there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def texts(value: object) -> list[str]:
    """The texts of a value that may be one or a list."""
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str) and text]


# --- folders


def _folders(data: object) -> Iterator[Mistake]:
    """Outputs and rejects each have a folder of their own, and none is where the input is read from."""
    outputs = group(data, "outputs")
    written = {f"outputs.{name}.write.path": group(outputs, name, "write").get("path") for name in outputs}
    written["rejects"] = group(data).get("rejects")
    folders = [(path, _parts(text)) for path, value in written.items() for text in texts(value)]
    for (first, one), (second, other) in combinations(folders, 2):
        if all(a == b for a, b in zip(one, other, strict=False)):
            how = "is" if len(one) == len(other) else "lies inside" if len(one) < len(other) else "holds"
            yield Mistake(second, f"{how} the folder of {first}; expected a folder of its own")
    sources = [_reach(text) for text in texts(group(data, "input").get("path"))]
    for path, folder in folders:
        if any(_reads(source, folder) for source in sources):
            yield Mistake(path, "is where input.path reads from; expected a folder that is not read")


def _parts(path: str) -> tuple[str, ...]:
    """The steps of a path from its root: the bucket of a URL, or the root of this machine."""
    if path.startswith("file://"):
        path = path.removeprefix("file://")
    elif url := _URL.fullmatch(path):
        return (url["root"], *(step for step in posixpath.normpath(url["path"]).split("/") if step != "."))
    return PurePath(os.path.realpath(path)).parts


def _reach(pattern: str) -> tuple[str, ...]:
    """The folders that a pattern reads from; ``**`` is any depth, as is a folder named whole."""
    parts = _parts(pattern)
    if not _WILDCARD.search(pattern):
        return (*parts, "**")
    return parts if "**" in parts[-1] else parts[:-1]


def _reads(source: Sequence[str], folder: Sequence[str]) -> bool:
    """Whether files in that folder, or in folders inside, are among those that are read."""
    for want, have in zip(source, folder, strict=False):
        if "**" in want:
            return True
        if not fnmatchcase(have, want):
            return False
    return len(folder) <= len(source)


# --- enrichments


def _enrichments(data: object) -> Iterator[Mistake]:
    paths: dict[str, tuple[str, ...]] = {}
    for name, declared in group(data, "enrich").items():
        yield from _sensitive_enrichment(name, declared if isinstance(declared, dict) else {})
        yield from _identifying_labels(name, group(declared).get("values"))
        for path in texts(group(declared).get("path")):
            paths[name] = tuple(path.split("."))
            if _of_x(path):
                yield Mistake(f"enrich.{name}.path", "leads to a field of X's own; expected one that was added to it")
    for (first, one), (second, other) in combinations(paths.items(), 2):
        if all(a == b for a, b in zip(one, other, strict=False)):
            yield Mistake(f"enrich.{second}.path", f"leads to the same as enrich.{first}.path; expected another field")


def _identifying_labels(name: str, values: object) -> Iterator[Mistake]:
    """A label that points at somebody by its form would take identifiers into every row that has it."""
    labels = [str(value) for value in values if isinstance(value, str | int)] if isinstance(values, list) else []
    if any(scrub(label) != label for label in labels):
        yield Mistake(
            f"enrich.{name}.values",
            "holds a handle, a link, an address or a long number, which may stand for somebody; expected labels",
        )


def _of_x(path: str) -> bool:
    """Whether X sends that field itself; as an enrichment it would pass under another rule than its own."""
    try:
        Plan(kind="store", enrich=(Enrichment("field", path),))
    except PlanError:
        return True
    return False


def _sensitive_enrichment(name: str, declared: Mapping[str, Any]) -> Iterator[Mistake]:
    """A field goes whatever its value says, under any name: its name, the keys on its path, its labels."""
    values = declared.get("values")
    labels = [str(value).lower() for value in values] if isinstance(values, list) else None
    places = [(f"enrich.{name}", name)]
    for path in texts(declared.get("path")):
        places += [(f"enrich.{name}.path", path), (f"enrich.{name}.path", path.rpartition(".")[2])]
    for place, words in places:
        if finding := judge(words, labels):
            yield Mistake(f"enrich.{name}.values" if finding.by == "values" else place, _refusal(finding))
            return


def _refusal(finding: Finding) -> str:
    if finding.by == "undeclared":
        return (
            f"may speak of {finding.item} ({finding.clause}); "
            "expected values beside it, all that the field may hold, which say that it does not"
        )
    return (
        f"speaks of {finding.item}, which stays out of every output, whatever its name and its values say "
        f"({finding.clause}); leave it out"
    )


# --- rows


def _rows(data: object) -> Iterator[Mistake]:
    """Rows carry columns that there are, and enrichments that are declared and about the content."""
    enrichments = group(data, "enrich")
    columns = {line.cells["column"]: line.cells["on"] for line in table("rows.tsv")}
    for name in enrichments:
        if name in columns:
            yield Mistake(f"enrich.{name}", "is the name of a column of rows already; expected another name")
    for name, output in group(data, "outputs").items():
        if group(output).get("kind") == "rows":
            for message in _carried(texts(output.get("enrich")), enrichments):
                yield Mistake(f"outputs.{name}.enrich", message)
            for message in _chosen(texts(output.get("columns")), output, columns, enrichments):
                yield Mistake(f"outputs.{name}.columns", message)


def _carried(names: Iterable[str], enrichments: Mapping[str, Any]) -> Iterator[str]:
    for name in names:
        if name not in enrichments:
            yield f"holds a name that is not declared; {hint(name, enrichments, 'names under enrich')}"
        elif group(enrichments, name).get("about") in ("author", "person"):
            yield "holds one that is about a person; expected enrichments with about: content"


def _chosen(
    names: Iterable[str], output: Mapping[str, Any], columns: Mapping[str, str], enrichments: Iterable[str]
) -> Iterator[str]:
    counts = {line.cells["column"] for line in table("rows.tsv") if line.cells["type"] == "int"}
    for name in names:
        option = columns.get(name, "always")
        if name not in (*columns, *enrichments):
            yield f"holds a name that is no column; {hint(name, columns, ', '.join(columns))}"
        elif option != "always" and (option not in output or (name == "city" != output[option])):
            yield f"holds {name}, which needs {_NEEDS[name]}; add it, or leave the column out"
        elif name in enrichments and name not in texts(output.get("enrich", [*enrichments])):
            yield f"holds {name}, which enrich beside it leaves out; add it there, or leave the column out"
        elif name in counts and output.get("metrics") == "drop":
            yield f"holds {name}, which metrics: drop leaves out; leave out the one or the other"


def hint(given: str, known: Iterable[str], expected: str) -> str:
    """What was meant if that is likely, else what was expected."""
    likely = get_close_matches(given, known, n=1)
    return f"did you mean {likely[0]}?" if likely else f"expected {expected}"


# --- outputs


def _outputs(data: object) -> Iterator[Mistake]:
    """Names tell too: who is in an output called ``pregnant_users`` has been inferred to be."""
    for name in group(data, "outputs"):
        output = group(data, "outputs", name)
        places = {f"outputs.{name}": [name]}
        places |= {f"outputs.{name}.{key}": texts(output.get(key)) for key in ("description", "series")}
        for place, telling in places.items():
            yield from (Mistake(place, _telling(found)) for found in map(judge_words, telling) if found)


def _telling(finding: Finding) -> str:
    return (
        f"speaks of {finding.item}, which would be an inference about the people in the output "
        f"({finding.clause}); expected words for what was collected and when"
    )
