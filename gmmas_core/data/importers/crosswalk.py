"""Who is the same patient under another name: ids of public data sets, tables that tie them, and cases held already.

Only what a table says is believed. Ids of one hospital (`sub-01`) tie nobody: two data sets both have a first patient.
Where two data sets are known to share patients and no table ties them, that is said as unknown, never as none.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gmmas_core.data.importers import brats2021
from gmmas_core.data.importers.found import FoundCase
from gmmas_core.data.importers.sheet import read_kind
from gmmas_core.data.importers.ucsf_pdgm import FOLLOW_UPS

# Several spellings of one patient; what the group `id` matches, in upper case, is the patient.
_PATIENTS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "BraTS 2021": r"(?:BraTS2021|FeTS2022)_(?P<id>\d{5})",  # FeTS 2022 keeps BraTS 2021's numbers, see fets2022
        "BraTS 2020": r"BraTS20_(?P<id>(?:Training|Validation)_\d{3})",
        "BraTS 2017-2019": r"(?P<id>BraTS1[789]_[A-Za-z0-9]+_[A-Za-z0-9_]+)",
        "BraTS-GLI": r"BraTS-GLI-(?P<id>\d{5})(?:-\d{3})?",
        "MSD": r"BRATS_(?P<id>\d{3,4})",
        "UCSF-PDGM": r"UCSF-PDGM-(?P<id>\d{3,4})(?:_FU\d+d)?(?:_nifti)?",
        "UPENN-GBM": r"UPENN-GBM-(?P<id>\d{5})(?:_\d{2})?",
        "TCGA": r"(?P<id>TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})[A-Z]?(?:[-_].*)?",
        "EGD": r"EGD-(?P<id>\d{4})",
        "UTSW": r"BT(?P<id>\d{4})",
    }.items()
}
_CHALLENGES = ("BraTS 2021", "BraTS 2020", "BraTS-GLI", "MSD")
_SOURCES = ("UCSF-PDGM", "UPENN-GBM", "TCGA")
# UCSF-PDGM's table (v2) has both exams of these patients as BraTS 2021 training cases.
_SECOND_EXAMS = (("BraTS2021_00557", "BraTS2021_00639"), ("BraTS2021_00626", "BraTS2021_00758"))
_KINDS = {"BraTS 2021": brats2021.NEEDS, "BraTS 2020": ("BraTS_2019_subject_ID", "TCGA_TCIA_subject_ID")}


def patient_key(text: str) -> tuple[str, str] | None:
    """(name space, id) of a public data set's patient; None for any other text."""
    for name, pattern in _PATIENTS.items():
        match = pattern.fullmatch(text.strip())
        if match:
            found = match["id"].upper()
            return name, found.zfill(4) if name in ("UCSF-PDGM", "MSD") else found
    return None


def may_share_patients(one: str, other: str) -> bool:
    """Whether two name spaces are known to hold the same people under different names."""
    return one != other and {one, other} <= {*_CHALLENGES, *_SOURCES} and bool({one, other} & {*_CHALLENGES})


@dataclass(frozen=True, kw_only=True)
class Held:
    """A case that a site folder holds already.

    Attributes:
        where: the folder's name.
        case_id: there.
        patient_id: there.
        data_set: name of its importer, "" for a case that was not imported.
        ids: of the patient in any data set.
    """

    where: str
    case_id: str
    patient_id: str
    data_set: str
    ids: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Crosswalk:
    """Keys of patients tied into groups; one group is one patient."""

    _group: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def tie(self, ids: Iterable[str]) -> None:
        """Say that these ids are one patient; texts that are no public id are passed over."""
        keys = [key for key in map(patient_key, ids) if key is not None]
        for key in keys[1:]:
            self._group[self._root(keys[0])] = self._root(key)

    def groups(self, ids: Iterable[str]) -> frozenset[tuple[str, str]]:
        """The groups that ids belong to."""
        return frozenset(self._root(key) for key in map(patient_key, ids) if key is not None)

    def spaces(self) -> dict[tuple[str, str], set[str]]:
        """Group -> the name spaces in which its patient is known."""
        found: dict[tuple[str, str], set[str]] = {}
        for key in self._group:
            found.setdefault(self._root(key), {self._root(key)[0]}).add(key[0])
        return found

    def _root(self, key: tuple[str, str]) -> tuple[str, str]:
        while key in self._group and self._group[key] != key:
            key = self._group[key]
        return key


def read_crosswalk(tables: Sequence[Path]) -> Crosswalk:
    """Tables whose rows name one patient in several data sets, and the ties that are known without a table.

    Args:
        tables: BraTS2021_MappingToTCIA.xlsx or BraTS' name_mapping.csv, in any of their editions.

    Raises:
        DataError: a table is none of them.
    """
    crosswalk = Crosswalk()
    for exams in _SECOND_EXAMS:
        crosswalk.tie(exams)
    for old, new in FOLLOW_UPS.items():
        crosswalk.tie([f"UCSF-PDGM-{old}", f"UCSF-PDGM-{new}"])
    for table in tables:
        _, rows = read_kind(table, _KINDS)
        for row in rows:
            crosswalk.tie([*row.values(), brats2021.original_id(row)])
    return crosswalk


def one_patient_each(cases: Sequence[FoundCase], crosswalk: Crosswalk) -> tuple[FoundCase, ...]:
    """Cases of one data set that a table ties to one patient get the first one's patient id, so they share a split."""
    first: dict[tuple[str, str], str] = {}
    united = []
    for case in cases:
        keys = crosswalk.groups([case.patient_id, *case.aliases])
        patient = next((first[key] for key in keys if key in first), case.patient_id)
        first |= dict.fromkeys(keys, patient)
        if patient != case.patient_id:
            note = f"a table says that {case.patient_id} is the patient {patient}"
            case = replace(
                case, patient_id=patient, aliases=(*case.aliases, case.patient_id), notes=(*case.notes, note)
            )
        united.append(case)
    return tuple(united)


def find_duplicates(cases: Sequence[FoundCase], held: Sequence[Held], crosswalk: Crosswalk) -> dict[str, Held]:
    """Case id -> the case held already that shows the same patient."""
    holder: dict[tuple[str, str], Held] = {}
    for other in held:
        for key in crosswalk.groups(ids_of(other)):
            holder.setdefault(key, other)
    found = {}
    for case in cases:
        shared = crosswalk.groups([case.case_id, case.patient_id, *case.aliases]) & holder.keys()
        if shared:
            found[case.case_id] = holder[min(shared)]
    return found


def untied(cases: Sequence[FoundCase], held: Sequence[Held], crosswalk: Crosswalk) -> list[str]:
    """Pairs of data sets that are known to share patients and that no table ties, as sentences."""
    tied = list(crosswalk.spaces().values())
    return [
        f"{one} and {other} share patients and no table given says which: how many are here twice is unknown"
        for one in sorted(_spaces_of(case.patient_id for case in cases))
        for other in sorted(_spaces_of(other.patient_id for other in held))
        if may_share_patients(one, other) and not any({one, other} <= spaces for spaces in tied)
    ]


def _spaces_of(patients: Iterable[str]) -> set[str]:
    return {key[0] for key in map(patient_key, patients) if key is not None}


def ids_of(held: Held) -> tuple[str, ...]:
    """Every id of a held case's patient."""
    return (held.case_id, held.patient_id, *held.ids)
