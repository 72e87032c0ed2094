"""The Quadlet units: only keys that podman knows, and containers hardened as everywhere else.

Podman's own generator is not run: no released Debian that the tests run on has one.
"""

import re
import shlex
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.types import DISCLAIMER

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "quadlet"
CONTAINERS = sorted(FOLDER.glob("*.container"))
VOLUMES = sorted(FOLDER.glob("*.volume"))
RUN = {"gmmas-server": ("gmmas-coordinator", "/federation"), "gmmas-site": ("gmmas-site", "/site")}

# Of podman-systemd.unit(5), those that podman 4 and 5 both have; the first three sections go to systemd as they are.
KEYS = {
    section: set(re.findall(r"\w+", keys))
    for section, keys in {
        "Unit": "Description Documentation After Requires Wants",
        "Service": "Restart RestartSec TimeoutStartSec TimeoutStopSec",
        "Install": "Alias RequiredBy WantedBy",
        "Volume": "Copy Device Group Label Options PodmanArgs Type User VolumeName",
        "Container": """
            AddCapability AddDevice Annotation AutoUpdate ContainerName DropCapability Environment EnvironmentFile
            EnvironmentHost Exec ExposeHostPort Group HealthCmd HealthInterval HealthOnFailure HealthRetries
            HealthStartPeriod HealthStartupCmd HealthStartupInterval HealthStartupRetries HealthStartupSuccess
            HealthStartupTimeout HealthTimeout HostName IP IP6 Image Label LogDriver Mask Mount Network NoNewPrivileges
            Notify PodmanArgs PublishPort Pull ReadOnly Rootfs RunInit SeccompProfile Secret SecurityLabelDisable
            SecurityLabelFileType SecurityLabelLevel SecurityLabelNested SecurityLabelType ShmSize Sysctl Timezone Tmpfs
            Unmask User UserNS Volume WorkingDir""",
    }.items()
}

Unit = dict[str, dict[str, list[str]]]


def read_unit(text: str) -> Unit:
    """A unit's values by section and key.

    Raises:
        ValueError: a line that is neither section, key, comment nor empty, or a key that is not known.
    """
    unit: Unit = {}
    section = ""
    for line in text.splitlines():
        if not line or line.startswith(("#", ";")):
            continue
        if (head := re.fullmatch(r"\[(\w+)\]", line)) is not None:
            section = head[1]
            unit[section] = defaultdict(list)
            continue
        key, equals, value = line.partition("=")
        if not equals or key not in KEYS.get(section, ()) or line != line.strip():
            raise ValueError(f"[{section}] {line}")
        unit[section][key].append(value)
    return unit


def of_stem(paths: list[Path]) -> Any:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.name)


def test_there_is_a_unit_for_each_side() -> None:
    assert [path.stem for path in CONTAINERS] == ["gmmas-server", "gmmas-site"]


def test_a_mistake_would_be_found() -> None:
    assert read_unit("[Container]\nImage=a\n# b\nVolume=c\nVolume=d\n")["Container"]["Volume"] == ["c", "d"]
    for wrong in (
        "[Container]\nReadonly=true",
        "[Container]\nImage",
        "[Container]\n Image=a",
        "Image=a",
        "[X]\nImage=a",
    ):
        with pytest.raises(ValueError):
            read_unit(wrong)


@of_stem(VOLUMES)
def test_a_volume_has_a_name_of_its_own(path: Path) -> None:
    assert read_unit(path.read_text()) == {"Volume": {"VolumeName": [path.stem]}}


@of_stem(CONTAINERS)
def test_a_container_is_hardened(path: Path) -> None:
    container = read_unit(path.read_text())["Container"]
    expected = {
        "User": ["1000"],
        "Group": ["1000"],
        "UserNS": ["keep-id:uid=1000,gid=1000"],
        "ReadOnly": ["true"],
        "DropCapability": ["all"],
        "NoNewPrivileges": ["true"],
        "Pull": ["never"],
    }
    assert {key: container[key] for key in expected} == expected
    loosening = {"AddCapability", "SeccompProfile", "SecurityLabelDisable", "Unmask", "Network", "EnvironmentHost"}
    assert not loosening & {key for key, values in container.items() if values}
    arguments = dict(word.split("=", 1) for word in shlex.split(" ".join(container["PodmanArgs"])))
    assert arguments.keys() == {"--memory", "--pids-limit", "--stop-timeout"}
    (tmpfs,) = container["Tmpfs"]
    assert tmpfs.startswith("/tmp:")
    assert "size=" in tmpfs


@of_stem(CONTAINERS)
def test_a_container_runs_this_release_and_says_so(path: Path) -> None:
    container = read_unit(path.read_text())["Container"]
    release = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert release is not None
    (image,) = container["Image"]
    assert image == f"localhost/{path.stem}:{release[1]}"
    assert f"GMMAS_IMAGE={image}" in container["Environment"]
    assert DISCLAIMER in path.read_text()
    assert DISCLAIMER in (ROOT / "deploy" / "podman.md").read_text()


@of_stem(CONTAINERS)
def test_what_a_container_mounts_and_opens(path: Path) -> None:
    container = read_unit(path.read_text())["Container"]
    mounts = {value.split(":")[1]: value for value in container["Volume"]}
    for value in container["Volume"]:
        source = value.split(":")[0]
        assert source.startswith("/srv/gmmas/") or FOLDER / source in VOLUMES
    if path.stem == "gmmas-site":
        assert mounts.keys() == {"/site", "/data", "/state"}
        assert all(mounts[target].endswith(":ro") for target in ("/site", "/data"))
        assert not container["PublishPort"]
    else:
        assert mounts.keys() == {"/federation", "/runs"}
        assert container["PublishPort"] == ["8443:8443"]


@of_stem(CONTAINERS)
def test_what_a_container_runs_exists(path: Path, parse: Any) -> None:
    unit = read_unit(path.read_text())
    program, folder = RUN[path.stem]
    (command,) = unit["Container"]["Exec"]
    parse([program, *command.split()])
    assert unit["Container"]["HealthCmd"] == [f"{program} health {folder}"]
    assert unit["Container"]["HealthOnFailure"] == ["kill" if path.stem == "gmmas-site" else "none"]
    assert unit["Service"]["Restart"] == ["always"]
    assert unit["Install"]["WantedBy"] == ["default.target"]
