"""What a phantom patient has before anything is drawn: class, age and the signs a radiologist would name.

Every picture depends on the class only through these signs and the age, so the best any reader of the pictures can do
is known: `bayes_ceilings`. Ages, T2-FLAIR mismatch, margin, calcification in glioblastoma and oligodendroglioma and
frontal location are the literature's; the other numbers are chosen to fit them.

Heterogeneous signal is drawn with the ill-defined margin (one sign of infiltrative growth, 92 % in codeleted against
45 % in intact tumours), never with the class itself: what only one class can have would make 1p/19q trivial.

Source of the effect sizes: UCSF-PDGM (age); Adamou 2021, Park 2021, Do 2022 (mismatch); AJNR 38:678 (margin);
PubMed 32359929 (calcification, enhancement); AJNR 39:37 and 40:426 (location).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from gmmas_core.metrics.classification import auroc
from gmmas_core.types import Task

Array = NDArray[np.float64]

SIGNS = ("enhancement", "necrosis", "mismatch", "ill_defined", "calcification", "frontal", "cyst")
AGE_RANGE = (18.0, 90.0)
APPARENT_AGE_SD = 15.0
"""Years by which the age that ventricles and sulci suggest scatters around the true one."""

MALE_SHARE = 0.58


@dataclass(frozen=True)
class TumourClass:
    """One integrated diagnosis. `share` is its prior; `signs` holds P(sign | class) in SIGNS' order."""

    name: str
    share: float
    idh: int
    codel: int
    grade: int
    age_mean: float
    age_sd: float
    signs: tuple[float, ...]


CLASSES = (
    TumourClass("glioblastoma-wildtype-4", 0.62, 0, 0, 4, 61.6, 11, (0.95, 0.85, 0.01, 0.60, 0.02, 0.28, 0.05)),
    TumourClass("astrocytoma-2", 0.11, 1, 0, 2, 37, 11, (0.12, 0.01, 0.45, 0.45, 0.05, 0.60, 0.20)),
    TumourClass("astrocytoma-3", 0.07, 1, 0, 3, 39, 11, (0.45, 0.06, 0.38, 0.48, 0.05, 0.58, 0.18)),
    TumourClass("astrocytoma-4", 0.05, 1, 0, 4, 41, 12, (0.88, 0.55, 0.12, 0.50, 0.05, 0.52, 0.15)),
    TumourClass("oligodendroglioma-2", 0.09, 1, 1, 2, 42, 11, (0.25, 0.01, 0.02, 0.92, 0.35, 0.68, 0.12)),
    TumourClass("oligodendroglioma-3", 0.06, 1, 1, 3, 46, 11, (0.60, 0.15, 0.02, 0.92, 0.40, 0.66, 0.12)),
)


@dataclass(frozen=True, kw_only=True)
class Latent:
    """One patient: everything the picture shows, and the class that the picture only hints at.

    Attributes:
        tumour_class: the truth.
        age: years, within AGE_RANGE.
        apparent_age: years; what atrophy shows, the age plus noise.
        sex: "F" or "M"; only the size of the head depends on it.
        signs: sign -> present, every name of SIGNS.
    """

    tumour_class: TumourClass
    age: float
    apparent_age: float
    sex: str
    signs: Mapping[str, bool]

    @property
    def labels(self) -> dict[Task, int]:
        """Class per task; histology is glioblastoma exactly for histologic grade 4, whatever the IDH status."""
        kind = self.tumour_class
        return {Task.HISTOLOGY: int(kind.grade == 4), Task.IDH: kind.idh, Task.CODEL: kind.codel}


def pick_class(quantile: float, lower_grade_odds: float = 1.0) -> TumourClass:
    """The class at a quantile of the population.

    Args:
        quantile: in [0, 1).
        lower_grade_odds: factor on the prior of every class but the first; 1 is the reference population.
    """
    weights = [CLASSES[0].share, *(kind.share * lower_grade_odds for kind in CLASSES[1:])]
    edges = np.cumsum(weights) / np.sum(weights)
    return CLASSES[min(int(np.searchsorted(edges, quantile, side="right")), len(CLASSES) - 1)]


def sample_patient(kind: TumourClass, rng: np.random.Generator, age_shift: float = 0.0) -> Latent:
    """A patient of a given class; `age_shift` years older than the literature's mean. Necrosis needs enhancement."""
    present = rng.random(len(SIGNS)) < np.asarray(kind.signs)
    signs = dict(zip(SIGNS, map(bool, present)))
    signs["necrosis"] = signs["necrosis"] and signs["enhancement"]
    age = float(np.clip(rng.normal(kind.age_mean + age_shift, kind.age_sd), *AGE_RANGE))
    apparent_age = age + float(rng.normal(0.0, APPARENT_AGE_SD))
    sex = "M" if rng.random() < MALE_SHARE else "F"
    return Latent(tumour_class=kind, age=age, apparent_age=apparent_age, sex=sex, signs=signs)


