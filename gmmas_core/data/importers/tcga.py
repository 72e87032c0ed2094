"""TCGA-GBM and TCGA-LGG before surgery (Bakas): `TCGA-02-0006/TCGA-02-0006_1996.08.23_{flair,t1,t1Gd,t2,...}.nii.gz`.

- Masks: `GlistrBoost_ManuallyCorrected` before the automatic `GlistrBoost`.
- Labels: sheet `S1A. TCGA discovery dataset` of Ceccarelli 2016 (mmc2.xlsx; its header is the second line), or that
  table as CSV, or an export of it: TCGAbiolinks' `paper_...` columns, or labels of PrognosAIs. Rows join on the first
  12 characters of the barcode; several samples of one patient are merged.
- The grade is histologic (WHO 2007 and 2016, which agree on it). Where a table has none, the collection tells the
  histology: TCGA-GBM took glioblastomas, TCGA-LGG grades 2 and 3, both by histology.
- A table with a column `WHO2021` is refused: in such derived tables every IDH wildtype tumour is grade 4, and 1p/19q
  is called intact where nobody tested it.

Source: Bakas et al. 2017, doi:10.1038/sdata.2017.117; Ceccarelli et al. 2016, doi:10.1016/j.cell.2015.12.028.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from gmmas_core.data.importers.case_folder import Facts, collect
from gmmas_core.data.importers.cells import Headers, agree, coherent, labels_of
from gmmas_core.data.importers.clinical import ClinicalTable, absent_columns, by_id
from gmmas_core.data.importers.found import Found, Skipped
from gmmas_core.data.importers.grades import HISTOLOGIC, diagnosis_of
from gmmas_core.data.importers.sheet import read_kind, read_rows
from gmmas_core.data.importers.tree import require_cases, require_source
from gmmas_core.types import DataError

TABLE = "mmc2.xlsx of Ceccarelli 2016, or a CSV export of it"
SHEET = "S1A. TCGA discovery dataset"

# One patient is called TCGA-EZ-7265A; only the first 12 characters are the patient's.
_FOLDER = re.compile(r"(?P<name>TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}[A-Z]?)(?:_\d{4}\.\d{2}\.\d{2})?")
_BARCODE = re.compile(r"(?P<patient>TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})[A-Z]?(?:-.*)?")
_STUDY = re.compile(r"TCGA-[A-Z0-9-]+_(?P<date>\d{4}\.\d{2}\.\d{2})_.*\.nii(\.gz)?")
_COLLECTION = re.compile(r".*TCGA[-_ ](?P<kind>GBM|LGG)(?![A-Za-z]).*", re.IGNORECASE)
_IDS = ("Case", "Patient ID", "Patient", "barcode", "sample", "bcr_patient_barcode", "submitter_id")
_IDH = ("IDH status", "paper_IDH.status", "IDH_mutated", "IDH")
_HEADERS: Headers = {
    "idh": _IDH,
    "codel_1p19q": ("1p/19q codeletion", "paper_X1p.19q.codeletion", "1p19q_codeleted", "1p/19q Status"),
    HISTOLOGIC: ("Grade", "paper_Grade", "Neoplasm Histologic Grade"),
    "mgmt": ("MGMT promoter status", "paper_MGMT.promoter.status", "MGMT Status"),
    "age": ("Age (years at diagnosis)", "paper_Age..years.at.diagnosis."),
    "sex": ("Gender", "paper_Gender"),
}
_DIAGNOSIS = ("Histology", "paper_Histology")
_HISTOLOGY_OF = {"TCGA-GBM": "glioblastoma", "TCGA-LGG": "lower_grade"}


def find(source: Path, tables: Sequence[Path]) -> Found:
    """Find the studies of a tree.

    Args:
        source: one collection or a folder with both.
        tables: the molecular table in any of the forms above, or nothing.

    Raises:
        DataError: no case folder, or a table that is none of these, or one of derived classes.
    """
    require_source(source)
    left: list[Skipped] = []
    sheets = [_table(table, left) for table in tables]

    def facts_of(folder: Path, match: re.Match[str]) -> Facts:
        """What the tables tell of a study's patient, and else its collection."""
        patient, group, notes = match["name"][:12], _collection(folder, source), list[str]()
        told = [sheet.row(patient, notes) for sheet in sheets]
        labels = coherent(agree([labels_of(row, _HEADERS) for row in told], notes), notes)
        if HISTOLOGIC not in labels and group in _HISTOLOGY_OF:
            labels["histology"] = _HISTOLOGY_OF[group]
        for row in told:
            labels |= diagnosis_of(row, _DIAGNOSIS)
        return Facts(
            case_id=_case_id(folder, match["name"]),
            patient_id=patient,
            labels=labels,
            group=group,
            notes=tuple(dict.fromkeys(notes)),
        )

    cases = collect(source, _FOLDER, left, facts_of)
    require_cases(len(cases) + len(left), "folder named TCGA-XX-XXXX")
    patients = {case.patient_id for case in cases.values()}
    for sheet in sheets:
        left += sheet.without(patients, left)
    return Found(cases=tuple(cases.values()), skipped=tuple(left))


def _table(table: Path, left: list[Skipped]) -> ClinicalTable:
    try:
        id_title, raw = _IDS[0], read_rows(table, [_IDS[0], _IDH[0]], SHEET)
    except DataError:
        kinds = {f"{title} {idh}": (title, idh) for idh in _IDH for title in _IDS}
        kind, raw = read_kind(table, kinds)
        id_title = kinds[kind][0]
    held = set(raw[0]) if raw else set()
    if any(title.startswith(("who2021", "who_2021")) for title in held):
        raise DataError(
            f"{table.name}: found a column of WHO 2021 classes; expected measured labels: tables of derived classes "
            f"call untested tumours intact and grade 4; give {TABLE}"
        )
    left += absent_columns(raw, _HEADERS)
    titles = (id_title, *_DIAGNOSIS, *(title for titles in _HEADERS.values() for title in titles))
    return by_id(raw, titles, _patient, left)


def _patient(barcode: str) -> str | None:
    """The first 12 characters of a barcode of any sample of a patient."""
    match = _BARCODE.fullmatch(barcode.upper())
    return None if match is None else match["patient"]


def _case_id(folder: Path, name: str) -> str:
    """The patient with the date of the study where the folder holds one study."""
    try:
        studies = {match["date"] for file in os.listdir(folder) if (match := _STUDY.fullmatch(file))}
    except OSError:
        return name
    return f"{name}_{min(studies)}" if len(studies) == 1 else name


def _collection(folder: Path, source: Path) -> str:
    """ "TCGA-GBM" or "TCGA-LGG" by the nearest folder above that names one, else ""."""
    for above in folder.parents[: len(folder.relative_to(source).parts)]:
        match = _COLLECTION.fullmatch(above.name)
        if match:
            return f"TCGA-{match['kind'].upper()}"
    return ""
