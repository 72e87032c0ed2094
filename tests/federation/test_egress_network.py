"""Nothing phones home: real federations in network namespaces in which every packet that leaves is recorded.

A house is a namespace with one cable to its neighbour, a default route and a name server that lead there, and a packet
filter that notes each destination. Nothing can reach the outside; what somebody would have liked to reach is noted.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.quiet import SETTINGS
from server.serving.child_processes import children, wait_until

ROOT = Path(__file__).resolve().parents[2]
SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
IP, NFT = shutil.which("ip", path=SEARCH), shutil.which("nft", path=SEARCH)
REASON = "no network namespaces"

pytestmark = [
    pytest.mark.process,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(os.geteuid() != 0 or IP is None or NFT is None, reason=REASON),
]

NAME, PORT = "coordinator.test", 8443
PATIENCE_S = 600
COORDINATOR, HOSPITAL = "10.213.77.1", "10.213.77.2"
SMALL = ("acceptance.check=none", "federation.deadline_s=120", "federation.quorum=1", "federation.min_sites=1")
FORGOTTEN = [part for name in SETTINGS for part in ("-u", name)]
"""For `env`: whatever keeps libraries quiet in the shell of this test is taken away."""

RULES = """
table inet audit {{
  set seen4 {{ type ipv4_addr . inet_proto . inet_service; flags dynamic; size 65535; }}
  set seen6 {{ type ipv6_addr . inet_proto . inet_service; flags dynamic; size 65535; }}
  set others {{ type inet_proto; flags dynamic; size 256; }}
  chain out {{
    type filter hook output priority 0; policy accept;
    oif "lo" accept
    {answers}
    meta l4proto {{ tcp, udp }} update @seen4 {{ ip daddr . meta l4proto . th dport }}
    meta l4proto {{ tcp, udp }} update @seen6 {{ ip6 daddr . meta l4proto . th dport }}
    meta l4proto != {{ tcp, udp, ipv6-icmp }} update @others {{ meta l4proto }}
  }}
}}
"""


@dataclass(frozen=True)
class House:
    """One namespace; `address` and `neighbour` are the two ends of its cable."""

    name: str
    address: str
    neighbour: str

    def inside(self, program: str, *arguments: object) -> list[str]:
        """A command in this house: one of the project's, or `python`."""
        rooms = {"gmmas-coordinator": "server.cli", "gmmas-site": "client.cli", "gmmas-lab": "server.lab.cli"}
        start = ["-c", f"from {rooms[program]} import main; main()"] if program in rooms else []
        where = [str(IP), "netns", "exec", self.name, "env", *FORGOTTEN, f"PYTHONPATH={ROOT}"]
        return [*where, sys.executable, *start, *map(str, arguments)]

    def run(self, program: str, *arguments: object) -> str:
        """What a command prints that has to succeed."""
        command = self.inside(program, *arguments)
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    def seen(self) -> set[tuple[str, str, int]]:
        """Every destination outside this house to which a packet went: address, protocol, port."""
        found = set()
        for name in ("seen4", "seen6", "others"):
            said = self._nft("-j", "list", "set", "inet", "audit", name)
            (listed,) = [part["set"] for part in json.loads(said)["nftables"] if "set" in part]
            for element in listed.get("elem", []):
                parts = element["concat"] if isinstance(element, dict) else ["any", element, 0]
                found.add((str(parts[0]), str(parts[1]), int(parts[2])))
        return found

    def furnish(self, cable: str, digit: int, answers: str) -> None:
        """Address, default routes, name server, names and recorder."""
        ip(self.name, "link", "set", "lo", "up")
        ip(self.name, "addr", "add", f"{self.address}/24", "dev", cable)
        ip(self.name, "link", "set", cable, "up")
        ip(self.name, "route", "add", "default", "via", self.neighbour)
        if Path("/proc/net/if_inet6").exists():
            ip(self.name, "-6", "addr", "add", f"fd00:77::{digit}/64", "dev", cable, "nodad")
            ip(self.name, "-6", "route", "add", "default", "via", f"fd00:77::{3 - digit}")
        own = Path("/etc/netns", self.name)
        own.mkdir(parents=True)
        (own / "resolv.conf").write_text(f"nameserver {self.neighbour}\noptions timeout:1 attempts:1\n")
        (own / "hosts").write_text(f"127.0.0.1 localhost\n{COORDINATOR} {NAME}\n")
        self._nft("-f", "-", rules=RULES.format(answers=answers))

    def _nft(self, *arguments: str, rules: str = "") -> str:
        command = [str(IP), "netns", "exec", self.name, str(NFT), *arguments]
        return subprocess.run(command, input=rules, capture_output=True, text=True, check=True).stdout


def ip(house: str, *arguments: str) -> None:
    subprocess.run([str(IP), "-n", house, *arguments], check=True, capture_output=True)


@pytest.fixture
def houses() -> Iterator[tuple[House, House]]:
    """Coordinator's and hospital's, removed whatever happens; names are this process's own."""
    names = [f"gmmas-{kind}-{os.getpid()}" for kind in ("c", "h")]
    was_there = Path("/etc/netns").exists()
    try:
        for name in names:
            made = subprocess.run([str(IP), "netns", "add", name], capture_output=True, check=False)
            if made.returncode != 0:
                pytest.skip(REASON)
        ip(names[0], "link", "add", "east", "type", "veth", "peer", "name", "west", "netns", names[1])
        coordinator, hospital = House(names[0], COORDINATOR, HOSPITAL), House(names[1], HOSPITAL, COORDINATOR)
        # Its answers to those who connect to it are packets that leave, and the reason why it is there.
        coordinator.furnish("east", 1, f"tcp sport {PORT} accept")
        hospital.furnish("west", 2, "")
        yield coordinator, hospital
    finally:
        for name in names:
            listed = subprocess.run([str(IP), "netns", "pids", name], capture_output=True, text=True, check=False)
            for process in map(int, listed.stdout.split()):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            subprocess.run([str(IP), "netns", "del", name], capture_output=True, check=False)
            shutil.rmtree(Path("/etc/netns", name), ignore_errors=True)
        if not was_there:
            Path("/etc/netns").rmdir()


