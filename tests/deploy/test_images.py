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


def hardening(service: dict[str, Any]) -> dict[str, Any]:
    """What a service says about its security; options in the newer spelling."""
    keys = ("read_only", "cap_drop", "security_opt", "privileged", "cap_add", "devices", "pid", "ipc", "userns_mode")
    said = {key: service[key] for key in keys if key in service}
    if "security_opt" in said:
        said["security_opt"] = [option.replace(":", "=", 1) for option in said["security_opt"]]
    return said


@of_name(COMPOSE)
def test_every_service_is_hardened(path: Path) -> None:
    services = yaml.safe_load(path.read_text())["services"]
    assert services
    for name, service in services.items():
        # A service without an image is added to one of another file, which it must not loosen.
        whole = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges=true"]}
        assert hardening(service) == (whole if {"image", "build"} & service.keys() else {}), name
        assert service.get("network_mode") != "host", name
        assert str(service.get("user", "1000")).partition(":")[0] == "1000", name
