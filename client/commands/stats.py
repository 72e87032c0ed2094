"""`gmmas-site stats`: what this hospital has, and exactly what it would tell a coordinator that asks."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from client.progress import progress_bar
from gmmas_core.types import DISCLAIMER

if TYPE_CHECKING:  # help answers at once
    from client.statistics.answer import Counted


def register(app: typer.Typer) -> None:
    """Add `stats` to the site's command line."""
    app.command(
        "stats",
        epilog="Examples: gmmas-site stats north\n\ngmmas-site stats north --out statistics.html --json",
    )(stats)


def stats(
    folder: Annotated[Path, typer.Argument(help="Site folder, with site.yaml.")],
    out: Annotated[Path | None, typer.Option(help="Also write a page with plots; it stays in the hospital.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print both tables as JSON.")] = False,
) -> None:
    """Count this site's patients, and show beside every count what would be sent. Sends nothing."""
    from client.site import read_site
    from client.statistics.answer import count_site, gate_statistics
    from gmmas_core.atomic import write_text

    site = read_site(folder)
    with progress_bar("counting") as advance:
        counted = count_site(site, advance)
    if counted.stored is not None:
        gate_statistics(counted.stored.told, site)
    if out is not None:
        from client.statistics.page import render_local

        write_text(out, render_local(site, counted))
    if as_json:
        typer.echo(json.dumps(_as_json(site.name, counted), indent=1))
    else:
        _show(site.name, counted)
        if out is not None:
            typer.echo(f"page: {out.resolve()} (stays in the hospital)")
        typer.echo(DISCLAIMER)


def _as_json(site: str, counted: "Counted") -> dict[str, Any]:
    from gmmas_core.statistics.form import TABLES

    sent = None
    if counted.stored is not None:
        told = counted.stored.told
        sent = {"floor": told.floor, "noise_epsilon": told.epsilon or None, "counts": dict(told.counts)}
    return {
        "site": site,
        "cells": {name: list(table.cells) for name, table in TABLES.items()},
        "here": dict(counted.counts),
        "sent": sent,
        "refusal": counted.refusal or None,
        "changed_since": counted.changed,
        "sha256": _digest(counted),
        "disclaimer": DISCLAIMER,
    }


def _show(site: str, counted: "Counted") -> None:
    from client.statistics.page import answer_in_words
    from gmmas_core.reporting.figures_statistics import shown
    from gmmas_core.statistics.form import FORM

    shape = Table(title=f"statistics of {site}: patients")
    for title in ("", "cell", "here", "sent"):
        shape.add_column(title, justify="right" if title in ("here", "sent") else "left")
    for table in FORM:
        for place, cell in enumerate(table.cells):
            sent = "-"
            if counted.stored is not None:
                sent = shown(counted.stored.told.counts[table.name][place], counted.stored.told)
            shape.add_row(table.title if place == 0 else "", cell, str(counted.counts[table.name][place]), sent)
        shape.add_section()
    Console().print(shape)
    digest = _digest(counted)
    typer.echo(f"{'what would be sent: ' if digest else 'nothing would be sent: '}{answer_in_words(counted)}")
    if digest:
        typer.echo(f"sha256 of what would be sent: {digest}")


def _digest(counted: "Counted") -> str | None:
    """Of the message's own content, made by the function that the node calls."""
    import hashlib

    from gmmas_core import wire

    if counted.stored is None:
        return None
    content = wire.statistics_to_content(counted.stored.told)
    lines = [f"{name} {key} {value!r}" for name, record in content.items() for key, value in record.items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
