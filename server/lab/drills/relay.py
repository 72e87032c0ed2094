"""A device in a hospital's network that stands between its node and the server; here is how a drill puts it there."""

import json
import sys
from typing import TYPE_CHECKING

from server.lab.drills.commands import end
from server.lab.drills.judging import PATIENCE_S
from server.lab.drills.network import BEHIND, PORT, SERVER
from server.serving.child_processes import wait_until

if TYPE_CHECKING:
    from server.lab.drills.stage import Stage


class Relay:
    """A device on a hospital's machine that takes the server's address and passes on what it takes.

    Args:
        stage: where.
        site: whose.
        arguments: of `relay_program`.
    """

    def __init__(self, stage: "Stage", site: str, *arguments: str) -> None:
        self._stage, self._site = stage, site
        stage.network.stand_in(site)
        self._counts = stage.folder / f"relay-{site}.json"
        self._counts.unlink(missing_ok=True)
        way = ["--listen", f"{SERVER}:{PORT}", "--to", f"{BEHIND}:{PORT}", "--counts", str(self._counts)]
        command = [sys.executable, "-m", "server.lab.drills.relay_program", *way, *arguments]
        self._process = stage.process(f"relay-{site}", [*stage.network.inside(site), *command])
        wait_until(self._counts.exists, [self._process], PATIENCE_S)

    def count(self, what: str) -> int:
        """One of the program's counts."""
        return int(json.loads(self._counts.read_text())[what])

    def end(self) -> None:
        """Take the device away; the way to the server is free again."""
        end(self._process)
        self._stage.network.stand_aside(self._site)


class Proxy:
    """An HTTP proxy on a machine of its own.

    Args:
        stage: where.

    Attributes:
        host, port: where it listens.
    """

    port = 3128

    def __init__(self, stage: "Stage") -> None:
        self.host = stage.network.join("proxy")
        self._counts = stage.folder / "proxy.json"
        command = [sys.executable, "-m", "server.lab.drills.relay_program", "--listen", f"{self.host}:{self.port}"]
        command += ["--counts", str(self._counts)]
        process = stage.process("proxy", [*stage.network.inside("proxy"), *command])
        wait_until(self._counts.exists, [process], PATIENCE_S)

    def count(self, what: str) -> int:
        """One of the program's counts."""
        return int(json.loads(self._counts.read_text())[what])
