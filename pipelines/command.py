"""The command ``xsieve``. What is heavy is imported where it is needed: ``--help`` answers at once."""

import gc
import io
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from xsieve.pipelines.command_outflow import AsOf, ledger_app, moment, release
from xsieve.pipelines.lean import OTHERS, YOUNG_OBJECTS, unimported

if TYPE_CHECKING:
    from xsieve.pipelines.settings import Settings
    from xsieve.transforms.records.catalog import Catalog


class Exit(IntEnum):
    """Exit codes. A mistaken command line is SETTINGS too."""

    ERROR = 1
    SETTINGS = 2
    WITHHELD = 3
    REJECTS = 4
    INTERRUPTED = 130


app = typer.Typer(
    help="A sieve between the ingestion of X (Twitter) data and its storage.",
    epilog="Exit codes: 0 done, 1 error, 2 bad settings, 3 something was withheld, 4 too much was rejected.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # --help takes twice as long with it
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
PipelineFile = Annotated[str, typer.Argument(metavar="PIPELINE.yaml", help="The settings of the pipeline.")]
Plain = Annotated[bool, typer.Option("--plain", help="Plain lines instead of bars and colours.")]


def main() -> None:
    """Run the command."""
    gc.set_threshold(YOUNG_OBJECTS)
    logging.disable(logging.WARNING)  # what libraries warn of at import is not for those who run the command
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="xsieve")
    finally:
        gc.freeze()  # what is left goes with the process; the collector would look at all of it once more


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"xsieve {version('xsieve')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
]


@app.callback()
def _common(version: Version = False) -> None:
    pass


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    pipeline: PipelineFile,
    plain: Plain = False,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the summary as JSON too; - is stdout.")
    ] = None,
    cores: Annotated[
        str | None, typer.Option(metavar="N", help="Processes to use, or all. By default chosen by size.")
    ] = None,
    truncate: Annotated[bool, typer.Option("--truncate", help="Of ids, release as many as fit, the lowest.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count, and say what would be withheld; write nothing.")
    ] = False,
    as_of: AsOf = None,
    shared_folder: Annotated[
        list[str] | None, typer.Option(metavar="FOLDER", help="A folder that all workers of a cluster have.")
    ] = None,
) -> None:
    """Run a pipeline. Options of Apache Beam may follow, such as --runner or --direct_num_workers."""
    _check_order([pipeline, *context.args])
    beam_options = [*context.args, *_workers(cores)]
    _check_json_file(json_file)
    if as_of and not dry_run:
        raise typer.BadParameter("goes with --dry-run: what is counted is counted now", param_hint="--as-of")
    at = moment(as_of)
    with errors(pipeline, "interrupted; no output is half published"):
        from xsieve.pipelines import show

        settings, _ = settings_and_catalog(pipeline)
        settings = truncating(settings) if truncate else settings
        _check_beam_options(context.args)
        warned = _warn(_warnings(settings))
        if settings.streaming:
            _stream(settings, beam_options, shared_folder or (), dry_run)
            return
        with unimported(OTHERS if _stays_here(settings, context.args) else ()):
            from xsieve.pipelines.run import run as run_pipeline

        with show.progress(show.Screen(sys.stderr, plain)) as tell:
            summary = run_pipeline(settings, beam_options, tell, dry_run=dry_run, as_of=at, shared=shared_folder or ())
        _warn(warning for warning in summary.warnings if warning not in warned)
        show.summary(summary, show.Screen(sys.stderr if json_file == "-" else sys.stdout, plain))
        if json_file:
            _write_json(summary.as_dict(), json_file)
        if summary.too_many_rejects:
            most = f"max_rejects allows {summary.max_rejects * 100:.10g}%"
            _fail(Exit.REJECTS, f"too much was rejected: {summary.rejected_share * 100:.3g}%; {most}")
        if summary.withheld and not dry_run:
            fail_withheld(summary.withheld)


@app.command()
def explain(pipeline: PipelineFile) -> None:
    """Say in numbered English what a pipeline does, and why."""
    with errors(pipeline):
        from xsieve.pipelines.explain import explain as sentences

        settings, catalog = settings_and_catalog(pipeline)
        _warn(_warnings(settings))
        for sentence in sentences(settings, catalog):
            typer.echo(sentence)


