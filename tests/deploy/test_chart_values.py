"""Values that would weaken a pod, open its network or mean nothing are refused before anything is made of them."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

SERVER: dict[str, Any] = {
    "federation": {"name": "glioma", "server": {"address": "fl.example.org:8443"}, "sites": ["north"]},
    "certificates": {"secretName": "gmmas-certificates"},
}
SITE: dict[str, Any] = {
    "site": {"site": "north", "label_convention": "brats2021"},
    "data": {"existingClaim": "mri"},
    "coordinator": {"cidrs": ["192.0.2.44/32"]},
}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"image": {"tag": "latest"}}, "image.tag"),
        ({"image": {"digest": "sha256:abc"}}, "image.digest"),
        ({"image": {"pullPolicy": "Sometimes"}}, "image.pullPolicy"),
        ({"replicas": 2}, "(root): Additional property replicas"),
        ({"securityContext": {"runAsUser": 0}}, "(root): Additional property securityContext"),
        ({"federation": {"name": "two words"}}, "federation.name"),
        ({"federation": {"sites": []}}, "federation.sites"),
        ({"federation": {"sites": ["../north"]}}, "federation.sites"),
        ({"federation": {"server": {"address": "no-port"}}}, "federation.server.address"),
        ({"certificates": {"secretName": ""}}, "certificates.secretName"),
        ({"allowFrom": ["everybody"]}, "allowFrom"),
        ({"allowFrom": []}, "allowFrom"),
        ({"service": {"port": 0}}, "service.port"),
        ({"service": {"type": "ExternalName"}}, "service.type"),
        ({"resources": {"limits": {"memory": None}}}, "resources.limits"),
        ({"storage": {"runs": {"size": "much"}}}, "storage.runs.size"),
    ],
)
def test_the_server_refuses(helm_template: Any, wrong: dict[str, Any], says: str) -> None:
    done = helm_template("gmmas-server", merged(SERVER, wrong))
    assert done.returncode != 0
    assert f"\n- {says}" in done.stderr


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"image": {"tag": "latest"}}, "image.tag"),
        ({"replicas": 2}, "(root): Additional property replicas"),
        ({"site": {"site": "north wing"}}, "site.site"),
        ({"site": {"label_convention": None}}, "site.label_convention"),
        ({"site": {"cohort_floor": 0}}, "site.cohort_floor"),
        ({"site": {"training_hours": "at night"}}, "site.training_hours"),
        ({"site": {"state": "/tmp/state"}}, "site.state"),
        ({"site": {"data": "/elsewhere"}}, "site.data"),
        ({"data": {"existingClaim": ""}}, "data"),
        ({"data": {"hostPath": "/srv/mri"}}, "data"),
        ({"data": {"existingClaim": "", "hostPath": "/"}}, "data.hostPath"),
        ({"data": {"groups": [0]}}, "data.groups"),
        ({"coordinator": {"cidrs": []}}, "coordinator.cidrs"),
        ({"coordinator": {"cidrs": ["0.0.0.0/0"]}}, "coordinator.cidrs"),
        ({"coordinator": {"cidrs": ["fl.example.org"]}}, "coordinator.cidrs"),
        ({"nameServers": [{}]}, "nameServers"),
        ({"enrolment": {"invitationSecret": "one", "keySecret": "another"}}, "enrolment"),
        ({"proxy": "https://proxy.example.org:3128"}, "proxy"),
        ({"gpu": {"count": "all"}}, "gpu.count"),
    ],
)
def test_a_site_refuses(helm_template: Any, wrong: dict[str, Any], says: str) -> None:
    done = helm_template("gmmas-site", merged(SITE, wrong))
    assert done.returncode != 0
    assert f"\n- {says}" in done.stderr


@pytest.mark.parametrize(("chart", "values"), [("gmmas-server", SERVER), ("gmmas-site", SITE)])
def test_the_least_values_are_enough_and_none_are_too_few(helm_template: Any, chart: str, values: Any) -> None:
    assert helm_template(chart, values).returncode == 0
    assert helm_template(chart, {}).returncode != 0


def merged(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Values with some of them replaced, however deep."""
    deeper = {
        key: merged(values[key], value)
        for key, value in more.items()
        if isinstance(value, dict) and isinstance(values.get(key), dict)
    }
    return values | more | deeper
