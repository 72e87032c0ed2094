"""What an importer finds in a data set's tree: cases to take, and everything not taken with the reason why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class FoundCase:
    """One study of one patient, as a data set's tree shows it.

    Attributes:
        case_id: unique in the site folder; the folder's name there.
        patient_id: participants.tsv's participant_id; several cases may share it.
        images: sequence of SEQUENCES -> NIfTI file in the source. One 4-D file may stand for several sequences, see
            `volumes`.
        mask: the segmentation in the data set's own label values, or None.
        labels: column of participants.tsv -> cell text (idh, codel_1p19q, histology, who_cns_grade_histologic, mgmt,
            age, sex, field_strength_t, split), and published_grade and published_diagnosis; absent means unknown.
        group: source collection or institution, "" where unknown.
        aliases: ids of the same patient in other data sets ("BraTS2021_00123", "TCGA-02-0006", "UCSF-PDGM-0004").
        notes: what a person should know about this case.
        volumes: sequence -> index along the last axis, for sequences whose file is 4-D.
    """

    case_id: str
    patient_id: str
    images: Mapping[str, Path]
    mask: Path | None
    labels: Mapping[str, str]
    group: str = ""
    aliases: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    volumes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A folder, file or row that was not taken.

    Attributes:
        name: of the folder or row, as the data set calls it.
        reason: one sentence.
    """

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a tree and its tables hold; nothing is dropped in silence.

    Attributes:
        cases: to take.
        skipped: everything else.
        tables: read although nobody named them, because the data set keeps them beside its cases.
    """

    cases: tuple[FoundCase, ...]
    skipped: tuple[Skipped, ...]
    tables: tuple[Path, ...] = ()
