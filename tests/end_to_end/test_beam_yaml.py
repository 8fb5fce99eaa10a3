"""The packaged pipelines in Beam YAML: each runs as its head says, and gives what is written at its end.

python tests/end_to_end/test_beam_yaml.py        # writes the ends anew, to be looked at before they are kept
"""

import gzip
import json
import sys
import tempfile
from pathlib import Path

import pytest

from xsieve.configs import resource
from xsieve.transforms import Plan, Where, dehydrate, drop_sensitive, strip_identifiers
from xsieve.transforms.records.times import seconds

EXAMPLES, PIPELINE = resource("examples"), resource("beam_yaml/first.yaml")
EXPECTED = "# Expected:"
SHOWN = 200  # characters of a line that are shown


def do(folder: Path) -> dict[str, list[str]]:
    """Run the pipeline; the lines of each output in order of text, for shards come in any."""
    from apache_beam.yaml.main import run

    variables = {"examples": str(EXAMPLES), "out": str(folder)}
    run(["--runner=FnApiRunner", f"--yaml_pipeline_file={PIPELINE}", f"--jinja_variables={json.dumps(variables)}"])
    found: dict[str, list[str]] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        found.setdefault(path.name.rpartition("-of-")[0][:-6], []).extend(path.read_text("utf-8").splitlines())
    return {name: sorted(lines) for name, lines in found.items()}


def expected_block(outputs: dict[str, list[str]]) -> str:
    """The comment at the end of the pipeline: how many lines each output has, and one of them."""
    lines = [EXPECTED]
    for name, there in sorted(outputs.items()):
        lines.append(f"#   {name}: {len(there)} lines, such as {there[len(there) // 2][:SHOWN]}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return do(tmp_path_factory.mktemp("beam_yaml"))


@pytest.fixture(scope="module")
def lines() -> bytes:
    """All that the pipeline reads."""
    files = sorted((EXAMPLES / "data").glob("*.jsonl*"))
    return b"\n".join(gzip.decompress(f.read_bytes()) if f.suffix == ".gz" else f.read_bytes() for f in files)


def test_the_pipeline_says_what_to_expect(outputs: dict[str, list[str]]) -> None:
    """At the end of the pipeline stands what it gives."""
    text = PIPELINE.read_text("utf-8")
    assert text[text.index(EXPECTED) :] == expected_block(outputs)


def test_the_verbs_give_in_yaml_what_they_give_without_beam(outputs: dict[str, list[str]], lines: bytes) -> None:
    """Rows, ids, payloads and the count are those of the functions of the same names."""
    rows = strip_identifiers(lines, Plan("rows", text=True, columns=("time", "lang", "hashtags", "text")))
    where = Where(since=seconds("2020-03-03T00:00:00Z"), lang=("de", "pt"))
    by_text = {json.dumps(row, sort_keys=True) for row in map(json.loads, outputs["table.jsonl"])}
    assert by_text == {json.dumps(row, sort_keys=True) for row in rows.content.as_dicts()}
    assert len(outputs["table.jsonl"]) == rows.counts["out", ""]
    assert outputs["ids.txt"] == sorted({str(number) for number in dehydrate(lines, Plan("ids", where=where)).content})
    assert outputs["store.jsonl"] == sorted(drop_sensitive(lines).content.decode().splitlines())
    (counted,) = map(json.loads, outputs["outflow.jsonl"])
    assert counted["units"] == len({*dehydrate(lines).content.tolist()}) > len(outputs["ids.txt"]) > 0


def test_errors_say_why_and_nothing_else(outputs: dict[str, list[str]], lines: bytes) -> None:
    """One error a reject: reason, stage and shape, all of them the sieve's own words."""
    rejects = strip_identifiers(lines).rejects
    found = sorted((row["reason"], row["stage"], row["shape"]) for row in map(json.loads, outputs["errors.jsonl"]))
    assert found == sorted((reject.reason.value, reject.stage, reject.shape) for reject in rejects) != []
    assert all(json.loads(row).keys() == {"reason", "stage", "shape"} for row in outputs["errors.jsonl"])


def write_anew() -> None:
    with tempfile.TemporaryDirectory() as folder:
        outputs = do(Path(folder))
    text = PIPELINE.read_text("utf-8")
    PIPELINE.write_text(text.partition(EXPECTED)[0] + expected_block(outputs), "utf-8")


if __name__ == "__main__":
    sys.exit(write_anew())
