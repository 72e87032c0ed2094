"""BIDS derivatives as a zip: the outline as a discrete segmentation, the map of uncertainty and the measures.

No list of participants: the subject's label is the pseudonym, the session's is the study's random number. What BIDS has
no name for (entropy, measures) is listed in `.bidsignore`, as BIDS provides.
"""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from client.exporting.bids import TITLE, as_json, dataset_description, label_table, subject_label
from client.exporting.outlines import assessable, outlines
from client.predicting.result_files import nifti_bytes
from client.reading_room.exports import product
from client.reading_room.exports.masks import load_mask, stored
from client.reading_room.exports.table import json_file
from client.reading_room.record import UNCERTAINTY, Record
from gmmas_core.types import DISCLAIMER

IGNORED = ("*_entropy.nii.gz", "*_entropy.json", "*_measures.json")


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
        "dataset_description.json": dataset_description(f"Model {product.model_id(record)}. {DISCLAIMER}"),
        "README": _README.encode(),
        ".bidsignore": "".join(f"{pattern}\n" for pattern in IGNORED).encode(),
        f"{stem}_dseg.nii.gz": nifti_bytes(labels_XYZ, mask.affine_44),
        f"{stem}_dseg.json": as_json(_sidecar(record, left_out)),
        f"{stem}_dseg.tsv": label_table(labels_XYZ, parts),
        f"{stem}_measures.json": json_file(record),
    }
    uncertainty = record.document["uncertainty_map"]
    if uncertainty is not None:
        files[f"{stem}_entropy.nii.gz"] = stored(record, UNCERTAINTY, uncertainty["sha256"])
        files[f"{stem}_entropy.json"] = as_json(
            {"Description": f"{uncertainty['content']}; {DISCLAIMER}", "Units": uncertainty["unit"]}
        )
    return _zip(record, files)


_README = f"""{TITLE}

{DISCLAIMER}

*_dseg.nii.gz      outline on the study's own grid; the values are named in *_dseg.tsv
*_entropy.nii.gz   predictive entropy of the four classes, nats, where stochastic passes were made
*_measures.json    everything that was measured and suggested, with its errors, and what people decided on it

Subjects are pseudonyms, sessions are random numbers. What is not assessable is named in the JSON files with its reason.
"""


def _sidecar(record: Record, left_out: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "Description": f"Outline of a glioma. {DISCLAIMER}",
        "Manual": product.is_mask_corrected(record),
        "Model": product.model_id(record),
        "Revision": record.revision.number,
        "SequencesUsed": record.document["sequences_used"],
        "NotAssessable": dict(left_out),
    }


def _zip(record: Record, files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, date_time=product.made_at(record).timetuple()[:6])
            member.external_attr = 0o644 << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
