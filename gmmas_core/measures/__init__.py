"""What can be measured on a case: volumes, diameters, pieces, sides, margin, mismatch, VASARI; and how it changed.

case.py     all of it on one CaseResult            compare.py  two and more examinations of one patient
values.py   a number with its errors, or a reason  volumes.py lesions.py diameters.py sides.py margin.py mismatch.py
midline.py  the mid-sagittal plane and its error   vasari.py   scores that a mask supports
stored.py   measures from the JSON they were kept as

Works on any grid whose axes stand at right angles: spacing and orientation come from the affine, nothing is resampled.
Needs numpy, scipy, nibabel.
"""

from gmmas_core.measures.case import CaseMeasures, measure_case
from gmmas_core.measures.compare import Change, Comparison, NotComparable, compare
from gmmas_core.measures.stored import measures_from
from gmmas_core.measures.values import Interval, Measure, Missing, Quantity
from gmmas_core.measures.volumes import Doubt

__all__ = [
    "CaseMeasures",
    "Change",
    "Comparison",
    "Doubt",
    "Interval",
    "Measure",
    "Missing",
    "NotComparable",
    "Quantity",
    "compare",
    "measure_case",
    "measures_from",
]
