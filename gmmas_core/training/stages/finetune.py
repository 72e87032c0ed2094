"""The last training stage: the multi-task loss on the complete and on an incomplete view of every crop, at a low rate.

The contrastive stage pulls features of subsets together; here the tasks have the last word, with and without all
sequences, so that neither is forgotten.

Source: GMMAS, fine-tuning after the contrastive stage (checkpoint names of the authors' code; its script is
unpublished).
"""

from functools import partial

import numpy as np

from gmmas_core.training.availability import AVAILABILITY, Sampler, joined, shown_with
from gmmas_core.training.lesson import Lesson, multitask
from gmmas_core.training.session import train
from gmmas_core.training.stages.stage import StageInput, StageOutput
from gmmas_core.training.training_set import labelled_and_pseudo
from gmmas_core.types import Batch


def complete_and_incomplete(batch: Batch, rng: np.random.Generator, *, sampler: Sampler) -> Batch:
    """Every crop twice: with all the sequences it has, then with a random subset of them."""
    return joined(batch, shown_with(batch, sampler, rng))


def finetune(given: StageInput) -> StageOutput:
    """Train on the union, every crop twice; see `session.train`."""
    view = partial(complete_and_incomplete, sampler=AVAILABILITY[given.config.adaptation.availability])
    return train(given, labelled_and_pseudo(given), Lesson(view=view, make_loss=multitask, views=2))
