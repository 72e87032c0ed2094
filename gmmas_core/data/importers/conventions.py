"""What mask values mean in the public data sets: the conventions a site may declare, and those that must be rewritten.

Declared by the data set's makers, never guessed from the values found.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gmmas_core.data.labels import LABEL_CONVENTIONS
from gmmas_core.types import BACKGROUND, EDEMA, ENHANCING, NECROSIS, DataError

MASK_VALUES: Mapping[str, Mapping[int, int]] = {
    **LABEL_CONVENTIONS,
    # 1 NETC, 2 SNFH, 3 ET, 4 resection cavity: no tumour region (WT, TC, ET) contains the cavity, so it is background.
    "brats2024_post": {0: BACKGROUND, 1: NECROSIS, 2: EDEMA, 3: ENHANCING, 4: BACKGROUND},
}
"""Name -> file value -> canonical label; a mask whose name is not one of LABEL_CONVENTIONS is rewritten on import."""


@dataclass(frozen=True, kw_only=True)
class Masks:
    """How masks come into a site folder.

    Attributes:
        declared: convention of the source's masks, key of MASK_VALUES.
        site: convention of the site folder, key of LABEL_CONVENTIONS.
    """

    declared: str
    site: str

    @property
    def rewrite(self) -> Mapping[int, int] | None:
        """File value -> canonical label where masks must be rewritten, None where they can be linked."""
        values = MASK_VALUES[self.declared]
        return None if values == LABEL_CONVENTIONS[self.site] else values


def masks_for(declared: str, site: str | None) -> Masks:
    """How a data set's masks come into a site folder.

    Args:
        declared: key of MASK_VALUES.
        site: what site.yaml declares, or None for a new folder, which takes over the data set's convention where a
            site may declare it and else "canonical".

    Raises:
        DataError: no such convention.
    """
    if declared not in MASK_VALUES:
        names = ", ".join(MASK_VALUES)
        raise DataError(
            f"--label-convention: found {declared!r}; expected one of {names}; say what the values in the masks mean"
        )
    return Masks(declared=declared, site=site or (declared if declared in LABEL_CONVENTIONS else "canonical"))
