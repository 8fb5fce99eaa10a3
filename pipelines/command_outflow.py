"""The commands of outflow: ``release`` hands over what waits, ``ledger`` shows and corrects the account."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from xsieve.pipelines.settings import Settings
    from xsieve.transforms.ledger import Ledger

VARIABLE = "XSIEVE_LEDGER"
PipelineOption = Annotated[
    str | None,
    typer.Option("--pipeline", metavar="PIPELINE.yaml", help="The settings whose ledger and declarations count."),
]
LedgerOption = Annotated[
    str | None, typer.Option("--ledger", metavar="URL", help=f"The ledger, if no pipeline names it; else ${VARIABLE}.")
]
By = Annotated[str | None, typer.Option("--by", metavar="PERSON", help="Who decides. Stands in the ledger.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="As it was or will be then (UTC). Only shown.")
]
Format = Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="table, json or csv.")]

ledger_app = typer.Typer(help="Show and correct the account of what left the house.", no_args_is_help=True)


def moment(text: str | None) -> datetime | None:
    """A time of the command line, in UTC unless it says otherwise. Raises BadParameter."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise typer.BadParameter(
            "a date or time such as 2026-11-26 or 2026-11-26T09:14Z", param_hint="--as-of"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


@contextmanager
def _opened(pipeline: str | None, url: str | None) -> "Iterator[tuple[Ledger, Settings | None]]":
    """The ledger that is meant, and the settings if they were given. It is never made here."""
    from xsieve.pipelines.command import settings_of
    from xsieve.transforms.ledger import open_ledger

    settings = settings_of(pipeline) if pipeline else None
    found = url or (settings.ledger if settings else None) or os.environ.get(VARIABLE)
    if not found:
        unnamed = "the settings name none; give --ledger" if pipeline else "give --pipeline or --ledger"
        raise typer.BadParameter(f"which ledger? {unnamed}, or set {VARIABLE}")
    with open_ledger(found, create=False) as ledger:
        yield ledger, settings


def release(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="An output or a release; none lists all.")] = None,
    by: By = None,
    recipient: Annotated[str | None, typer.Option(metavar="NAME", help="Only what is for that recipient.")] = None,
    truncate: Annotated[bool, typer.Option("--truncate", help="As many ids as fit, the lowest.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Give it up instead, with its files.")] = False,
    request: Annotated[bool, typer.Option("--request", help="Print a letter that asks X for permission.")] = False,
    pipeline: PipelineOption = None,
    ledger: LedgerOption = None,
    format_: Format = "table",
) -> None:
    """Hand over what is prepared or withheld; without a NAME, list it."""
    from xsieve.pipelines.command import errors, fail_withheld

    with errors("release"), _opened(pipeline, ledger) as (opened, settings):
        from xsieve.pipelines import hand_over as hands
        from xsieve.pipelines import show_outflow

        now = datetime.now(timezone.utc)
        if name is None:
            show_outflow.waiting(hands.waiting(opened), format_)
            return
        found = hands.chosen(opened, name, recipient)
        if request:
            for letter in hands.letters(opened, found, _needed(settings), now):
                typer.echo(letter)
            return
        if not by:
            raise typer.BadParameter("who hands it over? A person answers for it", param_hint="--by")
        if discard:
            for one in found:
                hands.give_up(opened, one, by)
                typer.echo(f"{one.known.offer.release}: given up")
            return
        told = [hands.hand_over(opened, one, by, now, settings, truncate) for one in found]
        for line in show_outflow.releases(told):
            typer.echo(line)
        if withheld := [one.release for one in told if one.state != "published"]:
            fail_withheld(withheld)


def _needed(settings: "Settings | None") -> "Settings":
    if settings is None:
        raise typer.BadParameter("the letter is made of the settings", param_hint="--pipeline")
    return settings


@ledger_app.command()
def show(
    pipeline: PipelineOption = None,
    ledger: LedgerOption = None,
    as_of: AsOf = None,
    releases: Annotated[bool, typer.Option("--releases", help="Every release, with its state.")] = False,
    events: Annotated[bool, typer.Option("--events", help="Every entry of the account.")] = False,
    stale: Annotated[
        int | None, typer.Option(metavar="HOURS", min=0, help="What is reserved longer than that, and not published.")
    ] = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw it instead, as .svg or .png (needs the extra plot).")
    ] = None,
    format_: Format = "table",
) -> None:
    """Who received how much: used, left, and when it frees up."""
    from xsieve.pipelines.command import errors

    at = moment(as_of)
    with errors("ledger"), _opened(pipeline, ledger) as (opened, settings):
        from xsieve.pipelines import show_outflow

        caps = settings.profile.caps if settings else {}
        if plot:
            from xsieve.pipelines.plots import plot_usage

            plot_usage(opened, caps, at or datetime.now(timezone.utc), plot)
            typer.echo(plot)
        elif events:
            show_outflow.events(opened.events(), format_)
        elif releases or stale is not None:
            show_outflow.known(_known(opened, stale), format_)
        else:
            show_outflow.usage(opened.usage(at), caps, format_)


def _known(ledger: "Ledger", stale: int | None) -> list:
    from datetime import timedelta

    return ledger.releases() if stale is None else ledger.stale(timedelta(hours=stale))


@ledger_app.command()
def void(
    name: Annotated[str, typer.Argument(metavar="RELEASE", help="The id of a release.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why. Stands in the ledger.")],
    by: Annotated[str, typer.Option("--by", metavar="PERSON", help="Who decides. Stands in the ledger.")],
    pipeline: PipelineOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Give up a release. Units that were never published are given back; what has left stays counted."""
    from xsieve.pipelines.command import errors

    with errors("ledger"), _opened(pipeline, ledger) as (opened, _):
        from xsieve.pipelines.release import tell_ledger

        known = opened.release(name)
        if known and known.offer.place:
            tell_ledger(opened, known.offer.place)  # what a crash left untold has left all the same
        units = opened.void(name, reason=reason, by=by)
        typer.echo(
            f"{name}: void; {units:,} units no longer count" if units else f"{name}: void; what has left still counts"
        )
