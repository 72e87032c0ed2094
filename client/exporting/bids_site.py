"""A whole site's masks, or a model's predictions of them, as BIDS derivatives.

Subject and session are the pseudonyms of participants.tsv (participant_id; case_id where a patient has several studies
or another case_id). There is no list of participants. A case that cannot be outlined is named in gmmas-export.json, and
so is one whose outline could not go back onto a scanner's grid.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.exporting.bids import TITLE, as_json, dataset_description, label_table, subject_label
from client.exporting.cases import CaseExport
from client.exporting.native_grids import SPACES, Carried, NativeGrids
from client.exporting.outlines import OUTLINES, Outline, assessable, outlines
from client.exporting.workplace import SUMMARY
from client.predicting.result_files import FACTS_SUFFIX, MAP_SUFFIX, MASK_SUFFIX, nifti_bytes
from client.site import Site
from gmmas_core import atomic
from gmmas_core.data.grid import Volume, same_grid
from gmmas_core.data.labels import to_canonical
from gmmas_core.data.nifti import load_volume
from gmmas_core.types import DISCLAIMER, Case, DataError

IGNORED = ("*_entropy.nii.gz", "*_entropy.json", "*_measures.json", SUMMARY)
_NOT_CARRIED = "NotCarriedBack"
_ON_SCAN = {"SpatialReference": "orig"}
_NOT_SHARED = ("segmentation", "uncertainty_map")
_README = f"""{TITLE}

{DISCLAIMER}

*_dseg.nii.gz      outline on the grid of the site's images; the values are named in *_dseg.tsv
*_space-*_dseg     the same on the grid of the scanner's own image (T1w, T1wCE with contrast agent, T2w, FLAIR), carried
                   there by the rigid transform that prepared it; a voxel takes the label of its largest share
*_entropy.nii.gz   predictive entropy of the four classes, nats, where stochastic passes were made
*_measures.json    what the model said of the study: probabilities, volumes, what is not assessable and why
{SUMMARY}  what was exported and what was left out, with reasons

