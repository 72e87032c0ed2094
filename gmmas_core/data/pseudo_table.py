"""Writing a round's pseudo-labels down: every question asked, its outcome and the reason of a refusal.

`pseudo_labels` says where the table lies and reads it. Nothing in it tells the time: the same round on the same
weights writes the same bytes again.
"""

import csv
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core import atomic
from gmmas_core.data.pseudo_labels import ABOUT, LABELS, MASKS, content_hashes, mask_name, table_home
from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.types import CLASS_NAMES, DataError, Task

FORMAT = 1

_COLUMNS = (
    *("case_id", "task", "class", "source", "confidence", "deviation", "entropy", "volume_ml"),
    *("accepted", "reason", "model"),
)
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, kw_only=True)
class PseudoLabel:
    """The answer to one image-level question of one case.

    Attributes:
        label: predicted class.
        confidence: its mean probability over the stochastic passes.
        deviation: standard deviation of its probability over the passes.
        reason: why it is not used; "" when it is.
    """

    case_id: str
    task: Task
    label: int
    confidence: float
    deviation: float
    reason: str = ""

    @property
    def accepted(self) -> bool:
        """Whether training may use it."""
        return not self.reason


@dataclass(frozen=True, kw_only=True)
class PseudoMask:
    """What is known of one predicted mask beside its voxels.

    Attributes:
        entropy: mean predictive entropy inside the whole tumour, nats; infinite without tumour.
        volume_ml: of the whole tumour.
        reason: why it is not used; "" when it is.
    """

    case_id: str
    entropy: float
    volume_ml: float
    reason: str = ""

    @property
    def accepted(self) -> bool:
        """Whether training may use it."""
        return not self.reason


@contextmanager
def unfinished_table(state: Path, run_id: str) -> Iterator[Path]:
    """A folder to collect a round's masks in; gone afterwards unless it was published.

    What an interrupted round left is removed: one process at a time works for a site.

    Raises:
        FederationError: a run id that is no plain name.
        DataError: the state folder cannot be written.
    """
    home = table_home(state, run_id)
    with _writing():
        home.mkdir(parents=True, exist_ok=True)
        for old in home.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(old)
        folder = Path(tempfile.mkdtemp(dir=home, prefix=_UNFINISHED))
        (folder / MASKS).mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_mask(folder: Path, case_id: str, mask_XYZ: NDArray[np.uint8]) -> None:
    """Put a candidate's mask into an unfinished table; on disk, because a site's masks together fill a memory.

    Raises:
        DataError: the folder cannot be written.
    """
    with _writing():
        np.save(folder / mask_name(case_id), mask_XYZ, allow_pickle=False)


def publish_table(
    folder: Path,
    *,
    round: int,
    model_id: str,
    labels: Sequence[PseudoLabel],
    masks: Sequence[PseudoMask],
    about: Mapping[str, Any],
) -> Path:
    """Finish a table: drop the masks that were refused, write rows and hashes, give the folder its name.

    Args:
        folder: from `unfinished_table`; every accepted mask was written to it.
        round: of the plan; an older table of the same round is replaced.
        model_id: hash of the weights that were asked.
        labels, masks: every question asked, with its outcome.
        about: what about.json says beside round, model and hashes; without NaN.

    Returns:
        The published folder.

    Raises:
        DataError: the folder cannot be written.
    """
    final = folder.parent / f"round-{round:05d}"
    with _writing():
        for mask in masks:
            if not mask.accepted:
                (folder / mask_name(mask.case_id)).unlink(missing_ok=True)
        rows = [_label_row(row) for row in labels] + [_mask_row(row) for row in masks]
        with (folder / LABELS).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, _COLUMNS, dialect="excel-tab", lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows({**row, "source": "pseudo", "model": model_id} for row in rows)
        record = {"format": FORMAT, **about, "round": round, "model": model_id, "files": content_hashes(folder)}
        atomic.write_json(folder / ABOUT, record)
        atomic.publish_folder(folder, final)
    return final


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"pseudo-labels: found the state folder unusable ({error.strerror}); expected a folder with space that can "
            "be written; free space or choose another state folder"
        ) from None


def _label_row(row: PseudoLabel) -> dict[str, str]:
    return {
        "case_id": row.case_id,
        "task": row.task.value,
        "class": CLASS_NAMES[row.task][row.label],
        "confidence": f"{row.confidence:.6f}",
        "deviation": f"{row.deviation:.6f}",
        "accepted": "yes" if row.accepted else "no",
        "reason": row.reason,
    }


def _mask_row(row: PseudoMask) -> dict[str, str]:
    return {
        "case_id": row.case_id,
        "task": SEGMENTATION,
        "class": "mask",
        "entropy": f"{row.entropy:.6f}",
        "volume_ml": f"{row.volume_ml:.3f}",
        "accepted": "yes" if row.accepted else "no",
        "reason": row.reason,
    }
