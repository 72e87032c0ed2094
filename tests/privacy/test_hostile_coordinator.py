"""A coordinator that wants more than it should have, through the site's real application: what leaves each time."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, Context, Message, MessageType, RecordDict
from flwr.supercore.task_identity import TaskIdentity
from typer.testing import CliRunner

import client.app
from client.cli import app as cli
from client.egress import EGRESS
from client.rounds.reply import UNRECORDED
from gmmas_core import wire
from gmmas_core.config import config_hash, load_config
from gmmas_core.data.phantom import write_federation
from gmmas_core.hash_chain import verify
from gmmas_core.model.gmmas import build_model
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.provenance import core_fingerprint
from gmmas_core.types import EvaluationPlan, RoundPlan, Sum
from gmmas_core.weights import weights_hash, weights_of
from server.lab.engines import in_process
from server.ledger import entries_of
from server.records.run_folder import RunFolder

FLOOR = 5
SHARE = "data.validation_share=0.3"
OVERRIDES = (
    "experiment=smoke",
    "data.spacing_mm=6",
    "model=smallest",
    "data.holdout_share=0.2",
    "evaluation.overlap=0",
    "evaluation.bootstrap=20",
)
Evil = Callable[["Coordinator"], RecordDict]


class Coordinator:
    """Asks one site whatever it likes."""

    def __init__(self, site: Path, *extra: str) -> None:
        self.site, self.overrides = site, [*OVERRIDES, SHARE, *extra]
        self.config = load_config(self.overrides)
        model = build_model(self.config.model, self.config.task_list, loss=self.config.loss, seed=0)
        self.fingerprint = core_fingerprint(model, self.config).digest
        self.weights = weights_of(model)

    def plan(self, **other: Any) -> RoundPlan:
        fields: dict[str, Any] = {
            **self._common(),
            "round": 1,
            "stage": "supervised",
            "local_steps": 1,
            "lr": 1e-3,
            "tasks": self.config.task_list,
        }
        return RoundPlan(**fields | other)

    def scoring(self, split: str, **other: Any) -> EvaluationPlan:
        fields: dict[str, Any] = {**self._common(), "round": 0, "split": split, "subject": "global"}
        return EvaluationPlan(**fields | other)

    def request(self, plan: RoundPlan | EvaluationPlan) -> RecordDict:
        return wire.plan_to_content(plan, self.overrides, self.weights)

    def train(self, **other: Any) -> RecordDict:
        return self.ask(self.request(self.plan(**other)), MessageType.TRAIN)

    def evaluate(self, split: str, **other: Any) -> RecordDict:
        return self.ask(self.request(self.scoring(split, **other)), MessageType.EVALUATE)

    def query(self) -> RecordDict:
        return self.ask(wire.query_to_content(self.overrides), MessageType.QUERY)

    def ask(self, content: RecordDict, kind: str) -> RecordDict:
        TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1
        message = Message(content, 1, kind)
        message.metadata.__dict__["_message_id"] = "m"
        config = {"site": str(self.site / "site.yaml")}
        context = Context(run_id=1, node_id=1, node_config=config, state=RecordDict(), run_config={})
        return client.app.app(message, context).content

    def _common(self) -> dict[str, Any]:
        return {
            "run_id": "aa",
            "seed": 0,
            "weights_hash": weights_hash(self.weights),
            "deadline_s": 60.0,
            "config_hash": config_hash(self.config),
            "core_fingerprint": self.fingerprint,
        }


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """13 training, 8 validation and 3 holdout cases; 4 of all 24 have T2; nothing about fewer than 5 may leave."""
    (site,) = write_federation(tmp_path_factory.mktemp("evil") / "sites", sites=1, cases=24, size=32, seed=1)
    settings = (site / "site.yaml").read_text().replace("cohort_floor: 1", f"cohort_floor: {FLOOR}")
    (site / "site.yaml").write_text(f"{settings}threads: 1\n")
    for t2 in sorted(site.glob("*/*_t2.nii.gz"))[4:]:
        t2.unlink()
    return site


@pytest.fixture
def site(hospital: Path, tmp_path: Path) -> Path:
    """A copy that has answered nothing yet."""
    return Path(shutil.copytree(hospital, tmp_path / "north"))


def policy(site: Path, line: str) -> None:
    with (site / "site.yaml").open("a") as file:
        file.write(f"{line}\n")


def departures(site: Path) -> Sequence[Mapping[str, Any]]:
    return verify(site / ".gmmas" / EGRESS).entries


def refusal(content: RecordDict) -> str:
    assert list(content) == ["refusal"], "nothing else leaves"
    return str(content["refusal"]["reason"])


def with_records(talk: Coordinator) -> RecordDict:
    content = talk.request(talk.plan())
    content["images"] = ArrayRecord({"raw": Array(np.zeros(3, np.float32))})
    return talk.ask(content, MessageType.TRAIN)


def with_fields(talk: Coordinator) -> RecordDict:
    content = talk.request(talk.scoring("holdout"))
    content["request"]["per-case"] = True
    return talk.ask(content, MessageType.EVALUATE)


def with_query_fields(talk: Coordinator) -> RecordDict:
    content = wire.query_to_content(talk.overrides)
    content["request"]["case-ids"] = True
    return talk.ask(content, MessageType.QUERY)


def with_override(override: str) -> Evil:
    def ask(talk: Coordinator) -> RecordDict:
        talk.overrides.append(override)
        return talk.query()

    return ask


REFUSED: Mapping[str, tuple[Evil, str, str]] = {
    "raw data as a record": (with_records, "", "found 1 records and 0 fields"),
    "numbers per case as a field": (with_fields, "", "found 0 records and 1 fields"),
    "pseudonyms as a field": (with_query_fields, "", "found 0 records and 1 fields"),
    "one case as a split": (lambda talk: talk.evaluate("sub-010001"), "", "found another split"),
    "another stage": (lambda talk: talk.train(stage="send_images"), "", "found stage"),
    "more rounds than allowed": (lambda talk: talk.train(round=10**6), "", "round 1e+06 (at most 5000)"),
    "too many steps": (lambda talk: talk.train(local_steps=10**9), "", "local_steps 1e+09"),
    "other code": (lambda talk: talk.train(core_fingerprint="00"), "", "another core fingerprint"),
    "code that this site has not read": (
        lambda talk: talk.query(),
        "privacy: {fingerprints: [aa]}",
        "fingerprint that is not on this site's list",
    ),
    "another strategy": (lambda talk: talk.query(), "privacy: {strategies: [median]}", "found strategy masked_fedavg"),
    "a single update where only sums may leave": (
        lambda talk: talk.train(),
        "privacy: {secure_sum: required}",
        "this site sends no single update",
    ),
    "a lower floor": (with_override("cohort_floor=1"), "", "found override cohort_floor"),
    "a lower floor in privacy": (with_override("privacy.cohort_floor=1"), "", "found override privacy.cohort_floor"),
    "a site without its policy": (with_override("site.privacy.epsilon=100"), "", "found override site.privacy.epsilon"),
    "another data folder": (with_override("data.root=elsewhere"), "", "found override data.root"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_nothing_but_a_recorded_refusal_leaves(site: Path, what: str) -> None:
    evil, demand, says = REFUSED[what]
    policy(site, demand)
    content = evil(Coordinator(site))
    assert says in refusal(content)
    (line,) = departures(site)
    assert (line["what"], line["sha256"]) == ("refusal", wire.content_hash(content))
    assert line["bytes"] == wire.content_bytes(content)


def test_a_run_with_masks_gets_no_single_update_either(site: Path) -> None:
    talk = Coordinator(site, "privacy=secure_sum")
    assert refusal(talk.train()).startswith("policy: found a request for a single update")
    policy(site, "privacy: {secure_sum: refused}")
    assert "found a run with a secure sum" in refusal(talk.query())


def test_small_counts_are_not_told_whatever_the_shares(site: Path) -> None:
    status = wire.read_status(Coordinator(site).query())
    assert status.num_cases == {"train": 13, "validation": 8, "holdout": 0}
    assert status.num_sequences == {"t1": 10, "t1c": 10, "t2": 0, "flair": 10}
    assert set(status.num_labels.values()) <= {0, 5, 10}
    moved = wire.read_status(Coordinator(site, "data.validation_share=0.34").query())
    assert moved.num_cases == {"train": 8, "validation": 8, "holdout": 0}, "one patient's move takes four along"
    everybody = wire.read_status(Coordinator(site, "data.validation_share=0", "data.holdout_share=0").query())
    assert everybody.num_cases["train"] == 21, "the three of the holdout cannot be found by subtraction"
    assert [line["what"] for line in departures(site)] == ["query"] * 3


def test_a_log_that_cannot_be_written_keeps_everything_here(site: Path) -> None:
    log = site / ".gmmas" / EGRESS
    log.mkdir(parents=True)
    assert refusal(Coordinator(site).query()) == UNRECORDED
    log.rmdir()
    assert "cases.train" in Coordinator(site).query()["counts"]
    log.write_text('{"what":"nothing"}\n')
    assert refusal(Coordinator(site).query()) == UNRECORDED


def test_an_edited_or_shortened_record_is_found_by_its_audit(site: Path) -> None:
    talk, log = Coordinator(site), site / ".gmmas" / EGRESS

    def audit(*more: str) -> tuple[int, dict[str, Any]]:
        asked = CliRunner().invoke(cli, ["audit", str(site), "--json", *more])
        return asked.exit_code, json.loads(asked.output)

    talk.query()
    talk.train(stage="send_images")
    code, found = audit("--last", "1")
    assert (code, found["messages"], found["last"][0]["of"], found["problems"]) == (0, 2, "send_images", [])
    assert {(row["run"], row["what"], row["messages"]) for row in found["totals"]} == {
        ("", "query", 1),
        ("aa", "refusal", 1),
    }
    whole = log.read_bytes()
    log.write_bytes(whole.splitlines(keepends=True)[0])
    assert audit()[0] == 0, "only who kept the head can tell"
    code, cut = audit("--head", found["head"])
    assert (code, "lines were cut off" in cut["problems"][0]) == (1, True)
    log.write_bytes(whole.replace(b'"what":"query"', b'"what":"quarx"'))
    code, edited = audit()
    assert (code, "line 1" in edited["problems"][0]) == (1, True)
    assert "unbroken" not in CliRunner().invoke(cli, ["audit", str(site)]).output


@pytest.mark.slow
def test_one_patient_cannot_be_differenced_out_of_two_evaluations(site: Path) -> None:
    def cases(content: RecordDict) -> int:
        return wire.read_scores(content).num_cases

    before = cases(Coordinator(site).evaluate("validation"))
    moved = cases(Coordinator(site, "data.validation_share=0.34").evaluate("validation"))
    assert (before, moved) == (8, 8), "the one that came waits"
    for cap in (1, 4, 7):
        alone = wire.read_scores(Coordinator(site, f"evaluation.max_validation_cases={cap}").evaluate("validation"))
        assert alone.num_cases == 0
        assert all(m == Sum(0.0, 0) if isinstance(m, Sum) else not any(m) for m in alone.metrics.values())
    assert cases(Coordinator(site).evaluate("holdout")) == 0
    assert cases(Coordinator(site).evaluate("validation", sequences=("t2",))) == 0, "too few have it"
    assert cases(Coordinator(site).evaluate("validation")) == 8, "and the honest question is answered as before"


@pytest.mark.slow
def test_one_patient_cannot_be_differenced_out_of_two_audits_of_pseudo_labels(site: Path) -> None:
    told = set()
    for number, share in enumerate((0.7, 0.8, 1.0)):
        talk = Coordinator(site, f"pseudo_labels.mask_entropy_quantile={share}", "pseudo_labels.mc_passes=2")
        update = wire.read_update(talk.train(run_id=f"q{number}", stage="pseudo_label"), talk.weights)
        audit = update.metrics["pseudo-audit.segmentation"]
        assert isinstance(audit, Sum)
        told.add(audit.count)
    assert told == {0, 8}, "all of the 8 validation patients, or none: 3 would stay out of an audit of 5"


@pytest.mark.slow
def test_training_patients_of_a_protected_site_are_not_scored_under_other_shares(site: Path) -> None:
    unmixed = ("data.tumor_cutmix=none", "loss.class_weighting=none")
    policy(site, "privacy: {epsilon: 8, delta: 0.001, noise_multiplier: 2}")
    talk = Coordinator(site, *unmixed)
    assert wire.read_update(talk.train(), talk.weights).num_cases == 13
    swapped = Coordinator(site, *unmixed, "data.holdout_share=0", "data.validation_share=0.75")
    says = "policy: found training patients of an earlier round among those to be scored"
    assert refusal(swapped.evaluate("validation")).startswith(says)
    assert refusal(swapped.train(run_id="bb")).startswith(says), "a round scores the received model as well"
    assert wire.read_scores(talk.evaluate("validation")).num_cases == 8, "the honest question is answered"


@pytest.mark.slow
def test_no_metric_is_about_few_cases(site: Path) -> None:
    for split in ("validation", "train"):
        metrics = wire.read_scores(Coordinator(site).evaluate(split)).metrics
        assert any(isinstance(metric, Sum) and metric.count for metric in metrics.values())
        for key, metric in metrics.items():
            cells = (metric.count,) if isinstance(metric, Sum) else metric
            assert all(cell == 0 or cell >= FLOOR for cell in cells), key


@pytest.mark.slow
def test_a_round_says_nothing_of_what_few_cases_taught(site: Path) -> None:
    policy(site, "privacy: {max_update_norm: 0.001}")
    talk = Coordinator(site)
    status = wire.read_status(talk.query())
    content = talk.train()
    update = wire.read_update(content, talk.weights)
    assert (update.num_cases, update.seen["stem.t2"], update.seen["trunk"]) == (13, 0, 10)
    assert update.seen["stem.t1"] <= status.num_sequences["t1"], "or the coordinator would refuse it"
    change = {name: value - talk.weights[name] for name, value in update.weights.items()}
    assert not any(part.any() for name, part in change.items() if group_of(name) == "stem.t2")
    assert 0 < np.sqrt(sum((part.astype(np.float64) ** 2).sum() for part in change.values())) <= 0.001
    again = talk.train()
    assert wire.content_hash(again) == wire.content_hash(content)
    lines = departures(site)
    assert [line["what"] for line in lines] == ["query", "train", "train"], "what is sent again is recorded again"
    assert lines[1]["sha256"] == lines[2]["sha256"] == wire.content_hash(content)
    assert (lines[1]["run"], lines[1]["round"], lines[1]["of"]) == ("aa", 1, "supervised")
    policy(site, "limits: {rounds: 1}")
    assert "round 2 (at most 1)" in refusal(talk.train(round=2))


@pytest.mark.slow
def test_numbers_per_case_do_not_leave_even_if_the_sites_own_code_made_them(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = client.app.evaluate_locally

    def leaky(*given: Any) -> Any:
        scores, per_case = own(*given)
        return replace(scores, metrics={**scores.metrics, "dice.sub-010001": Sum(0.9, 9)}), per_case

    monkeypatch.setattr(client.app, "evaluate_locally", leaky)
    reason = refusal(Coordinator(site).evaluate("validation"))
    assert "found 1 metrics that this release does not know" in reason
    assert "sub-010001" not in reason


@pytest.mark.slow
def test_a_federation_of_careful_sites_plays_on_with_what_they_tell(tmp_path: Path) -> None:
    """What a site hides from the first question on must fit what it says later, or the coordinator leaves it out."""
    sites = sorted(write_federation(tmp_path / "sites", sites=2, cases=24, size=32, seed=1))
    for folder in sites:
        settings = (folder / "site.yaml").read_text().replace("cohort_floor: 1", f"cohort_floor: {FLOOR}")
        (folder / "site.yaml").write_text(f"{settings}privacy: {{max_update_norm: 0.5}}\n")
    signals = "strategy.signals=[gradient_variance,improvement,pseudo_labels]"
    run = RunFolder(tmp_path / "run")
    overrides = [*OVERRIDES, SHARE, signals, "rounds=1", "training.local_steps=2", "federation.poll_s=0.02"]
    overrides += ["federation.min_sites=2", "federation.quorum=2", "evaluation.subsets=false"]
    overrides += ["evaluation.local_only=false", "evaluation.mc_passes=0"]
    in_process(sites, overrides, run, lambda kind, fields: None)
    entries = list(entries_of(run.ledger))
    rounds = [entry for entry in entries if entry["kind"] == "round"]
    assert [(len(entry["sites"]), entry["left_out"]) for entry in rounds] == [(2, {})]
    assert not [entry for entry in entries if entry["kind"] in ("refused", "round-void", "quarantined")]
    for folder in sites:
        lines = departures(folder)
        assert {line["to"] for line in lines} == {"simulation"}
        assert [line["what"] for line in lines].count("train") == 1
