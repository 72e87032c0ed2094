"""`gmmas-coordinator quarantine | readmit`: who is asked in the coming rounds. Orders only: the server writes."""

from pathlib import Path
from typing import Annotated

import typer

_RUN = typer.Argument(metavar="RUN", help="Folder of the run.")
_SITE = typer.Argument(metavar="SITE", help="Name of the site, as in its site.yaml.")
_WHEN = "It takes effect before the next round; without a running coordinator, at the next resume."


def register(app: typer.Typer) -> None:
    """Add the quarantine commands to the coordinator's command line."""
    app.command(
        "quarantine",
        epilog='Example: gmmas-coordinator quarantine runs/demo/run south --reason "scanner under repair"',
    )(quarantine)
    app.command("readmit", epilog="Example: gmmas-coordinator readmit runs/demo/run south")(readmit)


def quarantine(
    run: Annotated[Path, _RUN],
    site: Annotated[str, _SITE],
    reason: Annotated[str, typer.Option(help="Why; it is written into the ledger and the report.")],
) -> None:
    """Ask a site no more, until it is readmitted. What it has contributed so far stays counted."""
    _order(run, "quarantine", site, reason=reason)
    typer.echo(f"Ordered: quarantine {site}. {_WHEN}")


def readmit(run: Annotated[Path, _RUN], site: Annotated[str, _SITE]) -> None:
    """Ask a quarantined site again; its offences are forgotten."""
    _order(run, "readmit", site)
    typer.echo(f"Ordered: readmit {site}. {_WHEN}")


def _order(run: Path, kind: str, site: str, **fields: str) -> None:
    """Place an order about a site that the run's ledger knows; a mistyped name would have no effect for ever."""
    from gmmas_core.types import FederationError
    from server.launching.orders import place_order
    from server.ledger import entries_of
    from server.records.run_folder import RunFolder

    folder = RunFolder(run)
    if not folder.ledger.is_file():
        raise FederationError("run: found no ledger.jsonl; expected the folder of a run")
    known: set[str] = set()
    for entry in entries_of(folder.ledger):
        if entry["kind"] == "enlisted":
            known |= set(entry["sites"])
        elif entry["kind"] == "joined":
            known.add(str(entry["site"]))
    if site not in known:
        raise FederationError(
            f"site: found a name this run does not know; expected any of {', '.join(sorted(known)) or '(none yet)'}"
        )
    place_order(folder, kind, site=site, **fields)
