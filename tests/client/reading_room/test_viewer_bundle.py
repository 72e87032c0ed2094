"""The viewer's script in the repository is the one that its sources build, and it asks nobody outside."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

ROOM = Path(__file__).resolve().parents[3] / "client" / "reading_room"
VENDOR = ROOM / "static" / "vendor"
BUNDLED = ("@niivue/niivue", "gl-matrix", "nifti-reader-js", "fflate", "zarrita")


def test_the_script_has_the_hash_that_stands_beside_it() -> None:
    digest = hashlib.sha256((VENDOR / "niivue.js").read_bytes()).hexdigest()
    assert (VENDOR / "niivue.sha256").read_text() == f"{digest}  niivue.js\n"


def test_every_bundled_package_stands_with_its_licence() -> None:
    text = (VENDOR / "niivue.licences.txt").read_text()
    for package in BUNDLED:
        assert f"\n{package} " in f"\n{text}", package


def test_the_lock_file_names_hashes_and_no_registry() -> None:
    lock = (ROOM / "viewer" / "package-lock.json").read_text()
    assert '"integrity": "sha512-' in lock
    assert '"resolved"' not in lock


@pytest.mark.slow
def test_the_sources_build_the_same_bytes(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("no npm")
    shutil.copytree(ROOM / "viewer", tmp_path / "viewer", ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / "static" / "vendor").mkdir(parents=True)
    for command in (["npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit"], ["npm", "run", "-s", "build"]):
        done = subprocess.run(command, cwd=tmp_path / "viewer", capture_output=True, text=True, timeout=240)
        if done.returncode and command[1] == "ci":
            pytest.skip("no npm registry")
        assert done.returncode == 0, done.stderr
    for name in ("niivue.js", "niivue.sha256", "niivue.licences.txt"):
        assert (tmp_path / "static" / "vendor" / name).read_bytes() == (VENDOR / name).read_bytes()
