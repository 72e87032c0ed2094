"""Three small phantom hospitals, and a site without cases."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from client.policy.privacy import PrivacyPolicy
from client.site import Site, write_site
from gmmas_core.data.phantom import write_federation
from gmmas_core.types import RoundPlan, Task


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """east, north and south; south has no T1 and no 1p/19q label at all."""
    return sorted(write_federation(tmp_path_factory.mktemp("fed") / "sites", sites=3, cases=6, size=32, seed=1))


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., Site]:
    """Maker of a site with a state folder and a privacy policy, without cases: `site(epsilon=8, ...)`."""
    written: list[Site] = []

    def make(**policy: Any) -> Site:
        if not written:
            folder = tmp_path / "north"
            folder.mkdir()
            written.append(write_site(folder, "north", "canonical"))
        return replace(written[0], privacy=PrivacyPolicy(**policy))

    return make


@pytest.fixture
def plan() -> Callable[..., RoundPlan]:
    """Maker of a round's plan: `plan(3, run_id="bb", stage="supervised", local_steps=10)`."""

    def make(number: int = 1, **other: Any) -> RoundPlan:
        fields: dict[str, Any] = {
            "run_id": "aa",
            "round": number,
            "seed": 0,
            "weights_hash": "0" * 64,
            "stage": "supervised",
            "local_steps": 10,
            "lr": 1e-2,
            "tasks": tuple(Task)[:3],
            "deadline_s": 10.0,
            "config_hash": "0" * 64,
            "core_fingerprint": "0" * 64,
        }
        return RoundPlan(**fields | other)

    return make
