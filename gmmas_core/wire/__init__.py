"""The nouns as Flower records, and back. The only core package that imports flwr.

Everything decoded here came from another organisation: every field is checked for presence and type before it becomes
one of our nouns. Arrays stay in numpy's own format without pickle. Wire keys are kebab-case: one sees what crosses.
"""

from gmmas_core.wire.handshake import query_to_content, read_coordinator, read_status, status_to_content
from gmmas_core.wire.records import content_bytes, content_hash, read_weights, weights_to_record
from gmmas_core.wire.replies import (
    is_refusal,
    read_scores,
    read_update,
    refusal_to_content,
    scores_to_content,
    update_to_content,
)
from gmmas_core.wire.requests import (
    DISTANCES,
    plan_to_content,
    read_evaluation_plan,
    read_overrides,
    read_round_plan,
)
from gmmas_core.wire.secure import (
    SecureMessage,
    read_masked,
    read_secure_answer,
    read_secure_question,
    read_sum_terms,
    secure_to_content,
    terms_to_record,
)
from gmmas_core.wire.statistics import read_statistics, statistics_question_to_content, statistics_to_content

__all__ = [
    "DISTANCES",
    "SecureMessage",
    "read_masked",
    "read_secure_answer",
    "read_secure_question",
    "read_sum_terms",
    "secure_to_content",
    "terms_to_record",
    "content_bytes",
    "content_hash",
    "plan_to_content",
    "query_to_content",
    "read_coordinator",
    "read_evaluation_plan",
    "read_overrides",
    "read_round_plan",
    "read_scores",
    "read_statistics",
    "read_status",
    "read_update",
    "read_weights",
    "is_refusal",
    "refusal_to_content",
    "scores_to_content",
    "statistics_question_to_content",
    "statistics_to_content",
    "status_to_content",
    "update_to_content",
    "weights_to_record",
]
