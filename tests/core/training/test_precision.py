"""The number format follows what the processor reports; the reports of other processors are put in its mouth."""

import pytest
import torch

from gmmas_core.training.precision import choose_device, choose_precision
from gmmas_core.types import ConfigError


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, torch.float32),
        ({"avx512_f": True, "avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"amx_fp16": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_auto_believes_the_processor(
    monkeypatch: pytest.MonkeyPatch, reported: dict[str, bool], expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: reported)
    assert choose_precision("auto", "cpu", 4).dtype is expected


def test_no_bfloat16_on_a_cpu_with_tiny_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch leaves old memory in the weight gradient where a kernel overhangs the map on both sides."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert choose_precision("auto", "cpu", 2).dtype is torch.float32
    assert choose_precision("bfloat16", "cuda", 2).dtype is torch.bfloat16
    with pytest.raises(ConfigError, match="edge 2"):
        choose_precision("bfloat16", "cpu", 2)


@pytest.mark.parametrize("edge", [3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_bfloat16_gradients_are_right_from_the_edge_that_is_allowed(edge: int, stride: int) -> None:
    """On this machine's own kernels; memory is filled with NaN first, so that an unwritten gradient shows."""
    torch.manual_seed(0)
    image, kernel = torch.randn(2, 32, edge, edge, edge), torch.randn(64, 32, 3, 3, 3)
    gradients = []
    for dtype in (torch.float32, torch.bfloat16):
        weight = kernel.to(dtype).clone().requires_grad_()
        output = torch.nn.functional.conv3d(image.to(dtype), weight, padding=1, stride=stride)
        del [torch.full((2**power,), float("nan")) for power in range(10, 20)][:]
        output.backward(torch.ones_like(output))  # type: ignore[no-untyped-call]
        assert weight.grad is not None
        gradients.append(weight.grad.float())
    exact, rounded = gradients
    assert float((exact - rounded).norm() / exact.norm()) < 0.02


def test_this_processor_reports() -> None:
    assert choose_precision("auto", "cpu", 4).dtype in (torch.float32, torch.bfloat16)
    assert "cpu_name" in torch.cpu.get_capabilities()


def test_a_person_may_insist() -> None:
    assert choose_precision("float32", "cpu", 4).dtype is torch.float32
    assert choose_precision("bfloat16", "cuda", 4).dtype is torch.bfloat16
    assert choose_precision("bfloat16", "cuda", 4).device == "cuda"
    with pytest.raises(ConfigError, match="float16"):
        choose_precision("float16", "cpu", 4)


@pytest.mark.parametrize(("wanted", "expected"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_autocast_computes_in_the_format(wanted: str, expected: torch.dtype) -> None:
    linear = torch.nn.Linear(3, 2)
    with choose_precision(wanted, "cpu", 4).autocast():
        assert linear(torch.ones(1, 3)).dtype is expected


def test_device() -> None:
    present = torch.cuda.is_available()
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") == ("cuda" if present else "cpu")
    if not present:
        with pytest.raises(ConfigError, match="no GPU"):
            choose_device("cuda")
    with pytest.raises(ConfigError, match="'auto'"):
        choose_device("gpu")
