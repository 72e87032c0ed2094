"""The measurement groups of a structured report: one per outlined segment and region, per type, and what is missing.

Errors and intervals have concept names of their own: a reader that does not know them shows them under what they are
and never as a second volume.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from highdicom.seg import Segmentation
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    FindingSite,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegment,
    RelationshipTypeValues,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from highdicom.sr.templates import Template as Group
from pydicom.sr.codedict import codes

from client.exporting.outlines import outlines
from client.reading_room.exports import product
from client.reading_room.exports.rows import Row, diameters, rows_of, sides, volumes
from client.reading_room.exports.seg import TYPES
from client.reading_room.record import Record
from gmmas_core.reporting.wording import REGION_NAMES
from gmmas_core.types import DISCLAIMER

SCHEME = "99GMMAS"
LONGEST, LONGEST_CODE = 64, 16
"""Characters of a concept's meaning and of its code."""

_UNITS = {
    "mL": ("mL", "milliliter"),
    "mm": ("mm", "millimeter"),
    "mm2": ("mm2", "square millimeter"),
    "1": ("1", "no units"),
}
_PARTS = (("error", "grid error +/-"), ("low", "interval low"), ("high", "interval high"))


def groups(record: Record, made_seg: Segmentation) -> list[Group]:
    """All groups, in the order in which they are read."""
    rows = rows_of(record.document)
    parts, _ = outlines(record.document)
    outlined = {part.key: number for number, part in enumerate(parts, 1)}
    found = [_segment_group(record, key, number, made_seg) for key, number in outlined.items()]
    found += [_region_group(record, key) for key in REGION_NAMES if key not in outlined and _measured(record, key)]
    found += [_type_group(record, place, row) for place, row in enumerate(_given(rows, "type."), 1)]
    probabilities = list(_given(rows, "probability."))
    if probabilities:
        found.append(
            _group(record, "Imaging probabilities", measurements=_measurements(probabilities), told=probabilities)
        )
    missing = [row for row in rows if row.value is None]
    if missing:
        found.append(_missing_group(record, missing))
    return found


def comment(text: str) -> TextContentItem:
    """A text beside measurements; TID 1500 and the templates in it may be extended."""
    return TextContentItem(name=codes.DCM.Comment, value=text, relationship_type=RelationshipTypeValues.CONTAINS)


def concept(code: str, meaning: str) -> CodedConcept:
    """A concept of this software's own scheme; readers stumble over codes that are longer than a short string."""
    short = code if len(code) <= LONGEST_CODE else f"{code[:8]}-{hashlib.sha256(code.encode()).hexdigest()[:7]}"
    return CodedConcept(short, SCHEME, meaning[:LONGEST])


def _given(rows: Iterable[Row], prefix: str) -> Iterator[Row]:
    return (row for row in rows if row.id.startswith(prefix) and row.value is not None)


def _measured(record: Record, key: str) -> list[Row]:
    """Volume and diameters of one region."""
    volume = [row for row in volumes(record.document) if row.id == f"volume.{key}"]
    lengths = [row for row in diameters(record.document) if row.id.startswith(f"diameter.{key}.")]
    return [row for row in (*volume, *lengths) if row.value is not None]


def _segment_group(record: Record, key: str, number: int, made_seg: Segmentation) -> Group:
    rows = _measured(record, key)
    described = made_seg.get_segment_description(number)
    group = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=described.tracking_uid, identifier=described.tracking_id),
        referenced_segment=ReferencedSegment.from_segmentation(made_seg, segment_number=number),
        finding_category=codes.SCT.MorphologicallyAbnormalStructure,
        finding_type=TYPES[key],
        algorithm_id=_algorithm(record),
        finding_sites=[FindingSite(anatomic_location=codes.SCT.Brain)],
        measurements=_measurements(rows),
        qualitative_evaluations=_side(record, key),
    )
    return _with_comments(group, rows)


def _region_group(record: Record, key: str) -> Group:
    rows = _measured(record, key)
    evaluations = _side(record, key)
    return _group(record, REGION_NAMES[key], measurements=_measurements(rows), told=rows, evaluations=evaluations)


def _type_group(record: Record, place: int, row: Row) -> Group:
    kind = concept(row.id, row.name.removeprefix("imaging-suggested type: "))
    named = concept("suggested_type", "Imaging-suggested type, for research only")
    probability = Row(**{**row.__dict__, "name": "Probability of the type, by imaging"})
    return _group(
        record,
        f"Imaging-suggested type {place}",
        measurements=_measurements([probability]),
        told=[row],
        evaluations=[QualitativeEvaluation(name=named, value=kind)],
    )


def _missing_group(record: Record, missing: Sequence[Row]) -> Group:
    answer = concept("not_assessable", "Not assessable")
    evaluations = [QualitativeEvaluation(name=concept(row.id, row.name), value=answer) for row in missing]
    group = _group(record, "Not assessable", measurements=None, told=(), evaluations=evaluations)
    for row in missing:
        group[0].ContentSequence.append(comment(f"{row.name}: not assessable: {row.reason}"))
    return group


def _group(
    record: Record,
    name: str,
    *,
    measurements: list[Measurement] | None,
    told: Sequence[Row],
    evaluations: list[QualitativeEvaluation] | None = None,
) -> Group:
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=product.uid(record, "group", name), identifier=name),
        algorithm_id=_algorithm(record),
        finding_sites=[FindingSite(anatomic_location=codes.SCT.Brain)],
        measurements=measurements,
        qualitative_evaluations=evaluations,
    )
    return _with_comments(group, told)


def _with_comments(group: Group, rows: Sequence[Row]) -> Group:
    """What the intervals mean, and the disclaimer."""
    for row in rows:
        if row.meaning:
            group[0].ContentSequence.append(comment(f"{row.name}: {row.meaning}"))
    group[0].ContentSequence.append(comment(DISCLAIMER))
    return group


def _measurements(rows: Sequence[Row]) -> list[Measurement]:
    measurements = []
    for row in rows:
        unit = CodedConcept(_UNITS[row.unit][0], "UCUM", _UNITS[row.unit][1])
        name = codes.SCT.Volume if row.id.startswith("volume.") else concept(row.id, row.name)
        measurements.append(Measurement(name=name, value=row.value, unit=unit))
        for part, words in _PARTS:
            value = getattr(row, part)
            if value is not None:
                kind = concept(f"{row.id}.{part}", f"{words}: {row.name}")
                measurements.append(Measurement(name=kind, value=value, unit=unit))
    return measurements


def _side(record: Record, key: str) -> list[QualitativeEvaluation] | None:
    found = [row for row in sides(record.document) if row.id == f"side.{key}" and row.value is not None]
    return [
        QualitativeEvaluation(name=concept(row.id, row.name), value=concept(f"side_{row.value}", str(row.value)))
        for row in found
    ] or None


def _algorithm(record: Record) -> AlgorithmIdentification:
    return AlgorithmIdentification(
        name=f"{product.NAME} {product.model_id(record)}"[:64],
        version=product.software(),
        family=codes.cid7162.ArtificialIntelligence,
    )
