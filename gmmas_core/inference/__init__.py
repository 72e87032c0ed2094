"""One prepared case -> CaseResult on the scanner's own grid."""

from gmmas_core.inference.assessability import not_assessable
from gmmas_core.inference.predict import predict_case
from gmmas_core.inference.segment import SEGMENTATION

__all__ = ["SEGMENTATION", "not_assessable", "predict_case"]
