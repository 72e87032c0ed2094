"""The budget of a data set: paid before training, over runs and restarts, and never given back."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from client.data.local_data import LocalData, open_local_data
from client.privacy.budget import budget_lines, note_unprotected, reserve, spent_epsilon
from client.privacy.budget_ledger import FILE, HEAD
from client.privacy.protected_round import num_patients, protect, require_private_question, without_training_metrics
from client.site import Site, read_site
from gmmas_core.config import Config, load_config
from gmmas_core.privacy.accounting import Steps, epsilon_of
from gmmas_core.training.protection import Spent, sample_rate
from gmmas_core.types import EvaluationPlan, FederationError, Metric, RoundPlan, Sum
from server.lab.engines import in_process
from server.records.run_folder import RunFolder
from server.run import RunPaused

MakeSite = Callable[..., Site]
MakePlan = Callable[..., RoundPlan]

ROUND = Spent(noise_multiplier=4.0, sample_rate=1.0, steps=10)
"""Of a site that takes all its patients in every step: exact, and accounted for in no time."""

ONE_ROUND = epsilon_of([Steps(4.0, 1.0, 10)], 1e-5).epsilon
TWO_ROUNDS = epsilon_of([Steps(4.0, 1.0, 20)], 1e-5).epsilon


def cases(patients: int) -> LocalData:
    """A training split: every patient with two studies."""
    found = [SimpleNamespace(patient_id=f"p{n // 2}", split="train") for n in range(2 * patients)]
    return cast("LocalData", SimpleNamespace(split=lambda name: found if name == "train" else []))


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(
        [
            "experiment=smoke",
            "curriculum.stages=[{stage:supervised,rounds:2},{stage:calibrate,rounds:1},{stage:global_pretrain,rounds:1}]",
            "training.local_steps=10",
            "training.batch_size=20",
            "data.tumor_cutmix=none",
            "loss.class_weighting=none",
        ]
    )


def test_epsilon_is_of_the_data_set_over_rounds_restarts_and_runs(site: MakeSite, plan: MakePlan) -> None:
    north = site(epsilon=TWO_ROUNDS)
    reserve(north, plan(1), ROUND, 20)
    assert spent_epsilon(north).epsilon == pytest.approx(ONE_ROUND)
    reserve(site(epsilon=TWO_ROUNDS), plan(1, run_id="bb"), ROUND, 20)  # read anew from the disk, another run
    spent = spent_epsilon(north)
    assert (spent.rounds, spent.runs, spent.steps, spent.accountant) == (2, 2, 20, "gaussian")
    assert spent.epsilon == pytest.approx(TWO_ROUNDS)
    before = (north.state / FILE).read_bytes()
    with pytest.raises(FederationError, match=r"^policy: .*its budget is used up") as refused:
        reserve(north, plan(2, run_id="cc"), Spent(noise_multiplier=500.0, sample_rate=1.0, steps=1), 20)
    assert (north.state / FILE).read_bytes() == before, "a refused round is no spending"
    assert f"{TWO_ROUNDS:.1f}" not in str(refused.value), "how much was spent is the site's own"
    with pytest.raises(FederationError, match=r"epsilon 6\.\d+ of"):
        reserve(site(epsilon=TWO_ROUNDS, tell_epsilon=True), plan(2), ROUND, 20)


def test_the_same_round_trained_anew_is_paid_again(site: MakeSite, plan: MakePlan) -> None:
    north = site(epsilon=100.0)
    reserve(north, plan(1), ROUND, 20)
    reserve(north, plan(1), ROUND, 20)
    assert spent_epsilon(north).epsilon == pytest.approx(TWO_ROUNDS)


def _cut(ledger: Path, head: Path) -> None:
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:-1]))


def _tear(ledger: Path, head: Path) -> None:
    ledger.write_bytes(ledger.read_bytes()[:-9])


def _edit(ledger: Path, head: Path) -> None:
    ledger.write_bytes(ledger.read_bytes().replace(b'"steps":10', b'"steps":01'))


def _lose(ledger: Path, head: Path) -> None:
    ledger.unlink()


def _lose_head(ledger: Path, head: Path) -> None:
    head.unlink()


def _blur_head(ledger: Path, head: Path) -> None:
    head.write_bytes(b"{")


def _shorten_both_lines_only(ledger: Path, head: Path) -> None:
    _cut(ledger, head)
    head.write_text(json.dumps({**json.loads(head.read_text()), "lines": 1}))


@pytest.mark.parametrize("damage", [_cut, _tear, _edit, _lose, _lose_head, _blur_head, _shorten_both_lines_only])
def test_a_damaged_or_shortened_ledger_gives_nothing_back(
    site: MakeSite, plan: MakePlan, damage: Callable[[Path, Path], None]
) -> None:
    north = site(epsilon=1000.0)
    for number in (1, 2):
        reserve(north, plan(number), ROUND, 20)
    damage(north.state / FILE, north.state / HEAD)
    with pytest.raises(FederationError, match=r"^policy: found this site's privacy ledger unusable"):
        reserve(north, plan(3), ROUND, 20)
    with pytest.raises(FederationError, match="unusable"):
        spent_epsilon(north)


def test_a_crash_between_line_and_head_costs_and_does_not_block(site: MakeSite, plan: MakePlan) -> None:
    north = site(epsilon=1000.0)
    reserve(north, plan(1), ROUND, 20)
    older = (north.state / HEAD).read_bytes()
    reserve(north, plan(2), ROUND, 20)
    (north.state / HEAD).write_bytes(older)
    assert spent_epsilon(north).epsilon == pytest.approx(TWO_ROUNDS)
    reserve(north, plan(3), ROUND, 20)
    assert spent_epsilon(north).rounds == 3


def test_two_at_once_cannot_spend_the_same_budget(site: MakeSite, plan: MakePlan) -> None:
    north = site(epsilon=epsilon_of([Steps(4.0, 1.0, 30)], 1e-5).epsilon)

    def take(number: int) -> bool:
        try:
            reserve(north, plan(number), ROUND, 20)
        except FederationError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(1, 9)))
    assert sum(taken) == 3
    assert spent_epsilon(north).rounds == 3


def test_delta_must_be_below_one_in_the_patients(site: MakeSite, plan: MakePlan, config: Config) -> None:
    with pytest.raises(FederationError, match=r"^policy: found privacy.delta 0.05 for 20 training patients"):
        protect(site(epsilon=8.0, delta=0.05, noise_multiplier=9.0), plan(1), config, cases(20))


def test_noise_is_chosen_once_per_run_for_what_the_run_still_has(
    site: MakeSite, plan: MakePlan, config: Config
) -> None:
    north = site(epsilon=6.0, target_epsilon=5.0)
    noises, secrets = [], set()
    for number, stage in ((1, "supervised"), (2, "supervised"), (4, "global_pretrain")):
        protection = protect(north, plan(number, stage=stage), config, cases(20))
        assert protection is not None
        noises.append(protection.noise_multiplier)
        secrets.add(protection.secret)
    assert len(set(noises)) == 1
    assert len(secrets) == 3
    assert min(secrets) > 2**128
    assert 4.9 < spent_epsilon(north).epsilon <= 5.0, "three rounds of ten steps are what the target was for"
    with pytest.raises(FederationError, match=r"grants one run .privacy.target_epsilon"):
        protect(north, plan(4, stage="global_pretrain"), config, cases(20))
    other = protect(north, plan(4, run_id="bb", stage="global_pretrain"), config, cases(20))
    assert other is not None
    assert 5.9 < spent_epsilon(north).epsilon <= 6.0, "the second run gets what the data set has left, not its target"


def test_the_sites_own_noise_goes_before_and_stages_without_gradients_are_free(
    site: MakeSite, plan: MakePlan, config: Config
) -> None:
    north = site(epsilon=50.0, noise_multiplier=3.0, target_epsilon=0.1, max_grad_norm=0.5)
    protection = protect(north, plan(1), config, cases(20))
    assert protection is not None
    assert (protection.noise_multiplier, protection.max_grad_norm) == (3.0, 0.5)
    before = spent_epsilon(north)
    assert protect(north, plan(3, stage="calibrate"), config, cases(20)) is None
    assert spent_epsilon(north) == before
    (line,) = (north.state / FILE).read_text().splitlines()
    assert {key: json.loads(line)[key] for key in ("sample_rate", "steps", "patients")} == {
        "sample_rate": 1.0,
        "steps": 10,
        "patients": 20,  # forty studies
    }


def test_settings_that_mix_patients_are_refused_before_anything_is_paid(
    site: MakeSite, plan: MakePlan, config: Config
) -> None:
    north = site(epsilon=8.0, noise_multiplier=9.0)
    mixing = load_config(["experiment=smoke", "data.tumor_cutmix=paper"])
    with pytest.raises(FederationError, match="mix patients"):
        protect(north, plan(1), mixing, cases(20))
    assert not (north.state / FILE).exists()


def test_rounds_without_protection_are_remembered_and_told(site: MakeSite, plan: MakePlan, config: Config) -> None:
    assert protect(site(), plan(1), config, cases(20)) is None
    assert not any("epsilon 0" in line for line in budget_lines(site()))  # nothing protected is not nothing spent
    assert protect(site(), plan(3, stage="calibrate"), config, cases(20)) is None
    north = site(epsilon=8.0, noise_multiplier=9.0)
    protect(north, plan(2), config, cases(20))
    spent = spent_epsilon(north)
    assert (spent.rounds, spent.unprotected_rounds) == (1, 1)
    assert "1 rounds were trained without protection" in budget_lines(north)[0]
    note_unprotected(site(), plan(3))
    assert json.dumps(spent_epsilon(north).to_json())


@pytest.mark.parametrize(
    ("question", "says"),
    [({"split": "train"}, "scores of training patients"), ({"subject": "local_only"}, "trained here alone")],
)
def test_questions_that_go_past_the_noise_are_refused(
    site: MakeSite, config: Config, question: dict[str, str], says: str
) -> None:
    fields: dict[str, Any] = {"run_id": "aa", "round": 1, "seed": 0, "weights_hash": "0", "config_hash": "0"}
    fields |= {"core_fingerprint": "0", "deadline_s": 1.0, "split": "validation", "subject": "global"}
    asked = EvaluationPlan(**fields | question)
    with pytest.raises(FederationError, match=f"^policy: .*{says}"):
        require_private_question(site(epsilon=8.0), asked, config)
    require_private_question(site(), asked, config)
    require_private_question(site(epsilon=8.0), EvaluationPlan(**fields), config)


def test_metrics_of_training_patients_are_emptied_whatever_they_are_called(site: MakeSite) -> None:
    metrics: dict[str, Metric] = {
        "train-loss.total": Sum(3.0, 2),
        "pseudo-accepted.idh.1": Sum(4.0, 9),
        "signal.pseudo_labels.idh": Sum(2.5, 4),
        "signal.gradient_variance.idh": Sum(2.5, 4),
        "something-new": (1, 2, 3),
        "signal.loss_before": Sum(1.5, 4),
        "pseudo-audit.idh": Sum(1.0, 2),
        "calibration.idh.3": Sum(0.1, 6),
    }
    kept = without_training_metrics(site(epsilon=8.0), metrics)
    assert kept.keys() == metrics.keys()
    assert {key for key in kept if kept[key] == metrics[key]} == {
        "signal.loss_before",
        "pseudo-audit.idh",
        "calibration.idh.3",
    }
    assert kept["something-new"] == (0, 0, 0)
    assert without_training_metrics(site(), metrics) == metrics


PRIVATE = (
    "rounds=3",
    "data.tumor_cutmix=none",
    "loss.class_weighting=none",
    "evaluation.local_only=false",
    "federation.void_repeats=0",
    "training.batch_size=4",
)


@pytest.mark.slow
def test_hospitals_stop_taking_part_when_their_budgets_are_used_up(
    sites: list[Path], overrides: tuple[str, ...], tmp_path: Path
) -> None:
    """Two of three rounds are paid for; the coordinator's repeated question of a finished round costs nothing."""
    own = [Path(shutil.copytree(folder, tmp_path / "sites" / folder.name)) for folder in sites]
    config = load_config([*overrides, *PRIVATE])
    rate = sample_rate(config, num_patients(open_local_data(read_site(own[0]), config)))
    budget = epsilon_of([Steps(2.0, rate, 4)], 1e-5).epsilon * 1.001
    for folder in own:
        with (folder / "site.yaml").open("a") as file:
            file.write(f"privacy: {{epsilon: {budget}, noise_multiplier: 2.0}}\n")
    run = RunFolder(tmp_path / "run")
    with pytest.raises(RunPaused, match="its budget is used up"):
        in_process(own, [*overrides, *PRIVATE], run, lambda kind, fields: None)
    for folder in own:
        north = read_site(folder)
        spent = spent_epsilon(north)
        assert (spent.rounds, spent.steps, spent.unprotected_rounds) == (2, 4, 0)
        assert spent.epsilon <= budget
        assert "budget is used up" in (north.state / "events.jsonl").read_text()
    newest = sorted(run.checkpoints.glob("round-*"))[-1]
    shutil.rmtree(newest)  # as a crash before the second round's checkpoint leaves it: that round is asked for again
    with pytest.raises(RunPaused, match="its budget is used up"):
        in_process(own, [*overrides, *PRIVATE], run, lambda kind, fields: None)
    assert [spent_epsilon(read_site(folder)).rounds for folder in own] == [2, 2, 2], "from the store, at no cost"
    assert newest.is_dir()
