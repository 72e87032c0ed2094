"""The criteria that several lines of the table ask for, each answered yes, no or unknown."""

from gmmas_core.diagnosis.findings import Finding, Findings
from gmmas_core.diagnosis.markers import H3, Alteration, Codel, Histology, Idh, Source

PRESENT, ABSENT = Alteration.PRESENT, Alteration.ABSENT

ADULT = 18.0
"""Years. The adult types of the table, glioblastoma first, are not diagnosed below."""

CANONICAL_IDH_AGE = 55.0
"""Years. From here on IDH mutations other than IDH1 R132H are so rare that a negative stain settles it."""


def idh(f: Findings) -> Idh | None:
    """IDH; an image's answer counts only where no result on tissue rules it out."""
    return None if imaging_set_aside(f) else f.idh.value


def imaging_set_aside(f: Findings) -> bool:
    """An image's IDH cannot be, given tissue: wildtype beside a codeletion, or mutant beside an altered H3."""
    if not f.idh.imaged:
        return False
    if f.idh.value is Idh.WILDTYPE:
        return tissue_codel(f) is Codel.CODELETED
    return h3_altered(f)


def h3_altered(f: Findings) -> bool:
    """H3 K27 altered or G34 mutant."""
    return f.h3.value in (H3.K27, H3.G34)


def tissue_histology(f: Findings) -> Histology | None:
    """The pathologist's histology; never an image's."""
    return f.histology.value if f.histology.source is Source.TISSUE else None


def tissue_codel(f: Findings) -> Codel | None:
    """1p/19q on tissue."""
    return f.codel.value if f.codel.source is Source.TISSUE else None


def microscopic(f: Findings) -> bool | None:
    """Microvascular proliferation or necrosis; a pathologist's "glioblastoma" implies one of them."""
    pair = (f.proliferation, f.necrosis)
    if any_present(*pair):
        return True
    if all_absent(*pair):
        return False
    return True if tissue_histology(f) is Histology.GLIOBLASTOMA else None


def molecular(f: Findings) -> bool | None:
    """A molecular criterion of glioblastoma: TERT promoter, EGFR or +7/-10."""
    three = (f.tert, f.egfr, f.chr7_10)
    if any_present(*three):
        return True
    return False if all_absent(*three) else None


def any_present(*findings: Finding[Alteration]) -> bool:
    """One of them is there."""
    return any(finding.value is PRESENT for finding in findings)


def all_absent(*findings: Finding[Alteration]) -> bool:
    """All were looked for, and none is there."""
    return all(finding.value is ABSENT for finding in findings)


def is_under(f: Findings, years: float) -> bool:
    """The age is known and below."""
    return f.age.value is not None and f.age.value < years
