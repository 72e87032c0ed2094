"""What pathology says, as the classes of the model's own questions; None where it does not answer them."""

from gmmas_core.diagnosis import Findings, integrate
from gmmas_core.diagnosis.ids import Entity
from gmmas_core.diagnosis.markers import Alteration, Codel, Histology, Idh, Mgmt
from gmmas_core.types import Task

TYPES = (Entity.WILDTYPE_GROUP, Entity.ASTROCYTOMA, Entity.OLIGODENDROGLIOMA)
"""The three that exclude each other in a ranking."""


def tissue_class(task: Task, tissue: Findings) -> int | None:
    """Class 0 or 1 of a task.

    Codeletion is asked of IDH-mutant tumours only, as the network was trained; a partial deletion is neither class.
    """
    if task is Task.HISTOLOGY:
        return _histology(tissue)
    if task is Task.IDH:
        return _of(tissue.idh.value, Idh.WILDTYPE, Idh.MUTANT)
    if task is Task.CODEL:
        return _of(tissue.codel.value, Codel.INTACT, Codel.CODELETED) if tissue.idh.value is Idh.MUTANT else None
    return _of(tissue.mgmt.value, Mgmt.UNMETHYLATED, Mgmt.METHYLATED)


def tissue_type(tissue: Findings) -> Entity | None:
    """Which of TYPES the tissue shows, by the decision table; None where it does not say."""
    entity = integrate(tissue).entity
    if entity in (Entity.ASTROCYTOMA, Entity.OLIGODENDROGLIOMA):
        return entity
    return Entity.WILDTYPE_GROUP if tissue.idh.value is Idh.WILDTYPE else None


def _of(value: object, zero: object, one: object) -> int | None:
    return {zero: 0, one: 1}.get(value)


def _histology(tissue: Findings) -> int | None:
    """Glioblastoma by the microscope; of an astrocytoma, that it has a glioblastoma's microscopic criteria."""
    seen = tissue.histology.value
    if seen in (Histology.GLIOBLASTOMA, Histology.LOWER_GRADE, Histology.OLIGODENDROGLIOMA):
        return int(seen is Histology.GLIOBLASTOMA)
    if seen is None:
        return None
    microscopic = (tissue.proliferation.value, tissue.necrosis.value)
    if Alteration.PRESENT in microscopic:
        return 1
    is_lower = tissue.grade.value in (2, 3) or microscopic == (Alteration.ABSENT, Alteration.ABSENT)
    return 0 if is_lower else None
