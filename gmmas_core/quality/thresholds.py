"""All thresholds of the checks in one table, each with its reason.

"Seen" are the eight BraTS 2021 cases, TCGA-FG-6692 (raw and prepared), one metastasis, and phantoms of four hospitals:
far too few to know how often a threshold errs. A threshold marked `after_seeing` was placed between what they showed;
its error rate on other scanners is unknown. The others follow from the meaning of the number alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gmmas_core.quality.check import Verdict


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Where a number turns into a warning and into a failure.

    Attributes:
        warn, fail: values at which the verdict changes; None where there is no such step.
        above: whether numbers above the steps are the bad ones (else those below).
        unit: of the number.
        reason: why there.
        after_seeing: whether the place was chosen with the cases above at hand.
    """

    warn: float | None
    fail: float | None
    above: bool
    unit: str
    reason: str
    after_seeing: bool

    def __str__(self) -> str:
        side = "above" if self.above else "below"
        steps = [
            f"{word} {side} {step:g}" for word, step in (("warn", self.warn), ("fail", self.fail)) if step is not None
        ]
        return f"{self.unit}: {', '.join(steps) or 'any value'}"

    def verdict(self, value: float) -> Verdict:
        """The verdict on a number; a step itself is still good."""
        for step, verdict in ((self.fail, Verdict.FAIL), (self.warn, Verdict.WARN)):
            if step is not None and (value > step if self.above else value < step):
                return verdict
        return Verdict.PASS


Rules = Mapping[str, Threshold]
"""Thresholds by the names that THRESHOLDS has; a site may have moved some."""


def _above(warn: float | None, fail: float | None, unit: str, reason: str, after_seeing: bool = False) -> Threshold:
    return Threshold(warn=warn, fail=fail, above=True, unit=unit, reason=reason, after_seeing=after_seeing)


def _below(warn: float | None, fail: float | None, unit: str, reason: str, after_seeing: bool = False) -> Threshold:
    return Threshold(warn=warn, fail=fail, above=False, unit=unit, reason=reason, after_seeing=after_seeing)


