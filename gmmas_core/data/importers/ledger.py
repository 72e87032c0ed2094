"""import.json: what was imported into a site folder, from where, by what rules, and what was left out and why.

It marks the folder as this program's own before the first case is written, so a killed import can be resumed and
somebody else's folder is never written into. It names patients' public ids and stays in the hospital.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json
from gmmas_core.data.importers.crosswalk import Held
from gmmas_core.data.problems import TABLE, raise_on_errors
from gmmas_core.data.table import Table, read_table
from gmmas_core.types import DataError

FILE = "import.json"
FORMAT = 1
MAX_BYTES = 256 * 2**20


@dataclass(kw_only=True)
class Ledger:
    """The content of import.json.

    Attributes:
        imports: data set -> what its last import told (see write.summary).
        cases: case id -> {"from", "patient", "group", "aliases", "notes"}, of every case that is meant to lie here.
        label_convention: in which masks lie here, "" before the first case.
        is_finished: False while an import runs, or when it was killed.
    """

    imports: dict[str, dict[str, Any]] = field(default_factory=dict)
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    label_convention: str = ""
    is_finished: bool = True

    def save(self, folder: Path) -> None:
        """Write import.json in one step."""
        content = {
            "format": FORMAT,
            "finished": self.is_finished,
            "label_convention": self.label_convention,
            "imports": self.imports,
            "cases": self.cases,
        }
        write_json(folder / FILE, content)


def read_ledger(folder: Path) -> Ledger | None:
    """The ledger of a site folder, or None where nothing was imported.

    Raises:
        DataError: import.json is a link, unreadable or of another format.
    """
    file = folder / FILE
    if not os.path.lexists(file):
        return None
    try:
        if os.path.islink(file) or file.stat().st_size > MAX_BYTES:
            raise ValueError
        content = json.loads(file.read_text())
        if content["format"] != FORMAT or not all(_is_case(case) for case in content["cases"].values()):
            raise ValueError
        return Ledger(
            imports=dict(content["imports"]),
            cases=dict(content["cases"]),
            label_convention=str(content["label_convention"]),
            is_finished=bool(content["finished"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DataError(
            f"{FILE}: found a file that no import of this version wrote; expected its own; import into a new folder"
        ) from None


def _is_case(case: Any) -> bool:
    texts = isinstance(case, Mapping) and all(isinstance(case[key], str) for key in ("from", "patient"))
    return texts and all(isinstance(alias, str) for alias in case["aliases"])


def held_cases(folder: Path) -> list[Held]:
    """Every case that a site folder's table or ledger names, imported or not.

    Raises:
        DataError: as `read_ledger`, or the table cannot be understood.
    """
    ledger = read_ledger(folder) or Ledger()
    held = {
        case_id: Held(
            where=folder.name,
            case_id=case_id,
            patient_id=case["patient"],
            data_set=case["from"],
            ids=tuple(case["aliases"]),
        )
        for case_id, case in ledger.cases.items()
    }
    table = read_table(folder / TABLE) if (folder / TABLE).exists() else Table()
    raise_on_errors(table.problems, folder.name)  # else whoever it names would come in again
    for _, cells in table.rows:
        patient = cells.get("participant_id", "")
        case_id = cells.get("case_id", "") or patient
        if patient and case_id not in held:
            held[case_id] = Held(where=folder.name, case_id=case_id, patient_id=patient, data_set="")
    return list(held.values())
