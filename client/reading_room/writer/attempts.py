"""Asking a model until its text passes the checks: once, once more with the problems named, and never a third time."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from client.reading_room.writer.endpoint import Message, Schema, Unanswered, ask_model
from client.reading_room.writer.prompt import again
from client.reading_room.writer.reply import BadReply, read_reply
from client.reading_room.writer.settings import WriterSettings

TRIES = 2
KEPT_PROMPT, KEPT_OUTPUT, KEPT_PROBLEMS = 40_000, 20_000, 40
"""Characters, characters and lines of an attempt that are kept; the hash is of all of the prompt."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One request and what came of it, as the audit trail keeps it.

    Attributes:
        model: "MODEL via HOST".
        number: 1 for the first.
        prompt_sha256: of all messages as JSON.
        prompt: the messages as JSON, cut.
        output: the answer, cut; "" where there was none.
        verdict: why it was refused; () where it was accepted.
    """

    model: str
    number: int
    prompt_sha256: str
    prompt: str
    output: str
    verdict: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """As the audit trail writes it."""
        return {
            "model": self.model,
            "attempt": self.number,
            "prompt_sha256": self.prompt_sha256,
            "prompt": self.prompt,
            "output": self.output,
            "verdict": "accepted" if not self.verdict else "refused",
            "problems": list(self.verdict),
        }


Log = Callable[[Attempt], None]
Check = Callable[[Mapping[str, Any]], Sequence[str]]


class Refused(Exception):
    """No text of the model may be shown; the message says why in words for the page."""


def ask_and_check(
    settings: WriterSettings, messages: Sequence[Message], schema: Schema, check: Check, log: Log
) -> Mapping[str, Any]:
    """A model's answer that passed every check.

    Args:
        settings: of the endpoint.
        messages: that ask for it.
        schema: of the answer.
        check: problems of an answer; () where it may be shown.
        log: is given every attempt, before its text goes anywhere.

    Raises:
        Refused: the endpoint did not answer, or its answer was refused twice.
    """
    for number in range(1, TRIES + 1):
        try:
            output = ask_model(settings, messages, schema)
        except Unanswered as error:
            log(_attempt(settings, messages, number, "", (str(error),)))
            raise Refused(str(error)) from None
        reply, problems = _judged(output, check)
        log(_attempt(settings, messages, number, output, problems))
        if reply is not None:
            return reply
        messages = again(messages, output, problems)
    kinds = ", ".join(dict.fromkeys(problem.split(" in ")[0] for problem in problems))
    raise Refused(f"model: found a text that the checks refused twice ({kinds}); expected only what the facts say")


def _judged(output: str, check: Check) -> tuple[Mapping[str, Any] | None, tuple[str, ...]]:
    try:
        reply = read_reply(output)
    except BadReply as error:
        return None, (f"form in the reply: {error}",)
    problems = tuple(check(reply))
    return (None if problems else reply), problems


def _attempt(
    settings: WriterSettings, messages: Sequence[Message], number: int, output: str, verdict: tuple[str, ...]
) -> Attempt:
    prompt = json.dumps(list(messages), ensure_ascii=False)
    return Attempt(
        model=settings.name,
        number=number,
        prompt_sha256=hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest(),
        prompt=_kept(prompt, KEPT_PROMPT),
        output=_kept(output, KEPT_OUTPUT),
        verdict=tuple(_kept(problem, 300) for problem in verdict[:KEPT_PROBLEMS]),
    )


def _kept(text: str, most: int) -> str:
    """A text as it can be stored: cut, and without halves of surrogate pairs, which no file encodes."""
    return text[:most].encode("utf-8", "replace").decode()
