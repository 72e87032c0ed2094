"""What is kept of a case after it was looked at, so that a site of a thousand cases is not looked at twice.

`<state>/quality/<case>/` holds result.json and mosaic.jpg. A result is used again while the files' sizes, times and
inodes, the thresholds, the age, the label convention, the code that judges and FORMAT_VERSION are the same. It names
no other case.
"""

import base64
import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.checks.case import CaseReport
from client.quality_page.mosaic import Mosaic
from gmmas_core.atomic import write_bytes, write_json
from gmmas_core.data.cache import safe_name
from gmmas_core.data.problems import Problem
from gmmas_core.provenance import source_table
from gmmas_core.quality import Check, Rules, Verdict
from gmmas_core.types import Case

FORMAT_VERSION = 1
"""Of result.json."""

_JUDGES = ("quality/", "data/", "measures/")
_JUDGES_HERE = ("checks/case.py", "quality_page/examine.py", "quality_page/mosaic.py", "quality_page/recorded.py")
"""Source in gmmas_core and in client that decides a result: after a change every case is looked at again."""

FOLDER = "quality"
_RESULT, _PICTURE = "result.json", "mosaic.jpg"
_THUMBNAIL = np.dtype("<f2")


@dataclass(frozen=True, kw_only=True)
class Examined:
    """One case, looked at.

    Attributes:
        case_id, patient_id: pseudonyms.
        report: of `client.checks.case`.
        checks: all that were made; none where no image could be read.
        thumbnails: sequence -> see `scan_likeness.thumbnail`.
        picture: where its JPEG lies; None where none could be drawn.
        size: width and height of the picture, pixels.
        sequences: the rows of the picture.
    """

    case_id: str
    patient_id: str
    report: CaseReport
    checks: tuple[Check, ...] = ()
    thumbnails: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    picture: Path | None = None
    size: tuple[int, int] = (0, 0)
    sequences: tuple[str, ...] = ()


def home_of(state: Path, case_id: str) -> Path:
    """Where a case's result lies."""
    return state / FOLDER / safe_name(case_id)


def key_of(case: Case, files: Mapping[str, Path], label_convention: str, rules: Rules) -> str:
    """Everything that a result depends on, as a digest."""
    stats = {}
    for name, path in sorted(files.items()):
        try:
            found = path.stat()
            stats[name] = [path.name, found.st_size, found.st_mtime_ns, found.st_ino]
        except OSError:
            stats[name] = [path.name]
    asked = [FORMAT_VERSION, _code(), case.patient_id, case.age, label_convention, stats]
    told = json.dumps([asked, {name: [rule.warn, rule.fail] for name, rule in rules.items()}], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


@functools.cache
def _code() -> dict[str, str]:
    here = source_table(Path(__file__).parents[1])
    core = {name: digest for name, digest in source_table().items() if name.startswith(_JUDGES)}
    return core | {name: here[name] for name in _JUDGES_HERE}


def load(case: Case, home: Path, key: str) -> Examined | None:
    """The result that was kept, or None where there is none, an older one or a damaged one."""
    try:
        kept = json.loads((home / _RESULT).read_text(encoding="utf-8"))
        picture = home / _PICTURE if kept["picture"] else None
        if kept["key"] != key or (picture is not None and _digest(picture) != kept["picture"]):
            return None
        report = CaseReport(
            problems=[Problem(**one) for one in kept["problems"]],
            digests={name: bytes.fromhex(text) for name, text in kept["digests"].items()},
            mask_values=frozenset(kept["mask_values"]),
        )
        return Examined(
            case_id=case.case_id,
            patient_id=case.patient_id,
            report=report,
            checks=tuple(Check(**{**one, "verdict": Verdict(one["verdict"])}) for one in kept["checks"]),
            thumbnails={name: _unpacked(text) for name, text in kept["thumbnails"].items()},
            picture=picture,
            size=(int(kept["size"][0]), int(kept["size"][1])),
            sequences=tuple(kept["sequences"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None


def keep(examined: Examined, home: Path, key: str, mosaic: Mosaic | None) -> Examined:
    """Write a result, picture first.

    Raises:
        OSError: the state folder cannot be written.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chmod(home.parent, 0o700)
    if mosaic is not None:
        write_bytes(home / _PICTURE, mosaic.jpeg)
        examined = replace(examined, picture=home / _PICTURE, size=(mosaic.width, mosaic.height))
    content: dict[str, Any] = {
        "key": key,
        "case_id": examined.case_id,
        "picture": hashlib.sha256(mosaic.jpeg).hexdigest() if mosaic is not None else None,
        "size": examined.size,
        "sequences": examined.sequences,
        "problems": [asdict(problem) for problem in examined.report.problems],
        "digests": {name: digest.hex() for name, digest in examined.report.digests.items()},
        "mask_values": sorted(examined.report.mask_values),
        "checks": [asdict(check) for check in examined.checks],
        "thumbnails": {name: _packed(values) for name, values in examined.thumbnails.items()},
    }
    write_json(home / _RESULT, content)
    return examined


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _packed(values_D: NDArray[np.float32]) -> str:
    return base64.b64encode(values_D.astype(_THUMBNAIL).tobytes()).decode()


def _unpacked(text: str) -> NDArray[np.float32]:
    values_D = np.frombuffer(base64.b64decode(text, validate=True), _THUMBNAIL).astype(np.float32)
    length = float(np.linalg.norm(values_D))
    return values_D / length if length > 0 else values_D
