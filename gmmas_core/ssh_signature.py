"""Signatures that `ssh-keygen -Y verify` checks too: a file can be trusted before a line of our code is installed.

The format is OpenSSH's SSHSIG with an Ed25519 key, the same key that signs releases. The namespace says what a
signature is for, so that what was signed for one purpose is no valid signature for another.

Source: OpenSSH, PROTOCOL.sshsig.
"""

import base64
import hashlib
import re
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gmmas_core.signing import MAX_KEY_BYTES, read_public_key
from gmmas_core.types import DataError

MAX_BYTES = 2**12
_MAGIC, _VERSION, _KIND = b"SSHSIG", (1).to_bytes(4, "big"), b"ssh-ed25519"
_HASHES = (b"sha512", b"sha256")
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_LINE = re.compile(r"(?:^|\s)ssh-ed25519 ([A-Za-z0-9+/]{68})(?:\s|$)")
_LETTERS_PER_LINE = 70


def sign(message: bytes, key: Ed25519PrivateKey, namespace: str) -> str:
    """The content of a `.sig` file for a message."""
    space, hashed = namespace.encode(), _HASHES[0]
    signature = key.sign(_signed(message, space, hashed))
    parts = (_key_blob(key.public_key()), space, b"", hashed, _string(_KIND) + _string(signature))
    text = base64.b64encode(_MAGIC + _VERSION + b"".join(map(_string, parts))).decode()
    lines = [text[start : start + _LETTERS_PER_LINE] for start in range(0, len(text), _LETTERS_PER_LINE)]
    return "\n".join([_BEGIN, *lines, _END, ""])


def verify(message: bytes, signature: bytes, key: Ed25519PublicKey, namespace: str) -> None:
    """Check a signature, whoever sent it.

    Args:
        message: what was signed.
        signature: content of the `.sig` file.
        key: whom the reader trusts.
        namespace: what the signature is for.

    Raises:
        DataError: it is none, one of another key or for another purpose, or of another message.
    """
    public, space, reserved, hashed, inner = _parts(signature)
    if public != _key_blob(key):
        raise DataError("signature: found one of another key; expected the signer's; do not use what it signs")
    kind, raw = _strings(inner, 2)
    try:
        if space != namespace.encode() or reserved or hashed not in _HASHES or kind != _KIND:
            raise ValueError
        key.verify(raw, _signed(message, space, hashed))
    except (InvalidSignature, ValueError):
        raise DataError(
            f"signature: found one that does not fit; expected the signer's, for {namespace}; do not use what it signs"
        ) from None


def read_signer(path: Path) -> Ed25519PublicKey:
    """Read a public key: PEM as `release-key` writes it, an OpenSSH line, or a line of an allowed_signers file.

    Raises:
        DataError: no Ed25519 public key, or several.
    """
    try:
        text = path.read_bytes()[: MAX_KEY_BYTES + 1].decode("ascii", errors="replace")
    except OSError as error:
        raise DataError(f"key {path.name}: cannot be read ({error.strerror}); expected a public key") from None
    if "PUBLIC KEY-----" in text:
        return read_public_key(path)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = [match.group(1) for match in map(_LINE.search, lines) if match]
    try:
        (letters,) = found
        key = serialization.load_ssh_public_key(b"ssh-ed25519 " + letters.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey) or len(lines) != 1:
        raise DataError(
            f"key {path.name}: found something else; expected one Ed25519 public key (PEM, or an ssh-ed25519 line)"
        )
    return key


def allowed_signer(key: Ed25519PublicKey, name: str, namespace: str) -> str:
    """The line of an allowed_signers file that makes `ssh-keygen -Y verify` trust a key for one purpose."""
    return f'{name} namespaces="{namespace}" ssh-ed25519 {base64.b64encode(_key_blob(key)).decode()}'


def ssh_fingerprint(key: Ed25519PublicKey) -> str:
    """What `ssh-keygen -l` calls the key."""
    digest = hashlib.sha256(_key_blob(key)).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _parts(signature: bytes) -> list[bytes]:
    lines = signature[: MAX_BYTES + 1].decode("ascii", errors="replace").split("\n")
    start = len(_MAGIC + _VERSION)
    try:
        if len(signature) > MAX_BYTES or lines[0] != _BEGIN or lines[-2:] != [_END, ""]:
            raise ValueError
        text = "".join(lines[1:-2])
        blob = base64.b64decode(text, validate=True)
        # The last letter has bits that decoding ignores; none may be changed.
        if blob[:start] != _MAGIC + _VERSION or base64.b64encode(blob).decode() != text:
            raise ValueError
        parts = _strings(blob[start:], 5)
        _strings(parts[4], 2)
    except (ValueError, IndexError):
        raise DataError("signature: found something else; expected an SSH signature; get it again") from None
    return parts


def _strings(blob: bytes, number: int) -> list[bytes]:
    """Exactly so many length-prefixed strings.

    Raises:
        ValueError: they are cut short, or followed by anything.
    """
    found = []
    for _ in range(number):
        size, rest = int.from_bytes(blob[:4], "big"), blob[4:]
        if len(blob) < 4 or size > len(rest):
            raise ValueError
        found.append(rest[:size])
        blob = rest[size:]
    if blob:
        raise ValueError
    return found


def _signed(message: bytes, namespace: bytes, hashed: bytes) -> bytes:
    digest = hashlib.new(hashed.decode(), message).digest()
    return _MAGIC + b"".join(map(_string, (namespace, b"", hashed, digest)))


def _key_blob(key: Ed25519PublicKey) -> bytes:
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return _string(_KIND) + _string(raw)


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
