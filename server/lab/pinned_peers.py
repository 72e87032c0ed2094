"""Keys and pinned lists for the lab's site folders, so that a secure sum can be played without hospitals' telephones.

Only folders that belong to no federation are touched: in a hospital, keys come from `gmmas-site enrol` and the list
from `gmmas-site peers accept`, with people comparing it.
"""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from client.joining.enrolment import CONNECTION, KEY, enrolment_folder
from client.joining.peers import pinned_file
from client.site import Site, read_site
from gmmas_core.atomic import write_bytes
from gmmas_core.config import Config
from gmmas_core.peers import Peers, read_peers, write_peers
from gmmas_core.types import DataError

LAB = "lab"
"""Name of the federation that lab folders are pinned in."""


def pin_for_secure_sums(folders: Sequence[Path], config: Config) -> None:
    """Give every site folder a key and the list of all, if the configuration sums securely.

    Raises:
        DataError: a folder is enrolled in a real federation, or has pinned another federation's list.
    """
    if config.privacy.secure_sum.name == "none":
        return
    sites = [read_site(folder / "site.yaml") for folder in folders]
    for site in sites:
        _require_lab(site)
    peers = Peers(federation=LAB, sites={site.name: key_of(site) for site in sites})
    for site in sites:
        write_peers(pinned_file(site), peers)


def _require_lab(site: Site) -> None:
    pinned = pinned_file(site)
    is_other = pinned.exists() and read_peers(pinned).federation != LAB
    if is_other or (enrolment_folder(site) / CONNECTION).exists():
        raise DataError(
            f"site {site.name}: found it enrolled in a federation; expected a folder of the lab; its keys are not "
            "touched"
        )


def key_of(site: Site) -> str:
    """Of the folder's key, which is made if there is none."""
    folder = enrolment_folder(site)
    if not (folder / KEY).exists():
        key = generate_private_key(SECP384R1())
        write_bytes(folder / KEY, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = load_ssh_private_key((folder / KEY).read_bytes(), None).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
