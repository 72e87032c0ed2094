"""A model folder for other programs: a new folder, whole or not at all."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from client.exporting.monai_bundle import write_bundle
from client.exporting.onnx_file import write_onnx
from client.exporting.workplace import workplace
from client.predicting.result_files import now
from gmmas_core.checkpoint import LoadedModel, load_model
from gmmas_core.software import release
from gmmas_core.types import DISCLAIMER

Write = Callable[[LoadedModel, Path], Mapping[str, Any]]

WRITERS: Mapping[str, Write] = {"monai": write_bundle, "onnx": write_onnx}
"""Kind of export -> what writes it into a folder without files and says what else is to be known."""


def export_model(source: Path, to: str, out: Path) -> dict[str, Any]:
    """Export a model.

    Args:
        source: model folder.
        to: key of WRITERS.
        out: new folder.

    Returns:
        What was written.

    Raises:
        DataError, ConfigError: no such model, a package that is not installed, or see `workplace`.
    """
    loaded = load_model(source)
    request = {"to": to, "version": release(), "model_id": loaded.model_id}
    with workplace(out.absolute(), request) as place:
        place.keep_only(())  # half a model, of a command that was killed
        about = WRITERS[to](loaded, place.folder)
        _let_others_read(place.folder)
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    told = {"disclaimer": DISCLAIMER, **request, "created_at": now()}
    return {**told, "warnings": list(loaded.warnings), **about, "files": files}


def _let_others_read(folder: Path) -> None:
    """Temporary files are private to their user; a model is made to be copied."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
