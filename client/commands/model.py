"""`gmmas-site model pull | verify | use | list`: from a release that arrived to the model in use, with eyes open."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from client.progress import progress_bar

# torch takes seconds to import: everything that needs it is imported inside the commands, so that help answers at once.
if TYPE_CHECKING:
    from client.models.store import Installed
    from client.site import Site
    from gmmas_core.checkpoint import LoadedModel
    from gmmas_core.metrics.evaluation import CaseScore

SiteOption = Annotated[Path, typer.Option("--site", help="site.yaml or its folder.")]
ALONE = "local training alone"
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the model commands to the site's command line."""
    model = typer.Typer(help="Released models of this hospital. Research use only.", no_args_is_help=True)
    model.command(
        "pull", epilog="Example: gmmas-site model pull v1.zip --site north/site.yaml --public-key coordinator.key.pub"
    )(pull)
    model.command("verify", epilog="Example: gmmas-site model verify --site north/site.yaml")(verify)
    model.command("use", epilog="Example: gmmas-site model use v1 --site north/site.yaml")(use)
    model.command("list", epilog="Example: gmmas-site model list --site north/site.yaml --json")(show)
    app.add_typer(model, name="model")


def pull(
    source: Annotated[Path, typer.Argument(help="Release: a folder or a .zip of it.")],
    site: SiteOption,
    public_key: Annotated[Path, typer.Option(help="Coordinator's public key, received on another way.")],
    as_json: Json = False,
) -> None:
    """Take a release in after checking its signature, every file and the core it was made with. Nothing is replaced."""
    from client.models.store import fingerprint_of, installed_models
    from client.models.store import pull as take_in
    from client.site import read_site

    place = read_site(site)
    known = [model.name for model in installed_models(place)]
    installed, loaded = take_in(place, source, public_key)
    content = {**_facts(installed), "key_fingerprint": fingerprint_of(public_key), "warnings": list(loaded.warnings)}
    done = "already installed" if installed.name in known else "installed"
    lines = [f"{done}: {installed.name}, model {loaded.model_id}", f"signed by {content['key_fingerprint']}"]
    lines += [f"warning: {warning}" for warning in loaded.warnings]
    _print(as_json, content, [*lines, f"next: gmmas-site model use {installed.name} --site {site}"])


def verify(
    site: SiteOption,
    version: Annotated[str | None, typer.Argument(help="Installed model; all of them when absent.")] = None,
    public_key: Annotated[Path | None, typer.Option(help="Check with this key; else with that of the pull.")] = None,
    as_json: Json = False,
) -> None:
    """Check installed models again: signature, files, core. Exit code 1 when one does not hold."""
    from client.models.store import check, find, installed_models
    from client.site import read_site
    from gmmas_core.types import GmmasError

    place = read_site(site)
    problems: dict[str, str | None] = {}
    for installed in [find(place, version)] if version else installed_models(place):
        try:
            check(installed, public_key)
            problems[installed.name] = None
        except GmmasError as error:
            problems[installed.name] = str(error)
    lines = [f"{name}: {problem or 'intact'}" for name, problem in problems.items()] or ["no model installed"]
    _print(as_json, {"models": problems}, lines)
    if any(problems.values()):
        raise typer.Exit(1)


def use(
    version: Annotated[str, typer.Argument(help="Installed model, e.g. v2 or its full name.")],
    site: SiteOption,
    without_local_only: Annotated[
        bool, typer.Option("--without-local-only", help="Skip training alone, which can take hours.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before switching.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON; needs --yes.")] = False,
) -> None:
    """Compare a model with the one in use and with local training alone on this hospital's holdout; then switch."""
    from client.models.comparison import compared, score_holdout
    from client.models.comparison_page import write_comparison
    from client.models.store import check, find, switch
    from client.site import read_site
    from gmmas_core.types import DataError

    if as_json and not yes:
        raise DataError("model use: found --json without --yes; expected both; nobody can be asked")
    place = read_site(site)
    installed = find(place, version)
    loaded = check(installed)
    with progress_bar(f"scoring {installed.name}") as advance:
        scores = score_holdout(place, loaded.config, loaded.model, loaded.calibration, advance)
    why_not_alone = "skipped, as asked" if without_local_only else "" if scores else "there is no holdout case"
    others, left_out = _others(place, installed, loaded, why_not_alone)
    content = compared(place, installed.name, loaded, scores, others, left_out)
    page = write_comparison(place, content)
    if not as_json:
        typer.echo("\n".join([content["disclaimer"], *_table_lines(content), f"page: {page}"]))
    if not yes and not typer.confirm(f"Use {installed.name} from now on?"):
        typer.echo("nothing was changed")
        raise typer.Exit(1)
    switch(place, installed)
    if as_json:
        typer.echo(json.dumps({**content, "page": str(page), "current": installed.name}, indent=1))
    else:
        typer.echo(f"in use: {installed.name}\nmodel folder: {installed.folder}")


