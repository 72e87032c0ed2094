"""The seven hospitals of the strategy study: unequal as FeTS's, and each small one in trouble of its own kind.

==============  ======  =====================================================================================
name            share   what is special
==============  ======  =====================================================================================
large-clean     41 %    nothing
large-noisy     30 %    of its training labels, 40 % of IDH are wrong and every second mask is displaced or dilated
no-t1           8 %     no T1; 1.5 T, noisy, thick slices
no-t2           7 %     no T2; sagittal
no-1p19q        5 %     nobody determines 1p/19q there
broken-scanner  5 %     shading, ghosts and scrambled contrast in every image, test images too
unlabelled      4 %     no label and no mask
==============  ======  =====================================================================================

Two of seven hold 71 % of the cases, as in the FeTS 2022 partition. Test cases are other patients of the same hospitals
and scanners with their true labels and masks: what is scored is the truth, also at the hospital whose own labels lie.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gmmas_core.data.phantom import HOSPITALS, SiteEffects, hospital
from gmmas_core.types import Task

NORTH, EAST, SOUTH, WEST = HOSPITALS
_DRAWN_SEED = 1


@dataclass(frozen=True, kw_only=True)
class HardSite:
    """One hospital of the study.

    Attributes:
        effects: scanner, patients and sequences.
        share: of all training cases.
        wrong_idh, wrong_masks: shares of its training and validation cases with a wrong label or mask.
        broken: whether its scanner spoils every image.
        labelled: whether it has labels and masks at all.
    """

    effects: SiteEffects
    share: float
    wrong_idh: float = 0.0
    wrong_masks: float = 0.0
    broken: bool = False
    labelled: bool = True

    @property
    def name(self) -> str:
        """Of the hospital."""
        return self.effects.name


def _scanner(
    like: SiteEffects, name: str, missing: Mapping[str, float] = {}, unknown: Mapping[Task, float] = {}
) -> SiteEffects:
    return replace(like, name=name, missing=dict(missing), unknown=dict(unknown), unmasked=0.0)


HARD_SITES: tuple[HardSite, ...] = (
    HardSite(effects=_scanner(NORTH, "large-clean"), share=0.41),
    HardSite(effects=_scanner(EAST, "large-noisy"), share=0.30, wrong_idh=0.4, wrong_masks=0.5),
    HardSite(effects=_scanner(SOUTH, "no-t1", {"t1": 1.0}), share=0.08),
    HardSite(effects=_scanner(WEST, "no-t2", {"t2": 1.0}), share=0.07),
    HardSite(effects=_scanner(hospital(4, _DRAWN_SEED), "no-1p19q", unknown={Task.CODEL: 1.0}), share=0.05),
    HardSite(effects=_scanner(hospital(5, _DRAWN_SEED), "broken-scanner"), share=0.05, broken=True),
    HardSite(effects=_scanner(hospital(6, _DRAWN_SEED), "unlabelled"), share=0.04, labelled=False),
)
SITE_NAMES = tuple(site.name for site in HARD_SITES)


def cases_per_site(total: int) -> dict[str, int]:
    """Training cases of every hospital; shares to the nearest case, at least 4."""
    return {site.name: max(4, round(site.share * total)) for site in HARD_SITES}
