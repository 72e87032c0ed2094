"""What images are built from, read without an engine: pins, and the two Dockerfiles against each other."""

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILES = ("server.Dockerfile", "client.Dockerfile")


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: Path) -> dict[str, str]:
    """Name -> version of a list of pinned packages."""
    found = re.findall(r"^([A-Za-z0-9_.-]+)==([^\s\\;]+)", file.read_text(), re.MULTILINE)
    return {plain(name): version for name, version in found}


LOCKED = pins(DEPLOY / "image" / "requirements.txt")


def test_images_hold_the_versions_that_the_tests_ran_with() -> None:
    tested = pins(ROOT / "constraints.txt")
    assert {name: version for name, version in LOCKED.items() if name in tested} == {
        name: tested[name] for name in LOCKED if name in tested
    }
    # setuptools is asked for by torch's metadata and imported by nothing here.
    assert LOCKED.keys() - tested.keys() <= {"setuptools"}


def test_every_dependency_of_the_project_and_of_torch_is_locked() -> None:
    listed = (ROOT / "pyproject.toml").read_text().split("dependencies = [")[1].split("]\n")[0]
    direct = {plain(re.match(r"[A-Za-z0-9_.-]+", entry)[0]) for entry in re.findall(r'"(.+?)"', listed)}  # type: ignore[index]
    assert direct - LOCKED.keys() == {"torch"}, "run make lock"
    asked = [line for line in metadata.requires("torch") or [] if ";" not in line]
    assert {plain(re.match(r"[A-Za-z0-9_.-]+", line)[0]) for line in asked} <= LOCKED.keys(), "complete image/torch.in"  # type: ignore[index]


def test_both_variants_hold_the_pinned_torch() -> None:
    wanted = re.search(r'"torch==([0-9.]+)"', (ROOT / "pyproject.toml").read_text())
    assert wanted
    assert pins(DEPLOY / "image" / "requirements-cpu.txt") == {"torch": wanted[1] + "+cpu"}
    cuda = pins(DEPLOY / "image" / "requirements-cuda.txt")
    assert cuda["torch"] == wanted[1]
    shared = cuda.keys() & LOCKED.keys()
    assert {name: cuda[name] for name in shared} == {name: LOCKED[name] for name in shared}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt", "requirements-cuda.txt"])
def test_every_pin_has_its_hashes(name: str) -> None:
    entries = re.split(r"\n(?=\S)", (DEPLOY / "image" / name).read_text().strip())
    packages = [entry for entry in entries if not entry.startswith("#")]
    assert packages
    assert all("--hash=sha256:" in entry for entry in packages)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_a_dockerfile_needs_no_registry_but_the_base_s(name: str) -> None:
    text = (DEPLOY / name).read_text()
    assert "syntax=" not in text
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"scratch", "${PYTHON_IMAGE}", "libraries"}
    assert re.search(r"^USER 1000:1000$", text, re.MULTILINE)


def test_both_images_share_their_large_layers() -> None:
    """Equal text before the first difference means one build of the libraries, and one layer of them on a disk."""
    server, client = ((DEPLOY / name).read_text() for name in DOCKERFILES)
    for start, end in (
        ("ARG PYTHON_IMAGE", "FROM libraries AS release"),
        ("FROM ${PYTHON_IMAGE}\nENV", "gmmas /opt/gmmas\n"),
    ):
        assert server.split(start)[1].split(end)[0] == client.split(start)[1].split(end)[0]


def test_a_bill_of_materials_of_this_environment(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(
        "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u14\n"
        "Description: C library\n Status: not this line\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n"
    )
    program = DEPLOY / "image" / "sbom.py"
    for name in ("one.json", "two.json"):
        subprocess.run([sys.executable, program, tmp_path / name, status], check=True)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    bill = json.loads((tmp_path / "one.json").read_text())
    found = {component["name"]: component for component in bill["components"]}
    assert found["libc6"]["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64"
    assert "gone" not in found
    assert found["flwr"]["version"] == metadata.version("flwr")
    assert bill["metadata"]["component"]["version"] == metadata.version("gmmas-fed")
    assert "gmmas-fed" not in found


@pytest.mark.parametrize("name", ["server", "site"])
def test_the_example_of_settings_has_every_setting_of_its_compose_file(name: str) -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / f"compose.{name}.yaml").read_text())) - {"RUN"}
    given = set(re.findall(r"^([A-Z_]+)=", (DEPLOY / f"{name}.env.example").read_text(), re.MULTILINE))
    assert given == used
