"""Which exports are possible for a study, and why the others are not: one table for the page and for the API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from client.exporting.outlines import outlines
from client.reading_room.exports.bids import bids_file
from client.reading_room.exports.fhir import fhir_file
from client.reading_room.exports.seg import seg_file
from client.reading_room.exports.sr import sr_file
from client.reading_room.exports.table import csv_file, json_file
from client.reading_room.record import Record
from client.reading_room.store.decisions import REJECTED
from gmmas_core.types import DataError


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of export.

    Attributes:
        name: last part of its address.
        title: in words.
        media_type: of the file.
        make: the file of a record.
        refusal: why a record has none; "" where it has one.
    """

    name: str
    title: str
    media_type: str
    make: Callable[[Record], bytes]
    refusal: Callable[[Record], str]


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A kind of export of one record; `refusal` is "" where it is possible."""

    name: str
    title: str
    refusal: str


def _any(record: Record) -> str:
    if record.document["preliminary"]:
        return "found a first look of a reading that still runs; expected the whole reading; try again when it is done"
    return ""


def _clinical(record: Record) -> str:
    """Into systems where a reading may be met without its history."""
    if refusal := _any(record):
        return refusal
    if record.decision is not None and record.decision.kind == REJECTED:
        return "found the reading rejected; expected one that was not; read the study again, or take BIDS, CSV or JSON"
    return ""


def _dicom(record: Record) -> str:
    if refusal := _clinical(record):
        return refusal
    if record.study.source != "dicom":
        return "found an upload of NIfTI files; expected DICOM, to whose frames it refers; take BIDS"
    if "segmentation" in record.document["abstained"]:
        return "found no tumour; expected one; there is nothing to outline"
    if not outlines(record.document)[0]:
        return "found no part of the tumour that can be assessed; expected one; upload the missing sequences"
    return ""


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(name="seg.dcm", title="DICOM segmentation", media_type="application/dicom", make=seg_file, refusal=_dicom),
        Kind(name="sr.dcm", title="DICOM report (SR)", media_type="application/dicom", make=sr_file, refusal=_dicom),
        Kind(
            name="fhir.json",
            title="FHIR bundle",
            media_type="application/fhir+json",
            make=fhir_file,
            refusal=_clinical,
        ),
        Kind(name="bids.zip", title="BIDS derivatives", media_type="application/zip", make=bids_file, refusal=_any),
        Kind(name="csv", title="Table (CSV)", media_type="text/csv; charset=utf-8", make=csv_file, refusal=_any),
        Kind(name="json", title="Findings (JSON)", media_type="application/json", make=json_file, refusal=_any),
    )
}
"""Name -> kind, in the order in which a page shows them."""


def available(record: Record) -> tuple[Offer, ...]:
    """Every kind, with the reason of those that are not possible."""
    return tuple(Offer(name=kind.name, title=kind.title, refusal=kind.refusal(record)) for kind in KINDS.values())


def require_possible(record: Record, name: str) -> None:
    """Refuse a kind of export.

    Raises:
        DataError: it is not possible for this record, and why.
    """
    if refusal := KINDS[name].refusal(record):
        raise DataError(f"{KINDS[name].title}: {refusal}")


def file_name(record: Record, name: str) -> str:
    """A name for the file that says nothing of a person."""
    return f"RESEARCH_{record.study.id[:8]}_r{record.revision.number}{'_' if '.' in name else '.'}{name}"
