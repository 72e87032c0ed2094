"""How an enrolled hospital's node is started: a command line and an environment, from site.yaml and the enrolment."""

import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from client.joining.enrolment import (
    AUTHORITY,
    KEY,
    SOON_DAYS,
    check_key,
    days_left,
    enrolment_folder,
    read_authority,
    read_connection,
)
from client.site import SITE_FILE, read_site
from gmmas_core import quiet
from gmmas_core.types import DataError

QUIET = quiet.SETTINGS
"""For every child: nothing phones home, nothing is installed at run time."""

LOOPBACK = "127.0.0.1"


def node_command(folder: Path, runtime_port: int) -> list[str]:
    """The command that runs the node of a site.

    Args:
        folder: with site.yaml, or the file itself.
        runtime_port: on which the node and its worker talk on this machine.

    Returns:
        This interpreter, `client.node.supernode` and Flower's arguments.

    Raises:
        DataError: not enrolled; key, authority or path cannot be used; or the port is taken.
    """
    site = read_site(folder)
    connection = read_connection(site)
    check_key(site)
    if days_left(read_authority(site), datetime.now(UTC)) < 0:
        raise DataError(
            f"authority: found that its certificate has ended; expected one that holds; check this machine's clock, "
            f"which says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, then ask the coordinator for a new invitation"
        )
    file = os.path.abspath(folder / SITE_FILE if folder.is_dir() else folder)
    if not file.isprintable() or any(sign in file for sign in '"\\'):
        raise DataError(
            "site folder: found a quotation mark, a backslash or an unprintable sign in its path; expected none, "
            "because Flower's notation cannot hold them; rename the folder"
        )
    _check_free(runtime_port)
    enrolment = enrolment_folder(site)
    # -P: the folder in which the command was typed is no place to import programs from.
    command = [sys.executable, "-P", "-m", "client.node.supernode", "--superlink", connection.server]
    command += ["--root-certificates", str(enrolment / AUTHORITY)]
    command += ["--auth-supernode-private-key", str(enrolment / KEY)]
    command += ["--host", LOOPBACK, "--port", str(runtime_port)]
    return [*command, "--node-config", f'site="{file}"']


def node_environment(folder: Path) -> dict[str, str]:
    """This environment, Flower quiet in it and at home in the state folder, which is made."""
    home = read_site(folder).state / "flower"
    home.mkdir(parents=True, exist_ok=True)
    return {**os.environ, **QUIET, "FLWR_HOME": str(home)}


def warnings_before_start(folder: Path) -> list[str]:
    """What will stop the node some day soon."""
    days = days_left(read_authority(read_site(folder)), datetime.now(UTC))
    if days >= SOON_DAYS:
        return []
    return [
        f"authority: found {days} days left of its certificate; expected {SOON_DAYS} or more; ask the coordinator for "
        "an invitation with a new authority"
    ]


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        # As the node's own server does: a port that was only just given back counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise DataError(
                f"--runtime-port: found {port} in use; expected a free one; this site's node may run already, else "
                "give another"
            ) from None
