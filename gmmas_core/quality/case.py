"""Everything that is asked of a case when it arrives at a site, before anybody trains on it or believes a model on it.

`check_images` and `check_result` ask what matters to a reader of one result; this adds what matters to whoever prepares
data: header, number range, noise, alignment, signs of surgery, age.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gmmas_core.data.grid import Volume, same_grid
from gmmas_core.measures.volumes import voxel_ml
from gmmas_core.quality.acquisition import (
    check_fluid_on_flair,
    check_ghosting,
    check_interpolated,
    check_number_limit,
    check_signal_to_noise,
)
from gmmas_core.quality.alignment import check_alignment
from gmmas_core.quality.cavity import check_cavity
from gmmas_core.quality.check import Check, Verdict, gravest, not_assessable
from gmmas_core.quality.images import check_images
from gmmas_core.quality.placement import check_field_of_view, check_orientation, check_spacing, check_symmetry_axis
from gmmas_core.quality.result import check_result
from gmmas_core.quality.single import content_ml
from gmmas_core.quality.sketch import sketch
from gmmas_core.quality.thresholds import THRESHOLDS, Rules
from gmmas_core.quality.together import deep_of
from gmmas_core.types import SEQUENCES

RULES_OF: Mapping[str, tuple[str, ...]] = {
    "coverage": ("coverage", "dark_part", "missing_piece"),
    "skull": ("empty_background", "large_content"),
    "brain_volume": ("small_content",),
    "brain_size": ("small_brain", "large_brain"),
    "fluid": ("fluid_t1", "fluid_flair"),
    "tumour_volume": ("tumour_small", "tumour_large"),
    "orientation": ("oblique",),
    "spacing": ("voxel_edge",),
    "field_of_view": ("extent",),
    "native_slices": ("slice_thickness",),
}
"""Check -> its thresholds, where they have other names than the check."""

_MENDED = {
    "recognition": "look at the picture; say in sequences.tsv which series it is and prepare the case again",
    "native_slices": "the fine grid is interpolated: thin rims and small lesions may be missed, sizes are coarse",
    "registration": "look at both side by side; register them again",
}

_REFERENCES = ("t1c", "t1", "t2", "flair")
"""The first that is there is what the others are measured against."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What the preparation of a raw sequence recorded.

    Attributes:
        confidence: that it is this sequence, in [0, 1].
        residual_mm: of its registration; None for the one that the others were registered to.
        native_mm: voxel edges as acquired.
    """

    confidence: float
    residual_mm: float | None
    native_mm: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a case beside its images.

    Attributes:
        age: years; None where unknown.
        unstated: sequences whose header states no orientation.
        brain: mask of the brain where there is one of its own.
        prepared: sequence -> see Prepared; empty where nothing was recorded.
    """

    age: float | None = None
    unstated: frozenset[str] = frozenset()
    brain: Volume | None = None
    prepared: Mapping[str, Prepared] = field(default_factory=dict)


def check_case(
    images: Mapping[str, Volume], seg: Volume | None, facts: Facts, rules: Rules = THRESHOLDS
) -> tuple[Check, ...]:
    """Check one case.

    Args:
        images: sequence -> image in its own place, finite numbers, at least one.
        seg: canonical labels that the site gave, or None where it gave none.
        facts: what else is known.
        rules: thresholds by name, all of THRESHOLDS.

    Returns:
        Every check that was made. Where a rule is not that of THRESHOLDS, `expected` says what the site asks for.

    Raises:
        DataError: no image, or a name that is no sequence.
    """
    images = {name: images[name] for name in SEQUENCES if name in images}
    checks = [*check_images(images, rules), check_sequences(images), check_age(facts.age, rules)]
    constant = {check.where for check in checks if check.id == "constant" and check.verdict is not Verdict.PASS}
    good = {name: volume for name, volume in images.items() if name not in constant}
    for name, volume in good.items():
        checks += [
            check_orientation(name, volume, name not in facts.unstated, rules),
            check_spacing(name, volume, rules),
            check_field_of_view(name, volume, rules),
            check_number_limit(name, volume, rules),
            check_signal_to_noise(name, volume, rules),
            check_interpolated(name, volume, rules),
            check_ghosting(name, volume, rules),
        ]
    if good:
        checks += [check_symmetry_axis(good, rules), check_brain_size(good, facts.brain, rules)]
        checks += _between(good, rules)
    for name, record in facts.prepared.items():
        checks += check_prepared(name, record, rules)
    if seg is not None:
        checks += _of_mask(good, seg, rules)
    return tuple(_as_asked(check, rules) for check in checks)


def check_sequences(images: Collection[str]) -> Check:
    """Whether all four sequences are there; a case without one can be used, and says less."""
    missing = [name for name in SEQUENCES if name not in images]
    action = "add it if it was recorded" + "; without t1c nothing can be said of enhancement" * ("t1c" in missing)
    return Check(
        id="sequences",
        verdict=Verdict.WARN if missing else Verdict.PASS,
        found=f"no {', '.join(missing)}" if missing else "all four",
        expected=", ".join(SEQUENCES),
        action=action if missing else "",
    )