THRESHOLDS = {
    "empty_background": _below(
        None,
        0.2,
        "share of zeros",
        "a stripped brain leaves 0.3 of even its tightest box empty, raw heads 0 to 0.1; as in client/case_checks",
    ),
    "large_content": _above(
        2000.0,
        2300.0,
        "mL",
        "no adult brain with its fluid reaches 2 L; the raw head seen has 3 L, the largest stripped brain 1.73 L",
        after_seeing=True,
    ),
    "small_content": _below(900.0, 500.0, "mL", "small adult brains have 1 L; half of one is a cut or a failed mask"),
    "coverage": _below(0.8, 0.5, "share of the brain", "as in client/case_checks: less is a cut field of view"),
    "dark_part": _above(
        0.04,
        0.3,
        "share of the brain below 6 % of its median",
        "resampling fills a cut field of view with almost nothing: 0.074 in the one case seen with a cut T1, at most "
        "0.02 in all others",
        after_seeing=True,
    ),
    "cut_at_edge": _above(
        0.2,
        0.5,
        "share of the brain's largest parallel cross-section",
        "a large cross-section where the image ends means that the brain goes on outside; the brain stem, which every "
        "field of view cuts, and the tip of the cerebellum reached 0.13",
        after_seeing=True,
    ),
    "slice_thickness": _above(
        3.0, 7.0, "mm", "an enhancing rim is 2 to 5 mm thick: thicker voxels average it away; 7 mm is no protocol"
    ),
    "constant": _below(None, 3.0, "different values", "an image of one or two values is a mask or nothing"),
    "noise": _below(
        0.5,
        0.3,
        "correlation of neighbouring voxels",
        "noise has 0; brains seen 0.84 and more at 1 mm, phantoms at 3 mm 0.57 and more",
        after_seeing=True,
    ),
    "missing_piece": _above(
        5.0,
        None,
        "mL that other sequences show, thicker than 10 mm",
        "a tumour fits in; the rim between two brain masks of one head was seen up to 9 mm thick",
        after_seeing=True,
    ),
    "saturation": _above(
        0.0002,
        0.02,
        "share of the content at the largest value, less twice that at the next one",
        "an unclipped image has one to four voxels at its maximum, 0.0002 are 0.3 mL of a brain; above 2 % whole "
        "structures are flat",
        after_seeing=True,
    ),
    "tissue_contrast": _below(
        0.07,
        0.04,
        "robust spread over median",
        "a bottle of water has next to none; brains seen 0.10 and more",
        after_seeing=True,
    ),
    "symmetry": _below(
        0.3,
        None,
        "correlation of the brain with its mirror image",
        "heads are symmetric, noise is not: brains seen, tumour included, 0.42 to 0.75",
        after_seeing=True,
    ),
    "duplicates": _above(
        0.97,
        None,
        "correlation of two sequences",
        "T1 before and after contrast, the most alike, reach 0.85 in the brains seen and 0.96 in phantoms",
        after_seeing=True,
    ),
    "fluid_t1": _above(-0.3, 0.3, "robust SD", "sign: fluid is bright on T2 only; 0.3 around 0 is left open"),
    "fluid_flair": _above(-1.0, 1.0, "robust SD", "sign: fluid is bright on T2 only; 1 around 0 is left open"),
    "tissue": _below(
        0.15,
        -0.15,
        "difference of two correlations",
        "sign: grey matter is brighter than white on T2 and FLAIR, darker on T1; brains seen 0.21 and more, phantoms "
        "0.41",
        after_seeing=True,
    ),
    "contrast_agent": _below(
        0.25,
        -1.0,
        "robust SD",
        "sign: vessels and tumour are brighter after contrast; cases seen 0.30 to 4.3, non-enhancing phantoms at 3 mm "
        "down to -0.5",
        after_seeing=True,
    ),
    "tumour_small": _below(1.0, None, "mL", "below it a network's false positives are more frequent than gliomas"),
    "tumour_large": _above(300.0, 500.0, "mL", "the largest whole tumours of public collections have about 300 mL"),
    "outside_brain": _above(
        0.01, 0.05, "share of the tumour", "resampling moves a rim of it (as in client/case_checks)"
    ),
    "scattered": _above(0.3, None, "share outside the largest piece", "a glioma is mostly one piece"),
    "multiple_cores": _above(2.0, None, "cores, none above 70 % of all", "three and more alike are no usual glioma"),
    "tumour_signal": _below(
        0.5, None, "robust SD above the healthy brain", "a whole tumour is defined by its T2 or FLAIR signal"
    ),
    "enhancement_signal": _below(
        0.5, None, "robust SD of t1c minus t1 above the healthy brain", "enhancing tumour is defined by its enhancement"
    ),
    "tumour_at_edge": _above(0.0, None, "tumour voxels on the border", "a tumour that is cut has no volume"),
    "oblique": _above(
        20.0, None, "degrees", "atlas space has 0 and a tilted head seldom more than 20: more is a wrong header"
    ),
    "symmetry_axis": _below(
        0.0,
        None,
        "correlation with the mirror image left to right, minus the best of the other two axes",
        "sign: a head is most like its mirror image left to right; an axis under another's name turns it",
    ),
    "voxel_edge": _below(0.4, 0.1, "mm", "no clinical series of the brain is finer: metres or microns taken for mm"),
    "extent": _below(
        110.0, 80.0, "mm along the shortest axis", "an adult brain, even cropped to its tightest box, is longer"
    ),
    "small_brain": _below(900.0, 600.0, "mL", "adult brains have 900 mL and more; less is cut or half stripped"),
    "large_brain": _above(1700.0, 2300.0, "mL", "adult brains with fluid have up to 1700 mL; more is skull left on"),
    "number_limit": _above(
        0.5,
        None,
        "1 where the largest value is the most that a usual number type holds",
        "brightness was clipped there or stretched to it: intensities are then no longer the scanner's",
    ),
    "signal_to_noise": _below(
        8.0,
        4.0,
        "median over the noise's standard deviation",
        "below 8 grey and white matter, which differ by a sixth or so, drown; resampled images seem better than they "
        "are",
        after_seeing=True,
    ),
    "interpolated": _below(
        None,
        None,
        "roughness along the smoothest axis over that along the roughest",
        "3-D scans have 0.35 and more, slices of 2 mm made from one 0.48, of 4 mm 0.25 to 0.30; the one case known to "
        "have 5.5 mm has 0.17 to 0.24; 25 of 32 sequences of BraTS 2021 were below 0.3, so it warns only where a site "
        "asks for it",
        after_seeing=True,
    ),
    "ghosting": _above(
        0.03,
        0.1,
        "difference of the background on the two pairs of sides over twice the head's mean",
        "the American College of Radiology accepts 0.025 to 0.03 in its phantom",
    ),
    "fluid_on_flair": _above(
        0.0, 1.5, "robust SD above the median brain", "sign: FLAIR is FLAIR because fluid is dark on it"
    ),
    "alignment": _above(
        3.0,
        6.0,
        "mm",
        "an enhancing rim is 2 to 5 mm thick; cases that were registered with care measured 0.2 to 2.7 mm",
        after_seeing=True,
    ),
    "registration": _above(
        1.0, 4.0, "mm", "there and back again: a motion that was found well comes back to its start"
    ),
    "recognition": _below(
        0.8, None, "confidence", "a name alone, or name against header, is less than one clear answer"
    ),
    "cavity": _above(
        10.0,
        None,
        "mL of one-sided fluid that reaches the surface",
        "a resection leaves a hole of many mL; tumours before surgery seen had at most 0.8",
        after_seeing=True,
    ),
    "age": _below(None, 18.0, "years", "adult-type gliomas: a child's tumours are other diseases"),
    "same_scan": _above(
        0.99,
        0.999,
        "correlation of two cases' images of one sequence, brought to one brain box",
        "the same image cropped or scaled anew has 1.000, resampled 0.997; two patients' at most 0.94",
        after_seeing=True,
    ),
}
"""Name -> threshold; a check uses one or two."""