Subjects and sessions are the site's pseudonyms.
"""


@dataclass(frozen=True, kw_only=True)
class _Outline:
    """What is written of a case, on whichever grid."""

    labels: Volume
    parts: tuple[Outline, ...]
    about: Mapping[str, Any]


def masks_as_bids(site: Site, cases: Sequence[Case], natives: NativeGrids | None = None) -> CaseExport:
    """The masks of the site folder: drawn or corrected by people, or whatever the site keeps as its masks.

    Args:
        site: whose masks.
        cases: of it.
        natives: where outlines also go onto the scanner's grids.
    """
    stem_of = _stems(cases, "site")

    def write(case: Case, folder: Path) -> list[str]:
        mask = load_volume(_mask_of(case), f"case {case.case_id}: mask")
        _require_grid(case, mask, "mask", "correct it")
        labels = Volume(to_canonical(mask.data, site.label_convention), mask.affine_44)
        about = {"Description": f"Outline of a glioma, the site's own mask. {DISCLAIMER}", "NotAssessable": {}}
        outline = _Outline(labels=labels, parts=OUTLINES, about=about)
        return _write_outline(case, folder, stem_of[case.case_id], outline, natives)

    return CaseExport(
        to="bids",
        options={"of": "masks", "label_convention": site.label_convention, "native_grids": natives is not None},
        sources=lambda case: [_mask_of(case), *_first_image(case), *_raw_files(case, natives)],
        skip=lambda case: "" if case.mask else "no mask",
        write=write,
        finish=partial(_finish, f"Masks of the site. {DISCLAIMER}", stem_of, natives),
    )


def predictions_as_bids(cases: Sequence[Case], predictions: Path, natives: NativeGrids | None = None) -> CaseExport:
    """What `gmmas-site predict` wrote for the site's cases.

    Args:
        cases: of the site.
        predictions: folder of CASE_seg.nii.gz and CASE.json.
        natives: where outlines also go onto the scanner's grids.
    """
    stem_of = _stems(cases, "research")

    def files(case: Case) -> list[Path]:
        found = [predictions / f"{case.case_id}{suffix}" for suffix in (MASK_SUFFIX, FACTS_SUFFIX)]
        entropy = predictions / f"{case.case_id}{MAP_SUFFIX}"
        return [*found, *([entropy] if entropy.exists() else []), *case.images.values(), *_raw_files(case, natives)]

    def skip(case: Case) -> str:
        return "" if (predictions / f"{case.case_id}{FACTS_SUFFIX}").is_file() else "no prediction"

    return CaseExport(
        to="bids",
        options={"of": "predictions", "native_grids": natives is not None},
        sources=files,
        skip=skip,
        write=lambda case, folder: _write_prediction(case, predictions, folder, stem_of[case.case_id], natives),
        finish=partial(_finish, f"Predictions of a model, named in each sidecar. {DISCLAIMER}", stem_of, natives),
    )


def _write_prediction(case: Case, predictions: Path, folder: Path, stem: str, natives: NativeGrids | None) -> list[str]:
    facts = _facts(case, predictions)
    path = predictions / f"{case.case_id}{MASK_SUFFIX}"
    _require_same(path, facts["segmentation"]["sha256"])
    mask = load_volume(path, f"case {case.case_id}: prediction")
    _require_grid(case, mask, "prediction", "predict again")
    labels = to_canonical(mask.data, facts["segmentation"]["label_convention"])
    parts, left_out = outlines(facts)
    about = {
        "Description": f"Outline of a glioma. {DISCLAIMER}",
        "Manual": False,
        "Model": facts["model"]["model_id"],
        "SequencesUsed": facts["sequences_used"],
        "NotAssessable": left_out,
    }
    outline = _Outline(labels=Volume(assessable(labels, parts), mask.affine_44), parts=parts, about=about)
    names = _write_outline(case, folder, stem, outline, natives)
    said = {key: value for key, value in facts.items() if key not in _NOT_SHARED}
    atomic.write_bytes(folder / f"{stem}_measures.json", as_json(said))
    names.append(f"{stem}_measures.json")
    return [*names, *_write_entropy(case, predictions, folder, stem, facts)]


def _write_entropy(case: Case, predictions: Path, folder: Path, stem: str, facts: Mapping[str, Any]) -> list[str]:
    told = facts["uncertainty_map"]
    if told is None:
        return []
    content = _require_same(predictions / f"{case.case_id}{MAP_SUFFIX}", told["sha256"])
    atomic.write_bytes(folder / f"{stem}_entropy.nii.gz", content)
    about = {"Description": f"{told['content']}; {DISCLAIMER}", "Units": told["unit"]}
    atomic.write_bytes(folder / f"{stem}_entropy.json", as_json(about))
    return [f"{stem}_entropy.nii.gz", f"{stem}_entropy.json"]


def _write_outline(case: Case, folder: Path, stem: str, outline: _Outline, natives: NativeGrids | None) -> list[str]:
    """Files that BIDS knows: the labels that may be told apart, what they are called, and what is left out and why."""
    labels, about = outline.labels, dict(outline.about)
    carried = Carried() if natives is None else natives.carry(case, labels)
    if natives is not None:
        about[_NOT_CARRIED] = dict(carried.left_out)
    content = _derivative(stem, outline, labels.data, nifti_bytes(labels.data, labels.affine_44), about)
    for sequence, file in carried.files.items():
        on_scan = f"_space-{SPACES[sequence]}_desc-".join(stem.rsplit("_desc-", 1))
        content |= _derivative(on_scan, outline, carried.labels[sequence], file, {**outline.about, **_ON_SCAN})
    for name, data in content.items():
        atomic.write_bytes(folder / name, data)
    return list(content)


def _derivative(
    stem: str, outline: _Outline, labels_XYZ: NDArray[np.uint8], file: bytes, about: Mapping[str, Any]
) -> dict[str, bytes]:
    return {
        f"{stem}_dseg.nii.gz": file,
        f"{stem}_dseg.json": as_json(about),
        f"{stem}_dseg.tsv": label_table(labels_XYZ, outline.parts),
    }


def _finish(
    about: str, stem_of: Mapping[str, str], natives: NativeGrids | None, folder: Path, cases: Sequence[Case]
) -> dict[str, Any]:
    atomic.write_bytes(folder / "dataset_description.json", dataset_description(about))
    atomic.write_text(folder / "README", _README)
    atomic.write_text(folder / ".bidsignore", "".join(f"{pattern}\n" for pattern in IGNORED))
    told = {"subjects": len({case.patient_id for case in cases})}
    return told if natives is None else {**told, **_told_of_natives(stem_of, folder, cases)}


def _told_of_natives(stem_of: Mapping[str, str], folder: Path, cases: Sequence[Case]) -> dict[str, Any]:
    """From the sidecars: some cases were finished by an earlier command."""
    sidecars = {case.case_id: folder / f"{stem_of[case.case_id]}_dseg.json" for case in cases}
    left_out = {case_id: json.loads(path.read_text())[_NOT_CARRIED] for case_id, path in sidecars.items()}
    written = len(list(folder.rglob("*_space-*_dseg.nii.gz")))
    if not written:
        reasons = "; ".join(sorted({reason for each in left_out.values() for reason in each.values()}))
        raise DataError(
            f"--raw: found no image that an outline could go back onto ({reasons}); expected the studies that prepare "
            "--raw read; give their folder, or leave --raw out and remove the unfinished folder"
        )
    return {"native_grids": written, "not_carried_back": {case_id: each for case_id, each in left_out.items() if each}}


def _require_grid(case: Case, mask: Volume, what: str, action: str) -> None:
    """An outline that lies elsewhere than the images is of nobody."""
    for image in _first_image(case):
        if not same_grid(load_volume(image, f"case {case.case_id}: image").grid, mask.grid):
            raise DataError(f"{what}: found another grid than the images have now; expected theirs; {action}")


def _first_image(case: Case) -> list[Path]:
    return list(case.images.values())[:1]


def _raw_files(case: Case, natives: NativeGrids | None) -> list[Path]:
    return [] if natives is None else natives.sources(case)


def _stems(cases: Sequence[Case], description: str) -> dict[str, str]:
    """Case -> path of its files without their endings; a session only where it tells something."""
    studies = Counter(case.patient_id for case in cases)
    label_of, stems = _labels(studies), {}
    for case in cases:
        entities = [f"sub-{label_of[case.patient_id]}"]
        if studies[case.patient_id] > 1 or case.case_id != case.patient_id:
            entities.append(f"ses-{subject_label(case.case_id)}")
        stems[case.case_id] = "/".join([*entities, "anat", "_".join([*entities, f"desc-{description}"])])
    return stems


def _labels(patients: Iterable[str]) -> dict[str, str]:
    """A label per participant id, whose own `sub-` is not said twice unless two would become one."""
    short = {patient: subject_label(patient.removeprefix("sub-")) for patient in patients}
    times = Counter(label.lower() for label in short.values())
    return {p: label if times[label.lower()] == 1 else subject_label(p) for p, label in short.items()}


def _mask_of(case: Case) -> Path:
    if case.mask is None:
        raise DataError(f"case {case.case_id}: found no mask; expected one")
    return case.mask


def _facts(case: Case, predictions: Path) -> dict[str, Any]:
    try:
        facts = json.loads((predictions / f"{case.case_id}{FACTS_SUFFIX}").read_text())
        told = {"case_id", "model", "segmentation", "sequences_used", "not_assessable", "uncertainty_map"} <= set(facts)
    except (OSError, ValueError, TypeError):
        told = False
    if not told or facts["case_id"] != case.case_id:
        raise DataError("prediction: found no JSON of this case; expected what gmmas-site predict wrote; predict again")
    return dict(facts)


def _require_same(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(
            "prediction: found a file missing or changed since it was made; expected the one that its JSON names; "
            "predict again"
        )
    return content
