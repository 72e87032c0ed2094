"""One study through the model: its findings, outline and map of uncertainty as a new revision."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.predicting.findings import findings
from client.predicting.prediction import SITE, prepare, read_prepared
from client.predicting.result_files import label_names, nifti_bytes, result_facts
from client.reading_room.reading.revise import Draft
from client.reading_room.reading.without import read_without
from client.reading_room.record import IMAGES, MASK, UNCERTAINTY
from client.reading_room.store.studies import Study
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


def num_steps(study: Study, passes: int) -> int:
    """Steps of a whole reading: preparing, a first look, the passes, one for each sequence left out, measuring."""
    return 2 + (1 + passes if passes else 0) + len(alternatives(study)) + 1


def alternatives(study: Study) -> tuple[str, ...]:
    """Sequences without which a study can be read once more."""
    return study.sequences if len(study.sequences) > 1 else ()


class Reading:
    """One study on its way through the model, step by step."""

    def __init__(
        self, study: Study, home: Path, loaded: LoadedModel, config: Config, device: str, on_step: OnStep
    ) -> None:
        """Prepare the images.

        Args:
            study: with at least one named sequence.
            home: its folder.
            loaded: model folder.
            config: with the evaluation settings of this room.
            device: "cpu" or "cuda".
            on_step: may raise to give the reading up.

        Raises:
            DataError: an image that cannot be used; the message says which and why.
        """
        self._study, self._loaded, self._config, self._device = study, loaded, config, device
        self._single = dataclasses.replace(config, evaluation=dataclasses.replace(config.evaluation, mc_passes=0))
        self._tell, self._done, self._total = on_step, 0, num_steps(study, config.evaluation.mc_passes)
        self._case = case_of(study, home)
        self._step("preparing the images", 0)
        self._prepared = prepare(self._case, config)
        self._step("reading", 1)
        self._first = read_prepared(self._prepared, loaded, self._single, device)
        self._step("reading", 1)

    def first_look(self, draft: Draft) -> dict[str, Any]:
        """Write what one reading gave, without intervals and alternatives; the document says that more follows."""
        document = self._document(draft, self._first, self._single)
        return {**document, "without": [], "corrected": None, "preliminary": True}

    def whole(self, draft: Draft) -> dict[str, Any]:
        """Read again with dropout and without each sequence, and write everything."""
        read = self._first
        if self._config.evaluation.mc_passes:
            read = read_prepared(
                self._prepared, self._loaded, self._config, self._device, on_pass=lambda: self._step("reading", 1)
            )
        without = []
        for sequence in alternatives(self._study):
            self._step(f"reading without {sequence}", 0)
            without.append(
                read_without(sequence, self._prepared, read.result, self._loaded, self._single, self._device)
            )
            self._step(f"reading without {sequence}", 1)
        self._step("measuring", 0)
        document = self._document(draft, read, self._config)
        return {**document, "without": without, "corrected": None, "preliminary": False}

    def _step(self, what: str, more: int) -> None:
        self._done += more
        self._tell(what, self._done, self._total)

    def _document(self, draft: Draft, read: CaseReading, config: Config) -> dict[str, Any]:
        return _document(draft, self._case, self._prepared, read, self._loaded, config)


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
