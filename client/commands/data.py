"""`gmmas-site init | check | prepare | phantom`: from a folder of MRI to cases that can be trained on."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from client.progress import progress_bar

# torch and hydra take seconds to import: everything that needs them is imported inside the commands, so that help and
# mistyped options answer at once.
if TYPE_CHECKING:
    from client.site import Site
    from gmmas_core.data.manifest import Manifest
    from gmmas_core.data.problems import Problem
    from gmmas_core.preflight import Line


class FailOn(StrEnum):
    """From which verdict of a case on the exit code is 1."""

    WARN = "warn"
    FAIL = "fail"

    def at_least(self) -> tuple[str, ...]:
        """The verdicts that count."""
        return ("fail",) if self is FailOn.FAIL else ("warn", "fail")


_OVERRIDES = typer.Argument(help="Settings as the coordinator runs them, e.g. experiment=smoke data.spacing_mm=2.")


def register(app: typer.Typer) -> None:
    """Add the data commands to the site's command line."""
    app.command("init", epilog="Example: gmmas-site init north --name north --label-convention brats2021")(init)
    app.command(
        "check",
        epilog="Examples: gmmas-site check north --json\n\ngmmas-site check north --connect\n\n"
        "gmmas-site check north --page quality.html --fail-on fail",
    )(check)
    app.command(
        "prepare",
        epilog="Examples: gmmas-site prepare north experiment=smoke\n\ngmmas-site prepare north --spacing-mm 2\n\n"
        "From DICOM or NIfTI with skull: gmmas-site prepare north --raw scanner --list, then without --list",
    )(prepare)
    app.command("phantom", epilog="Example: gmmas-site phantom hospitals --sites 3 --cases 24 --size 64")(phantom)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder that holds one folder per case.")],
    name: Annotated[str, typer.Option(help="Name of the hospital, as the coordinator knows it.")],
    label_convention: Annotated[
        str, typer.Option(help="What the values in the masks mean: brats2021, brats2023, msd or canonical.")
    ],
) -> None:
    """Write site.yaml and, where there is none, a participants.tsv with one row per case. Overwrites nothing."""
    for line in make_site(folder, name, label_convention):
        typer.echo(line)
    typer.echo(f"Next: gmmas-site check {folder}")


def make_site(folder: Path, name: str, label_convention: str) -> list[str]:
    """What `init` does.

    Returns:
        Lines that tell what was written and what was there.

    Raises:
        DataError: no folder, no cases in it, or a site.yaml that says otherwise; nothing was written.
    """
    from client.data.site_table import require_cases, write_table
    from client.site import SITE_FILE, read_site, write_site
    from gmmas_core.data.problems import TABLE
    from gmmas_core.types import DataError

    if not folder.is_dir():
        raise DataError("site folder: found no such folder; expected one that holds the cases; create it first")
    if (folder / SITE_FILE).exists():
        site = read_site(folder)
        if (site.name, site.label_convention) != (name, label_convention):
            raise DataError(
                f"{SITE_FILE}: found site {site.name} with label_convention {site.label_convention}; "
                "expected what you gave; edit the file, or remove it to start again"
            )
        lines = [f"{SITE_FILE} is there already and says the same."]
        data, cases = site.folder, require_cases(site.folder)
    else:
        data, cases = folder, require_cases(folder)
        write_site(folder, name, label_convention)
        lines = [f"Wrote {SITE_FILE}."]
    if (data / TABLE).exists():
        return [*lines, f"{TABLE} is there already and stays as it is."]
    write_table(data, cases)
    lines.append(f"Wrote {TABLE} with {len(cases)} cases.")
    return [*lines, "Fill in what pathology knows (n/a stays n/a), and make sure that the ids are pseudonyms."]


