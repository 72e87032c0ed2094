"""A hospital that is paused, gone or closed for the day says so at once and computes nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path

import numpy as np
import pytest
from flwr.app import Context, Message, MessageType, RecordDict
from flwr.supercore.task_identity import TaskIdentity
from typer.testing import CliRunner

import client.app
from client.cli import app as cli
from client.node.attendance import LEFT, PAUSED, absence, come_back, is_within, require_hours, stay_away
from client.site import Site, read_site, write_site
from gmmas_core import wire
from gmmas_core.types import DataError, EvaluationPlan, FederationError, RoundPlan, Task

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WEIGHTS = {"w": np.zeros(1, np.float32)}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return write_site(tmp_path, "north", "brats2021")


def ask(site: Site, content: RecordDict, kind: str) -> RecordDict:
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1
    message = Message(content, 1, kind)
    message.metadata.__dict__["_message_id"] = "1"
    node_config = {"site": str(site.folder / "site.yaml")}
    context = Context(run_id=1, node_id=1, node_config=node_config, state=RecordDict(), run_config={})
    return client.app.app(message, context).content


def reason(content: RecordDict) -> str:
    with pytest.raises(FederationError) as refused:
        wire.read_update(content, WEIGHTS, encoding="float32")
    return str(refused.value)


def train() -> RecordDict:
    plan = RoundPlan(
        run_id="aa",
        round=1,
        seed=0,
        weights_hash="00",
        stage="supervised",
        local_steps=1,
        lr=1e-3,
        tasks=(Task.IDH,),
        deadline_s=9.0,
        config_hash="00",
        core_fingerprint="00",
        ledger_head="00",
    )
    return wire.plan_to_content(plan, ["experiment=smoke"], WEIGHTS)


def evaluate() -> RecordDict:
    plan = EvaluationPlan(
        run_id="aa",
        round=1,
        seed=0,
        weights_hash="00",
        config_hash="00",
        core_fingerprint="00",
        split="holdout",
        subject="global",
        deadline_s=9.0,
    )
    return wire.plan_to_content(plan, ["experiment=smoke"], WEIGHTS)


QUESTIONS: dict[str, tuple[Callable[[], RecordDict], str]] = {
    "train": (train, MessageType.TRAIN),
    "evaluate": (evaluate, MessageType.EVALUATE),
    "query": (lambda: wire.query_to_content(["experiment=smoke"]), MessageType.QUERY),
}


@pytest.mark.parametrize(
    ("state", "refused"), [(PAUSED, ("train", "evaluate")), (LEFT, ("train", "evaluate", "query"))]
)
def test_an_absent_site_refuses_and_keeps_its_reason(site: Site, state: str, refused: tuple[str, ...]) -> None:
    stay_away(site, state, "a secret reason", NOON)
    for name, (question, kind) in QUESTIONS.items():
        said = reason(ask(site, question(), kind))
        assert ("policy: found" in said) == (name in refused), said
        assert "secret" not in said
    assert come_back(site)
    assert not come_back(site)
    assert "policy" not in reason(ask(site, train(), MessageType.TRAIN))


def test_a_damaged_note_of_absence_is_an_absence(site: Site) -> None:
    stay_away(site, PAUSED, "", NOON)
    (site.state / "attendance.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        absence(site)
    assert "attendance.json" in reason(ask(site, train(), MessageType.TRAIN))


@pytest.mark.parametrize(
    ("hours", "now", "expected"),
    [
        ("20:00-06:00", time(19, 59), False),
        ("20:00-06:00", time(20), True),
        ("20:00-06:00", time(5, 59), True),
        ("20:00-06:00", time(6), False),
        ("08:00-17:30", time(17, 29), True),
        ("08:00-17:30", time(17, 30), False),
        ("00:00-00:00", time(13), True),
    ],
)
def test_hours_may_go_over_midnight(hours: str, now: time, expected: bool) -> None:
    assert is_within(hours, now) == expected


def test_hours_are_read_from_site_yaml_and_honoured(site: Site) -> None:
    file = site.folder / "site.yaml"
    text = file.read_text()
    file.write_text(text + "training_hours: 20:00-06:00\n")
    night = read_site(file)
    with pytest.raises(FederationError, match="found 12:00; expected training in this site's hours 20:00-06:00"):
        require_hours(night, NOON)
    require_hours(night, NOON.replace(hour=23))
    require_hours(site, NOON)
    for wrong in ("25:00-06:00", "20:00", "20-06", "[1]"):
        file.write_text(text + f"training_hours: {wrong}\n")
        with pytest.raises(DataError, match="training_hours: found"):
            read_site(file)


def test_the_commands(site: Site) -> None:
    folder = str(site.folder)
    assert CliRunner().invoke(cli, ["pause", folder, "--reason", "review"]).output.startswith("north: paused; ")
    assert absence(site) is not None
    said = CliRunner().invoke(cli, ["leave", folder, "--json"]).output
    assert json.loads(said) == {"site": "north", "state": "left"}
    assert CliRunner().invoke(cli, ["resume", folder]).output == "north: takes part again\n"
    assert CliRunner().invoke(cli, ["resume", folder]).output == "north: was not away\n"
