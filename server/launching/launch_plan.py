"""What a launch was asked for, kept in the run folder so that `resume RUN` needs no other argument."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gmmas_core.atomic import write_json
from gmmas_core.types import FederationError
from server.launching.flower_commands import SuperLink
from server.membership.authority import CA_CERTIFICATE
from server.records.run_folder import RunFolder

FILE = "launch.json"
LAUNCHER = "launcher"
"""Folder of the launcher's own files within the run folder."""


@dataclass(frozen=True, kw_only=True)
class LaunchPlan:
    """Attributes:
    overrides: Hydra's, as given.
    superlink: HOST:PORT.
    root_certificates: path of the authority's certificate; None for a connection without TLS.
    federation: path of the federation folder, whose members alone take part; None where nodes have no keys.
    flower_runs: Flower's numbers of all runs that this one took so far, oldest first.
    """

    overrides: tuple[str, ...]
    superlink: str
    root_certificates: str | None
    federation: str | None = None
    flower_runs: tuple[str, ...] = ()

    def save(self, folder: RunFolder) -> None:
        """Write it into a run folder, in one step."""
        write_json(folder.path / FILE, asdict(self))

    def with_run(self, run_id: str) -> "LaunchPlan":
        """The same plan, one Flower run later."""
        return replace(self, flower_runs=(*self.flower_runs, run_id))

    def at(self, federation: Path) -> "LaunchPlan":
        """The same plan where the federation folder is elsewhere: restored, or seen from within a container."""
        here = federation.resolve()
        return replace(self, federation=str(here), root_certificates=str(here / CA_CERTIFICATE))

    def link(self, folder: RunFolder) -> SuperLink:
        """The SuperLink it names; Flower's own files go to the launcher's folder, which is made when it is needed.

        Raises:
            ConfigError: an impossible address, or no such certificate.
        """
        certificates = None if self.root_certificates is None else Path(self.root_certificates)
        return SuperLink(self.superlink, certificates, folder.path.resolve() / LAUNCHER)


def read_plan(folder: RunFolder) -> LaunchPlan:
    """The plan that a run folder holds.

    Raises:
        FederationError: there is none, or it is unreadable.
    """
    try:
        raw = json.loads((folder.path / FILE).read_bytes())
        raw["overrides"], raw["flower_runs"] = tuple(raw["overrides"]), tuple(raw["flower_runs"])
        return LaunchPlan(**raw)
    except (OSError, ValueError, TypeError, KeyError):
        raise FederationError(
            f"run {folder.path.name}: found no readable {FILE}; expected a run started by gmmas-coordinator launch; "
            "launch it with its settings and --run-dir"
        ) from None


def moved_plan(content: bytes, before: Path, now: Path) -> bytes:
    """A launch plan's file after its federation folder was restored elsewhere.

    Args:
        content: of the file.
        before: the federation folder that the plan knows.
        now: where it is.

    Raises:
        FederationError: no launch plan.
    """
    try:
        values = json.loads(content)
        for key in ("root_certificates", "federation"):
            path = values[key]
            if isinstance(path, str) and Path(path).is_relative_to(before):
                values[key] = str(now / Path(path).relative_to(before))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise FederationError(f"{FILE}: found no launch plan; expected one of gmmas-coordinator launch") from None
    return json.dumps(values, indent=1).encode() + b"\n"


def run_config(overrides: Sequence[str], folder: RunFolder, federation: str | None = None) -> dict[str, str]:
    """The four strings of a run, as `server.app.main` reads them."""
    chosen = [text.partition("=")[2] for text in overrides if text.startswith("experiment=")]
    others = [text for text in overrides if not text.startswith("experiment=")]
    return {
        "experiment": chosen[-1] if chosen else "null",
        "overrides": shlex.join(others),
        "run-dir": str(folder.path.resolve()),
        "federation": federation or "",
    }
