"""What a published grade tells about the histology alone, which is what the network's histology task means.

A histologic grade (WHO 2007 and 2016) is read off the slide: necrosis or microvascular proliferation in a diffuse
astrocytic glioma is grade 4. WHO 2021 grades are integrated: molecular findings raise them. Hence

- integrated grade 2 or 3: no necrosis and no microvascular proliferation in an astrocytic tumour, else it would be 4;
  and a codeleted oligodendroglioma is 2 or 3 by any edition. The histology is lower grade.
- integrated grade 4: unknown. Glioblastoma, IDH-wildtype may rest on TERT, EGFR or +7/-10 in a tumour that looks like
  grade 2 or 3, and Astrocytoma, IDH-mutant, grade 4 on CDKN2A/B alone. Neither grade nor diagnosis says which.

So a site of such a table knows only lower grades: its histology labels are correct but of one class. The importers say
so; a pathologist can fill in `histology` for the others.

Source: Louis et al. 2021, doi:10.1093/neuonc/noab106; Louis et al. 2016, doi:10.1007/s00401-016-1545-1.
"""

from collections.abc import Iterable, Mapping

from gmmas_core.data.importers.found import FoundCase, Skipped

HISTOLOGIC = "who_cns_grade_histologic"
PUBLISHED_GRADE, PUBLISHED_DIAGNOSIS = "published_grade", "published_diagnosis"
"""Columns that keep what a table says of the tumour as a whole, integrated or not; no training reads them."""


def from_integrated(grade: Mapping[str, str]) -> dict[str, str]:
    """The histologic grade that follows from an integrated one.

    Args:
        grade: {"who_cns_grade_histologic": the published grade}, or {} when unknown.

    Returns:
        The same for grades 2 and 3, else {}.
    """
    return {column: text for column, text in grade.items() if text in ("2", "3")}


def one_class(cases: Iterable[FoundCase]) -> tuple[Skipped, ...]:
    """The warning about one-sided histology labels, if any grade 4 of these cases was left out."""
    taken = tuple(cases)
    unknown = sum(case.labels.get(PUBLISHED_GRADE) == "4" and HISTOLOGIC not in case.labels for case in taken)
    if not unknown:
        return ()
    known = sum(HISTOLOGIC in case.labels for case in taken)
    reason = (
        f"grade 4 of {unknown} cases may count molecular findings (WHO 2021), so glioblastoma by histology cannot be "
        f"told from it and is left unknown; {known} lower grades are known, so this label has one class here: fill in "
        "the column histology from pathology reports, or leave this task to other sites"
    )
    return (Skipped(name="histology", reason=reason),)