def check(
    folder: Annotated[Path, typer.Argument(help="Site folder, with site.yaml.")],
    overrides: Annotated[list[str] | None, _OVERRIDES] = None,
    connect: Annotated[
        bool, typer.Option("--connect", help="Also ask whether the node would start and reach its federation.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option(help="Also judge every case's images and write this page, with pictures beside it.")
    ] = None,
    fail_on: Annotated[
        FailOn | None, typer.Option(help="With --page: exit code 1 also when a case fails, or warns.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Open every file and list everything that is wrong, at once. Exit code 1 when there are errors.

    Writes nothing but, with --page, the page, its pictures and what it resumes from in the state folder. The page's
    verdicts are advice and change the exit code only with --fail-on.
    """
    from client.checks.report import as_json as to_json
    from client.checks.report import problem_lines, summary_table
    from client.checks.site_folder import check_manifest, read_site_manifest, summarise
    from client.site import read_site
    from gmmas_core.config import load_config

    if fail_on is not None and page is None:
        raise typer.BadParameter("--fail-on needs --page: it is about the page's verdicts")
    site = read_site(folder)
    config = load_config(overrides or []).data
    manifest = read_site_manifest(site, config)
    verdicts: dict[str, Any] = {}
    if page is None:
        with progress_bar("reading") as advance:
            problems: Sequence[Problem] = check_manifest(manifest, site, config, advance)
    else:
        problems, verdicts = _inspect(manifest, site, config.workers, page)
    summary = summarise(manifest.cases)
    errors = sum(problem.is_error for problem in problems)
    lines = _preflight(site, problems) if connect else []
    has_failed = errors > 0 or any(line.verdict == "fail" for line in lines)
    if fail_on is not None:
        has_failed |= any(verdicts["totals"][verdict] for verdict in fail_on.at_least())
    if as_json:
        content = to_json(site.name, problems, summary)
        asked = {"ok": not has_failed, "preflight": [line.as_json() for line in lines]} if connect else {}
        seen = {"quality": verdicts} if verdicts else {}
        typer.echo(json.dumps(content | asked | seen, indent=1))
    else:
        for line in problem_lines(problems):
            typer.echo(line)
        Console().print(summary_table(site.name, summary))
        typer.echo(f"{errors} errors, {len(problems) - errors} warnings")
        if page is not None:
            totals = ", ".join(f"{number} {verdict}" for verdict, number in verdicts["totals"].items())
            typer.echo(f"Images: {totals}. Wrote {page.name}; it shows patients and must not leave the hospital.")
        for told in lines:
            typer.echo(told)
    if has_failed:
        raise typer.Exit(1)


def _inspect(
    manifest: "Manifest", site: "Site", workers: int, page: Path
) -> "tuple[Sequence[Problem], dict[str, Any]]":
    """Problems, and the page's content as JSON has it; the page is written."""
    from client.quality_page.page import counts, totals, write_page
    from client.quality_page.run import inspect_site
    from gmmas_core.types import DISCLAIMER

    with progress_bar("looking at cases") as advance:
        found = inspect_site(manifest, site, workers, advance)
    write_page(page, site.name, found.rows, found.general, found.rules, bool(site.quality))
    verdicts = {
        "disclaimer": DISCLAIMER,
        "notice": "names cases and ages: it must not leave the hospital",
        "totals": totals(found.rows),
        "counts": counts(found.rows, found.rules),
        "cases": [row.as_json() for row in found.rows],
    }
    return found.problems, verdicts


def _preflight(site: "Site", problems: "Sequence[Problem]") -> "list[Line]":
    from client.joining.preflight import preflight

    return preflight(site, problems, datetime.now(UTC))


def prepare(
    folder: Annotated[Path, typer.Argument(help="Site folder, with site.yaml.")],
    overrides: Annotated[list[str] | None, _OVERRIDES] = None,
    spacing_mm: Annotated[float | None, typer.Option(help="Voxel size inside; else the experiment's.")] = None,
    raw: Annotated[
        Path | None, typer.Option(help="Fill the site folder from raw studies instead: one folder per study in here.")
    ] = None,
    list_only: Annotated[
        bool, typer.Option("--list", help="With --raw: only name the series and write sequences.tsv.")
    ] = False,
    strip: Annotated[
        str, typer.Option(help="With --raw, how the skull goes: tissue, bet, given, hd-bet or synthstrip.")
    ] = "tissue",
    weights: Annotated[
        Path | None, typer.Option(help="With --strip hd-bet or synthstrip: weights that you supply.")
    ] = None,
    weights_sha256: Annotated[str, typer.Option(help="The hash that the weights must have.")] = "",
    atlas: Annotated[
        Path | None, typer.Option(help="With --raw: a brain without skull (NIfTI) whose space the cases go to.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="With --raw: processes of about 3 GB; 0 for one per core.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Bring every case onto the network's grid and keep it, so that training reads patches at once. Resumes."""
    if raw is not None:
        from client.commands.raw import RawOptions, prepare_raw_studies

        options = RawOptions(strip=strip, weights=weights, weights_sha256=weights_sha256, atlas=atlas, workers=workers)
        prepare_raw_studies(folder, raw, options, list_only=list_only, as_json=as_json)
        return
    from client.data.local_data import open_local_data
    from client.site import read_site
    from gmmas_core.config import load_config
    from gmmas_core.data.cache import prepare_all
    from gmmas_core.types import DataError

    site = read_site(folder)
    spacing = [] if spacing_mm is None else [f"data.spacing_mm={spacing_mm}"]
    config = load_config([*(overrides or []), *spacing])
    local = open_local_data(site, config)
    with progress_bar("preparing") as advance:
        finished: list[str] = []

        def on_case(case_id: str, error: str | None) -> None:
            finished.append(case_id)
            advance(len(finished), len(local.cases))

        outcomes = prepare_all(local.cases, local.cache, config.data.workers, on_case)
    failed = {case_id: error for case_id, error in outcomes if error is not None}
    done = len(outcomes) - len(failed)
    if as_json:
        typer.echo(json.dumps({"site": site.name, "prepared": done, "failed": failed}, indent=1))
    else:
        typer.echo(f"Prepared {done} of {len(outcomes)} cases at {config.data.spacing_mm:g} mm.")
    if failed:
        raise DataError("\n".join(failed.values()))


def phantom(
    out: Annotated[Path, typer.Argument(help="New folder; one site folder per hospital is written into it.")],
    sites: Annotated[int, typer.Option(help="Hospitals.")] = 3,
    cases: Annotated[int, typer.Option(help="Patients per hospital.")] = 24,
    size: Annotated[int, typer.Option(help="Voxels per axis of a 192 mm field of view.")] = 64,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 0,
) -> None:
    """Write computer-made hospitals with gliomas whose molecular type shows, to try everything without patient data."""
    from gmmas_core.data.phantom.write import write_federation

    with progress_bar("drawing") as advance:
        folders = write_federation(out, sites=sites, cases=cases, size=size, seed=seed, on_progress=advance)
    for folder in folders:
        typer.echo(f"Wrote {folder.name}: {cases} cases.")
    typer.echo(f"Next: gmmas-site check {folders[0]}")
