"""A clinician's outline in place of the model's: checked, measured anew and kept as a new revision.

The model's probabilities and its map of uncertainty stay, for they are the model's. What speaks of the outline is made
anew (volumes, measures, checks of the result), and what only the model could say of its own outline is taken out.
"""

import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from client.predicting.findings import seen, suggestions
from client.reading_room.reading.read import case_of, write_volume
from client.reading_room.reading.revise import Draft, correctors, discard, drafting, publish
from client.reading_room.record import MASK, UNCERTAINTY, Record, open_record
from client.reading_room.room import Room
from client.reading_room.store.database import transaction
from client.reading_room.store.revisions import MODEL, Revision, add_revision, newest_revision, revisions_of
from client.reading_room.store.studies import read_study
from gmmas_core.data.grid import Volume, same_grid
from gmmas_core.data.nifti import load_volume
from gmmas_core.diagnosis.imaging import SEGMENTATION
from gmmas_core.diagnosis.ranking import ranked_diagnoses
from gmmas_core.measures import Doubt
from gmmas_core.measures.volumes import region_of, voxel_ml
from gmmas_core.novelty.check import ID as UNLIKE_TRAINING
from gmmas_core.quality import Check
from gmmas_core.types import BACKGROUND, ENHANCING, REGIONS, CaseResult, DataError, Task

MAX_MASK_BYTES = 64 * 2**20
"""Received, of one mask: an unpacked one of 512 x 512 x 250 voxels fits, a packed one has a few hundred kB."""

MAX_NOTE = 500

NO_TUMOUR = "no tumour in the corrected outline"
NO_INTERVAL = "a person drew this outline; how the model's own varied says nothing about it"
_NO_OUTLINE_THEN = "the model found no tumour, so that it did not look at the outlined one"

_WHOLE = 1e-3  # scaled storage leaves rounding errors of this size


@dataclass(frozen=True, kw_only=True)
class Correction:
    """Who corrects which revision.

    Attributes:
        user: name.
        from_revision: number of the newest revision as the user saw it.
        note: why, "" for none; shown inside the room only.
    """

    user: str
    from_revision: int
    note: str


def correct_mask(
    connection: sqlite3.Connection, room: Room, study_id: str, mask: Path, correction: Correction
) -> Revision:
    """Make a mask the outline of a study's next revision.

    Args:
        connection: of the room's database, without a transaction.
        room: where the study lies.
        study_id: of a study that has been read and that nobody has decided on.
        mask: NIfTI file: the grid of the present outline, whole numbers from 0 to 3.
        correction: by whom, of which revision.

    Raises:
        DataError: a mask that cannot be used or changes nothing, a study that is not "done", or another revision came
            meanwhile; nothing is kept.
    """
    if len(correction.note) > MAX_NOTE:
        raise DataError(f"note: found {len(correction.note)} characters; expected at most {MAX_NOTE}; shorten it")
    _require_open(connection, study_id, correction.from_revision)
    record = open_record(connection, room, study_id)
    before = load_volume(record.folder / MASK, "outline")
    seg = Volume(read_mask(mask, before), before.affine_44)
    reading = open_record(connection, room, study_id, _last_reading(connection, study_id))
    with drafting(room.studies, study_id) as draft:
        document = _corrected(draft, reading, seg) | {"corrected": _by(correction, record.document)}
        published = publish(draft, document)
    try:
        with transaction(connection):
            _require_open(connection, study_id, correction.from_revision)
            return add_revision(
                connection,
                study_id=study_id,
                author=correction.user,
                model_id=record.revision.model_id,
                folder=published.folder,
                sha256=published.sha256,
            )
    except BaseException:
        discard(room.studies, study_id, published)
        raise


def read_mask(path: Path, before: Volume) -> NDArray[np.uint8]:
    """Canonical labels of a mask that a person sent.

    Args:
        path: the file; nothing in it is trusted.
        before: the outline that it is to replace.

    Raises:
        DataError: no 3-D NIfTI file, another grid, values that are no labels, or the labels that are there already.
    """
    # A header of this grid with the widest type and some room for extensions; a hostile one can claim no more.
    largest = before.data.size * 8 + 2**20
    found = load_volume(path, "mask", max_bytes=largest)
    if not same_grid(found.grid, before.grid):
        _refuse(str(found.grid), str(before.grid), "outline it on the pictures of this study")
    whole = np.rint(found.data)
    if (np.abs(found.data - whole) > _WHOLE).any():
        _refuse("values between whole numbers", "labels", "resample the mask with nearest neighbour")
    if whole.min() < BACKGROUND or whole.max() > ENHANCING:
        _refuse(
            f"values from {whole.min():g} to {whole.max():g}",
            "labels 0, 1 (necrosis), 2 (edema) and 3 (enhancing tumour)",
            "translate the labels; 4 is 3 in older data sets",
        )
    labels: NDArray[np.uint8] = whole.astype(np.uint8)
    if np.array_equal(labels, before.data):
        _refuse("the outline that is there already", "a corrected one", "change it and save again")
    return labels


