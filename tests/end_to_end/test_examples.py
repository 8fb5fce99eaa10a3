"""The packaged examples: each one runs, and gives what is written at its end and what lies in ``expected``.

python tests/end_to_end/test_examples.py        # writes both anew, to be looked at before they are kept
"""

import gzip
import json
import os
import re
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest
import zstandard

from xsieve.configs import resource
from xsieve.pipelines import settings
from xsieve.pipelines.run import run
from xsieve.pipelines.show_outflow import OBJECTS
from xsieve.pipelines.summary import OutputSummary, Summary

EXAMPLES = resource("examples")
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
BOOKKEEPING = {"manifest.json", "README.md", "SHA256SUMS"}
SHOWN = re.compile(r"#   (out/\S+), line (\d+): .*")
HEAD, TAIL = 360, 180  # characters of an output line that are shown
WIDTH = 120


class Done(NamedTuple):
    """An example that was run: its summary, and the lines of each file that it wrote."""

    name: str
    summary: Summary
    files: dict[str, list[str]]  # by path, without the ending that only says how it is packed


def settings_of(name: str) -> settings.Settings:
    text = (EXAMPLES / f"{name}.yaml").read_text("utf-8")
    return settings.parse(text, {**os.environ, "XSIEVE_EXAMPLES": str(EXAMPLES)})


def do(name: str, folder: Path) -> Done:
    with inside(folder):
        summary = run(settings_of(name))
        return Done(name, summary, files_below(Path("out")))


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def files_below(folder: Path) -> dict[str, list[str]]:
    """What people would see in the files; rejects in one, for they come in any order."""
    found: dict[str, list[str]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and shows(path)):
        rejects = path.parent.name == "rejects"
        name = str(path.parent / "rejects.jsonl") if rejects else re.sub(r"\.(gz|zst|parquet)$", "", str(path))
        name += ".jsonl" if path.suffix == ".parquet" else ""
        found[name] = sorted(found.get(name, []) + lines_in(path)) if rejects else lines_in(path)
    return found


def shows(path: Path) -> bool:
    """Whether a file is data, and not hidden as what waits is."""
    return path.name not in BOOKKEEPING and not any(part.startswith(".") for part in path.parts)


