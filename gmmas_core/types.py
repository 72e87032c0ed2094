"""The nouns of the project: every record that crosses a seam between rooms or processes.

Suffixes are shapes: B batch, C sequence, X right, Y anterior, Z superior (RAS+), K class, T task, F feature.
This file alone knows the order of the sequences and the canonical label values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.errors import ConfigError as ConfigError
from gmmas_core.errors import DataError as DataError
from gmmas_core.errors import FederationError as FederationError
from gmmas_core.errors import GmmasError as GmmasError
from gmmas_core.sums import Histogram as Histogram
from gmmas_core.sums import Metric as Metric
from gmmas_core.sums import Sum as Sum

if TYPE_CHECKING:  # commands that need no tensor answer without loading torch
    from torch import Tensor

SEQUENCES = ("t1", "t1c", "t2", "flair")
"""Channel order of every image tensor."""

UNKNOWN = -1  # a label nobody has determined; never class 0

BACKGROUND, NECROSIS, EDEMA, ENHANCING = 0, 1, 2, 3
LABEL_NAMES = {NECROSIS: "necrotic and non-enhancing core", EDEMA: "edema", ENHANCING: "enhancing tumour"}
NUM_SEG_CLASSES = 4

REGIONS: Mapping[str, tuple[int, ...]] = {
    "wt": (NECROSIS, EDEMA, ENHANCING),
    "tc": (NECROSIS, ENHANCING),
    "et": (ENHANCING,),
}
"""Nested BraTS regions: whole tumour, tumour core, enhancing tumour, as sets of canonical labels."""

DISCLAIMER = "Research use only. Not a medical device. Not for diagnosis or treatment decisions."


class Task(StrEnum):
    """Image-level questions; each is binary."""

    HISTOLOGY = "histology"  # 0 lower grade (histologic grade 2-3), 1 glioblastoma by histology
    IDH = "idh"  # 0 wildtype, 1 mutant
    CODEL = "codel_1p19q"  # 0 intact, 1 codeleted; the head itself gives P(codeleted | IDH-mutant)
    MGMT = "mgmt"  # 0 unmethylated, 1 methylated; off by default


CLASS_NAMES: Mapping[Task, tuple[str, str]] = {
    Task.HISTOLOGY: ("lower_grade", "glioblastoma"),
    Task.IDH: ("wildtype", "mutant"),
    Task.CODEL: ("intact", "codeleted"),
    Task.MGMT: ("unmethylated", "methylated"),
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One study of one patient, as the site's table and folders describe it; files are not opened yet.

    Attributes:
        case_id: pseudonym of the study, unique within the site.
        patient_id: pseudonym of the patient; splits never separate the cases of one patient.
        site: name of the hospital.
        images: path per sequence, any non-empty subset of SEQUENCES.
        mask: path of the segmentation, or None when there is none (which is not an empty mask).
        labels: class per Task, every Task present, UNKNOWN where not determined.
        label_source: "pathology" or "pseudo" for every task whose label is known.
        split: "train", "validation" or "holdout".
    """

    case_id: str
    patient_id: str
    site: str
    images: Mapping[str, Path]
    mask: Path | None
    labels: Mapping[Task, int]
    label_source: Mapping[Task, str]
    split: str
    age: float | None = None
    sex: str | None = None
    field_strength_t: float | None = None  # tesla


@dataclass(kw_only=True)
class Batch:
    """One training batch; every tensor on one device.

    Attributes:
        image_BCXYZ: float32, z-scored inside the brain, 0 outside; absent sequences are 0.
        available_BC: bool, which sequences are really there.
        context_BCXYZ: float32, the whole brain down-sampled, flipped with the crop.
        box_B23: float32, first and last corner of the crop in the context's own coordinates, [-1, 1] from edge to edge
            of the context volume (align_corners=False), axes X, Y, Z; may exceed [-1, 1] at the border.
        seg_BXYZ, has_seg_B: int64 canonical labels, 0 everywhere where there is no mask; bool.
        target_BTK, known_BT: float32 class probabilities per task (K = 2), zeros where unknown; bool.
        weight_BT: float32, 1 for pathology, less for pseudo-labels.
        seg_weight_B: float32, 1 for a mask that was given, less for a pseudo-mask.
        case_ids: pseudonyms; of a composite, the host's.
    """

    image_BCXYZ: Tensor
    available_BC: Tensor
    context_BCXYZ: Tensor
    box_B23: Tensor
    seg_BXYZ: Tensor
    has_seg_B: Tensor
    target_BTK: Tensor
    known_BT: Tensor
    weight_BT: Tensor
    seg_weight_B: Tensor
    case_ids: tuple[str, ...]

    def to(self, device: str) -> Batch:
        """The same batch on another device."""
        moved: dict[str, Any] = {k: v.to(device) for k, v in vars(self).items() if k != "case_ids"}
        return replace(self, **moved)


