"""What the README says holds: its code runs, its records come out as shown, its commands are those that CI runs."""

import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from xsieve.configs import resource
from xsieve.pipelines.command import Exit, app
from xsieve.pipelines.execute import PARALLEL_BYTES
from xsieve.pipelines.readers import MAX_PAYLOAD
from xsieve.pipelines.settings import Settings, json_schema, parse
from xsieve.transforms import Plan, dehydrate, drop_sensitive, strip_identifiers
from xsieve.transforms.records import policy
from xsieve.transforms.records.batch import Reason
from xsieve.transforms.records.signs import KINDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
FENCED = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return [block for name, block in FENCED if name == language]


def section(title: str) -> str:
    """What stands under a heading."""
    return re.split(r"^#+ ", README.split(f"# {title}\n", 1)[1], flags=re.MULTILINE)[0]


GROUPS = (
    "collection",
    "input",
    "where",
    "outputs",
    "write",
    "consent",
    "others",
    "public",
    "sample",
    "sender",
)  # keys that only hold others


# --- records and code


def test_the_record_comes_out_as_shown() -> None:
    """A record before, and after each kind of output."""
    before, row, post_id, stored = (json.loads(block) for block in blocks("json"))
    line = json.dumps(before)
    assert strip_identifiers(line, Plan("rows", text=True, place="city")).content.as_dicts() == [row]
    assert dehydrate(line).content.tolist() == [post_id]
    assert json.loads(drop_sensitive(line).content) == stored


@pytest.mark.parametrize(
    ("code", "printed"), [*zip(blocks("python"), blocks("text"), strict=True)], ids=["beam", "outflow", "functions"]
)
def test_the_code_prints_what_is_shown_below_it(code: str, printed: str) -> None:
    """Each block of Python is a whole program, with its output in the block after it."""
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    assert sorted(out.getvalue().splitlines()) == sorted(printed.splitlines())


# --- settings


def test_the_pipeline_shown_is_a_sound_one() -> None:
    """The settings in the README are accepted as they stand."""
    (text,) = blocks("yaml")
    assert [output.kind for output in parse(text, {}).outputs.values()] == ["rows", "ids", "store"]


def test_every_key_and_every_choice_of_the_settings_is_in_the_table() -> None:
    """An option that the README does not name is an option that nobody finds."""
    table = section("A pipeline")
    assert [word for word in sorted(set(_words(json_schema()))) if f"{word}`" not in table] == []


def _words(schema: Any) -> Iterator[str]:
    """The keys and choices of a JSON Schema."""
    if isinstance(schema, dict):
        yield from (key for key in schema.get("properties", {}) if key not in GROUPS)
        yield from (choice for choice in schema.get("enum", ()) if isinstance(choice, str))
        yield from (choice for choice in [schema.get("const")] if choice)
        for part in schema.values():
            yield from _words(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _words(part)


def test_every_reason_is_in_the_list_of_what_is_counted() -> None:
    """Reasons to reject, signs that close a record, and exit codes are named."""
    counted = section("What is counted")
    reasons = {reason.value for reason in Reason} | {kind.reason for kind in KINDS.values()}
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in counted] == []
    codes = set(re.findall(r"\b(\d+) ", counted.split("Exit codes:")[1]))
    assert codes == {"0"} | {str(code.value) for code in Exit}


def test_the_numbers_of_the_readme_are_those_of_the_code() -> None:
    """Limits and defaults that the README states are the ones that hold."""
    assert f"more than {MAX_PAYLOAD >> 20} MiB is rejected" in README
    assert f"from {PARALLEL_BYTES >> 20} MiB on" in README
    assert f"default {Settings.model_fields['max_rejects'].default}" in README
    base, later = policy.load("base-2024").caps, policy.load("policy-2026").caps
    released = " ".join(section("What is released").split())
    assert f"limited to {base['post_id'].units:,} per entity" in released
    assert f"to {base['hydrated'].units:,} (policy-2026: {later['hydrated'].units:,}) per recipient" in released


