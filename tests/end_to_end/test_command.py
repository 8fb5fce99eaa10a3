"""The command: what it says, where it says it, and the exit codes that scripts rely on."""

import io
import json
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import Mix, batch, examples, lines
from planting import Haystack
from typer.testing import CliRunner

from xsieve.configs import table
from xsieve.pipelines import inspect_files, show
from xsieve.pipelines.command import app
from xsieve.pipelines.execute import RunError
from xsieve.pipelines.settings import Settings, json_schema
from xsieve.pipelines.streams import SourceError
from xsieve.pipelines.summary import OutputSummary, Progress, Summary
from xsieve.transforms.records.census import TOLD_FROM, Census
from xsieve.transforms.records.plan import PlanError

PIPELINE = """
policy: base-2024
collection: {access: app_only}
input: {read: files, path: data/*.jsonl}
outputs:
  trends: {kind: rows, write: {path: out/trends}}
"""
SECRET = "kaninchen1212092628029698048"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def call(*args: str) -> Any:
    return CliRunner().invoke(app, args)


def post(number: int, **more: Any) -> bytes:
    user = {"id_str": str(7007 + number), "screen_name": "kaninchen", "protected": False}
    made = {"id_str": str(1212092628029698048 + number), "text": "so schön hier 🎉", "user": user, **more}
    return json.dumps(made).encode() + b"\n"


def summary(**changed: Any) -> Summary:
    dropped = {"author_protected": 60, "where_lang": 39}
    output = OutputSummary(
        "trends",
        "rows",
        1_000,
        900,
        dropped,
        {"not_json": 1},
        {"mistyped_leaf": 7},
        ["out/trends/rows-0.jsonl"],
        "published",
    )
    source = {"number": 0, "path": "data/a.jsonl", "size": 3_000_000}
    values = {
        "outputs": {"trends": output},
        "sources": [source],
        "seconds": 2.0,
        "runner": "FnApiRunner",
        "workers": 1,
        "rejected_share": 0.001,
        "max_rejects": 0.001,
        **changed,
    }
    return Summary(**values)


class FakeRun:
    """Stands in for a run: remembers how it was called, and returns or raises what it is told to."""

    def __init__(self) -> None:
        self.outcome: Summary | BaseException = summary()
        self.options: list[str] | None = None
        self.how: dict[str, object] = {}
        self.steps: list[Progress] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(
        self, settings: Settings, options: list[str], progress: Callable[[Progress], None], **how: object
    ) -> Summary:
        self.options, self.how = options, how
        self.meanwhile()
        for step in self.steps:
            progress(step)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeRun:
    """A pipeline.yaml in the working directory, and a run that does nothing."""
    run = FakeRun()
    monkeypatch.setattr("xsieve.pipelines.run.run", run)
    monkeypatch.chdir(tmp_path)
    Path("pipeline.yaml").write_text(PIPELINE, "utf-8")
    return run


# --- run


def test_a_run_that_is_done_ends_with_0_and_its_account(fake: FakeRun) -> None:
    """The account adds up before the reader's eyes, by reason, and says where the files are."""
    done = call("run", "pipeline.yaml")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "trends: 1,000 read = 900 out + 99 dropped + 1 rejected" in done.stdout
    assert "dropped   author_protected 60, where_lang 39" in done.stdout
    assert "rejected  not_json 1" in done.stdout
    assert "noted     mistyped_leaf 7" in done.stdout
    assert "published out/trends/rows-0.jsonl" in done.stdout
    assert "Read 1 file, 3.0 MB in 2.0 s (1.5 MB/s); FnApiRunner, 1 worker." in done.stdout
    assert "Rejected: 0.1% of what was read, not listed" in done.stdout


def test_an_account_that_does_not_add_up_says_so(fake: FakeRun) -> None:
    """A balance that is off is never shown as one."""
    output = summary().outputs["trends"]
    fake.outcome = summary(outputs={"trends": OutputSummary(**{**output.__dict__, "out": 899})})
    assert "1,000 read DOES NOT EQUAL 899 out" in call("run", "pipeline.yaml").stdout


