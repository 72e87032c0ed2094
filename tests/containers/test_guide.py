"""deploy/containers.md, typed: a coordinator and a hospital from nothing to the first run, block by block.

Only what a reader fills in is filled in: address, folders, image, the fingerprint that is read out.
"""

import itertools
import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from client import cli as site_cli
from gmmas_core.data.phantom import write_federation
from server import cli as coordinator_cli

pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]

Docker = Callable[..., str]
ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PAGE = (DEPLOY / "containers.md").read_text()
PORT = 18443
COMPOSE_FILES = ("lab", "server", "site")


def blocks(heading: str) -> str:
    """The commands under a heading, in order."""
    (section,) = re.findall(rf"^### {heading}$(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


@pytest.fixture
def desk(tmp_path: Path, docker: Docker) -> Iterator[Path]:
    """A folder with a copy of `deploy/`; what was started from it is taken down."""
    (tmp_path / "deploy").symlink_to(DEPLOY)
    tmp_path.chmod(0o755)
    yield tmp_path
    for side in ("hospital", "coordinator"):
        if (tmp_path / side / "compose.yaml").exists():
            down = ["compose", "--profile", "steps", "--project-directory", str(tmp_path / side)]
            docker(*down, "down", "--volumes", "--remove-orphans", "--timeout", "1")


@pytest.mark.skipif(os.getuid() != 0, reason="no root, who alone can give folders to user 1000")
def test_from_nothing_to_the_first_run(
    desk: Path, images: dict[str, str], docker: Docker, small: Sequence[str]
) -> None:
    data = desk / "glioma"
    write_federation(desk / "phantoms", sites=3, cases=12, size=32, seed=1)
    (desk / "phantoms" / "north").rename(data)
    (data / "site.yaml").unlink()
    (data / "participants.tsv").chmod(0o644)  # as a hospital would let user 1000 read it
    host = json.loads(docker("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]["Gateway"]

    def type_in(folder: str, commands: str, **filled: str) -> str:
        for what, value in {"sudo ": "", "fl.example.org:8443": f"{host}:{PORT}", **filled}.items():
            commands = commands.replace(what, value)
        done = subprocess.run(
            ["sh", "-euc", commands], cwd=desk / folder, capture_output=True, text=True, timeout=1800, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def settle(folder: str, **changes: str) -> None:
        file = desk / folder / ".env"
        text = file.read_text()
        for key, value in changes.items():
            text, count = re.subn(rf"^{key}=.*$", f"{key}={value}", text, flags=re.MULTILINE)
            assert count == 1, key
        file.write_text(text)

    start, rest = blocks("Coordinator: the server").split("mkdir federation\n")
    type_in(".", start)
    settle("coordinator", GMMAS_IMAGE=images["server"], GMMAS_PORT=str(PORT), GMMAS_BIND=host, GMMAS_MEMORY="4g")
    type_in("coordinator", "mkdir federation\n" + rest)
    start, rest = blocks("Hospital: the key").split("mkdir site\n")
    type_in(".", start)
    settle("hospital", GMMAS_IMAGE=images["site"], DATA_DIR=str(data), GMMAS_MEMORY="4g")
    site, federation = desk / "hospital" / "site", desk / "coordinator" / "federation"
    written, enrolled = rest.split("sudo chown")
    type_in("hospital", "mkdir site\n" + written)
    letter = federation / "invitations" / "north.invitation.json"
    (site / letter.name).write_bytes(letter.read_bytes())
    said = type_in("hospital", "sudo chown" + enrolled)
    fingerprint = re.search(r"SHA256:\S+", said)
    assert fingerprint
    answer = federation / "north.enrolment.json"
    answer.write_bytes((site / answer.name).read_bytes())
    os.chown(answer, 1000, 1000)
    approve = blocks("Coordinator: approve").replace("exec", "exec -T")
    type_in(
        "coordinator",
        f"for _ in $(seq 30); do {approve.strip()} && exit; sleep 2; done; exit 1",
        **{"SHA256:...": fingerprint[0]},
    )
    type_in("hospital", blocks("Hospital: check and start"))
    chosen = " ".join(shlex.quote(override) for override in small)
    run = blocks("Coordinator: the run").replace("exec", "exec -T")
    listed = type_in("coordinator", run, **{"rounds=2": f"rounds=1 {chosen}"})
    assert "north" in listed
    assert "north" in (desk / "coordinator" / "report.html").read_text()


def quoted() -> list[str]:
    """Every compose command of the page and of the compose files' own comments."""
    texts = [PAGE, *((DEPLOY / f"compose.{name}.yaml").read_text() for name in COMPOSE_FILES)]
    found = [match for text in texts for match in re.findall(r"docker compose [^\n`;]+", text)]
    return [line.split(" # ")[0].strip() for line in found]


@pytest.mark.parametrize("line", quoted())
def test_a_quoted_command_names_services_and_commands_that_exist(line: str) -> None:
    words = shlex.split(line)[2:]
    services = {"server", "setup", "launch", "node", "provision", "phantom", "post", "enrol", "east", "north", "south"}
    commands = {
        command.name or command.callback.__name__  # type: ignore[union-attr]
        for app in (site_cli.app, coordinator_cli.app)
        for command in app.registered_commands
    }
    verb = next(word for word in words if word in ("run", "up", "exec", "cp", "logs", "down"))
    rest = [word for word in words[words.index(verb) + 1 :] if not word.startswith("-")]
    if verb in ("run", "up", "exec", "logs"):
        assert rest[0] in services
    for before, command in itertools.pairwise(rest):
        if before in ("setup", "node", "gmmas-coordinator") and command != "...":
            assert command in commands


@pytest.mark.parametrize("files", [("lab",), ("server",), ("site",), ("site", "site.gpu")])
def test_compose_takes_the_files(files: tuple[str, ...], docker: Docker, tmp_path: Path) -> None:
    arguments = [part for name in files for part in ("--file", str(DEPLOY / f"compose.{name}.yaml"))]
    example = DEPLOY / f"{files[0]}.env.example"
    settings = ["--env-file", str(example)] if example.exists() else []
    config = json.loads(docker("compose", *settings, *arguments, "--profile", "*", "config", "--format", "json"))
    for name, service in config["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges=true"], name
        assert service["init"] is True, name
        assert service["pids_limit"] > 0, name
        assert int(service["mem_limit"]) > 0, name
        assert service["logging"]["options"]["max-size"], name
        published = [port["target"] for port in service.get("ports", [])]
        assert published == ([8443] if (files[0], name) == ("server", "server") else [])
    if files[0] == "site":
        folders = {volume["target"]: volume for volume in config["services"]["node"]["volumes"]}
        assert folders["/data"]["read_only"]
        assert folders["/site"]["read_only"]
        assert config["services"]["setup"]["network_mode"] == "none"


@pytest.mark.parametrize("name", ["server", "site"])
def test_without_settings_compose_says_what_is_missing(name: str, docker: Docker, tmp_path: Path) -> None:
    asked = ["docker", "compose", "--project-directory", str(tmp_path), "-f", str(DEPLOY / f"compose.{name}.yaml")]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GMMAS")}
    done = subprocess.run([*asked, "config"], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode != 0
    assert f"{name}.env.example" in done.stderr
