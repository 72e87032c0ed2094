"""WHO CNS5 (2021) integrated diagnosis as rules: findings -> layered diagnosis, probabilities -> ranked suggestions."""

from gmmas_core.diagnosis.describe import LayeredReport, layered_report, title
from gmmas_core.diagnosis.findings import Finding, Findings, from_imaging, from_record, from_tissue
from gmmas_core.diagnosis.imaging import conditional_codeletion, marginal_codeletion, with_imaging
from gmmas_core.diagnosis.integrate import Diagnosis, integrate
from gmmas_core.diagnosis.prognosis import Requester, population_figures
from gmmas_core.diagnosis.ranking import Ranking, rank_case, ranked_diagnoses
from gmmas_core.diagnosis.texts import text

__all__ = [
    "Diagnosis",
    "Finding",
    "Findings",
    "LayeredReport",
    "Ranking",
    "Requester",
    "conditional_codeletion",
    "from_imaging",
    "from_record",
    "from_tissue",
    "integrate",
    "layered_report",
    "marginal_codeletion",
    "population_figures",
    "rank_case",
    "ranked_diagnoses",
    "text",
    "title",
    "with_imaging",
]
