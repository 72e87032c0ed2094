"""T2-FLAIR mismatch on phantoms that have the sign and on the same ones without it."""

from collections.abc import Callable

import numpy as np
import pytest

from gmmas_core.data.grid import Volume
from gmmas_core.measures.mismatch import Mismatch, measure_mismatch
from gmmas_core.measures.values import Missing
from gmmas_core.types import ENHANCING

Phantom = Callable[..., tuple[dict[str, Volume], Volume]]


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_sign_shows_in_every_number(seed: int, phantom: Phantom) -> None:
    with_sign = measure_mismatch(*phantom(seed, size=48, mismatch=True), None)
    without = measure_mismatch(*phantom(seed, size=48), None)
    assert isinstance(with_sign, Mismatch)
    assert isinstance(without, Mismatch)
    assert with_sign.share > 0.42 > 0.35 > without.share
    assert with_sign.difference > 0 > without.difference
    assert with_sign.rim is not None
    assert without.rim is not None
    assert with_sign.rim > without.rim


def test_brightness_has_no_unit(phantom: Phantom) -> None:
    images, seg = phantom(3, size=48, mismatch=True)
    brighter = {name: Volume(image.data * 7.5, image.affine_44) for name, image in images.items()}
    one, other = measure_mismatch(images, seg, None), measure_mismatch(brighter, seg, None)
    assert isinstance(one, Mismatch)
    assert isinstance(other, Mismatch)
    assert other.difference == pytest.approx(one.difference)


def test_what_cannot_be_compared_has_a_reason(phantom: Phantom) -> None:
    images, seg = phantom(3, size=48)
    no_flair = {name: image for name, image in images.items() if name != "flair"}
    assert measure_mismatch(no_flair, seg, None) == Missing("no flair on the segmentation's grid")
    assert measure_mismatch(images, seg, "no t2: the sign compares") == Missing("no t2: the sign compares")
    solid = Volume(np.where(seg.data > 0, ENHANCING, 0).astype(np.uint8), seg.affine_44)
    assert isinstance(measure_mismatch(images, solid, None), Missing)
