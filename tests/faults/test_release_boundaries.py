"""The power fails at every single write of publishing a release, and of rolling back: hospitals keep a valid one.

A release that was current stays current, or the new one is, and either is whole, signed and known to the ledger; what a
cut leaves beside it is never current and is gone after the next release.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gmmas_core.checkpoint import load_model
from gmmas_core.signing import verify_folder
from gmmas_core.types import FederationError
from server.lab.engines import in_process
from server.ledger import Ledger, verify
from server.records.run_folder import RunFolder
from server.release.releases import CURRENT, current, publish, roll_back, versions

pytestmark = pytest.mark.slow

KEY = Ed25519PrivateKey.generate()
PERSON = "Dr. Ada Example: phantoms pass no gate"


@pytest.fixture(scope="module")
def played(hospitals: list[Path], overrides: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """One round, and nothing of the candidate that comes after the last one."""
    folder = RunFolder(tmp_path_factory.mktemp("played") / "run")
    one_round = (*overrides, "rounds=1", "acceptance.check=none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.app.release", lambda run: {})
        in_process(hospitals, one_round, folder, lambda kind, fields: None)
    return folder


@pytest.fixture
def run(played: RunFolder, tmp_path: Path) -> RunFolder:
    """With v1, which is current."""
    folder = RunFolder(tmp_path / "run")
    shutil.copytree(played.path, folder.path)
    release(folder)
    return folder


def release(folder: RunFolder) -> str:
    return str(publish(folder, KEY, override=PERSON)["version"])


def require_valid_current(folder: RunFolder) -> str:
    """What `current` names is signed, whole and in the ledger."""
    version = current(folder)
    assert version is not None
    about = verify_folder(folder.releases / version, KEY.public_key())
    assert about["version"] == version
    assert [entry["in_ledger"] for entry in versions(folder) if entry["current"]] == [True]
    return version


def require_next_release(folder: RunFolder) -> str:
    """The next release succeeds, is current, and nothing half done is left."""
    version = release(folder)
    assert require_valid_current(folder) == version
    assert verify(folder.ledger) == []
    assert not list(folder.releases.glob(".*"))
    return version


def test_power_cut_at_every_write_of_a_release(run: RunFolder, power: Any) -> None:
    writes = power.writes_of(lambda: release(run))
    to_current = [k for k, write in enumerate(writes) if f"/.{CURRENT}." in write.path]
    assert {"mkdir", "open", "write", "fsync", "replace", "rmdir"} <= {write.name for write in writes}
    before = require_valid_current(run)
    # Killed before an fsync, the disk is as it is before what comes after it.
    cases = [(k, half) for k, half in power.cases(writes) if writes[k].name != "fsync"]
    for k, half in cases:
        assert power.cut_at(k, half, lambda: release(run))
        after = require_valid_current(run)
        assert (after == before) == (k <= to_current[-1]), f"write {k} ({writes[k]}), half={half}"
        before = require_next_release(run)
    assert load_model(run.releases / before).model_id


def test_power_cut_at_every_write_of_a_roll_back(run: RunFolder, power: Any) -> None:
    release(run)
    writes = power.writes_of(lambda: roll_back(run, "v1"))
    assert [write.name for write in writes].count("replace") == 1
    moved = [write.name for write in writes].index("replace")
    for k, half in power.cases(writes):
        roll_back(run, "v2")
        assert power.cut_at(k, half, lambda: roll_back(run, "v1"))
        assert require_valid_current(run) == ("v1" if k > moved else "v2"), f"write {k} ({writes[k]}), half={half}"
    roll_back(run, "v1")
    assert require_valid_current(run) == "v1"
    require_next_release(run)


def test_a_release_that_never_reached_the_ledger_cannot_become_current(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is whole and signed, but nobody has answered for it."""

    def crash(ledger: Ledger, kind: str, **fields: Any) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", crash)
        with pytest.raises(KeyboardInterrupt):
            release(run)
    assert [(each["version"], each["in_ledger"]) for each in versions(run)] == [("v1", True), ("v2", False)]
    with pytest.raises(FederationError, match=r"found no such version; expected any of \['v1'\]"):
        roll_back(run, "v2")
    assert require_valid_current(run) == "v1"
    assert require_next_release(run) == "v3"
