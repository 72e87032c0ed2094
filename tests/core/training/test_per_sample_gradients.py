"""Network and loss together give per-sample gradients, so differential privacy can clip patient by patient."""

import pytest
import torch
from opacus import GradSampleModule

from gmmas_core.config import Config
from gmmas_core.losses import multitask_loss
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import Batch, Task


@pytest.mark.filterwarnings("ignore:Full backward hook")
def test_per_sample_gradients_sum_to_the_gradient(model: GMMAS, batch: Batch, tiny_config: Config) -> None:
    batch.known_BT[0, 2] = False
    batch.target_BTK[0, 2] = 0
    for layer in model.modules():
        if isinstance(layer, torch.nn.Dropout | torch.nn.Dropout3d):
            layer.p = 0.0  # two passes must agree

    def backward(network: torch.nn.Module) -> None:
        prediction = network(batch.image_BCXYZ, batch.available_BC, batch.context_BCXYZ, batch.box_B23)
        equal = dict.fromkeys(Task, (1.0, 1.0))
        tasks = tiny_config.task_list
        multitask_loss(prediction, batch, network.uncertainty, tiny_config.loss, equal, tasks).total.backward()

    model.train()
    backward(model)
    plain = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    backward(GradSampleModule(model, loss_reduction="sum"))
    for name, parameter in model.named_parameters():
        assert parameter.grad_sample.shape == (2, *parameter.shape), name
        # Relative to the tensor's own size: sums over voxels are taken in another order.
        error = (parameter.grad_sample.sum(0) - plain[name]).norm() / (plain[name].norm() + 1e-6)
        assert error < 1e-4, name
    final = [parameter for name, parameter in model.named_parameters() if "heads.of.codel_1p19q" in name][-1]
    assert not final.grad_sample[0].any()  # this patient's codeletion status is unknown
    assert final.grad_sample[1].any()
