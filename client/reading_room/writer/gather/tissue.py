"""What tissue showed, the diagnosis that it and imaging give, its flags, and the tests that would settle the rest."""

from collections.abc import Iterator, Mapping

from client.reading_room.writer.fact import BOTH, CLINICIAN_ONLY, Fact, Kind
from client.reading_room.writer.words import word
from gmmas_core.diagnosis import Diagnosis, text, title
from gmmas_core.diagnosis.describe import grade_text
from gmmas_core.diagnosis.ids import Basis
from gmmas_core.diagnosis.markers import Alteration, Marker


def tissue_facts(
    results: Mapping[Marker, str], diagnosis: Diagnosis, has_tumour: bool, language: str
) -> Iterator[Fact]:
    """`pathology.idh`, `diagnosis.integrated`, `diagnosis.grade`, `reason.mutant_only`, `flag.x` and `test.x`.

    Where nothing was outlined, imaging suggests nothing: the diagnosis is stated only where tissue gives it.
    """
    for marker, value in results.items():
        if marker is not Marker.AGE:  # an age says more about the person than the text needs
            yield _result(marker, value, language)
    if not has_tumour and diagnosis.basis is not Basis.TISSUE:
        yield from _tests(("test.tissue",), language)
        return
    yield _diagnosis(diagnosis, language)
    grades = tuple(str(grade) for grade in diagnosis.grades)
    told = BOTH if grades and diagnosis.basis is Basis.TISSUE else CLINICIAN_ONLY
    words = grade_text(diagnosis.grades, language)
    yield Fact(id="diagnosis.grade", kind=Kind.GRADE, value={"grades": grades}, text=words, audiences=told)
    for reason in diagnosis.reasons:
        yield Fact(id=reason.value, kind=Kind.REASON, value={"reason": reason.value}, text=text(reason, language))
    for flag in diagnosis.flags:
        yield Fact(id=flag.value, kind=Kind.FLAG, value={"flag": flag.value}, text=text(flag, language))
    yield from _tests(diagnosis.tests, language)


def _diagnosis(diagnosis: Diagnosis, language: str) -> Fact:
    is_tissue = diagnosis.basis is Basis.TISSUE
    about = {
        "entity": diagnosis.entity.value,
        "qualifier": None if diagnosis.qualifier is None else diagnosis.qualifier.value,
        "basis": diagnosis.basis.value,
    }
    is_nothing = diagnosis.basis is Basis.NOTHING
    words = word("no_diagnosis", language) if is_nothing else title(diagnosis, language)
    return Fact(
        id="diagnosis.integrated",
        kind=Kind.DIAGNOSIS,
        value=about,
        text=words,
        audiences=BOTH if is_tissue else CLINICIAN_ONLY,
    )


def _result(marker: Marker, value: str, language: str) -> Fact:
    kind = "alteration" if value in tuple(Alteration) else marker.value
    shown = value if marker is Marker.GRADE else text(f"value.{kind}.{value}", language)
    return Fact(
        id=f"pathology.{marker.value}",
        kind=Kind.PATHOLOGY,
        value={"marker": marker.value, "value": value},
        text=word("pathology", language, marker=text(f"marker.{marker}", language), value=shown),
    )


def _tests(tests: tuple[str, ...], language: str) -> Iterator[Fact]:
    for test in tests:
        yield Fact(id=str(test), kind=Kind.TEST, value={"test": str(test)}, text=text(test, language))
