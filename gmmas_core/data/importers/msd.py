"""MSD Task01_BrainTumour: 4-D `imagesTr/BRATS_NNN.nii.gz`, masks in `labelsTr/`, unlabelled `imagesTs/`, dataset.json.

Which volume is which sequence, and what the label values mean, is read from dataset.json and never assumed. macOS' `._`
files are no images.

Source: Antonelli et al. 2022 (doi:10.1038/s41467-022-30695-9).
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gmmas_core.data.importers.found import Found, FoundCase, Skipped
from gmmas_core.data.importers.tree import require_cases, require_source, skipped, unsafe_files
from gmmas_core.data.sequences import sequence_of
from gmmas_core.types import SEQUENCES, DataError

DESCRIPTION = "dataset.json"
MAX_BYTES = 16 * 2**20
_FILE = re.compile(r"(?:\./)?(images(?:Tr|Ts)|labelsTr)/((BRATS_\d{3,4})\.nii(?:\.gz)?)")
_IMAGE = re.compile(r"BRATS_\d{3,4}\.nii(\.gz)?")
# Words of each label name, as dataset.json spells them over the years.
_MEANINGS: Mapping[str, re.Pattern[str]] = {
    "0": re.compile(r"background"),
    "1": re.compile(r"o?edema|.*\bed\b.*"),
    "2": re.compile(r"non-?enhancing.*|net"),
    "3": re.compile(r"enhancing.*|et"),
}


def find(source: Path, tables: Sequence[Path]) -> Found:
    """Find the cases that dataset.json lists.

    Args:
        source: the folder with dataset.json (Task01_BrainTumour).
        tables: none; the data set has no clinical table.

    Raises:
        DataError: no dataset.json, or it names other sequences or label meanings; or a table was given.
    """
    require_source(source)
    if tables:
        raise DataError("--table: found a table; expected none, this data set has no clinical table; leave it out")
    description = _description(source)
    volumes = _volumes(description)
    _require_meanings(description.get("labels"))
    left: list[Skipped] = []
    cases: dict[str, FoundCase] = {}
    for image, label in _listed(description):
        case = _case(source, image, label, volumes, left)
        if case is not None and case.case_id in cases:
            left.append(skipped(case.case_id, "listed twice; the first was taken"))
        elif case is not None:
            cases[case.case_id] = case
    left += _unlisted(source, cases)
    require_cases(len(cases) + len(left), "image named BRATS_NNN.nii.gz")
    return Found(cases=tuple(cases.values()), skipped=tuple(left))


def _description(source: Path) -> dict[str, Any]:
    file = source / DESCRIPTION
    try:
        if os.path.getsize(file) > MAX_BYTES or unsafe_files(source, [file]):
            raise ValueError
        value = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        raise DataError(
            f"{DESCRIPTION}: found no readable file; expected MSD's own, which says which volume is which sequence; "
            "give the folder that holds it (Task01_BrainTumour)"
        ) from None
    if not isinstance(value, dict):
        raise DataError(f"{DESCRIPTION}: found no JSON object; expected MSD's own; unpack the data set again")
    return value


def _volumes(description: Mapping[str, Any]) -> dict[str, int]:
    """Sequence -> volume, from dataset.json's `modality`."""
    named = description.get("modality")
    names = {str(key): str(value) for key, value in named.items()} if isinstance(named, dict) else {}
    volumes = {sequence_of(f"case_{name}.nii") or name: int(key) for key, name in names.items() if key.isdecimal()}
    if sorted(volumes) != sorted(SEQUENCES) or sorted(volumes.values()) != list(range(len(SEQUENCES))):
        told = ", ".join(f"{key[:8]} {name[:12]}" for key, name in list(names.items())[:8]) or "none"
        raise DataError(
            f"{DESCRIPTION}: found the modalities {told!a}; expected FLAIR, T1w, T1gd and T2w with their numbers; "
            "check that this is Task01_BrainTumour"
        )
    return {sequence: volumes[sequence] for sequence in SEQUENCES}


def _require_meanings(labels: object) -> None:
    told = {str(key): str(value).strip().lower() for key, value in labels.items()} if isinstance(labels, dict) else {}
    if set(told) != set(_MEANINGS) or not all(_MEANINGS[key].fullmatch(told[key]) for key in _MEANINGS):
        shown = ", ".join(f"{key[:4]} {value[:24]}" for key, value in list(told.items())[:6]) or "none"
        raise DataError(
            f"{DESCRIPTION}: found the labels {shown!a}; expected 1 edema, 2 non-enhancing, 3 enhancing tumour; "
            "these masks mean something else and are not taken"
        )


def _listed(description: Mapping[str, Any]) -> list[tuple[object, object]]:
    """(image, mask or None) of every entry."""
    training, test = description.get("training"), description.get("test")
    entries = [
        (entry.get("image"), entry.get("label"))
        for entry in (training if isinstance(training, list) else [])
        if isinstance(entry, dict)
    ]
    return [*entries, *((entry, None) for entry in (test if isinstance(test, list) else []))]


def _case(
    source: Path, image: object, label: object, volumes: Mapping[str, int], left: list[Skipped]
) -> FoundCase | None:
    name = _FILE.fullmatch(str(image))
    label_name = None if label is None else _FILE.fullmatch(str(label))
    reason = None
    if name is None or (label is not None and (label_name is None or label_name[3] != name[3])):
        reason = f"{DESCRIPTION} names a file that is none of this data set's"
    else:
        files = [source / match[1] / match[2] for match in (name, label_name) if match is not None]
        reason = unsafe_files(source, files)
    if reason is not None or name is None:
        left.append(skipped(name[3] if name else str(image), reason or ""))
        return None
    return FoundCase(
        case_id=name[3],
        patient_id=name[3],
        images=dict.fromkeys(SEQUENCES, files[0]),
        mask=files[1] if label_name is not None else None,
        labels={},
        volumes=volumes,
    )


def _unlisted(source: Path, cases: Mapping[str, FoundCase]) -> list[Skipped]:
    """Images that dataset.json does not name; `._BRATS_001.nii.gz` is not even one."""
    names = []
    for folder in ("imagesTr", "imagesTs"):
        if os.path.isdir(source / folder):
            names += [name for name in sorted(os.listdir(source / folder)) if _IMAGE.fullmatch(name)]
    unlisted = [name for name in names if name.split(".")[0] not in cases]
    return [skipped(name, f"{DESCRIPTION} does not list it, or lists it wrongly") for name in unlisted]
