"""One prepared case -> CaseResult on the scanner's own grid."""

from gmmas_core.inference.assessability import not_assessable
from gmmas_core.inference.postprocess import POSTPROCESS
from gmmas_core.inference.predict import predict_case, predict_with_map
from gmmas_core.inference.segment import SEGMENTATION

__all__ = ["POSTPROCESS", "SEGMENTATION", "not_assessable", "predict_case", "predict_with_map"]
