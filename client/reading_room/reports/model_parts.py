"""What made the report: Model Facts, and the hashes of everything that went into it."""

from collections.abc import Mapping
from typing import Any

from client.reading_room.record import Record
from client.reading_room.reports.content import Column, Section, Table
from client.reading_room.reports.suggestion_parts import written_by
from client.reading_room.reports.wording import DASH, Words
from client.reading_room.writer.narrative import Narrative


def model_section(record: Record, training: Mapping[str, Any] | None, words: Words) -> Section:
    """Model Facts in one table (after Sendak 2020, npj Digit Med 3:41): what it is, how it was made, its limits.

    Args:
        record: the study.
        training: of the model folder's provenance, where that model made the revision.
        words: of the report's language.
    """
    document = record.document
    calibrated = [words(f"task.{task}") for task in document["calibrated"]]
    rows = (
        (words("model.id"), record.revision.model_id),
        (words("model.task"), words("model.task_text")),
        (words("model.input"), words("model.input_text")),
        (words("model.training"), _training(training, words)),
        (words("model.calibrated"), words.listed(calibrated) if calibrated else words("none")),
        (words("model.reading"), _reading(document["reading"], words)),
        (words("model.warnings"), " ".join(document["model"]["warnings"]) or words("none")),
        (words("model.limits"), words("model.limits_text")),
        (words("model.status"), words("model.status_text")),
    )
    columns = (Column(weight=2), Column(weight=6))
    table = Table(caption=words("model.caption"), columns=columns, rows=rows)
    return Section(id="model", title=words("section.model"), blocks=(table,))


def _training(training: Mapping[str, Any] | None, words: Words) -> str:
    cases = None if training is None else training.get("training_cases")
    if training is None or not cases:
        return words("model.training_other")
    told = {"cases": sum(cases.values()), "sites": len(cases), "rounds": training.get("rounds_played", DASH)}
    return words("model.training_text", **told)


def _reading(reading: Mapping[str, Any], words: Words) -> str:
    return words(
        "model.reading_text",
        passes=reading["mc_passes"],
        inference=words.named("inference", reading["inference"]),
        overlap=words.number(reading["overlap"], 2),
        spacing=f"{words.number(reading['spacing_mm'], 1)} mm",
    )


def provenance_section(record: Record, narrative: Narrative, words: Words) -> Section:
    """Hashes of findings, outline, images and model; no path and no name of a file."""
    document = record.document
    images = {image.sequence: image.sha256 for image in record.study.images if image.sequence is not None}
    uncertainty = document["uncertainty_map"]
    told = words("provenance.report_text", language=words.language, written_by=written_by(narrative, words))
    rows = (
        (words("provenance.study"), record.study.id),
        (words("provenance.findings"), record.revision.sha256),
        (words("provenance.outline"), document["segmentation"]["sha256"]),
        (words("provenance.uncertainty"), DASH if uncertainty is None else uncertainty["sha256"]),
        *(
            (words("provenance.image", sequence=words.sequences([name])), sha256)
            for name, sha256 in sorted(images.items())
        ),
        (words("provenance.config"), document["model"]["config_hash"]),
        (words("provenance.read"), words.moment(document["created_at"])),
        (words("provenance.report"), told),
    )
    columns = (Column(weight=2.2), Column(weight=6))
    table = Table(caption=words("provenance.caption"), columns=columns, rows=rows)
    return Section(id="provenance", title=words("section.provenance"), blocks=(table,))
