"""Real cases, where a folder of them is given: one metastasis, one raw head, and gliomas with swapped sequences.

Nine gliomas are far too few for limits, and their Gaussian shrinks almost to single features. So a case is only held
against the gliomas, each of which is judged by a Gaussian of the others. Every row is one case: a rank, never an AUROC.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gmmas_core.data.sequences import find_sequences
from gmmas_core.novelty.features import Floats, known_from
from gmmas_core.novelty.gaussian import distance, fit
from gmmas_core.novelty.sums import sum_patients
from gmmas_core.types import SEQUENCES, DataError
from server.lab.study.novelty.damage import SWAPS, swapped
from server.lab.study.novelty.patients import Patient, read

FEWEST = 2
SPACING_MM = 1.0
METASTASIS = "ood/BraTS-MET-00110-000"
RAW = "raw/TCGA-FG-6692"
TWIN = "TCGA-FG-6692"


def real_rows(folder: Path) -> list[dict[str, Any]]:
    """One row per real case that is no usual glioma.

    Args:
        folder: with brats2021/, tcga/, ood/ and raw/.

    Raises:
        DataError: a case that cannot be read.
    """
    homes = [path for part in ("brats2021", "tcga") for path in sorted((folder / part).iterdir()) if path.is_dir()]
    gliomas = {home.name: _read(home) for home in homes}
    features = {name: patient.features_F for name, patient in gliomas.items()}
    rows = [_row("a metastasis, prepared", "", _read(folder / METASTASIS).features_F, features, SEQUENCES)]
    for sequence, patient in _raw(folder / RAW):
        others = {name: values for name, values in features.items() if name != TWIN}
        rows.append(_row("one raw head with its skull", f"{sequence} alone", patient.features_F, others, (sequence,)))
    for name, patient in gliomas.items():
        others = {each: values for each, values in features.items() if each != name}
        for one, other in SWAPS:
            changed = swapped(patient, one, other)
            if changed is not None:
                rows.append(_row(f"{one} and {other} swapped", name, changed.features_F, others, SEQUENCES))
    return rows


def _read(home: Path) -> Patient:
    return read(home.name, dict(find_sequences(home).images), SPACING_MM)


def _raw(home: Path) -> Iterator[tuple[str, Patient]]:
    """Each sequence of the raw head alone: together a site refuses them, for they lie on different grids."""
    for sequence, file in find_sequences(home).images.items():
        yield sequence, read(home.name, {sequence: file}, SPACING_MM)


def _row(
    kind: str, which: str, features_F: Floats, gliomas: Mapping[str, Floats], sequences: Sequence[str]
) -> dict[str, Any]:
    """A case against the Gaussian of all gliomas, and every glioma against that of the others."""
    seen = tuple(sequences)
    own = _distance(list(gliomas.values()), known_from(features_F, seen))
    theirs = [
        _distance([values for other, values in gliomas.items() if other != each], known_from(gliomas[each], seen))
        for each in gliomas
    ]
    return {
        "kind": kind,
        "name": f"{kind}: {which}" if which else kind,
        "distance": own,
        "gliomas": [min(theirs), max(theirs)],
        "above": sum(own > value for value in theirs),
        "of": len(theirs),
    }


def _distance(others: Sequence[Floats], features_F: Floats) -> float:
    gaussian = fit(sum_patients(others), fewest=FEWEST)
    far = None if gaussian is None else distance(gaussian, features_F)
    if far is None:
        raise DataError("real: found too few gliomas to compare with; expected those of the folder's table")
    return far
