"""A real container engine for the tests marked `containers`, the two images, and the laboratory of compose.lab.yaml.

An engine that answers is used as it is. Where none does, one is brought up by the scripts that lie beside the project
on machines without a registry, and stopped at the end; where that cannot be, the tests are skipped, visibly.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STACK = ROOT.parent / "shared" / "containers" / "docker_stack.sh"
BASE = "python:3.11-slim-bookworm"
PROJECT = "gmmas-test"
IMAGES = {"server": "gmmas-server:test", "site": "gmmas-site:test"}
DOCKERFILES = {"server": "deploy/server.Dockerfile", "site": "deploy/client.Dockerfile"}
DOWN = ("--profile", "steps", "down", "--volumes", "--remove-orphans", "--timeout", "1")
SMALL = (
    "data.spacing_mm=6",
    "model=smallest",
    "training.local_steps=20",
    "evaluation.overlap=0",
    "evaluation.max_validation_cases=1",
    "evaluation.bootstrap=20",
)
BUILD_CACHE = "8GB"

Docker = Callable[..., str]


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Settings behind `experiment=smoke` with which a round takes seconds."""
    return SMALL


@pytest.fixture(scope="session")
def own_engine() -> Iterator[Path]:
    """The folder of the engine that these tests bring up where none answers; it is never removed, hours go into it."""
    folder = Path(os.environ.get("W", "/var/tmp/container-ci"))
    if shutil.which("docker") and _answers(None):
        yield folder
        return
    socket = f"unix://{folder}/docker.sock"
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = socket
    is_ours = False
    try:
        if not (shutil.which("docker") and _answers(socket)):
            _bring_up(folder)
            is_ours = True
        yield folder
    finally:
        if is_ours:
            # Bringing it up imports the base anew each time.
            prune = ["docker", "image", "prune", "--force"]
            subprocess.run(prune, timeout=180, check=False, stdout=subprocess.DEVNULL)
            subprocess.run([STACK, "down"], timeout=180, check=False, stdout=subprocess.DEVNULL)
        os.environ.pop("DOCKER_HOST")
        os.environ |= {} if before is None else {"DOCKER_HOST": before}


@pytest.fixture(scope="session")
def docker(own_engine: Path) -> Docker:
    """`docker("run", "--rm", ...)` returns what the command prints; one that fails fails the test with its words."""

    def call(*arguments: str, timeout: float = 1800, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["docker", *arguments],
            cwd=ROOT,
            env=os.environ | (env or {}),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    probe = "pip download --no-deps --no-cache-dir --quiet -d /tmp/probe iniconfig==2.3.1"
    asked = ["docker", "run", "--rm", BASE, "sh", "-c", probe]
    if subprocess.run(asked, capture_output=True, timeout=900, check=False).returncode != 0:
        pytest.skip("no package index inside the engine")
    return call


@pytest.fixture(scope="session")
def images(docker: Docker) -> Iterator[dict[str, str]]:
    """Both images, built as `make images` does; torch from TORCH_INDEX, or the folder of wheels that pip is told of."""
    index = os.environ.get("TORCH_INDEX", "")
    torch = ["--build-arg", f"TORCH_INDEX={index}"] if index else _wheels()
    if not torch:
        pytest.skip("no package index inside the engine that has torch's CPU build: set TORCH_INDEX")
    for side, tag in IMAGES.items():
        build = ["build", "--file", DOCKERFILES[side], "--tag", tag, "--build-arg", "RELEASE=test", *torch, "."]
        docker(*build, timeout=3000)
    yield IMAGES
    docker("image", "rm", "--force", *IMAGES.values())
    docker("builder", "prune", "--force", "--keep-storage", BUILD_CACHE)


@pytest.fixture(scope="session")
def lab(images: dict[str, str], docker: Docker) -> Iterator[Docker]:
    """`lab("ps")` is `docker compose ps` in the laboratory, which up.sh has brought up: a server, three hospitals."""
    settings = {
        "COMPOSE_PROJECT_NAME": PROJECT,
        "COMPOSE_FILE": str(ROOT / "deploy" / "compose.lab.yaml"),
        "GMMAS_SERVER_IMAGE": images["server"],
        "GMMAS_SITE_IMAGE": images["site"],
    }

    def compose(*arguments: str) -> str:
        return docker("compose", *arguments, env=settings)

    compose(*DOWN)
    try:
        done = subprocess.run(
            [ROOT / "deploy" / "lab" / "up.sh"],
            env=os.environ | settings,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        yield compose
    finally:
        compose(*DOWN)


def _answers(host: str | None) -> bool:
    environment = os.environ | ({} if host is None else {"DOCKER_HOST": host})
    asked = ["docker", "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(asked, env=environment, capture_output=True, timeout=60, check=False).returncode == 0


def _bring_up(folder: Path) -> None:
    if os.getuid() != 0 or not STACK.is_file():
        pytest.skip("no container engine")
    clear_killed_engine(folder)
    done = subprocess.run([STACK, "up"], capture_output=True, text=True, timeout=900, check=False)
    if done.returncode != 0:
        print(done.stdout, done.stderr)
        clear_killed_engine(folder)
        pytest.skip("no container engine")


def clear_killed_engine(folder: Path) -> None:
    """End what an engine that was killed left behind, and remove its process ids, which others may have by now.

    Its containers run on without it; a new engine stops them one after the other before it answers, which takes longer
    than it is waited for. Only processes that name this engine's folder, and their children, are ended.
    """
    programs = {"dockerd", "containerd", "containerd-shim-runc-v2"}
    left = [
        pid
        for pid, command in _commands()
        if Path(command[0]).name in programs and any(part.startswith(str(folder)) for part in command[1:])
    ]
    for pid in left:
        for child in _children(pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for name in ("dockerd.pid", "docker.sock", "exec/containerd/containerd.pid"):
        (folder / name).unlink(missing_ok=True)


def _commands() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                command = (entry / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
                yield int(entry.name), command


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _wheels() -> list[str]:
    """The build's own folder of wheels, from this machine's pip configuration."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    said = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False).stdout
    for line in said.splitlines():
        name, _, value = line.partition("=")
        folders = [Path(part) for part in value.strip("'\"").replace("\\n", " ").split()]
        if name.endswith("find-links") and any(folder.is_dir() for folder in folders):
            return ["--build-context", f"wheels={next(folder for folder in folders if folder.is_dir())}"]
    return []
