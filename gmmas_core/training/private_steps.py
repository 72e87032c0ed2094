"""Noisy gradient steps: every patient's gradient by itself, clipped, summed, and noise on the sum.

Opacus computes the gradients sample by sample, clips and sums them. All views of a patient are one record: their
gradients are added before clipping. Two things are ours. Opacus measures norms in float32, which is short of the truth
by up to a percent over millions of equal values, so gradients are brought within the bound in float64 before Opacus
clips them. And the noise (see private_noise) is added where Opacus calls its step hook. A gradient that is not finite
is one patient's own accident and counts as zero, because ending the round for it would tell of that patient; so does a
parameter that a batch gives no gradient.

Every parameter that the stage trains gets noise in every step, whoever was drawn, also when nobody was.

Shapes: V views, B patients.
Source: Abadi et al. 2016 (arXiv 1607.00133); Opacus (Yousefpour et al. 2021, arXiv 2109.12298).
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from opacus.grad_sample import GradSampleHooks
from opacus.optimizers import DPOptimizer
from torch import Tensor, nn, optim

from gmmas_core.model.gmmas import GMMAS
from gmmas_core.training.loop import RecordLoss
from gmmas_core.training.private_noise import NoiseStream
from gmmas_core.training.protection import Protection
from gmmas_core.types import Batch

_LEFT_ON_MODULES = ("activations", "max_batch_len", "ft_compute_sample_grad")
_LEFT_ON_PARAMETERS = ("grad_sample", "summed_grad", "_forward_counter", "_current_grad_sample")


class NoisySteps:
    """Takes one protected step after another."""

    def __init__(
        self,
        model: GMMAS,
        optimizer: optim.Optimizer,
        loss: RecordLoss,
        *,
        protection: Protection,
        expected: float,
        views: int,
        then: Callable[[], None],
    ) -> None:
        """Prepare for steps inside `per_sample_gradients`.

        Args:
            model: in training mode, on the device that batches come from.
            optimizer: over the parameters that the stage trains.
            loss: per patient.
            protection: clipping norm, noise and secret.
            expected: mean number of patients per step, whoever is drawn; the noisy sum is divided by it.
            views: samples per patient in a batch.
            then: called when the parameters hold their noisy gradients, before the optimiser moves them.
        """
        self._model, self._loss, self._views, self._then = model, loss, views, then
        self._protection, self._expected, self._steps = protection, expected, 0
        self._optimizer = DPOptimizer(
            optimizer,
            noise_multiplier=0.0,  # see _finish
            max_grad_norm=protection.max_grad_norm,
            expected_batch_size=None,
            loss_reduction="sum",
        )
        self._optimizer.attach_step_hook(self._finish)

    def take(self, batches: Iterable[Batch]) -> float:
        """One step.

        Args:
            batches: the patients drawn for it, in parts that fit into memory; may be empty.

        Returns:
            Their finite losses over the expected number of patients; not protected, it stays at the site.
        """
        total = 0.0
        self._optimizer.zero_grad(set_to_none=True)
        for batch in batches:
            total += self._accumulate(batch)
        self._gradients(lambda parameter: parameter.new_zeros((0, *parameter.shape)))
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._steps += 1
        with torch.no_grad():
            self._model.uncertainty.project()
        return total / self._expected

    def _accumulate(self, batch: Batch) -> float:
        """Clip what a part of the step's patients teaches, and add it up."""
        prediction = self._model(batch.image_BCXYZ, batch.available_BC, batch.context_BCXYZ, batch.box_B23)
        loss_B = self._loss(prediction, batch)
        loss_B.sum().backward()  # type: ignore[no-untyped-call]
        self._gradients(lambda parameter: _per_patient(parameter, len(loss_B), self._views))
        bound([parameter.grad_sample for parameter in self._optimizer.params], self._protection.max_grad_norm)
        self._optimizer.signal_skip_step(do_skip=True)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return float(loss_B.detach().nan_to_num(0.0, 0.0, 0.0).sum())

    def _gradients(self, of: Callable[[nn.Parameter], Tensor]) -> None:
        for parameter in self._optimizer.params:
            parameter.grad_sample = of(parameter)

    def _finish(self, optimizer: DPOptimizer) -> None:
        """Noise on the clipped sum, the mean, and what comes after."""
        noise = NoiseStream(self._protection.secret, self._steps)
        deviation = self._protection.noise_multiplier * self._protection.max_grad_norm
        for parameter in optimizer.params:
            parameter.grad = noise.added(parameter.grad, deviation) / self._expected
        self._then()


def _per_patient(parameter: nn.Parameter, num_patients: int, views: int) -> Tensor:
    """(B, ...): the sum over the views of each patient; zeros for a parameter outside of the loss."""
    found = getattr(parameter, "grad_sample", None)
    if found is None:
        return parameter.new_zeros((num_patients, *parameter.shape))
    summed: Tensor = found.unflatten(0, (views, num_patients)).sum(0)
    return summed


def bound(gradients: Sequence[Tensor], most: float) -> None:
    """Scale every patient's gradient down to a norm, measured in float64; one that is not finite becomes zero.

    Args:
        gradients: of each parameter, (B, ...); changed in place.
        most: L2 norm over all parameters.
    """
    norm_PB = [torch.linalg.vector_norm(part.flatten(1), dim=1, dtype=torch.float64) for part in gradients]
    norm_B = torch.linalg.vector_norm(torch.stack(norm_PB), dim=0)
    factor_B = (most / norm_B).clamp(max=1.0)
    finite_B = norm_B.isfinite()
    for part in gradients:
        part *= factor_B.to(part.dtype).view(-1, *[1] * (part.ndim - 1))
        part[~finite_B] = 0.0


@contextmanager
def per_sample_gradients(model: nn.Module, trains: Callable[[str], bool]) -> Iterator[None]:
    """Inside, backward passes leave `grad_sample` on every parameter that is trained; afterwards nothing is left.

    The parameters' names stay what they are, and hooks of others stay where they are.

    Args:
        model: no module of it may depend on the other samples of a batch.
        trains: whether a parameter is trained, by its name; the others keep their values.
    """
    with _frozen(parameter for name, parameter in model.named_parameters() if not trains(name)):
        hooks = GradSampleHooks(model, loss_reduction="sum", strict=True)
        try:
            with warnings.catch_warnings():
                # Stems, tables and log-variances come first in their branch: nothing before them asks for a gradient.
                warnings.filterwarnings("ignore", message="Full backward hook is firing")
                yield
        finally:
            hooks.cleanup()
            for parameter in model.parameters():
                parameter.grad = None
                _forget(parameter, _LEFT_ON_PARAMETERS)
            for module in model.modules():
                _forget(module, _LEFT_ON_MODULES)


@contextmanager
def _frozen(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """Inside, these ask for no gradient."""
    asked = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in asked:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in asked:
            parameter.requires_grad_(True)


def _forget(thing: object, names: Sequence[str]) -> None:
    for name in names:
        if name in vars(thing):
            delattr(thing, name)
