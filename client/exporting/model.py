"""A model folder for other programs: a new folder, whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from client.exporting.monai_bundle import write_bundle
from client.exporting.onnx_file import write_onnx
from client.result_files import now
from gmmas_core import atomic
from gmmas_core.checkpoint import LoadedModel, load_model
from gmmas_core.software import release
from gmmas_core.types import DISCLAIMER, DataError

Write = Callable[[LoadedModel, Path], Mapping[str, Any]]

WRITERS: Mapping[str, Write] = {"monai": write_bundle, "onnx": write_onnx}
"""Kind of export -> what writes it into an empty folder and says what else is to be known."""


def export_model(source: Path, to: str, out: Path) -> dict[str, Any]:
    """Export a model.

    Args:
        source: model folder.
        to: key of WRITERS.
        out: new folder.

    Returns:
        What was written.

    Raises:
        DataError, ConfigError: no such model, a package that is not installed, or a folder that cannot be written.
    """
    if out.exists() or out.is_symlink():
        raise DataError(f"--out: found {out.name} there already; expected a new folder; remove it or choose another")
    loaded = load_model(source)
    fresh: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        about = WRITERS[to](loaded, fresh)
        _let_others_read(fresh)
        atomic.publish_folder(fresh, out)
    except OSError as error:
        raise DataError(
            f"--out: cannot be written ({error.strerror}); expected a folder with free space; choose another"
        ) from None
    finally:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    told = {"disclaimer": DISCLAIMER, "to": to, "version": release(), "created_at": now(), "model_id": loaded.model_id}
    return {**told, "warnings": list(loaded.warnings), **about, "files": files}


def _let_others_read(folder: Path) -> None:
    """Temporary files are private to their user; a model is made to be copied."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
