"""Whom an id given at the command line means, by the site's own table.

A participant id means all cases of that patient. A case id means that case; where it is the patient's only one, the
patient. An id that the table does not know (its row was deleted first) means a patient and a case of that name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from client.privacy.pseudonyms import Pseudonyms
from client.site import Site
from gmmas_core.data.problems import TABLE, Problem
from gmmas_core.data.rows import Record, read_row
from gmmas_core.data.table import read_table
from gmmas_core.types import DataError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who leaves.

    Attributes:
        patients: participant ids of whom nothing stays.
        cases: case ids.
        folders: of the cases, relative to the site's data folder.
        staying: other cases of the same patient, which were not named.
        others: every other id and folder of the table, for names that contain one of these.
        is_listed: whether the table has any of the cases.
    """

    patients: frozenset[str]
    cases: frozenset[str]
    folders: frozenset[str] = frozenset()
    staying: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    is_listed: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Everything that would tell a reader of a file that this patient is meant."""
        return self.patients | self.cases | self.folders

    def patient_pseudonyms(self, names: Pseudonyms) -> list[str]:
        """The patients under the site's key."""
        return sorted(names.of_patient(patient) for patient in self.patients)

    def case_pseudonyms(self, names: Pseudonyms) -> list[str]:
        """The cases under the site's key."""
        return sorted(names.of_case(case) for case in self.cases)


def find_subject(site: Site, given: str) -> Subject:
    """Look an id up in the table; nothing but the table is read.

    Args:
        site: whose table.
        given: participant id or case id.

    Raises:
        DataError: no id that a table can hold.
    """
    if not _ID.fullmatch(given):
        raise DataError("CASE: found other characters; expected an id as participants.tsv has it; correct it")
    problems: list[Problem] = []
    rows = read_table(site.folder / TABLE).rows if (site.folder / TABLE).is_file() else ()
    read = [read_row(line, cells, problems) for line, cells in rows if "participant_id" in cells]
    records = [record for record in read if record is not None]
    leaving = [record for record in records if record.patient_id == given] or [
        record for record in records if record.case_id == given
    ]
    if not leaving:
        return Subject(patients=frozenset({given}), cases=frozenset({given}), others=_names(records))
    patient = leaving[0].patient_id
    staying = [record for record in records if record.patient_id == patient and record not in leaving]
    return Subject(
        patients=frozenset() if staying else frozenset({patient}),
        cases=frozenset(record.case_id for record in leaving),
        folders=frozenset(record.folder for record in leaving),
        staying=frozenset(record.case_id for record in staying),
        others=_names(record for record in records if record not in leaving),
        is_listed=True,
    )


def _names(records: Iterable[Record]) -> frozenset[str]:
    return frozenset(name for record in records for name in (record.patient_id, record.case_id, record.folder))
