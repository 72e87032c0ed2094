"""participants.tsv and case folders -> cases, with every problem at once."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core.data.manifest import Manifest, read_cases, read_manifest
from gmmas_core.types import UNKNOWN, DataError, Task


def make_site(folder: Path, table: str | bytes, cases: Sequence[str] = ()) -> Path:
    """A site folder with empty image files; the manifest opens none."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "participants.tsv").write_bytes(table if isinstance(table, bytes) else table.encode())
    for case in cases:
        (folder / case).mkdir(parents=True)
        for name in ("t1", "t1ce", "t2", "flair", "seg"):
            (folder / case / f"x_{name}.nii.gz").touch()
    return folder


def read(folder: Path) -> Manifest:
    return read_manifest(folder, "north", holdout_share=0.2, validation_share=0.1)


def texts(manifest: Manifest, severity: str = "error") -> list[str]:
    return [str(problem) for problem in manifest.problems if problem.severity == severity]


def test_a_complete_row(tmp_path: Path) -> None:
    table = "participant_id\tcase_id\tfolder\tidh\tcodel_1p19q\thistology\tsplit\tage\tsex\n"
    table += "p1\tp1-a\tdeep/er\tmutant\tcodeleted\tlower_grade\ttrain\t41.5\tF\n"
    manifest = read(make_site(tmp_path, table, ["deep/er"]))
    assert manifest.problems == ()
    (case,) = manifest.cases
    assert (case.case_id, case.patient_id, case.site, case.split) == ("p1-a", "p1", "north", "train")
    assert case.labels == {Task.HISTOLOGY: 0, Task.IDH: 1, Task.CODEL: 1, Task.MGMT: UNKNOWN}
    assert case.label_source == dict.fromkeys((Task.HISTOLOGY, Task.IDH, Task.CODEL), "pathology")
    assert (case.age, case.sex) == (41.5, "F")
    assert list(case.images) == ["t1", "t1c", "t2", "flair"]
    assert case.mask == tmp_path / "deep/er" / "x_seg.nii.gz"


@pytest.mark.parametrize(
    "table",
    [
        b"\xef\xbb\xbfparticipant_id\tidh\r\na\tmutant\r\n\r\nb\t\r\n",
        b"participant_id,idh\na,mutant\nb,\n",
        b"participant_id;idh\na;mutant\nb;\n",
        b'"participant_id"\t"IDH status"\n"a"\t"Mutated (NOS)"\n"b"\t"n/a"',
    ],
)
def test_tables_as_people_save_them(tmp_path: Path, table: bytes) -> None:
    manifest = read(make_site(tmp_path, table, ["a", "b"]))
    assert texts(manifest) == []
    assert [case.labels[Task.IDH] for case in manifest.cases] == [1, UNKNOWN]
    separated = [text for text in texts(manifest, "warning") if "columns separated by" in text]
    assert len(separated) == (0 if b"\t" in table else 1)


def test_grade_stands_for_histology_and_must_agree(tmp_path: Path) -> None:
    table = "participant_id\tidh\thistology\twho_cns_grade_histologic\n"
    table += "a\twildtype\tn/a\t3\nb\twildtype\tglioblastoma\t3\nc\tn/a\tglioblastoma\t4\n"
    manifest = read(make_site(tmp_path, table, ["a", "b", "c"]))
    assert [case.labels[Task.HISTOLOGY] for case in manifest.cases] == [0, UNKNOWN, 1]
    (error,) = texts(manifest)
    assert error.startswith("case b, participants.tsv line 3: found histology and who_cns_grade_histologic")


def test_wildtype_with_codeletion_is_reported_and_masked(tmp_path: Path) -> None:
    table = "participant_id\tidh\tcodel_1p19q\na\twildtype\tcodeleted\nb\tn/a\tcodeleted\n"
    manifest = read(make_site(tmp_path, table, ["a", "b"]))
    assert texts(manifest) == []
    assert any("IDH wildtype together with 1p/19q codeleted" in text for text in texts(manifest, "warning"))
    first, second = manifest.cases
    assert (first.labels[Task.IDH], first.labels[Task.CODEL]) == (0, UNKNOWN)
    assert Task.CODEL not in first.label_source
    assert second.labels[Task.CODEL] == 1


