"""Everything that can be wrong inside one case: each file is opened once, and one bad file does not hide the next.

What would break or silently spoil training is an error; what only looks odd (skull left on, a cut field of view) is a
warning, because real clinical data is odd and the hospital must decide.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.geometry import Volume, load_volume, same_grid
from gmmas_core.data.labels import to_canonical
from gmmas_core.data.problems import Problem, problem_from_error
from gmmas_core.types import BACKGROUND, Case, DataError

MIN_EDGE = 8
"""Voxels; anything flatter is a localiser or a single slice."""

SKULL_ON_BELOW = 0.2
"""Share of exact zeros. A skull-stripped brain leaves 0.3 of even its tightest box empty; raw head MRI has 0 to 0.1."""

CUT_BELOW = 0.8
"""Share of the brain (all sequences together) that a sequence should cover."""

OUTSIDE_ABOVE = 0.05
"""Share of the mask that may lie where every image is zero; resampling moves a rim of it."""


@dataclass(kw_only=True)
class CaseReport:
    """What one case told.

    Attributes:
        problems: errors and warnings of this case.
        digests: sequence -> hash of its voxels; equal for equal images however they are compressed.
        mask_values: canonical labels in the mask; empty when there is none or it cannot be read.
    """

    problems: list[Problem] = field(default_factory=list)
    digests: dict[str, bytes] = field(default_factory=dict)
    mask_values: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class OpenedCase:
    """A case's files in memory.

    Attributes:
        report: what was wrong with them.
        images: sequence -> image, those that could be read.
        seg: canonical labels; None where there is no mask or none that can be read.
    """

    report: CaseReport
    images: Mapping[str, Volume]
    seg: Volume | None


def check_case(case: Case, label_convention: str) -> CaseReport:
    """Open every file of a case and keep only what it told. See `open_case`."""
    return open_case(case, label_convention).report


def open_case(case: Case, label_convention: str) -> OpenedCase:
    """Open every file of a case.

    Args:
        case: from the site's manifest.
        label_convention: that the site declares for its masks.

    Returns:
        Report and images; nothing is raised for what a file holds and nothing is written.
    """
    report = CaseReport()
    problem = partial(Problem, case_id=case.case_id)
    volumes: dict[str, Volume] = {}
    for sequence, path in case.images.items():
        volume = _load(path, sequence, case.case_id, report.problems)
        if volume is None:
            continue
        volumes[sequence] = volume
        voxels = np.ascontiguousarray(volume.data.T)  # files store X fastest, so this copies nothing
        report.digests[sequence] = hashlib.blake2b(voxels.data, digest_size=16).digest()
        if volume.data.min() == volume.data.max():
            found, action = (
                f"the value {float(volume.data.flat[0]):g} in every voxel",
                "export it again or remove the file",
            )
            report.problems.append(problem(where=sequence, found=found, expected="an image of a brain", action=action))
        if min(volume.data.shape) < MIN_EDGE:
            found, action = f"only {min(volume.data.shape)} slices along one axis", "export the whole series"
            report.problems.append(problem(where=sequence, found=found, expected=f"at least {MIN_EDGE}", action=action))
    report.problems += _equal_sequences(case.case_id, report.digests)
    report.problems += _grids(case.case_id, volumes)
    report.problems += _brain(case.case_id, volumes)
    mask = None if case.mask is None else _load(case.mask, "mask", case.case_id, report.problems)
    seg = None if mask is None else _check_mask(case.case_id, mask, volumes, label_convention, report)
    return OpenedCase(report=report, images=volumes, seg=seg)


def _load(path: Path, where: str, case_id: str, problems: list[Problem]) -> Volume | None:
    try:
        return load_volume(path, where)
    except DataError as error:
        problems.append(problem_from_error(error, case_id, where))
        return None


def _equal_sequences(case_id: str, digests: Mapping[str, bytes]) -> list[Problem]:
    first: dict[bytes, str] = {}
    found = []
    for sequence, digest in digests.items():
        if digest in first:
            text = f"the same image as {first[digest]}"
            action = "one of the two files has the wrong name; replace or remove it"
            found.append(
                Problem(case_id=case_id, where=sequence, found=text, expected="another sequence", action=action)
            )
        first.setdefault(digest, sequence)
    return found


def _grids(case_id: str, volumes: Mapping[str, Volume]) -> list[Problem]:
    """Sequences that do not lie on the first one's grid."""
    names = list(volumes)
    return [
        Problem(
            case_id=case_id,
            where=name,
            found=str(volumes[name].grid),
            expected=f"the grid of {names[0]}: {volumes[names[0]].grid}",
            action="register and resample all sequences of the case to one grid",
        )
        for name in names[1:]
        if not same_grid(volumes[names[0]].grid, volumes[name].grid)
    ]


