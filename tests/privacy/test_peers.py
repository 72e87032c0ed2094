"""Hospitals pin each other's keys after a comparison by voice; a coordinator cannot slip one of its own in."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli import app as site_app
from client.joining.enrolment import enrol
from client.joining.peers import accept, pinned, signer_of
from client.site import Site, write_site
from gmmas_core.config import load_config
from gmmas_core.enrolment import Invitation, new_code, new_id
from gmmas_core.peers import Peers, read_peers, verifier_of, write_peers
from gmmas_core.types import DataError, FederationError
from server.cli import app as coordinator_app
from server.lab.pinned_peers import key_of, pin_for_secure_sums
from server.membership import authority, members

NOW = datetime.now(UTC)
NAMES = ("east", "north", "west")


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, Site]]:
    """A federation folder with three approved hospitals, and the hospitals' own folders."""
    home = tmp_path_factory.mktemp("federation")
    listed = ", ".join([*NAMES, "late"])
    (home / "federation.yaml").write_text(f"name: glioma\nserver: {{address: 'fed.example:443'}}\nsites: [{listed}]\n")
    authority.make_authority(home, "glioma", NOW)
    certificate = (home / authority.CA_CERTIFICATE).read_text()
    sites = {}
    for name in NAMES:
        folder = home / "hospitals" / name
        folder.mkdir(parents=True)
        sites[name] = write_site(folder, name, "brats2021")
        letter = Invitation(
            federation="glioma",
            site=name,
            id=new_id(),
            code=new_code(),
            server="fed.example:443",
            ca_certificate=certificate,
            issued=NOW.isoformat(),
            expires=NOW.replace(year=NOW.year + 1, day=1).isoformat(),
        )
        answer = enrol(sites[name], letter, NOW).answer
        members.write_member(home, members.approve(members.Member(site=name), answer, 7, NOW, 365))
    members.write_member(home, members.invite(members.Member(site="late"), NOW, 14))
    return home, sites


def test_the_list_goes_from_the_coordinator_through_voices_to_a_pin(
    federation: tuple[Path, Mapping[str, Site]], tmp_path: Path
) -> None:
    home, sites = federation
    file = tmp_path / "peers.json"
    made = CliRunner().invoke(coordinator_app, ["peers", str(home), "--out", str(file), "--json"])
    assert made.exit_code == 0
    told = json.loads(made.stdout)
    assert sorted(told["sites"]) == list(NAMES)
    folder = str(sites["north"].folder)
    wrong = CliRunner().invoke(site_app, ["peers", "accept", folder, str(file), "--fingerprint", "SHA256:other"])
    assert "found another fingerprint" in str(wrong.exception)
    with pytest.raises(DataError, match="no accepted list"):
        pinned(sites["north"])
    command = ["peers", "accept", folder, str(file), "--fingerprint", told["fingerprint"]]
    shown = CliRunner().invoke(site_app, command)
    assert shown.exit_code == 0
    assert all(fingerprint in shown.stdout for fingerprint in (*told["sites"].values(), told["fingerprint"]))
    again = CliRunner().invoke(site_app, ["peers", "show", folder, "--json"])
    assert json.loads(again.stdout)["fingerprint"] == told["fingerprint"]
    pin_for_secure_sums([sites["north"].folder], load_config(["experiment=smoke"]))  # nothing: no secure sum asked for
    with pytest.raises(DataError, match="its keys are not"):
        pin_for_secure_sums([sites["north"].folder], load_config(["experiment=smoke", "privacy=secure_sum"]))


def test_a_coordinators_key_in_a_hospitals_place(federation: tuple[Path, Mapping[str, Site]], tmp_path: Path) -> None:
    home, sites = federation
    honest = tmp_path / "honest.json"
    CliRunner().invoke(coordinator_app, ["peers", str(home), "--out", str(honest)])
    peers = read_peers(honest)
    for site in sites.values():
        accept(site, peers, peers.spoken_fingerprint)
    stranger = write_site(tmp_path, "east", "brats2021")
    forged = replace(peers, sites={**peers.sites, "east": key_of(stranger)})
    assert forged.spoken_fingerprint != peers.spoken_fingerprint
    with pytest.raises(DataError, match="another fingerprint"):
        accept(sites["north"], forged, peers.spoken_fingerprint)
    with pytest.raises(DataError, match="another key than this site's own"):
        accept(sites["east"], forged, forged.spoken_fingerprint)
    verify = verifier_of(pinned(sites["north"]).sites)
    verify("east", b"advert", signer_of(sites["east"])(b"advert"))
    for signature in (signer_of(stranger)(b"advert"), signer_of(sites["west"])(b"advert"), b""):
        with pytest.raises(FederationError, match="its key on the list did not sign"):
            verify("east", b"advert", signature)
    with pytest.raises(FederationError, match="expected a hospital on the list"):
        verify("south", b"advert", b"")


def test_a_site_with_a_new_key_signs_nothing_until_its_list_is_new(
    federation: tuple[Path, Mapping[str, Site]],
) -> None:
    _home, sites = federation
    peers = Peers(federation="glioma", sites={name: _public(sites[name]) for name in NAMES})
    accept(sites["west"], peers, peers.spoken_fingerprint)
    key = sites["west"].state / "enrolment" / "supernode_key"
    before = key.read_bytes()
    key.write_bytes((sites["east"].state / "enrolment" / "supernode_key").read_bytes())
    with pytest.raises(DataError, match="another key than this site's own"):
        pinned(sites["west"])
    key.write_bytes(before)
    key.chmod(0o644)
    with pytest.raises(DataError, match="readable by others"):
        pinned(sites["west"])
    key.chmod(0o600)
    assert pinned(sites["west"]) == peers


def test_lists_that_are_none(tmp_path: Path) -> None:
    one = write_site(_folder(tmp_path, "one"), "one", "brats2021")
    line = key_of(one)
    unfit = (
        {"one": line},
        {"one": line, "two": line},
        {"one": line, "../two": line},
        {"one": line, "two": "ssh-rsa x"},
    )
    for sites in unfit:
        with pytest.raises(DataError, match=r"peers: |public key: "):
            Peers(federation="glioma", sites=sites)
    file = tmp_path / "peers.json"
    write_peers(file, Peers(federation="glioma", sites={"one": line, "two": key_of(_other(tmp_path))}))
    whole = json.loads(file.read_text())
    for content in (
        {**whole, "format": 2},
        {**whole, "more": 1},
        {**whole, "sites": []},
        {**whole, "federation": 1},
        [],
    ):
        file.write_text(json.dumps(content))
        with pytest.raises(DataError, match="peers: found"):
            read_peers(file)


def _folder(home: Path, name: str) -> Path:
    (home / name).mkdir()
    return home / name


def _other(home: Path) -> Site:
    return write_site(_folder(home, "two"), "two", "brats2021")


def _public(site: Site) -> str:
    return (site.state / "enrolment" / "supernode_key.pub").read_text().rpartition(" ")[0]
