"""Nothing but the picture of the tumour and of ageing knows the label: no size, header, gain or missing file does."""

import gzip
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from gmmas_core.data.phantom.case import make_case
from gmmas_core.data.phantom.latent import CLASSES, sample_patient
from gmmas_core.data.phantom.site_effects import HOSPITALS, SiteEffects, is_left_out, sequences_of
from gmmas_core.data.phantom.write import draw_patient, nifti_bytes
from gmmas_core.metrics.classification import auroc
from gmmas_core.types import Task

PAIRS, SIZE = 60, 24


def statistics(effects: SiteEffects) -> tuple[dict[str, list[float]], list[int]]:
    """What can be read off files without seeing a tumour, for as many wildtype as mutant patients of one site.

    Ageing is a sign that may show, so everybody looks 50.
    """
    found: dict[str, list[float]] = defaultdict(list)
    labels = []
    for number in range(2 * PAIRS):
        rng = np.random.default_rng([3, number])
        kind = CLASSES[1 + (number // 2) % 5] if number % 2 else CLASSES[0]
        latent = replace(sample_patient(kind, rng, effects.age_shift), apparent_age=50.0)
        case = make_case(latent, SIZE, rng, effects)
        normal = case.brain_XYZ & (case.seg_XYZ == 0)
        found["brain voxels"].append(float(case.brain_XYZ.sum()))
        for sequence, image in case.images.items():
            found[f"file size {sequence}"].append(len(nifti_bytes(image, effects.orientation)))
            found[f"gain {sequence}"].append(float(np.median(image[normal])))
            found[f"noise {sequence}"].append(float(np.percentile(image[normal], 5) / np.median(image[normal])))
            found[f"background {sequence}"].append(float((image == 0).sum()))
        labels.append(kind.idh)
    return found, labels


@pytest.mark.parametrize("effects", [HOSPITALS[0], HOSPITALS[2]], ids=lambda effects: effects.name)
def test_files_do_not_tell_idh(effects: SiteEffects) -> None:
    found, labels = statistics(effects)
    label = np.array(labels)
    for name, values in found.items():
        area = auroc(np.array(values, dtype=np.float64), label)
        assert area is not None
        assert max(area, 1 - area) < 0.65, f"{name}: {area:.3f}"


def test_headers_are_all_the_same() -> None:
    """Headers of one site differ in nothing; 352 bytes come before the voxels."""
    headers = set()
    for kind in CLASSES:
        rng = np.random.default_rng(0)
        case = make_case(sample_patient(kind, rng), SIZE, rng, HOSPITALS[0])
        headers |= {gzip.decompress(nifti_bytes(image, "LPS"))[:352] for image in case.images.values()}
    assert len(headers) == 1


@pytest.mark.parametrize("number", range(len(HOSPITALS)), ids=[effects.name for effects in HOSPITALS])
def test_what_is_missing_does_not_tell_the_label(number: int) -> None:
    effects = HOSPITALS[number]
    labels = np.array([draw_patient(effects, (0, number, case))[0].labels[Task.IDH] for case in range(600)])
    left_out = {
        "sequences": [float(len(sequences_of(effects, case))) for case in range(600)],
        "mask": [float(is_left_out("mask", effects.unmasked, case)) for case in range(600)],
        "idh": [float(is_left_out(Task.IDH, effects.unknown.get(Task.IDH, 0.0), case)) for case in range(600)],
    }
    for name, values in left_out.items():
        area = auroc(np.array(values), labels)
        assert area is not None
        assert abs(area - 0.5) < 0.03, f"{name}: {area:.3f}"


def test_signs_do_tell_idh() -> None:
    """The check itself works: enhancement is such a statistic, and it does tell."""
    rng = np.random.default_rng(0)
    patients = [sample_patient(CLASSES[0] if n % 2 else CLASSES[1], rng) for n in range(200)]
    area = auroc(
        np.array([float(p.signs["enhancement"]) for p in patients]),
        np.array([p.tumour_class.idh for p in patients]),
    )
    assert area is not None
    assert area < 0.2
