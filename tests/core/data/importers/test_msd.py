"""MSD Task01: the order of volumes and the meaning of values come from dataset.json, and a hostile one is refused."""

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from gmmas_core.data.importers import msd
from gmmas_core.data.importers.files import split_volumes
from gmmas_core.types import DataError

LABELS = {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"}


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """Task01_BrainTumour with two training cases and a test case; the volumes are not in the usual order."""
    source = tmp_path / "Task01_BrainTumour"
    for folder in ("imagesTr", "labelsTr", "imagesTs"):
        (source / folder).mkdir(parents=True)
    data = np.zeros((8, 8, 8, 4), np.float32)
    data[1:7, 1:7, 1:7] = np.arange(1, 5) * 10.5
    for name in ("imagesTr/BRATS_001", "imagesTr/BRATS_002", "imagesTs/BRATS_485", "imagesTr/BRATS_009"):
        nib.save(nib.Nifti1Image(data, np.diag([1.0, 1, 1, 1])), source / f"{name}.nii.gz")
    for name in ("001", "002"):
        seg = np.zeros((8, 8, 8), np.uint8)
        seg[2:5, 3, 3] = 1, 2, 3
        nib.save(nib.Nifti1Image(seg, np.eye(4)), source / f"labelsTr/BRATS_{name}.nii.gz")
    (source / "imagesTr" / "._BRATS_001.nii.gz").write_bytes(b"shadow")
    describe(source)
    return source


def describe(source: Path, **changes: Any) -> None:
    """Write dataset.json, with changes."""
    pairs = [{"image": f"./imagesTr/BRATS_{n}.nii.gz", "label": f"./labelsTr/BRATS_{n}.nii.gz"} for n in ("001", "002")]
    content = {
        "name": "BRATS",
        "modality": {"0": "T2w", "1": "FLAIR", "2": "t1gd", "3": "T1w"},
        "labels": LABELS,
        "training": pairs,
        "test": ["./imagesTs/BRATS_485.nii.gz"],
    }
    (source / "dataset.json").write_text(json.dumps(content | changes))


def test_order_and_cases_come_from_the_description(task: Path, tmp_path: Path) -> None:
    found = msd.find(task, [])
    assert [(case.case_id, case.mask is not None) for case in found.cases] == [
        ("BRATS_001", True),
        ("BRATS_002", True),
        ("BRATS_485", False),
    ]
    volumes = found.cases[0].volumes
    assert volumes == {"t1": 3, "t1c": 2, "t2": 0, "flair": 1}
    assert [(item.name, item.reason.split(",")[0]) for item in found.skipped] == [
        ("BRATS_009.nii.gz", "dataset.json does not list it")
    ]
    targets = {index: tmp_path / f"{name}.nii.gz" for name, index in volumes.items()}
    split_volumes(found.cases[0].images["t1"], targets, 4)
    assert nib.load(tmp_path / "flair.nii.gz").get_fdata().max() == 21
    with pytest.raises(DataError, match="8x8x8x4 voxels; expected 3 volumes"):
        split_volumes(found.cases[0].images["t1"], targets, 3)


def test_scaled_volumes_keep_their_meaning_and_place(tmp_path: Path) -> None:
    data = np.arange(5 * 4 * 3 * 2, dtype=np.int16).reshape(5, 4, 3, 2)
    image = nib.Nifti1Image(data, None)
    affine = np.array([[-2.0, 0, 0, 9], [0, 1, 0, -3], [0, 0, 1.5, 4], [0, 0, 0, 1]])
    image.set_sform(affine, 2)
    image.set_qform(np.diag([-2, 1, 1.5, 1.0]), 1)
    image.header.set_slope_inter(0.25, -7)
    nib.save(image, tmp_path / "four.nii.gz")
    # nibabel clears the factors of an array it is given; write them as a scanner's export has them
    import gzip

    raw = bytearray(gzip.decompress((tmp_path / "four.nii.gz").read_bytes()))
    raw[112:120] = np.array([0.25, -7], "<f4").tobytes()
    (tmp_path / "four.nii").write_bytes(bytes(raw))
    split_volumes(tmp_path / "four.nii", {1: tmp_path / "one.nii.gz"}, 2)
    whole, one = nib.load(tmp_path / "four.nii"), nib.load(tmp_path / "one.nii.gz")
    np.testing.assert_array_equal(one.get_fdata(), whole.get_fdata()[..., 1])
    np.testing.assert_array_equal(one.affine, whole.affine)
    assert one.get_data_dtype() == np.int16
    assert [int(one.header[code]) for code in ("sform_code", "qform_code")] == [2, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd"}}, "found the modalities"),
        ({"modality": {"0": "FLAIR", "1": "T1w", "2": "T1w", "3": "T2w"}}, "found the modalities"),
        ({"modality": ["FLAIR"]}, "found the modalities"),
        ({"labels": LABELS | {"1": "necrosis", "2": "edema"}}, "found the labels"),
        ({"labels": {"0": "background", "1": "tumor"}}, "found the labels"),
    ],
)
def test_another_order_or_meaning_is_refused(task: Path, changes: dict[str, Any], message: str) -> None:
    describe(task, **changes)
    with pytest.raises(DataError, match=message):
        msd.find(task, [])


def test_a_hostile_description_leads_nowhere(task: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.nii.gz"
    secret.write_bytes(b"not for you")
    (task / "imagesTr" / "BRATS_003.nii.gz").symlink_to(secret)
    bad = ["../secret.nii.gz", str(secret), "imagesTr/../../secret.nii.gz", "./imagesTr/BRATS_003.nii.gz", 7]
    describe(task, training=[{"image": one, "label": None} for one in bad] + ["x", None], test="everything")
    found = msd.find(task, [])
    assert found.cases == ()
    reasons = [item.reason for item in found.skipped]
    assert sum("none of this data set's" in reason for reason in reasons) == 4
    assert "a file is a link to outside of the source folder" in reasons
    (task / "dataset.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="no readable file"):
        msd.find(task, [])
