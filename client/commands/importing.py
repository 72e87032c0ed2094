"""`gmmas-site import`: from a public data set as it was downloaded to a site folder."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from client.progress import progress_bar

if TYPE_CHECKING:
    from client.data.importing import SiteOutcome

_MAX_TOLD = 12


def register(app: typer.Typer) -> None:
    """Add the command to the site's command line."""
    app.command(
        "import",
        epilog="Examples: gmmas-site import --list\n\n"
        "gmmas-site import --from brats2021 BraTS2021_TrainingSet north --table BraTS2021_MappingToTCIA.xlsx\n\n"
        "gmmas-site import --from fets2022 MICCAI_FeTS2022_TrainingData hospitals --table partitioning_1.csv",
    )(import_command)


def import_command(
    source: Annotated[Path | None, typer.Argument(help="The unpacked data set.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Argument(help="A new folder, or an earlier import.", show_default=False)] = None,
    data_set: Annotated[str, typer.Option("--from", help="Name of the data set; see --list.")] = "",
    table: Annotated[list[Path] | None, typer.Option(help="A table of the data set; may be repeated.")] = None,
    crosswalk: Annotated[
        list[Path] | None,
        typer.Option(
            help="A table that ties ids of several data sets (BraTS2021_MappingToTCIA.xlsx, name_mapping.csv)."
        ),
    ] = None,
    also: Annotated[
        list[Path] | None, typer.Option(help="Another site folder whose patients must not come in again.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the hospital; else the data set's.")] = "",
    label_convention: Annotated[
        str, typer.Option(help="What the masks' values mean, where the data set does not say (bids).")
    ] = "",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the files; else they are linked.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done and write nothing.")] = False,
    list_data_sets: Annotated[bool, typer.Option("--list", help="Show every data set that can be imported.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Make a site folder from a public data set: links, table, declared masks. Resumes; overwrites nothing.

    A linked file is the source's own: a mask edited in place is edited in both; --copy keeps them apart.
    """
    from client.data.importing import Request, import_data_set, preview
    from gmmas_core.types import DataError

    if list_data_sets:
        _show_data_sets(as_json)
        return
    if source is None or out is None or not data_set:
        raise DataError("import: found too little; expected --from NAME SRC OUT; see gmmas-site import --list")
    request = Request(
        data_set=data_set,
        source=source,
        out=out,
        tables=tuple(table or ()),
        crosswalks=tuple(crosswalk or ()),
        also=tuple(also or ()),
        place="copy" if copy else "link",
        name=name,
        label_convention=label_convention,
    )
    if dry_run:
        outcomes = preview(request)
    else:
        with progress_bar("importing") as advance:
            outcomes = import_data_set(request, advance)
    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, "sites": [_as_json(outcome) for outcome in outcomes]}, indent=1))
    else:
        for line in _lines(outcomes, dry_run):
            typer.echo(line)
    if any(outcome.failed for outcome in outcomes) or not any(_cases(outcome) for outcome in outcomes):
        raise typer.Exit(1)


def _as_json(outcome: "SiteOutcome") -> dict[str, Any]:
    told = {"folder": outcome.folder.name, "new": outcome.new, "failed": outcome.failed}
    return {**told, "masks": "linked" if outcome.masks.rewrite is None else outcome.masks.site, **outcome.summary}


def _cases(outcome: "SiteOutcome") -> int:
    return int(outcome.summary["counts"]["cases"])


def _lines(outcomes: "list[SiteOutcome]", dry_run: bool) -> list[str]:
    from gmmas_core.data.importers.summary import reasons

    first = outcomes[0].summary
    counts = [outcome.summary["counts"] for outcome in outcomes]
    cases, new = sum(map(_cases, outcomes)), sum(outcome.new for outcome in outcomes)
    patients, masks = (sum(count[name] for count in counts) for name in ("patients", "masks"))
    verb = "Would take" if dry_run else "Took"
    where = f"{len(outcomes)} site folders" if len(outcomes) > 1 else "one site folder"
    lines = [
        f"{first['title']}: doi {first['doi'] or 'none'}; licence: {first['licence']}",
        f"{verb} {cases} cases of {patients} patients ({new} new) with {masks} masks into {where}.",
        _masks_line(outcomes[0]),
        *_label_lines([count["labels"] for count in counts], first["grade_schema"]),
    ]
    if len(outcomes) > 1:
        lines.append("Cases per site: " + ", ".join(f"{one.folder.name} {_cases(one)}" for one in outcomes))
    skipped = reasons([item for outcome in outcomes for item in outcome.summary["skipped"]])
    lines += [f"Skipped {number}: {reason} (e.g. {example})" for reason, number, example in skipped[:_MAX_TOLD]]
    if len(skipped) > _MAX_TOLD:
        lines.append(f"... and {len(skipped) - _MAX_TOLD} more reasons, in import.json")
    twins = [twin for outcome in outcomes for twin in outcome.summary["duplicates"]]
    if twins:
        shown = f"{twins[0]['case']} is {twins[0]['same_patient_as']} in {twins[0]['in']}"
        lines.append(f"Duplicates {len(twins)}: the patient is held already and was not taken again (e.g. {shown})")
    unread = {column: words for outcome in outcomes for column, words in outcome.summary["unread"].items()}
    lines += [f"Not understood in {column}, so n/a: {', '.join(words)}" for column, words in unread.items()]
    lines += [f"Note: {text}" for text in dict.fromkeys(t for one in outcomes for t in one.summary["statements"])]
    notes: Counter[str] = Counter()
    for outcome in outcomes:
        notes.update(outcome.summary["notes"])
    lines += [f"Note on {number} cases: {text}" for text, number in notes.most_common(_MAX_TOLD)]
    return lines if dry_run else [*lines, f"Next: gmmas-site check {outcomes[0].folder}"]


def _masks_line(outcome: "SiteOutcome") -> str:
    if outcome.masks.rewrite is None:
        return f"Masks: {outcome.masks.declared}, as declared."
    return f"Masks: {outcome.masks.declared} as declared, rewritten as {outcome.masks.site}."


def _label_lines(labels: list[dict[str, dict[str, int]]], grade_schema: str) -> list[str]:
    lines = []
    for task in labels[0]:
        total = {word: sum(site[task][word] for site in labels) for word in labels[0][task]}
        if sum(total.values()) > total["unknown"]:
            schema = f" ({grade_schema})" if task == "histology" and grade_schema else ""
            lines.append(f"{task}{schema}: " + ", ".join(f"{word} {number}" for word, number in total.items()))
    return lines or ["No labels: no table of the data set was given, or it has none."]


def _show_data_sets(as_json: bool) -> None:
    from gmmas_core.data.importers.registry import IMPORTERS

    columns = ("title", "doi", "licence", "label_convention", "grade_schema", "images", "treatment", "tables")
    rows = [{"name": key} | {field: getattr(one, field) for field in columns} for key, one in IMPORTERS.items()]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['name']}: {row['title']}")
        masks = f"masks: {row['label_convention'] or 'say --label-convention'}"
        typer.echo(f"  {masks}; images: {row['images']}; {row['treatment']}; grades: {row['grade_schema'] or 'none'}")
        typer.echo(f"  licence: {row['licence']}; doi {row['doi'] or 'none'}")
        typer.echo(f"  --table: {row['tables'] or 'nothing'}")