def test_all_problems_at_once(tmp_path: Path) -> None:
    table = "participant_id\tcase_id\tfolder\tidh\tcodel_1p19q\tsplit\tage\tsex\n"
    table += "a\ta1\ta\tmaybe\tintact\ttrain\t50\tF\n"
    table += "a\ta2\tb\tmutant\tintact\tholdout\t50\tF\n"
    table += "c\t\ta\tmutant\tn/a\t\t500\tX\n"
    table += "d\t\t\tmutant\tn/a\tfold1\t\t\n"
    table += "a\ta1\te\tmutant\tn/a\t\t\t\n"
    table += "Doe, Jane\t\t\tmutant\tn/a\t\t\t\n"
    table += "\t\t\tmutant\tn/a\t\t\t\n"
    folder = make_site(tmp_path, table, ["a", "b", "unlisted"])
    (folder / "e").mkdir()
    manifest = read(folder)
    errors = texts(manifest)
    for part in (
        "case a1, participants.tsv line 2: found idh 'maybe'; expected wildtype, mutant or n/a",
        "case c, participants.tsv line 4: found age '500'",
        "case c, participants.tsv line 4: found sex 'X'",
        "case c, participants.tsv line 4: found the same folder as in line 2",
        "case d, participants.tsv line 5: found split 'fold1'",
        "case d, participants.tsv line 5: found no such folder",
        "case a1, participants.tsv line 6: found the same case as in line 2",
        "participants.tsv line 7: found a participant_id with other characters",
        "participants.tsv line 8: found no participant_id",
        "case a, participants.tsv: found one patient in holdout and train",
    ):
        assert any(error.startswith(part) for error in errors), part
    assert len(errors) == 10
    assert not any("Doe" in error for error in errors)  # a name must not reach a message
    assert any("1 case folders that no row names (unlisted)" in text for text in texts(manifest, "warning"))
    with pytest.raises(DataError, match="found 10 problems") as refusal:
        read_cases(folder, "north", holdout_share=0.2, validation_share=0.1)
    assert all(error in str(refusal.value) for error in errors)


@pytest.mark.parametrize(
    "escape", ["../other", "a/../../other", "/etc", "..", "a\\..\\b", "C:/x", "C:x", "\x01", "//srv/x", "a/" * 600]
)
def test_a_folder_outside_the_site_is_refused(tmp_path: Path, escape: str) -> None:
    make_site(tmp_path / "other", "", ["x"])
    manifest = read(make_site(tmp_path / "site", f"participant_id\tfolder\na\t{escape}\n"))
    assert manifest.cases == ()
    assert any("a folder outside the site folder" in text for text in texts(manifest))


def test_a_link_the_site_made_may_point_elsewhere(tmp_path: Path) -> None:
    make_site(tmp_path / "archive", "", ["x"])
    site = make_site(tmp_path / "site", "participant_id\na\n")
    (site / "a").symlink_to(tmp_path / "archive" / "x")
    assert [case.case_id for case in read(site).cases] == ["a"]


@pytest.mark.parametrize(
    ("table", "part"),
    [
        (b"participant_id\tidh\n\xff\xfe\tmutant\n", "line 2: found bytes that are not UTF-8"),
        ("participant_id\tidh\na\tmutant\n".encode("utf-16"), "found zero bytes (UTF-16 or a binary file)"),
        (b"", "found an empty table"),
        (b"\n\n", "found an empty table"),
        (b"idh\tage\nmutant\t5\n", "found no column participant_id"),
        (b"participant_id\tidh\tIDH\na\tmutant\twt\n", "found column idh twice"),
        (b"participant_id\tidh\na\tmutant\textra\n", "line 2: found 3 cells; expected 2"),
        (b"participant_id\tidh\tage\na\n", "line 2: found 1 cells; expected 3"),
        (b'participant_id\tidh\n"a\tmutant\n', "found a cell that does not end"),
        (b"participant_id\tidh\n" + b"a\tmutant\n" * 100_001, "rows; expected at most 100000"),
        (b"participant_id\n" + b"x" * 200_000 + b"\n", "found a cell that does not end or is too long"),
    ],
)
def test_hostile_tables(tmp_path: Path, table: bytes, part: str) -> None:
    manifest = read(make_site(tmp_path, table))
    assert any(part in text for text in texts(manifest)), texts(manifest)


@given(st.binary(max_size=200), st.text(alphabet="abc\t\n\r,;\"'/.\\\0 é-1", max_size=80))
def test_no_table_is_too_odd_to_be_reported(tmp_path_factory: pytest.TempPathFactory, raw: bytes, text: str) -> None:
    folder = tmp_path_factory.mktemp("odd")
    for table in (raw, text.encode(), f"participant_id\tfolder\tidh\tage\n{text}".encode()):
        manifest = read(make_site(folder, table))
        assert manifest.cases == ()
        assert any(problem.is_error for problem in manifest.problems)


