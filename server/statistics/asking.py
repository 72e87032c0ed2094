"""`gmmas-coordinator stats`: a Flower run that only asks, followed to its end from outside."""

import time
from collections.abc import Callable
from pathlib import Path

from gmmas_core.types import FederationError
from server.launching.flower_commands import GONE, SuperLink
from server.statistics.question import Answers, Question, read_answers, write_question

LOOK_S = 0.5
STATUS_EVERY_S = 10.0
START_S = 180.0
"""Beyond waiting and answering: for Flower to start the run's process."""


def ask_through(
    link: SuperLink, folder: Path, question: Question, federation: Path | None, look: Callable[[float], None]
) -> Answers:
    """Submit the question and wait for the answers.

    Args:
        link: where runs are submitted.
        folder: for question and answers; both sides of the SuperLink see it.
        question: how long to wait.
        federation: see `question.ask`.
        look: called all the time with the share of the longest wait that is over.

    Raises:
        FederationError: no SuperLink, or its run ended without answers.
    """
    if not link.is_healthy():
        raise FederationError(
            f"SuperLink: found no answer at {link.address}; expected one; start it, or mend --superlink, --insecure or "
            "--root-certificates"
        )
    write_question(folder, question)
    run_id = link.submit(
        {
            "task": "statistics",
            "experiment": "null",
            "overrides": "",
            "run-dir": str(folder.resolve()),
            "federation": "" if federation is None else str(federation.resolve()),
        }
    )
    longest = question.wait_s + question.deadline_s + START_S
    began = asked = time.monotonic()
    while (answers := read_answers(folder)) is None:
        waited = time.monotonic() - began
        look(waited / longest)
        if waited > longest:
            link.stop(run_id)
            raise FederationError(f"statistics: found no answers after {longest:.0f} s; expected some; see the log")
        if time.monotonic() - asked > STATUS_EVERY_S:
            asked = time.monotonic()
            status, details = link.status(run_id)
            if (status == GONE or status.startswith("finished")) and read_answers(folder) is None:
                raise FederationError(f"statistics: found the run {status} without answers: {details or 'no reason'}")
        time.sleep(LOOK_S)
    return answers
