"""The only way in from outside: an nginx that lets through what hospitals' nodes need, and nothing else.

Flower's server has one port for everything. Its control part asks nobody who he is, and whoever reaches it runs code at
every hospital; its runtime part hands out the server's own task. Therefore the SuperLink listens on this machine alone,
and in front of it stands a proxy with two open paths: /v1/fleet/ (messages to and from registered nodes, each request
signed with the node's key) and /health.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.types import FederationError
from server.membership.authority import CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY

MAX_BODY_MB = 16
"""Flower cuts arrays into pieces of 5 MiB; nothing larger is ever sent."""


@dataclass(frozen=True, kw_only=True)
class FrontDoor:
    """Where the proxy listens and what is behind it.

    Attributes:
        federation: folder with the server's certificate and key.
        host, port: on which it listens.
        superlink_port: of the SuperLink, on this machine.
        home: folder for nginx's own files.
    """

    federation: Path
    host: str
    port: int
    superlink_port: int
    home: Path

    def config(self) -> str:
        """What nginx is told. Nothing is buffered on disk: started by root, its workers could not write there.

        Raises:
            FederationError: a path that nginx's notation cannot hold.
        """
        certificates = [self.federation.resolve() / part for part in (CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY)]
        authority, certificate, key = map(_quoted, certificates)
        home = _quoted(self.home.resolve())
        temporary = "\n".join(f"  {kind}_temp_path {home};" for kind in TEMPORARY)
        behind = f"""proxy_pass https://127.0.0.1:{self.superlink_port};
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate {authority};
      proxy_ssl_name superlink;"""
        return f"""daemon off;
worker_processes 1;
pid {_quoted(self.home.resolve() / "nginx.pid")};
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  server_tokens off;
{temporary}
  server {{
    listen {self.host}:{self.port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    client_max_body_size {MAX_BODY_MB}m;
    client_body_buffer_size {MAX_BODY_MB}m;
    proxy_request_buffering off;
    proxy_max_temp_file_size 0;
    proxy_read_timeout 120s;
    proxy_http_version 1.1;
    location /v1/fleet/ {{
      {behind}
    }}
    location = /health {{
      {behind}
    }}
    location / {{ return 403; }}
  }}
}}
"""

    def command(self, config: Path) -> list[str]:
        """How nginx is started with a file that holds `config()`.

        Raises:
            FederationError: it is not installed.
        """
        return [nginx(), "-e", "stderr", "-p", str(self.home.resolve()), "-c", str(config.resolve())]


def nginx() -> str:
    """Where the program is.

    Raises:
        FederationError: it is not installed.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise FederationError("nginx: found none; expected it installed; Debian: apt install nginx-light")
    return program


TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def _quoted(path: Path) -> str:
    text = str(path)
    if not text.isprintable() or any(sign in text for sign in "\"'\\$;{}"):
        raise FederationError(
            "federation folder: found quotation marks or other signs in its path; expected none, because nginx's "
            "notation cannot hold them; rename the folder"
        )
    return f'"{text}"'
