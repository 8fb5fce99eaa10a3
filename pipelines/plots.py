"""Plots of the account: an entity's rolling 30 days and a recipient's days, against their limits."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from xsieve.pipelines.release import ReleaseError
from xsieve.transforms.records.outflow import Cap, Unit

if TYPE_CHECKING:
    from xsieve.transforms.ledger import Ledger

PAST, AHEAD = 45, 30  # days shown before and after the moment that is asked for
MOST = 12  # entities and recipients in one picture, those who used most
FORMATS = (".svg", ".png")
TITLES = {"rolling_30_days": "{name}: {unit}s in any 30 days", "utc_day": "{name}: {unit} a day (UTC)"}


class Line(NamedTuple):
    """What one entity or recipient had used at the end of each day, and the cap that holds."""

    name: str
    unit: Unit
    span: str
    days: list[datetime]
    used: list[int]
    cap: int | None


def lines(ledger: "Ledger", caps: Mapping[Unit, Cap], at: datetime) -> list[Line]:
    """What is drawn: whoever used anything that counts against a cap, those who used most first."""
    today = datetime.combine(at.astimezone(timezone.utc).date(), time.max, timezone.utc)
    days = [today + timedelta(days=number) for number in range(-PAST, AHEAD + 1)]
    found: dict[tuple[str, Unit], Line] = {}
    for number, day in enumerate(days):
        for one in ledger.usage(day):
            named = caps.get(one.unit)
            cap = one.cap if one.cap is not None else named.units if named else None
            line = found.setdefault(
                (one.name, one.unit), Line(one.name, one.unit, one.span, days, [0] * len(days), cap)
            )
            line.used[number] = one.used
    capped = [line for line in found.values() if line.cap is not None and any(line.used)]
    return sorted(capped, key=lambda line: (-max(line.used), line.name))[:MOST]


def plot_usage(ledger: "Ledger", caps: Mapping[Unit, Cap], at: datetime, path: str) -> None:
    """Draw the account as it was, is and will be if nothing more is released. Raises ReleaseError."""
    if not path.endswith(FORMATS):
        raise ReleaseError(f"{path}: a plot is a file that ends in {' or '.join(FORMATS)}")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ReleaseError("plots need matplotlib: pip install 'xsieve[plot]'") from None
    drawn = lines(ledger, caps, at)
    figure = Figure(figsize=(9, 2.6 * max(1, len(drawn))), layout="constrained")
    if not drawn:
        figure.text(0.5, 0.5, "Nothing counts against a limit in these days.", ha="center")
    for axes, line in zip(_axes(figure, len(drawn)), drawn, strict=True):
        _draw(axes, line, at)
    try:
        figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)
    except OSError:
        raise ReleaseError(f"{path}: cannot be written") from None


def _axes(figure: Any, number: int) -> Sequence[Any]:
    return figure.subplots(number, 1, squeeze=False)[:, 0] if number else []


def _draw(axes: Any, line: Line, at: datetime) -> None:
    """Days as bars, a rolling span as steps; the limit as a line; what lies ahead is paler."""
    if line.span == "utc_day":
        days = [day.date() for day in line.days]
        axes.bar(days, line.used, color="#4477aa")
    else:
        axes.fill_between(line.days, line.used, step="pre", color="#4477aa", alpha=0.8)
        axes.axvspan(at, line.days[-1], color="white", alpha=0.5, lw=0)
    axes.axhline(line.cap, color="#cc3311", lw=1.5, label=f"limit {line.cap:,}")
    axes.axvline(at, color="black", lw=0.8, ls=":")
    axes.set_ylim(0, max(line.cap or 0, *line.used) * 1.1)
    axes.set_title(TITLES[line.span].format(name=line.name, unit=line.unit.replace("_", " ")), loc="left")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.legend(loc="upper left", frameon=False)