@dataclass(kw_only=True)
class Prediction:
    """What the network says: logits and features, never probabilities.

    Attributes:
        seg_logits_BKXYZ: K = 4 canonical labels, on the crop's grid.
        context_seg_logits_BKXYZ: the global branch's own segmentation, on the context's grid.
        class_logits: per task (B, 2); CODEL's are conditional on IDH-mutant.
        encoder_BFXYZ: last feature map of the CNN encoder.
        bottleneck_BFXYZ: Transformer output, same grid as the encoder's.
    """

    seg_logits_BKXYZ: Tensor
    context_seg_logits_BKXYZ: Tensor
    class_logits: Mapping[Task, Tensor]
    encoder_BFXYZ: Tensor
    bottleneck_BFXYZ: Tensor


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """The result for one case, on the scanner's own grid.

    Attributes:
        seg_XYZ: uint8 canonical labels on the native file's grid and axes.
        affine_44: float64, native voxel to mm, RAS+.
        volume_ml: per region; None where not assessable.
        probability: P(class 1) per task, calibrated where the model folder holds a calibration; CODEL is the marginal.
        epistemic: mutual information per task, in nats; empty when no stochastic pass was asked for.
        aleatoric: expected entropy per task, in nats.
        region_uncertainty: mean predictive entropy (nats) inside each region, of the region's own calibrated question
            where it has a temperature; None where not assessable or empty.
        region_epistemic, region_aleatoric: its two parts; empty when no stochastic pass was asked for.
        sequences_used, sequences_missing: in SEQUENCES' order.
        not_assessable: what cannot be judged -> because of what.
        abstained: task or finding -> reason for not committing to it.
    """

    case_id: str
    seg_XYZ: NDArray[np.uint8]
    affine_44: NDArray[np.float64]
    volume_ml: Mapping[str, float | None]
    probability: Mapping[Task, float]
    epistemic: Mapping[Task, float]
    aleatoric: Mapping[Task, float]
    region_uncertainty: Mapping[str, float | None]
    region_epistemic: Mapping[str, float | None]
    region_aleatoric: Mapping[str, float | None]
    sequences_used: tuple[str, ...]
    sequences_missing: tuple[str, ...]
    not_assessable: Mapping[str, str]
    abstained: Mapping[str, str]
    model_id: str
    created_at: str = ""


@dataclass(frozen=True, kw_only=True)
class RoundPlan:
    """What the coordinator asks of every site in one round.

    Attributes:
        run_id: one per run, whatever number of Flower runs it took.
        round: from 1.
        seed: of this run; each site's stream comes from (seed, round, site).
        weights_hash: sha256 of the weights sent along.
        stage: key of the stage registry.
        local_steps, lr: optimiser steps at each site, and their learning rate after the schedule.
        tasks: image-level tasks trained.
        deadline_s: seconds a reply is waited for.
        config_hash, ledger_head: sha256 of the resolved configuration, newest hash of the coordinator's ledger.
        core_fingerprint: identity of the core's source and the model's parameters.
        calibration: JSON of the newest federated calibration, "" before the first.
    """

    run_id: str
    round: int
    seed: int
    weights_hash: str
    stage: str
    local_steps: int
    lr: float
    tasks: tuple[Task, ...]
    deadline_s: float
    config_hash: str
    core_fingerprint: str
    ledger_head: str = ""
    calibration: str = ""


@dataclass(frozen=True, kw_only=True)
class SiteUpdate:
    """A site's reply to a training round: the same keys from every site, always.

    Attributes:
        site: name of the hospital.
        run_id, round: of the plan it answers.
        weights: parameter name -> float32 array; the same names, shapes and dtypes as received.
        num_cases: training cases of this site.
        seen: parameter group -> training cases that inform it; 0 where the site has no say (stem.t2 without T2).
        uncertainty: task (and "segmentation") -> learned log-variance.
        metrics: mergeable; the received model's scores on the validation cases, and training losses.
        core_fingerprint: must equal the coordinator's.
    """

    site: str
    run_id: str
    round: int
    weights: Mapping[str, NDArray[np.float32]]
    num_cases: int
    seen: Mapping[str, int]
    uncertainty: Mapping[str, float]
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    duration_s: float = 0.0
    core_fingerprint: str = ""


@dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """What the coordinator asks of every site when a model is to be scored.

    Attributes:
        run_id, seed, weights_hash, config_hash, core_fingerprint, deadline_s: as in RoundPlan.
        round: the newest finished round; 0 for the untrained model.
        split: "train", "validation" or "holdout".
        subject: "global" scores the weights sent, "local_only" what this site reaches alone in as many steps,
            "distances" how far the patients' images lie from `distribution`.
        sequences: those the model may see; a case that lacks one of them is not scored.
        calibration: JSON of the calibration to read probabilities with, "" for none.
        distribution: pieces of the JSON of the training patients' Gaussian; empty but for "distances".
    """

    run_id: str
    round: int
    seed: int
    weights_hash: str
    split: str
    subject: str
    config_hash: str
    core_fingerprint: str
    deadline_s: float
    sequences: tuple[str, ...] = SEQUENCES
    calibration: str = ""
    distribution: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SiteScores:
    """A site's reply to an EvaluationPlan: mergeable sums, counts and histograms, nothing per case."""

    site: str
    run_id: str
    round: int
    split: str
    subject: str
    num_cases: int
    metrics: Mapping[str, Metric]
    core_fingerprint: str


@dataclass(frozen=True, kw_only=True)
class SiteStatus:
    """A site's reply to the question before a run: who is there, with which code and how many cases."""

    site: str
    core_fingerprint: str
    fingerprint_parts: Mapping[str, str]
    config_hash: str
    num_cases: Mapping[str, int]  # split -> cases
    num_sequences: Mapping[str, int]  # sequence -> training cases that have it
    num_labels: Mapping[str, int]  # task or "segmentation" -> training cases with that label
    protocol: int  # these three: see `software`
    release: str
    image: str
