"""What the verifier lets through, held to fixed rates; `gmmas-lab study writer` prints the tables.

The first scores, before anything was changed, are the ones that say how it does with what it has not seen.
Frozen half: 256 of 258 lies caught (missed: "Half of the tumour enhances.", "A third of the core is necrotic."); 15 of
106 true sentences refused. One more lie was none with the facts as they became, and three were counted as missed until
the harness knew the present names of the facts that they leave out (253 of 259 then).
Later half: 203 of 215 caught, 15 of 69 true sentences refused; of a third set, 17 of 18 caught and 16 of 55 refused;
false sentences put together from allowed words by somebody who knew the rules: 42 of 73 caught, then 30 of 47.
The later half was used to improve it, so the present rates flatter.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from client.reading_room.writer.facts import Facts, facts_of
from client.reading_room.writer.narrative import Narrative, Sentence
from client.reading_room.writer.template import template_narrative
from client.reading_room.writer.verifier import verify
from server.lab.cli import app
from server.lab.study.writer.cases import case_facts
from server.lab.study.writer.catalogue import is_sayable, read_cases, read_told
from server.lab.study.writer.score import Rate, score_lies, score_mutants, score_truths

LIES = Path(__file__).parents[1] / "lies"
FACTS = {name: case_facts(plain) for name, plain in read_cases(LIES).items()}
LEAST_OF_A_KIND = 0.8
"""Kinds have between 5 and 30 lies, so this allows one miss of the smallest."""


def lies_of(half: str) -> dict[str, Rate]:
    return score_lies(read_told(LIES, half), FACTS)


@pytest.mark.parametrize(("half", "fewest", "least"), [("frozen", 250, 0.97), ("later", 330, 0.98)])
def test_lies_are_caught(half: str, fewest: int, least: float) -> None:
    caught = lies_of(half)
    assert caught["all"].total >= fewest
    assert caught["all"].share >= least, caught["all"].missed
    assert {kind: rate.missed for kind, rate in caught.items() if rate.share < LEAST_OF_A_KIND} == {}


@pytest.mark.parametrize(("name", "fewest", "most"), [("true", 95, 0.15), ("true_later", 110, 0.05)])
def test_true_sentences_pass(name: str, fewest: int, most: float) -> None:
    told = [each for each in read_told(LIES, name) if is_sayable(each, FACTS[each.case])]
    refused = score_truths(told, FACTS)
    assert refused.total >= fewest
    assert refused.share <= most, refused.missed


@pytest.mark.slow
def test_true_sentences_made_false_by_machine_are_caught() -> None:
    told = [each for name in ("true", "true_later") for each in read_told(LIES, name)]
    mutants = score_mutants([each for each in told if is_sayable(each, FACTS[each.case])], FACTS)
    assert mutants.total >= 2500
    assert mutants.share >= 0.99, mutants.missed


def as_a_model_would(sentence: Sentence, facts: Facts) -> dict[str, Any]:
    """A sentence of the template before its numbers and quotations were filled in."""
    text = sentence.text
    cited = [facts[fact_id] for fact_id in sentence.facts]
    for fact in sorted(cited, key=lambda each: -len(each.filling)):
        holds_name = fact.kind.startswith("sequence")  # "T1c" is what it is, with or without a placeholder
        words = fact.value_text or fact.text.rstrip(".")
        at = text.lower().find(words.lower())
        if words and at >= 0 and not holds_name:
            text = f"{text[:at]}{{{{{fact.id}}}}}{text[at + len(words) :]}"
    return {"section": sentence.section, "text": text, "facts": list(sentence.facts)}


def refused_of(narratives: Iterable[tuple[Narrative, Facts]]) -> tuple[int, int, list[str]]:
    """Reports, sentences, and what was refused of them."""
    reports, sentences, refused = 0, 0, []
    for narrative, facts in narratives:
        told = [as_a_model_would(sentence, facts) for sentence in narrative.sentences]
        assert not any(re.search(r"\d", re.sub(r"\{\{.*?\}\}|1p/19q|T1c?|T2|IDH1", "", each["text"])) for each in told)
        problems = verify({"sentences": told}, facts, narrative.audience)
        reports, sentences = reports + 1, sentences + len(told)
        refused += [f"{problem}: {told[problem.sentence]['text']}" for problem in problems]
    return reports, sentences, refused


@pytest.mark.slow
def test_every_sentence_of_the_template_passes(cases: tuple[Any, ...]) -> None:
    """Of 480 generated reports; the corpus is the writer's."""
    gathered = [facts_of(case, "en") for case in cases]
    reports, sentences, refused = refused_of(
        (template_narrative(facts, audience), facts) for facts in gathered for audience in ("clinician", "patient")
    )
    assert refused == []
    assert reports >= 400
    assert sentences >= 10_000


def test_the_templates_of_the_catalogues_cases_pass() -> None:
    reports, _, refused = refused_of(
        (template_narrative(facts, audience), facts)
        for facts in FACTS.values()
        for audience in ("clinician", "patient")
    )
    assert refused == []
    assert reports == 2 * len(FACTS)


@pytest.mark.slow
def test_the_score_is_printed_by_a_command() -> None:
    done = CliRunner().invoke(app, ["study", "writer", "--lies", str(LIES), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["caught"]["frozen"]["all"]["total"] >= 250
    assert "Research use only" in told["disclaimer"]


def test_a_folder_without_a_catalogue_is_a_plain_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["study", "writer", "--lies", str(tmp_path)])
    assert done.exit_code != 0
    assert "expected a file of the catalogue" in str(done.exception or done.output)
