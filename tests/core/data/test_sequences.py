"""File names of public data sets and hospitals -> sequences."""

from pathlib import Path

import pytest

from gmmas_core.data.case_folders import find_case_folders, known_patient
from gmmas_core.data.sequences import find_sequences, sequence_of


def make_files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("name", "sequence"),
    [
        ("BraTS20_Training_001_t1.nii", "t1"),
        ("BraTS2021_00006_t1ce.nii.gz", "t1c"),
        ("BraTS2021_00006_flair.nii.gz", "flair"),
        ("BraTS2021_00006_seg.nii.gz", "mask"),
        ("W39_1998.09.19_Segm.nii", "mask"),
        ("BraTS-GLI-00001-000-t1n.nii.gz", "t1"),
        ("BraTS-GLI-00001-000-t1c.nii.gz", "t1c"),
        ("BraTS-GLI-00001-000-t2w.nii.gz", "t2"),
        ("BraTS-GLI-00001-000-t2f.nii.gz", "flair"),
        ("TCGA-02-0006_1996.08.23_t1Gd.nii.gz", "t1c"),
        ("TCGA-02-0006_1996.08.23_GlistrBoost_ManuallyCorrected.nii.gz", "mask"),
        ("TCGA-FG-6692_seg_automatic.nii.gz", "mask"),
        ("UPENN-GBM-00001_11_T1GD.nii.gz", "t1c"),
        ("UPENN-GBM-00001_11_segm.nii.gz", "mask"),
        ("UPENN-GBM-00001_11_automated_approx_segm.nii.gz", "mask"),
        ("UPENN-GBM-00001_11_T1GD_unstripped.nii.gz", None),
        ("UCSF-PDGM-0004_T1.nii.gz", "t1"),
        ("UCSF-PDGM-0004_T1gad.nii.gz", "t1c"),
        ("UCSF-PDGM-0004_T2_bias.nii.gz", "t2"),
        ("UCSF-PDGM-0004_tumor_segmentation.nii.gz", "mask"),
        ("UCSF-PDGM-0004_brain_segmentation.nii.gz", None),
        ("UCSF-PDGM-0004_brain_parenchyma_segmentation.nii.gz", None),
        ("UCSF-PDGM-0004_DTI_eddy_FA.nii.gz", None),
        ("UCSF-PDGM-0004_SWI.nii.gz", None),
        ("brain_fl.nii.gz", "flair"),
        ("brain_t1ce_ants.nii.gz", "t1c"),
        ("rtumorseg_manual_correction.nii.gz", "mask"),
        ("T1GD.nii.gz", "t1c"),
        ("MASK.nii.gz", "mask"),
        ("sub-01_ce-GADOLINIUM_T1w.nii.gz", "t1c"),
        ("sub-01_ses-02_ce-gd_space-SRI24_desc-preproc_T1w.nii.gz", "t1c"),
        ("sub-01_T1w.nii.gz", "t1"),
        ("sub-01_FLAIR.nii.gz", "flair"),
        ("sub-01_space-T1w_dseg.nii.gz", "mask"),
        ("sub-01_desc-brain_mask.nii.gz", None),
        ("sub-01_label-tumor_mask.nii.gz", "mask"),
        ("sub-01_T2starw.nii.gz", None),
        ("x_T2-FLAIR.nii.gz", "flair"),
        ("x_t1_post.nii.gz", "t1c"),
        ("xt1.nii.gz", None),
    ],
)
def test_every_spelling(name: str, sequence: str | None) -> None:
    assert sequence_of(name) == sequence


def test_longest_ending_wins_in_a_folder_and_order_is_ours(tmp_path: Path) -> None:
    folder = make_files(tmp_path, *(f"a_{s}.nii.gz" for s in ("flair", "seg", "t1", "t1ce", "t2")), "notes.txt")
    found = find_sequences(folder)
    assert list(found.images) == ["t1", "t1c", "t2", "flair"]
    assert found.images["t1"].name == "a_t1.nii.gz"
    assert found.images["t1c"].name == "a_t1ce.nii.gz"
    assert found.mask is not None
    assert found.mask.name == "a_seg.nii.gz"
    assert found.problems == []


def test_two_files_for_one_sequence_are_a_problem_not_a_choice(tmp_path: Path) -> None:
    found = find_sequences(make_files(tmp_path, "a_t1.nii.gz", "a_t1n.nii.gz", "a_t2.nii"))
    assert list(found.images) == ["t2"]
    (problem,) = found.problems
    assert "2 files for t1 (t1.nii.gz, t1n.nii.gz)" in problem


def test_a_name_gives_no_orders_to_a_terminal(tmp_path: Path) -> None:
    for name in ("a_\x1b[2J.t1.nii", "a_\n.t1.nii"):
        (tmp_path / name).touch()
    (problem,) = find_sequences(tmp_path).problems
    assert problem.isprintable()