def _last_reading(connection: sqlite3.Connection, study_id: str) -> int:
    return max(each.number for each in revisions_of(connection, study_id) if each.author == MODEL)


def _by(correction: Correction, newest: Mapping[str, Any]) -> dict[str, Any]:
    """Who corrected what; labels that were corrected before stay so."""
    return {
        "by": correctors(newest["corrected"], correction.user),
        "mask": True,
        "labels": (newest["corrected"] or {"labels": {}})["labels"],
        "from_revision": correction.from_revision,
        "note": correction.note,
    }


def _corrected(draft: Draft, record: Record, seg: Volume) -> dict[str, Any]:
    """What the model said in its reading, with another outline, which is written into the draft beside the map."""
    document = record.document
    written = write_volume(draft.folder / MASK, seg.data, seg.affine_44)
    if document["uncertainty_map"] is not None:
        shutil.copyfile(record.folder / UNCERTAINTY, draft.folder / UNCERTAINTY)
    result = _result(document, seg)
    unlike = next((Check(**check) for check in document["checks"] if check["id"] == UNLIKE_TRAINING), None)
    facts = seen(case_of(record.study, record.folder.parent.parent), result, Doubt(), unlike)
    for volume in facts["measures"]["volume"].values():
        if "interval" in volume:
            volume["interval"] = {"reason": NO_INTERVAL}
    if SEGMENTATION in result.abstained:
        closed = ranked_diagnoses(result.probability, abstained=tuple(result.abstained))
        facts |= {"suggested": suggestions(closed), "intervals": {}, "without": []}
    return {
        **document,
        **facts,
        "segmentation": {**document["segmentation"], **written},
        "volume_ml": dict(result.volume_ml),
        "abstained": dict(result.abstained),
        "region_uncertainty": dict(result.region_uncertainty),
        "region_epistemic": {},
        "region_aleatoric": {},
    }


def _result(document: Mapping[str, Any], seg: Volume) -> CaseResult:
    """The stored result with another outline; what was said inside the model's own regions is not known for these."""
    blocked = document["not_assessable"]
    millilitres = voxel_ml(seg.affine_44)
    volumes = {name: float(np.count_nonzero(region_of(seg, name).data)) * millilitres for name in REGIONS}
    return CaseResult(
        case_id=document["case_id"],
        seg_XYZ=seg.data,
        affine_44=seg.affine_44,
        volume_ml={name: None if name in blocked else volume for name, volume in volumes.items()},
        probability={Task(task): value for task, value in document["probability"].items()},
        epistemic={Task(task): value for task, value in document["epistemic"].items()},
        aleatoric={Task(task): value for task, value in document["aleatoric"].items()},
        region_uncertainty=dict.fromkeys(REGIONS),
        region_epistemic={},
        region_aleatoric={},
        sequences_used=tuple(document["sequences_used"]),
        sequences_missing=tuple(document["sequences_missing"]),
        not_assessable=blocked,
        abstained=_abstained(document, bool(seg.data.any())),
        model_id=document["model"]["model_id"],
        created_at=document["created_at"],
    )


def _abstained(document: Mapping[str, Any], has_tumour: bool) -> dict[str, str]:
    """Where the model saw no tumour its answers on genes stay closed, for they were read elsewhere."""
    others = {what: why for what, why in document["abstained"].items() if what != SEGMENTATION}
    if not has_tumour:
        return {**others, SEGMENTATION: NO_TUMOUR}
    if SEGMENTATION in document["abstained"]:
        return {**others, **{task.value: _NO_OUTLINE_THEN for task in Task if task.value in document["probability"]}}
    return others


def _require_open(connection: sqlite3.Connection, study_id: str, number: int) -> None:
    state, newest = read_study(connection, study_id).state, newest_revision(connection, study_id)
    if state != "done":
        raise DataError(f"study: found it {state}; expected it read and not decided on; withdraw the decision first")
    if newest is None or newest.number != number:
        raise DataError(
            f"study: found another revision than {number} as the newest; expected the one on your screen; "
            "save your mask nowhere else than here: reload the page and paint again"
        )


def _refuse(found: str, expected: str, action: str) -> NoReturn:
    raise DataError(f"mask: found {found}; expected {expected}; {action}")