def test_names_too_long_for_a_disk_are_reported(tmp_path: Path) -> None:
    manifest = read(make_site(tmp_path, f"participant_id\tfolder\na\t{'x' * 400}\n"))
    assert texts(manifest) == [
        "case a, participants.tsv line 2: found no such folder; expected the folder named in the table; "
        "copy the images or correct the row"
    ]


def test_no_table(tmp_path: Path) -> None:
    assert "found no such table" in texts(read(tmp_path))[0]
    with pytest.raises(DataError, match="run gmmas-site init"):
        read_cases(tmp_path, "north", holdout_share=0.2, validation_share=0.1)


def test_a_table_without_rows_is_no_site(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no case"):
        read_cases(make_site(tmp_path, "participant_id\n"), "north", holdout_share=0.2, validation_share=0.1)


def test_swapped_columns_are_recognised(tmp_path: Path) -> None:
    table = "participant_id\tidh\tcodel_1p19q\tage\tsex\na\tintact\twildtype\tF\t44\n"
    errors = texts(read(make_site(tmp_path, table, ["a"])))
    assert any("found idh 'intact'" in error and "are the two columns swapped" in error for error in errors)
    assert any("found age 'F'" in error and "this is a value of sex" in error for error in errors)


def test_hints_about_columns(tmp_path: Path) -> None:
    table = "participant_id\tidhh\tWHO CNS Grade\tscanner\na\tmutant\t4\tX\n"
    warnings = texts(read(make_site(tmp_path, table, ["a"])), "warning")
    assert any("found column idhh; expected perhaps idh" in text for text in warnings)
    assert any("who_cns_grade_histologic" in text for text in warnings)
    assert not any("scanner" in text for text in warnings)


def test_timepoints_of_one_patient_may_not_be_two_patients(tmp_path: Path) -> None:
    cases = ["BraTS-GLI-00017-000", "BraTS-GLI-00017-001"]
    table = "participant_id\n" + "\n".join(cases) + "\n"
    (error,) = texts(read(make_site(tmp_path / "wrong", table, cases)))
    assert "write BraTS-GLI-00017 as participant_id in all these rows" in error
    rows = "".join(f"BraTS-GLI-00017\t{case}\n" for case in cases)
    manifest = read(make_site(tmp_path / "right", f"participant_id\tcase_id\n{rows}", cases))
    assert texts(manifest) == []
    assert len({case.split for case in manifest.cases}) == 1


def test_a_patient_spelt_in_two_ways_is_not_two_patients(tmp_path: Path) -> None:
    table = "participant_id\tcase_id\nP1\ta\np1\tb\n"
    (error,) = texts(read(make_site(tmp_path, table, ["a", "b"])))
    assert "found 2 participant_ids for studies of one patient" in error


def test_one_explicit_row_places_the_whole_patient(tmp_path: Path) -> None:
    table = "participant_id\tcase_id\tsplit\n" + "".join(
        f"p\tp-{i}\t{s}\n" for i, s in enumerate(("", "holdout", "n/a"))
    )
    manifest = read(make_site(tmp_path, table, ["p-0", "p-1", "p-2"]))
    assert [case.split for case in manifest.cases] == ["holdout"] * 3


def test_missing_images_and_missing_holdout_are_said(tmp_path: Path) -> None:
    folder = make_site(tmp_path, "participant_id\tsplit\na\ttrain\nb\ttrain\n", ["a"])
    (folder / "b").mkdir()
    (folder / "b" / "series.nii").touch()
    manifest = read(folder)
    assert [case.case_id for case in manifest.cases] == ["a"]
    assert texts(manifest)[0].startswith("case b: found no known sequence among 1 NIfTI files")
    assert any("no patient in holdout among 2" in text for text in texts(manifest, "warning"))


@pytest.mark.realdata
def test_the_real_table(real_data: Path) -> None:
    manifest = read(real_data)
    assert texts(manifest) == []
    by_id = {case.case_id: case for case in manifest.cases}
    assert len(by_id) == 10
    assert by_id["BraTS2021_01480"].labels == {Task.HISTOLOGY: 0, Task.IDH: 0, Task.CODEL: 0, Task.MGMT: UNKNOWN}
    assert by_id["BraTS2021_01479"].labels[Task.CODEL] == 1
    assert set(by_id["BraTS-MET-00110-000"].labels.values()) == {UNKNOWN}
    assert by_id["BraTS-MET-00110-000"].mask is None
    assert any("(raw/TCGA-FG-6692)" in text for text in texts(manifest, "warning"))
