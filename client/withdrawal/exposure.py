"""What had seen a patient before they left: rounds of runs, models made from them, and privacy budget spent.

None of it can be called back from here: a trained network does not forget. The list says whom to ask, and for what.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from client.models.store import installed_models
from client.privacy.budget import budget_lines, spent_epsilon
from client.privacy.participation import TRAINED, participation, rounds_with
from client.site import Site
from client.withdrawal.record import recorded_names
from client.withdrawal.subject import Subject

NO_BOUND = "no bound can be stated: these rounds were trained without record-level differential privacy"


@dataclass(frozen=True, kw_only=True)
class RunSeen:
    """One run that a case of the patient had a part in.

    Attributes:
        run_id: of the coordinator.
        rounds: rounds trained with the patient's cases among those to draw from, or scored on them, ascending.
        trained: how many of these answers were updates of weights; the others were scores.
        stages: of the rounds trained.
        releases: of this software that were installed here.
    """

    run_id: str
    rounds: list[int]
    trained: int
    stages: list[str]
    releases: list[str]


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """All of it.

    Attributes:
        runs: see `RunSeen`.
        models: installed models made by these runs, after the first round that saw a case: "name", "model_id",
            "run_id", "round".
        unrecorded: runs that left files here and no record of participation; whether they saw the patient is unknown.
        budget: what is known of the privacy budget, in words.
    """

    runs: list[RunSeen] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    budget: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def exposure(site: Site, subject: Subject) -> Exposure:
    """Look it up.

    Raises:
        DataError: the record of participation was changed.
        FederationError: the ledger of the budget does not verify.
    """
    lines = participation(site.state)
    seen = rounds_with(lines, recorded_names(site.state, subject.cases))
    runs = [_run(run_id, seen) for run_id in sorted({line["run_id"] for line in seen})]
    unrecorded = _unrecorded(site, {line["run_id"] for line in lines})
    has_spent = bool(unrecorded) or any(run.trained for run in runs)
    return Exposure(
        runs=runs,
        models=_models(site, runs),
        unrecorded=unrecorded,
        budget=_budget(site, is_known=not unrecorded) if has_spent else "nothing was spent on this patient",
    )


def _budget(site: Site, *, is_known: bool) -> str:
    """What was spent, where every round that may have seen the patient was protected."""
    spent = spent_epsilon(site)
    if not is_known or not spent.rounds or spent.unprotected_rounds:
        return NO_BOUND
    return "; ".join(budget_lines(site))


def _run(run_id: str, seen: Iterable[dict[str, Any]]) -> RunSeen:
    own = [line for line in seen if line["run_id"] == run_id]
    trained = [line for line in own if line["kind"] == TRAINED]
    return RunSeen(
        run_id=run_id,
        rounds=sorted({line["round"] for line in own}),
        trained=len({line["round"] for line in trained}),
        stages=sorted({line["stage"] for line in trained}),
        releases=sorted({line["release"] for line in own}),
    )


def _models(site: Site, runs: Iterable[RunSeen]) -> list[dict[str, Any]]:
    first = {run.run_id: run.rounds[0] for run in runs if run.trained}
    told = ("model_id", "run_id", "round")
    return [
        {"name": model.name, **{key: model.about.get(key) for key in told}}
        for model in installed_models(site)
        if model.about.get("run_id") in first and _is_after(model.about.get("round"), first[model.about["run_id"]])
    ]


def _is_after(round: Any, first: int) -> bool:
    """A release that does not say its round may be any."""
    return not isinstance(round, int) or round >= first


def _unrecorded(site: Site, recorded: set[str]) -> list[str]:
    places = ("replies", "rounds", "pseudo_labels")
    found = {path.name for place in places for path in (site.state / place).glob("*") if path.is_dir()}
    return sorted(found - recorded)