def test_the_first_value_of_a_key_is_its_default() -> None:
    """As the table says of itself: a reader finds defaults without another column."""
    rows = [line.split(" | ") for line in section("A pipeline").splitlines() if line.startswith("| ")]
    first = {(key, values.partition("`,")[0].strip("`")) for names, values, *_ in rows for key in _keys(names)}
    found = list(_defaults(json_schema()))
    assert len(found) > 15
    assert [one for one in found if one not in first] == []


def _keys(names: str) -> list[str]:
    """The last steps of the dotted paths in a cell."""
    return [path.rpartition(".")[2] for path in re.findall(r"`([\w.]+)`", names)]


def _defaults(schema: Any) -> Iterator[tuple[str, str]]:
    """Keys that choose one of several values, with their defaults as YAML writes them."""
    for part in (schema, *schema["$defs"].values()):
        for key, told in part.get("properties", {}).items():
            if isinstance(told.get("default"), str | bool):
                yield key, str(told["default"]).lower() if isinstance(told["default"], bool) else told["default"]


def test_every_example_is_named() -> None:
    """The README tells which packaged examples there are."""
    names = {path.stem for path in resource("examples").glob("*.yaml")} - {"first"}
    assert [name for name in sorted(names) if f"`{name}`" not in section("Two commands")] == []


def test_every_file_and_table_named_is_there() -> None:
    """Links and paths lead somewhere."""
    links = re.findall(r"\]\(([^)#]+)\)", README)
    tables = re.findall(r"`(configs/[\w/*.]+)`", README)
    assert links
    assert tables
    assert [path for path in links + tables if not list(ROOT.glob(path))] == []


# --- commands


def commands() -> list[str]:
    return [block.strip() for block in blocks("sh")]


def test_each_command_is_one_line_and_sets_everything_up() -> None:
    """Both make their own environment, and run what they are for."""
    example, tests = commands()
    assert "\n" not in example + tests
    assert all(command.startswith("python3 -m venv .venv && .venv/bin/pip install ") for command in (example, tests))
    assert ".venv/bin/xsieve run example:first" in example
    assert tests.endswith(".venv/bin/python -m pytest -n 2")


def test_ci_runs_the_commands_of_the_readme() -> None:
    """.ci/run takes both lines from this README, so they cannot differ."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "README.md" in script
    found = subprocess.run(
        ["awk", "/^```sh$/{on=1;next} /^```$/{on=0} on", ROOT / "README.md"], capture_output=True, text=True
    )
    assert found.stdout.splitlines() == commands()
    assert "awk '/^```sh$/{on=1;next} /^```$/{on=0} on' README.md" in script


def test_the_main_command_shows_its_result(tmp_path: Path) -> None:
    """Run as it stands, less the installation, it ends well with an account and three rows."""
    steps = commands()[0].split(" && ")[2:]
    program = f"{shlex.quote(sys.executable)} -c 'from xsieve.pipelines.command import main; main()'"
    command = " && ".join(steps).replace(".venv/bin/xsieve", program)
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^table: \d+ read = \d+ out \+ \d+ dropped \+ \d+ rejected$", done.stdout, re.MULTILINE)
    assert len([line for line in done.stdout.splitlines() if line.startswith('{"time":')]) == 3
    assert sorted(path.name for path in (tmp_path / "out/first").iterdir()) == ["archive", "posts", "rejects", "table"]


@pytest.mark.parametrize("name", ["run", "explain", "inspect", "schema", "release", "ledger"])
def test_every_command_of_the_readme_is_there(name: str) -> None:
    """The README names all commands, and each has a help text."""
    assert f"    xsieve {name}" in README
    assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0
    assert set(re.findall(r"^    xsieve (\w+)", README, re.MULTILINE)) == {
        *(command.callback.__name__ for command in app.registered_commands if command.callback),
        *(group.name for group in app.registered_groups),
    }
