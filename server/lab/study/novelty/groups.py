"""Usual patients and strange ones: whose images they are, and what was done to them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gmmas_core.data.phantom import HOSPITALS, SiteEffects
from gmmas_core.data.phantom.site_effects import hospital
from gmmas_core.novelty.features import Floats
from server.lab.study.novelty.damage import DISEASES, FAULTS, SWAPS, damaged, diseased, swapped
from server.lab.study.novelty.patients import Patient, draw
from server.lab.study.novelty.sizes import NoveltySize

TRAIN_SEED, TEST_SEED, STRANGER_SEED = 10, 11, 12

OUTSIDE = SiteEffects(
    name="outside",
    bias=0.2,
    noise=0.12,
    gamma=1.5,
    tr_scale=1.4,
    te_scale=0.7,
    slice_mm=9.0,
)
"""A scanner beyond everything in the federation: noise, shading, curve, protocol and slices."""

USUAL = "unseen patients of the federation's hospitals"


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """One case of a group.

    Attributes:
        patient: whose; a patient may be in several groups.
        hospital: where.
        features_F: of the images.
        network_K: see `network`; None where nobody read the case with one.
    """

    patient: str
    hospital: str
    features_F: Floats
    network_K: Floats | None


Tell = Callable[[], object]
See = Callable[[Patient], Seen]


def seen_with(read: Callable[[Patient], Floats | None]) -> See:
    """How patients are looked at: by their images, and by what `read` says of them."""
    return lambda patient: Seen(
        patient=patient.name,
        hospital=patient.hospital,
        features_F=patient.features_F,
        network_K=read(patient),
    )


def federation(size: NoveltySize, tell: Tell, see: See) -> tuple[dict[str, list[Seen]], dict[str, list[Seen]]]:
    """Training and validation patients by hospital; `tell` is called after each."""
    found: tuple[dict[str, list[Seen]], dict[str, list[Seen]]] = ({}, {})
    for number, effects in enumerate(HOSPITALS):
        for case in range(size.train + size.validation):
            patient = draw(effects, (TRAIN_SEED, number, case), size.voxels)
            found[case >= size.train].setdefault(effects.name, []).append(see(patient))
            tell()
    return found


def tested_groups(size: NoveltySize, tell: Tell, see: See) -> dict[str, list[Seen]]:
    """Name of the group -> its cases; the first is of usual patients."""
    usual = list(_patients(HOSPITALS, TEST_SEED, 0, size.test, size, tell))
    groups = {USUAL: [see(patient) for patient in usual]}
    new = [hospital(len(HOSPITALS) + number, STRANGER_SEED) for number in range(size.new_hospitals)]
    within = _patients(new, STRANGER_SEED, len(HOSPITALS), size.strangers, size, tell)
    groups["new scanners within the federation's range"] = [see(patient) for patient in within]
    beyond = _patients([OUTSIDE], STRANGER_SEED, 99, size.strangers * 2, size, tell)
    groups["a new scanner beyond the federation's range"] = [see(patient) for patient in beyond]
    for one, other in SWAPS:
        changed = [swapped(patient, one, other) for patient in usual]
        groups[f"{one} and {other} swapped"] = [see(patient) for patient in changed if patient is not None]
    for place, fault in enumerate(FAULTS):
        groups[fault] = [see(damaged(patient, fault, place)) for patient in usual]
    for disease in DISEASES:
        groups[disease] = [see(diseased(patient, disease)) for patient in usual]
    return groups


def patients_to_draw(size: NoveltySize) -> int:
    """Phantoms of the study."""
    of_federation = len(HOSPITALS) * (size.train + size.validation + size.test)
    return of_federation + size.strangers * (size.new_hospitals + 2)


def _patients(
    hospitals: Sequence[SiteEffects], seed: int, first: int, count: int, size: NoveltySize, tell: Tell
) -> Iterator[Patient]:
    for number, effects in enumerate(hospitals, start=first):
        for case in range(count):
            yield draw(effects, (seed, number, case), size.voxels)
            tell()


Groups = Mapping[str, Sequence[Seen]]
