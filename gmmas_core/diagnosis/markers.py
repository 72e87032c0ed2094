"""The questions of the decision table and the values that answer them."""

from enum import StrEnum


class State(StrEnum):
    """Whether there is a result."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    NOT_ASSESSABLE = "not_assessable"


class Source(StrEnum):
    """Where a result comes from."""

    TISSUE = "tissue"
    IMAGING = "imaging"
    RECORD = "record"


class Histology(StrEnum):
    """What the microscope shows, in the pathologist's words."""

    OLIGODENDROGLIOMA = "oligodendroglioma"
    ASTROCYTOMA = "astrocytoma"
    GLIOBLASTOMA = "glioblastoma"
    OLIGOASTROCYTOMA = "oligoastrocytoma"
    LOWER_GRADE = "lower_grade"  # no more than "not a glioblastoma"; class 0 of the network's histology task


class Idh(StrEnum):
    """IDH1 or IDH2."""

    MUTANT = "mutant"
    WILDTYPE = "wildtype"


class Codel(StrEnum):
    """1p and 19q; codeleted means whole arms of both."""

    CODELETED = "codeleted"
    INTACT = "intact"
    PARTIAL = "partial"


class Mgmt(StrEnum):
    """MGMT promoter."""

    METHYLATED = "methylated"
    UNMETHYLATED = "unmethylated"


class H3(StrEnum):
    """Histone H3."""

    WILDTYPE = "wildtype"
    K27 = "k27"
    G34 = "g34"


class Alteration(StrEnum):
    """A criterion or alteration that is there or not."""

    PRESENT = "present"
    ABSENT = "absent"


class Location(StrEnum):
    """Where the tumour sits, as far as the table asks."""

    MIDLINE = "midline"
    HEMISPHERE = "hemisphere"


class Marker(StrEnum):
    """Names of the findings, in the order in which reports list them; each is a field of `Findings`."""

    HISTOLOGY = "histology"
    GRADE = "grade"
    IDH = "idh"
    CODEL = "codel"
    MGMT = "mgmt"
    ATRX = "atrx"
    CDKN2A = "cdkn2a"
    TERT = "tert"
    EGFR = "egfr"
    CHR7_10 = "chr7_10"
    H3 = "h3"
    PROLIFERATION = "proliferation"
    NECROSIS = "necrosis"
    LOCATION = "location"
    AGE = "age"