@app.command()
def inspect(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help="Files, folders or patterns.")],
    exclude: Annotated[list[str] | None, typer.Option(help="Files that are not read.")] = None,
    sample: Annotated[int, typer.Option(metavar="N", min=1, help="Look at one payload of N.")] = 1,
    catalog: Annotated[list[str] | None, typer.Option(help="Tables of your own fields.")] = None,
    unknown: Annotated[bool, typer.Option("--unknown", help="Only fields that no table names.")] = False,
    sensitive: Annotated[bool, typer.Option("--sensitive", help="Only what tells of sensitive things.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    plain: Plain = False,
) -> None:
    """Show which fields files hold and what happens to them.

    Never a value; nor keys that may be data, which are shown as ?.
    """
    with errors("inspect"):
        from xsieve.pipelines import inspect_files, show

        with show.progress(show.Screen(sys.stderr, plain)) as tell:
            report = inspect_files.take_census(files, exclude or (), sample, catalog or (), tell)
        report = inspect_files.only(report, unknown, sensitive)
        if as_json:
            _write_json(inspect_files.as_dict(report), "-")
        else:
            inspect_files.show(report, show.Screen(sys.stdout, plain))


@app.command()
def schema(
    rows: Annotated[bool, typer.Option("--rows", help="The columns of rows instead.")] = False,
    plain: Plain = False,
) -> None:
    """Print the JSON Schema of the settings, for editors."""
    with errors("schema"):
        if not rows:
            from xsieve.pipelines.settings import json_schema

            _write_json(json_schema(), "-")
            return
        from xsieve.configs import table
        from xsieve.pipelines import show

        columns = ("column", "type", "on", "meaning")
        lines = [show.Row([line.cells[name] for name in columns]) for line in table("rows.tsv")]
        show.Screen(sys.stdout, plain).table(columns, lines)


# --- what is given


def _check_order(given: Sequence[str]) -> None:
    """Beam's options are not known here, so that nothing but order tells the pipeline from their values."""
    if given[0].startswith("-"):
        raise typer.BadParameter("the pipeline comes first, options of Apache Beam after it")
    if len(given) > 1 and not given[1].startswith("-"):
        raise typer.BadParameter("one pipeline at a time; what follows it are options")


def _workers(cores: str | None) -> list[str]:
    """``--cores`` as the option of Beam that it stands for."""
    if cores is None:
        return []
    if cores != "all" and not (cores.isascii() and cores.isdigit() and int(cores) > 0):
        raise typer.BadParameter("a number of processes, or all", param_hint="--cores")
    return [f"--direct_num_workers={(os.cpu_count() or 1) if cores == 'all' else int(cores)}"]


def _stays_here(settings: "Settings", beam_options: list[str]) -> bool:
    """Whether a run goes from files of this machine to files of this machine, on the runner that is the default."""
    return not beam_options and "://" not in settings.model_dump_json()


def _check_beam_options(given: Sequence[str]) -> None:
    """Beam passes over options that it does not know. A runner of one's own may know more of them."""
    if not given or any(option.partition("=")[0] == "--runner" for option in given):
        return
    from argparse import ArgumentParser

    from apache_beam.options.pipeline_options import PipelineOptions

    def refuse(message: str) -> NoReturn:
        raise typer.BadParameter(message)

    found: list[ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=found.append)
    (parser,) = found
    parser.error = refuse  # instead of leaving the program with a page of options
    unknown = parser.parse_known_args(list(given))[1]
    if unknown:
        refuse(f"{unknown[0]} is an option of neither xsieve nor Apache Beam")


def _stream(settings: "Settings", beam_options: Sequence[str], shared: Sequence[str], dry_run: bool) -> None:
    """Run a stream, and say what it counted once it ends."""
    if dry_run:
        raise typer.BadParameter("is for batches: a stream has no end to count up to", param_hint="--dry-run")
    from xsieve.pipelines.stream_run import run_stream

    counted = run_stream(settings, beam_options, lambda text: typer.echo(text, err=True), shared)
    for name, number in sorted(counted.items()):
        typer.echo(f"{name:<32} {number:,}")


def truncating(settings: "Settings") -> "Settings":
    """The settings with ``truncate: true`` in every output of ids that goes to somebody."""
    outputs = {
        name: output.model_copy(update={"truncate": True}) if output.kind == "ids" and output.receivers else output
        for name, output in settings.outputs.items()
    }
    return settings.model_copy(update={"outputs": outputs})


def _check_json_file(file: str | None) -> None:
    if not file or file == "-":
        return
    if not Path(file).absolute().parent.is_dir():
        raise typer.BadParameter("the folder of that file is not there", param_hint="--json")
    if Path(file).is_dir():
        raise typer.BadParameter("is a folder; expected a file", param_hint="--json")


def settings_and_catalog(pipeline: str) -> "tuple[Settings, Catalog]":
    """The settings, and the field tables that they name. Raises SettingsError and TableError."""
    from xsieve.pipelines.settings import Mistake, SettingsError, load
    from xsieve.transforms.records.catalog import load as load_catalog

    settings = load(pipeline)
    try:
        return settings, load_catalog(settings.catalogs or ())
    except (OSError, UnicodeError):
        raise SettingsError([Mistake("catalogs", "cannot be read; expected tables in UTF-8")]) from None


def _warnings(settings: "Settings") -> list[str]:
    from xsieve.pipelines.settings import warnings

    return warnings(settings)


def settings_of(pipeline: str) -> "Settings":
    """The settings in a file. Raises SettingsError and TableError."""
    return settings_and_catalog(pipeline)[0]


# --- what is said


def _warn(warnings: Iterable[str]) -> list[str]:
    said = list(warnings)
    for warning in said:
        typer.echo(f"warning: {warning}", err=True)
    return said


def _write_json(data: dict[str, Any], file: str) -> None:
    import json

    text = json.dumps(data, indent=2)
    if file == "-":
        typer.echo(text)
        return
    try:
        Path(file).write_text(f"{text}\n", "utf-8")
    except OSError as error:
        _fail(Exit.ERROR, f"{file}: cannot be written{_system_says(error)}")


@contextmanager
def errors(what: str, interrupted: str = "interrupted") -> Iterator[None]:
    """Errors as one clear line and an exit code, mistakes in settings as a line each."""
    try:
        yield
    except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        _fail(Exit.INTERRUPTED, interrupted)
    except Exception as error:
        code, lines = _told(error, what)
        _fail(code, *lines)


def fail_withheld(releases: Sequence[str]) -> NoReturn:
    """Say what is withheld, and end."""
    which = releases[0] if len(releases) == 1 else f"{len(releases):,} releases"
    _fail(Exit.WITHHELD, f"withheld: {which}; kept whole; `xsieve release --pipeline PIPELINE.yaml` lists what waits")


def _fail(code: Exit, *lines: str) -> NoReturn:
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(code) from None


def _told(error: Exception, what: str) -> tuple[Exit, list[str]]:
    """What may be said of an error. Texts of our own are safe to show; those of libraries may quote data."""
    if not type(error).__module__.startswith("xsieve."):
        kind, place = type(error).__name__, _place_of(error)
        return Exit.ERROR, [f"error: failed inside: {kind}{_system_says(error)}{place}"]
    if mistakes := getattr(error, "mistakes", ()):
        number = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        return Exit.SETTINGS, [f"{what}: {number}", *map(str, mistakes)]
    of_settings = type(error).__name__ in ("PlanError", "TableError")
    return (Exit.SETTINGS, [f"{what}: {error}"]) if of_settings else (Exit.ERROR, [f"error: {error}"])


def _system_says(error: Exception) -> str:
    return f" ({os.strerror(error.errno)})" if isinstance(error, OSError) and error.errno else ""


def _place_of(error: Exception) -> str:
    """Where in our own code it happened: what a report of a defect needs, and holds no data."""
    from traceback import extract_tb

    home = Path(__file__).parents[1]
    ours = [frame for frame in extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(home)]
    return f" in {Path(ours[-1].filename).relative_to(home)}, line {ours[-1].lineno}" if ours else ""


app.command()(release)
app.add_typer(ledger_app, name="ledger")


if __name__ == "__main__":
    main()
