"""The command ``xsieve``. What is heavy is imported where it is needed, so that ``--help`` answers at once."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from xsieve.pipelines.settings import Settings
    from xsieve.pipelines.show import Screen


class Exit(IntEnum):
    """Exit codes. Mistakes in the command line are SETTINGS too."""

    DONE = 0
    ERROR = 1
    SETTINGS = 2
    WITHHELD = 3  # kept for releases that their limits hold back
    REJECTS = 4  # more was rejected than max_rejects allows
    INTERRUPTED = 130


app = typer.Typer(
    help="A sieve between the ingestion of X (Twitter) data and its storage.",
    epilog="Exit codes: 0 done, 1 error, 2 bad settings, 3 something was withheld, 4 too much was rejected.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # half the time that --help takes
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PipelineFile = Annotated[Path, typer.Argument(metavar="PIPELINE.yaml", help="The settings of the pipeline.")]
Plain = Annotated[bool, typer.Option("--plain", help="Plain lines instead of bars and colours.")]


def main() -> None:
    """Run the command."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # both are text streams here
    app(prog_name="xsieve")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"xsieve {version('xsieve')}")
        raise typer.Exit


@app.callback()
def _common(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What all commands share."""


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    pipeline: PipelineFile,
    plain: Plain = False,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the summary as JSON too; - is stdout.")
    ] = None,
) -> None:
    """Run a pipeline. Any option of Apache Beam may follow, such as --runner or --direct_num_workers."""
    _check_order(pipeline, context.args)
    _check_json_file(json_file)
    from xsieve.pipelines import show

    screen = show.Screen(sys.stderr, plain)
    with _errors(pipeline, "interrupted; what was not published by now is removed"):
        settings, warned = _settings(pipeline), _warn
        seen = warned(_warnings(settings))
        from xsieve.pipelines.run import run as run_pipeline

        with show.progress(screen) as tell:
            summary = run_pipeline(settings, context.args, tell)
        _warn([warning for warning in summary.warnings if warning not in seen])
        show.summary(summary, show.Screen(sys.stderr if json_file == "-" else sys.stdout, plain))
        if json_file:
            _write_json(summary.as_dict(), json_file)
    if summary.too_many_rejects:
        _complain(f"more was rejected than max_rejects allows ({summary.max_rejects * 100:.3g}%)")
        raise typer.Exit(Exit.REJECTS)
