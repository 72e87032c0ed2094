"""How large a privacy study is, by mode."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.lab.study.sizes import StudySize, by_mode


@dataclass(frozen=True, kw_only=True)
class PrivacySize:
    """Everything that decides the data and the precision of a privacy study.

    Attributes:
        mode: name of this size.
        experiment: name in configs/experiment/; learning rate, batch and steps are fixed there for all arms.
        sites: phantom hospitals.
        voxels: edge of a phantom; the field of view is 192 mm.
        train, validation, test: cases per hospital.
        epsilons: budgets that are compared with no budget.
        delta: of all budgets; below 1 / train.
        max_grad_norm: L2 norm to which one patient's gradient is clipped.
        queried: members, and as many strangers, per hospital that the loss attack on released models is given.
        queries: random crops per patient.
        attack: "threshold", or "lira" for the shadow models as well.
        models: trained on random halves of the pool, with and without protection each.
        pool: patients; the half of it is one model's training set.
        shadow_steps, shadow_batch: gradient steps of a pool's model, patients per step.
        shadow_epsilon, shadow_delta: of a protected one; delta below 2 / pool.
        inverted: patients whose update is inverted.
        inversion_steps: of each inversion.
        resamples: of the bootstrap.
    """

    mode: str
    experiment: str
    sites: int
    voxels: int
    train: int
    validation: int
    test: int
    epsilons: tuple[float, ...] = (1.0, 3.0, 8.0)
    delta: float = 1e-3
    max_grad_norm: float = 1.0
    queried: int
    queries: int
    attack: str
    models: int
    pool: int
    shadow_steps: int
    shadow_batch: int
    shadow_epsilon: float = 8.0
    shadow_delta: float = 1e-2
    inverted: int
    inversion_steps: int
    resamples: int

    @property
    def phantoms(self) -> StudySize:
        """The data, as the study of the method writes it."""
        return StudySize(
            mode=self.mode,
            experiment=self.experiment,
            sites=self.sites,
            voxels=self.voxels,
            train=self.train,
            validation=self.validation,
            test=self.test,
            subset_cases=0,
            resamples=self.resamples,
            equivalence=None,
            arms=(),
        )


PRIVACY_SIZES: Mapping[str, PrivacySize] = {
    "quick": PrivacySize(
        mode="quick",
        experiment="privacy_quick",
        sites=3,
        voxels=24,
        train=500,
        validation=4,
        test=60,
        queried=60,
        queries=2,
        attack="threshold",
        models=3,
        pool=32,
        shadow_steps=120,
        shadow_batch=8,
        inverted=2,
        inversion_steps=150,
        resamples=500,
    ),
    "full": PrivacySize(
        mode="full",
        experiment="privacy_full",
        sites=4,
        voxels=32,
        train=2000,
        validation=50,
        test=500,
        delta=2e-4,
        queried=500,
        queries=8,
        attack="lira",
        models=64,
        pool=200,
        shadow_steps=1500,
        shadow_batch=10,
        shadow_delta=1e-3,
        inverted=20,
        inversion_steps=2000,
        resamples=2000,
    ),
}
"""Mode -> size."""


def privacy_size_of(mode: str) -> PrivacySize:
    """`by_mode` for the study of privacy."""
    return by_mode(PRIVACY_SIZES, mode)
