"""One prepared case -> CaseResult on the scanner's own grid."""

from gmmas_core.inference.assessability import not_assessable
from gmmas_core.inference.postprocess import POSTPROCESS
from gmmas_core.inference.predict import CaseReading, predict_case, predict_with_doubt
from gmmas_core.inference.segment import SEGMENTATION

__all__ = ["POSTPROCESS", "SEGMENTATION", "CaseReading", "not_assessable", "predict_case", "predict_with_doubt"]
