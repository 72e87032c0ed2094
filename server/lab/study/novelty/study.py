"""`gmmas-lab study novelty`: draw the patients, gather the sums, judge every group and write the report."""

from pathlib import Path
from typing import Any

from gmmas_core.data.phantom.anatomy import voxel_mm
from gmmas_core.types import DataError
from server.lab.study.folder import claim
from server.lab.study.novelty.findings import find_novelty
from server.lab.study.novelty.gather import gathered
from server.lab.study.novelty.groups import federation, patients_to_draw, tested_groups
from server.lab.study.novelty.real import METASTASIS, real_rows
from server.lab.study.novelty.report import write_novelty_study
from server.lab.study.novelty.sizes import NoveltySize
from server.lab.study.running import phantom_bar


def study_novelty(size: NoveltySize, folder: Path, real: Path | None = None) -> dict[str, Any]:
    """Run the study anew; the same size gives the same numbers.

    Args:
        size: of the study.
        folder: of the reports.
        real: folder of real cases; None for phantoms only.

    Returns:
        The content of study.json.

    Raises:
        DataError: the folder holds something else, or the folder of real cases does not hold them.
    """
    if real is not None and not (real / METASTASIS).is_dir():
        raise DataError(
            "--real: found no case of a metastasis; expected brats2021/, tcga/, ood/ and raw/; name another"
        )
    folder = folder.resolve()
    claim(folder, "novelty", size)
    with phantom_bar(patients_to_draw(size)) as tell:
        train, validation = federation(size, tell)
        distribution = gathered(train, validation, size.floor, voxel_mm(size.voxels))
        groups = tested_groups(size, tell)
    study = find_novelty(size, distribution, groups, real_rows(real) if real is not None else [])
    write_novelty_study(folder, study)
    return study
