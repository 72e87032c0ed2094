"""A real bundle of a tiny checkout, made by the real pip, and verified by the programs that INSTALL.md names."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.joining.bundle import verify
from gmmas_core.bundle_format import read_about, read_sums
from gmmas_core.signing import key_fingerprint, make_key, read_private_key
from gmmas_core.ssh_signature import read_signer, ssh_fingerprint
from gmmas_core.types import DISCLAIMER, ConfigError, DataError, FederationError
from server.lab.bundling import bundle as bundle_module
from server.lab.bundling.bundle import Made, make_bundle
from server.lab.cli import app

TINY = {"tiny-one": "1.0", "tiny-two": "2.0+cpu"}
PYPROJECT = """
[build-system]
requires = []
build-backend = "setuptools.build_meta"
[project]
name = "gmmas-fed"
version = "0.1.0"
dependencies = ["tiny-one", "tiny-two==2.0"]
[tool.setuptools]
py-modules = ["gmmas_tiny"]
"""


def write_wheel(folder: Path, name: str, version: str) -> None:
    stem = f"{name.replace('-', '_')}-{version}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as file:
        file.writestr(f"{name.replace('-', '_')}.py", "")
        file.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{stem}.dist-info/RECORD", "")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose needs lie in a folder; pip asks no index."""
    source, index = tmp_path / "checkout", tmp_path / "index"
    for folder in (source / "deploy" / "offline", source / "client", index):
        folder.mkdir(parents=True)
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "gmmas_tiny.py").write_text("")
    (source / "constraints.txt").write_text("tiny-one==1.0\ntiny_two==2.0  # as any\nother==3\n")
    for name in ("deploy/hospitals.md", "client/README.md", "deploy/offline/INSTALL.md"):
        (source / name).write_bytes((bundle_module.SOURCE / name).read_bytes())
    for name, version in TINY.items():
        write_wheel(index, name, version)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    settings = {"CONFIG_FILE": os.devnull, "NO_INDEX": "1", "FIND_LINKS": str(index), "NO_BUILD_ISOLATION": "false"}
    for name, value in settings.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    return source


@pytest.fixture
def key(tmp_path: Path) -> Path:
    make_key(tmp_path / "coordinator.key")
    return tmp_path / "coordinator.key"


def make(checkout: Path, out: Path, key: Path | None, *images: Path) -> Made:
    secret = None if key is None else read_private_key(key)
    return make_bundle(out, images=images, key=secret, say=lambda text: None, source=checkout)


def left_in(folder: Path) -> set[str]:
    """What lies beside the inputs."""
    return {path.name for path in folder.iterdir()} - {"checkout", "index", "coordinator.key", "coordinator.key.pub"}


def steps(*titles: str) -> str:
    """The commands of some of INSTALL.md's sections, as they stand there."""
    text = (bundle_module.SOURCE / "deploy" / "offline" / "INSTALL.md").read_text()
    sections = {part.partition("\n")[0][:2]: part for part in text.split("\n## ")[1:]}
    blocks = [block for title in titles for block in re.findall(r"```sh\n(.*?)```", sections[title], re.DOTALL)]
    assert blocks
    return "\n".join(["set -ex", *blocks])


def typed(commands: str, bundle: Path, signer: Path, home: Path) -> subprocess.CompletedProcess[str]:
    clean = {"HOME": str(home), "SIGNER": str(signer), "PATH": os.environ["PATH"]}
    return subprocess.run(["bash", "-c", commands], cwd=bundle, env=clean, capture_output=True, text=True, check=False)


def test_a_bundle_holds_everything_and_is_intact(checkout: Path, key: Path, tmp_path: Path) -> None:
    image = tmp_path / "site.tar"
    image.write_bytes(b"\1" * 100_000)
    made = make(checkout, tmp_path / "gmmas-bundle", key, image)
    assert left_in(tmp_path) == {"gmmas-bundle", "gmmas-bundle.signer", "site.tar"}
    listed = read_sums((made.folder / "SHA256SUMS").read_bytes())
    wheels = [f"wheels/{name}-py3-none-any.whl" for name in ("gmmas_fed-0.1.0", "tiny_one-1.0", "tiny_two-2.0+cpu")]
    documents = ["INSTALL.md", "docs/client/README.md", "docs/deploy/hospitals.md"]
    assert sorted(listed) == sorted([*wheels, *documents, "bundle.json", "images/site.tar", "requirements.txt"])
    required = (made.folder / "requirements.txt").read_text().splitlines()
    assert required == [
        f"{name} --hash=sha256:{listed[wheel]}"
        for name, wheel in zip(("gmmas-fed==0.1.0", "tiny-one==1.0", "tiny-two==2.0+cpu"), wheels, strict=True)
    ]
    about = read_about((made.folder / "bundle.json").read_bytes())
    assert (about.release, about.wheels, about.images) == ("0.1.0", 3, 1)
    assert about == made.about
    assert made.signer is not None
    assert verify(made.folder, read_signer(made.signer)).problems == ()
    assert verify(made.folder, read_signer(key.with_name("coordinator.key.pub"))).problems == ()
    assert made.folder.stat().st_mode & 0o777 == 0o755
    done = typed(steps("1.", "2."), made.folder, made.signer, tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'Good "gmmas-bundle" signature for coordinator' in done.stdout
    assert "every file is as signed" in done.stdout
    (made.folder / "images" / "site.tar").write_bytes(b"\2" * 100_000)
    done = typed(steps("1.", "2."), made.folder, made.signer, tmp_path)
    assert done.returncode != 0
    assert "images/site.tar: FAILED" in done.stdout


@pytest.mark.slow
def test_it_installs_as_written_without_an_index_and_only_what_was_signed(
    checkout: Path, key: Path, tmp_path: Path
) -> None:
    made = make(checkout, tmp_path / "gmmas-bundle", key)
    assert made.signer is not None
    write_wheel(made.folder / "wheels", "evil", "6")
    done = typed(steps("2.", "3."), made.folder, made.signer, tmp_path / "home")
    assert done.returncode == 0, done.stdout + done.stderr
    (site_packages,) = (tmp_path / "home" / "gmmas" / "lib").glob("python*/site-packages")
    assert (site_packages / "gmmas_tiny.py").is_file()
    assert (site_packages / "tiny_two.py").is_file()
    assert not (site_packages / "evil.py").exists()
    (made.folder / "wheels" / "tiny_one-1.0-py3-none-any.whl").unlink()
    write_wheel(made.folder / "wheels", "tiny-one", "1.0")
    with zipfile.ZipFile(made.folder / "wheels" / "tiny_one-1.0-py3-none-any.whl", "a") as file:
        file.writestr("evil.py", "")
    done = typed(steps("3."), made.folder, made.signer, tmp_path / "other")
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stdout + done.stderr


def test_without_a_key_it_can_be_signed_by_openssh_later(checkout: Path, tmp_path: Path) -> None:
    made = make(checkout, tmp_path / "gmmas-bundle", None)
    assert made.signer is None
    assert left_in(tmp_path) == {"gmmas-bundle"}
    ssh = tmp_path / "ssh"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(ssh)], check=True)
    signer = read_signer(tmp_path / "ssh.pub")
    assert any(problem.startswith("SHA256SUMS.sig: found no") for problem in verify(made.folder, signer).problems)
    sign = ["ssh-keygen", "-Y", "sign", "-n", "gmmas-bundle", "-f", str(ssh), str(made.folder / "SHA256SUMS")]
    subprocess.run(sign, check=True, capture_output=True)
    assert verify(made.folder, signer).problems == ()


