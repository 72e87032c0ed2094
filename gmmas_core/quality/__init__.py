"""Is this case one that the model may be believed on? Checks of the images, and of the segmentation against them.

images.py  check_images: single.py one sequence alone, together.py sequences against each other
result.py  check_result: the segmentation         check.py  what an answer is
case.py    check_case: both, and what concerns whoever prepares data: placement.py where an image says that it lies,
           acquisition.py number range, noise, ghosts, alignment.py what registration left over, cavity.py surgery
scan_likeness.py  one scan under two names
thresholds.py  every threshold with its reason    sketch.py sequences seen coarsely

A check that passes proves nothing; one that fails asks a person to look. Needs numpy, scipy, nibabel.
"""

from gmmas_core.quality.case import Facts, Prepared, check_case
from gmmas_core.quality.check import Check, Verdict, worst
from gmmas_core.quality.images import check_images
from gmmas_core.quality.result import check_result
from gmmas_core.quality.thresholds import THRESHOLDS, Rules, Threshold

__all__ = [
    "THRESHOLDS",
    "Check",
    "Facts",
    "Prepared",
    "Rules",
    "Threshold",
    "Verdict",
    "check_case",
    "check_images",
    "check_result",
    "worst",
]
