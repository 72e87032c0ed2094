"""The stages of the curriculum by the name a round's plan carries; a new stage is one file and one line here."""

from collections.abc import Mapping

from gmmas_core.training.stages.stage import StageFunction, StageInput, StageOutput
from gmmas_core.training.stages.supervised import supervised

__all__ = ["STAGES", "StageFunction", "StageInput", "StageOutput"]

STAGES: Mapping[str, StageFunction] = {
    "supervised": supervised,
}
