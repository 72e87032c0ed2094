"""The numbers of a report, from a ledger written by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.config import Config, save_config
from gmmas_core.metrics.evaluation import value_of
from gmmas_core.types import FederationError, Sum
from server.ledger import Ledger
from server.records.ledger_entries import metrics_from_entry, metrics_to_entry
from server.records.run_folder import RunFolder
from server.report.numbers import build_report, pooled_metrics, write_report

Entry = dict[str, Any]


def of_model(report: Entry, model: str, split: str = "holdout") -> Entry:
    (found,) = (entry for entry in report["evaluations"] if (entry["model"], entry["split"]) == (model, split))
    return dict(found)


def test_metrics_survive_the_ledger() -> None:
    metrics = {"dice.wt": Sum(1.5, 3), "dice-histogram.wt": (0, 2, 1), "nll.idh": Sum(0.0, 0)}
    assert metrics_from_entry(metrics_to_entry(metrics)) == metrics


def test_untrained_local_and_global_models_are_told_apart(ledger_entries: list[Entry], tiny_config: Config) -> None:
    report = build_report(ledger_entries, tiny_config)
    assert [entry["model"] for entry in report["evaluations"]] == ["untrained", "global", "local_only"]
    dice = {
        model: of_model(report, model)["pooled"]["segmentation"]["wt"]["dice"]["mean"]
        for model in ("untrained", "local_only", "global")
    }
    assert dice["untrained"] < dice["local_only"] < dice["global"]


def test_the_newest_evaluation_of_a_model_wins(
    ledger_entries: list[Entry], evaluation: Callable[..., Entry], tiny_config: Config
) -> None:
    newer = evaluation({"north": (8, 0.95, 2)}, subject="global", round=3)
    found = of_model(build_report([*ledger_entries, newer], tiny_config), "global")
    assert found["round"] == 3
    assert set(found["sites"]) == {"north"}


def test_splits_are_kept_apart(
    ledger_entries: list[Entry], evaluation: Callable[..., Entry], tiny_config: Config
) -> None:
    trained_on = evaluation({"north": (8, 0.95, 2)}, subject="global", round=2, split="train")
    report = build_report([*ledger_entries, trained_on], tiny_config)
    assert of_model(report, "global")["pooled"]["segmentation"]["wt"]["n"] == 16
    assert of_model(report, "global", "train")["pooled"]["segmentation"]["wt"]["n"] == 8


def test_the_last_line_of_a_repeated_round_wins(
    ledger_entries: list[Entry], played_round: Callable[..., Entry], tiny_config: Config
) -> None:
    again = played_round(2, {"north": (9, 3, 0.9)})
    rounds = build_report([*ledger_entries, again], tiny_config)["rounds"]
    assert [entry["round"] for entry in rounds] == [1, 2]
    assert set(rounds[1]["sites"]) == {"north"}


def test_pooled_is_the_sum_over_sites_and_not_the_mean_of_means(
    ledger_entries: list[Entry], tiny_config: Config
) -> None:
    found = of_model(build_report(ledger_entries, tiny_config), "global")
    parts = [site["segmentation"]["tc"] for site in found["sites"].values()]
    cases = sum(part["n"] for part in parts)
    by_case = sum(part["n"] * part["dice"]["mean"] for part in parts) / cases
    assert found["pooled"]["segmentation"]["tc"]["n"] == cases == 16
    assert found["pooled"]["segmentation"]["tc"]["dice"]["mean"] == pytest.approx(by_case, abs=1e-12)
    assert by_case != pytest.approx(sum(part["dice"]["mean"] for part in parts) / 3, abs=1e-3)


def test_the_worst_site_is_lowest_in_dice_and_highest_in_distance(
    ledger_entries: list[Entry], tiny_config: Config
) -> None:
    found = of_model(build_report(ledger_entries, tiny_config), "global")
    for name, field in (("dice.wt", "dice"), ("hd95-mm.wt", "hd95_mm")):
        site, value = found["worst_site"][name]
        assert site == "south"
        assert value == pytest.approx(found["sites"]["south"]["segmentation"]["wt"][field]["mean"])


def test_curves_are_sums_divided_once(ledger_entries: list[Entry], tiny_config: Config) -> None:
    first = build_report(ledger_entries, tiny_config)["rounds"][0]
    assert first["sites"]["north"]["train_loss"]["total"] == 12.0 / 4
    assert first["sites"]["south"]["validation"]["dice.wt"] is None
    north, east = (first["sites"][site]["validation"]["dice.wt"] for site in ("north", "east"))
    assert first["pooled"]["dice.wt"] == pytest.approx((north + east) / 2)


def test_pooled_metrics_know_what_was_never_evaluated(ledger_entries: list[Entry]) -> None:
    untrained, final = (pooled_metrics(ledger_entries, which, "holdout") for which in ("untrained", "global"))
    assert untrained is not None
    assert final is not None
    before, after = value_of(untrained, "dice.wt"), value_of(final, "dice.wt")
    assert before is not None
    assert after is not None
    assert before < after
    assert pooled_metrics(ledger_entries, "global", "train") is None


def test_a_run_in_progress_is_not_finished(ledger_entries: list[Entry], tiny_config: Config) -> None:
    report = build_report(ledger_entries[:4], tiny_config)
    assert report["run"]["finished"] is None
    assert report["run"]["rounds_played"] == 1
    assert report["acceptance"] is None
    assert build_report(ledger_entries, tiny_config)["acceptance"]["passed"] is True


def test_the_report_is_written_from_the_folder_alone(
    tmp_path: Path, ledger_entries: list[Entry], tiny_config: Config
) -> None:
    folder = RunFolder(tmp_path)
    save_config(tiny_config, folder.config)
    ledger = Ledger(folder.ledger)
    for entry in ledger_entries[:2]:
        ledger.append(entry["kind"], **{key: value for key, value in entry.items() if key not in ("kind", "time")})
    report = write_report(folder)
    assert report["run"]["run_id"] == "ab12"
    assert "ab12" in folder.report_html.read_text()
    assert folder.report_json.is_file()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FederationError, match=r"no ledger\.jsonl"):
        write_report(RunFolder(tmp_path))
