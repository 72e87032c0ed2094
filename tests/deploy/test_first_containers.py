"""What the charts' first containers do: the very commands that Helm renders, run on folders like the mounted ones."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from client.joining.enrolment import CONNECTION, KEY, check_key, enrolment_folder, read_connection
from client.site import Site, read_site
from gmmas_core.types import FederationError
from server.cli import app
from server.membership import authority

pytestmark = pytest.mark.slow

PROGRAMS = Path(sys.executable).parent
Prepare = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def federation(tmp_path: Path) -> Path:
    """A provisioned folder, as on the coordinator's own machine."""
    folder = tmp_path / "federation"
    folder.mkdir()
    (folder / "federation.yaml").write_text(
        "name: glioma\nserver: {address: 'fl.example.org:8443'}\nsites: [north, east]\n"
    )
    assert CliRunner().invoke(app, ["provision", str(folder)]).exit_code == 0
    return folder


@pytest.fixture
def prepare(tmp_path: Path, release: Any) -> Prepare:
    """Run the first container of a release of the site's chart; its mounts are folders here."""
    for name in ("site", "data", "state", "enrolment"):
        (tmp_path / name).mkdir()
    settings = release("site").one("ConfigMap")["data"]["site.yaml"]
    (tmp_path / "site" / "site.yaml").write_text(_here(settings, tmp_path))

    def run(name: str) -> subprocess.CompletedProcess[str]:
        (first,) = release(name).pod["initContainers"]
        command = [*first["command"], _here(first["args"][0], tmp_path)]
        paths = os.pathsep.join([str(PROGRAMS), os.environ["PATH"]])
        return subprocess.run(
            command, env={**os.environ, "PATH": paths}, capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture
def site(tmp_path: Path, prepare: Prepare) -> Site:
    """The hospital of that container."""
    return read_site(tmp_path / "site")


def _here(text: str, folder: Path) -> str:
    for mount in ("/site", "/data", "/state", "/enrolment/"):
        text = text.replace(f" {mount}", f" {folder}{mount}").replace(f'"{mount}', f'"{folder}{mount}')
    return text.replace("key=/state", f"key={folder}/state")


def test_an_invited_site_makes_its_key_and_keeps_it(
    federation: Path, prepare: Prepare, site: Site, tmp_path: Path
) -> None:
    invitation = tmp_path / "enrolment" / "invitation.json"
    shutil.copy(federation / "invitations" / "north.invitation.json", invitation)
    done = prepare("site-invited")
    assert done.returncode == 0, done.stderr
    assert "SHA256:" in done.stdout
    assert (tmp_path / "state" / "north.enrolment.json").is_file()
    made = check_key(site)
    assert prepare("site-invited").returncode == 0
    assert check_key(site) == made

    assert CliRunner().invoke(app, ["rotate", "north", "--federation", str(federation)]).exit_code == 0
    shutil.copy(federation / "invitations" / "north.invitation.json", invitation)
    assert prepare("site-invited").returncode == 0
    assert check_key(site) != made


def test_an_invitation_that_is_of_no_use_stops_only_who_is_not_enrolled(
    federation: Path, prepare: Prepare, site: Site, tmp_path: Path
) -> None:
    invitation = tmp_path / "enrolment" / "invitation.json"
    shutil.copy(federation / "invitations" / "east.invitation.json", invitation)
    done = prepare("site-invited")
    assert done.returncode != 0
    assert "found one for site east" in done.stderr
    assert not enrolment_folder(site).exists()

    shutil.copy(federation / "invitations" / "north.invitation.json", invitation)
    assert prepare("site-invited").returncode == 0
    invitation.write_text("{}")
    assert prepare("site-invited").returncode == 0
    assert check_key(site)


def test_a_key_that_mounting_opened_to_the_group_is_closed_again(
    federation: Path, prepare: Prepare, site: Site, tmp_path: Path
) -> None:
    shutil.copy(federation / "invitations" / "north.invitation.json", tmp_path / "enrolment" / "invitation.json")
    assert prepare("site-invited").returncode == 0
    made = check_key(site)
    for path in (enrolment_folder(site), *enrolment_folder(site).iterdir()):
        path.chmod(path.stat().st_mode | 0o660)
    assert prepare("site").returncode == 0
    assert check_key(site) == made


def test_a_key_from_a_secret_is_taken_over_and_renewed(
    federation: Path, prepare: Prepare, site: Site, tmp_path: Path
) -> None:
    shutil.copy(federation / "invitations" / "north.invitation.json", tmp_path / "enrolment" / "invitation.json")
    assert prepare("site-invited").returncode == 0
    made, elsewhere = check_key(site), tmp_path / "enrolment" / "..data"
    shutil.move(enrolment_folder(site), elsewhere)
    for file in elsewhere.iterdir():  # as Kubernetes shows a Secret: read-only files behind links
        file.chmod(0o440)
        (tmp_path / "enrolment" / file.name).symlink_to(Path("..data", file.name))
    for _ in range(2):
        done = prepare("site-everything")
        assert done.returncode == 0, done.stderr
        assert check_key(site) == made
    assert read_connection(site).site == "north"
    assert {path.stat().st_mode & 0o777 for path in enrolment_folder(site).iterdir()} == {0o600}

    (elsewhere / CONNECTION).unlink()
    (elsewhere / KEY).unlink()
    assert prepare("site-everything").returncode != 0


def test_the_server_invites_without_the_authoritys_key(federation: Path, release: Any, tmp_path: Path) -> None:
    """The pod's folder: settings and Secret are mounted, members and invitations are its own."""
    pod = tmp_path / "pod"
    secrets = {each["name"]: each["secret"] for each in release("server").pod["volumes"] if "secret" in each}
    for name, folder in (("authority", "ca"), ("certificates", "server")):
        (pod / folder).mkdir(parents=True)
        for item in secrets[name]["items"]:
            shutil.copy(federation / folder / item["path"], pod / folder / item["path"])
    shutil.copy(federation / "federation.yaml", pod)
    mounted = {path: path.read_bytes() for path in pod.rglob("*") if path.is_file()}

    (first,) = release("server").pod["initContainers"]
    arguments = [argument.replace("/federation", str(pod)) for argument in first["args"]]
    for _ in range(2):
        assert CliRunner().invoke(app, arguments).exit_code == 0
    assert sorted(path.name for path in (pod / "invitations").iterdir()) == [
        "east.invitation.json",
        "north.invitation.json",
    ]
    assert {path: path.read_bytes() for path in mounted} == mounted
    assert not (pod / authority.CA_KEY).exists()

    (pod / authority.SERVER_CERTIFICATE).unlink()
    assert isinstance(CliRunner().invoke(app, arguments).exception, FederationError)
