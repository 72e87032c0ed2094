"""The patients of the phantom hospitals: effect sizes, and the best that anybody could read from the pictures."""

import numpy as np
import pytest

from gmmas_core.data import phantom
from gmmas_core.data.phantom.latent import (
    CLASSES,
    READERS,
    SIGNS,
    Latent,
    bayes_ceilings,
    pick_class,
    posterior,
    sample_latent,
    sample_patient,
)
from gmmas_core.types import Task

NUM = 20_000


@pytest.fixture(scope="module")
def patients() -> list[Latent]:
    rng = np.random.default_rng(0)
    return [sample_latent(rng) for _ in range(NUM)]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.name)
def test_shares_ages_and_signs_are_the_literatures(patients: list[Latent], kind) -> None:
    own = [patient for patient in patients if patient.tumour_class == kind]
    assert len(own) / NUM == pytest.approx(kind.share, abs=0.012)
    # clipping at 18 years moves the mean of the young classes up by less than a year
    assert np.mean([patient.age for patient in own]) == pytest.approx(kind.age_mean, abs=1.2)
    for sign, chance in zip(SIGNS, kind.signs):
        if sign == "necrosis":
            chance *= kind.signs[SIGNS.index("enhancement")]
        error = 4 * np.sqrt(chance * (1 - chance) / len(own))
        assert np.mean([patient.signs[sign] for patient in own]) == pytest.approx(chance, abs=error), sign


def test_literature_contrasts_between_classes(patients: list[Latent]) -> None:
    def share(sign: str, **wanted: int) -> float:
        chosen = [p for p in patients if all(getattr(p.tumour_class, key) == value for key, value in wanted.items())]
        return float(np.mean([p.signs[sign] for p in chosen]))

    assert share("mismatch", idh=1, codel=0) > 10 * share("mismatch", codel=1)
    assert share("ill_defined", codel=1) == pytest.approx(0.92, abs=0.02)
    assert share("calcification", codel=1) > 10 * share("calcification", idh=0)
    assert share("frontal", codel=1) > 2 * share("frontal", idh=0)
    assert share("enhancement", idh=0) > 0.93
    ages = {idh: np.mean([p.age for p in patients if p.tumour_class.idh == idh]) for idh in (0, 1)}
    assert ages[0] - ages[1] > 20  # 61.6 against 38.8 years in UCSF-PDGM


def test_histology_is_glioblastoma_exactly_for_grade_4(patients: list[Latent]) -> None:
    assert all(p.labels[Task.HISTOLOGY] == (p.tumour_class.grade == 4) for p in patients)
    assert any(p.labels[Task.HISTOLOGY] == 1 and p.labels[Task.IDH] == 1 for p in patients)
    assert not any(p.labels[Task.CODEL] == 1 and p.labels[Task.IDH] == 0 for p in patients)


def test_no_necrosis_without_enhancement(patients: list[Latent]) -> None:
    assert not any(p.signs["necrosis"] and not p.signs["enhancement"] for p in patients)


def test_posterior_is_calibrated(patients: list[Latent]) -> None:
    """Among patients to whom the ideal reader gives P(mutant) = p, a share p is mutant."""
    mutant = posterior(patients, READERS["age and signs"])[:, 1:].sum(axis=1)
    truth = np.array([p.tumour_class.idh for p in patients])
    for low, high in ((0.02, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.98)):
        inside = (mutant >= low) & (mutant < high)
        assert inside.sum() > 300
        error = 4 * np.sqrt(0.25 / inside.sum())
        assert truth[inside].mean() == pytest.approx(mutant[inside].mean(), abs=error)


def documented() -> dict[str, list[float]]:
    """Rows of the table in the package's docstring."""
    assert phantom.__doc__ is not None
    table = {}
    for line in phantom.__doc__.splitlines():
        words = line.rsplit(maxsplit=5)
        if len(words) == 6 and words[1].startswith("0."):
            table[words[0].split(" (")[0]] = [float(word) for word in words[1:]]
    return table


def test_ceilings_are_the_documented_ones() -> None:
    rows = documented()
    assert list(rows) == list(READERS)
    for reader, row in bayes_ceilings(NUM, 2).items():
        tolerance = {"idh within grade 4": 0.025}  # 1,500 of 20,000 patients are grade 4 and mutant
        for (column, value), expected in zip(row.items(), rows[reader]):
            assert value == pytest.approx(expected, abs=tolerance.get(column, 0.01)), (reader, column)


def test_missing_sequences_cost_what_they_should() -> None:
    """Mismatch carries 1p/19q, enhancement and necrosis carry grade and IDH: in this order, whatever the sample."""
    table = bayes_ceilings(4000, 5)
    complete, no_mismatch = table["signs"], table["signs without mismatch"]
    no_contrast = table["signs without enhancement and necrosis"]
    assert complete["codel within mutant"] - no_mismatch["codel within mutant"] > 0.03
    assert complete["idh"] - no_contrast["idh"] > 0.1
    assert complete["grade"] - no_contrast["grade"] > 0.05


def test_lower_grade_odds_move_the_prevalence() -> None:
    quantiles = (np.arange(1000) + 0.5) / 1000
    shares = [np.mean([pick_class(q, odds) == CLASSES[0] for q in quantiles]) for odds in (0.5, 1.0, 2.0)]
    assert shares == pytest.approx([0.62 / 0.81, 0.62, 0.62 / 1.38], abs=0.002)


def test_age_shift_moves_the_age() -> None:
    ages = [
        np.mean([sample_patient(CLASSES[0], np.random.default_rng(i), shift).age for i in range(300)])
        for shift in (0.0, 4.0)
    ]
    assert ages[1] - ages[0] == pytest.approx(4.0, abs=0.3)
