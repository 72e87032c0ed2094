"""One rule of the verifier at a time, each with a sentence that passes and its neighbours that do not."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from client.reading_room.writer.facts import Facts
from client.reading_room.writer.verifier import Problem, verify
from client.reading_room.writer.verifier.mandatory import mandatory_facts
from server.lab.study.writer.cases import case_facts
from server.lab.study.writer.catalogue import read_cases

LIES = Path(__file__).parents[1] / "lies"
CASES = {name: case_facts(plain) for name, plain in read_cases(LIES).items()}


def say(case: str, text: str, facts: str, audience: str = "clinician") -> list[str]:
    """Kinds of problems of one sentence in a reply that is otherwise without fault."""
    section = "findings" if audience == "clinician" else "found"
    told = [*whole(CASES[case], audience), {"section": section, "text": text, "facts": facts.split()}]
    return [problem.kind for problem in verify({"sentences": told}, CASES[case], audience)]


def whole(facts: Facts, audience: str, without: str = "") -> list[dict[str, object]]:
    """Every mandatory fact in its own words."""
    section = "notice"
    return [
        {"section": section, "text": f"{{{{{fact.id}}}}}", "facts": [fact.id]}
        for fact in mandatory_facts(facts, audience)
        if fact.id != without
    ]


def kinds(problems: Sequence[Problem]) -> set[str]:
    return {problem.kind for problem in problems}


def test_a_reply_of_the_mandatory_facts_alone_passes_for_every_case_and_reader() -> None:
    for facts in CASES.values():
        for audience in ("clinician", "patient"):
            assert verify({"sentences": whole(facts, audience)}, facts, audience) == ()


@pytest.mark.parametrize(
    ("case", "fact", "audience"),
    [
        ("ring", "statement.research", "clinician"),
        ("ring", "statement.suggestion", "clinician"),
        ("no_contrast", "missing.t1c", "clinician"),
        ("no_contrast", "not_assessable.et", "clinician"),
        ("no_contrast", "flag.uncalibrated", "clinician"),
        ("doubtful", "verdict", "clinician"),
        ("doubtful", "verdict", "patient"),
        ("nothing", "tumour", "patient"),
        ("ring", "statement.plain_tissue", "patient"),
    ],
)
def test_what_must_be_said_is_missed(case: str, fact: str, audience: str) -> None:
    facts = CASES[case]
    problems = verify({"sentences": whole(facts, audience, without=fact)}, facts, audience)
    assert [(problem.kind, problem.words) for problem in problems] == [("mandatory", fact)]


@pytest.mark.parametrize(
    ("case", "text", "facts"),
    [
        ("ring", "The tumour lies on the right side.", "side.wt"),
        ("crossing", "The tumour lies on both sides and crosses the midline.", "side.wt crossing.wt"),
        ("quiet", "No enhancing tumour was outlined.", "region.et"),
        ("no_contrast", "Enhancement cannot be assessed because T1c is missing.", "not_assessable.et missing.t1c"),
        ("ring", "The core measures {{volume.tc}} and the whole tumour {{volume.wt}}.", "volume.tc volume.wt"),
        ("ring", "Imaging suggests {{type.1}} ({{type.1.probability}}).", "type.1 type.1.probability"),
        ("quiet", "{{type.2}} is less probable than {{type.1}}.", "type.1 type.2"),
        ("tissue", "On tissue, IDH is mutant and 1p/19q is codeleted.", "pathology.idh pathology.codel"),
        ("ring", "IDH is probably wildtype.", "task.idh"),
        ("doubtful", "A check failed, and the skull is in the T1 image.", "verdict check.skull.t1"),
        ("crossing", "Without FLAIR the same type comes first.", "without.flair"),
        ("ring", "Metastasis, lymphoma and abscess are not excluded.", "statement.only_gliomas"),
    ],
)
def test_what_the_facts_say_passes(case: str, text: str, facts: str) -> None:
    assert say(case, text, facts) == []


@pytest.mark.parametrize(
    ("kind", "case", "text", "facts"),
    [
        ("side", "ring", "The tumour lies on the left side.", "side.wt"),
        ("side", "ring", "The tumour lies on the right side.", "volume.wt"),
        ("negation", "quiet", "The tumour crosses the midline.", "crossing.wt"),
        ("negation", "ring", "No enhancing tumour was outlined.", "region.et"),
        ("region", "quiet", "Enhancing tumour was outlined.", "region.et"),
        ("negation", "no_contrast", "The tumour does not enhance.", "missing.t1c"),
        ("placeholder", "ring", "The core measures {{volume.wt}}.", "volume.wt volume.tc"),
        ("placeholder", "ring", "The volume is {{type.1.probability}}.", "type.1.probability"),
        ("placeholder", "ring", "The volume is {{volume.all}}.", "volume.wt"),
        ("placeholder", "ring", "The core measures {{volume.tc}}.", "volume.wt"),
        ("number", "ring", "The volume is 83 mL.", "volume.wt"),
        ("number", "ring", "A third of the tumour enhances.", "volume.et"),
        ("character", "ring", "The tumour lies on the l\u0435ft side.", "side.wt"),
        ("character", "ring", "The volume is <b>{{volume.wt}}</b>.", "volume.wt"),
        ("established", "ring", "The tumour is {{type.1}}.", "type.1"),
        ("established", "ring", "Imaging shows {{type.1}}.", "type.1"),
        ("diagnosis", "ring", "Imaging suggests glioblastoma.", "type.1"),
        ("rank", "ring", "Imaging suggests {{type.2}}.", "type.2"),
        ("rank", "quiet", "{{type.1}} is less probable than {{type.2}}.", "type.1 type.2"),
        ("marker", "ring", "Imaging suggests that IDH is mutant.", "task.idh"),
        ("negation", "tissue", "On tissue, IDH is not mutant.", "pathology.idh"),
        ("sequence", "no_contrast", "T1c was used.", "missing.t1c"),
        ("sequence", "crossing", "Without FLAIR another type comes first.", "without.flair"),
        ("verdict", "doubtful", "All checks were passed.", "verdict"),
        ("calibration", "no_contrast", "The probabilities are calibrated.", "flag.uncalibrated"),
        ("certainty", "ring", "Imaging confirms the type.", "flag.imaging_suggested"),
        ("grade", "ring", "Imaging suggests the grade.", "type.1"),
        ("treatment", "ring", "The patient needs surgery.", "type.1"),
        ("prognosis", "ring", "The outlook is poor.", "type.1"),
        ("reassurance", "ring", "The tumour is benign.", "type.1"),
        ("comparison", "ring", "The tumour has grown.", "volume.wt"),
        ("region", "ring", "The tumour lies in the right temporal lobe.", "side.wt"),
        ("diagnosis", "doubtful", "It is not a metastasis.", "statement.only_gliomas"),
        ("support", "ring", "The images were read.", "volume.wt"),
        ("fact", "ring", "The tumour lies on the right side.", "side.wt nothing.of_the_kind"),
        ("negation", "ring", "It is not so that the tumour lies on the right side.", "side.wt"),
        ("placeholder", "ring", "The images suggest {{side.wt}}.", "side.wt"),
        ("number", "ring", "The whole tumour is enhancing.", "region.et"),
    ],
)
def test_what_the_facts_do_not_say_is_refused_by_its_name(kind: str, case: str, text: str, facts: str) -> None:
    assert kind in say(case, text, facts)


def test_a_patient_is_told_nothing_that_only_a_clinician_may_read() -> None:
    assert "fact" in say("ring", "A computer helped: {{type.1.probability}}.", "type.1.probability", "patient")
    assert say("ring", "The marked area lies on the right side of your head.", "side.wt", "patient") == []


@pytest.mark.parametrize("language", ["de", "zh"])
def test_a_text_in_another_language_is_left_to_the_template(language: str) -> None:
    facts = case_facts(read_cases(LIES)["ring"], language)
    problems = verify({"sentences": whole(facts, "clinician")}, facts, "clinician")
    assert kinds(problems) == {"language"}


def test_a_problem_names_its_sentence_and_few_words() -> None:
    facts = CASES["ring"]
    text = "The tumour lies on the left side " + "x" * 400
    told = [*whole(facts, "clinician"), {"section": "findings", "text": text, "facts": ["side.wt"]}]
    problems = verify({"sentences": told}, facts, "clinician")
    assert {problem.sentence for problem in problems} == {len(told) - 1}
    assert all(len(problem.words) <= 60 for problem in problems)
    assert str(problems[0]).startswith(f"{problems[0].kind} in sentence {len(told)}: ")
