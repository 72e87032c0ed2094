"""A diagnosis and a ranking in words, from the catalogue alone: the layered report that WHO CNS5 asks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gmmas_core.diagnosis.findings import Finding
from gmmas_core.diagnosis.ids import Basis
from gmmas_core.diagnosis.integrate import Diagnosis
from gmmas_core.diagnosis.markers import Alteration, Marker
from gmmas_core.diagnosis.texts import text
from gmmas_core.types import DISCLAIMER


@dataclass(frozen=True, kw_only=True, slots=True)
class LayeredReport:
    """The four layers, what led to them, what to know beside them and what would settle open questions."""

    integrated: str
    histology: str
    grade: str
    molecular: tuple[str, ...]
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
    tests: tuple[str, ...]
    disclaimer: str = DISCLAIMER


def layered_report(diagnosis: Diagnosis, language: str = "en") -> LayeredReport:
    """The diagnosis in words.

    Raises:
        ConfigError: a language that does not exist.
    """
    return LayeredReport(
        integrated=title(diagnosis, language),
        histology=value_text(Marker.HISTOLOGY, diagnosis.histology, language),
        grade=grade_text(diagnosis.grades, language),
        molecular=tuple(finding_text(marker, finding, language) for marker, finding in diagnosis.molecular),
        reasons=_texts(diagnosis.reasons, language),
        flags=_texts(diagnosis.flags, language),
        tests=_texts(diagnosis.tests, language),
    )


def title(diagnosis: Diagnosis, language: str = "en") -> str:
    """The first layer, e.g. "Imaging-suggested: Diffuse glioma, IDH-mutant, NOS"."""
    name = text(diagnosis.entity, language)
    if diagnosis.qualifier is not None:
        name = text("frame.qualified", language).format(name=name, qualifier=text(diagnosis.qualifier, language))
    return text("frame.imaging", language).format(name=name) if diagnosis.basis is Basis.IMAGING else name


def grade_text(grades: tuple[int, ...], language: str = "en") -> str:
    """The third layer: a grade, a range that says so, or that none is stated."""
    if not grades:
        return text("frame.no_grade", language)
    if len(grades) == 1:
        return text("frame.grade", language).format(grade=grades[0])
    first = ", ".join(map(str, grades[:-1]))
    both = text("frame.or", language).format(first=first, last=grades[-1])
    return text("frame.grade_range", language).format(grades=both)


def finding_text(marker: Marker, finding: Finding[Any], language: str = "en") -> str:
    """One marker with its result, e.g. "IDH: mutant (suggested by imaging, probability 93 %)"."""
    words = value_text(marker, finding, language)
    return text("frame.finding", language).format(marker=text(f"marker.{marker}", language), value=words)


def value_text(marker: Marker, finding: Finding[Any], language: str = "en") -> str:
    """A result, or that there is none; one that an image suggests says so."""
    if not finding.known:
        return text(f"state.{finding.state}", language)
    value = finding.value
    if marker in (Marker.AGE, Marker.GRADE):
        return f"{value:g}"
    kind = "alteration" if isinstance(value, Alteration) else marker.value
    words = text(f"value.{kind}.{value}", language)
    if not finding.imaged:
        return words
    if finding.probability is None:
        return text("frame.from_imaging", language).format(value=words)
    given_mutant = marker is Marker.CODEL
    frame = "frame.from_imaging_given_mutant" if given_mutant else "frame.from_imaging_probability"
    return text(frame, language).format(value=words, percent=_percent(finding.probability))


def _percent(probability: float) -> str:
    """Whole percent; nothing but certainty itself reads as 100."""
    return ">99" if 0.995 <= probability < 1.0 else f"{100 * probability:.0f}"


def _texts(ids: Iterable[str], language: str) -> tuple[str, ...]:
    return tuple(text(text_id, language) for text_id in ids)