CONNECT = f"""
import contextlib, socket
for address, family in (({COORDINATOR!r}, socket.AF_INET), ("fd00:77::1", socket.AF_INET6)):
    with contextlib.suppress(OSError), socket.socket(family) as probe:
        probe.settimeout(20)
        probe.connect((address, 8444))
with contextlib.suppress(OSError):
    socket.getaddrinfo("somebody.example", 443)
socket.getaddrinfo({NAME!r}, 443)
"""
PHONE_HOME = """
import os, sys
os.environ |= {"FLWR_TELEMETRY_ENABLED": "1", "FLWR_HOME": sys.argv[1]}
from flwr.supercore.telemetry import EventType, event
event(EventType.RUN_SUPERNODE_ENTER).result()
"""


def test_the_recorder_notes_connections_and_look_ups(houses: tuple[House, House], tmp_path: Path) -> None:
    """Deliberate ones, and those of a Flower that nobody has silenced; its name is looked up and not found."""
    coordinator, hospital = houses
    assert hospital.seen() == set()
    hospital.run("python", "-c", CONNECT)
    wanted = {(COORDINATOR, "tcp", 8444), (COORDINATOR, "udp", 53)}
    if Path("/proc/net/if_inet6").exists():
        wanted.add(("fd00:77::1", "tcp", 8444))
    assert hospital.seen() == wanted
    assert (HOSPITAL, "udp", 53) not in coordinator.seen()
    coordinator.run("python", "-c", PHONE_HOME, tmp_path)
    assert (HOSPITAL, "udp", 53) in coordinator.seen()


def test_a_hospital_connects_to_its_coordinator_alone_and_the_coordinator_to_nobody(
    houses: tuple[House, House], sites: list[Path], overrides: Sequence[str], tmp_path: Path
) -> None:
    coordinator, hospital = houses
    site = Path(shutil.copytree(sites[0], tmp_path / sites[0].name))
    folder = tmp_path / "federation"
    folder.mkdir()
    text = f"name: glioma\nserver: {{address: '{NAME}:{PORT}'}}\nsites: [{site.name}, absent]\n"
    (folder / "federation.yaml").write_text(text)
    coordinator.run("gmmas-coordinator", "provision", folder / "federation.yaml")
    (tmp_path / "logs").mkdir()
    with children(tmp_path / "logs") as started:
        serve = started.start("serve", coordinator.inside("gmmas-coordinator", "serve", folder), {})
        wait_until(lambda: "serving hospitals" in serve.log_text(), [serve], PATIENCE_S)
        join(coordinator, hospital, folder, site, tmp_path)
        started.start(site.name, hospital.inside("gmmas-site", "start", site), {})
        report = play(coordinator, folder, overrides, tmp_path / "run")
    assert [list(entry["sites"]) for entry in report["rounds"]] == [[site.name]] * 2
    take_release(coordinator, hospital, tmp_path / "run", site, tmp_path)
    assert hospital.seen() == {(COORDINATOR, "tcp", PORT)}
    assert coordinator.seen() == set()


def test_a_simulation_asks_nobody_where_it_runs(
    houses: tuple[House, House], sites: list[Path], overrides: Sequence[str], tmp_path: Path
) -> None:
    """Ray, too, which by itself looks for the metadata services of three clouds."""
    _, house = houses
    shutil.copytree(sites[0], tmp_path / "sites" / sites[0].name)
    chosen = [*overrides, *SMALL, "rounds=1", f"data.root={tmp_path / 'sites'}"]
    house.run("gmmas-lab", "simulate", *chosen, "--run-dir", tmp_path / "run")
    assert (tmp_path / "run" / "report.html").is_file()
    assert house.seen() == set()


def join(coordinator: House, hospital: House, folder: Path, site: Path, letters: Path) -> None:
    """Enrol, approve over the telephone, look at everything between here and the server."""
    letter = letters / f"{site.name}.enrolment.json"
    invitation = folder / "invitations" / f"{site.name}.invitation.json"
    said = hospital.run("gmmas-site", "enrol", invitation, "--data", site, "--out", letter, "--json")
    compared = ("--fingerprint", json.loads(said)["fingerprint"])
    coordinator.run("gmmas-coordinator", "approve", site.name, letter, "--federation", folder, *compared)
    hospital.run("gmmas-site", "check", site, "--connect")


def play(coordinator: House, folder: Path, overrides: Sequence[str], run: Path) -> dict[str, Any]:
    """Two rounds, by the coordinator's own command; the report."""
    chosen = [*overrides, *SMALL, "rounds=2"]
    coordinator.run("gmmas-coordinator", "launch", *chosen, "--federation", folder, "--run-dir", run)
    return dict(json.loads((run / "report.json").read_text()))


def take_release(coordinator: House, hospital: House, run: Path, site: Path, keys: Path) -> None:
    """Release the run's model against its gates, and take it in at the hospital."""
    key = keys / "coordinator.key"
    coordinator.run("gmmas-coordinator", "release-key", key)
    coordinator.run("gmmas-coordinator", "release", run, "--key", key, "--override", "Tester: phantoms, for a test")
    public = ("--public-key", f"{key}.pub")
    hospital.run("gmmas-site", "model", "pull", run / "releases" / "v1", "--site", site, *public)