def test_several_files_are_named_by_their_folder(fake: FakeRun) -> None:
    """A thousand files are one line."""
    output = summary().outputs["trends"]
    files = [f"gs://bucket/out/rows-{n}.jsonl" for n in range(1_000)]
    fake.outcome = summary(outputs={"trends": OutputSummary(**{**output.__dict__, "files": files})})
    assert "published 1,000 files in gs://bucket/out\n" in call("run", "pipeline.yaml").stdout


def test_more_rejects_than_allowed_end_with_4_after_the_account(fake: FakeRun) -> None:
    """The account is shown all the same, and where the rejects are."""
    fake.outcome = summary(rejected_share=0.0011, rejects_path="out/rejects")
    done = call("run", "pipeline.yaml")
    assert done.exit_code == 4
    assert "900 out" in done.stdout
    assert "listed in out/rejects" in done.stdout
    assert done.stderr == "too much was rejected: 0.11%; max_rejects allows 0.1%\n"


def test_all_mistakes_in_settings_are_told_and_end_with_2(fake: FakeRun) -> None:
    """One line each, with the dotted path, and no run."""
    Path("pipeline.yaml").write_text(PIPELINE.replace("kind: rows", "kind: rows, txt: 1, time: week"), "utf-8")
    for command in ("run", "explain"):
        done = call(command, "pipeline.yaml")
        first, *mistakes = done.stderr.splitlines()
        assert (done.exit_code, done.stdout, first) == (2, "", "pipeline.yaml: 2 mistakes")
        assert [line.partition(":")[0] for line in mistakes] == ["outputs.trends.time", "outputs.trends.txt"]
    assert fake.options is None


def test_tables_of_ones_own_that_cannot_be_used_are_mistakes_too(fake: FakeRun) -> None:
    """A missing table and a bad one end with 2 and name what is wrong."""
    Path("pipeline.yaml").write_text(PIPELINE + "catalogs: mine.tsv\n", "utf-8")
    done = call("run", "pipeline.yaml")
    assert (done.exit_code, done.stderr.splitlines()[1].partition(":")[0]) == (2, "catalogs")
    Path("mine.tsv").write_text("object\tfield\ttype\tclass\nv1.post\tx\ttext\tnonsense\n", "utf-8")
    done = call("run", "pipeline.yaml")
    assert done.exit_code == 2
    assert done.stderr.startswith("pipeline.yaml: mine.tsv:2: there is no class of that name")


@pytest.mark.parametrize(
    ("error", "code"),
    [(SourceError("source 3: is a zip archive"), 1), (RunError("run again"), 1), (PlanError("where"), 2)],
)
def test_our_own_errors_are_one_clear_line(fake: FakeRun, error: Exception, code: int) -> None:
    """What our own errors say is made to be shown."""
    fake.outcome = error
    done = call("run", "pipeline.yaml")
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (code, "", 1)
    assert str(error) in done.stderr


@pytest.mark.parametrize("error", [ValueError, KeyError, RuntimeError, OSError])
def test_errors_of_libraries_are_told_without_their_text(fake: FakeRun, error: type[Exception]) -> None:
    """Texts of libraries may quote data: only the kind of the error and a place in our own code are shown."""
    try:
        raise ValueError(SECRET)
    except ValueError as cause:
        fake.outcome = error(SECRET)
        fake.outcome.__cause__ = cause
    done = call("run", "pipeline.yaml")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: failed inside: {error.__name__} in ")
    assert SECRET not in done.output
    assert "Traceback" not in done.output


def test_a_full_disk_is_named(fake: FakeRun) -> None:
    """What the operating system says is no data."""
    fake.outcome = OSError(28, SECRET, SECRET)
    done = call("run", "pipeline.yaml")
    assert "No space left on device" in done.stderr
    assert SECRET not in done.output


