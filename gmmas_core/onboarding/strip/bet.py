"""BET as the package brainextractor has it: a surface that grows until it meets the skull. No weights.

Here for comparison and for whoever trusts it more than ours; see strip/tissue.py. On TCGA-FG-6692 (raw, 5.5 mm slices)
it was seen to leave the brain in all four sequences.

Source: Smith 2002, doi:10.1002/hbm.10062.
"""

import contextlib
import io
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.grid import Volume
from gmmas_core.onboarding.extra import require_extra
from gmmas_core.types import DataError

_MARGIN = 40  # voxels; the package reads along lines without asking whether they leave the array
_ITERATIONS = 1000


def bet_mask(volume: Volume) -> NDArray[np.bool_]:
    """Mask the brain of one head.

    Args:
        volume: 1 mm voxels.

    Raises:
        DataError: the surface collapsed.
    """
    # numba keeps what it compiled beside the package, which a read-only image does not allow.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"numba-{os.getuid()}"))
    import nibabel as nib

    package = require_extra("brainextractor")
    padded = np.pad(np.clip(volume.data.astype(np.float32), 0, None), _MARGIN)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            extractor = package.BrainExtractor(img=nib.Nifti1Image(padded, np.eye(4)))
            extractor.run(iterations=_ITERATIONS)
            mask = extractor.compute_mask()
        except (ValueError, IndexError, ZeroDivisionError):
            raise DataError("brain mask (bet): found its surface collapsed; choose another --strip") from None
    inner = (slice(_MARGIN, -_MARGIN),) * 3
    return np.ascontiguousarray(mask[inner] > 0)
