"""What the README says holds: its commands are those that CI runs, and its code runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"), ids=["beam", "functions"])
def test_the_python_of_the_readme_runs(code: str, tmp_path: Path) -> None:
    """Each example is a program that ends well, and prints no error."""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ana_lindq" not in done.stdout.replace("walk with @ana_lindq", "", 1)  # but in the store


def test_the_yaml_of_the_readme_is_a_sound_pipeline() -> None:
    """The settings shown are accepted as they are."""
    from xsieve.pipelines.settings import parse

    (text,) = blocks("yaml")
    assert list(parse(text).outputs) == ["trends", "posts", "archive"]


def test_each_command_is_one_line_and_sets_everything_up() -> None:
    """Both commands make their own environment, and run what they are for."""
    example, tests = (block.strip() for block in blocks("sh"))
    assert "\n" not in example + tests
    assert all(command.startswith("python3 -m venv .venv && .venv/bin/pip install ") for command in (example, tests))
    assert example.endswith("xsieve run example:first")
    assert tests.endswith("python -m pytest")
    assert "-m pytest" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_main_command_shows_its_result(tmp_path: Path) -> None:
    """`xsieve run example:first` reads the sample data, balances, and writes every output."""
    command = [sys.executable, "-c", "from xsieve.pipelines.command import main; main()", "run", "example:first"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "table: 18 read = 9 out + 7 dropped + 2 rejected" in done.stdout
    assert len((tmp_path / "out/first/posts/ids.txt").read_text().split()) == 8
    assert sorted(path.name for path in (tmp_path / "out/first").iterdir()) == ["archive", "posts", "rejects", "table"]