def _brain(case_id: str, volumes: Mapping[str, Volume]) -> list[Problem]:
    """Skull left on, or a sequence that covers only a part of what the others cover."""
    warn = partial(Problem, case_id=case_id, severity="warning")
    signal = {name: volume.data != 0 for name, volume in volumes.items() if volume.data.any()}
    problems = []
    with_skull = [name for name, inside in signal.items() if 1 - inside.mean() < SKULL_ON_BELOW]
    if with_skull:
        found = f"hardly any empty background in {', '.join(with_skull)}"
        expected, action = "skull-stripped images, 0 outside the brain", "remove the skull (e.g. HD-BET or SynthStrip)"
        problems.append(warn(found=found, expected=expected, action=action))
        return problems
    if len({inside.shape for inside in signal.values()}) != 1:
        return problems
    union = np.logical_or.reduce(list(signal.values()))
    for name, inside in signal.items():
        share = np.count_nonzero(inside) / np.count_nonzero(union)
        if share < CUT_BELOW:
            found, expected = f"signal in {share:.0%} of the brain", f"at least {CUT_BELOW:.0%}"
            action = "the field of view may be cut; it can be used, but look at it"
            problems.append(warn(where=name, found=found, expected=expected, action=action))
    return problems


def _check_mask(
    case_id: str, mask: Volume, volumes: Mapping[str, Volume], label_convention: str, report: CaseReport
) -> Volume | None:
    problem = partial(Problem, case_id=case_id, where="mask")
    reference = next(iter(volumes.items()), None)
    on_grid = reference is None or same_grid(reference[1].grid, mask.grid)
    if reference is not None and not on_grid:
        expected = f"the grid of {reference[0]}: {reference[1].grid}"
        action = "resample the mask to the images with nearest neighbour"
        report.problems.append(problem(found=str(mask.grid), expected=expected, action=action))
    try:
        seg = to_canonical(mask.data, label_convention)
    except DataError as error:
        report.problems.append(problem_from_error(error, case_id, "mask"))
        return None
    counts = np.bincount(seg.ravel(order="K"), minlength=1)
    report.mask_values = frozenset(int(value) for value in np.flatnonzero(counts))
    tumour = int(counts[BACKGROUND + 1 :].sum())
    if tumour == 0:
        action = (
            "remove the file if nobody outlined the tumour: no mask means not outlined, an empty one means no tumour"
        )
        report.problems.append(problem(found="an empty mask", expected="an outlined tumour, or no mask", action=action))
    elif on_grid and volumes:
        _check_overlap(problem, seg, volumes, tumour, report)
    return Volume(seg, mask.affine_44)


def _check_overlap(
    problem: "partial[Problem]", seg: NDArray[Any], volumes: Mapping[str, Volume], tumour: int, report: CaseReport
) -> None:
    outside = seg != BACKGROUND
    for volume in volumes.values():
        if volume.data.shape == seg.shape:
            outside &= volume.data == 0
    share = np.count_nonzero(outside) / tumour
    if share > OUTSIDE_ABOVE:
        found, expected = f"{share:.0%} of the mask where every image is 0", "a mask inside the brain"
        action = "check that mask and images belong together and are not flipped"
        report.problems.append(problem(found=found, expected=expected, action=action, severity="warning"))
