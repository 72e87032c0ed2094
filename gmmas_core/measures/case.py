"""Everything that is measured on one case: for the reading room and the reports, on the scanner's own grid."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gmmas_core.data.grid import Volume, box_of, cut, same_grid
from gmmas_core.measures.diameters import HOSTS, Diameters, measure_diameters
from gmmas_core.measures.lesions import SMALLEST_ML, Pieces, find_pieces, label_pieces
from gmmas_core.measures.margin import Margin, measure_margin
from gmmas_core.measures.midline import Midline, estimate_midline
from gmmas_core.measures.mismatch import Mismatch, measure_mismatch
from gmmas_core.measures.sides import SideShare, measure_side
from gmmas_core.measures.values import Measure, Missing, share_of
from gmmas_core.measures.vasari import MaskFacts, Score, derive_vasari
from gmmas_core.measures.volumes import IN_DOUBT_NATS, LABELS, Doubt, measure_volume, region_of, voxel_ml
from gmmas_core.types import BACKGROUND, DISCLAIMER, REGIONS, CaseResult, DataError

NO_TUMOUR = Missing("no tumour was found")

_EMPTY = {"wt": "no tumour was found", "tc": "no tumour core was found", "et": "no enhancing tumour was found"}
_SHARES = {"et/wt": ("et", "wt"), "necrosis/tc": ("necrosis", "tc"), "edema/wt": ("edema", "wt")}


@dataclass(frozen=True, kw_only=True)
class CaseMeasures:
    """What was measured on one case; plain data, so that `dataclasses.asdict` makes JSON of it.

    Attributes:
        case_id, model_id, created_at, sequences_used: of the result.
        spacing_mm: voxel edges along the file's axes.
        orientation: of the file's axes, e.g. "LPS".
        volume: mL per key of LABELS.
        shares: "et/wt", "necrosis/tc", "edema/wt".
        diameters: per region.
        pieces: separate pieces per region.
        satellites: enhancing pieces apart from the largest core but inside the same whole tumour.
        midline: estimated from the images.
        side: per region, against that midline.
        margin: thickness of the enhancing margin.
        mismatch: T2 against FLAIR.
        vasari: feature id -> score, or why it cannot be derived.
        disclaimer: to be shown wherever a part of this is.
    """

    case_id: str
    model_id: str
    created_at: str
    sequences_used: tuple[str, ...]
    spacing_mm: tuple[float, float, float]
    orientation: str
    volume: Mapping[str, Measure]
    shares: Mapping[str, Measure]
    diameters: Mapping[str, Diameters | Missing]
    pieces: Mapping[str, Pieces | Missing]
    satellites: int | Missing
    midline: Midline | Missing
    side: Mapping[str, SideShare | Missing]
    margin: Margin | Missing
    mismatch: Mismatch | Missing
    vasari: Mapping[str, Score | Missing]
    disclaimer: str = DISCLAIMER


def measure_case(result: CaseResult, images: Mapping[str, Volume], doubt: Doubt | None = None) -> CaseMeasures:
    """Measure a case.

    Args:
        result: of the model; what it calls not assessable is not measured.
        images: sequence -> image in its own place; those that lie on another grid than the result are not used, and
            those that the model did not use neither.
        doubt: volumes of the stochastic passes or a map of doubt, for the intervals of the volumes.

    Raises:
        DataError: a map of doubt of another shape than the segmentation, or passes of something that is not measured.
    """
    doubt = doubt or Doubt()
    unknown = set(doubt.passes_ml) - set(LABELS)
    if unknown:
        raise DataError(
            f"volumes of passes: found {', '.join(sorted(unknown))}; expected some of {', '.join(LABELS)}; name them so"
        )
    seg = Volume(result.seg_XYZ, result.affine_44)
    here = {s: v for s, v in images.items() if s in result.sequences_used and same_grid(v.grid, seg.grid)}
    in_doubt = _in_doubt(doubt, seg)
    why_not = _why_not(result)
    near = _around_tumour(seg)
    counted = near if in_doubt is None else seg  # doubt may reach farther than the tumour
    volume = {name: why_not.get(name) or _volume(counted, name, doubt, in_doubt) for name in LABELS}
    midline = estimate_midline(here, Volume(seg.data != BACKGROUND, seg.affine_44))
    empty = {name: Missing(text) for name, text in _EMPTY.items() if not region_of(near, name).data.any()}
    closed = {**empty, **why_not}
    side = {name: closed.get(name) or _side(near, name, midline) for name in REGIONS}
    pieces = {name: why_not.get(name) or find_pieces(region_of(near, name)) for name in REGIONS}
    margin = closed.get("et") or measure_margin(near)
    no_satellites = why_not.get("et") or why_not.get("wt")
    satellites = no_satellites or closed.get("et") or count_satellites(near)
    facts = MaskFacts(
        volume=volume,
        side=side,
        cores=pieces["tc"],
        margin=margin,
        satellites=no_satellites or (0 if isinstance(satellites, Missing) else satellites),
    )
    return CaseMeasures(
        case_id=result.case_id,
        model_id=result.model_id,
        created_at=result.created_at,
        sequences_used=result.sequences_used,
        spacing_mm=seg.grid.spacing_mm,
        orientation=seg.grid.orientation,
        volume=volume,
        shares={name: share_of(volume[part], volume[whole]) for name, (part, whole) in _SHARES.items()},
        diameters={name: closed.get(name) or measure_diameters(near, name) for name in HOSTS},
        pieces=pieces,
        satellites=satellites,
        midline=midline,
        side=side,
        margin=margin,
        mismatch=closed.get("wt") or measure_mismatch(here, seg, result.not_assessable.get("t2_flair_mismatch")),
        vasari=derive_vasari(facts),
    )


def count_satellites(seg: Volume) -> int:
    """Enhancing pieces of lesion size apart from the largest tumour core but inside the same piece of whole tumour."""
    whole, _ = label_pieces(region_of(seg, "wt").data)
    cores, _ = label_pieces(region_of(seg, "tc").data)
    enhancing, voxels_N = label_pieces(region_of(seg, "et").data)
    home = whole[cores == 1][:1]
    apart = np.unique(enhancing[(enhancing > 0) & (cores > 1) & (whole == home)])
    return int(np.count_nonzero(voxels_N[apart - 1] * voxel_ml(seg.affine_44) >= SMALLEST_ML))


def _why_not(result: CaseResult) -> dict[str, Missing]:
    """What the result leaves open, by the names used here."""
    if "segmentation" in result.abstained or not result.seg_XYZ.any():
        return dict.fromkeys(LABELS, NO_TUMOUR)
    blocked = result.not_assessable
    reasons = {name: Missing(blocked[name]) for name in LABELS if name in blocked}
    if "label_1_versus_3" in blocked:
        reasons.setdefault("necrosis", Missing(blocked["label_1_versus_3"]))
    return reasons


def _around_tumour(seg: Volume) -> Volume:
    """The part of the grid that holds the tumour; the rest cannot change a measure of the mask."""
    if not seg.data.any():
        return seg
    return cut(seg, box_of(seg.data, 1))


def _in_doubt(doubt: Doubt, seg: Volume) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None:
    if doubt.entropy_XYZ is None:
        return None
    if doubt.entropy_XYZ.shape != seg.data.shape:
        raise DataError(
            f"map of doubt: found shape {doubt.entropy_XYZ.shape}; expected that of the segmentation, "
            f"{seg.data.shape}; take the map that was written with this result"
        )
    return np.asarray(doubt.entropy_XYZ > IN_DOUBT_NATS)


def _volume(
    seg: Volume, name: str, doubt: Doubt, in_doubt: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None
) -> Measure:
    return measure_volume(region_of(seg, name), doubt.passes_ml.get(name, ()), in_doubt)


def _side(near: Volume, name: str, midline: Midline | Missing) -> SideShare | Missing:
    return midline if isinstance(midline, Missing) else measure_side(region_of(near, name), midline)
