"""The supervised stage: all tasks at once from the labels that a hospital has.

Cases without mask and without any known label are left out, they would cost steps and teach nothing.
"""

from gmmas_core.training.lesson import Lesson, as_drawn, multitask
from gmmas_core.training.session import train
from gmmas_core.training.stages.stage import StageInput, StageOutput
from gmmas_core.training.training_set import labelled


def supervised(given: StageInput) -> StageOutput:
    """Train on pathology and given masks; see `session.train`."""
    return train(given, labelled(given), Lesson(view=as_drawn, make_loss=multitask))