def check_age(age: float | None, rules: Rules = THRESHOLDS) -> Check:
    """Whether the patient is an adult."""
    if age is None:
        return replace(not_assessable("age", "no age", "18 years or more"), action="fill in the age if it is known")
    verdict = rules["age"].verdict(age)
    action = "the model knows adults' gliomas: take this case out of the site folder"
    told = action if verdict is not Verdict.PASS else ""
    return Check(id="age", verdict=verdict, found=f"{age:g} years", expected="18 years or more", action=told)


def check_brain_size(images: Mapping[str, Volume], brain: Volume | None, rules: Rules = THRESHOLDS) -> Check:
    """Whether the brain has an adult's volume, by its mask or, without one, by the sequences' median content."""
    if brain is not None:
        ml = float(np.count_nonzero(brain.data) * voxel_ml(brain.affine_44))
    else:
        ml = float(np.median([content_ml(volume) for volume in images.values()]))
    verdict = gravest(rules["small_brain"].verdict(round(ml)), rules["large_brain"].verdict(round(ml)))
    action = "look at the brain's outline: parts cut off, or skull, eyes or fluid around it left on"
    return Check(
        id="brain_size",
        verdict=verdict,
        found=f"{ml:.0f} mL" + (" in the brain mask" if brain is not None else " that are not background"),
        expected="900 to 1700 mL",
        action=action if verdict is not Verdict.PASS else "",
    )


def check_prepared(name: str, record: Prepared, rules: Rules = THRESHOLDS) -> list[Check]:
    """Whether a raw sequence was surely this one, thin enough as acquired, and registered with a small residual."""
    sure = rules["recognition"].verdict(record.confidence)
    thin = rules["slice_thickness"].verdict(round(max(record.native_mm), 2))
    edges = "x".join(f"{mm:.3g}" for mm in record.native_mm)
    asked = [
        ("recognition", sure, f"a series taken for it with confidence {record.confidence:.2f}", "at least 0.80"),
        ("native_slices", thin, f"voxels of {edges} mm as acquired", "edges of at most 3 mm"),
    ]
    if record.residual_mm is not None:
        close = rules["registration"].verdict(round(record.residual_mm, 1))
        asked.append(("registration", close, f"a recorded residual of {record.residual_mm:.1f} mm", "at most 1 mm"))
    return [
        Check(id=check, verdict=verdict, found=found, expected=expected, action=action, where=name)
        for check, verdict, found, expected in asked
        for action in (_MENDED[check] if verdict is not Verdict.PASS else "",)
    ]


def _between(images: Mapping[str, Volume], rules: Rules) -> list[Check]:
    """What needs several sequences on one grid; where they lie apart, `one_grid` has said so."""
    first = next(iter(images.values())).grid
    if not all(same_grid(first, volume.grid) for volume in images.values()):
        told = "sequences on different grids", "one grid"
        return [not_assessable(name, *told) for name in ("alignment", "fluid_on_flair", "cavity")]
    reference = next(name for name in _REFERENCES if name in images)
    checks = [check_alignment(name, reference, images, rules) for name in images if name != reference]
    if "t1c" in images and "t1" not in images:
        checks.append(not_assessable("contrast_agent", "no t1", "t1 and t1c to compare", "t1c"))
    if not ({"t2", "flair"} <= set(images) and {"t1", "t1c"} & set(images)):
        told = "a missing sequence", "t2, flair and one of t1 and t1c"
        return [*checks, *(not_assessable(name, *told) for name in ("fluid_on_flair", "cavity"))]
    sketches = {name: sketch(volume) for name, volume in images.items()}
    fluid = check_fluid_on_flair(sketches, deep_of(sketches), rules)
    return [*checks, fluid, check_cavity(images, sketches, rules)]


def _of_mask(images: Mapping[str, Volume], seg: Volume, rules: Rules) -> list[Check]:
    """The checks of a segmentation, in words for one that the site gave."""
    off = [name for name, volume in images.items() if not same_grid(volume.grid, seg.grid)]
    grid = Check(
        id="mask_grid",
        verdict=Verdict.FAIL if off else Verdict.PASS,
        found=f"another grid than {', '.join(off)}" if off else "the grid of all sequences",
        expected="the images' grid",
        action="resample the mask to the images with nearest neighbour" if off else "",
    )
    empty = "remove the file if nobody outlined the tumour; an empty mask says that there is none"
    checks = check_result(images, seg, rules)
    lost = [replace(c, action=empty) if c.id == "tumour_found" and c.action else c for c in checks]
    return [grid, *lost]


def rules_told(check: str, rules: Rules) -> str:
    """The thresholds of a check in words; "" where it has none."""
    names = RULES_OF.get(check, (check,))
    return "; ".join(str(rules[name]) for name in names if name in rules)


def _as_asked(check: Check, rules: Rules) -> Check:
    """The check with the site's own thresholds as what is expected, where it moved them."""
    names = RULES_OF.get(check.id, (check.id,))
    moved = [rules[name] for name in names if name in rules and rules[name] != THRESHOLDS[name]]
    if not moved:
        return check
    return replace(check, expected=f"by this site's rule: {'; '.join(str(rule) for rule in moved)}")