def test_an_interrupted_run_ends_with_130_and_one_line(fake: FakeRun) -> None:
    """Ctrl-C is no crash."""
    fake.outcome = KeyboardInterrupt()
    done = call("run", "pipeline.yaml")
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr == "interrupted; no output is half published\n"


def test_a_dry_run_does_not_say_that_rejects_are_listed(fake: FakeRun) -> None:
    """Nothing was written; it says where they would be."""
    for dry_run, said in ((True, "would be listed in out/rejects."), (False, " read, listed in out/rejects.")):
        fake.outcome = summary(rejects_path="out/rejects", dry_run=dry_run)
        assert said in call("run", "pipeline.yaml", *["--dry-run"] * dry_run).stdout


def test_a_dry_run_and_its_time_are_handed_on(fake: FakeRun) -> None:
    """--dry-run and --as-of reach the run; without them it counts, and now."""
    call("run", "pipeline.yaml")
    assert fake.how == {"dry_run": False, "as_of": None, "shared": ()}
    call("run", "pipeline.yaml", "--dry-run", "--as-of", "2026-11-26T09:14Z")
    assert fake.how == {"dry_run": True, "as_of": datetime(2026, 11, 26, 9, 14, tzinfo=timezone.utc), "shared": ()}


def test_options_of_beam_are_handed_on(fake: FakeRun) -> None:
    """What is not the command's own goes to Beam, in order; its own may stand between."""
    options = ("--direct_num_workers", "2", "--plain", "--runner=FlinkRunner", "--flink_master", "here:8081")
    assert call("run", "pipeline.yaml", *options).exit_code == 0
    assert fake.options == ["--direct_num_workers", "2", "--runner=FlinkRunner", "--flink_master", "here:8081"]


@pytest.mark.parametrize(
    "args",
    [
        ("--runner", "FlinkRunner", "pipeline.yaml"),
        ("pipeline.yaml", "other.yaml"),
        ("pipeline.yaml", "--plian"),
        ("pipeline.yaml", "--direct_num_workers", "many"),
        ("pipeline.yaml", "--direct_num_workers", "2", "other.yaml"),
        ("pipeline.yaml", "--json", "no/such/folder.json"),
        ("pipeline.yaml", "--json", "."),
        (),
    ],
)
def test_mistaken_command_lines_end_with_2_and_no_run(fake: FakeRun, args: tuple[str, ...]) -> None:
    """A misspelt option is not passed over in silence."""
    assert call("run", *args).exit_code == 2
    assert fake.options is None


def test_the_summary_is_written_as_json(fake: FakeRun) -> None:
    """To a file beside the table, or alone to stdout, where the table then goes to stderr."""
    assert "900 out" in call("run", "pipeline.yaml", "--json", "done.json").stdout
    assert json.loads(Path("done.json").read_text("utf-8")) == summary().as_dict()
    done = call("run", "pipeline.yaml", "--json", "-")
    assert json.loads(done.stdout) == summary().as_dict()
    assert "900 out" in done.stderr


def test_a_json_file_that_cannot_be_written_ends_with_1(fake: FakeRun) -> None:
    """The reason is the operating system's."""
    fake.meanwhile = Path("taken").mkdir
    done = call("run", "pipeline.yaml", "--json", "taken")
    assert (done.exit_code, done.stderr) == (1, "taken: cannot be written (Is a directory)\n")


def test_warnings_are_said_once_and_before_the_run(fake: FakeRun) -> None:
    """Those of the settings come first, those of the run after it."""
    Path("pipeline.yaml").write_text(PIPELINE.replace("{access: app_only}", "{}"), "utf-8")
    fake.outcome = RunError("stopped")
    before = call("run", "pipeline.yaml").stderr.splitlines()
    assert [line.partition(":")[0] for line in before] == ["warning", "error"]
    known = before[0].removeprefix("warning: ")
    fake.outcome = summary(warnings=[known, "another one"])
    assert call("run", "pipeline.yaml").stderr.splitlines() == [before[0], "warning: another one"]


# --- what it looks like


