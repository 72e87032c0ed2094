"""Labels drawn or predicted in the model's space, back on the grid of the scanner."""

from gmmas_core.data.geometry import resample_to
from gmmas_core.data.grid import Volume
from gmmas_core.onboarding.placing import in_model_space
from gmmas_core.onboarding.record import RawRecord
from gmmas_core.types import DataError


def to_native(seg: Volume, record: RawRecord, sequence: str) -> Volume:
    """Labels on a sequence's own grid, in its file's axis order and place.

    Each label's share is carried over linearly and the largest share wins, so thick slices take what fills them.

    Args:
        seg: non-negative integer labels anywhere in the model's space, e.g. on the model's grid.
        record: of the case.
        sequence: whose grid.

    Raises:
        DataError: the case has no such sequence.
    """
    if sequence not in record.sequences:
        known = ", ".join(record.sequences)
        raise DataError(f"case {record.case_id}: found no {sequence} in its record; expected one of {known}")
    found = record.sequences[sequence]
    placed = in_model_space(found.native, found.matrix_44)
    return Volume(resample_to(seg, placed, order=0), found.native.affine_44)
