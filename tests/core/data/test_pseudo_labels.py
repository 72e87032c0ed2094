"""The table of pseudo-labels on disk: what was accepted comes back, what was changed is found."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gmmas_core.data.pseudo_labels import ABOUT, LABELS, mask_name, read_pseudo_labels, table_home
from gmmas_core.data.pseudo_table import PseudoLabel, PseudoMask, publish_table, unfinished_table, write_mask
from gmmas_core.types import DataError, FederationError, Task

RUN = "run1"
TABBED = "case\t2/.."  # a pseudonym is any text


def mask_of(value: int) -> np.ndarray:
    """A small volume with one label in a corner."""
    mask_XYZ = np.zeros((3, 4, 5), dtype=np.uint8)
    mask_XYZ[0, 0, :2] = value
    return mask_XYZ


def label(case_id: str, task: Task, predicted: int, reason: str = "") -> PseudoLabel:
    return PseudoLabel(case_id=case_id, task=task, label=predicted, confidence=0.95, deviation=0.01, reason=reason)


def write(state: Path, round: int = 1, mask_value: int = 2) -> Path:
    """Two cases: labels of both, the mask of the first accepted, that of the second refused."""
    with unfinished_table(state, RUN) as folder:
        write_mask(folder, "case-1", mask_of(mask_value))
        write_mask(folder, TABBED, mask_of(3))
        return publish_table(
            folder,
            round=round,
            model_id="abc",
            labels=[
                label("case-1", Task.IDH, 1),
                label("case-1", Task.CODEL, 0, "confidence below 0.99"),
                label(TABBED, Task.HISTOLOGY, 0),
            ],
            masks=[
                PseudoMask(case_id="case-1", entropy=0.1, volume_ml=3.0),
                PseudoMask(case_id=TABBED, entropy=0.4, volume_ml=2.0, reason="doubtful"),
            ],
            about={"run_id": RUN},
        )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_was_accepted_comes_back(tmp_path: Path) -> None:
    folder = write(tmp_path)
    found = read_pseudo_labels(tmp_path, RUN)
    assert {case_id: dict(case.labels) for case_id, case in found.items()} == {
        "case-1": {Task.IDH: 1},
        TABBED: {Task.HISTOLOGY: 0},
    }
    assert isinstance(found["case-1"].mask_XYZ, np.memmap)
    assert np.array_equal(found["case-1"].mask_XYZ, mask_of(2))
    assert found[TABBED].mask_XYZ is None
    assert sorted(contents(folder)) == [ABOUT, LABELS, mask_name("case-1")]
    assert [child.name for child in table_home(tmp_path, RUN).iterdir()] == ["round-00001"]


def test_a_person_can_read_every_row(tmp_path: Path) -> None:
    folder = write(tmp_path)
    with (folder / LABELS).open(newline="") as file:
        rows = list(csv.DictReader(file, dialect="excel-tab"))
    assert [(row["case_id"], row["task"], row["class"], row["accepted"]) for row in rows] == [
        ("case-1", "idh", "mutant", "yes"),
        ("case-1", "codel_1p19q", "intact", "no"),
        (TABBED, "histology", "lower_grade", "yes"),
        ("case-1", "segmentation", "mask", "yes"),
        (TABBED, "segmentation", "mask", "no"),
    ]
    assert {(row["source"], row["model"]) for row in rows} == {("pseudo", "abc")}
    assert rows[1]["reason"] == "confidence below 0.99"
    assert (rows[0]["confidence"], rows[0]["deviation"], rows[3]["entropy"]) == ("0.950000", "0.010000", "0.100000")
    about = json.loads((folder / ABOUT).read_text())
    assert (about["run_id"], about["round"], about["model"]) == (RUN, 1, "abc")


def test_the_newest_round_counts_and_another_run_does_not(tmp_path: Path) -> None:
    assert read_pseudo_labels(tmp_path, RUN) == {}
    write(tmp_path, round=9, mask_value=1)
    write(tmp_path, round=10, mask_value=2)
    for before, value in ((None, 2), (11, 2), (10, 1)):
        mask_XYZ = read_pseudo_labels(tmp_path, RUN, before=before)["case-1"].mask_XYZ
        assert mask_XYZ is not None
        assert mask_XYZ.max() == value
    assert read_pseudo_labels(tmp_path, RUN, before=9) == {}
    assert read_pseudo_labels(tmp_path, "run2") == {}


def test_writing_again_replaces_by_the_same_bytes(tmp_path: Path) -> None:
    first = contents(write(tmp_path))
    (table_home(tmp_path, RUN) / ".unfinished-killed" / "masks").mkdir(parents=True)
    assert contents(write(tmp_path)) == first
    assert [child.name for child in table_home(tmp_path, RUN).iterdir()] == ["round-00001"]


def test_an_interrupted_round_leaves_the_older_table(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(DataError, match="state folder unusable"), unfinished_table(tmp_path, RUN) as folder:
        write_mask(folder / "gone", "case-1", mask_of(1))
    assert [child.name for child in table_home(tmp_path, RUN).iterdir()] == ["round-00001"]
    assert set(read_pseudo_labels(tmp_path, RUN)) == {"case-1", TABBED}


def _flip_last_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("name", "damage", "named"),
    [
        (LABELS, _flip_last_byte, LABELS),
        (LABELS, Path.unlink, LABELS),
        (mask_name("case-1"), _flip_last_byte, mask_name("case-1")),
        (mask_name("case-1"), Path.unlink, mask_name("case-1")),
        (ABOUT, Path.unlink, ABOUT),
        (ABOUT, lambda path: path.write_text("[1]"), ABOUT),
        (ABOUT, lambda path: path.write_text('{"files": {}}'), LABELS),
        ("masks/other.npy", lambda path: path.write_bytes(b"new"), "masks/other.npy"),
    ],
)
def test_damage_is_named(tmp_path: Path, name: str, damage: Callable[[Path], object], named: str) -> None:
    damage(write(tmp_path) / name)
    with pytest.raises(DataError, match=f"pseudo-labels of run run1, round-00001: {named}: found "):
        read_pseudo_labels(tmp_path, RUN)


def test_a_mask_that_would_run_code_is_refused(tmp_path: Path) -> None:
    """Even with matching hashes: object arrays are pickles."""
    with unfinished_table(tmp_path, RUN) as folder:
        np.save(folder / mask_name("case-1"), np.array([[[{}]]], dtype=object), allow_pickle=True)
        publish_table(
            folder,
            round=1,
            model_id="abc",
            labels=[],
            masks=[PseudoMask(case_id="case-1", entropy=0.1, volume_ml=3.0)],
            about={},
        )
    with pytest.raises(DataError, match="found ValueError"):
        read_pseudo_labels(tmp_path, RUN)


@pytest.mark.parametrize("run_id", ["", "..", "a/b", "a\n", "x" * 65, "é"])
def test_a_run_id_stays_a_plain_name(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(FederationError, match="unusual characters"):
        read_pseudo_labels(tmp_path, run_id)
    with pytest.raises(FederationError, match="unusual characters"), unfinished_table(tmp_path, run_id):
        pass


def test_a_state_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(DataError, match="found the state folder unusable"), unfinished_table(tmp_path / "state", RUN):
        pass
