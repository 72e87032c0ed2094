"""The released models of one hospital: taken in only when signed by the key it trusts, kept for ever, one in use.

`<state>/models/<version>-<8 digits of the model's identity>/`, beside each the public key it was checked with, and
`current`, the name of the one in use.
"""

import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.models.release_archive import unpack
from client.site import Site
from gmmas_core import atomic
from gmmas_core.checkpoint import LoadedModel, load_model
from gmmas_core.provenance import Fingerprint, core_fingerprint
from gmmas_core.signing import SIGNATURE, key_fingerprint, read_public_key, verify_folder
from gmmas_core.types import DataError

CURRENT = "current"
_VERSION = re.compile(r"v[1-9][0-9]{0,5}")
_NAME = re.compile(r"v[1-9][0-9]{0,5}-[0-9a-f]{8}")
_MODEL_ID = re.compile(r"[a-z0-9-]{1,200}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Installed:
    """A model in the store.

    Attributes:
        name: of its folder.
        folder: the model folder, as `--model` takes it.
        about: what its signature vouches for: "version", "model_id", "run_id", "round".
        is_current: whether it is the one in use.
    """

    name: str
    folder: Path
    about: dict[str, Any]
    is_current: bool


def pull(site: Site, source: Path, public_key: Path) -> tuple[Installed, LoadedModel]:
    """Take a release in, if it is signed by the trusted key, whole, and made with the core that is installed here.

    Args:
        site: whose store.
        source: folder or .zip.
        public_key: PEM file that reached the hospital on another way.

    Returns:
        The installed model; the same one when it was installed already.

    Raises:
        DataError: a release that is unsigned, altered, cut short, signed by another key or no plain files.
        ConfigError, DataError: a model of another core; the message says which part differs.
    """
    home = _home(site)
    home.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=home, prefix=".pull."))
    try:
        content = temporary / "model"
        content.mkdir(mode=0o755)
        unpack(source, content)
        about, loaded = _verify(content, public_key)
        name = f"{about['version']}-{about['model_id'].rpartition('-')[2][:8]}"
        if (home / name).exists():
            _same_as_before(content, home / name)
        else:
            atomic.write_bytes(home / f"{name}.pub", public_key.read_bytes())
            atomic.publish_folder(content, home / name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Installed(name, home / name, about, name == _current_name(home)), loaded


def check(installed: Installed, public_key: Path | None = None) -> LoadedModel:
    """Verify an installed model again and load it.

    Args:
        installed: from `installed_models` or `find`.
        public_key: to check with; else the key it was pulled with.

    Raises:
        ConfigError, DataError: as `pull`.
    """
    key = public_key or installed.folder.with_name(f"{installed.name}.pub")
    return _verify(installed.folder, key)[1]


def installed_models(site: Site) -> list[Installed]:
    """All models in the store, oldest version first; a folder whose signature file cannot be read is listed bare."""
    home = _home(site)
    folders = [path for path in home.iterdir() if _NAME.fullmatch(path.name)] if home.is_dir() else []
    current = _current_name(home)
    return [
        Installed(path.name, path, _about(path), path.name == current)
        for path in sorted(folders, key=lambda path: (int(path.name[1:].partition("-")[0]), path.name))
    ]


def find(site: Site, version: str) -> Installed:
    """The installed model of a name, or of a version that only one has.

    Raises:
        DataError: none, or several.
    """
    models = installed_models(site)
    found = [model for model in models if version in (model.name, model.name.partition("-")[0])]
    if not found:
        known = ", ".join(model.name for model in models) or "none"
        raise DataError(
            f"model {version[:80]!r}: found no installed model of that name; expected one of these: {known}; "
            "pull it first"
        )
    if len(found) > 1:
        names = " or ".join(model.name for model in found)
        raise DataError(f"model {version[:80]!r}: found {len(found)} of that version; expected one; give {names}")
    return found[0]


def in_use(site: Site) -> Installed | None:
    """The model that `current` names; None before the first was chosen."""
    return next((model for model in installed_models(site) if model.is_current), None)


def switch(site: Site, installed: Installed) -> None:
    """Make a model the one in use, in one step; the others stay."""
    atomic.write_text(_home(site) / CURRENT, f"{installed.name}\n")


def _home(site: Site) -> Path:
    return site.state / "models"


def _current_name(home: Path) -> str | None:
    file = home / CURRENT
    text = file.read_text().strip() if file.is_file() else ""
    return text if _NAME.fullmatch(text) else None


def _about(folder: Path) -> dict[str, Any]:
    """For lists only; nothing here is verified."""
    try:
        about = json.loads((folder / SIGNATURE).read_bytes())["about"]
    except (OSError, ValueError, KeyError, TypeError):
        about = {}
    return about if isinstance(about, dict) else {}


def _verify(folder: Path, public_key: Path) -> tuple[dict[str, Any], LoadedModel]:
    about = verify_folder(folder, read_public_key(public_key))
    version, model_id = about.get("version"), about.get("model_id")
    if not (isinstance(version, str) and _VERSION.fullmatch(version)):
        raise DataError("release: found no version like v3; expected one; get the release again")
    if not (isinstance(model_id, str) and _MODEL_ID.fullmatch(model_id)):
        raise DataError("release: found no identity of a model; expected one; get the release again")
    loaded = load_model(folder)
    if loaded.model_id != model_id:
        raise DataError(f"release: found the model {loaded.model_id}; expected {model_id}, as signed; get it again")
    _same_core(loaded)
    return about, loaded


def _same_core(loaded: LoadedModel) -> None:
    """Another source reads a case otherwise: the numbers that the hospitals agreed on would not be this model's."""
    recorded = Fingerprint.from_json(json.dumps(loaded.provenance["fingerprint"]))
    ours = core_fingerprint(loaded.model, loaded.config)
    if recorded.digest != ours.digest:
        differing = [line for line in recorded.difference(ours) if not line.startswith("versions:")]
        raise DataError(
            f"release: found a model of another core: {'; '.join(differing)} (release against installed); "
            "expected the same; install the version of the release"
        )


def _same_as_before(new: Path, old: Path) -> None:
    if (new / SIGNATURE).read_bytes() != (old / SIGNATURE).read_bytes():
        raise DataError(
            f"model {old.name}: found another release of that name installed; expected the same one; "
            "nothing was changed"
        )


def fingerprint_of(public_key: Path) -> str:
    """Of a key file, to be compared by people."""
    return key_fingerprint(read_public_key(public_key))
