"""The `flwr` command, typed by a program: submit a run to a SuperLink, ask for its status, stop it.

Flower offers these three only as a command. Its exit code is 0 for failed runs too, so what counts is the JSON it
prints. Every call starts a Python process, seconds of work on a busy machine: ask rarely.
"""

import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_text
from gmmas_core.types import ConfigError, FederationError

CALL_TIMEOUT_S = 180.0
CONNECTION = "coordinator"
GONE = "unknown"
"""Status of a run that the SuperLink does not know: it was started anew without its state."""

QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
}
"""Flower's settings: nothing phones home, nothing is installed at run time."""

APP = Path(__file__).parent / "flower_app"
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
        secure = self.root_certificates is not None
        url = f"{'https' if secure else 'http'}://{self.address}/health"
        try:
            context = ssl.create_default_context(cafile=str(self.root_certificates)) if secure else None
            with urllib.request.urlopen(url, timeout=5, context=context) as answer:
                return bool(answer.status == 200)
        except (OSError, ValueError):  # among them URLError, timeouts and what TLS refuses
            return False

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

    def _flwr(self, *arguments: str) -> dict[str, Any]:
        """What a `flwr` command prints as JSON, or its complaint as "error-message"."""
        self._write_connection()
        try:
            done = subprocess.run(
                ["flwr", *arguments, "--format", "json"],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                env=environment_with_programs(QUIET | {"FLWR_HOME": str(self.home)}),
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


def environment_with_programs(extra: Mapping[str, str]) -> dict[str, str]:
    """This environment, with the programs beside this interpreter found first: Flower starts its own by name."""
    programs = str(Path(sys.executable).parent)
    return {**os.environ, **extra, "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])}
