"""What is in the two images, and what is not."""

import json
from collections.abc import Callable

import pytest

pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]

Docker = Callable[..., str]
SIDES = ("server", "site")
OWN = {"server": "server", "site": "client"}
COMMAND = {"server": "gmmas-coordinator", "site": "gmmas-site"}
FOLDERS = {"server": ("/federation", "/runs"), "site": ("/site", "/data", "/state")}


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> str:
    """One image after the other."""
    return str(request.param)


@pytest.fixture
def inside(side: str, images: dict[str, str], docker: Docker) -> Callable[[str], str]:
    """Runs a line of shell in a container as hardened as compose starts it; without a network."""
    hardened = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp", "--network=none"]

    def run(line: str) -> str:
        return docker("run", "--rm", *hardened, "--entrypoint=sh", images[side], "-c", line)

    return run


def test_an_image_holds_its_own_side_and_nothing_else_of_the_project(side: str, inside: Callable[[str], str]) -> None:
    listed = inside("ls /opt/gmmas/lib/python3.11/site-packages /opt/gmmas/bin /usr/local/bin").split()
    own = {"server", "client", "tests", "lab"} & set(listed)
    assert own == {OWN[side]}
    assert {"gmmas_core", "configs"} <= set(listed)
    assert {command for command in listed if command.startswith("gmmas-")} == {COMMAND[side]}
    assert inside("ls /opt/gmmas/lib/python3.11/site-packages/server 2>/dev/null || true").split().count("lab") == 0


def test_no_program_that_installs_programs(inside: Callable[[str], str]) -> None:
    looked = "for name in pip pip3 uv uvx conda; do command -v $name || true; done"
    assert inside(looked) == ""
    tried = "for name in pip uv ensurepip; do python -c 'import '$name 2>/dev/null && echo $name || true; done"
    assert inside(tried) == ""


def test_the_version_is_there_and_every_locked_library_is_whole(inside: Callable[[str], str]) -> None:
    asked = "from importlib.metadata import version; print(version('gmmas-fed'), version('torch'), version('flwr'))"
    own, torch, flower = inside(f'python -c "{asked}"').split()
    assert own
    assert torch == "2.13.0+cpu"
    assert flower == "1.41.0"


def test_the_programs_answer_on_a_read_only_file_system_without_a_network(
    side: str, inside: Callable[[str], str]
) -> None:
    assert "Usage:" in inside(f"{COMMAND[side]} --help")
    # What is cut away from the libraries must not be missed by what imports the most of them.
    assert inside({"server": "python -c 'import server.app'", "site": "python -c 'import client.app'"}[side]) == ""


def test_a_hospital_s_image_opens_the_reading_room(images: dict[str, str], docker: Docker) -> None:
    rooms = "service", "reading.process", "reports.pdf", "exports.sr", "exports.fhir", "writer.endpoint"
    converter = "import subprocess, dcm2niix; subprocess.run([dcm2niix.bin, '-v'])"
    line = (
        "echo 'a long enough password' | gmmas-site reading-room-user anna --role viewer --data /tmp/room"
        f" && python -c 'import {', '.join(f'client.reading_room.{room}' for room in rooms)}'"
        f' && python -c "{converter}"'
    )
    hardened = ["--read-only", "--cap-drop=ALL", "--tmpfs=/tmp", "--network=none"]
    said = docker("run", "--rm", *hardened, "--entrypoint=sh", images["site"], "-c", line)
    assert "added anna, viewer" in said
    assert "dcm2niiX" in said


def test_it_runs_as_nobody_in_particular_and_its_folders_are_that_user_s(
    side: str, inside: Callable[[str], str]
) -> None:
    assert inside("id -u; id -g").split() == ["1000", "1000"]
    assert set(inside("stat -c %u:%g " + " ".join(FOLDERS[side])).split()) == {"1000:1000"}
    written = "touch /x 2>/dev/null && echo written || true; touch /opt/gmmas/x 2>/dev/null && echo written || true"
    assert inside(written) == ""


def test_labels_and_health_check(side: str, images: dict[str, str], docker: Docker) -> None:
    config = json.loads(docker("image", "inspect", images[side]))[0]["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["version"] == "test"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["base.name"] == "python:3.11-slim-bookworm"
    assert "Research use only" in labels["description"]
    assert config["User"] == "1000:1000"
    assert config["Healthcheck"]["Test"] == ["CMD", COMMAND[side], "health", FOLDERS[side][0]]


def test_the_bill_of_materials_names_python_s_and_debian_s_packages(side: str, inside: Callable[[str], str]) -> None:
    bill = json.loads(inside("cat /opt/gmmas/sbom.cdx.json"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    names = {component["purl"].partition("@")[0] for component in bill["components"]}
    assert {"pkg:pypi/torch", "pkg:pypi/flwr", "pkg:pypi/cryptography", "pkg:deb/debian/libc6"} <= names
    assert ("pkg:deb/debian/nginx-light" in names) == (side == "server")
    assert "pkg:pypi/pip" not in names
    assert len({component["bom-ref"] for component in bill["components"]}) == len(bill["components"])
    listed = inside("ls -d /opt/gmmas/lib/python3.11/site-packages/*.dist-info | wc -l")
    assert sum(name.startswith("pkg:pypi/") for name in names) == int(listed) - 1
