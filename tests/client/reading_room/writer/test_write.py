"""A real model server that misbehaves in every way its script knows: nothing of it reaches a reader."""

import json
import logging
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from client.reading_room.writer.attempts import KEPT_OUTPUT, KEPT_PROMPT, Attempt
from client.reading_room.writer.fact import CLINICIAN, PATIENT
from client.reading_room.writer.facts import facts_of
from client.reading_room.writer.narrative import TEMPLATE
from client.reading_room.writer.reply import BadReply, read_reply, too_long
from client.reading_room.writer.template import template_narrative
from client.reading_room.writer.write import write_narrative

SCRIPT = runpy.run_path(str(Path(__file__).parents[1] / "scripted_server.py"))
IN_FORM = ("honest", "fenced", "second_try", "refuses_schema", "refuses_format")
FAILURES = {
    "refuses_all": "status 422",
    "no_model": "status 404",
    "unauthorised": "status 401",
    "broken": "status 502",
    "redirects": "a redirect",
    "html": "another type of content",
    "squeezed": "another type of content",
    "garbage": "no choice",
    "no_choice": "no choice",
    "null": "no text",
    "blank": "no text",
    "bare_surrogate": "no text",
    "cut_off": "cut off",
    "huge": "more than 262144 bytes",
    "thousand_sentences": "more than 262144 bytes",
    "endless": "more than 262144 bytes",
    "hangs_up": "RemoteProtocolError",
    "no_http": "RemoteProtocolError",
    "silent": "no whole answer within",
    "drips": "no whole answer within",
    "endless_headers": "no whole answer within",
}
"""Ways in which no answer comes, and what is said of each."""

SLOW = ("silent", "drips", "endless_headers")
CONTENT = [
    name for name in (*SCRIPT["LIES"], *SCRIPT["CONTENTS"], *SCRIPT["TEXTS"]) if name not in (*FAILURES, *IN_FORM)
]


def write(case: Any, settings: Any, audience: str = CLINICIAN) -> tuple[Any, list[Attempt]]:
    attempts: list[Attempt] = []
    return write_narrative(case, audience, "en", settings, attempts.append), attempts


def test_the_script_has_no_way_that_is_not_tried_here() -> None:
    ways = {name.removeprefix("mode_") for name in vars(SCRIPT["Model"]) if name.startswith("mode_")}
    assert ways <= {*FAILURES, *IN_FORM}
    assert len(CONTENT) + len(FAILURES) >= 30


@pytest.mark.parametrize("mode", CONTENT)
def test_a_text_that_says_anything_else_ends_in_the_template(scripted: Any, endpoint_case: Any, mode: str) -> None:
    narrative, attempts = write(endpoint_case, scripted.settings(mode))
    facts = facts_of(endpoint_case, "en")
    assert narrative.sentences == template_narrative(facts, CLINICIAN).sentences
    assert narrative.written_by == TEMPLATE
    assert "refused twice" in narrative.reason
    assert [attempt.number for attempt in attempts] == [1, 2]
    assert all(attempt.verdict for attempt in attempts), "the audit says why"
    assert "This was refused" in attempts[1].prompt, "the second try is told the problems"


@pytest.mark.parametrize("mode", FAILURES)
def test_a_server_that_fails_ends_in_the_template(scripted: Any, endpoint_case: Any, mode: str) -> None:
    values = {"timeout_s": 1.0} if mode in SLOW else {}
    narrative, attempts = write(endpoint_case, scripted.settings(mode, **values))
    assert narrative.written_by == TEMPLATE
    assert FAILURES[mode] in narrative.reason
    assert [attempt.verdict for attempt in attempts] == [(narrative.reason,)], "no second try, and the audit says why"


@pytest.mark.parametrize("audience", [CLINICIAN, PATIENT])
@pytest.mark.parametrize("mode", IN_FORM)
def test_an_honest_text_is_shown_with_its_numbers(scripted: Any, endpoint_case: Any, mode: str, audience: str) -> None:
    narrative, attempts = write(endpoint_case, scripted.settings(mode), audience)
    if mode == "second_try" and audience == PATIENT:  # the server counts its tries, and this is its third
        assert len(attempts) == 1
    assert narrative.written_by == f"m:7b via 127.0.0.1:{scripted.port}", attempts
    facts = facts_of(endpoint_case, "en")
    volume = next(each for each in narrative.sentences if "volume.wt" in each.facts)
    assert volume.text == f"The volume of the whole tumour is {facts['volume.wt'].value_text}."
    told = {fact_id for sentence in narrative.sentences for fact_id in sentence.facts}
    assert set(facts.mandatory(audience)) <= told
    assert attempts[-1].verdict == ()
    assert all(sentence.text[0].isupper() and sentence.text.endswith(".") for sentence in narrative.sentences)


def test_a_redirect_is_not_followed(scripted: Any, endpoint_case: Any) -> None:
    before = len(scripted.received("honest"))
    write(endpoint_case, scripted.settings("redirects"))
    assert len(scripted.received("honest")) == before


