"""The stages of the curriculum by the name a round's plan carries; a new stage is one file and one line here."""

from collections.abc import Mapping

from gmmas_core.training.stages.calibrate import calibrate
from gmmas_core.training.stages.contrast import contrast
from gmmas_core.training.stages.distill import distill
from gmmas_core.training.stages.finetune import finetune
from gmmas_core.training.stages.global_pretrain import global_pretrain
from gmmas_core.training.stages.pseudo_label import pseudo_label
from gmmas_core.training.stages.semi_supervised import semi_supervised
from gmmas_core.training.stages.stage import StageFunction, StageInput, StageOutput
from gmmas_core.training.stages.supervised import supervised

__all__ = ["STAGES", "StageFunction", "StageInput", "StageOutput"]

STAGES: Mapping[str, StageFunction] = {
    "global_pretrain": global_pretrain,
    "supervised": supervised,
    "calibrate": calibrate,
    "pseudo_label": pseudo_label,
    "semi_supervised": semi_supervised,
    "distill": distill,
    "contrast": contrast,
    "finetune": finetune,
}
