"""A status on a terminal, redrawn; and as plain lines for logs and pipes."""

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gmmas_core.reporting.wording import number
from gmmas_core.types import DISCLAIMER
from server.dashboard import words
from server.dashboard.status import Alert, RunStatus, SiteRow

STYLES = {
    "training": "cyan",
    "evaluating": "cyan",
    "waiting": "cyan",
    "asked": "cyan",
    "replied": "green",
    "scored": "green",
    "ready": "green",
    "finished": "green",
    "late": "yellow",
    "left out": "yellow",
    "paused": "yellow",
    "stalled": "yellow",
    "quarantined": "red",
    "failed": "red",
    "serious": "red",
    "warning": "yellow",
}
MOST_ALERTS = 6


def view(status: RunStatus) -> RenderableType:
    """What a terminal shows; names come from outside and are drawn as they are, never as markup."""
    parts: list[RenderableType] = [_head(status)]
    if status.rounds_total:
        row = Table.grid(expand=True)  # a bar by itself does not end its line
        row.add_row(ProgressBar(total=status.rounds_total, completed=status.rounds_played))
        parts.append(row)
    parts += [_facts(status), _sites(status), _alerts(status)]
    if status.curves:
        parts.append(_scores(status))
    parts.append(Text(DISCLAIMER, style="dim"))
    return Group(*parts)


def line(status: RunStatus) -> str:
    """The run in one line of a log."""
    return _one_line(f"{words.clock(status.taken)} {words.headline(status)}; replied: {words.replies(status)}")


def alert_line(alert: Alert) -> str:
    """An alert in one line of a log."""
    where = f"round {alert.round}: " if alert.round is not None else ""
    who = f"{alert.site}: " if alert.site is not None else ""
    return _one_line(f"{words.clock(alert.time)} {alert.severity}: {where}{who}{alert.text}")


def _one_line(text: str) -> str:
    """Without control characters: a name from outside cannot forge a second line or move the cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _plain(text: str, style: str = "") -> Text:
    return Text(_one_line(text), style=style)


def _head(status: RunStatus) -> Panel:
    said = Text.assemble((f" {status.state} ", f"bold reverse {STYLES.get(status.state, '')}"), "  ")
    said.append_text(_plain(words.position(status)))
    if status.stage:
        said.append_text(_plain(f", {words.stage(status.stage)}"))
    if status.detail:
        said.append_text(_plain(f": {status.detail}"))
    if status.notice:
        said.append_text(_plain(f"\n{status.notice}".replace("\n", " | "), "yellow"))
    return Panel(said, title=_plain(status.name or "run"), title_align="left", box=box.SQUARE)


def _facts(status: RunStatus) -> Table:
    grid = Table.grid(padding=(0, 3))
    silent = f"{words.duration(status.silent_s)} ago" if status.silent_s is not None else words.UNKNOWN
    basis = words.end_basis(status)
    for name, value in (
        ("rounds end", f"{words.end(status)} ({basis})" if basis else words.end(status)),
        ("last sign of life", silent),
        ("weights moved", f"{words.size(status.sent)} sent, {words.size(status.received)} received"),
        ("run folder", f"{words.size(status.storage_bytes)}, {words.size(status.free_bytes)} free on its disk"),
    ):
        grid.add_row(Text(name, style="dim"), _plain(value))
    return grid


def _sites(status: RunStatus) -> RenderableType:
    if not status.sites:
        return Text("sites: unknown, none has been enlisted yet", style="dim")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("site", "now"):
        table.add_column(heading, overflow="fold")
    for heading in ("counted", "left out", "training", "update", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("doubts", overflow="fold")
    for site in status.sites:
        table.add_row(*_site(site))
    return table


def _site(site: SiteRow) -> list[Text]:
    return [
        _plain(site.name, "bold"),
        _plain(words.doing(site), STYLES.get(site.state, "")),
        _plain(str(site.rounds_counted)),
        _plain(str(site.rounds_left_out)),
        _plain(words.duration(site.last_duration_s)),
        _plain(words.size(site.received_bytes)),
        _plain(words.shares(site)),
        _plain("; ".join(site.doubts) or "none", "yellow" if site.doubts else ""),
    ]


def _scores(status: RunStatus) -> Table:
    """First, best and newest score of the global model over all validation cases."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("validation, all sites together")
    for heading in ("first", "best", "newest", "cases", "after rounds"):
        table.add_column(heading, justify="right")
    for name, curve in status.curves.items():
        if curve.pooled:
            values, newest = [point.value for point in curve.pooled], curve.pooled[-1]
            scores = [number(value, 3) for value in (values[0], max(values), newest.value)]
            table.add_row(words.measure(name), *scores, str(newest.cases), str(newest.trained))
    return table


def _alerts(status: RunStatus) -> RenderableType:
    if not status.alerts:
        return Text("alerts: none", style="dim")
    shown = [_plain(alert_line(alert), STYLES.get(alert.severity, "")) for alert in status.alerts[:MOST_ALERTS]]
    more = len(status.alerts) - MOST_ALERTS
    return Group(*shown, *([Text(f"and {more} older alerts", style="dim")] if more > 0 else []))
