"""Rounds at one phantom hospital, through its real application: what stays, what travels, and what a crash costs."""

import json
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from flwr.app import Context, Message, MessageType, RecordDict
from flwr.supercore.task_identity import TaskIdentity

import client.app
import client.rounds.local_evaluation
from client.node.attendance import LEFT, PAUSED, stay_away
from client.node.event_reading import EventReader
from client.node.heartbeat import read_beat
from client.rounds.state import state_before
from client.site import read_site
from gmmas_core import wire
from gmmas_core.config import Config, config_hash, load_config
from gmmas_core.data.manifest import read_cases
from gmmas_core.data.phantom import write_federation
from gmmas_core.model.gmmas import build_model
from gmmas_core.model.parameter_groups import GROUPS, group_of
from gmmas_core.provenance import core_fingerprint
from gmmas_core.types import EvaluationPlan, FederationError, RoundPlan, SiteUpdate, Sum
from gmmas_core.weights import weights_hash, weights_of

OVERRIDES = (
    "experiment=smoke",
    "data.spacing_mm=6",
    "model=smallest",
    "training.local_steps=2",
    "data.validation_share=0.34",
    "data.holdout_share=0",
    "evaluation.overlap=0",
    "evaluation.max_validation_cases=1",
)
EVERYTHING = (
    "strategy.signals=[doubt,gradient_variance,improvement,pseudo_labels]",
    "strategy.local_groups=[uncertainty,norm]",
    "strategy.proximal=0.1",
    "exchange=int8",
)
Weights = Mapping[str, np.ndarray]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hospital whose cases are prepared; tests work on copies of it."""
    (site,) = write_federation(tmp_path_factory.mktemp("rounds") / "sites", sites=1, cases=6, size=32, seed=1)
    with (site / "site.yaml").open("a") as file:
        file.write("threads: 1\n")
    talk = Talk(site, ())
    talk.train(1, talk.start)
    for leftover in ("replies", "rounds"):
        shutil.rmtree(site / ".gmmas" / leftover)
    (site / ".gmmas" / "witness.jsonl").unlink()
    return site


@pytest.fixture
def site(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "site"))


class Talk:
    """A coordinator of one site."""

    def __init__(self, site: Path, extra: Sequence[str]) -> None:
        self.site, self.overrides = site, [*OVERRIDES, *extra]
        self.config: Config = load_config(self.overrides)
        model = build_model(self.config.model, self.config.task_list, loss=self.config.loss, seed=0)
        self.fingerprint = core_fingerprint(model, self.config).digest
        self.start: Weights = weights_of(model)

    def plan(self, number: int, weights: Weights) -> RoundPlan:
        return RoundPlan(
            run_id="aa",
            round=number,
            seed=0,
            weights_hash=weights_hash(weights),
            stage="supervised",
            local_steps=2,
            lr=1e-2,
            tasks=self.config.task_list,
            deadline_s=10.0,
            config_hash=config_hash(self.config),
            core_fingerprint=self.fingerprint,
            ledger_head=f"head{number}",
        )

    def train(self, number: int, weights: Weights) -> RecordDict:
        content = wire.plan_to_content(self.plan(number, weights), self.overrides, weights)
        return self._ask(content, MessageType.TRAIN)

    def ask_to_train(self, plan: RoundPlan) -> str:
        """The reason of its refusal."""
        content = self._ask(wire.plan_to_content(plan, self.overrides, self.start), MessageType.TRAIN)
        return str(content["refusal"]["reason"])

    def update(self, number: int, weights: Weights) -> SiteUpdate:
        content = self.train(number, weights)
        return wire.read_update(content, weights, encoding=self.config.exchange.encoding)

    def scores(self, number: int, weights: Weights) -> Mapping[str, Any]:
        return wire.read_scores(self.evaluate(number, weights)).metrics

    def evaluate(self, number: int, weights: Weights, subject: str = "global") -> RecordDict:
        plan = EvaluationPlan(
            run_id="aa",
            round=number,
            seed=0,
            weights_hash=weights_hash(weights),
            split="validation",
            subject=subject,
            config_hash=config_hash(self.config),
            core_fingerprint=self.fingerprint,
            deadline_s=10.0,
        )
        content = wire.plan_to_content(plan, self.overrides, weights)
        return self._ask(content, MessageType.EVALUATE)

    def _ask(self, content: RecordDict, kind: str) -> RecordDict:
        TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1
        message = Message(content, 1, kind)
        message.metadata.__dict__["_message_id"] = "m"
        config = {"site": str(self.site / "site.yaml")}
        context = Context(run_id=1, node_id=1, node_config=config, state=RecordDict(), run_config={})
        return client.app.app(message, context).content


def sent(content: RecordDict) -> tuple[Any, ...]:
    """All that a reply says, but how long it took."""
    counts = {key: value for key, value in content["counts"].items() if key != "duration-s"}
    arrays = {name: array.data for name, array in content["weights"].items()}
    return arrays, counts, dict(content["metrics"]), dict(content["reply"])


def test_log_variances_stay_by_default_and_go_on_from_round_to_round(site: Path) -> None:
    talk = Talk(site, ())
    first = talk.update(1, talk.start)
    kept = state_before(site / ".gmmas", "aa", 2).local
    assert set(kept) == {name for name in talk.start if name.startswith("uncertainty.")}
    for name, value in talk.start.items():
        is_local = group_of(name).startswith("uncertainty")
        if is_local:
            np.testing.assert_array_equal(first.weights[name], value)
            assert first.seen[group_of(name)] == 0
            assert first.uncertainty[name.removeprefix("uncertainty.log_variance_")] == kept[name].item()
    assert any(value.item() != 0 for value in kept.values()), "they have learned something"
    assert first.seen["trunk"] > 0
    second = talk.update(2, first.weights)
    # From two steps of AdamW at 1e-2 a value moves by 0.02: both rounds together are seen only if one follows another.
    assert max(abs(value) for value in second.uncertainty.values()) > 0.03


def test_a_round_that_is_repeated_begins_where_it_began(site: Path) -> None:
    talk = Talk(site, EVERYTHING)
    weights = talk.update(1, talk.start).weights
    expected = sent(talk.train(2, weights))
    shutil.rmtree(site / ".gmmas" / "replies")
    assert sent(talk.train(2, weights)) == expected


def test_a_site_killed_before_its_reply_was_stored_sends_what_it_would_have_sent(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(site, EVERYTHING)
    weights = talk.update(1, talk.start).weights
    twin = Talk(Path(shutil.copytree(site, tmp_path / "twin")), EVERYTHING)
    expected = sent(twin.train(2, weights))
    with monkeypatch.context() as patched:
        patched.setattr(client.app, "store_reply", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            talk.train(2, weights)
    names = [path.name for path in sorted((site / ".gmmas" / "rounds" / "aa").iterdir())]
    assert names == ["00001.safetensors", "00002.safetensors"], "the state was written, the reply was not"
    assert not list((site / ".gmmas" / "replies" / "aa").glob("00002-*"))
    content = talk.train(2, weights)
    assert sent(content) == expected
    again = talk.train(2, weights)
    assert (sent(again), again["counts"]) == (expected, content["counts"]), "from the store"


def test_every_signal_is_there_and_can_be(site: Path) -> None:
    talk = Talk(site, EVERYTHING)
    metrics = talk.update(1, talk.start).metrics
    names = ("segmentation", *(task.value for task in talk.config.task_list))
    expected = {f"signal.{kind}.{name}" for kind in ("epistemic", "aleatoric") for name in names}
    expected |= {f"signal.{kind}.{name}" for kind in ("pseudo_labels", "pseudo_labels_known") for name in names}
    expected |= {f"signal.gradient_variance.{group}" for group in GROUPS(talk.config.task_list)}
    expected |= {"signal.loss_before", "signal.loss_after"}
    assert {key for key in metrics if key.startswith("signal.")} == expected
    for name in names:
        for kind in ("epistemic", "aleatoric"):
            doubt = metrics[f"signal.{kind}.{name}"]
            assert isinstance(doubt, Sum)
            assert doubt.count == 1
            assert 0 < doubt.total < (np.log(4) if name == "segmentation" else np.log(2))
        assert metrics[f"signal.pseudo_labels.{name}"] == Sum(0.0, 0)
    cases = read_cases(site, "north", holdout_share=0.0, validation_share=0.34)
    masks = sum(case.mask is not None and case.split == "train" for case in cases)
    assert masks > 0
    assert metrics["signal.pseudo_labels_known.segmentation"] == Sum(float(masks), masks)
    for when in ("before", "after"):
        loss = metrics[f"signal.loss_{when}"]
        assert isinstance(loss, Sum)
        assert loss.count == 1
        assert 0 < loss.total < 2
    assert metrics["signal.loss_before"] != metrics["signal.loss_after"]
    trunk = metrics["signal.gradient_variance.trunk"]
    assert isinstance(trunk, Sum)
    assert (trunk.count, trunk.total > 0) == (2, True)
    assert "train-loss.proximal" in metrics


def test_no_signal_is_measured_that_nobody_asked_for(site: Path) -> None:
    talk = Talk(site, ())
    metrics = talk.update(1, talk.start).metrics
    assert not [key for key in metrics if key.startswith("signal.")]
    assert "train-loss.proximal" not in metrics


def test_signals_below_the_cohort_floor_are_emptied_and_their_keys_stay(site: Path) -> None:
    settings = (site / "site.yaml").read_text()
    (site / "site.yaml").write_text(settings.replace("cohort_floor: 1", "cohort_floor: 3"))
    talk = Talk(site, EVERYTHING)
    metrics = talk.update(1, talk.start).metrics
    assert metrics["signal.epistemic.idh"] == metrics["signal.loss_after"] == Sum(0.0, 0)
    assert metrics["signal.gradient_variance.trunk"] == Sum(0.0, 0)
    assert metrics["signal.pseudo_labels_known.segmentation"] == Sum(3.0, 3)


def test_an_evaluation_reads_with_the_sites_own_norms(site: Path) -> None:
    talk = Talk(site, ("strategy.local_groups=[uncertainty,norm]",))
    before = talk.scores(0, talk.start)
    talk.update(1, talk.start)
    assert talk.scores(0, talk.start) == before, "round 0 has no state"
    assert talk.scores(1, talk.start) != before


def test_a_group_that_is_none_is_refused(site: Path) -> None:
    talk = Talk(site, ("strategy.local_groups=[norms]",))
    with pytest.raises(FederationError, match=r"local_groups: found \['norms'\]"):
        talk.update(1, talk.start)


def test_every_accepted_request_is_witnessed(site: Path) -> None:
    talk = Talk(site, ())
    talk.update(1, talk.start)
    talk.update(1, talk.start)
    refused = replace(talk.plan(2, talk.start), config_hash="00")
    talk._ask(wire.plan_to_content(refused, talk.overrides, talk.start), MessageType.TRAIN)
    lines = [json.loads(line) for line in (site / ".gmmas" / "witness.jsonl").read_text().splitlines()]
    assert [(line["round"], line["ledger_head"]) for line in lines] == [(1, "head1"), (1, "head1")]


def settings(site: Path, more: str) -> None:
    with (site / "site.yaml").open("a") as file:
        file.write(f"{more}\n")


def heard(site: Path) -> list[tuple[str, int]]:
    return [(event["event"], event["round"]) for event in EventReader(site / ".gmmas").so_far()]


def test_what_a_site_did_is_in_its_log(site: Path) -> None:
    (site / ".gmmas" / "events.jsonl").unlink()
    talk = Talk(site, ())
    talk.update(1, talk.start)
    talk.train(1, talk.start)
    talk.scores(1, talk.start)
    talk.ask_to_train(replace(talk.plan(2, talk.start), config_hash="00"))
    expected = [("asked", 1), ("trained", 1), ("asked", 1), ("resent", 1), ("asked", 1), ("evaluated", 1)]
    assert heard(site) == [*expected, ("asked", 2), ("refused", 0)]
    log = (site / ".gmmas" / "events.jsonl").read_text()
    assert not [
        case for case in read_cases(site, "north", holdout_share=0, validation_share=0.3) if case.case_id in log
    ]


def test_too_small_a_cohort_is_refused_before_training(site: Path) -> None:
    text = (site / "site.yaml").read_text()
    (site / "site.yaml").write_text(text.replace("cohort_floor: 1", "cohort_floor: 50"))
    talk = Talk(site, ())
    for stage in ("supervised", "calibrate", "pseudo_label"):
        reason = talk.ask_to_train(replace(talk.plan(1, talk.start), stage=stage))
        assert "fewer training cases than the cohort floor; expected at least 50" in reason
    assert not (site / ".gmmas" / "witness.jsonl").exists(), "nothing was begun"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("limits: {local_steps: 1}", "policy: found local_steps 2 (at most 1)"),
        ("limits: {crop_edge: 8}", "model.crop_size 16 (at most 8)"),
        ("min_free_disk_gb: 100000", "resources: found"),
        ("limits: {duration_s: 10.5}", "federation.deadline_s 3600 (at most 10.5)"),
    ],
)
def test_a_limit_of_the_hospital_is_refused_before_training(site: Path, more: str, says: str) -> None:
    settings(site, more)
    talk = Talk(site, ())
    assert says in talk.ask_to_train(talk.plan(1, talk.start))
    assert not (site / ".gmmas" / "witness.jsonl").exists(), "nothing was begun"


def leave_when_it_trains(site: Path, order: str) -> threading.Thread:
    state = site / ".gmmas"

    def leave() -> None:
        deadline = time.monotonic() + 120
        while getattr(read_beat(state), "state", "") != "training" and time.monotonic() < deadline:
            time.sleep(0.01)
        stay_away(read_site(site), order, "enough", datetime.now(UTC))

    thread = threading.Thread(target=leave)
    thread.start()
    return thread


def test_leaving_ends_the_round_that_is_played(site: Path) -> None:
    talk = Talk(site, ())
    leaving = leave_when_it_trains(site, LEFT)
    # Played to its end, this round would take a quarter of an hour.
    reason = talk.ask_to_train(replace(talk.plan(1, talk.start), local_steps=10_000))
    leaving.join()
    assert "has left the federation" in reason
    assert "enough" not in reason
    assert getattr(read_beat(site / ".gmmas"), "state", "") == "idle"
    assert not (site / ".gmmas" / "replies").exists()
    assert not (site / ".gmmas" / "rounds").exists()
    assert [event for event, _ in heard(site)][-3:] == ["asked", "left", "refused"]


def test_pausing_lets_the_round_that_is_played_end(site: Path) -> None:
    talk = Talk(site, ())
    pausing = leave_when_it_trains(site, PAUSED)
    content = wire.plan_to_content(replace(talk.plan(1, talk.start), local_steps=20), talk.overrides, talk.start)
    update = wire.read_update(talk._ask(content, MessageType.TRAIN), talk.start)
    pausing.join()
    assert update.num_cases > 0
    assert "paused" in talk.ask_to_train(talk.plan(2, talk.start))


def test_leaving_ends_an_evaluation_too(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(site, ())
    own = client.app.evaluate_locally

    def left_meanwhile(*given: Any) -> Any:
        stay_away(read_site(site), LEFT, "", datetime.now(UTC))
        return own(*given)

    monkeypatch.setattr(client.app, "evaluate_locally", left_meanwhile)
    assert "has left" in str(talk.evaluate(1, talk.start)["refusal"]["reason"])
    assert not (site / ".gmmas" / "egress.jsonl").read_text().count('"what":"evaluate"')


def test_leaving_ends_the_reading_of_a_case(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(site, ())
    own, ended = client.rounds.local_evaluation.predict_case, []

    def left_meanwhile(*given: Any, **named: Any) -> Any:
        stay_away(read_site(site), LEFT, "", datetime.now(UTC))
        try:
            return own(*given, **named)
        except FederationError:
            ended.append("within the case")
            raise

    monkeypatch.setattr(client.rounds.local_evaluation, "predict_case", left_meanwhile)
    assert "has left" in str(talk.evaluate(1, talk.start)["refusal"]["reason"])
    assert ended == ["within the case"]


def test_training_alone_keeps_to_the_sites_own_list_of_stages(site: Path) -> None:
    settings(site, "allowed_stages: [finetune]")
    talk = Talk(site, ())
    reason = str(talk.evaluate(0, talk.start, "local_only")["refusal"]["reason"])
    assert reason == "policy: found stage 'supervised'; expected any of ['finetune']"
    assert wire.read_scores(talk.evaluate(0, talk.start)).num_cases > 0


def test_running_out_of_memory_is_a_refusal(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(site, ())
    with monkeypatch.context() as patched:
        patched.setattr(client.app, "train_locally", lambda *_: torch.empty(2**60))
        assert "ran out of memory" in talk.ask_to_train(talk.plan(1, talk.start))
    assert "DefaultCPUAllocator" in (site / ".gmmas" / "failures.log").read_text()
    assert talk.update(1, talk.start).num_cases > 0


def test_a_hostile_override_tells_nothing_of_this_machine(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "hunter2-of-this-hospital"
    monkeypatch.setenv("GMMAS_SECRET", secret)
    talk = Talk(site, ())
    plain = list(talk.overrides)
    for value in (
        "${oc.env:GMMAS_SECRET}",
        "$\\{oc.env:GMMAS_SECRET}",
        "'\\${oc.env:GMMAS_SECRET}'",
        "${hydra:runtime.cwd}",
    ):
        for key in ("training.lr", "name", "notice", "model", "tasks"):
            talk.overrides = [*plain, f"{key}={value}"]
            reason = talk.ask_to_train(talk.plan(1, talk.start))
            assert reason.startswith("policy: found ")
            assert key in reason
    for file in (site / ".gmmas").glob("*.*"):
        assert secret.encode() not in file.read_bytes(), file


def test_a_broken_table_is_told_without_its_words(site: Path) -> None:
    table = site / "participants.tsv"
    table.write_text(table.read_text() + "Jane_Doe\tperhaps\tx\n")
    talk = Talk(site, ())
    reason = talk.ask_to_train(talk.plan(1, talk.start))
    assert reason.startswith("data: found problems in this site's cases")
    assert "Jane_Doe" in (site / ".gmmas" / "failures.log").read_text()
    assert "Jane" not in (site / ".gmmas" / "events.jsonl").read_text()
