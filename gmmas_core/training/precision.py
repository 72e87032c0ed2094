"""Which device and which number format a site trains in, from what its hardware reports.

A bfloat16 convolution on a processor without instructions for it is three to four times slower than float32, and
torch's own `mkldnn` query can claim support that is not there, so only `torch.cpu.get_capabilities()` is believed.
float16 is never used: it needs loss scaling and is hundreds of times slower on a CPU. Parameters, optimiser state and
losses stay float32.

torch 2.13 leaves parts of the weight gradient of a bfloat16 3 x 3 x 3 convolution unwritten on a CPU where the kernel
overhangs the map on both sides (an edge of 2, or of 1 at stride 2): old memory, often not finite, sometimes merely
wrong. A network whose smallest map is that small trains in float32 there.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from gmmas_core.types import ConfigError

_CPU_BFLOAT16 = ("amx_bf16", "avx512_bf16")
_CPU_BFLOAT16_EDGE = 3


@dataclass(frozen=True)
class Precision:
    """Number format of the forward pass on one device."""

    device: str
    dtype: torch.dtype

    def autocast(self) -> AbstractContextManager[None]:
        """Context in which convolutions and products run in `dtype`; does nothing for float32."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.dtype is torch.bfloat16)


def choose_device(wanted: str) -> str:
    """The device to train on.

    Args:
        wanted: "auto" (CUDA when present), "cpu" or "cuda".

    Raises:
        ConfigError: another word, or "cuda" where there is none.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device: found {wanted!r}; expected 'auto', 'cpu' or 'cuda'")
    present = torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise ConfigError("device: found 'cuda' on a machine where torch sees no GPU; expected 'auto' or 'cpu'")
    return "cuda" if present and wanted != "cpu" else "cpu"


def choose_precision(wanted: str, device: str, smallest_edge: int) -> Precision:
    """The number format for a device.

    "auto" means bfloat16 on a GPU with bfloat16 units, or on a CPU that reports AMX-BF16 or AVX512-BF16 and computes no
    map with an edge below 3 voxels; else float32.

    Args:
        wanted: "auto", "float32" or "bfloat16"; the last is obeyed on any CPU, however slow.
        device: "cpu" or "cuda".
        smallest_edge: voxels of the network's smallest feature map, `ModelConfig.smallest_edge`.

    Raises:
        ConfigError: another word, or "bfloat16" on a CPU with smaller maps than it computes rightly.
    """
    safe = device != "cpu" or smallest_edge >= _CPU_BFLOAT16_EDGE
    if wanted == "auto":
        return Precision(device, torch.bfloat16 if safe and gains_from_bfloat16(device) else torch.float32)
    dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if wanted not in dtypes:
        raise ConfigError(f"training.precision: found {wanted!r}; expected 'auto', 'float32' or 'bfloat16'")
    if dtypes[wanted] is torch.bfloat16 and not safe:
        raise ConfigError(
            f"training.precision: found bfloat16 with a feature map of edge {smallest_edge}; expected at least "
            f"{_CPU_BFLOAT16_EDGE} on a CPU, where gradients of smaller ones are wrong; use float32 or larger crops"
        )
    return Precision(device, dtypes[wanted])


def gains_from_bfloat16(device: str) -> bool:
    """Whether this machine computes bfloat16 in hardware."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(name)) for name in _CPU_BFLOAT16)
