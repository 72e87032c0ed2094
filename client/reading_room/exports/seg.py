"""DICOM Segmentation of a reading, on the frames of the series from which the images were made.

It goes back into the hospital's own archive: patient and study are those of the source's headers. Every frame is kept,
empty or not, since viewers otherwise shift or refuse what they show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from highdicom.color import CIELabColor
from highdicom.content import AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from client.exporting.outlines import Outline, outlines
from client.reading_room.exports import product
from client.reading_room.exports.headers import UNUSABLE, completed, file_of, fix_times
from client.reading_room.exports.masks import load_mask
from client.reading_room.exports.originals import Series, read_series
from client.reading_room.exports.placing import place
from client.reading_room.record import DICOM, Record
from gmmas_core.types import DISCLAIMER, SEQUENCES, DataError

SERIES_NUMBER = 9001
CONTENT_LABEL = "RESEARCH_GLIOMA"
TYPES = {
    "necrosis": codes.SCT.Necrosis,
    "edema": codes.SCT.Edema,
    "et": codes.SCT.Neoplasm,
    "wt": codes.SCT.Neoplasm,
}
"""Outline -> what it shows; the label's words say more than the code."""

COLOURS = {"necrosis": "blue", "edema": "green", "et": "red", "wt": "yellow"}

_ORDER = ("t1c", *(sequence for sequence in SEQUENCES if sequence != "t1c"))
"""Viewers show a segmentation over the series that it refers to; contrast shows the most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """A mask on a series.

    Attributes:
        series: with the mask's grid.
        sequence: whose image was made from it.
        labels_FRC: canonical labels, frame by frame.
    """

    series: Series
    sequence: str
    labels_FRC: NDArray[Any]


def placed_mask(record: Record) -> Placed:
    """The mask on the first of the study's series that has its grid.

    Raises:
        DataError: the study was no DICOM, no series fits, or the mask holds no tumour.
    """
    if record.study.source != "dicom":
        raise DataError("DICOM: found a study that was uploaded as NIfTI; expected one from DICOM; take BIDS instead")
    mask = load_mask(record)
    if not mask.data.any():
        raise DataError("DICOM: found no tumour in the mask; expected some; there is nothing to outline")
    numbers = {image.sequence: image.dicom for image in record.study.images}
    folder = record.folder.parent.parent / DICOM
    for sequence in _ORDER:
        number = numbers.get(sequence)
        series = None if number is None else read_series(folder, number)
        labels_FRC = None if series is None else place(mask, series)
        if series is not None and labels_FRC is not None:
            return Placed(series=series, sequence=sequence, labels_FRC=labels_FRC)
    raise DataError(
        "DICOM: found no series whose grid is that of the mask; expected one of those that were uploaded; "
        "take BIDS instead, which holds the mask as NIfTI"
    )


def segmentation(record: Record, placed: Placed) -> Segmentation:
    """The object.

    Args:
        record: what was read.
        placed: its mask.

    Raises:
        DataError: nothing of the mask is assessable, or the source's headers are unusable.
    """
    parts, left_out = outlines(record.document)
    if not parts:
        raise DataError(
            "DICOM: found no part of the mask that can be assessed; expected one; there is nothing to outline"
        )
    masks_FRCS = np.stack([np.isin(placed.labels_FRC, part.labels) for part in parts], axis=-1)
    made = product.made_at(record)
    try:
        made_seg = Segmentation(
            source_images=[completed(header) for header in placed.series.headers],
            pixel_array=masks_FRCS,
            segmentation_type="BINARY",
            segment_descriptions=_descriptions(record, parts),
            series_instance_uid=product.uid(record, "seg series", placed.sequence),
            series_number=SERIES_NUMBER,
            sop_instance_uid=product.uid(record, "seg", placed.sequence),
            instance_number=record.revision.number,
            manufacturer=product.MANUFACTURER,
            manufacturer_model_name=product.model_id(record)[:64],
            software_versions=product.software(),
            device_serial_number="none",
            content_label=CONTENT_LABEL,
            content_description="RESEARCH glioma outline; not for diagnosis",
            series_description="RESEARCH glioma segmentation; not for diagnosis",
            content_date=made.date(),
            content_time=made.time(),
            series_date=made.date(),
            series_time=made.time(),
            transfer_syntax_uid=ExplicitVRLittleEndian,
            omit_empty_frames=False,
        )
    except UNUSABLE:
        raise DataError(
            "DICOM: found headers in the source series that break DICOM's rules; expected usable ones; "
            "take BIDS instead"
        ) from None
    for item in (*made_seg.DimensionOrganizationSequence, *made_seg.DimensionIndexSequence):
        item.DimensionOrganizationUID = product.uid(record, "seg dimensions", placed.sequence)
    fix_times(made_seg)
    made_seg.ContentQualification = "RESEARCH"
    made_seg.ImageComments = " ".join([DISCLAIMER, *_left_out(left_out)])
    return made_seg


def seg_file(record: Record) -> bytes:
    """The object as a file's content; the same whenever it is asked for.

    Raises:
        DataError: as `placed_mask` and `segmentation`.
    """
    return file_of(segmentation(record, placed_mask(record)))


def _left_out(left_out: dict[str, str]) -> list[str]:
    return [f"Not assessable and left out: {name}: {reason}." for name, reason in left_out.items()]


def _descriptions(record: Record, parts: Sequence[Outline]) -> list[SegmentDescription]:
    algorithm = AlgorithmIdentificationSequence(
        name=f"{product.NAME} {product.model_id(record)}"[:64],
        family=codes.cid7162.ArtificialIntelligence,
        version=product.software(),
        source=product.MANUFACTURER,
    )
    descriptions = []
    for number, part in enumerate(parts, 1):
        described = SegmentDescription(
            segment_number=number,
            segment_label=part.name,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=TYPES[part.key],
            algorithm_type="SEMIAUTOMATIC" if product.is_mask_corrected(record) else "AUTOMATIC",
            algorithm_identification=algorithm,
            tracking_uid=product.uid(record, "segment", part.key),
            tracking_id=part.name,
            anatomic_regions=[codes.SCT.Brain],
            display_color=CIELabColor.from_string(COLOURS[part.key]),
        )
        described.SegmentDescription = DISCLAIMER
        descriptions.append(described)
    return descriptions
