"""Every pod that the charts can make is hardened, whatever the values, and writes nowhere but to its state."""

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = {"gmmas-server": {"/federation", "/runs", "/tmp"}, "gmmas-site": {"/state", "/tmp", "/dev/shm"}}


def test_a_pod_is_hardened(each: Any) -> None:
    security = each.pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (1000, 1000, 1000)
    assert security["fsGroupChangePolicy"] == "OnRootMismatch"
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert each.pod["automountServiceAccountToken"] is False
    assert each.pod["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & each.pod.keys()
    for container in each.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
        assert "memory" in container["resources"]["requests"]


def test_there_is_one_pod_that_ends_before_its_successor_starts(each: Any) -> None:
    spec = each.one("Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_only_state_can_be_written(each: Any) -> None:
    for container in each.containers:
        mounts = container["volumeMounts"]
        assert {mount["mountPath"] for mount in mounts if not mount.get("readOnly")} <= WRITTEN[each.chart]
        assert {mount["name"] for mount in mounts} <= {volume["name"] for volume in each.pod["volumes"]}


def test_images_are_named_by_release_and_told_inside(each: Any) -> None:
    release = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert release is not None
    for container in each.containers:
        name, _, digest = container["image"].partition("@")
        assert name.endswith(f"{each.chart}:{release[1]}")
        assert digest == each.values.get("image", {}).get("digest", "")
        assert {"name": "GMMAS_IMAGE", "value": container["image"]} in container["env"]


def test_what_containers_run_exists(each: Any, parse: Any) -> None:
    program, folder = {"gmmas-server": ("gmmas-coordinator", "/federation"), "gmmas-site": ("gmmas-site", "/site")}[
        each.chart
    ]
    for container in each.containers:
        if "command" not in container:  # the image's own: the program
            parse([program, *container["args"]])
    (main,) = each.pod["containers"]
    assert main["readinessProbe"]["exec"]["command"] == [program, "health", folder]
    alive = main["livenessProbe"]
    if each.chart == "gmmas-server":  # its health minds disk and certificates, which no restart mends
        assert alive["httpGet"] == {"scheme": "HTTPS", "path": "/health", "port": "hospitals"}
        assert each.one("Service")["spec"]["publishNotReadyAddresses"] is True
    else:
        assert alive["exec"] == main["readinessProbe"]["exec"]


@pytest.mark.parametrize("name", ["site", "site-everything", "site-invited", "site-folder"])
def test_images_of_patients_are_only_read(release: Any, name: str) -> None:
    site = release(name)
    (volume,) = [volume for volume in site.pod["volumes"] if volume["name"] == "data"]
    if "hostPath" in site.values["data"]:
        assert volume["hostPath"] == {"path": "/srv/mri", "type": "Directory"}
    else:
        assert volume["persistentVolumeClaim"] == {"claimName": "mri", "readOnly": True}
    for container in site.containers:
        (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "data"]
        assert mount["readOnly"] is True


def test_the_servers_keys_come_from_a_secret_and_the_authoritys_key_does_not(release: Any) -> None:
    volumes = {volume["name"]: volume for volume in release("server").pod["volumes"]}
    files = {
        name: [item["path"] for item in volumes[name]["secret"]["items"]] for name in ("authority", "certificates")
    }
    assert files == {"authority": ["ca.crt"], "certificates": ["server.crt", "server.key", "superexec.secret"]}
    assert {volumes[name]["secret"]["defaultMode"] for name in files} == {0o440}


def test_a_gpu_is_asked_for_by_the_node_alone(release: Any) -> None:
    pod = release("site-everything").pod
    (first,), (main,) = pod["initContainers"], pod["containers"]
    assert main["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert "nvidia.com/gpu" not in first["resources"]["limits"]
    assert pod["runtimeClassName"] == "nvidia"
    assert pod["securityContext"]["supplementalGroups"] == [4711]
    assert {"name": "TZ", "value": "Europe/Berlin"} in main["env"]
    assert {"name": "HTTPS_PROXY", "value": "http://proxy.example.org:3128"} in main["env"]
