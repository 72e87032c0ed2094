"""A case read from some of its sequences only, and what each sequence is worth.

Two measures of worth, which need not agree: how far the answers move when a sequence is left out (`changes`), and how
loudly the network has learned to listen to it (`fusion.learned_weights`).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gmmas_core.data.preprocess import Prepared
from gmmas_core.inference.assessability import present
from gmmas_core.metrics.overlap import dice, region_mask
from gmmas_core.subsets import SUBSETS as SUBSETS
from gmmas_core.types import REGIONS, SEQUENCES, CaseResult, DataError


def has_sequences(prepared: Prepared, sequences: Sequence[str]) -> bool:
    """Whether a case has all of these sequences."""
    return set(sequences) <= set(present(prepared.available_C)[0])


def with_sequences(prepared: Prepared, sequences: Sequence[str]) -> Prepared:
    """The same case as if only these sequences had been acquired; the others' channels are zero.

    Args:
        prepared: is not changed; nothing is copied when no sequence is left out.
        sequences: names out of SEQUENCES, in any order.

    Raises:
        DataError: no sequence is wanted, or one that the case does not have.
    """
    there, _ = present(prepared.available_C)
    if not sequences or not has_sequences(prepared, sequences):
        wanted = ", ".join(sequences) or "no sequence"
        raise DataError(f"case {prepared.case_id}: found {wanted} to keep; expected some of {', '.join(there)}")
    if set(sequences) == set(there):
        return prepared
    kept_C = np.array([sequence in sequences for sequence in SEQUENCES])
    image_CXYZ, context_CXYZ = prepared.image_CXYZ.copy(), prepared.context_CXYZ.copy()
    image_CXYZ[~kept_C], context_CXYZ[~kept_C] = 0, 0
    return replace(prepared, image_CXYZ=image_CXYZ, context_CXYZ=context_CXYZ, available_C=kept_C)


def changes(full: CaseResult, without: CaseResult) -> dict[str, float]:
    """How far a case's answers move when some of its sequences are left out.

    Args:
        full: read from all its sequences.
        without: the same case read from fewer.

    Returns:
        For every task in both results |change of P(class 1)|, for every region that both call assessable 1 - Dice
        between the two segmentations (0 when both are empty); all from 0 to 1. Others are absent.
    """
    found = {
        task.value: abs(full.probability[task] - without.probability[task])
        for task in full.probability
        if task in without.probability
    }
    for region in REGIONS:
        if not {region} & {*full.not_assessable, *without.not_assessable}:
            found[region] = 1 - dice(region_mask(full.seg_XYZ, region), region_mask(without.seg_XYZ, region))
    return found