def test_better_versions_are_preferred(tmp_path: Path) -> None:
    ucsf = make_files(tmp_path / "u", "u_T1.nii.gz", "u_T1_bias.nii.gz", "u_tumor_segmentation.nii.gz", "u_ADC.nii.gz")
    found = find_sequences(ucsf)
    assert found.images["t1"].name == "u_T1.nii.gz"
    assert found.ignored == 1
    utsw = make_files(tmp_path / "b", "brain_t1.nii.gz", "brain_t1_ants.nii.gz", "tumorseg_FeTS.nii.gz")
    make_files(utsw, "tumorseg_manual_correction.nii.gz")
    found = find_sequences(utsw)
    assert found.images["t1"].name == "brain_t1_ants.nii.gz"
    assert found.mask is not None
    assert found.mask.name == "tumorseg_manual_correction.nii.gz"
    assert found.problems == []


def test_shadows_and_hidden_files_are_no_images(tmp_path: Path) -> None:
    found = find_sequences(make_files(tmp_path, "._a_t1.nii.gz", ".a_t2.nii.gz", "a_flair.nii.gz"))
    assert list(found.images) == ["flair"]


def test_bids_layouts(tmp_path: Path) -> None:
    flat = make_files(tmp_path / "sub-01", "anat/sub-01_T1w.nii.gz", "anat/sub-01_ce-gd_T1w.nii.gz")
    assert list(find_sequences(flat).images) == ["t1", "t1c"]
    session = make_files(tmp_path / "sub-02", "ses-1/anat/sub-02_ses-1_T2w.nii.gz")
    assert list(find_sequences(session).images) == ["t2"]
    two = make_files(tmp_path / "sub-03", "ses-1/anat/a_T2w.nii.gz", "ses-2/anat/b_T2w.nii.gz")
    assert "2 files for t2" in find_sequences(two).problems[0]


def test_nothing_known_says_what_to_do(tmp_path: Path) -> None:
    found = find_sequences(make_files(tmp_path, "series1.nii.gz", "IM0001.dcm"))
    assert "no known sequence among 1 NIfTI files" in found.problems[0]
    assert "CASE_t1.nii.gz" in found.problems[0]
    assert find_sequences(tmp_path / "absent").images == {}


def test_case_folders_are_found_at_any_usual_depth(tmp_path: Path) -> None:
    make_files(tmp_path / "TCGA-GBM" / "BraTS2021_00001", "a_t1.nii.gz")
    make_files(tmp_path / "sub-01" / "ses-1", "anat/sub-01_T1w.nii.gz")
    make_files(tmp_path / "plain", "a_flair.nii")
    make_files(tmp_path / ".gmmas" / "x", "a_t1.nii.gz")
    make_files(tmp_path / "results", "plain_seg.nii.gz")
    (tmp_path / "plain" / "loop").symlink_to(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert find_case_folders(tmp_path) == ("TCGA-GBM/BraTS2021_00001", "plain", "sub-01/ses-1")


@pytest.mark.parametrize(
    ("case", "patient"),
    [
        ("BraTS-GLI-00017-001", "BraTS-GLI-00017"),
        ("UPENN-GBM-00260_21", "UPENN-GBM-00260"),
        ("UCSF-PDGM-0391_FU016d_nifti", "UCSF-PDGM-0391"),
        ("sub-01/ses-2", "sub-01"),
        ("deep/BraTS-GLI-00017-000", "BraTS-GLI-00017"),
        ("BraTS2021_00006", None),
    ],
)
def test_patient_of_a_study(case: str, patient: str | None) -> None:
    assert known_patient(case) == patient


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["brats2021/BraTS2021_00006", "tcga/TCGA-FG-6692"])
def test_real_cases_with_masks(real_data: Path, folder: str) -> None:
    found = find_sequences(real_data / folder)
    assert list(found.images) == ["t1", "t1c", "t2", "flair"]
    assert found.mask is not None
    assert found.problems == []


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("folder", "t1", "flair"),
    [
        ("raw/TCGA-FG-6692", "t1.nii.gz", "flair.nii.gz"),
        ("ood/BraTS-MET-00110-000", "BraTS-MET-00110-000-t1n.nii.gz", "BraTS-MET-00110-000-t2f.nii.gz"),
    ],
)
def test_real_cases_without_masks(real_data: Path, folder: str, t1: str, flair: str) -> None:
    found = find_sequences(real_data / folder)
    assert list(found.images) == ["t1", "t1c", "t2", "flair"]
    assert (found.images["t1"].name, found.images["flair"].name) == (t1, flair)
    assert found.mask is None


@pytest.mark.realdata
def test_real_folder_holds_eleven_cases(real_data: Path) -> None:
    assert len(find_case_folders(real_data)) == 11
