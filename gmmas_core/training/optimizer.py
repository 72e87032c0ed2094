"""The optimiser of local training: AdamW, new in every round.

Its moments are not carried over: the weights they belonged to have been replaced by the federation's mean. The learning
rate arrives with the round's plan (the coordinator computes the poly decay), so there is no scheduler here.
"""

from torch import nn, optim


def build_optimizer(model: nn.Module, lr: float, weight_decay: float) -> optim.AdamW:
    """AdamW over every trainable parameter.

    Only matrices and kernels decay. Norms, biases, fusion weights and log-variances have a meaning at a value other
    than 0, and decay would move them in batches that say nothing about them.

    Args:
        model: parameters are float32.
        lr: of this round.
        weight_decay: decoupled.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trained if parameter.ndim >= 2], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim < 2], "weight_decay": 0.0},
    ]
    return optim.AdamW([group for group in groups if group["params"]], lr=lr, fused=True)
