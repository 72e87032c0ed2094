"""The second semi-supervised stage: pathology and pseudo-labels together, pseudo-labels with less weight.

What pathology knows always wins; a site without pseudo-labels trains on what it has.

Source: GMMAS, two-stage semi-supervised learning; UPS (Rizve et al. 2021, arXiv 2101.06329).
"""

from gmmas_core.training.lesson import Lesson, as_drawn, multitask
from gmmas_core.training.session import train
from gmmas_core.training.stages.stage import StageInput, StageOutput
from gmmas_core.training.training_set import labelled_and_pseudo


def semi_supervised(given: StageInput) -> StageOutput:
    """Train on the union; see `session.train`."""
    return train(given, labelled_and_pseudo(given), Lesson(view=as_drawn, make_loss=multitask))
