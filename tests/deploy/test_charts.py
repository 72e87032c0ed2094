"""What the Helm charts make of values fits Kubernetes, closes the network, and says what the programs read."""

import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from client.site import read_site
from gmmas_core.types import DISCLAIMER
from server.membership.federation_file import read_federation

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ("1.25", "1.37")
"""The oldest that the charts allow, and the newest that is known here."""


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_every_object_fits_the_schema(each: Any, render: Any, kubernetes: str) -> None:
    for found in render(each.chart, each.values, kubernetes):
        assert kubernetes_validate.validate(found, kubernetes, strict=True) == kubernetes


def test_the_schema_would_refuse(release: Any) -> None:
    service = release("server").one("Service")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(service | {"specification": {}}, KUBERNETES[0], strict=True)


def test_the_policy_is_the_pods(each: Any) -> None:
    spec = each.one("Deployment")["spec"]
    labels = spec["template"]["metadata"]["labels"].items()
    policy = each.one("NetworkPolicy")["spec"]
    assert spec["selector"]["matchLabels"].items() <= labels
    assert policy["podSelector"]["matchLabels"].items() <= labels
    assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_the_server_is_reached_on_one_port_and_calls_nobody(release: Any) -> None:
    server = release("server-everything")
    policy = server.one("NetworkPolicy")["spec"]
    assert policy["egress"] == []
    (way,) = policy["ingress"]
    assert way["ports"] == [{"protocol": "TCP", "port": 8443}]
    assert [peer["ipBlock"]["cidr"] for peer in way["from"]] == ["198.51.100.7/32", "2001:db8::/32"]
    service = server.one("Service")["spec"]
    assert [(port["port"], port["targetPort"]) for port in service["ports"]] == [(443, "hospitals")]
    (port,) = server.pod["containers"][0]["ports"]
    assert (port["name"], port["containerPort"]) == ("hospitals", 8443)


@pytest.mark.parametrize("name", ["site", "site-no-names"])
def test_a_site_reaches_the_coordinator_and_name_servers_only(release: Any, name: str) -> None:
    policy = release(name).one("NetworkPolicy")["spec"]
    assert policy["ingress"] == []
    coordinator, *names = policy["egress"]
    assert coordinator == {
        "to": [{"ipBlock": {"cidr": "192.0.2.44/32"}}],
        "ports": [{"protocol": "TCP", "port": 8443}],
    }
    assert len(names) == (name == "site")
    for way in names:
        assert way["to"]
        assert {port["port"] for port in way["ports"]} == {53}


def test_volumes_outlive_the_release(each: Any) -> None:
    claims = [found for found in each.objects if found["kind"] == "PersistentVolumeClaim"]
    volumes = each.values.get("storage") or {"state": each.values.get("state", {})}
    kept = sum("existingClaim" in volume for volume in volumes.values())
    assert len(claims) == (2 if each.chart == "gmmas-server" else 1) - kept
    for claim in claims:
        assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_settings_are_what_the_programs_read(each: Any, tmp_path: Path) -> None:
    ((name, text),) = each.one("ConfigMap")["data"].items()
    if each.chart == "gmmas-server":
        (tmp_path / name).write_text(text)
        assert read_federation(tmp_path).name == "glioma"
        return
    (tmp_path / "data").mkdir()
    assert {"data: /data", "state: /state"} <= set(text.splitlines())
    (tmp_path / name).write_text(text.replace("data: /data", "data: data"))
    assert read_site(tmp_path).cohort_floor == each.values["site"].get("cohort_floor", 5)


def test_the_notes_say_what_to_do_next(each: Any, render: Any, parse: Any, tmp_path: Path) -> None:
    """Helm shows notes on installation only: here the same text is rendered as an object."""
    chart = tmp_path / each.chart
    shutil.copytree(ROOT / "deploy" / "helm" / each.chart, chart)
    (chart / "templates" / "NOTES.txt").rename(chart / "notes")
    shown = '{notes: {{ tpl (.Files.Get "notes") . | toJson }}}'
    (chart / "templates" / "notes.yaml").write_text(f"kind: Notes\ndata: {shown}\n")
    (notes,) = [found["data"]["notes"] for found in render(chart, each.values) if found["kind"] == "Notes"]
    assert DISCLAIMER in notes
    assert ("without a digest" in notes) == ("image" not in each.values)
    commands = re.findall(r" -- (gmmas-[^\n]+)", notes)
    assert commands
    for command in commands:
        parse(command.split())


def test_the_pages_own_values_fit(render: Any) -> None:
    page = (ROOT / "deploy" / "kubernetes.md").read_text()
    assert DISCLAIMER in page
    found = re.findall(r"^```yaml\n# (gmmas-\w+)\n(.*?)^```", page, re.M | re.S)
    assert [chart for chart, _ in found] == ["gmmas-server", "gmmas-site"]
    for chart, text in found:
        assert "Deployment" in [made["kind"] for made in render(chart, yaml.safe_load(text))]
