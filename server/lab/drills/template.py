"""A closed federation of three phantom hospitals, provisioned and enrolled by the real commands, once."""

import json
import shutil
from pathlib import Path

from gmmas_core.data.phantom import write_federation
from server.lab.drills.commands import COORDINATOR, SITE, typed
from server.lab.drills.judging import PATIENCE_S
from server.lab.drills.network import PORT, SERVER
from server.launching.flower_commands import QUIET
from server.serving.child_processes import children, wait_until

NAMES = ("east", "north", "south")
CASES, SIZE, SEED = 6, 32, 1
SERVE = ("serve", "--host", "0.0.0.0")
SERVING = "serving hospitals"


def make_template(folder: Path) -> None:
    """Write `folder/federation` and `folder/hospitals/NAME`, to be copied for every drill.

    Raises:
        FederationError: a command failed.
    """
    write_federation(folder / "hospitals", sites=len(NAMES), cases=CASES, size=SIZE, seed=SEED)
    for name in NAMES:
        with (folder / "hospitals" / name / "site.yaml").open("a") as file:
            file.write("threads: 1\n")
    federation = folder / "federation"
    federation.mkdir()
    (federation / "federation.yaml").write_text(
        f"name: drill\nserver: {{address: '{SERVER}:{PORT}'}}\nsites: [{', '.join(NAMES)}]\n"
    )
    typed([*COORDINATOR, "provision", federation]).require_done()
    with children(folder) as started:
        server = started.start("serve", [*COORDINATOR, *SERVE, str(federation)], QUIET)
        wait_until(lambda: SERVING in server.log_text(), [server], PATIENCE_S)
        for name in NAMES:
            admit(federation, folder / "hospitals" / name, name, folder / f"{name}.enrolment.json")


def admit(federation: Path, hospital: Path, name: str, letter: Path) -> str:
    """A hospital answers its invitation, reads the fingerprint out, and the coordinator approves; the fingerprint."""
    invitation = federation / "invitations" / f"{name}.invitation.json"
    said = typed([*SITE, "enrol", invitation, "--data", hospital, "--out", letter, "--json"]).require_done()
    fingerprint = str(json.loads(said.text)["fingerprint"])
    options = ("--federation", federation, "--fingerprint", fingerprint)
    typed([*COORDINATOR, "approve", name, letter, *options]).require_done()
    return fingerprint


def copy_template(template: Path, folder: Path) -> None:
    """A federation of one's own; `folder` is replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("federation", "hospitals"):
        shutil.copytree(template / part, folder / part)
