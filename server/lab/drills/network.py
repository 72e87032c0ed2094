"""The drills' network: a bridge at the coordinator, and a cable to every machine that can be cut or slowed.

A machine is a network namespace with one interface, `eth0`. The coordinator is the world in which the drills run, see
`seclusion`; hospitals know it under SERVER. It answers under BEHIND as well, which is where a device in a hospital's
network that pretends to be the server (a proxy, an inspector) passes on what it took.
"""

import json
import subprocess
from pathlib import Path

from gmmas_core.types import FederationError

SERVER, BEHIND = "10.77.0.1", "10.77.0.2"
PORT = 8443
_BRIDGE = "hospitals"
_NAMES = Path("/run/netns")


class Network:
    """The bridge and its cables; only ever made inside `seclusion.secluded`."""

    def __init__(self) -> None:
        self._machines: dict[str, str] = {}
        run("ip", "link", "add", _BRIDGE, "type", "bridge")
        for address in (SERVER, BEHIND):
            run("ip", "address", "add", f"{address}/24", "dev", _BRIDGE)
        run("ip", "link", "set", _BRIDGE, "up")

    def join(self, name: str) -> str:
        """A new machine on the bridge; its address."""
        address = f"10.77.0.{11 + len(self._machines)}"
        self._machines[name] = address
        run("ip", "netns", "add", name)
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", name, "master", _BRIDGE, "up")
        run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        return address

    @staticmethod
    def inside(name: str) -> list[str]:
        """What to write before a command that is to run on a machine; the process stays the same."""
        return ["nsenter", f"--net={_NAMES / name}"]

    @staticmethod
    def cut(name: str) -> None:
        """Pull a machine's cable."""
        run("ip", "link", "set", name, "down")

    @staticmethod
    def heal(name: str) -> None:
        """Put it back."""
        run("ip", "link", "set", name, "up")

    @staticmethod
    def slow(name: str, kbit: int) -> None:
        """Let no more than so many kilobits per second through, each way."""
        for where, device in (([], name), (["-n", name], "eth0")):
            shape = ["root", "tbf", "rate", f"{kbit}kbit", "burst", "8kb", "latency", "1s"]
            run("tc", *where, "qdisc", "replace", "dev", device, *shape)

    @staticmethod
    def held_up(name: str) -> int:
        """Packets that `slow` let wait, both ways."""
        found = 0
        for where, device in (([], name), (["-n", name], "eth0")):
            (queue,) = json.loads(run("tc", *where, "-s", "-j", "qdisc", "show", "dev", device, "root"))
            found += int(queue["overlimits"])
        return found

    @staticmethod
    def unslow(name: str) -> None:
        """The full speed again."""
        run("tc", "qdisc", "delete", "dev", name, "root")
        run("tc", "-n", name, "qdisc", "delete", "dev", "eth0", "root")

    def lose(self, name: str, percent: int) -> None:
        """Drop so many packets in a hundred at random, each way."""
        self._filter(name, f"numgen random mod 100 < {percent} counter drop")

    def only(self, name: str, address: str) -> None:
        """Let a machine speak with one address and with itself, as a hospital's firewall would."""
        self._filter(name, f'meta oifname "eth0" ip daddr != {address} counter drop', hooks=("output",))

    @staticmethod
    def dropped(name: str) -> int:
        """Packets that `lose` or `only` dropped."""
        rules = json.loads(run(*Network.inside(name), "nft", "-j", "list", "ruleset"))["nftables"]
        parts = [part for rule in rules if "rule" in rule for part in rule["rule"]["expr"]]
        return sum(int(part["counter"]["packets"]) for part in parts if "counter" in part)

    def unfilter(self, name: str) -> None:
        """Every packet may pass again."""
        run(*self.inside(name), "nft", "flush", "ruleset")

    def stand_in(self, name: str) -> None:
        """Let SERVER be an address of the machine itself: what listens there stands between it and the server."""
        run("ip", "-n", name, "address", "add", f"{SERVER}/32", "dev", "lo")

    def stand_aside(self, name: str) -> None:
        """The way to the server is free again."""
        run("ip", "-n", name, "address", "delete", f"{SERVER}/32", "dev", "lo")

    def close(self) -> None:
        """Clear everything away."""
        for name in self._machines:
            run("ip", "link", "delete", name)  # at once; with its namespace it would go some time later
            run("ip", "netns", "delete", name)
        run("ip", "link", "delete", _BRIDGE)

    def _filter(self, name: str, rule: str, hooks: tuple[str, ...] = ("input", "output")) -> None:
        chains = "".join(f"chain {hook} {{ type filter hook {hook} priority 0; {rule}; }}\n" for hook in hooks)
        run(*self.inside(name), "nft", f"table ip drill {{\n{chains}}}")


def run(*command: str) -> str:
    """What a command of the system says.

    Raises:
        FederationError: it failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FederationError(f"drill: found that {' '.join(command[:3])} failed; it said: {done.stderr.strip()}")
    return done.stdout
