"""Asking every hospital for its statistics, once, in a Flower run of its own; nothing is trained and nothing decided.

The folder holds the question's settings (question.json) and, when the run ends, what came back (answers.json).
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flwr.app import RecordDict
from flwr.serverapp import Grid

from gmmas_core import wire
from gmmas_core.atomic import write_json
from gmmas_core.statistics.form import Statistics, require_form
from gmmas_core.types import FederationError
from server.membership.node_identity import approved_sites, require_member
from server.rounds.deadlines import Deadlines
from server.rounds.exchange import collect
from server.rounds.link import Link, Watch

QUESTION, ANSWERS = "question.json", "answers.json"
MESSAGE = "query.statistics"
POLL_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Question:
    """Attributes:
    wait_s: for hospitals to come online.
    deadline_s: for their answers, from then on.
    min_sites: hospitals online that are enough where no federation names them; all approved ones otherwise.
    poll_s: pause between two looks.
    """

    wait_s: float
    deadline_s: float
    min_sites: int = 1
    poll_s: float = POLL_S


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Attributes:
    asked_at: ISO, UTC.
    sites: the answers, by site.
    silent: site, or node where it never said its name -> why there is no answer.
    """

    asked_at: str
    sites: Mapping[str, Statistics]
    silent: Mapping[str, str]


def ask(grid: Grid, folder: Path, watch: Watch, federation: Path | None = None) -> Answers:
    """Ask every hospital that is online, and write the answers into the folder.

    Args:
        grid: Flower's grid.
        folder: with question.json.
        watch: told of every event.
        federation: folder with the members and their keys; None where nodes have no keys.

    Raises:
        FederationError: no question in the folder, or a member's file cannot be read.
    """
    question = read_question(folder)
    expected = approved_sites(federation) if federation is not None else []
    link = Link(grid, watch, question.poll_s)
    nodes = {f"node {place}": node for place, node in enumerate(_online(link, question, len(expected)), start=1)}
    answered: dict[str, Statistics] = {}

    def take(label: str, content: RecordDict) -> None:
        told = wire.read_statistics(content)
        if told.site in answered:
            raise FederationError(f"site {told.site!r}: found this name twice; expected unique names in site.yaml")
        if federation is not None:
            require_member(federation, told.site, link.public_key(nodes[label]), datetime.now(UTC))
        answered[told.site] = told

    outcome = collect(
        grid,
        wire.statistics_question_to_content(),
        MESSAGE,
        {node: label for label, node in nodes.items()},
        group="0",
        deadlines=Deadlines(question.deadline_s, question.deadline_s),
        quorum=len(nodes),
        mandatory=(),
        poll_s=question.poll_s,
        on_reply=take,
        watch=watch,
    )
    silent = dict(outcome.left_out)
    if not nodes:
        silent["nobody"] = f"no node online within {question.wait_s:g} s"
    missing = sorted(set(expected) - set(answered))
    silent |= dict.fromkeys(missing, "no answer under this name; a node above may be its, or it was not online")
    answers = Answers(asked_at=datetime.now(UTC).isoformat(timespec="seconds"), sites=answered, silent=silent)
    write_json(folder / ANSWERS, asdict(answers))
    return answers


def _online(link: Link, question: Question, expected: int) -> list[int]:
    """The nodes to ask, after as many as are expected came or waiting has an end."""
    deadline = time.monotonic() + question.wait_s
    while True:
        online = link.online() or {}
        if len(online) >= (expected or question.min_sites) or time.monotonic() >= deadline:
            return sorted(online)
        time.sleep(question.poll_s)


def write_question(folder: Path, question: Question) -> None:
    """Prepare a folder for `ask`; earlier answers in it are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ANSWERS).unlink(missing_ok=True)
    write_json(folder / QUESTION, asdict(question))


def read_question(folder: Path) -> Question:
    """What `write_question` wrote.

    Raises:
        FederationError: there is none that can be read.
    """
    try:
        return Question(**json.loads((folder / QUESTION).read_bytes()))
    except (OSError, ValueError, TypeError):
        raise FederationError(f"{QUESTION}: found none; expected one; run gmmas-coordinator stats") from None


def read_answers(folder: Path) -> Answers | None:
    """What `ask` wrote, None while there is nothing.

    Raises:
        FederationError: it cannot be read.
    """
    try:
        content: dict[str, Any] = json.loads((folder / ANSWERS).read_bytes())
        sites: dict[str, Statistics] = {}
        for name, told in content["sites"].items():
            counts = {table: tuple(map(int, cells)) for table, cells in told["counts"].items()}
            require_form(counts)
            sites[name] = Statistics(**{**told, "counts": counts})
        return Answers(asked_at=str(content["asked_at"]), sites=sites, silent=dict(content["silent"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise FederationError(f"{ANSWERS}: found one that cannot be read; expected answers; ask again") from None
