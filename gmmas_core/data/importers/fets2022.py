"""FeTS 2022: `FeTS2022_NNNNN/FeTS2022_NNNNN_{flair,t1,t1ce,t2,seg}.nii.gz` and the partitions into real institutions.

partitioning_1.csv says which of the 1,251 cases came from which of 23 institutions; partitioning_2.csv splits the large
ones by tumour size into 33. With one of them as the table every case has a group, and each group becomes a hospital;
which of the two is meant must be said, so neither is taken from the tree unasked.

NNNNN is BraTS 2021's number: all 262 UCSF cases that UCSF's own table places in BraTS 2021's training set carry numbers
of institution 18, and none of the 36 it places in the validation set occurs.

Source: Pati et al. 2021 (arXiv:2105.05874); Baid et al. 2021 (arXiv:2107.02314).
"""

import re
from collections.abc import Sequence
from pathlib import Path

from gmmas_core.data.importers.case_folder import Facts, collect
from gmmas_core.data.importers.found import Found, Skipped
from gmmas_core.data.importers.sheet import read_rows
from gmmas_core.data.importers.tree import require_cases, require_source, skipped
from gmmas_core.types import DataError

_CASE = re.compile(r"FeTS2022_(\d{5})")
_PARTITION = re.compile(r"\d{1,3}")


def find(source: Path, tables: Sequence[Path]) -> Found:
    """Find the cases of a tree.

    Args:
        source: the unpacked data set.
        tables: partitioning_1.csv or partitioning_2.csv, or nothing.

    Raises:
        DataError: no case folder, or a table that is no partition.
    """
    require_source(source)
    if len(tables) > 1:
        raise DataError(f"--table: found {len(tables)} tables; expected one partition; name partitioning_1.csv or _2")
    institution_of = read_partition(tables[0]) if tables else {}

    def facts_of(folder: Path, match: re.Match[str]) -> Facts | str:
        """Where a case comes from, or why it is not taken."""
        if tables and folder.name not in institution_of:
            return "no row in the partition, so no institution"
        return Facts(
            patient_id=folder.name,
            group=institution_of.get(folder.name, ""),
            aliases=(f"BraTS2021_{match[1]}",),
        )

    left: list[Skipped] = []
    cases = collect(source, _CASE, left, facts_of)
    require_cases(len(cases) + len(left), "folder named FeTS2022_NNNNN")
    rows = (name for name in institution_of if name not in cases)
    left += [skipped(name, "a row of the partition without a folder that was taken") for name in rows]
    return Found(cases=tuple(cases.values()), skipped=tuple(left))


def read_partition(table: Path) -> dict[str, str]:
    """Subject -> institution ("institution_01") of a partition file.

    Raises:
        DataError: no partition file, a partition that is no number, or a subject in two institutions.
    """
    institution_of: dict[str, str] = {}
    for row in read_rows(table, ("Partition_ID", "Subject_ID")):
        number, subject = row["partition_id"], row["subject_id"]
        if not _PARTITION.fullmatch(number) or not subject:
            raise DataError(f"{table.name}: found a row without partition or subject; expected both; mend the table")
        group = f"institution_{int(number):02d}"
        if institution_of.setdefault(subject, group) != group:
            raise DataError(f"{table.name}: found a subject in two partitions; expected one; mend the table")
    return institution_of
