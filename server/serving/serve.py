"""The coordinator's server in its closed form: SuperLink, executor and proxy, started together and kept alive.

The SuperLink listens on this machine alone, over TLS, takes only nodes with a registered key, keeps its state in a
database and does not run the ServerApp itself: an executor with a secret does, so that nobody else on the network can
take the server's task. Hospitals reach nothing but the proxy, see `server.serving.front_door`.
"""

import socket
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.atomic import write_text
from gmmas_core.types import FederationError
from server.launching.flower_commands import QUIET
from server.membership.authority import CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY, SUPEREXEC_SECRET
from server.serving.child_processes import Children, children, wait_until
from server.serving.direct import open_directly
from server.serving.front_door import FrontDoor
from server.serving.state import heartbeat

LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"
START_TIMEOUT_S = 120.0
STATE, DATABASE = "superlink", "state.db"
"""Folder of the server's own files, within the federation folder, and in it the SuperLink's database."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A coordinator's server.

    Attributes:
        federation: folder, provisioned.
        host, port: of the proxy, to which hospitals connect.
        superlink_port: on this machine, to which `launch` and `approve` connect.
    """

    federation: Path
    host: str
    port: int
    superlink_port: int

    @property
    def home(self) -> Path:
        """Folder of its files."""
        return self.federation.resolve() / STATE

    def superlink(self) -> list[str]:
        """Flower's server."""
        folder = self.federation.resolve()
        return [
            *("flower-superlink", "--host", LOOPBACK, "--port", str(self.superlink_port)),
            *("--ssl-ca-certfile", str(folder / CA_CERTIFICATE)),
            *("--ssl-certfile", str(folder / SERVER_CERTIFICATE), "--ssl-keyfile", str(folder / SERVER_KEY)),
            *("--enable-supernode-auth", "--database", str(self.home / DATABASE)),
            *("--isolation", "process", "--superexec-auth-secret-file", str(folder / SUPEREXEC_SECRET)),
            "--disable-runtime-dependency-installation",
        ]

    def executor(self) -> list[str]:
        """What runs the ServerApp."""
        folder = self.federation.resolve()
        return [
            *("flower-superexec", "--runtime-api-address", f"{LOOPBACK}:{self.superlink_port}"),
            *("--root-certificates", str(folder / CA_CERTIFICATE)),
            *("--superexec-auth-secret-file", str(folder / SUPEREXEC_SECRET)),
        ]

    def front_door(self) -> FrontDoor:
        """What stands before them."""
        return FrontDoor(
            federation=self.federation,
            host=self.host,
            port=self.port,
            superlink_port=self.superlink_port,
            home=self.home / "nginx",
        )

    def answers(self, host: str, port: int) -> bool:
        """Whether the SuperLink answers at an address of this machine, now."""
        try:
            context = ssl.create_default_context(cafile=str(self.federation / CA_CERTIFICATE))
            context.check_hostname = False  # an address of this machine need not be one that hospitals use
            request = urllib.request.Request(f"https://{host}:{port}/health")
            with open_directly(request, timeout=5, context=context) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def is_open(self) -> bool:
        """Whether the proxy lets hospitals in, now."""
        return self.answers(LOOPBACK if self.host == EVERYWHERE else self.host, self.port)


@contextmanager
def serving(server: Server) -> Iterator[Children]:
    """Start the three, wait until hospitals can connect, keep them alive; all have ended after the `with` block.

    Raises:
        FederationError: the folder is not provisioned, nginx is missing, a port is taken, or one does not start.
    """
    for part in (CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY, SUPEREXEC_SECRET):
        if not (server.federation / part).is_file():
            raise FederationError(f"federation folder: found no {part}; expected it; run gmmas-coordinator provision")
    for host, port in ((LOOPBACK, server.superlink_port), (server.host, server.port)):
        _require_free(host, port)
    door = server.front_door()
    door.home.mkdir(parents=True, exist_ok=True)
    config = server.home / "nginx.conf"
    write_text(config, door.config())
    with children(server.home) as started:
        quiet = QUIET | {"FLWR_HOME": str(server.home)}
        link = started.start("superlink", server.superlink(), quiet)
        wait_until(lambda: server.answers(LOOPBACK, server.superlink_port), [link], START_TIMEOUT_S)
        executor = started.start("executor", server.executor(), quiet | {"FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.5"})
        proxy = started.start("nginx", door.command(config), {})
        wait_until(server.is_open, [link, executor, proxy], START_TIMEOUT_S)
        started.keep_alive()
        with heartbeat(server.home, started, host=server.host, port=server.port, superlink_port=server.superlink_port):
            yield started


def _require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        # As the servers do: a port that was only just given back counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise FederationError(
                f"serve: found port {port} of {host} in use or not ours ({error.strerror}); expected a free one; is "
                "the server running already? else give another --port or --superlink-port"
            ) from None
