"""Every patient of the site, and the cells in which it is counted; files are opened once and then remembered.

Nothing here depends on anything the coordinator chose: splits are those of the installed configuration, or the table's.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from client.site import Site
from gmmas_core.atomic import write_json
from gmmas_core.config import load_config
from gmmas_core.data.manifest import read_cases
from gmmas_core.statistics.form import VERSION
from gmmas_core.statistics.measure import Measured, measure
from gmmas_core.statistics.patient import cells_of
from gmmas_core.types import Case

FOLDER = "statistics"
MEASURED = "measured.json"
Progress = Callable[[int, int], None]


def patients_of(site: Site, on_progress: Progress) -> dict[str, dict[str, int]]:
    """patient -> table -> place of the cell, for every patient in the site's table.

    Args:
        site: its cases.
        on_progress: called with (patients counted, patients in all); what it raises ends the counting, and what was
            measured until then is kept.

    Raises:
        DataError: problems in the table, or a file that cannot be read.
    """
    studies = _studies(site)
    firsts = [cases[0] for cases in studies.values()]
    known = {case.case_id: entry for case in firsts if (entry := _remembered(site).get(case.case_id)) is not None}
    counted: dict[str, dict[str, int]] = {}
    has_news = False
    try:
        for patient, cases in studies.items():
            look = _look(cases[0], site.label_convention)
            entry = known.get(cases[0].case_id)
            if entry is None or entry["look"] != look:
                entry = {"look": look, "values": asdict(measure(cases[0], site.label_convention))}
                known[cases[0].case_id], has_news = entry, True
            counted[patient] = cells_of(cases, Measured(**entry["values"]))
            on_progress(len(counted), len(studies))
    finally:
        if has_news:
            write_json(site.state / FOLDER / MEASURED, known)
    return counted


def _studies(site: Site) -> dict[str, list[Case]]:
    """patient -> studies in the table's order."""
    data = load_config([]).data
    cases = read_cases(site.folder, site.name, holdout_share=data.holdout_share, validation_share=data.validation_share)
    studies: dict[str, list[Case]] = {}
    for case in cases:
        studies.setdefault(case.patient_id, []).append(case)
    return studies


def _remembered(site: Site) -> dict[str, dict[str, Any]]:
    """What was measured before; nothing where the file is missing or damaged. Cases that left drop out when written."""
    with suppress(OSError, ValueError, AttributeError, TypeError, KeyError):
        content = json.loads((site.state / FOLDER / MEASURED).read_bytes())
        for entry in content.values():
            Measured(**entry["values"])
            entry["look"]
        return dict(content)
    return {}


def _look(case: Case, label_convention: str) -> list[Any]:
    """Changes when a file, the masks' meaning or what is measured does."""
    paths: Sequence[Path] = [*case.images.values(), *([case.mask] if case.mask is not None else [])]
    stats = [path.stat() for path in paths]
    return [VERSION, label_convention, *([stat.st_size, stat.st_mtime_ns, stat.st_ino] for stat in stats)]
