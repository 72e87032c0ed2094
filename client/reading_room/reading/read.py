"""One study through the model: its findings, outline and map of uncertainty as a new revision."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.findings import findings
from client.prediction import SITE, prepare, read_prepared
from client.reading_room.reading.revise import Draft
from client.reading_room.reading.without import read_without
from client.reading_room.record import IMAGES, MASK, UNCERTAINTY
from client.reading_room.store.studies import Study
from client.result_files import label_names, nifti_bytes, result_facts
from gmmas_core import atomic
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.config import Config
from gmmas_core.data.preprocess import Prepared
from gmmas_core.inference import CaseReading
from gmmas_core.inference.native import values_on_native
from gmmas_core.types import UNKNOWN, Case, Task

OnStep = Callable[[str, int, int], None]
"""Told (what is being done, steps done, steps in all); a step is one reading of the whole brain or as much work."""

CANONICAL = "canonical"
"""Label values of every mask in the room."""


def case_of(study: Study, home: Path) -> Case:
    """A study's images as a case whose pseudonym is the study's number.

    Args:
        study: with at least one named sequence.
        home: the study's folder.
    """
    return Case(
        case_id=study.id,
        patient_id=study.id,
        site=SITE,
        images={image.sequence: home / IMAGES / image.file for image in study.images if image.sequence is not None},
        mask=None,
        labels=dict.fromkeys(Task, UNKNOWN),
        label_source={},
        split="holdout",
    )


def read_study_into(
    draft: Draft, study: Study, home: Path, loaded: LoadedModel, config: Config, device: str, on_step: OnStep
) -> dict[str, Any]:
    """Read a study and write outline and map into a draft.

    Args:
        draft: where they go.
        study: what is read.
        home: its folder.
        loaded: model folder.
        config: with the evaluation settings of this room.
        device: "cpu" or "cuda".
        on_step: may raise to give the reading up.

    Returns:
        The revision's document.

    Raises:
        DataError: an image that cannot be used; the message says which and why.
    """
    case, passes = case_of(study, home), config.evaluation.mc_passes
    alternatives = study.sequences if len(study.sequences) > 1 else ()
    total, done = 3 + passes + len(alternatives), 0
    on_step("preparing the images", done, total)
    prepared = prepare(case, config)

    def advance() -> None:
        nonlocal done
        done += 1
        on_step("reading", done, total)

    advance()
    read = read_prepared(prepared, loaded, config, device, on_pass=advance)
    single = dataclasses.replace(config, evaluation=dataclasses.replace(config.evaluation, mc_passes=0))
    without = []
    for sequence in alternatives:
        on_step(f"reading without {sequence}", done, total)
        without.append(read_without(sequence, prepared, read.result, loaded, single, device))
        done += 1
    on_step("measuring", done, total)
    document = _document(draft, case, prepared, read, loaded, config)
    return {**document, "without": without, "corrected": None}


def _document(
    draft: Draft, case: Case, prepared: Prepared, read: CaseReading, loaded: LoadedModel, config: Config
) -> dict[str, Any]:
    result = read.result
    entropy_XYZ = values_on_native(read.entropy_XYZ, prepared) if config.evaluation.mc_passes else None
    written_map = None
    if entropy_XYZ is not None:
        written_map = write_volume(draft.folder / UNCERTAINTY, entropy_XYZ, result.affine_44)
        written_map |= {"content": "predictive entropy of the four classes", "unit": "nat"}
    mask = write_volume(draft.folder / MASK, result.seg_XYZ, result.affine_44)
    facts = result_facts(
        result,
        segmentation={**mask, **label_names(CANONICAL)},
        uncertainty_map=written_map,
        loaded=loaded,
        config=config,
    )
    return facts | findings(case, read, loaded, entropy_XYZ)


def write_volume(
    path: Path, values_XYZ: NDArray[np.uint8] | NDArray[np.float32], affine_44: NDArray[np.float64]
) -> dict[str, Any]:
    """Write one NIfTI file of a revision; its name and hash."""
    content = nifti_bytes(values_XYZ, affine_44)
    atomic.write_bytes(path, content)
    return {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}
