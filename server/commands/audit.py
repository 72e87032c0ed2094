"""`gmmas-coordinator audit verify`: is what the run folder says still what was said back then?"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from server.records.audit import Findings


def register(app: typer.Typer) -> None:
    """Add the audit commands to the coordinator's command line."""
    audit = typer.Typer(help="Verify what a run has recorded.", no_args_is_help=True)
    audit.command("verify", epilog="Example: gmmas-coordinator audit verify runs/demo/run --witness north.jsonl")(
        verify
    )
    app.add_typer(audit, name="audit")


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run, or a copy of it.")],
    witness: Annotated[
        list[Path] | None,
        typer.Option("--witness", metavar="SITE_LOG", help="A site's witness.jsonl; may be given several times."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Verify a run's ledger, the weights of its newest checkpoint, and both against what hospitals wrote down.

    Any edit, deletion or reordering of the ledger's lines is found. Lines cut off its end, and a history written anew,
    are found with the help of a site's witness.jsonl (in its state folder, .gmmas). Exit code 1 with a problem.
    """
    from server.records.audit import audit_run
    from server.records.run_folder import RunFolder

    found = audit_run(RunFolder(run), witness or [])
    if as_json:
        intact = not found.problems
        typer.echo(json.dumps({"intact": intact, **vars(found)}))
    else:
        for problem in found.problems:
            typer.echo(f"problem: {problem}")
        for note in found.notes:
            typer.echo(f"note: {note}")
        typer.echo(sentence(found, len(witness or [])))
    if found.problems:
        raise typer.Exit(1)


def sentence(found: "Findings", witnesses: int) -> str:
    """Is the run intact, how long is its ledger, and who besides the run itself says so.

    Args:
        found: by the audit.
        witnesses: how many were heard.
    """
    verdict = "not intact" if found.problems else "intact"
    lines = f"the ledger has {found.lines} {'line' if found.lines == 1 else 'lines'}"
    heard = f"{witnesses} {'witness' if witnesses == 1 else 'witnesses'}"
    match witnesses, found.confirmed:
        case 0, _:
            confirmed = "no witness was heard"
        case _, 0:
            confirmed = f"nothing that {heard} wrote down confirms it"
        case _, 1:
            confirmed = f"1 note of {heard} confirms it"
        case _:
            confirmed = f"{found.confirmed} notes of {heard} confirm it"
    return f"{verdict}: {lines}; {confirmed}"
