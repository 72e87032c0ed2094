"""BIDS derivatives as a zip: the outline as a discrete segmentation, the map of uncertainty and the measures.

No list of participants: the subject's label is the pseudonym, the session's is the study's random number. What BIDS has
no name for (entropy, measures) is listed in `.bidsignore`, as BIDS provides.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.reading_room.exports import product
from client.reading_room.exports.masks import OUTLINES, WHOLE, Outline, load_mask, outlines, stored
from client.reading_room.exports.table import json_file
from client.reading_room.record import UNCERTAINTY, Record
from client.result_files import nifti_bytes
from gmmas_core.types import BACKGROUND, DISCLAIMER

BIDS_VERSION = "1.10.0"
IGNORED = ("*_entropy.nii.gz", "*_entropy.json", "*_measures.json")
PART_UNKNOWN = 4
"""Label of tumour whose part cannot be told from these sequences."""

_ROWS = {
    BACKGROUND: ("background", "BG", "#000000", "0"),
    1: (OUTLINES[0].name, "NCR", "#3b6fd4", "7"),
    2: (OUTLINES[1].name, "ED", "#3fa34d", "7"),
    3: (OUTLINES[2].name, "ET", "#d1495b", "7"),
    PART_UNKNOWN: ("tumour, part not assessable", "TU", "#d9b310", "7"),
}
"""Index -> name, abbreviation, color and BIDS's own index of a lesion."""


def bids_file(record: Record) -> bytes:
    """The zip's content; the same whenever it is asked for.

    Raises:
        DataError: a file of the revision is missing or was changed.
    """
    subject, session = f"sub-{subject_label(record.study.patient)}", f"ses-{record.study.id[:8]}"
    stem = f"{subject}/{session}/anat/{subject}_{session}_desc-research"
    mask = load_mask(record)
    parts, left_out = outlines(record.document)
    labels_XYZ = assessable(mask.data, parts)
    files = {
        "dataset_description.json": _json(_description(record)),
        "README": _README.encode(),
        ".bidsignore": "".join(f"{pattern}\n" for pattern in IGNORED).encode(),
        f"{stem}_dseg.nii.gz": nifti_bytes(labels_XYZ, mask.affine_44),
        f"{stem}_dseg.json": _json(_sidecar(record, left_out)),
        f"{stem}_dseg.tsv": _table(labels_XYZ, parts).encode(),
        f"{stem}_measures.json": json_file(record),
    }
    uncertainty = record.document["uncertainty_map"]
    if uncertainty is not None:
        files[f"{stem}_entropy.nii.gz"] = stored(record, UNCERTAINTY, uncertainty["sha256"])
        files[f"{stem}_entropy.json"] = _json(
            {"Description": f"{uncertainty['content']}; {DISCLAIMER}", "Units": uncertainty["unit"]}
        )
    return _zip(record, files)


def subject_label(pseudonym: str) -> str:
    """Letters and digits of a pseudonym, which is all that BIDS allows; two pseudonyms never become one label."""
    plain = "".join(sign for sign in pseudonym if sign.isascii() and sign.isalnum())
    return plain if plain == pseudonym else f"{plain}x{hashlib.sha256(pseudonym.encode()).hexdigest()[:6]}"


def assessable(labels_XYZ: NDArray[Any], parts: tuple[Outline, ...]) -> NDArray[np.uint8]:
    """The labels that can be told apart; the rest of a tumour whose border can be told becomes PART_UNKNOWN."""
    kept = np.zeros(labels_XYZ.shape, np.uint8)
    if WHOLE in parts:
        kept[labels_XYZ != BACKGROUND] = PART_UNKNOWN
    for part in parts:
        if part is not WHOLE:
            (label,) = part.labels
            kept[labels_XYZ == label] = label
    return kept


_TITLE = "RESEARCH: outlines and measures of gliomas"
_README = f"""{_TITLE}

{DISCLAIMER}

*_dseg.nii.gz      outline on the study's own grid; the values are named in *_dseg.tsv
*_entropy.nii.gz   predictive entropy of the four classes, nats, where stochastic passes were made
*_measures.json    everything that was measured and suggested, with its errors, and what people decided on it

Subjects are pseudonyms, sessions are random numbers. What is not assessable is named in the JSON files with its reason.
"""


def _description(record: Record) -> Mapping[str, Any]:
    return {
        "Name": _TITLE,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [
            {
                "Name": product.NAME,
                "Version": product.software(),
                "Description": f"Model {product.model_id(record)}. {DISCLAIMER}",
            }
        ],
    }


def _sidecar(record: Record, left_out: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "Description": f"Outline of a glioma. {DISCLAIMER}",
        "Manual": product.is_mask_corrected(record),
        "Model": product.model_id(record),
        "Revision": record.revision.number,
        "SequencesUsed": record.document["sequences_used"],
        "NotAssessable": dict(left_out),
    }


def _table(labels_XYZ: NDArray[np.uint8], parts: tuple[Outline, ...]) -> str:
    told = {BACKGROUND, *(label for part in parts if part is not WHOLE for label in part.labels)}
    indices = sorted(told | {int(label) for label in np.unique(labels_XYZ)})
    lines = ["\t".join(("index", "name", "abbreviation", "color", "mapping"))]
    lines += ["\t".join((str(index), *_ROWS[index])) for index in indices]
    return "\n".join(lines) + "\n"


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def _zip(record: Record, files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, date_time=product.made_at(record).timetuple()[:6])
            member.external_attr = 0o644 << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
