"""DICOM structured report (TID 1500) of a reading, on the segments of its DICOM SEG: always partial and unverified."""

from collections.abc import Sequence

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.seg import Segmentation
from highdicom.sr import (
    DeviceObserverIdentifyingAttributes,
    EnhancedSR,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from client.reading_room.exports import product
from client.reading_room.exports.headers import UNUSABLE, completed, file_of, fix_times
from client.reading_room.exports.rows import checks
from client.reading_room.exports.seg import placed_mask, segmentation
from client.reading_room.exports.sr_groups import SCHEME, comment, groups
from client.reading_room.record import Record
from gmmas_core.types import DISCLAIMER, DataError

SERIES_NUMBER = 9002


def sr_file(record: Record) -> bytes:
    """The report as a file's content; it refers to what `seg_file` gives for the same revision.

    Raises:
        DataError: as `seg_file`.
    """
    placed = placed_mask(record)
    headers = [completed(header) for header in placed.series.headers]
    return file_of(structured_report(record, segmentation(record, placed), headers))


def structured_report(record: Record, made_seg: Segmentation, sources: Sequence[Dataset]) -> EnhancedSR:
    """The report.

    Args:
        record: what was read.
        made_seg: its outline.
        sources: headers of the series that the outline lies on.

    Raises:
        DataError: the sources' headers are unusable.
    """
    made = product.made_at(record)
    content = MeasurementReport(
        observation_context=_observer(record),
        procedure_reported=codes.cid100.MRIUnspecifiedBodyRegion,
        imaging_measurements=groups(record, made_seg),
    )
    quality = checks(record.document)
    content[0].ContentSequence.append(comment(f"{quality.name}: {quality.value}. {quality.meaning}"))
    content[0].ContentSequence.append(comment(f"{product.RESEARCH}. {DISCLAIMER}"))
    try:
        report = EnhancedSR(
            evidence=[made_seg, *sources],
            content=content[0],
            series_instance_uid=product.uid(record, "sr series"),
            series_number=SERIES_NUMBER,
            sop_instance_uid=product.uid(record, "sr"),
            instance_number=record.revision.number,
            manufacturer=product.MANUFACTURER,
            manufacturer_model_name=product.model_id(record)[:64],
            software_versions=product.software(),
            is_complete=False,
            is_final=False,
            is_verified=False,
            series_description="RESEARCH glioma measurements; not for diagnosis",
            content_date=made.date(),
            content_time=made.time(),
            series_date=made.date(),
            series_time=made.time(),
            coding_schemes=[
                CodingSchemeIdentificationItem(
                    designator=SCHEME, name="GMMAS-Fed measures", responsible_organization=product.MANUFACTURER
                )
            ],
        )
    except UNUSABLE:
        raise DataError(
            "DICOM: found headers in the source series that break DICOM's rules; expected usable ones; "
            "take FHIR or CSV instead"
        ) from None
    fix_times(report)
    return report


def _observer(record: Record) -> ObservationContext:
    device = DeviceObserverIdentifyingAttributes(
        uid=product.uid(record, "device"),
        name=product.NAME,
        manufacturer_name=product.MANUFACTURER,
        model_name=product.model_id(record),
        serial_number=product.software(),
    )
    context = ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    return ObservationContext(observer_device_context=context)
