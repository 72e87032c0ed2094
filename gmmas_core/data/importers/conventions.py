"""What mask values mean in the public data sets: the conventions a site may declare, and those that must be rewritten.

Declared by the data set's makers, never guessed from the values found.
"""

from collections.abc import Mapping

from gmmas_core.data.labels import LABEL_CONVENTIONS
from gmmas_core.types import BACKGROUND, EDEMA, ENHANCING, NECROSIS

MASK_VALUES: Mapping[str, Mapping[int, int]] = {
    **LABEL_CONVENTIONS,
    # 1 NETC, 2 SNFH, 3 ET, 4 resection cavity: no tumour region (WT, TC, ET) contains the cavity, so it is background.
    "brats2024_post": {0: BACKGROUND, 1: NECROSIS, 2: EDEMA, 3: ENHANCING, 4: BACKGROUND},
}
"""Name -> file value -> canonical label; a mask whose name is not one of LABEL_CONVENTIONS is rewritten on import."""
