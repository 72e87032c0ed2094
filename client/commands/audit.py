"""`gmmas-site audit`: what has left this hospital, to whom, what it cost in privacy, and whether the records hold."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

FolderArgument = Annotated[Path, typer.Argument(metavar="SITE", help="Site folder, or its site.yaml.")]


def register(app: typer.Typer) -> None:
    """Add this command to the hospital's command line."""
    app.command("audit", epilog="Examples: gmmas-site audit north\n\ngmmas-site audit north --last 50 --head HASH")(
        audit
    )


def audit(
    folder: FolderArgument,
    last: Annotated[int, typer.Option(min=0, help="Newest departures to print.")] = 10,
    head: Annotated[str, typer.Option(help="A head that was kept elsewhere: finds lines cut off the end.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """What left this hospital, by run and kind, and the privacy spent; exit code 0 if both records hold, else 1.

    Write the head down elsewhere from time to time: only somebody who knows an older one can tell that the end of the
    record is missing.
    """
    from client.privacy.audit import departures
    from client.privacy.budget import budget_lines
    from client.site import read_site
    from gmmas_core.types import FederationError

    site = read_site(folder)
    found = departures(site.state, head)
    try:
        budget, problems = budget_lines(site), [found.problem] if found.problem else []
    except FederationError as damaged:
        budget, problems = [], [text for text in (found.problem, str(damaged)) if text]
    newest = found.entries[max(0, len(found.entries) - last) :] if last else ()
    if as_json:
        facts = {"messages": len(found.entries), "head": found.head, "totals": found.totals, "last": newest}
        typer.echo(json.dumps(facts | {"budget": budget, "problems": problems}, default=dict))
    else:
        for row in found.totals:
            typer.echo(
                f"{row['run'] or '-':<34} {row['what']:<16} {row['messages']:>6} messages {row['bytes']:>14} bytes"
            )
        for entry in newest:
            typer.echo(_line(entry))
        for line in (*budget, *problems):
            typer.echo(line)
        if not found.problem:
            typer.echo(f"unbroken: {len(found.entries)} messages left; head {found.head}")
    if problems:
        raise typer.Exit(1)


def _line(entry: Mapping[str, Any]) -> str:
    about = " ".join(str(entry.get(key) or "-") for key in ("run", "round", "of"))
    return f"{entry.get('time')}  {entry.get('what')}  {about}  {entry.get('bytes')} bytes  to {entry.get('to')}"