def test_the_command_says_what_to_hand_over(
    checkout: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(make_bundle.__kwdefaults__, "source", checkout)
    signed = CliRunner().invoke(app, ["bundle", "--out", str(tmp_path / "one"), "--key", str(key), "--json"])
    assert signed.exit_code == 0, signed.output
    content = json.loads(signed.stdout)
    public = read_signer(key.with_name("coordinator.key.pub"))
    assert content["ssh_fingerprint"] == ssh_fingerprint(public)
    assert content["fingerprint"] == key_fingerprint(public)
    assert ssh_fingerprint(read_signer(Path(content["signer"]))) == ssh_fingerprint(public)
    unsigned = CliRunner().invoke(app, ["bundle", "--out", str(tmp_path / "two")])
    assert unsigned.exit_code == 0, unsigned.output
    assert DISCLAIMER in unsigned.stdout
    assert "NOT SIGNED" in unsigned.stdout
    assert left_in(tmp_path) == {"one", "one.signer", "two"}


def test_a_package_that_is_not_locked_leaves_nothing(checkout: Path, tmp_path: Path) -> None:
    (checkout / "constraints.txt").write_text("tiny-one==1.0\n")
    with pytest.raises(ConfigError, match=r"tiny-two 2\.0\+cpu is not locked"):
        make(checkout, tmp_path / "gmmas-bundle", None)
    assert left_in(tmp_path) == set()


def test_a_package_that_pip_does_not_get_leaves_nothing(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "index" / "tiny_one-1.0-py3-none-any.whl").unlink()
    with pytest.raises(FederationError, match=r"pip gave up \(.*; expected every wheel"):
        make(checkout, tmp_path / "gmmas-bundle", None)
    assert left_in(tmp_path) == set()


def test_what_a_killed_attempt_left_is_removed_and_what_is_there_is_not(checkout: Path, tmp_path: Path) -> None:
    left = tmp_path / ".gmmas-bundle.partial" / "wheels"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"")
    made = make(checkout, tmp_path / "gmmas-bundle", None)
    assert left_in(tmp_path) == {"gmmas-bundle"}
    assert not (made.folder / "wheels" / "half").exists()
    before = (made.folder / "SHA256SUMS").read_bytes()
    with pytest.raises(ConfigError, match="found something of this name"):
        make(checkout, made.folder, None)
    assert (made.folder / "SHA256SUMS").read_bytes() == before


@pytest.mark.parametrize("name", ["absent.tar", "a b.tar", ".tar"])
def test_an_image_that_cannot_be_taken_is_said_first(checkout: Path, tmp_path: Path, name: str) -> None:
    if name != "absent.tar":
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match="--images"):
        make(checkout, tmp_path / "gmmas-bundle", None, tmp_path / name)
    assert left_in(tmp_path) <= {name}


FULL = """
import sys
from pathlib import Path
from gmmas_core.command_line import run_app
from server.lab.bundling.bundle import make_bundle
source, out, image = map(Path, sys.argv[1:])
run_app(lambda: make_bundle(out, images=[image], key=None, say=lambda text: None, source=source))
"""


def test_a_full_disk_is_one_sentence_and_leaves_nothing(checkout: Path, tmp_path: Path) -> None:
    """The limit on a file's size stands in for a full disk: the same error, from the same call."""
    image = tmp_path / "site.tar"
    image.write_bytes(b"\1" * 2_000_000)
    command = ["bash", "-c", 'ulimit -f 1000; exec "$@"', "-", sys.executable, "-c", FULL]
    done = subprocess.run(
        [*command, str(checkout), str(tmp_path / "gmmas-bundle"), str(image)],
        capture_output=True,
        text=True,
        check=False,
        cwd=bundle_module.SOURCE,
    )
    assert done.returncode == 1
    assert done.stderr == "error: File too large; nothing half-written was left\n"
    assert left_in(tmp_path) == {"site.tar"}
