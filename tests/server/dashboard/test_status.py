"""What the run folder says is told right at every moment; what it does not say stays unknown."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.config import read_config
from server.dashboard.status import RunStatus, SiteRow
from server.dashboard.watching import read_status
from server.records.run_folder import RunFolder
from server.report.numbers import build_report

THREE = ("east", "north", "south")


def site(status: RunStatus, name: str) -> SiteRow:
    (found,) = (row for row in status.sites if row.name == name)
    return found


def states(status: RunStatus) -> dict[str, str]:
    return {row.name: row.state for row in status.sites}


def texts(status: RunStatus) -> list[str]:
    return [alert.text for alert in status.alerts]


def test_nothing_is_known_of_an_empty_folder(tmp_path: Path) -> None:
    status = read_status(RunFolder(tmp_path))
    assert status.state == "unknown"
    assert (status.name, status.rounds_total, status.playing, status.estimate) == (None, None, None, None)
    assert (status.silent_s, status.sent, status.received) == (None, None, None)
    assert (status.sites, status.rounds, status.alerts) == ((), (), ())


def test_a_run_waits_for_its_sites_and_the_mandatory_one_is_expected(scene: Any) -> None:
    scene.ledger(0, "begun", run_id="ab12", name="smoke")
    scene.progress(1, "waiting", online=1)
    scene.progress(1, "site-asked", site="node 1", sends=1)
    status = scene.status(2)
    assert (status.state, status.detail) == ("waiting", "for the sites; online: 1")
    assert states(status) == {"north": "expected"}
    assert status.rounds_total == 6


def test_registered_is_not_configured_is_not_training(scene: Any) -> None:
    scene.ledger(0, "begun", run_id="ab12", name="smoke")
    scene.progress(1, "members", sites=["east", "north", "south"])
    assert states(scene.status(2)) == {"east": "registered", "north": "registered", "south": "registered"}
    facts = {"cases": {"train": 4}, "sequences": {}, "labels": {}}
    scene.ledger(3, "enlisted", sites={"east": facts, "north": facts}, left_out={})
    assert states(scene.status(4)) == {"east": "ready", "north": "ready", "south": "registered"}
    scene.progress(5, "round-started", round=1, stage="supervised", sites=["east"], hard_s=9.0)
    scene.progress(6, "site-asked", round=1, site="east", sends=1)
    assert states(scene.status(7)) == {"east": "training", "north": "not asked", "south": "registered"}
    scene.ledger(8, "resumed", round=0)
    scene.progress(9, "members", sites=["east", "north"])
    assert states(scene.status(10)) == {"east": "registered", "north": "registered", "south": "expected"}


def test_a_round_being_played(busy: Any) -> None:
    status = busy.status(111)
    assert (status.state, status.playing, status.stage) == ("training", 3, "supervised")
    assert (status.rounds_played, status.rounds_total) == (2, 6)
    assert states(status) == {"east": "replied", "north": "training", "south": "training"}
    assert status.silent_s == 1.0


def test_history_of_a_site(busy: Any) -> None:
    status = busy.status(111)
    south, east = site(status, "south"), site(status, "east")
    assert (south.rounds_counted, south.rounds_left_out) == (1, 1)
    assert south.shares == {}
    assert east.durations_s == ((1, 12.5), (2, 12.5))
    assert east.received_bytes == 1000
    assert east.cases == {"train": 9, "validation": 3, "holdout": 8}


def test_shares_are_of_those_who_spoke_for_the_group(busy: Any) -> None:
    """Weights are the training cases: 9 of 36 and 27 of 36; nobody speaks for the group of contrast."""
    status = busy.status(111)
    assert site(status, "east").shares["trunk"] == pytest.approx(0.25)
    assert site(status, "north").shares["trunk"] == pytest.approx(0.75)
    assert site(status, "north").shares["contrast"] is None


def test_curves_are_of_the_received_model_and_pooled_over_cases(busy: Any) -> None:
    status = busy.status(111)
    lines = [json.loads(line) for line in busy.folder.ledger.read_text().splitlines()]
    rounds = build_report(lines, read_config(busy.folder.config))["rounds"]
    for name in ("dice.wt", "auroc.idh"):
        curve = status.curves[name]
        assert [point.value for point in curve.pooled] == [entry["pooled"][name] for entry in rounds]
        known = [entry["sites"]["north"]["validation"][name] for entry in rounds]
        assert [point.value for point in curve.sites["north"]] == [value for value in known if value is not None]
    assert [point.trained for point in status.curves["dice.wt"].pooled] == [0, 1]
    assert [point.cases for point in status.curves["dice.wt"].pooled] == [6, 6]
    assert status.curves["dice.wt"].sites["south"] == ()


def test_bytes_and_phases_are_the_ledgers(busy: Any) -> None:
    status = busy.status(111)
    assert (status.sent, status.received) == (5000, 5000)
    assert status.rounds[0].phases == {"collect_s": 30.0, "aggregate_s": 10.0}


def test_an_older_ledger_says_less_and_that_stays_unknown(scene: Any) -> None:
    scene.begin()
    scene.round(50, 1, {"north": (9, 3, 0.5)})
    line = json.loads(scene.folder.ledger.read_text().splitlines()[-1])
    for name in ("bytes", "phases", "late"):
        del line[name]
    for name in ("bytes", "doubts", "norm"):
        del line["sites"]["north"][name]
    scene.folder.ledger.write_text(json.dumps(line) + "\n")
    status = scene.status(51)
    assert (status.sent, status.received, status.rounds[0].phases) == (None, None, {})
    assert site(status, "north").received_bytes is None


def test_the_end_is_the_median_round_times_those_left(scene: Any) -> None:
    """40 s per round; rounds 3 to 6 are left and 10 s of round 3 are over: 4 * 40 - 10."""
    scene.begin()
    assert scene.status(6).estimate is None
    scene.start_round(6, 1)
    assert scene.status(7).estimate is None
    for number in (1, 2):
        scene.round(50 * number, number, {"north": (9, 3, 0.5)})
    scene.start_round(101, 3)
    estimate = scene.status(111).estimate
    assert (estimate.rounds_left, estimate.round_s, estimate.remaining_s) == (4, 40.0, 150.0)
    assert estimate.end == "2026-01-02T03:04:21+00:00"
    assert estimate.stages_unplayed == ("finetune",)


def test_a_slow_round_takes_no_more_off_than_its_share(busy: Any) -> None:
    assert busy.status(190).estimate.remaining_s == 3 * 40.0


def test_stages_are_timed_by_their_own_rounds(scene: Any) -> None:
    scene.begin()
    for number in (1, 2, 3, 4):
        scene.round(50 * number, number, {"north": (9, 3, 0.5)})
    scene.round(300, 5, {"north": (9, 3, 0.5)}, stage="finetune", duration_s=7.0)
    estimate = scene.status(301).estimate
    assert (estimate.rounds_left, estimate.remaining_s, estimate.stages_unplayed) == (1, 7.0, ())


def test_a_silent_run_is_stalled_only_after_its_own_deadline(busy: Any) -> None:
    """The hard deadline of the round is 100 s, and 120 s are given on top; the last event was at 110 s."""
    assert busy.status(110 + 219).state == "training"
    status = busy.status(110 + 221)
    assert status.state == "stalled"
    assert states(status) == {"east": "replied", "north": "unknown", "south": "unknown"}
    assert status.estimate is None


def test_a_clock_that_is_ahead_makes_no_negative_silence(busy: Any) -> None:
    assert busy.status(0).silent_s == 0.0


def test_late_left_out_and_doubted_sites_are_told_once(busy: Any) -> None:
    busy.progress(140, "site-left-out", site="south", reason="no reply within 100 s")
    busy.progress(140, "site-late", site="south")
    assert states(busy.status(140))["south"] == "late"
    sites = {"east": (9, 3, 0.5), "north": (27, 3, 0.6)}
    busy.round(141, 3, sites, left_out={"south": "no reply within 100 s"}, late=["south"])
    busy.progress(141, "round-finished", round=3, duration_s=40.0, left_out={"south": "no reply within 100 s"})
    busy.ledger(142, "late", site="south")
    status = busy.status(143)
    assert (states(status)["south"], status.playing, status.rounds_played) == ("late", None, 3)
    assert texts(status).count("left out: no reply within 100 s") == 2  # of rounds 2 and 3
    assert sum(text.startswith("late") for text in texts(status)) == 1


def test_doubts_are_shown_and_told(busy: Any) -> None:
    busy.progress(120, "site-counted", round=3, site="north", duration_s=8.0, bytes=1, doubts=["norm 5 times"])
    status = busy.status(121)
    assert site(status, "north").doubts == ("norm 5 times",)
    assert (status.alerts[0].text, status.alerts[0].site, status.alerts[0].round) == ("doubt: norm 5 times", "north", 3)


def test_quarantine_lasts_until_a_site_is_readmitted(busy: Any) -> None:
    busy.ledger(141, "quarantined", site="south", reason="3 offences in a row")
    busy.start_round(142, 4, ("east", "north"))
    status = busy.status(143)
    assert (site(status, "south").state, site(status, "south").reason) == ("quarantined", "3 offences in a row")
    busy.ledger(150, "order", order={"kind": "readmit", "site": "south"})
    assert states(busy.status(151))["south"] == "not asked"


def test_a_void_round_is_serious_and_leaves_the_count(busy: Any) -> None:
    busy.ledger(150, "round-void", round=3, question="round 3", left_out={"south": "no reply"})
    busy.progress(150, "round-void", round=3, reason="round 3: found 1 good replies")
    status = busy.status(151)
    (alert,) = (alert for alert in status.alerts if alert.kind == "round-void")
    assert alert.severity == "serious"
    assert (status.rounds_played, status.playing, status.state) == (2, None, "training")


def test_an_evaluation_is_not_a_round(busy: Any) -> None:
    busy.progress(150, "evaluation-started", split="holdout", subject="local_only", sites=THREE)
    busy.progress(151, "site-scored", split="holdout", subject="local_only", site="east")
    status = busy.status(152)
    assert (status.state, status.detail) == ("evaluating", "local only model, holdout cases")
    assert states(status) == {"east": "scored", "north": "evaluating", "south": "evaluating"}


def test_a_paused_run_is_not_stalled_and_goes_on(busy: Any) -> None:
    busy.ledger(150, "paused", reason="order: pause")
    busy.progress(150, "paused", reason="order: pause")
    status = busy.status(9e5)
    assert (status.state, status.detail, status.playing) == ("paused", "order: pause", None)
    assert states(status)["north"] == "unknown"
    assert texts(status).count("paused: order: pause") == 1
    busy.ledger(160, "resumed", round=1)
    busy.progress(160, "resumed", round=1)
    status = busy.status(161)
    assert (status.state, status.rounds_played) == ("waiting", 1)
    assert [row.round for row in status.rounds] == [1]
    assert (status.sent, status.received) == (5000, 5000)  # what was moved was moved


def test_the_verdict_ends_a_run(busy: Any) -> None:
    busy.ledger(150, "released", round=6, model_id="d" * 64)
    assert busy.status(151).state == "evaluating"
    busy.ledger(152, "judged", check="beats_untrained", passed=True, statement="higher")
    busy.progress(153, "released", model="model", report="report.html")
    assert busy.status(9e5).state == "finished"


def test_a_failed_verdict_is_a_failure_before_the_run_says_so(busy: Any) -> None:
    busy.ledger(150, "released", round=6, model_id="d" * 64)
    busy.ledger(152, "judged", check="beats_untrained", passed=False, statement="lower")
    assert busy.status(153).state == "failed"
    busy.progress(153, "released", model="model", report="report.html")
    busy.ledger(154, "failed", reason="FederationError: acceptance: lower")
    assert busy.status(155).state == "failed"


def test_a_later_release_by_a_person_does_not_turn_a_failure_into_a_success(busy: Any) -> None:
    busy.ledger(150, "failed", reason="FederationError: acceptance: lower")
    busy.ledger(900, "version-released", version="1.0")
    status = busy.status(901)
    assert status.state == "failed"
    assert texts(status)[0] == "model version released: 1.0"


def test_a_refused_node_is_told_once(busy: Any) -> None:
    busy.ledger(150, "refused", node="node 4", reason="another configuration")
    busy.progress(150, "site-refused", node="node 4", reason="another configuration")
    assert texts(busy.status(151)).count("not enlisted: another configuration") == 1
    assert "node 4" not in states(busy.status(151))


def test_the_ledger_alone_tells_of_a_copied_folder(busy: Any, tmp_path: Path) -> None:
    busy.ledger(152, "judged", check="none", passed=True, statement="nothing was promised")
    shutil.copytree(busy.folder.path, tmp_path / "copy")
    (tmp_path / "copy" / "progress.jsonl").unlink()
    status = read_status(RunFolder(tmp_path / "copy"))
    assert (status.state, status.rounds_played, status.rounds_total) == ("finished", 2, 6)
    assert status.storage_bytes == sum(path.stat().st_size for path in (tmp_path / "copy").iterdir())


def test_without_its_configuration_the_number_of_rounds_is_unknown(busy: Any) -> None:
    busy.folder.config.unlink()
    status = busy.status(111)
    assert (status.rounds_total, status.estimate, status.state, status.name) == (None, None, "training", "smoke")


@pytest.mark.parametrize("line", ['{"time":"x","kind":"round","round":9}', '{"time":"x","kind":"site-asked"}', "torn"])
def test_a_line_of_another_kind_is_counted_and_costs_nothing_else(busy: Any, line: str) -> None:
    for path in (busy.folder.ledger, busy.folder.progress):
        with path.open("a") as file:
            file.write(line + "\n")
    status = busy.status(111)
    assert status.unreadable_lines == 2
    assert status.silent_s == 1.0
    assert status.rounds_played == 2


def test_a_status_is_json_and_carries_the_disclaimer(busy: Any) -> None:
    plain = json.loads(json.dumps(busy.status(111).to_json(), allow_nan=False))
    assert plain["disclaimer"].startswith("Research use only")
    assert plain["sites"][0]["name"] == "east"
    assert plain["curves"]["dice.wt"]["pooled"][0]["cases"] == 6


def test_only_new_lines_are_read(busy: Any) -> None:
    assert busy.status(111).rounds_played == 2
    busy.round(150, 3, {"north": (9, 3, 0.5)})
    assert busy.status(151).rounds_played == 3
