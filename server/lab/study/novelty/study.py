"""`gmmas-lab study novelty`: draw the patients, gather the sums, judge every group and write the report."""

from collections.abc import Callable
from itertools import chain
from math import isclose
from pathlib import Path
from typing import Any

from gmmas_core.checkpoint import load_model
from gmmas_core.data.phantom.anatomy import voxel_mm
from gmmas_core.novelty.features import Floats
from gmmas_core.types import DataError
from server.lab.study.folder import claim
from server.lab.study.novelty.findings import find_novelty
from server.lab.study.novelty.gather import gathered
from server.lab.study.novelty.groups import federation, patients_to_draw, seen_with, tested_groups
from server.lab.study.novelty.network import compare, network_reader
from server.lab.study.novelty.patients import Patient
from server.lab.study.novelty.real import METASTASIS, real_rows
from server.lab.study.novelty.report import write_novelty_study
from server.lab.study.novelty.sizes import NoveltySize
from server.lab.study.running import phantom_bar


def study_novelty(
    size: NoveltySize, folder: Path, real: Path | None = None, model: Path | None = None
) -> dict[str, Any]:
    """Run the study anew; the same size gives the same numbers.

    Args:
        size: of the study.
        folder: of the reports.
        real: folder of real cases; None for phantoms only.
        model: folder of a trained network whose own features are tried too; None for none.

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
    see = seen_with(_reader(model, voxel_mm(size.voxels)))
    with phantom_bar(patients_to_draw(size)) as tell:
        train, validation = federation(size, tell, see)
        distribution = gathered(train, validation, size.floor, voxel_mm(size.voxels))
        groups = tested_groups(size, tell, see)
    network = None
    if model is not None:
        trained, held = (list(chain.from_iterable(part.values())) for part in (train, validation))
        network = compare(distribution.gaussian, trained, held, groups, size.resamples)
    study = find_novelty(size, distribution, groups, real_rows(real) if real is not None else [], network)
    write_novelty_study(folder, study)
    return study


def _reader(model: Path | None, spacing_mm: float) -> Callable[[Patient], Floats | None]:
    if model is None:
        return lambda patient: None
    loaded = load_model(model)
    if not isclose(loaded.config.data.spacing_mm, spacing_mm):
        raise DataError(
            f"--model: found a network for voxels of {loaded.config.data.spacing_mm:g} mm; expected {spacing_mm:g} mm; "
            "name another, or choose another mode"
        )
    return network_reader(loaded)
