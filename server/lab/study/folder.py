"""What every study does with its folder: claim it or refuse it, and find what is finished."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json
from gmmas_core.types import DataError
from server.lab.study.arms import Arm
from server.lab.study.cells import Cell, read_result

OWN = ("about.json", "cells", "data", "jobs", "runs", "study.html", "study.json", "study.md")
ABOUT = "about.json"
FORMAT = 1


def claim(folder: Path, study: str, size: Any) -> None:
    """Make the folder this study's, or refuse it.

    Args:
        folder: of the study; made when absent.
        study: "method", "strategies" or "privacy".
        size: dataclass with a `mode`.

    Raises:
        DataError: it holds anything that no study wrote, or a study of another kind or size.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError("--out: found a file; expected a folder; name another one")
    foreign = sorted({path.name for path in folder.glob("*")} - {*OWN}) if folder.exists() else []
    if foreign:
        raise DataError(f"--out: found a folder with {', '.join(foreign[:3])}; expected an empty one or a study's")
    about = {"format": FORMAT, "study": study, "size": json.loads(json.dumps(asdict(size)))}
    file = folder / ABOUT
    if not file.exists():
        write_json(file, about)
        return
    try:
        found = json.loads(file.read_text())
    except ValueError:
        found = None
    if found != about:
        raise DataError(
            f"--out: found a study {_named_study(found)}; expected {study} of mode {size.mode!r}; name another folder"
        )


def _named_study(found: object) -> str:
    if not isinstance(found, dict):
        return "that cannot be read"
    return f"{found.get('study')} of mode {found.get('size', {}).get('mode')!r}"


def complete(folder: Path, arms: Sequence[Arm], cells: Sequence[Cell]) -> dict[str, list[dict[str, Any]]]:
    """Results by arm, of the arms that have all of theirs."""
    found = {}
    for arm in arms:
        results = [read_result(folder, cell) for cell in cells if cell.arm == arm.name]
        there = [result for result in results if result is not None]
        if len(there) == len(results):
            found[arm.name] = there
    return found