def lines_in(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return [json.dumps(row, ensure_ascii=False, default=str) for row in pq.read_table(path).to_pylist()]
    unpacked = {
        ".gz": lambda: gzip.decompress(path.read_bytes()),
        ".zst": lambda: zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read(),
    }.get(path.suffix, path.read_bytes)()
    return as_lines(unpacked.decode())


def as_lines(text: str) -> list[str]:
    return re.split(r"\r?\n", text)[:-1]


# --- what an example says at its end


def expected_block(done: Done, written: str) -> str:
    """The comment at the end of an example: the account of each output, and the lines that it showed before."""
    lines = ["# Expected:"]
    for output in done.summary.outputs.values():
        lines += account(output)
    for folder, number in SHOWN.findall(written):
        there = [line for path, inside in done.files.items() if path.startswith(f"{folder}/") for line in inside]
        lines.append(f"#   {folder}, line {number}: {shortened(there[int(number) - 1])}")
    return "\n".join(lines) + "\n"


def account(output: OutputSummary) -> Iterator[str]:
    dropped, rejected = sum(output.dropped.values()), sum(output.rejected.values())
    yield f"#   {output.name}: {output.read} read = {output.out} out + {dropped} dropped + {rejected} rejected"
    for word, counts in (("dropped", output.dropped), ("rejected", output.rejected), ("noted", output.noted)):
        if counts:
            yield from wrapped(f"{word}: {reasons(counts)}")
    for release in output.releases:
        used = "" if release.cap is None else f", {release.used} of {release.cap} used ({release.clause})"
        yield f"#     {release.state} to {release.recipient}: {release.units} {OBJECTS[release.unit]}{used}"
    if not output.releases:
        yield from wrapped(f"files: {', '.join(Path(file).name for file in output.files)}")


def wrapped(text: str) -> list[str]:
    """Comment lines, broken only after commas."""
    unbroken = re.sub(r"(?<!,) ", "\u00a0", text)
    lines = textwrap.wrap(
        unbroken, WIDTH, initial_indent="#     ", subsequent_indent="#       ", break_on_hyphens=False
    )
    return [line.replace("\u00a0", " ") for line in lines]


def shortened(line: str) -> str:
    return line if len(line) <= HEAD + TAIL else f"{line[:HEAD]} … {line[-TAIL:]}"


def reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {n}" for reason, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def split(name: str) -> tuple[str, str]:
    """An example, and the block at its end."""
    text = (EXAMPLES / f"{name}.yaml").read_text("utf-8")
    start = text.find("# Expected:")
    return (text[:start], text[start:]) if start >= 0 else (text, "")


# --- the promises


@pytest.fixture(scope="module", params=NAMES)
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Done:
    return do(request.param, tmp_path_factory.mktemp(request.param))


def test_every_example_says_what_to_expect(done: Done) -> None:
    """At the end of each example stands what it gives: counts, reasons, file names and a few lines."""
    _, written = split(done.name)
    assert written, "an example ends with # Expected:"
    assert SHOWN.search(written), "an example shows some of what comes out"
    assert written == expected_block(done, written)


def test_every_example_gives_the_lines_that_lie_in_expected(done: Done) -> None:
    """Each line of each output is known before, and there is no other file."""
    folder = EXAMPLES / "expected" / done.name
    expected = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    given = {str(Path(*Path(path).parts[2:])): lines for path, lines in done.files.items()}
    assert sorted(given) == sorted(expected)
    for path, lines in given.items():
        assert lines == as_lines(expected[path].read_text("utf-8")), path


def test_every_example_balances_within_its_limit_of_rejects(done: Done) -> None:
    """No record disappears, and no example fails."""
    assert all(output.balanced for output in done.summary.outputs.values())
    assert not done.summary.too_many_rejects


def test_every_example_writes_below_a_folder_of_its_own(done: Done) -> None:
    """Examples can be run in one place, one after the other."""
    assert {Path(path).parts[1] for path in done.files} == {done.name}


def test_the_sample_data_are_of_all_families() -> None:
    """What is read by the first example holds every family of payloads, and lines that cannot be read."""
    _, written = split("first")
    families = "v1_delete v2_compliance v1_user v2_user_page v1_dm_event v2_dm_event account_activity xaa_event"
    reasons = "author_protected repost_of_nonpublic community_only withheld_everywhere not_json unknown_shape"
    assert [word for word in f"{families} {reasons}".split() if word not in written] == []
    data = {path.name for path in (EXAMPLES / "data").iterdir()}
    assert {path.split(".", 1)[1] for path in data} == {"jsonl", "json", "jsonl.gz", "parquet"}


def test_nobody_is_named_in_the_rows_of_the_examples() -> None:
    """The handles, names, ids and links of the sample data stand in no row; only what people write in texts stays."""
    stream = (EXAMPLES / "data/stream-v1.jsonl").read_text("utf-8").replace("\\/", "/")
    found = re.findall(r'"(?:screen_name|id_str)":"(\w+)"|(https?://[^\s"]+)', stream)
    identifiers = {handle or link for handle, link in found}
    assert len(identifiers) > 30
    rows = "".join(path.read_text("utf-8") for path in (EXAMPLES / "expected").rglob("rows-*"))
    assert rows
    assert not [identifier for identifier in identifiers if identifier in rows]


# --- writing it anew


def write_anew() -> None:
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            done = do(name, Path(folder))
        example, written = split(name)
        (EXAMPLES / f"{name}.yaml").write_text(example + expected_block(done, written), "utf-8")
        shutil.rmtree(EXAMPLES / "expected" / name, ignore_errors=True)
        for path, lines in done.files.items():
            to = EXAMPLES / "expected" / name / Path(*Path(path).parts[2:])
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_text("".join(f"{line}\n" for line in lines), "utf-8")


if __name__ == "__main__":
    sys.exit(write_anew())
