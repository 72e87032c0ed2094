"""`gmmas-site withdraw`: a patient can leave."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from client.site import Site
    from client.withdrawal.withdraw import Found

STILL_TO_DO = (
    "delete the patient's images and row in the site's own folder: they are the hospital's and were not touched",
    "delete the exports listed above (gmmas-site export) and export anew, and go after copies that were made of them",
    "delete the patient from backups of the state folder and of the reading room, and from exports and reports that "
    "were downloaded there and from predictions (gmmas-site predict --out): this command cannot find them",
    "tell the coordinator which runs and models had seen the patient (listed above): a trained network does not forget "
    "and weights that have left cannot be called back; it can retire a model or train anew without the patient",
    "blocks of a disk or snapshots of a file system may keep deleted files: follow the hospital's rules for media",
)


def register(app: typer.Typer) -> None:
    """Add this command to the hospital's command line."""
    app.command(
        "withdraw",
        epilog="Examples: gmmas-site withdraw north sub-007 --dry-run\n\n"
        'gmmas-site withdraw north sub-007 --room /srv/reading-room --reason "consent withdrawn"\n\n'
        "gmmas-site withdraw north --list",
    )(withdraw)


def withdraw(
    folder: Annotated[Path, typer.Argument(metavar="SITE", help="Site folder, or its site.yaml.")],
    case: Annotated[
        str | None, typer.Argument(help="Participant id (all cases of the patient) or case id, as in participants.tsv.")
    ] = None,
    room: Annotated[
        list[Path] | None, typer.Option(help="Folder of a reading room of this hospital; may be repeated.")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the record here, without names.")] = "",
    by: Annotated[str, typer.Option(metavar="TEXT", help="Who does this; kept in the record here.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be purged; change nothing.")] = False,
    list_past: Annotated[bool, typer.Option("--list", help="Show the withdrawals of the past, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Take a patient out: never read again, purged from all that the node keeps, with a list of what had seen them."""
    from client.site import read_site
    from client.withdrawal.withdraw import look_up
    from client.withdrawal.withdraw import withdraw as carry_out
    from gmmas_core.types import DataError

    site = read_site(folder)
    if list_past:
        _list(site, as_json)
        return
    if case is None:
        raise DataError("CASE: found none; expected a participant id or a case id; or give --list")
    if as_json and not (yes or dry_run):
        raise DataError("--json: found neither --yes nor --dry-run; expected one of them; nothing can be asked here")
    found = look_up(site, case, room or ())
    if not as_json:
        _tell(found, bool(room))
    if dry_run:
        _end(found, {}, as_json, was_done=False)
        return
    if not (yes or as_json):
        typer.confirm("Purge all of it, for good?", abort=True)
    _end(found, carry_out(found, by, reason), as_json, was_done=True)


def _tell(found: "Found", has_rooms: bool) -> None:
    subject, seen = found.subject, found.exposure
    typer.echo(f"{len(subject.cases)} case(s), {'the whole patient' if subject.patients else 'not the whole patient'}")
    if subject.staying:
        typer.echo(f"note: {len(subject.staying)} other case(s) of the patient stay; give the participant id for all")
    if not subject.is_listed:
        typer.echo("note: participants.tsv has no such row; looked for by this id alone")
    for place, count in found.counts().items():
        typer.echo(f"  to purge: {count} in {place}")
    if not (has_rooms or found.rooms):
        typer.echo("note: no reading room was looked into; name each of this hospital's with --room")
    for run in seen.runs:
        rounds = f"{len(run.rounds)} round(s), {run.rounds[0]} to {run.rounds[-1]}"
        typer.echo(f"  seen by run {run.run_id}: {rounds}, {run.trained} trained ({', '.join(run.stages) or 'scores'})")
    for model in seen.models:
        typer.echo(f"  seen by the released model {model['name']} ({model['model_id']}), installed here")
    for each in found.exports:
        there = "still there" if each.is_there else "not there any more, or moved"
        typer.echo(f"  exported to {each.to}, {each.time}: {each.folder} ({there})")
    for run_id in seen.unrecorded:
        typer.echo(f"  unknown: run {run_id} was before participation was recorded")
    typer.echo(f"privacy budget: {seen.budget}")


def _end(found: "Found", purged: dict[str, int], as_json: bool, *, was_done: bool) -> None:
    from client.withdrawal.search import is_searchable

    was_searched = was_done and is_searchable(found.subject)
    if as_json:
        content = {
            "site": found.site.name,
            "done": was_done,
            "cases": len(found.subject.cases),
            "whole_patient": bool(found.subject.patients),
            "cases_staying": len(found.subject.staying),
            "found": found.counts(),
            "purged": purged,
            "searched_again": was_searched,
            "seen_by": found.exposure.as_json(),
            "exports": [each.as_json() for each in found.exports],
            "still_to_do": list(STILL_TO_DO),
        }
        typer.echo(json.dumps(content, indent=1))
        return
    if not was_done:
        typer.echo("nothing was changed (--dry-run)")
        return
    typer.echo(f"purged {sum(purged.values())}; excluded from now on, whatever the table says")
    if was_searched:
        typer.echo("searched again: no file names the patient any more")
    else:
        typer.echo("note: the id is too short or a mere number to be searched for in texts; known places were purged")
    for line in STILL_TO_DO:
        typer.echo(f"still to do: {line}")


def _list(site: "Site", as_json: bool) -> None:
    from client.withdrawal.record import withdrawals

    lines: tuple[dict[str, Any], ...] = withdrawals(site.state)
    if as_json:
        typer.echo(json.dumps({"site": site.name, "withdrawals": lines}, indent=1))
        return
    if not lines:
        typer.echo(f"{site.name}: nobody has been withdrawn")
    for line in lines:
        who = ", ".join(
            [*(f"patient {name[:12]}" for name in line["patients"]), *(f"case {n[:12]}" for n in line["cases"])]
        )
        what = f"by {line['by'] or 'somebody'}: {line['reason'] or 'no reason given'}" if "by" in line else ""
        typer.echo(f"{line['time']} {line['kind']} {who} {what}{_counts(line.get('purged', {}))}")


def _counts(purged: dict[str, int]) -> str:
    return ", ".join(f"{count} in {place}" for place, count in purged.items())