def sample_latent(rng: np.random.Generator) -> Latent:
    """A patient of the reference population."""
    return sample_patient(pick_class(rng.random()), rng)


@dataclass(frozen=True)
class Information:
    """What an ideal reader is told."""

    signs: tuple[str, ...] = ()
    age: bool = False
    apparent_age: bool = False


READERS: Mapping[str, Information] = {
    "age": Information(age=True),
    "signs": Information(signs=SIGNS),
    "age and signs": Information(signs=SIGNS, age=True),
    "signs without mismatch": Information(signs=tuple(s for s in SIGNS if s != "mismatch")),
    "signs without enhancement and necrosis": Information(
        signs=tuple(s for s in SIGNS if s not in ("enhancement", "necrosis"))
    ),
    "signs and apparent age": Information(signs=SIGNS, apparent_age=True),
}


def posterior(latents: Sequence[Latent], told: Information) -> Array:
    """Exact P(class | information) in the reference population.

    For the apparent age the clipping of the true age at AGE_RANGE is neglected.

    Returns:
        (num patients, num classes), rows sum to 1.
    """
    present = np.array([[latent.signs[sign] for sign in SIGNS] for latent in latents])
    age = np.array([latent.age for latent in latents])
    apparent = np.array([latent.apparent_age for latent in latents])
    log_joint = np.stack([_log_joint(kind, present, age, apparent, told) for kind in CLASSES], axis=1)
    likelihood = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
    return np.asarray(likelihood / likelihood.sum(axis=1, keepdims=True))


def _log_joint(kind: TumourClass, present: NDArray[np.bool_], age: Array, apparent: Array, told: Information) -> Array:
    """Log of prior times likelihood of one class, one value per patient."""
    total = np.full(len(age), np.log(kind.share))
    for sign in told.signs:
        column = SIGNS.index(sign)
        chance = np.full(len(age), kind.signs[column])
        if sign == "necrosis":
            chance = np.where(present[:, SIGNS.index("enhancement")], chance, 0.0)
        total += np.log(np.clip(np.where(present[:, column], chance, 1.0 - chance), 1e-300, 1.0))
    if told.age:
        law = norm(kind.age_mean, kind.age_sd)
        inside = np.where(age <= AGE_RANGE[0], law.logcdf(age), law.logpdf(age))
        total += np.where(age >= AGE_RANGE[1], law.logsf(age), inside)
    if told.apparent_age:
        total += norm(kind.age_mean, np.hypot(kind.age_sd, APPARENT_AGE_SD)).logpdf(apparent)
    return total


def bayes_ceilings(num: int, seed: int) -> dict[str, dict[str, float | None]]:
    """The best that any reader can reach on the reference population, by what the reader is told.

    Args:
        num: patients sampled; 20,000 give two safe digits.
        seed: of the sample.

    Returns:
        Reader (a key of READERS) -> {"idh", "idh within grade 4", "codel within mutant", "histology": AUROC, None
        where `num` is too small for both classes; "grade": accuracy of grade 2, 3 or 4}.
    """
    rng = np.random.default_rng(seed)
    latents = [sample_latent(rng) for _ in range(num)]
    idh = np.array([latent.tumour_class.idh for latent in latents])
    codel = np.array([latent.tumour_class.codel for latent in latents])
    grade = np.array([latent.tumour_class.grade for latent in latents])
    table = {}
    for reader, told in READERS.items():
        chance = posterior(latents, told)
        mutant = chance @ [kind.idh for kind in CLASSES]
        codeleted = (chance @ [kind.codel for kind in CLASSES]) / np.maximum(mutant, 1e-300)
        by_grade = np.stack([chance @ [kind.grade == g for kind in CLASSES] for g in (2, 3, 4)], axis=1)
        table[reader] = {
            "idh": auroc(mutant, idh),
            "idh within grade 4": auroc(mutant[grade == 4], idh[grade == 4]),
            "codel within mutant": auroc(codeleted[idh == 1], codel[idh == 1]),
            "histology": auroc(by_grade[:, 2], (grade == 4).astype(np.int64)),
            "grade": float(np.mean(by_grade.argmax(axis=1) + 2 == grade)),
        }
    return table
