"""`gmmas-lab study privacy`: run what is missing of a privacy study and write its report."""

from pathlib import Path
from typing import Any

from gmmas_core.config import load_config
from gmmas_core.types import ConfigError, FederationError
from server.lab.simulate import prepare_sites
from server.lab.study.data import COMPLETE, cases_to_write, shared_test_sites, write_data
from server.lab.study.folder import claim
from server.lab.study.jobs import jobs_of, run_jobs
from server.lab.study.privacy.findings import find_privacy
from server.lab.study.privacy.plan import PrivacyCell, plan_privacy, read_cell
from server.lab.study.privacy.report import write_privacy_study
from server.lab.study.privacy.sizes import PrivacySize
from server.lab.study.running import Request, phantom_bar

WORKER = "server.lab.study.privacy.worker"


def study_privacy(size: PrivacySize, folder: Path, request: Request) -> dict[str, Any]:
    """Run the cells that have no result, then report on all that have one.

    Args:
        size: of the study.
        folder: of the study; an existing one is continued.
        request: its `arms` are names of arms; empty for all.

    Returns:
        The content of study.json.

    Raises:
        ConfigError: an arm that is none, or a configuration that does not compose.
        DataError: the folder holds something else, or a phantom cannot be prepared.
        FederationError: runs failed; the report holds the others.
    """
    planned = plan_privacy(size, request.repeats, request.overrides)
    known = list(dict.fromkeys(cell.arm for cell in planned))
    unknown = sorted(set(request.arms) - set(known))
    if unknown:
        raise ConfigError(f"--arms: found {', '.join(unknown)}; expected any of {', '.join(known)}")
    cells = [cell for cell in planned if not request.arms or cell.arm in request.arms]
    folder = folder.resolve()
    claim(folder, "privacy", size)
    _make_data(folder / "data", size, cells)
    pending = [cell for cell in cells if read_cell(folder, cell) is None]
    failures = run_jobs(folder, jobs_of(pending), request.workers, WORKER) if pending else {}
    results = [(cell, found) for cell in cells if (found := read_cell(folder, cell)) is not None]
    named = {f"{cell.arm} ({cell.seed})": failures[cell.run] for cell in pending if cell.run in failures}
    study = find_privacy(size, results, named)
    write_privacy_study(folder, study)
    if failures:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in named.items())
        raise FederationError(
            f"study: found {len(failures)} of {len(jobs_of(cells))} runs failed ({reasons}); expected none; the report "
            "holds the others; run the command again to retry"
        )
    return study


def _make_data(folder: Path, size: PrivacySize, cells: list[PrivacyCell]) -> None:
    """Phantoms and prepared cases, once."""
    with phantom_bar(cases_to_write(size.phantoms)) as on_case:
        write_data(folder, size.phantoms, on_case)
    trained = sorted(path.parent for path in (folder / COMPLETE).glob("*/site.yaml"))
    # So small are the cases that starting further processes would take longer than preparing them.
    prepare_sites([*shared_test_sites(folder), *trained], load_config([*cells[0].training, "data.workers=1"]))
