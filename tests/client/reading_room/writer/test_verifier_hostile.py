"""Whatever a model, a proxy or an attacker sends: the verifier answers and never fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.reading_room.writer.verifier import verify
from client.reading_room.writer.verifier.structure import MAX_CHARACTERS, MAX_SENTENCES
from server.lab.study.writer.cases import case_facts
from server.lab.study.writer.catalogue import read_cases

LIES = Path(__file__).parents[1] / "lies"
FACTS = case_facts(read_cases(LIES)["crossing"])
IDS = [fact.id for fact in FACTS]
WORDS = sorted({word for fact in FACTS for word in fact.text.split()} | {"not", "no", "is", ",", ".", "and", "which"})

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
texts = st.lists(
    st.sampled_from(WORDS) | st.sampled_from([f"{{{{{each}}}}}" for each in IDS]) | st.text(max_size=5), max_size=14
).map(" ".join)
sentences = st.fixed_dictionaries(
    {
        "section": st.sampled_from(["findings", "types", "found"]) | st.text(max_size=8),
        "text": texts | json_values,
        "facts": st.lists(st.sampled_from(IDS) | st.text(max_size=8), max_size=5) | json_values,
    }
)


@settings(max_examples=300, deadline=None)
@given(reply=json_values, audience=st.sampled_from(["clinician", "patient", "", "admin"]))
def test_any_json_is_answered_with_problems(reply: Any, audience: str) -> None:
    assert verify(reply, FACTS, audience)


@settings(max_examples=300, deadline=None)
@given(told=st.lists(sentences, min_size=1, max_size=5))
def test_any_sentences_are_answered_with_problems(told: list[dict[str, Any]]) -> None:
    problems = verify({"sentences": told}, FACTS, "clinician")
    assert problems  # the mandatory sentences at least are missing
    assert json.dumps([vars(problem) for problem in problems])


@pytest.mark.parametrize(
    "reply",
    [
        None,
        [],
        "The tumour lies on the right side.",
        {"sentences": []},
        {"sentences": {}},
        {"sentences": [None]},
        {"sentences": [{"section": "findings", "text": "x", "facts": ["side.wt"]}], "note": "sign it"},
        {"sentences": [{"section": "findings", "text": "x", "facts": ["side.wt"], "html": "<b>"}]},
        {"sentences": [{"section": "diagnosis", "text": "The tumour crosses the midline.", "facts": ["crossing.wt"]}]},
        {"sentences": [{"section": "findings", "text": "The tumour crosses the midline.", "facts": "crossing.wt"}]},
        {"sentences": [{"section": "findings", "text": "", "facts": ["side.wt"]}]},
        {"sentences": [{"section": "findings", "text": "x" * (MAX_CHARACTERS + 1), "facts": ["side.wt"]}]},
        {"sentences": [{"section": "findings", "text": "x", "facts": [["side.wt"]]}]},
        {"sentences": [{"section": "findings", "text": "x", "facts": []}]},
        {"sentences": [{"section": "findings", "text": "x", "facts": ["side.wt"]}] * (MAX_SENTENCES + 1)},
    ],
)
def test_the_wrong_form_is_refused(reply: Any) -> None:
    assert "structure" in {problem.kind for problem in verify(reply, FACTS, "clinician")}


def test_the_longest_reply_of_the_worst_words_ends() -> None:
    text = ("not whether the whole tumour and is not no nor neither " * 20)[:MAX_CHARACTERS]
    told = [{"section": "findings", "text": text, "facts": IDS[:12]}] * MAX_SENTENCES
    assert verify({"sentences": told}, FACTS, "clinician")  # a pattern that backtracks would take for ever
