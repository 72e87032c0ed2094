"""What a hospital says no to, and that its no carries nothing of its data."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flwr.app import Context, Message, MessageType, RecordDict
from flwr.supercore.task_identity import TaskIdentity

from client.app import app as client_app
from gmmas_core import wire
from gmmas_core.config import config_hash, load_config
from gmmas_core.model.gmmas import build_model
from gmmas_core.provenance import core_fingerprint
from gmmas_core.software import PROTOCOL, release
from gmmas_core.types import FederationError, RoundPlan
from gmmas_core.weights import weights_hash, weights_of


@pytest.fixture
def site(sites: list[Path]) -> Path:
    return sites[0]


@pytest.fixture(scope="session")
def weights(overrides: Sequence[str]) -> dict[str, Any]:
    config = load_config(overrides)
    return weights_of(build_model(config.model, config.task_list, loss=config.loss, seed=0))


@pytest.fixture
def plan(overrides: Sequence[str], weights: dict[str, Any]) -> RoundPlan:
    """A plan that the site would follow."""
    config = load_config(overrides)
    model = build_model(config.model, config.task_list, loss=config.loss, seed=0)
    return RoundPlan(
        run_id="aa",
        round=1,
        seed=0,
        weights_hash=weights_hash(weights),
        stage="supervised",
        local_steps=1,
        lr=1e-3,
        tasks=config.task_list,
        deadline_s=10.0,
        config_hash=config_hash(config),
        core_fingerprint=core_fingerprint(model, config).digest,
    )


def ask(site: Path | None, content: RecordDict, message_type: str = MessageType.TRAIN) -> RecordDict:
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1
    message = Message(content, 1, message_type)
    message.metadata.__dict__["_message_id"] = "m"
    config = {} if site is None else {"site": str(site / "site.yaml")}
    context = Context(run_id=1, node_id=1, node_config=config, state=RecordDict(), run_config={})  # type: ignore[arg-type]
    return client_app(message, context).content


def refusal(content: RecordDict) -> str:
    with pytest.raises(FederationError, match="refused") as caught:
        wire.read_update(content)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"core_fingerprint": "00"}, "another core fingerprint"),
        ({"config_hash": "00"}, "another configuration"),
        ({"weights_hash": "00"}, "another hash"),
        ({"stage": "steal"}, "stage 'steal'"),
        ({"run_id": "../../up"}, "unusual characters"),
    ],
)
def test_another_identity_or_stage_is_refused(
    site: Path, plan: RoundPlan, weights: dict[str, Any], overrides: Sequence[str], change: dict[str, str], says: str
) -> None:
    content = wire.plan_to_content(replace(plan, **change), overrides, weights)  # type: ignore[arg-type]
    assert says in refusal(ask(site, content))


def test_the_sites_own_list_of_stages_is_obeyed(
    site: Path, plan: RoundPlan, weights: dict[str, Any], overrides: Sequence[str]
) -> None:
    settings = (site / "site.yaml").read_text()
    (site / "site.yaml").write_text(settings + "allowed_stages: [finetune]\n")
    try:
        says = refusal(ask(site, wire.plan_to_content(plan, overrides, weights)))
    finally:
        (site / "site.yaml").write_text(settings)
    assert "policy: found stage 'supervised'; expected any of ['finetune']" in says


@pytest.mark.parametrize(
    "override", ["data.root=${oc.env:HOME}", "training.lr=nan", "nonsense=1", "+x._target_=os.system"]
)
def test_a_hostile_or_broken_override_is_refused(
    site: Path, plan: RoundPlan, weights: dict[str, Any], overrides: Sequence[str], override: str
) -> None:
    assert refusal(ask(site, wire.plan_to_content(plan, [*overrides, override], weights)))


def test_a_node_without_a_site_says_so(plan: RoundPlan, weights: dict[str, Any], overrides: Sequence[str]) -> None:
    assert "found no site.yaml that it can use" in refusal(ask(None, wire.plan_to_content(plan, overrides, weights)))


def test_an_unforeseen_error_leaves_no_text_but_a_local_log(
    site: Path, plan: RoundPlan, weights: dict[str, Any], overrides: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import client.app

    def fail(*_: object) -> None:
        raise ZeroDivisionError("patient Jane Doe, /mnt/pacs/17")

    monkeypatch.setattr(client.app, "train_locally", fail)
    says = refusal(ask(site, wire.plan_to_content(plan, overrides, weights)))
    assert "ZeroDivisionError" in says
    assert "Jane" not in says
    assert "/mnt" not in says
    assert "Jane Doe" in (site / ".gmmas" / "failures.log").read_text()


def test_an_empty_message_is_refused(site: Path) -> None:
    assert refusal(ask(site, RecordDict()))


def test_another_protocol_and_an_older_coordinator_are_refused_before_anything_is_read(site: Path) -> None:
    here = f"protocol {PROTOCOL} (release {release()} here)"
    content = wire.query_to_content(["experiment=nonsense"])
    content["request"]["protocol"], content["request"]["release"] = PROTOCOL + 1, "9.9"
    with pytest.raises(FederationError, match="refused") as refused:
        wire.read_status(ask(site, content, MessageType.QUERY))
    assert f"coordinator: found protocol {PROTOCOL + 1} of release 9.9; expected {here}" in str(refused.value)
    assert "install release 9.9 here" in str(refused.value)
    for key in ("protocol", "release", "image"):
        del content["request"][key]
    with pytest.raises(FederationError, match="coordinator: found an older release, which does not say its protocol"):
        wire.read_status(ask(site, content, MessageType.QUERY))


def test_a_site_says_its_release_and_image_and_notes_the_coordinators(
    site: Path, overrides: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GMMAS_IMAGE", "server:1@sha256:bb")
    question = wire.query_to_content(overrides)
    monkeypatch.setenv("GMMAS_IMAGE", "site:1@sha256:aa")
    status = wire.read_status(ask(site, question, MessageType.QUERY))
    assert (status.protocol, status.release, status.image) == (PROTOCOL, release(), "site:1@sha256:aa")
    noted = json.loads((site / ".gmmas" / "coordinator.json").read_text())
    assert noted == {"protocol": PROTOCOL, "release": release(), "image": "server:1@sha256:bb"}
    monkeypatch.setenv("GMMAS_IMAGE", "two\nlines")
    with pytest.raises(FederationError, match="GMMAS_IMAGE: found unprintable"):
        wire.read_status(ask(site, question, MessageType.QUERY))
