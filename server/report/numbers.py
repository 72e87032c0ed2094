"""The numbers of a run's report, derived from its ledger alone: during a run, after it, or on a copied folder."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

from gmmas_core.atomic import write_json, write_text
from gmmas_core.config import Config, read_config
from gmmas_core.metrics.evaluation import add, summarise, value_of, worst_site
from gmmas_core.metrics.threshold_baseline import best_threshold
from gmmas_core.types import DISCLAIMER, SEQUENCES, FederationError, Metric, Sum, Task
from server.client_level.told import client_level_told
from server.ledger import Ledger
from server.records.ledger_entries import metrics_from_entry
from server.records.run_folder import RunFolder
from server.report.control import incidents
from server.report.html import render_html
from server.report.method import pseudo_labels, sequences_of, significance, subset_rows
from server.report.software import software_rows

Entry = Mapping[str, Any]

WORST_OF = ("dice.wt", "dice.tc", "dice.et", "hd95-mm.wt")


def write_report(folder: RunFolder) -> dict[str, Any]:
    """Write report.json and report.html of a run.

    Returns:
        The content of report.json.

    Raises:
        FederationError: the folder holds no run.
    """
    if not folder.ledger.is_file():
        raise FederationError("run: found no ledger.jsonl; expected the folder of a run")
    config = read_config(folder.config)
    report = build_report(list(Ledger(folder.ledger).entries()), config)
    write_json(folder.report_json, report)
    write_text(folder.report_html, render_html(report))
    return report


def build_report(entries: Sequence[Entry], config: Config) -> dict[str, Any]:
    """Everything the report says.

    Args:
        entries: the ledger's lines, oldest first.
        config: of the run.

    Returns:
        JSON-able: "disclaimer", "notice", "run", "sites", "rounds" (one per round played), "software" (what each side
        ran), "incidents" (what the round control noticed), "client_level_privacy" (None without), "evaluations" (one
        per model and split: numbers per site, pooled and worst site), "calibration", "pseudo_labels", "subsets" and
        "significance" (None or empty where the run had no such part), "acceptance".
    """
    begun = _last(entries, "begun") or {}
    released = _last(entries, "released")
    enlisted = _last(entries, "enlisted") or {"sites": {}, "left_out": {}}
    rounds = {entry["round"]: entry for entry in entries if entry["kind"] == "round"}
    return {
        "disclaimer": DISCLAIMER,
        "notice": config.notice,
        "run": {
            "name": config.name,
            "run_id": begun.get("run_id"),
            "begun": begun.get("time"),
            "finished": released["time"] if released else None,
            "rounds_played": max(rounds, default=0),
            "seed": config.seed,
            "tasks": list(config.tasks),
            "strategy": config.strategy.name,
            "model": config.model.name,
            "config_hash": begun.get("config_hash"),
            "core_fingerprint": begun.get("fingerprint"),
            "model_id": released["model_id"] if released else None,
        },
        "sites": enlisted["sites"] | {entry["site"]: _about(entry) for entry in entries if entry["kind"] == "joined"},
        "not_enlisted": enlisted["left_out"],
        "rounds": [_round(rounds[number], config.task_list) for number in sorted(rounds)],
        "software": software_rows(entries),
        "incidents": incidents(entries),
        "client_level_privacy": client_level_told(entries, config.privacy.client_level),
        "evaluations": [_evaluation(entry, config.task_list) for entry in _newest_evaluations(entries)],
        "calibration": _calibration(entries, released),
        "pseudo_labels": pseudo_labels(_of_stage(entries, "pseudo_label"), config.task_list),
        "subsets": subset_rows(entries, config.task_list),
        "significance": significance(entries, config.task_list),
        "acceptance": _acceptance(entries),
    }


def _about(joined: Entry) -> dict[str, Any]:
    return {key: joined[key] for key in ("cases", "sequences", "labels")}


def pooled_metrics(entries: Iterable[Entry], which: str, split: str) -> dict[str, Metric] | None:
    """Metrics pooled over the sites of the newest evaluation of a model ("untrained", "global", "local_only")."""
    for entry in reversed(list(entries)):
        if _is_complete(entry) and (_which(entry), entry["split"]) == (which, split):
            return _pool(entry["sites"])
    return None


def _calibration(entries: Sequence[Entry], released: Entry | None) -> dict[str, Any] | None:
    """The candidate's own once there is one, before that the newest."""
    fitted = _of_stage(entries, "calibrate")
    if released is not None:
        fitted = [entry for entry in fitted if entry["round"] == released["calibrated_in"]]
    return (_last(fitted, "round") or {}).get("calibration")


