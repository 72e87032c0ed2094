"""BraTS 2023 to 2025, adult glioma: `BraTS-GLI-PPPPP-TTT/BraTS-GLI-PPPPP-TTT-{t1n,t1c,t2w,t2f,seg}.nii.gz`.

PPPPP is the patient and TTT the time point; several time points of one patient share a participant id and so a split.
Time points from 100 on are after treatment (BraTS 2024, 2025): their masks have a fourth value, the resection cavity,
so the two kinds are two data sets here and neither takes the other's cases.

Source: de Verdier et al. 2024 (arXiv:2405.18368); Adewole et al. 2023 (arXiv:2305.17033) for the names.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from gmmas_core.data.importers.case_folder import Facts, collect
from gmmas_core.data.importers.found import Found, Skipped
from gmmas_core.data.importers.tree import require_cases, require_source
from gmmas_core.types import DataError

_CASE = re.compile(r"(?P<patient>BraTS-(?P<kind>[A-Z]+)-\d{5})-(?P<time>\d{3})")
_AFTER_TREATMENT = 100


def find_before_treatment(source: Path, tables: Sequence[Path]) -> Found:
    """Cases whose time point is below 100; see `brats_gli`.

    Raises:
        DataError: no case folder, or a table was given (the data set has none).
    """
    other = "after treatment (time point 100 or later): import it with --from brats2024-post"
    return _find(source, tables, range(_AFTER_TREATMENT), other)


def find_after_treatment(source: Path, tables: Sequence[Path]) -> Found:
    """Cases whose time point is 100 or above; see `brats_gli`.

    Raises:
        DataError: no case folder, or a table was given (the data set has none).
    """
    other = "before treatment (time point below 100): import it with --from brats2023"
    return _find(source, tables, range(_AFTER_TREATMENT, 1000), other)


def _find(source: Path, tables: Sequence[Path], wanted: range, other: str) -> Found:
    require_source(source)
    if tables:
        raise DataError("--table: found a table; expected none, this data set has no clinical table; leave it out")

    def facts_of(folder: Path, match: re.Match[str]) -> Facts | str:
        """Whose case it is, or why it is not taken."""
        if match["kind"] != "GLI":
            return "no adult glioma (BraTS-GLI)"
        return Facts(patient_id=match["patient"]) if int(match["time"]) in wanted else other

    left: list[Skipped] = []
    cases = collect(source, _CASE, left, facts_of)
    require_cases(len(cases) + len(left), "folder named BraTS-GLI-PPPPP-TTT")
    return Found(cases=tuple(cases.values()), skipped=tuple(left))
