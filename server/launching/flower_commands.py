"""The `flwr` command, typed by a program: submit a run to a SuperLink, ask for its status, stop it; admit nodes.

Flower offers these only as a command. Its exit code is 0 for failed runs too, so what counts is the JSON it prints.
Every call starts a Python process, seconds of work on a busy machine: ask rarely. Only the list of nodes is asked for
without it, because the command's list leaves out their keys.
"""

import json
import os
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from gmmas_core import quiet
from gmmas_core.atomic import write_text
from gmmas_core.types import ConfigError, FederationError
from server.flower_app import FOLDER
from server.serving.direct import open_directly, past_proxies

CALL_TIMEOUT_S = 180.0
CONNECTION = "coordinator"
GONE = "unknown"
"""Status of a run that the SuperLink does not know: it was started anew without its state."""

QUIET = quiet.SETTINGS
"""For every child: nothing phones home, nothing is installed at run time."""

APP = FOLDER
"""What is submitted: names, no code."""


@dataclass(frozen=True)
class SuperLink:
    """Where runs are submitted.

    Attributes:
        address: HOST:PORT.
        root_certificates: file of the authority that signed its certificate; None for a connection without TLS.
        home: folder for Flower's own files of this client.
    """

    address: str
    root_certificates: Path | None
    home: Path

    def __post_init__(self) -> None:
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdecimal():
            raise ConfigError(f"--superlink: found {self.address!r}; expected HOST:PORT")
        if self.root_certificates is not None and not self.root_certificates.is_file():
            raise ConfigError("--root-certificates: found no such file; expected the authority's certificate (PEM)")

    def is_healthy(self) -> bool:
        """Whether it answers, now."""
        return self._ask("/health", None) is not None

    def submit(self, run_config: Mapping[str, str]) -> str:
        """Start a run of the installed app.

        Args:
            run_config: strings by name; they travel in a file, because Flower's key=value notation cannot hold a
                quotation mark.

        Returns:
            Flower's number of the run.

        Raises:
            FederationError: the SuperLink did not take it.
        """
        values = self.home / "run-config.toml"
        # JSON's strings are TOML's basic strings.
        write_text(values, "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in run_config.items()))
        answer = self._flwr("run", str(APP), CONNECTION, "--run-config", str(values))
        if "run-id" not in answer:
            raise FederationError(
                f"flwr run: found no run started; expected one; it said: {answer.get('error-message')}"
            )
        return str(answer["run-id"])

    def status(self, run_id: str) -> tuple[str, str]:
        """A run's status in Flower's words ("running", "finished:failed", ...) or GONE, and its details.

        Raises:
            FederationError: the SuperLink did not answer.
        """
        answer = self._flwr("ls", CONNECTION, "--run-id", run_id)
        if "runs" not in answer:
            said = str(answer.get("error-message"))
            if "not found" in said.lower():
                return GONE, said
            raise FederationError(f"flwr ls: found no answer; expected the run's status; it said: {said}")
        (run,) = answer["runs"] or [{}]
        return str(run.get("status") or GONE), str(run.get("status-details") or "")

    def stop(self, run_id: str) -> None:
        """End a run; one that has ended or is not known is left as it is."""
        self._flwr("stop", run_id, CONNECTION)

    def register(self, public_key: str) -> int:
        """Let a node in that holds this key's private half.

        Args:
            public_key: OpenSSH line of a key that is not registered.

        Returns:
            Flower's number of the node.

        Raises:
            FederationError: the SuperLink did not take it; one that was unregistered is never taken again.
        """
        file = self.home / "node.pub"
        write_text(file, public_key + "\n")
        answer = self._flwr("supernode", "register", str(file), CONNECTION)
        if "node-id" not in answer:
            raise FederationError(
                f"flwr supernode register: found no node added; expected one; it said: {answer.get('error-message')} "
                "(a key that was unregistered is never taken again: rotate the site then)"
            )
        return int(answer["node-id"])

    def unregister(self, node_id: int) -> None:
        """Shut a node out, at once; one that is gone already is fine.

        Raises:
            FederationError: the SuperLink still has it, or did not answer.
        """
        answer = self._flwr("supernode", "unregister", str(node_id), CONNECTION)
        if not answer.get("success") and node_id in self.registered().values():
            raise FederationError(
                f"flwr supernode unregister: found the node still there; expected it gone; it said: "
                f"{answer.get('error-message')}"
            )

    def registered(self) -> dict[str, int]:
        """Flower's number of every node that may connect, by its key's OpenSSH line.

        Raises:
            FederationError: the SuperLink did not answer.
        """
        from flwr.proto.control_pb2 import ListNodesRequest, ListNodesResponse
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

        said = self._ask("/v1/control/list-nodes", ListNodesRequest().SerializeToString())
        try:
            nodes = ListNodesResponse.FromString(said).nodes_info if said is not None else None
        except DecodeError:
            nodes = None
        if nodes is None:
            raise FederationError(
                f"SuperLink {self.address}: found no answer; expected one over TLS from this federation's server; "
                "start it, or correct --superlink"
            )
        known = {_ssh_line(node.public_key): node.node_id for node in nodes if node.status != "unregistered"}
        return {line: node_id for line, node_id in known.items() if line}

    def _ask(self, path: str, body: bytes | None) -> bytes | None:
        """Its answer to a GET, or to a POST of a protobuf message; None when there is none."""
        secure = self.root_certificates is not None
        kind = {"Content-Type": "application/protobuf", "Accept": "application/protobuf"} if body is not None else {}
        request = urllib.request.Request(f"{'https' if secure else 'http'}://{self.address}{path}", body, kind)
        try:
            context = ssl.create_default_context(cafile=str(self.root_certificates)) if secure else None
            with open_directly(request, timeout=5, context=context) as answer:
                return bytes(answer.read()) if answer.status == 200 else None
        except (OSError, ValueError, HTTPException):  # among them URLError, timeouts and what TLS refuses
            return None

    def _flwr(self, *arguments: str) -> dict[str, Any]:
        """What a `flwr` command prints as JSON, or its complaint as "error-message"."""
        self._write_connection()
        host = self.address.rpartition(":")[0]
        try:
            done = subprocess.run(
                ["flwr", *arguments, "--format", "json"],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                env=environment_with_programs(QUIET | past_proxies(os.environ, host) | {"FLWR_HOME": str(self.home)}),
                cwd=self.home,
                timeout=CALL_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"error-message": f"nothing within {CALL_TIMEOUT_S:g} s"}
        start = done.stdout.find("{")
        try:
            return dict(json.loads(done.stdout[start:]))
        except ValueError:
            return {"error-message": (done.stderr or done.stdout).strip()[-300:]}

    def _write_connection(self) -> None:
        if self.root_certificates is None:
            security = "insecure = true"
        else:
            path = json.dumps(str(self.root_certificates.resolve()), ensure_ascii=False)
            security = f"root-certificates = {path}"
        text = f'[superlink.{CONNECTION}]\naddress = "{self.address}"\n{security}\n'
        file = self.home / "config.toml"
        if not file.is_file() or file.read_text() != text:
            write_text(file, text)


def _ssh_line(pem: bytes) -> str:
    """A node's key as an OpenSSH line; "" for nodes without one, which a SuperLink without authentication has."""
    try:
        key = serialization.load_pem_public_key(pem)
        return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    except (ValueError, UnsupportedAlgorithm):
        return ""


def environment_with_programs(extra: Mapping[str, str]) -> dict[str, str]:
    """This environment, with the programs beside this interpreter found first: Flower starts its own by name.

    This machine is reached without a proxy; a child started so talks to Flower's server or its node beside it.
    """
    programs = str(Path(sys.executable).parent)
    return {
        **os.environ,
        **past_proxies(os.environ),
        **extra,
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
    }
