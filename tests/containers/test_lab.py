"""The laboratory of compose.lab.yaml: a federation of containers, one of which is killed in the middle of a round."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]

Docker = Callable[..., str]
HOSPITALS = ("east", "north", "south")
SERVICES = ("server", *HOSPITALS)
CRASH = "while [ ! -s /state/witness.jsonl ]; do sleep 0.1; done; kill -9 -1"
"""Once a question was accepted, everything in the container dies but its first process, which then ends by itself: a
crash in the middle of preparing and training, not an order to stop."""


@dataclass(frozen=True)
class Played:
    """What a run left behind.

    Attributes:
        exit_code: of the launcher.
        progress, ledger: lines of the two files.
        report: the page.
        restarts: of north's container.
    """

    exit_code: int
    progress: list[dict[str, Any]]
    ledger: list[dict[str, Any]]
    report: str
    restarts: int


@pytest.fixture(scope="module")
def played(lab: Docker, docker: Docker, small: Sequence[str]) -> Played:
    """A run of two rounds, in the first of which north's container crashes while it trains."""
    container = lab("ps", "--quiet", "north").strip()
    lab("exec", "-T", "--detach", "north", "sh", "-c", CRASH)
    launcher = lab("run", "--detach", "launch", "experiment=smoke", "rounds=2", *small).split()[-1]
    exit_code = int(docker("wait", launcher))
    print(docker("logs", launcher))
    docker("rm", launcher)
    return Played(
        exit_code=exit_code,
        progress=json_lines(lab("exec", "-T", "server", "cat", "/runs/first/progress.jsonl")),
        ledger=json_lines(lab("exec", "-T", "server", "cat", "/runs/first/ledger.jsonl")),
        report=lab("exec", "-T", "server", "cat", "/runs/first/report.html"),
        restarts=int(docker("inspect", "--format", "{{.RestartCount}}", container)),
    )


def test_a_hospital_killed_in_mid_round_comes_back_and_counts(played: Played) -> None:
    assert played.exit_code == 0
    assert played.restarts >= 1
    rounds = [line for line in played.ledger if line["kind"] == "round"]
    assert [sorted(line["sites"]) for line in rounds] == [list(HOSPITALS)] * 2
    sends = [line["sends"] for line in played.progress if (line["kind"], line.get("site")) == ("site-asked", "north")]
    assert max(sends) >= 2, "north was never asked again: it was not killed in the middle of a round"


def test_the_report_names_the_three_hospitals(played: Played) -> None:
    for name in HOSPITALS:
        assert re.search(rf"\b{name}\b", played.report)
    assert "Research use only" in played.report


def test_nothing_runs_with_rights(lab: Docker) -> None:
    for service in SERVICES:
        status = dict(line.split(":", 1) for line in lab("exec", "-T", service, "cat", "/proc/1/status").splitlines())
        assert status["Uid"].split() == ["1000"] * 4, service
        assert int(status["CapEff"], 16) == 0, service
        assert int(status["CapBnd"], 16) == 0, service
        assert status["NoNewPrivs"].strip() == "1", service
        written = "touch /x 2>/dev/null || touch /opt/gmmas/x 2>/dev/null && echo written || true"
        assert lab("exec", "-T", service, "sh", "-c", written) == "", service


def test_a_hospital_cannot_change_its_data_or_its_policy(lab: Docker) -> None:
    for folder in ("/data", "/site"):
        tried = f"touch {folder}/x 2>/dev/null && echo written || true"
        assert lab("exec", "-T", "north", "sh", "-c", tried) == ""
    assert lab("exec", "-T", "north", "sh", "-c", "stat -c %a /state/enrolment/supernode_key").strip() == "600"


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [("server", 8443, "open"), ("server", 8000, "refused"), ("east", 9094, "no such name"), ("1.1.1.1", 443, "no way")],
)
def test_a_hospital_reaches_the_server_s_one_port_and_nothing_else(
    lab: Docker, host: str, port: int, expected: str
) -> None:
    found = lab("exec", "-T", "north", "python", "-c", CONNECT, host, str(port)).strip()
    assert found == expected


CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 10).close()
except ConnectionRefusedError:
    print("refused")
except socket.gaierror:
    print("no such name")
except OSError:
    print("no way")
else:
    print("open")
"""


def test_limits_are_set_and_logs_are_bounded(lab: Docker, docker: Docker) -> None:
    for service in SERVICES:
        (found,) = json.loads(docker("inspect", lab("ps", "--quiet", service).strip()))
        host = found["HostConfig"]
        assert host["Memory"] > 0
        assert host["PidsLimit"] > 0
        assert host["Init"] is True
        assert host["LogConfig"]["Config"]["max-size"]
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert host["PortBindings"] == {}


def test_the_steps_may_be_repeated(lab: Docker) -> None:
    assert "nothing to make" in lab("run", "--rm", "-T", "provision")


def json_lines(text: str) -> list[dict[str, Any]]:
    """A file of JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def test_the_ledger_names_the_images_as_they_were_stated(played: Played, images: dict[str, str]) -> None:
    (enlisted,) = [line for line in played.ledger if line["kind"] == "enlisted"]
    assert enlisted["coordinator"]["image"] == images["server"]
    stated = {name: about["image"] for name, about in enlisted["sites"].items()}
    assert stated == dict.fromkeys(HOSPITALS, images["site"])


def test_everybody_says_that_he_is_well(lab: Docker, played: Played) -> None:
    lab("exec", "-T", "server", "gmmas-coordinator", "health", "/federation")
    for hospital in HOSPITALS:
        lab("exec", "-T", hospital, "gmmas-site", "health", "/site")
