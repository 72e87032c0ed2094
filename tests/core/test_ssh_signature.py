"""SSH signatures: OpenSSH reads ours, we read OpenSSH's, and nothing altered passes."""

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core.signing import make_key, read_private_key
from gmmas_core.ssh_signature import MAX_BYTES, allowed_signer, read_signer, sign, ssh_fingerprint, verify
from gmmas_core.types import DataError

MESSAGE = b"what is signed\n" * 40
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNED = sign(MESSAGE, KEY, "gmmas-test").encode()


def ssh_keygen(*arguments: object, message: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["ssh-keygen", *map(str, arguments)], input=message, capture_output=True, check=False)


@pytest.fixture
def ssh_key(tmp_path: Path) -> Path:
    assert ssh_keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "ssh", "-C", "a comment").returncode == 0
    return tmp_path / "ssh"


def test_openssh_believes_our_signature_and_only_for_its_message_and_purpose(tmp_path: Path) -> None:
    (tmp_path / "signer").write_text(allowed_signer(KEY.public_key(), "coordinator", "gmmas-test") + "\n")
    (tmp_path / "sig").write_bytes(SIGNED)
    asked = ("-Y", "verify", "-f", tmp_path / "signer", "-I", "coordinator", "-s", tmp_path / "sig", "-n")
    assert ssh_keygen(*asked, "gmmas-test", message=MESSAGE).returncode == 0
    assert ssh_keygen(*asked, "gmmas-test", message=MESSAGE + b"!").returncode != 0
    assert ssh_keygen(*asked, "other", message=MESSAGE).returncode != 0


@pytest.mark.parametrize("options", [(), ("-O", "hashalg=sha256")])
def test_we_believe_openssh_s_signature_and_only_for_its_message_and_purpose(
    ssh_key: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_bytes(MESSAGE)
    assert ssh_keygen("-Y", "sign", "-n", "gmmas-test", *options, "-f", ssh_key, tmp_path / "file").returncode == 0
    signature = (tmp_path / "file.sig").read_bytes()
    signer = read_signer(ssh_key.with_name("ssh.pub"))
    verify(MESSAGE, signature, signer, "gmmas-test")
    with pytest.raises(DataError, match="does not fit"):
        verify(MESSAGE + b"!", signature, signer, "gmmas-test")
    with pytest.raises(DataError, match="does not fit"):
        verify(MESSAGE, signature, signer, "other")
    with pytest.raises(DataError, match="another key"):
        verify(MESSAGE, signature, KEY.public_key(), "gmmas-test")


def test_a_public_key_is_read_from_every_form_and_called_as_openssh_calls_it(ssh_key: Path, tmp_path: Path) -> None:
    public = ssh_key.with_name("ssh.pub")
    key = read_signer(public)
    (tmp_path / "allowed").write_text("# who\n\n" + allowed_signer(key, "coordinator", "gmmas-test") + "\n")
    assert ssh_fingerprint(read_signer(tmp_path / "allowed")) == ssh_fingerprint(key)
    assert ssh_fingerprint(key) in ssh_keygen("-lf", public).stdout.decode()
    pem = make_key(tmp_path / "release")
    ours = read_private_key(tmp_path / "release").public_key()
    assert ssh_fingerprint(read_signer(pem)) == ssh_fingerprint(ours)


@pytest.mark.parametrize(
    "content", ["", "ssh-rsa AAAA", "ssh-ed25519 AAAA", "{two}", "\x00\xff", "ssh-ed25519 " + "A" * 68]
)
def test_what_is_not_one_public_key_is_refused(tmp_path: Path, content: str) -> None:
    line = allowed_signer(KEY.public_key(), "a", "n")
    (tmp_path / "key").write_text(content.format(two=f"{line}\n{line}\n") if "{" in content else content)
    with pytest.raises(DataError, match="expected one Ed25519 public key"):
        read_signer(tmp_path / "key")
    with pytest.raises(DataError, match="cannot be read"):
        read_signer(tmp_path / "absent")


def refused(signature: bytes, key: Ed25519PublicKey = KEY.public_key()) -> bool:
    try:
        verify(MESSAGE, signature, key, "gmmas-test")
    except DataError:
        return True
    return False


def test_no_changed_byte_passes() -> None:
    lines = SIGNED.decode().splitlines()
    blob = base64.b64decode("".join(lines[1:-1]))
    assert not refused(SIGNED)
    for place in range(len(blob)):
        changed = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        text = base64.b64encode(changed).decode()
        assert refused(f"{lines[0]}\n{text}\n{lines[-1]}\n".encode()), place
    for other in (blob + b"\0", blob[:-1], b"", blob[:10]):
        assert refused(f"{lines[0]}\n{base64.b64encode(other).decode()}\n{lines[-1]}\n".encode())


@given(st.binary(max_size=200), st.integers(0, len(SIGNED)))
def test_rubbish_is_a_data_error(rubbish: bytes, place: int) -> None:
    assert refused(rubbish)
    assert not rubbish.strip() or refused(SIGNED[:place] + rubbish)
    assert refused(SIGNED + b"\n" * MAX_BYTES)
