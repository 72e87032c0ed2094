"""Which cases had a part in which round: `<state>/participation.jsonl`, a hash chain with keyed pseudonyms.

One line per round trained and per evaluation answered, on disk before the answer leaves, so that every number that
has left is accounted for. It never leaves the hospital; `gmmas-site withdraw` reads from it what has seen a patient.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.privacy.pseudonyms import pseudonyms
from client.site import Site
from gmmas_core import hash_chain
from gmmas_core.software import installed
from gmmas_core.types import Case, EvaluationPlan, RoundPlan

FILE = "participation.jsonl"
TRAINED, EVALUATED = "trained", "evaluated"


def remember_training(site: Site, plan: RoundPlan, train: Sequence[Case], validation: Sequence[Case]) -> None:
    """Note a round that was trained; call it before its reply is stored or sent.

    Args:
        site: in whose state folder.
        plan: of the round.
        train: all training cases of the site: the stage may have drawn any of them.
        validation: those that chose a temperature or were scored.

    Raises:
        DataError: the line cannot be written, or the key of the names is gone.
        ConfigError: see `software.installed`.
    """
    _append(site.state, plan, {"kind": TRAINED, "stage": plan.stage}, {"train": train, "validation": validation})


def remember_evaluation(site: Site, plan: EvaluationPlan, scored: Sequence[Case], train: Sequence[Case]) -> None:
    """Note an evaluation; call it before its scores are sent.

    Args:
        site: in whose state folder.
        plan: what was asked.
        scored: the cases of the split.
        train: training cases where the subject is what this site learns alone, else none.

    Raises:
        DataError: see `remember_training`.
        ConfigError: see `software.installed`.
    """
    asked = {"kind": EVALUATED, "split": plan.split, "subject": plan.subject}
    _append(site.state, plan, asked, {"scored": scored, "train": train})


def participation(state: Path) -> tuple[dict[str, Any], ...]:
    """All lines, oldest first.

    Raises:
        DataError: a line was changed.
    """
    return hash_chain.verify(state / FILE).entries


def rounds_with(lines: Iterable[dict[str, Any]], cases: set[str]) -> list[dict[str, Any]]:
    """The lines of which any of these cases, given by pseudonym, was a part."""
    return [line for line in lines if any(cases & set(part) for part in line["cases"].values())]


def _append(
    state: Path, plan: RoundPlan | EvaluationPlan, what: dict[str, str], cases: dict[str, Sequence[Case]]
) -> None:
    names, own = pseudonyms(state, FILE), installed()
    hash_chain.append(
        state / FILE,
        {
            **what,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "run_id": plan.run_id,
            "round": plan.round,
            "weights_hash": plan.weights_hash,
            "config_hash": plan.config_hash,
            "release": own.release,
            "cases": {part: sorted(names.of_case(case.case_id) for case in given) for part, given in cases.items()},
        },
    )
