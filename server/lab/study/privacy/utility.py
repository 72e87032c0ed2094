"""A federation whose hospitals each keep a budget, and what its released model knows: of test patients, and of whom."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from client.data.local_data import open_local_data
from client.privacy.budget import RESERVED
from client.privacy.budget_ledger import FILE
from client.site import read_site
from gmmas_core.checkpoint import LoadedModel, load_model
from gmmas_core.config import load_config
from gmmas_core.types import FederationError
from server.lab.engines import in_process
from server.lab.study.data import COMPLETE, TEST, shared_test_sites, site_yaml
from server.lab.study.privacy.noise import NoisySteps, accounted
from server.lab.study.privacy.plan import PrivacyCell
from server.lab.study.privacy.signals import patient_signals
from server.lab.study.privacy.sizes import PrivacySize
from server.lab.study.scoring import score_test_set
from server.records.run_folder import RunFolder

Say = Callable[[str], None]


def run_utility(folder: Path, size: PrivacySize, cell: PrivacyCell, say: Say) -> dict[str, Any]:
    """Train under the budget, read the test set, ask about members and strangers.

    Raises:
        FederationError: a hospital has trained without writing down what its budget paid.
    """
    run = RunFolder(folder / "runs" / cell.run)
    sites = [
        _own_site(shared.parent, run.path / "sites" / shared.parent.name, size, cell.epsilon)
        for shared in sorted((folder / "data" / COMPLETE).glob("*/site.yaml"))
    ]
    if not run.model.is_dir():

        def tell(kind: str, fields: Mapping[str, Any]) -> None:
            if kind == "round-finished":
                say(f"round {fields['round']}")

        minimum = (f"federation.min_sites={len(sites)}", f"federation.quorum={len(sites)}")
        in_process(sites, (*cell.training, *minimum), run, tell)
    loaded = load_model(run.model)
    config = load_config(cell.training)
    return {
        "cases": score_test_set(shared_test_sites(folder / "data"), loaded, config, 0, lambda n: say(f"case {n}")),
        "spent": {site.name: _spent(site, size) for site in sites} if cell.epsilon is not None else {},
        **_asked(folder, size, cell, loaded),
    }


def _own_site(shared: Path, site: Path, size: PrivacySize, epsilon: float | None) -> Path:
    """A hospital of this run alone, its prepared cases linked, with the run's budget in its site.yaml."""
    if not (site / "site.yaml").exists():
        shutil.rmtree(site, ignore_errors=True)
        left = shutil.ignore_patterns("lock")
        shutil.copytree(
            shared / ".gmmas" / "prepared", site / ".gmmas" / "prepared", copy_function=os.link, ignore=left
        )
        policy = f"epsilon: {epsilon}, delta: {size.delta}, max_grad_norm: {size.max_grad_norm}"
        budget = f"privacy: {{{policy}}}\n" if epsilon is not None else ""
        (site / "site.yaml").write_text(site_yaml(shared.name, os.path.relpath(shared, site)) + budget)
    return site


def _spent(site: Path, size: PrivacySize) -> dict[str, Any]:
    """What the hospital's own ledger says was paid, and what Opacus makes of the same steps."""
    try:
        lines = [json.loads(line) for line in (site / ".gmmas" / FILE).read_text().splitlines()]
    except OSError:
        lines = []
    paid = [line for line in lines if line.get("kind") == RESERVED]
    if not paid:
        raise FederationError(
            f"site {site.name}: found no line in its budget's ledger; expected every round paid for, or nothing "
            "protected its patients; update the client"
        )
    history = [NoisySteps(line["noise_multiplier"], line["sample_rate"], line["steps"]) for line in paid]
    return {
        "noise": history[-1].noise,
        "rate": history[-1].rate,
        "steps": sum(part.steps for part in history),
        "epsilon": paid[-1]["epsilon_after"],
        "again": accounted(history, size.delta),
    }


def _asked(folder: Path, size: PrivacySize, cell: PrivacyCell, loaded: LoadedModel) -> dict[str, Any]:
    """Members are training patients, strangers are test patients of the same hospitals."""
    config = load_config(cell.training)
    signals: dict[str, Any] = {}
    members: list[str] = []
    for kind, split in ((COMPLETE, "train"), (TEST, "holdout")):
        for home in sorted((folder / "data" / kind).glob("*/site.yaml")):
            data = open_local_data(read_site(home.parent), config)
            cases = data.split(split)[: size.queried]
            signals |= patient_signals(loaded.model, cases, data, config, size.queries)
            members += [case.case_id for case in cases] if kind == COMPLETE else []
    return {"members": members, "signals": signals}
