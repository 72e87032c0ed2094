"""A backup file is read with suspicion: what is not as it was written is refused and nothing left behind."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.types import FederationError
from server.backup.archive import MANIFEST, packing, unpack
from server.backup.restore import restore

NOW = datetime.now(UTC)
GOOD = {"federation/federation.yaml": b"name: demo\n", "federation/ca/ca.key": b"secret"}


def listed(contents: dict[str, bytes], **changes: Any) -> bytes:
    entries = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "mode": 0o600}
        for name, content in contents.items()
    }
    about = {"format": "gmmas-coordinator-backup", "version": 1, "made": "today"}
    return json.dumps(about | {"files": entries} | changes).encode()


def write(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w") as tar:
        for header, content in members:
            tar.addfile(header, io.BytesIO(content))
    return path


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    header = tarfile.TarInfo(name)
    header.size, header.type, header.linkname = len(content), kind, link
    return header, content


def members_of(files: dict[str, bytes]) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [member(name, content) for name, content in files.items()]


def refused(path: Path, match: str) -> None:
    """It is, and not a byte is left where it was to go."""
    into = path.parent / "into"
    with pytest.raises(FederationError, match=match):
        restore(path, into, NOW)
    assert not into.exists()
    into.mkdir()
    with pytest.raises(FederationError, match=match):
        restore(path, into, NOW)
    assert list(into.iterdir()) == []


def test_what_was_packed_comes_out_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    out = tmp_path / "backup.tar"
    with packing(out, {"made": "today"}) as packer:
        for name, content in GOOD.items():
            packer.add_bytes(name, content)
    assert out.stat().st_mode & 0o777 == 0o600
    folder = tmp_path / "unpacked"
    folder.mkdir()
    manifest = unpack(out, folder)
    assert manifest["made"] == "today"
    assert {name: (folder / name).read_bytes() for name in manifest["files"]} == GOOD
    with pytest.raises(FederationError, match="found a file of that name"), packing(out, {}):
        raise AssertionError("nothing is packed over another file")


def test_a_backup_that_cannot_be_finished_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"), packing(tmp_path / "backup.tar", {}) as packer:  # noqa: PT012
        packer.add_bytes("federation/federation.yaml", b"x")
        raise OSError("gone")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("extra", "match"),
    [
        (member("federation/link", kind=tarfile.SYMTYPE, link="/etc/passwd"), "no ordinary file"),
        (member("federation/link", kind=tarfile.LNKTYPE, link="federation/ca/ca.key"), "no ordinary file"),
        (member("federation/device", kind=tarfile.CHRTYPE), "no ordinary file"),
        (member("federation/pipe", kind=tarfile.FIFOTYPE), "no ordinary file"),
        (member("federation/folder", kind=tarfile.DIRTYPE), "no ordinary file"),
        (member("/etc/cron.d/job", b"x"), "a name that no backup has"),
        (member("federation/../../up", b"x"), "a name that no backup has"),
        (member("federation/./here", b"x"), "a name that no backup has"),
        (member("elsewhere/file", b"x"), "a name that no backup has"),
        (member("federation", b"x"), "a name that no backup has"),
        (member("federation/a\\b", b"x"), "a name that no backup has"),
        (member("federation/a\nb", b"x"), "a name that no backup has"),
        (member("federation/" + "/".join("abcdefghijklmn"), b"x"), "a name that no backup has"),
        (member("federation/CA/ca.key", b"x"), "a name twice"),
        (member("federation/ca/ca.key", b"x"), "a name twice"),
        (member("federation/ca/ca.key/below", b"x"), "cannot be read or written out"),
        (member("federation/unlisted", b"x"), "other files than its manifest lists"),
        (member(MANIFEST, b"x"), "a name twice"),
    ],
)
def test_a_hostile_member_is_refused(tmp_path: Path, extra: tuple[tarfile.TarInfo, bytes], match: str) -> None:
    members = [*members_of(GOOD), member(MANIFEST, listed(GOOD)), extra]
    refused(write(tmp_path / "b.tar", members), match)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar", "into"]


def flipped(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b"secret", b"secreT"))


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"secret") + 3])


def zipped(path: Path) -> None:
    path.write_bytes(gzip.compress(path.read_bytes()))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (flipped, "another content than its manifest says, in federation/ca/ca.key"),
        (cut, "found"),
        (zipped, "no tar archive"),
        (emptied, "no tar archive"),
    ],
)
def test_a_damaged_backup_is_refused(tmp_path: Path, spoil: Callable[[Path], None], match: str) -> None:
    path = write(tmp_path / "b.tar", [*members_of(GOOD), member(MANIFEST, listed(GOOD))])
    spoil(path)
    refused(path, match)


@pytest.mark.parametrize(
    ("manifest", "match"),
    [
        (b"{", "no manifest of a backup"),
        (b"[]", "no manifest of a backup"),
        (listed(GOOD, format="other"), "no manifest of a backup"),
        (listed(GOOD, version=2), "found format version 2; expected 1"),
        (listed(GOOD, made="\x1b[2J"), "no manifest of a backup"),
        (listed(GOOD, made=None), "no manifest of a backup"),
        (listed(GOOD).replace(b"384", b"384.0"), "another content"),
        (listed({}, files=dict.fromkeys(GOOD)), "another content"),
        (listed({**GOOD, "federation/more": b"x"}), "other files than its manifest lists"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, manifest: bytes, match: str) -> None:
    refused(write(tmp_path / "b.tar", [*members_of(GOOD), member(MANIFEST, manifest)]), match)


def test_an_archive_without_a_manifest_or_a_federation_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "b.tar", members_of(GOOD)), "no manifest")
    only_run = {"runs/first/ledger.jsonl": b""}
    (tmp_path / "into").rmdir()
    refused(write(tmp_path / "c.tar", [*members_of(only_run), member(MANIFEST, listed(only_run))]), "no federation")


def test_what_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    names = [member("././@LongLink", b"x\0", tarfile.GNUTYPE_LONGNAME)] * 3000
    refused(write(tmp_path / "b.tar", [*names, *members_of(GOOD), member(MANIFEST, listed(GOOD))]), "no tar archive")
    (tmp_path / "into").rmdir()
    files = GOOD | {"runs/first/ledger.jsonl": b"", "runs/first/launch.json": b"[" * 100_000}
    refused(write(tmp_path / "c.tar", [*members_of(files), member(MANIFEST, listed(files))]), "no launch plan")
    (tmp_path / "into").rmdir()
    files = GOOD | {"runs/first/ledger.jsonl": b"[" * 100_000 + b"\n"}
    refused(write(tmp_path / "d.tar", [*members_of(files), member(MANIFEST, listed(files))]), "a broken ledger")


def test_a_file_larger_than_the_room_on_the_disk_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "b.tar", [*members_of(GOOD), member(MANIFEST, listed(GOOD))])
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("server.backup.restore.shutil.disk_usage", lambda path: usage._replace(free=1000))
    refused(path, "less room")


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "b.tar", [*members_of(GOOD), member(MANIFEST, listed(GOOD))])
    into = tmp_path / "into"
    into.mkdir()
    (into / "mine").write_text("mine")
    with pytest.raises(FederationError, match="found something there; expected an empty folder"):
        restore(path, into, NOW)
    assert [each.name for each in into.iterdir()] == ["mine"]
    with pytest.raises(FederationError, match="found no such file"):
        restore(tmp_path / "none.tar", tmp_path / "other", NOW)
