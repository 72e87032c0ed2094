"""A contributed case as files: images and mask written anew with nothing in their headers but the grid, and where each
label comes from.

Where a region cannot be told from the sequences of a study, its mask is left out, whoever drew it: training would take
a guess for a reference.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from client.predicting.result_files import nifti_bytes
from client.reading_room.contributions.pseudonyms import Names
from client.reading_room.contributions.table import COLUMN_OF_TASK, UNKNOWN_WORD
from client.reading_room.record import MASK, Record
from client.reading_room.store.pathology import tissue_findings
from client.reading_room.tissue_classes import tissue_class
from gmmas_core import atomic
from gmmas_core.data.labels import to_canonical
from gmmas_core.data.nifti import load_volume
from gmmas_core.types import CLASS_NAMES, DISCLAIMER, REGIONS, DataError, Task

PROVENANCE = "provenance.json"
PATHOLOGY, READING = "pathology", "clinician's reading"


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a contribution says of a case.

    Attributes:
        pathology, reading: task -> class, from tissue and from a clinician's own look at the images.
        mask_source: who drew the mask, or why there is none.
        has_mask: whether there is one.
    """

    pathology: dict[Task, int]
    reading: dict[Task, int]
    mask_source: str
    has_mask: bool

    def row(self, names: Names) -> dict[str, str]:
        """The case's row of the table."""
        labels = {
            column: CLASS_NAMES[task][self.pathology[task]] if task in self.pathology else UNKNOWN_WORD
            for task, column in COLUMN_OF_TASK.items()
        }
        readings = {
            f"{column}_reading": CLASS_NAMES[task][self.reading[task]] if task in self.reading else UNKNOWN_WORD
            for task, column in COLUMN_OF_TASK.items()
        }
        sources = [f"{COLUMN_OF_TASK[task]}={source}" for task, source in self.sources().items()]
        return {
            "participant_id": names.patient,
            "case_id": names.case,
            "folder": names.case,
            "split": "train",
            **labels,
            "label_source": "; ".join(sources) or UNKNOWN_WORD,
            **readings,
            "mask_source": self.mask_source,
        }

    def sources(self) -> dict[Task, str]:
        """Task -> where its label comes from; pathology goes before a reading."""
        both = {**dict.fromkeys(self.reading, READING), **dict.fromkeys(self.pathology, PATHOLOGY)}
        return {task: both[task] for task in Task if task in both}

    def labels(self) -> dict[str, dict[str, str]]:
        """Task -> class and source, as they are kept beside the case."""
        return {
            task.value: {
                "class": CLASS_NAMES[task][self.pathology.get(task, self.reading.get(task, 0))],
                "source": source,
            }
            for task, source in self.sources().items()
        }


def content_of(record: Record) -> Content:
    """What can be contributed of a study.

    Raises:
        DataError: neither a mask nor a label.
    """
    tissue = tissue_findings(record.pathology)
    answers = {task: tissue_class(task, tissue) for task in Task}
    corrected = record.document["corrected"] or {"labels": {}, "mask": False}
    open_regions = [region for region in REGIONS if region in record.document["not_assessable"]]
    has_tumour = "segmentation" not in record.document["abstained"]
    if open_regions:
        mask_source = f"none: {', '.join(open_regions)} cannot be told from these sequences"
    elif corrected["mask"]:
        mask_source = "model, corrected by a clinician"
    elif has_tumour:
        mask_source = "model, confirmed by a clinician's signature"
    else:
        mask_source = "none: no tumour was found"
    content = Content(
        pathology={task: answer for task, answer in answers.items() if answer is not None},
        reading={Task(name): int(answer) for name, answer in corrected["labels"].items()},
        mask_source=mask_source,
        has_mask=not mask_source.startswith("none"),
    )
    if not (content.has_mask or content.pathology or content.reading):
        raise DataError("contribution: found neither a mask nor a label; expected one; enter pathology first")
    return content


def write_case(folder: Path, record: Record, names: Names, content: Content) -> None:
    """Write a case into an empty folder.

    Raises:
        DataError: an image that can no longer be read.
    """
    folder.mkdir(parents=True)
    for sequence, path in record.images.items():
        volume = load_volume(path, sequence)
        image = nifti_bytes(volume.data.astype(np.float32), volume.affine_44)
        (folder / f"{names.case}_{sequence}.nii.gz").write_bytes(image)
    if content.has_mask:
        mask = load_volume(record.folder / MASK, "mask")
        labels = to_canonical(mask.data, "canonical")
        (folder / f"{names.case}_seg.nii.gz").write_bytes(nifti_bytes(labels, mask.affine_44))
    atomic.write_json(folder / PROVENANCE, _provenance(record, content))


def _provenance(record: Record, content: Content) -> dict[str, object]:
    return {
        "notice": DISCLAIMER,
        "made_by": "reading room",
        "model_id": record.revision.model_id,
        "revision": record.revision.number,
        "signed_by": "clinician",
        "mask": content.mask_source,
        "labels": content.labels(),
    }
