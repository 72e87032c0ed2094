"""A hospital speaks with its own approved key, and with no other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gmmas_core.enrolment import Enrolment
from gmmas_core.types import FederationError
from server.membership.members import Member, approve, revoke, write_member
from server.membership.node_identity import require_member

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def keys(tmp_path: Path, node_key: Callable[[], tuple[str, bytes]]) -> dict[str, bytes]:
    """North and east are approved for a year, south is revoked, west nobody knows."""
    found = {}
    for site in ("north", "east", "south", "west"):
        line, found[site] = node_key()
        letter = Enrolment(
            federation="f", site=site, invitation="0" * 32, public_key=line, created=NOW.isoformat(), proof=""
        )
        member = approve(Member(site=site), letter, node_id=1, now=NOW, days=365)
        if site != "west":
            write_member(tmp_path, revoke(member, "left") if site == "south" else member)
    return found


def test_each_speaks_for_itself(tmp_path: Path, keys: dict[str, bytes]) -> None:
    for site in ("north", "east"):
        require_member(tmp_path, site, keys[site], NOW)


@pytest.mark.parametrize(
    ("site", "holder", "reason"),
    [
        ("north", "east", "found the key of 'east'"),
        ("south", "south", "without an approved key"),
        ("west", "west", "without an approved key"),
        ("north", "west", "without an approved key"),
    ],
)
def test_nobody_speaks_for_another(tmp_path: Path, keys: dict[str, bytes], site: str, holder: str, reason: str) -> None:
    with pytest.raises(FederationError, match=reason):
        require_member(tmp_path, site, keys[holder], NOW)


@pytest.mark.parametrize("rubbish", [b"", b"x", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_no_key_is_no_approved_key(tmp_path: Path, keys: dict[str, bytes], rubbish: bytes) -> None:
    with pytest.raises(FederationError, match="without an approved key"):
        require_member(tmp_path, "north", rubbish, NOW)


def test_a_key_ends(tmp_path: Path, keys: dict[str, bytes]) -> None:
    with pytest.raises(FederationError, match=r"expired key.*rotate north"):
        require_member(tmp_path, "north", keys["north"], NOW + timedelta(days=365))
