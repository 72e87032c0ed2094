"""Who made this folder? An Ed25519 signature over the name, size and sha256 of every file in it.

A hash finds damage; only a signature with a key that the reader already trusts says where a model comes from. The key
must reach a hospital on another way than the model (in the enrolment kit, read out over the telephone).
"""

import base64
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gmmas_core import atomic
from gmmas_core.types import DataError

SIGNATURE = "signature.json"
FORMAT = 1
MAX_KEY_BYTES, MAX_SIGNATURE_BYTES = 2**14, 2**20
_DOMAIN = b"GMMAS-Fed release\n"  # what is signed for this purpose is no valid signature for another
_KEYS = {"format", "about", "files", "key_fingerprint", "signature"}
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A name that is a plain file in the folder itself, on every file system."""


def make_key(path: Path) -> Path:
    """Write a new private key (PEM, readable by its owner only) and its public key beside it, never over another file.

    Returns:
        Path of the public key, `<path>.pub`.

    Raises:
        DataError: one of the two files exists.
    """
    public = path.with_name(f"{path.name}.pub")
    for file in (path, public):
        if file.exists():
            raise DataError(f"key {file.name}: found one already; expected a new file; choose another name")
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file_:
        file_.write(private)
        file_.flush()
        os.fsync(file_.fileno())
    atomic.write_bytes(public, key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    public.chmod(0o644)
    return public


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        DataError: no Ed25519 private key without a password, or one that others may read.
    """
    content = _read_key(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise DataError(f"key {path.name}: found that others may read it; expected mode 0600; make a new key")
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise DataError(f"key {path.name}: found something else; expected an Ed25519 private key in PEM, no password")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key.

    Raises:
        DataError: no Ed25519 public key in PEM.
    """
    try:
        key = serialization.load_pem_public_key(_read_key(path))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise DataError(f"key {path.name}: found something else; expected an Ed25519 public key in PEM (KEY.pub)")
    return key


def key_fingerprint(key: Ed25519PublicKey) -> str:
    """sha256 of the raw public key, in hex: what two people compare over the telephone."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()


def sign_folder(folder: Path, key: Ed25519PrivateKey, about: Mapping[str, Any]) -> None:
    """Write `signature.json` for the files that the folder holds now.

    Args:
        folder: flat; every file gets into the signature.
        key: the coordinator's.
        about: JSON-able; what the signature also vouches for.
    """
    paths = sorted(path for path in folder.iterdir() if path.name != SIGNATURE)
    document = {
        "format": FORMAT,
        "about": dict(about),
        "files": {path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in paths},
        "key_fingerprint": key_fingerprint(key.public_key()),
    }
    signature = base64.b64encode(key.sign(_payload(document))).decode()
    atomic.write_json(folder / SIGNATURE, document | {"signature": signature})
    (folder / SIGNATURE).chmod(0o644)


def verify_folder(folder: Path, key: Ed25519PublicKey) -> dict[str, Any]:
    """Check a signed folder: the key, the signature, that exactly the signed files are there, and each one's content.

    Returns:
        What the signature says it is about.

    Raises:
        DataError: anything is missing, added, altered, cut short, no plain file, or signed by another key.
    """
    document = _read_signature(folder / SIGNATURE)
    ours, theirs = key_fingerprint(key), document["key_fingerprint"]
    if theirs != ours:
        shown = theirs[:16] if isinstance(theirs, str) else "none"
        raise DataError(f"release: found the signature of another key ({shown}); expected {ours[:16]}; do not use it")
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    try:
        key.verify(_decoded(document["signature"]), _payload(unsigned))
    except (InvalidSignature, ValueError, TypeError):
        raise DataError(
            f"release: found a signature that does not fit {SIGNATURE}; expected the coordinator's; do not use it"
        ) from None
    files, about = document["files"], document["about"]
    if not isinstance(files, dict) or not isinstance(about, dict):
        raise DataError(f"{SIGNATURE}: found no table of files; expected one; get the release again")
    _compare_names({path.name for path in folder.iterdir()} - {SIGNATURE}, set(files))
    for name, facts in files.items():
        _compare_file(folder / name, facts)
    return about


def _decoded(text: str) -> bytes:
    """Base64 as this file writes it: its last letter has bits that decoding ignores, and none may be changed.

    Raises:
        ValueError, TypeError: it is not.
    """
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError
    return raw


def _compare_names(found: set[str], signed: set[str]) -> None:
    missing, added = sorted(signed - found), sorted(found - signed)
    if missing or added:
        raise DataError(
            f"release: found {len(missing)} files missing ({', '.join(missing) or '-'}) and {len(added)} added; "
            "expected exactly the signed ones; get the release again"
        )
    if not all(FILE_NAME.fullmatch(name) for name in signed):
        raise DataError("release: found a file name with other characters; expected letters, digits, dots, dashes")


def _compare_file(path: Path, facts: object) -> None:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"release {path.name}: found a link or folder; expected a plain file; get the release again")
    expected = facts if isinstance(facts, dict) else {}
    if status.st_size != expected.get("bytes") or _sha256(path) != expected.get("sha256"):
        raise DataError(
            f"release {path.name}: found {status.st_size} bytes that are not those signed; expected an unchanged file "
            f"of {expected.get('bytes')}; get the release again"
        )


def _read_signature(path: Path) -> dict[str, Any]:
    if not path.is_file() or path.is_symlink():
        raise DataError(f"release: found no {SIGNATURE}; expected a signed release; ask the coordinator for one")
    try:
        document = json.loads(path.read_bytes()) if path.stat().st_size <= MAX_SIGNATURE_BYTES else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or set(document) != _KEYS or document["format"] != FORMAT:
        raise DataError(f"{SIGNATURE}: found something else; expected format {FORMAT}; get the release again")
    return document


def _payload(document: Mapping[str, Any]) -> bytes:
    """The same bytes for the same content, however a file was laid out."""
    return _DOMAIN + json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _read_key(path: Path) -> bytes:
    try:
        if path.stat().st_size <= MAX_KEY_BYTES:
            return path.read_bytes()
    except OSError as error:
        raise DataError(f"key {path.name}: cannot be read ({error.strerror}); expected a PEM file") from None
    raise DataError(f"key {path.name}: found more than {MAX_KEY_BYTES} bytes; expected a PEM file")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