def _of_stage(entries: Sequence[Entry], stage: str) -> list[Entry]:
    return [entry for entry in entries if entry["kind"] == "round" and entry["stage"] == stage]


def _round(entry: Entry, tasks: Sequence[Task]) -> dict[str, Any]:
    metrics = {site: metrics_from_entry(part["metrics"]) for site, part in entry["sites"].items()}
    return {
        "round": entry["round"],
        "stage": entry["stage"],
        "lr": entry["lr"],
        "duration_s": entry["duration_s"],
        "left_out": entry["left_out"],
        "bytes": entry["bytes"],
        "secure": entry.get("secure"),
        "sites": {
            site: {
                "cases": part["num_cases"],
                "weights": part["weights"],
                "norm": part["norm"],
                "bytes": part["bytes"],
                "uncertainty": part["uncertainty"],
                "duration_s": part["duration_s"],
                "train_loss": _means(metrics[site], "train-loss."),
                "validation": _curve_points(metrics[site], tasks),
            }
            for site, part in entry["sites"].items()
        },
        "pooled": _curve_points(_pool(entry["sites"]), tasks),
    }


def _curve_points(metrics: Mapping[str, Metric], tasks: Sequence[Task]) -> dict[str, float | None]:
    """What is drawn over the rounds: the received model on the validation cases."""
    names = ["dice.wt", "dice.tc", "dice.et", *(f"auroc.{task}" for task in tasks), *(f"nll.{task}" for task in tasks)]
    return {name: value_of(metrics, name) for name in names}


def _evaluation(entry: Entry, tasks: Sequence[Task]) -> dict[str, Any]:
    metrics = {site: metrics_from_entry(part["metrics"]) for site, part in entry["sites"].items()}
    pooled = _pool(entry["sites"])
    names = [*WORST_OF, *(f"auroc.{task}" for task in tasks)]
    return {
        "model": _which(entry),
        "split": entry["split"],
        "round": entry["round"],
        "left_out": entry["left_out"],
        "sites": {site: summarise(values, tasks) for site, values in metrics.items()},
        "pooled": summarise(pooled, tasks),
        "worst_site": {name: _as_list(worst_site(metrics, name)) for name in names},
        "flair_threshold": _as_list(best_threshold(pooled)),
    }


def _as_list(pair: tuple[object, float] | None) -> list[object] | None:
    """As JSON gives it back, so that a report read from a file equals the one returned."""
    return None if pair is None else list(pair)


def _newest_evaluations(entries: Sequence[Entry]) -> list[Entry]:
    """The last evaluation of each (model, split), in the order in which they were first asked for."""
    newest: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if _is_complete(entry):
            newest[_which(entry), entry["split"]] = entry
    return list(newest.values())


def _is_complete(entry: Entry) -> bool:
    """An evaluation with all the sequences that the cases have, not with a subset."""
    return entry["kind"] == "evaluation" and sequences_of(entry) == SEQUENCES


def _which(entry: Entry) -> str:
    """The global model of round 0 is the untrained one."""
    return "untrained" if entry["subject"] == "global" and entry["round"] == 0 else str(entry["subject"])


def _pool(sites: Mapping[str, Any]) -> dict[str, Metric]:
    return reduce(add, (metrics_from_entry(part["metrics"]) for part in sites.values()))


def _means(metrics: Mapping[str, Metric], prefix: str) -> dict[str, float | None]:
    found = {key.removeprefix(prefix): value for key, value in metrics.items() if key.startswith(prefix)}
    return {key: value.mean if value.count else None for key, value in found.items() if isinstance(value, Sum)}


def _acceptance(entries: Sequence[Entry]) -> dict[str, Any] | None:
    judged = _last(entries, "judged")
    return {key: judged[key] for key in ("check", "passed", "statement")} if judged else None


def _last(entries: Sequence[Entry], kind: str) -> Entry | None:
    return next((entry for entry in reversed(entries) if entry["kind"] == kind), None)
