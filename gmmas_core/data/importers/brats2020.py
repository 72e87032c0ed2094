"""BraTS 2020: `BraTS20_{Training,Validation}_NNN/..._{t1,t1ce,t2,flair,seg}.nii[.gz]` and two tables beside them.

The mask of case 355 is called `W39_1998.09.19_Segm.nii`. name_mapping.csv knows each case's HGG or LGG and its id in
TCGA; survival_info.csv knows ages. LGG is lower grade; HGG is no histology here, because anaplastic astrocytomas are
among the high-grade cases (Menze et al. 2015), so it stays unknown.

Source: Bakas et al. 2018 (arXiv:1811.02629); Menze et al. 2015 (doi:10.1109/TMI.2014.2377694).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from gmmas_core.data.columns import is_unknown, normal_header
from gmmas_core.data.importers.case_folder import Facts, collect
from gmmas_core.data.importers.cells import Headers, labels_of
from gmmas_core.data.importers.clinical import absent_columns, by_id
from gmmas_core.data.importers.found import Found, Skipped
from gmmas_core.data.importers.sheet import Row, read_kind
from gmmas_core.data.importers.tree import require_cases, require_source, subfolders, unsafe_files

_CASE = re.compile(r"BraTS20_(Training|Validation)_\d{3}")
_TABLE = re.compile(r"(name_mapping|survival)\w*\.csv", re.IGNORECASE)
_KINDS = {"names": ("BraTS_2020_subject_ID",), "survival": ("Brats20ID", "Age")}
_OTHER_IDS = ("tcga_tcia_subject_id", "brats_2017_subject_id", "brats_2018_subject_id", "brats_2019_subject_id")
_TITLES = {"names": (*_KINDS["names"], "Grade", *_OTHER_IDS), "survival": _KINDS["survival"]}
_HEADERS: Headers = {"age": ("Age",)}


def find(source: Path, tables: Sequence[Path]) -> Found:
    """Find the cases of a tree.

    Args:
        source: the unpacked data set.
        tables: name_mapping.csv and survival_info.csv; when none is given, those that lie in the tree are read.

    Raises:
        DataError: no case folder, or a table that is neither of the two.
    """
    require_source(source)
    left: list[Skipped] = []
    beside = () if tables else tuple(_tables_in(source))
    rows: dict[str, list[Row]] = {"names": [], "survival": []}
    for table in [*tables, *beside]:
        kind, found = read_kind(table, _KINDS)
        # Cases of other years have no id here.
        rows[kind] += [row for row in found if not is_unknown(row[normal_header(_KINDS[kind][0])])]
    left += absent_columns(rows["names"], {"histology": ("Grade",)})
    sheets = {kind: by_id(found, _TITLES[kind], _case_name, left) for kind, found in rows.items()}

    def facts_of(folder: Path, match: re.Match[str]) -> Facts:
        """What the two tables tell of a case."""
        names, survival = (sheets[kind].rows.get(folder.name, {}) for kind in ("names", "survival"))
        notes = [sheet.contested[folder.name] for sheet in sheets.values() if folder.name in sheet.contested]
        return _facts(folder.name, names, survival, notes)

    cases = collect(source, _CASE, left, facts_of)
    require_cases(len(cases) + len(left), "folder named BraTS20_Training_NNN")
    for sheet in sheets.values():
        left += sheet.without(cases, left)
    return Found(cases=tuple(cases.values()), skipped=tuple(left), tables=beside)


def _case_name(text: str) -> str | None:
    return text if _CASE.fullmatch(text) else None


def _tables_in(source: Path) -> list[Path]:
    places = [source, *subfolders(source)]
    found = [file for place in places for file in sorted(place.iterdir()) if _TABLE.fullmatch(file.name)]
    return [file for file in found if unsafe_files(source, [file]) is None]


def _facts(name: str, names: Row, survival: Row, notes: list[str]) -> Facts:
    labels = labels_of(survival, _HEADERS)
    grade = names.get("grade", "").upper()
    if grade == "LGG":
        labels["histology"] = "lower_grade"
    elif grade:
        why = "grade 3 or 4" if grade == "HGG" else "neither HGG nor LGG"
        notes.append(f"{grade[:20]!a}: {why}, so its histology stays unknown")
    return Facts(
        patient_id=name,
        labels=labels,
        group=_institution(names),
        aliases=tuple(names[key] for key in _OTHER_IDS if key in names),
        notes=tuple(notes),
    )


def _institution(names: Mapping[str, str]) -> str:
    """The part of `BraTS19_CBICA_AAB_1` that names where the case came from."""
    parts = names.get("brats_2019_subject_id", "").split("_")
    return parts[1] if len(parts) > 2 else ""