def show(site: SiteOption, as_json: Json = False) -> None:
    """List the installed models; the one in use is marked. Nothing is checked here, see verify."""
    from client.models.store import installed_models
    from client.site import read_site

    models = [_facts(installed) for installed in installed_models(read_site(site))]
    lines = [
        f"{'*' if model['in_use'] else ' '} {model['name']}: {model['model_id'] or 'signature.json cannot be read'}"
        + (", in use" if model["in_use"] else "")
        for model in models
    ]
    _print(as_json, {"models": models}, lines or ["no model installed"])


def _others(
    site: "Site", installed: "Installed", loaded: "LoadedModel", why_not_alone: str
) -> tuple[dict[str, "Sequence[CaseScore]"], dict[str, str]]:
    """What the release is compared with -> its scores, and what it is not compared with -> why.

    A comparison that fails keeps nobody from the new model: the failure may be why the old one has to go.
    """
    from client.models.store import in_use
    from gmmas_core.types import GmmasError

    others: dict[str, Sequence[CaseScore]] = {}
    left_out: dict[str, str] = {}
    current = in_use(site)
    if current is None:
        left_out["a model in use"] = "there is none yet"
    elif current.name == installed.name:
        left_out["the model in use"] = "it is this one"
    else:
        title = f"the model in use, {current.name}"
        try:
            others[title] = _score_installed(site, current)
        except GmmasError as error:
            left_out[title] = str(error)
    if why_not_alone:
        left_out[ALONE] = why_not_alone
        return others, left_out
    try:
        others[ALONE] = _score_alone(site, loaded)
    except GmmasError as error:
        left_out[ALONE] = str(error)
    return others, left_out


def _score_installed(site: "Site", installed: "Installed") -> "Sequence[CaseScore]":
    from client.models.comparison import score_holdout
    from client.models.store import check

    loaded = check(installed)
    with progress_bar(f"scoring {installed.name}") as advance:
        return score_holdout(site, loaded.config, loaded.model, loaded.calibration, advance)


def _score_alone(site: "Site", loaded: "LoadedModel") -> "Sequence[CaseScore]":
    from client.models.comparison import score_holdout, train_local_only

    with progress_bar("training alone, rounds") as advance:
        model, calibration = train_local_only(site, loaded, advance)
    with progress_bar(f"scoring {ALONE}") as advance:
        return score_holdout(site, loaded.config, model, calibration, advance)


def _facts(installed: "Installed") -> dict[str, Any]:
    about = {key: installed.about.get(key) for key in ("version", "model_id", "run_id", "round")}
    return {"name": installed.name, "folder": str(installed.folder), **about, "in_use": installed.is_current}


def _table_lines(content: Mapping[str, Any]) -> list[str]:
    from gmmas_core.reporting.wording import cases

    lines = [f"{content['name']} on the holdout of {content['site']}, {cases(content['cases'])}:"]
    lines += [f"  {row['measure']}: {_result(row)}" for row in content["results"]]
    for part in content["comparisons"]:
        lines.append(f"beside {part['with']}:")
        lines += [f"  {row['measure']}: {_difference(row)}" for row in part["rows"]]
    return [*lines, *(f"not compared with {part['with']}: {part['reason']}" for part in content["left_out"])]


def _result(row: Mapping[str, Any]) -> str:
    from gmmas_core.reporting.wording import interval, number

    if row["value"] is None:
        return f"not assessable: {row['reason']}"
    return f"{number(row['value'], 3)} ({interval(row['interval'], 3) or 'no interval'}), n = {row['n']}"


def _difference(row: Mapping[str, Any]) -> str:
    from gmmas_core.reporting.wording import interval, number

    if row["difference"] is None:
        return str(row["verdict"])
    values = f"{number(row['release'], 3)} against {number(row['other'], 3)}"
    ends = interval(row["interval"], 3) or "no interval"
    return f"{values}, {row['difference']:+.3f} ({ends}), n = {row['n']}: {row['verdict']}"


def _print(as_json: bool, content: Mapping[str, Any], lines: Sequence[str]) -> None:
    from gmmas_core.types import DISCLAIMER

    if as_json:
        typer.echo(json.dumps({"disclaimer": DISCLAIMER, **content}, indent=1))
    else:
        typer.echo("\n".join([DISCLAIMER, *lines]))
