"""An offline bundle made with OpenSSH and sha256sum, and every way in which it may have been altered on its way."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli import app
from client.joining.bundle import verify
from gmmas_core.bundle_format import NAMESPACE, About, write_about
from gmmas_core.ssh_signature import read_signer
from gmmas_core.types import DISCLAIMER, DataError

FILES = {
    "INSTALL.md": b"type this\n",
    "requirements.txt": b"",
    "bundle.json": write_about(
        About(release="0.1.0", python="3.11", machine="x86_64", created="2026-01-02T03:04:05Z", wheels=2, images=1)
    ).encode(),
    "wheels/one-1.0-py3-none-any.whl": bytes(range(256)) * 20,
    "wheels/two-2.0+cpu-py3-none-any.whl": b"",
    "docs/deploy/hospitals.md": b"read this\n",
    "images/site.tar": b"\0" * 70_000,
}
ALL = [*FILES, "SHA256SUMS", "SHA256SUMS.sig"]


def seal(folder: Path, key: Path, namespace: str = NAMESPACE) -> None:
    """List and sign what is there, with programs that every Linux has."""
    for name in ("SHA256SUMS", "SHA256SUMS.sig"):
        (folder / name).unlink(missing_ok=True)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    said = subprocess.run(["sha256sum", *names], cwd=folder, capture_output=True, text=True, check=True).stdout
    (folder / "SHA256SUMS").write_text(said)
    sign(folder, key, namespace)


def sign(folder: Path, key: Path, namespace: str = NAMESPACE) -> None:
    (folder / "SHA256SUMS.sig").unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(key), str(folder / "SHA256SUMS")]
    subprocess.run(command, check=True, capture_output=True)


def new_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_key(tmp_path_factory.mktemp("key") / "coordinator")


@pytest.fixture(scope="module")
def pristine(key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine") / "gmmas-bundle"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    seal(folder, key)
    return folder


@pytest.fixture
def bundle(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "gmmas-bundle"))


@pytest.fixture
def problems(bundle: Path, key: Path) -> Callable[[], list[str]]:
    return lambda: list(verify(bundle, read_signer(key.with_name("coordinator.pub"))).problems)


def asked(bundle: Path, key: Path, *more: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["verify-bundle", str(bundle), "--signer", f"{key}.pub", *more])
    return result.exit_code, result.output


def test_an_untouched_bundle_is_intact(bundle: Path, key: Path, problems: Callable[[], list[str]]) -> None:
    assert problems() == []
    code, said = asked(bundle, key)
    assert code == 0
    assert DISCLAIMER in said
    assert "intact, as signed" in said
    code, said = asked(bundle, key, "--json")
    content = json.loads(said)
    assert code == 0
    assert content["ok"] is True
    assert content["files"] == len(FILES)
    assert content["bytes"] == sum(map(len, FILES.values()))
    assert content["about"]["release"] == "0.1.0"


@pytest.mark.parametrize("name", ALL)
def test_one_changed_byte_anywhere_is_found(bundle: Path, name: str, problems: Callable[[], list[str]]) -> None:
    content = (bundle / name).read_bytes() or b"!"
    for place in (0, len(content) // 2, len(content) - 1):
        (bundle / name).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        found = problems()
        assert found
        assert any(name in problem or "signature" in problem for problem in found)


@pytest.mark.parametrize("name", ALL)
def test_a_missing_or_shortened_file_is_found(bundle: Path, name: str, problems: Callable[[], list[str]]) -> None:
    content = (bundle / name).read_bytes()
    (bundle / name).unlink()
    assert any(problem.startswith(f"{name}: found no") for problem in problems())
    if content:
        (bundle / name).write_bytes(content[:-1])
        assert any(name in problem or "signature" in problem for problem in problems())


@pytest.mark.parametrize(
    "name", ["wheels/three-3.0-py3-none-any.whl", "more", ".hidden", "wheels/.x", "a/b/c/d/e/f", "x\x1b[2Jy", "ü" * 90]
)
def test_an_added_file_is_found_and_its_name_harmless(
    bundle: Path, name: str, problems: Callable[[], list[str]]
) -> None:
    (bundle / name).parent.mkdir(parents=True, exist_ok=True)
    (bundle / name).write_bytes(b"")
    (found,) = problems()
    assert "nobody signed for" in found
    assert found.isprintable()
    assert found.isascii()


def test_links_and_pipes_are_found_and_not_followed(
    bundle: Path, tmp_path: Path, problems: Callable[[], list[str]]
) -> None:
    wheel = bundle / "wheels/one-1.0-py3-none-any.whl"
    shutil.move(wheel, tmp_path / "same")
    wheel.symlink_to(tmp_path / "same")
    assert any("found a link or device" in problem for problem in problems())
    wheel.unlink()
    os.mkfifo(wheel)
    assert any("found a link or device" in problem for problem in problems())
    wheel.unlink()
    shutil.move(tmp_path / "same", wheel)
    (bundle / "elsewhere").symlink_to(tmp_path)
    assert problems() == ["elsewhere: found a link or device; expected plain files only; do not use the bundle"]
    (bundle / "elsewhere").unlink()
    (bundle / "SHA256SUMS").rename(tmp_path / "sums")
    (bundle / "SHA256SUMS").symlink_to(tmp_path / "sums")
    assert any(problem.startswith("SHA256SUMS: found no readable file") for problem in problems())


def test_everything_wrong_is_said_at_once(bundle: Path, key: Path, tmp_path: Path) -> None:
    (bundle / "INSTALL.md").write_text("type that")
    (bundle / "images/site.tar").unlink()
    (bundle / "images/other.tar").write_bytes(b"")
    sign(bundle, new_key(tmp_path / "other"))
    code, said = asked(bundle, key)
    assert code == 1
    assert "not to be used: 4 problems" in said
    for part in ("another key", "INSTALL.md: found other content", "site.tar: found none", "other.tar: found a file"):
        assert part in said
    code, said = asked(bundle, key, "--json")
    assert code == 1
    assert json.loads(said)["ok"] is False
    assert len(json.loads(said)["problems"]) == 4


def test_another_signer_or_purpose_is_refused(
    bundle: Path, key: Path, tmp_path: Path, problems: Callable[[], list[str]]
) -> None:
    seal(bundle, new_key(tmp_path / "other"))
    assert problems() == ["signature: found one of another key; expected the signer's; do not use what it signs"]
    seal(bundle, key, "file")
    assert [problem.partition(";")[0] for problem in problems()] == ["signature: found one that does not fit"]


def test_a_signed_list_that_leads_outside_is_refused(
    bundle: Path, key: Path, tmp_path: Path, problems: Callable[[], list[str]]
) -> None:
    """Even who holds the key cannot make a hospital read other files."""
    (tmp_path / "secret").write_bytes(b"secret")
    digest = hashlib.sha256(b"secret").hexdigest()
    for path in ("../secret", str(tmp_path / "secret"), "wheels/../../secret"):
        with (bundle / "SHA256SUMS").open("a") as file:
            file.write(f"{digest}  {path}\n")
        sign(bundle, key)
        assert any(problem.startswith("SHA256SUMS line 8: found something else") for problem in problems())


def test_what_is_no_bundle_is_said(key: Path, tmp_path: Path) -> None:
    signer = read_signer(key.with_name("coordinator.pub"))
    with pytest.raises(DataError, match="no such folder"):
        verify(tmp_path / "absent", signer)
    assert any("SHA256SUMS: found no readable file" in problem for problem in verify(tmp_path, signer).problems)
    deep = tmp_path / "many"
    deep.mkdir()
    for number in range(8001):
        (deep / str(number)).touch()
    with pytest.raises(DataError, match="check the path"):
        verify(deep, signer)
