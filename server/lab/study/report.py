"""study.json, study.md and a self-contained study.html."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from client.data.local_data import open_local_data
from client.site import read_site
from gmmas_core.atomic import write_json, write_text
from gmmas_core.config import Config
from gmmas_core.metrics.calibration_error import BINNING
from gmmas_core.reporting.figures import Drawing
from gmmas_core.reporting.figures_calibration import reliability_before_after
from gmmas_core.reporting.figures_sequences import Column, subset_table
from gmmas_core.reporting.page import render_page
from gmmas_core.types import REGIONS
from server.lab.study.breakdown import COHORT_FLOOR
from server.lab.study.figures import composites, forest
from server.lab.study.markdown import to_markdown
from server.lab.study.page import PAGE

COMPOSITES = 10
_FORMS = ("anatomical", "paper")


def write_study(folder: Path, study: Mapping[str, Any], site: Path, config: Config) -> None:
    """Write the three reports.

    Args:
        folder: of the study.
        study: from `findings.find`.
        site: site folder whose training cases composites are drawn from.
        config: that its cases are prepared with.
    """
    write_json(folder / "study.json", study)
    write_text(folder / "study.md", to_markdown(study))
    write_text(folder / "study.html", _html(study, _composites(site, config)))


def _html(study: Mapping[str, Any], pictures: Sequence[tuple[str, Drawing]]) -> str:
    arms = study["arms"]
    titles = {arm["name"]: arm["title"] for arm in arms}
    rows = [row | {"better": study["measures"][row["measure"]]["better"]} for row in study["expectations"]]
    values = {
        "disclaimer": study["disclaimer"],
        "notice": study["notice"],
        "study": study,
        "titles": titles,
        "binning": BINNING,
        "floor": COHORT_FLOOR,
        "forest": forest(rows, titles) if rows else None,
        "subsets": [(arm["title"], _subsets(arm)) for arm in arms if arm["subsets"]],
        "reliability": [(arm["title"], _reliability(arm)) for arm in arms if arm["reliability"]],
        "groups": [(row["group"], row["n"]) for row in arms[0]["groups"]] if arms else [],
        "composites": pictures,
    }
    return render_page(PAGE, values)


def _subsets(arm: Mapping[str, Any]) -> Drawing:
    by_subset = {frozenset(name.split("+")): values for name, values in arm["subsets"].items()}
    columns = [
        Column(title=f"{region.upper()} Dice", values={subset: values[region] for subset, values in by_subset.items()})
        for region in REGIONS
    ]
    areas = {subset: values["auroc_idh"] for subset, values in by_subset.items()}
    if any(area is not None for area in areas.values()):
        columns.append(Column(title="IDH AUROC", values=areas))
    return subset_table(columns, f"{arm['title']}, {next(iter(by_subset.values()))['n']} test phantoms")


def _reliability(arm: Mapping[str, Any]) -> Drawing:
    tasks = arm["reliability"]
    before, after = ({task: both[when] for task, both in tasks.items()} for when in ("before", "after"))
    return reliability_before_after(before, after, arm["title"])


def _composites(site: Path, config: Config) -> list[tuple[str, Drawing]]:
    data = open_local_data(read_site(site), config)
    cases = [data.cache.open(case) for case in data.split("train")]
    found = [(form, composites(cases, form, COMPOSITES, config.model.crop_size)) for form in _FORMS]
    return [(form, drawing) for form, drawing in found if drawing is not None]