def test_progress_is_a_plain_line_every_few_seconds_where_there_is_no_terminal(fake: FakeRun) -> None:
    """By the seconds of the run, on stderr; a short run says nothing."""
    fake.steps = [Progress(n * 1_000_000, 20_000_000, None, float(n)) for n in range(13)]
    assert call("run", "pipeline.yaml").stderr.splitlines() == [
        "read 5.0 MB of 20.0 MB (25%) in 5 s, 1.0 MB/s, about 15 s left",
        "read 10.0 MB of 20.0 MB (50%) in 10 s, 1.0 MB/s, about 10 s left",
    ]


def test_progress_of_nothing_is_no_division_by_zero() -> None:
    """Empty input, and the first moment of a run."""
    assert show.progress_line(Progress(0, 0, 0, 0.0)) == "read 0.0 kB of 0.0 kB (100%) in 0 s, 0 records"


def test_little_is_told_in_kilobytes() -> None:
    """Below a megabyte, of sizes and of rates: 0.0 MB would say nothing."""
    line = "read 1.2 kB of 2.0 MB (0%) in 2 s, 0.6 kB/s, about 3331 s left"
    assert show.progress_line(Progress(1_200, 2_000_000, None, 2.0)) == line


def test_a_terminal_gets_a_bar_and_a_ruled_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """With colours, in the width of the terminal; the account is the same."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    err, out = Terminal(), Terminal()
    with show.progress(show.Screen(err)) as tell:
        tell(Progress(5, 10, None, 1.0))
    show.summary(summary(), show.Screen(out))
    assert "\x1b[" in err.getvalue()
    assert "─" in out.getvalue()
    assert "1,000 read = 900 out" in out.getvalue()


@pytest.mark.parametrize("why", ["asked", "NO_COLOR", "TERM", "no terminal"])
def test_plain_output_is_ascii_without_escapes(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """Whatever the names, where plain output was asked for or is due."""
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value if name == why else "")
    stream = io.StringIO() if why == "no terminal" else Terminal()
    screen = show.Screen(stream, plain=why == "asked")
    screen.table(("path", "payloads"), [show.Row(["новое\x1b[31m\u202e", "1"], "red")], right=("payloads",))
    screen.say("é\n")
    assert stream.getvalue().isascii()
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 3


def test_what_could_steer_a_terminal_is_escaped_on_terminals_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of a field is no command to the terminal, nor markup."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert show.Screen(Terminal()).printable("новое\x1b[31m\u202e") == "новое\\x1b[31m\\u202e"
    stream = Terminal()
    show.Screen(stream).table(("path",), [show.Row(["[red]x[/red]"])])
    assert "[red]x[/red]" in stream.getvalue()


# --- inspect


def test_inspect_shows_class_and_fate_of_each_field(tmp_path: Path) -> None:
    """What a field is and what happens to it in each kind of output, unknown and sensitive ones marked."""
    (tmp_path / "a.jsonl").write_bytes(b"".join(post(n, mlPregnant=0.1, lang="de") for n in range(TOLD_FROM)))
    done = call("inspect", str(tmp_path))
    found = {cells[0]: cells[1:] for line in done.stdout.splitlines() if (cells := line.split())}
    assert done.exit_code == 0
    assert done.stdout.startswith("v1_post (v1.1 post")
    assert found["lang"] == ["language", "20", "text", "keep", "drop", "keep", "keep"]
    assert found["text"] == ["text", "20", "text", "scrub", "drop", "keep", "keep"]
    assert found["id_str"] == ["post_id", "20", "text", "drop", "keep", "keep", "keep"]
    assert found["mlPregnant"] == ["UNKNOWN", "20", "number", "drop", "drop", "drop", "drop", "pregnancy"]
    assert "user" not in found
    assert done.stdout.rstrip().endswith("20 payloads.")


def test_inspect_filters_unknown_and_sensitive_fields(tmp_path: Path) -> None:
    """Each filter alone, and both as either."""
    lines_ = (post(n, mlStance=1, mlPregnant=1, klout={"score": 1}) for n in range(TOLD_FROM))
    (tmp_path / "a.jsonl").write_bytes(b"".join(lines_))

    def shown(*options: str) -> set[str]:
        report = json.loads(call("inspect", str(tmp_path), "--json", *options).stdout)
        return {seen["path"] for shape in report["shapes"] for seen in shape["paths"]}

    unknown, sensitive = shown("--unknown"), shown("--sensitive")
    assert {"mlStance", "mlPregnant"} <= unknown
    assert "mlPregnant" in sensitive
    assert "mlStance" not in sensitive
    assert "text" not in unknown | sensitive
    assert shown("--unknown", "--sensitive") == unknown | sensitive
    assert shown() > unknown | sensitive


def test_inspect_reads_whatever_a_run_reads(tmp_path: Path) -> None:
    """Several files and formats, some excluded; what cannot be read is counted."""
    import gzip

    (tmp_path / "a.jsonl").write_bytes(post(1) + b"{cut\n")
    (tmp_path / "b.json").write_bytes(json.dumps([json.loads(post(2)), json.loads(post(3))], indent=2).encode())
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(post(4)))
    (tmp_path / "err.jsonl").write_bytes(post(5))
    report = json.loads(call("inspect", str(tmp_path), "--exclude", "err*", "--json").stdout)
    assert (report["payloads"], report["rejected"]) == (5, {"not_json": 1})
    assert [(shape["shape"], shape["payloads"]) for shape in report["shapes"]] == [("v1_post", 4)]


def test_inspect_samples(tmp_path: Path) -> None:
    """Of N payloads it looks at one, and says so."""
    (tmp_path / "a.jsonl").write_bytes(b"".join(map(post, range(10))))
    assert "10 payloads, 5 of them skipped." in call("inspect", str(tmp_path), "--sample", "2").stdout
    assert call("inspect", str(tmp_path), "--sample", "0").exit_code == 2


def test_inspect_knows_tables_of_ones_own(tmp_path: Path) -> None:
    """A declared field is no longer unknown."""
    (tmp_path / "a.jsonl").write_bytes(post(1, mlStance=1))
    (tmp_path / "mine.tsv").write_text("object\tfield\ttype\tclass\nv1.post\tmlStance\tint\tother_id\n", "utf-8")
    done = call("inspect", str(tmp_path / "a.jsonl"), "--catalog", str(tmp_path / "mine.tsv"), "--plain")
    assert ["mlStance", "other_id", "1"] in [line.split()[:3] for line in done.stdout.splitlines()]


def test_inspect_of_files_that_are_not_there_ends_with_1(tmp_path: Path) -> None:
    """One clear line, and nothing on stdout."""
    done = call("inspect", str(tmp_path / "none.jsonl"))
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)


@pytest.mark.parametrize(
    ("shape", "kinds"), [("v1_delete", {"drop"}), ("v2_dm_event", {"drop", "keep"}), ("unknown", {"drop"})]
)
def test_fields_of_shapes_that_pass_nowhere_are_dropped(shape: str, kinds: set[str]) -> None:
    """What a class may do is not what happens to it in a control message or a direct message."""
    made = {
        "v1_delete": {"delete": {"status": {"id_str": "1212092628029698048", "user_id_str": "7007"}}},
        "v2_dm_event": {"id": "1212092628029698048", "event_type": "MessageCreate", "text": "so schön"},
        "unknown": {"text": "so schön"},
    }
    counted = Census()
    counted.add(json.dumps(made[shape]).encode())
    (found,) = inspect_files.as_dict(counted.report())["shapes"]
    assert found["shape"] == shape
    assert {seen[kind] for seen in found["paths"] for kind in ("rows", "store")} == {"drop"}
    assert {seen["ids"] for seen in found["paths"]} == kinds


@settings(max_examples=examples(5))
@given(st.integers(0, 2**64))
def test_inspect_never_shows_what_payloads_hold(seed: int) -> None:
    """Identifiers planted as values and as keys, in every shape: neither tables nor JSON show one."""
    made = batch(random.Random(seed), 4, Mix(unknown=0.5))
    counted = Census()
    counted.add(lines(made) + b'{"cut": "' + SECRET.encode())
    report = counted.report()
    plain, coloured = io.StringIO(), Terminal()
    inspect_files.show(report, show.Screen(plain))
    inspect_files.show(report, show.Screen(coloured))
    said = [plain.getvalue(), coloured.getvalue(), json.dumps(inspect_files.as_dict(report), ensure_ascii=False)]
    assert not Haystack(said).found(one for payload in made for one in payload.planted)
    assert SECRET not in "".join(said)


def test_keys_that_are_ids_are_never_shown(tmp_path: Path) -> None:
    """Scores keyed by user, in a hundred payloads with the same users: one line for all of them."""
    scores = {str(880_000_100 + n): {"handle": f"kaninchen{n}", SECRET: 1} for n in range(30)}
    (tmp_path / "a.jsonl").write_bytes(b"".join(post(n, scores=scores) for n in range(100)))
    for option in ("--plain", "--json"):
        done = call("inspect", str(tmp_path), option)
        assert "scores.?.handle" in done.stdout
        assert not Haystack([done.output]).text.count("880")
        assert "kaninchen" not in done.output


# --- schema, explain, help


def test_schema_is_the_json_schema_of_the_settings() -> None:
    """As editors read it."""
    done = call("schema")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == json_schema()


def test_schema_of_rows_names_every_column_with_its_meaning() -> None:
    """All of them, from the table that makes the rows."""
    done = call("schema", "--rows", "--plain")
    shown = done.stdout.splitlines()
    columns = table("rows.tsv")
    assert len(shown) == len(columns) + 1
    for line, row in zip(shown[1:], columns, strict=True):
        assert line.split()[:2] == [row.cells["column"], row.cells["type"]]
        assert line.endswith(row.cells["meaning"])


def test_explain_says_it_in_numbered_sentences(fake: FakeRun) -> None:
    """On stdout; warnings go to stderr."""
    done = call("explain", "pipeline.yaml")
    sentences = done.stdout.splitlines()
    assert done.exit_code == 0
    assert [sentence.partition(".")[0] for sentence in sentences] == [str(n + 1) for n in range(len(sentences))]


def test_version_and_help_answer() -> None:
    """The version is that of the distribution; help names every command and the exit codes."""
    assert call("--version").stdout.startswith("xsieve ")
    help_ = call("--help")
    assert help_.exit_code == 0
    assert all(word in help_.stdout for word in ("run", "explain", "inspect", "schema", "Exit codes"))


HEAVY = (
    "pydantic",
    "apache_beam",
    "numpy",
    "msgspec",
    "pyarrow",
    "yaml",
    "rich",
    "xsieve.transforms",
    "xsieve.configs",
)


@pytest.mark.parametrize("args", [(), ("--help",), ("run", "--help"), ("--version",)])
def test_nothing_heavy_is_imported_before_it_is_needed(args: tuple[str, ...]) -> None:
    """Help answers at once because it loads nothing but the command line itself."""
    heavy = HEAVY if args != ("run", "--help") else HEAVY[1:]  # typer may read parameters by pydantic
    program = (
        "import sys\nfrom xsieve.pipelines.command import app\n"
        f"args = {list(args)!r}\n"
        "try:\n    args and app(args)\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_the_installed_command_answers(tmp_path: Path) -> None:
    """As a process of its own: exit code, streams, and a pipe that nobody reads to its end."""
    (tmp_path / "a.jsonl").write_bytes(post(1))
    command = [sys.executable, "-m", "xsieve.pipelines.command", "inspect", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"v1_post" in done.stdout
    missing = subprocess.run([*command, "nothing.here"], capture_output=True, check=False)
    assert (missing.returncode, missing.stdout) == (1, b"")
