"""Everything that is asked of the images of one case before a model reads them."""

from collections.abc import Mapping
from itertools import combinations

from gmmas_core.data.grid import Volume
from gmmas_core.measures.midline import likeness_of_halves
from gmmas_core.quality.check import Check, Verdict
from gmmas_core.quality.single import (
    check_brain_volume,
    check_constant,
    check_cut_at_edge,
    check_noise,
    check_saturation,
    check_skull,
    check_slice_thickness,
    check_tissue_contrast,
)
from gmmas_core.quality.sketch import sketch
from gmmas_core.quality.thresholds import THRESHOLDS, Rules
from gmmas_core.quality.together import (
    check_contrast_agent,
    check_coverage,
    check_duplicates,
    check_fluid,
    check_one_grid,
    check_tissue,
    deep_of,
)
from gmmas_core.types import SEQUENCES, DataError

_OF_EACH = (
    check_noise,
    check_saturation,
    check_tissue_contrast,
    check_skull,
    check_brain_volume,
    check_slice_thickness,
    check_cut_at_edge,
)

_TOGETHER = ("coverage", "duplicates", "fluid", "tissue", "contrast_agent")
"""Checks of sequences against each other, which need one grid."""


def check_images(images: Mapping[str, Volume], rules: Rules = THRESHOLDS) -> tuple[Check, ...]:
    """Check the images of one case.

    Args:
        images: sequence -> image in its own place, finite numbers, any subset of SEQUENCES.
        rules: thresholds by name.

    Returns:
        Every check that was made, passed ones too; those of one sequence first. A sequence without an image
        (`constant`) is left out of all others.

    Raises:
        DataError: no image, or a name that is no sequence.
    """
    if not images or set(images) - set(SEQUENCES):
        named = ", ".join(images) or "no image"
        raise DataError(f"images: found {named}; expected some of {', '.join(SEQUENCES)}; name them so")
    named_images = {name: images[name] for name in SEQUENCES if name in images}
    checks = [check_constant(name, volume, rules) for name, volume in named_images.items()]
    good = {check.where: named_images[check.where] for check in checks if check.verdict is Verdict.PASS}
    checks += [check(name, volume, rules) for name, volume in good.items() for check in _OF_EACH]
    if good:
        checks += _between(good, rules)
    return tuple(checks)


def _between(images: Mapping[str, Volume], rules: Rules) -> list[Check]:
    grid = check_one_grid(images)
    if grid.verdict is not Verdict.PASS:
        return [grid, *(_needs_one_grid(name) for name in _TOGETHER)]
    sketches = {name: sketch(volume) for name, volume in images.items()}
    deep = deep_of(sketches)
    checks = [grid, check_symmetry(images, rules)]
    checks += [check_coverage(name, sketches, rules) for name in images]
    checks += [check_duplicates(pair, images, deep, rules) for pair in combinations(images, 2)]
    if "t2" in images:
        checks += [check_fluid(name, sketches, deep, rules) for name in images if name != "t2"]
    if {"t2", "flair"} <= set(images):
        checks += [check_tissue(name, sketches, deep, rules) for name in ("t1", "t1c") if name in images]
    if {"t1", "t1c"} <= set(images):
        checks.append(check_contrast_agent(sketches, rules))
    return checks


def check_symmetry(images: Mapping[str, Volume], rules: Rules = THRESHOLDS) -> Check:
    """Whether there are two like halves, as a head has whatever the sequence."""
    likeness = likeness_of_halves(images)
    verdict = rules["symmetry"].verdict(likeness)
    action = "this may be no brain, or one of which a half is missing: look at the images"
    return Check(
        id="symmetry",
        verdict=verdict,
        found=f"a correlation of {likeness:.2f} with the mirror image",
        expected="at least 0.3: two halves that are alike",
        action=action if verdict is not Verdict.PASS else "",
    )


def _needs_one_grid(check: str) -> Check:
    return Check(
        id=check,
        verdict=Verdict.NOT_ASSESSABLE,
        found="sequences on different grids",
        expected="one grid",
        action="bring all sequences to one grid and check again",
    )
