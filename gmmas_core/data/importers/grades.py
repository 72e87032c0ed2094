"""What a published grade tells about the histology alone, which is what the network's histology task means.

A histologic grade (WHO 2007 and 2016) is read off the slide: necrosis or microvascular proliferation in a diffuse
astrocytic glioma is grade 4. WHO 2021 grades are integrated: molecular findings raise them. Hence

- integrated grade 2 or 3: no necrosis and no microvascular proliferation in an astrocytic tumour, else it would be 4;
  and a codeleted oligodendroglioma is 2 or 3 by any edition. The histology is lower grade.
- integrated grade 4: unknown. Glioblastoma, IDH-wildtype may rest on TERT, EGFR or +7/-10 in a tumour that looks like
  grade 2 or 3, and Astrocytoma, IDH-mutant, grade 4 on CDKN2A/B alone. Neither grade nor diagnosis says which.

So a site of such a table knows only lower grades: its histology labels are right, but of one class. Its summary says so
(ONE_CLASS); a pathologist can fill in `histology` for the others.

Source: Louis et al. 2021, doi:10.1093/neuonc/noab106; Louis et al. 2016, doi:10.1007/s00401-016-1545-1.
"""

from collections.abc import Sequence

from gmmas_core.data.importers.cells import cell_of, word
from gmmas_core.data.importers.participants import PUBLISHED_DIAGNOSIS, PUBLISHED_GRADE
from gmmas_core.data.importers.sheet import Row

HISTOLOGIC = "who_cns_grade_histologic"

INTEGRATED_4 = (
    "grade 4 may count molecular findings (WHO 2021): whether it is a glioblastoma by histology is left unknown"
)
ONE_CLASS = (
    "Histology is known for grades 2 and 3 only, since the published grade 4 may count molecular findings: this label "
    "has one class here. Fill in the column histology from pathology reports, or leave this task to other sites."
)


def from_integrated(row: Row, titles: Sequence[str], notes: list[str]) -> dict[str, str]:
    """The grade of a row whose grades are integrated, or may be: as published, and as histologic where it follows.

    Args:
        row: normalised header -> text.
        titles: headers of the grade.
        notes: appended to when the histology is left unknown.

    Returns:
        published_grade, and who_cns_grade_histologic for grades 2 and 3; {} when unknown.
    """
    grade = word(HISTOLOGIC, cell_of(row, titles))
    if grade is None:
        return {}
    if grade == "4":
        notes.append(INTEGRATED_4)
        return {PUBLISHED_GRADE: grade}
    return {HISTOLOGIC: grade, PUBLISHED_GRADE: grade}


def diagnosis_of(row: Row, titles: Sequence[str]) -> dict[str, str]:
    """The published diagnosis as text on one line, {} when unknown."""
    text = " ".join(cell_of(row, titles).split())[:100]
    return {PUBLISHED_DIAGNOSIS: text} if text else {}