def test_nothing_but_rules_and_facts_is_sent(scripted: Any, endpoint_case: Any) -> None:
    write(endpoint_case, scripted.settings("honest", seed=7), CLINICIAN)
    sent = scripted.received("honest")[-1]
    body = sent["body"]
    assert (body["temperature"], body["seed"], body["stream"], body["model"]) == (0, 7, False, "m:7b")
    assert body["response_format"]["type"] == "json_schema"
    assert "Authorization" not in sent["headers"]
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    content = body["messages"][1]["content"]
    assert not re.search(r"secret|a1b2|\.nii|20\d\d|/\w+/", content)
    asked = json.loads(content)
    assert set(asked) == {"sections", "must", "facts"}
    assert all(not isinstance(value, int | float) or value in (True, False) for value in _leaves(asked))


def test_a_patient_text_is_asked_for_with_a_patients_facts_alone(scripted: Any, endpoint_case: Any) -> None:
    write(endpoint_case, scripted.settings("honest"), PATIENT)
    asked = json.loads(scripted.received("honest")[-1]["body"]["messages"][1]["content"])
    kinds = {fact["kind"] for fact in asked["facts"]}
    assert "volume" in kinds
    assert not kinds & {"type", "type_probability", "task", "flag", "check", "test"}


def test_formats_are_tried_from_strict_to_none(scripted: Any, endpoint_case: Any) -> None:
    write(endpoint_case, scripted.settings("refuses_format"))
    formats = [each["body"].get("response_format", {}).get("type") for each in scripted.received("refuses_format")[-3:]]
    assert formats == ["json_schema", "json_object", None]


def test_the_key_is_sent_and_never_written_down(
    scripted: Any, endpoint_case: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GMMAS_TEST_KEY", "s3cret-key")
    caplog.set_level(logging.DEBUG)
    narrative, attempts = write(endpoint_case, scripted.settings("unauthorised", key_variable="GMMAS_TEST_KEY"))
    assert narrative.written_by != TEMPLATE
    assert "s3cret" not in f"{attempts} {narrative} {caplog.text}"


def test_a_key_that_is_not_there_ends_in_the_template(scripted: Any, endpoint_case: Any) -> None:
    narrative, _ = write(endpoint_case, scripted.settings("honest", key_variable="GMMAS_ABSENT_KEY"))
    assert narrative.written_by == TEMPLATE
    assert "found no key" in narrative.reason


def test_proxies_of_the_environment_are_not_used(
    scripted: Any, endpoint_case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    narrative, attempts = write(endpoint_case, scripted.settings("honest"))
    assert narrative.written_by != TEMPLATE, attempts


def test_no_server_at_all_ends_in_the_template(scripted: Any, endpoint_case: Any, closed_port: int) -> None:
    settings = scripted.settings("honest")
    gone = type(settings)(endpoint=f"http://127.0.0.1:{closed_port}/v1", model="m")
    narrative, _ = write(endpoint_case, gone)
    assert narrative.written_by == TEMPLATE
    assert "ConnectError" in narrative.reason


@pytest.mark.parametrize("language", ["de", "zh"])
def test_a_language_that_nobody_can_check_is_not_asked_for(scripted: Any, endpoint_case: Any, language: str) -> None:
    attempts: list[Attempt] = []
    narrative = write_narrative(endpoint_case, CLINICIAN, language, scripted.settings("honest"), attempts.append)
    assert not attempts
    assert narrative.written_by == TEMPLATE
    assert "nothing here can check" in narrative.reason


def test_without_a_model_nothing_is_asked(endpoint_case: Any) -> None:
    narrative, attempts = write(endpoint_case, None)
    assert (narrative.written_by, narrative.reason, attempts) == (TEMPLATE, "", [])


def test_what_is_kept_of_an_attempt_is_bounded(scripted: Any, endpoint_case: Any) -> None:
    _, attempts = write(endpoint_case, scripted.settings("deep"))
    assert all(len(each.output) <= KEPT_OUTPUT and len(each.prompt) <= KEPT_PROMPT for each in attempts)
    assert len({each.prompt_sha256 for each in attempts}) == 2
    json.dumps([each.plain() for each in attempts]).encode()


@pytest.mark.parametrize("text", ["", "[]", "7", '"x"', "{", '{"a":1,"a":2}', '{"a":Infinity}', "[" * 100_000])
def test_what_is_no_object_is_no_reply(text: str) -> None:
    with pytest.raises(BadReply):
        read_reply(text)


def test_long_sentences_are_not_for_patients() -> None:
    long = {"section": "found", "text": "word " * 25 + ".", "facts": ["tumour"]}
    short = {**long, "text": "It is here. " * 20}
    assert too_long({"sentences": [short, long]}) == ("length in sentence 2: more than 24 words",)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in _leaves(each)]
    return [leaf for each in value for leaf in _leaves(each)] if isinstance(value, list) else [value]
