"""Dockerfiles and compose files: linted, no image without a version, every service hardened."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILES = sorted(DEPLOY.glob("*.Dockerfile"))
COMPOSE = sorted(DEPLOY.rglob("compose*.y*ml"))
TEXTS = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix not in (".png", ".tar", ".gz"))
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent))


def of_name(paths: list[Path]) -> Any:
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(DEPLOY)))


@of_name(DOCKERFILES)
def test_hadolint_finds_nothing(path: Path) -> None:
    assert HADOLINT is not None
    rules = Path(__file__).with_name("hadolint.yaml")
    done = subprocess.run(
        [HADOLINT, "--no-color", "--config", str(rules), str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    assert HADOLINT is not None
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian:latest\n")
    done = subprocess.run([HADOLINT, "--no-color", str(bad)], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "DL3007" in done.stdout


@of_name(TEXTS)
def test_no_image_is_the_latest(path: Path) -> None:
    assert not re.findall(r"[\w./-]+:latest\b", path.read_text())


@of_name(COMPOSE)
def test_every_service_is_hardened(path: Path) -> None:
    services = yaml.safe_load(path.read_text())["services"]
    assert services
    for name, service in services.items():
        assert service.get("read_only") is True, name
        assert service.get("cap_drop") == ["ALL"], name
        assert {"no-new-privileges:true", "no-new-privileges"} & set(service.get("security_opt", ())), name
        assert not {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"} & service.keys(), name
        assert service.get("network_mode") != "host", name
        assert service.get("user") not in ("root", "0", 0, "0:0"), name
        assert "seccomp=unconfined" not in "".join(service["security_opt"]).replace(":", "="), name
