"""The data commands as a hospital's engineer types them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from client.cli import app, main
from gmmas_core.types import DataError


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One phantom hospital as `gmmas-site phantom` writes it."""
    out = tmp_path_factory.mktemp("phantoms") / "sites"
    result = run("phantom", out, "--sites", "1", "--cases", "4", "--size", "32", "--seed", "1")
    assert result.exit_code == 0, result.output
    (folder,) = [path for path in out.iterdir() if path.is_dir()]
    return folder


def brats_folder(root: Path, source: Path, names: dict[str, tuple[str, dict[str, str]]]) -> Path:
    """Case folders in a challenge's own naming, filled with a phantom's images."""
    (donor,) = [path for path in sorted(source.iterdir()) if path.is_dir() and not path.name.startswith(".")][:1]
    for case, (separator, endings) in names.items():
        (root / case).mkdir(parents=True)
        for file in donor.glob("*.nii.gz"):
            ours = file.name.split("_")[-1].removesuffix(".nii.gz")
            (root / case / f"{case}{separator}{endings.get(ours, ours)}.nii.gz").write_bytes(file.read_bytes())
    return root


def test_check_of_a_phantom_hospital(hospital: Path) -> None:
    result = run("check", hospital)
    assert result.exit_code == 0, result.output
    assert "0 errors" in result.output
    assert "with flair" in result.output
    answer = json.loads(run("check", hospital, "--json").output)
    assert answer["ok"] is True
    assert sum(answer["summary"]["cases"].values()) == 4


def test_check_lists_and_fails_and_writes_nothing(hospital: Path, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("site: north\nlabel_convention: brats2021\n")
    (tmp_path / "participants.tsv").write_text("participant_id\tidh\na\tperhaps\nb\tmutant\n")
    before = sorted(tmp_path.rglob("*"))
    result = run("check", tmp_path)
    assert result.exit_code == 1
    assert "error: case a, participants.tsv line 2: found idh 'perhaps'" in result.output
    assert "error: cases a, b: found no such folder" in result.output
    assert sorted(tmp_path.rglob("*")) == before
    answer = json.loads(run("check", tmp_path, "--json").output)
    assert answer["ok"] is False
    errors = [problem for problem in answer["problems"] if problem["severity"] == "error"]
    assert [problem["case"] for problem in errors] == ["a", "a", "b"]


@pytest.mark.parametrize(
    ("convention", "case", "separator", "endings", "patient"),
    [
        ("brats2021", "BraTS2021_00006", "_", {}, "BraTS2021_00006"),
        (
            "brats2021",
            "BraTS-GLI-00006-000",
            "-",
            {"t1": "t1n", "t1ce": "t1c", "t2": "t2w", "flair": "t2f"},
            "BraTS-GLI-00006",
        ),
    ],
)
def test_init_makes_challenge_folders_a_site(
    hospital: Path, tmp_path: Path, convention: str, case: str, separator: str, endings: dict[str, str], patient: str
) -> None:
    folder = brats_folder(tmp_path, hospital, {case: (separator, endings)})
    result = run("init", folder, "--name", "north", "--label-convention", convention)
    assert result.exit_code == 0, result.output
    lines = (folder / "participants.tsv").read_text().splitlines()
    assert lines[0].split("\t")[:4] == ["participant_id", "case_id", "folder", "idh"]
    assert lines[1].split("\t") == [patient, case, case, *["n/a"] * 8]
    checked = run("check", folder)
    assert checked.exit_code == 0, checked.output


def test_init_overwrites_nothing(hospital: Path, tmp_path: Path) -> None:
    folder = brats_folder(tmp_path, hospital, {"x": ("_", {})})
    (folder / "participants.tsv").write_text("participant_id\nx\n")
    assert run("init", folder, "--name", "north", "--label-convention", "brats2021").exit_code == 0
    assert (folder / "participants.tsv").read_text() == "participant_id\nx\n"
    written = (folder / "site.yaml").read_bytes()
    assert run("init", folder, "--name", "north", "--label-convention", "brats2021").exit_code == 0
    other = run("init", folder, "--name", "south", "--label-convention", "brats2021")
    assert isinstance(other.exception, DataError)
    assert (folder / "site.yaml").read_bytes() == written


def test_init_without_cases_writes_nothing(tmp_path: Path) -> None:
    result = run("init", tmp_path, "--name", "north", "--label-convention", "brats2021")
    assert isinstance(result.exception, DataError)
    assert "found no folder with known sequences" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_init_of_odd_folder_names(hospital: Path, tmp_path: Path) -> None:
    for parent, name in (("", "case 1 (north)"), ("a", "study"), ("b", "study")):
        brats_folder(tmp_path / parent, hospital, {name: ("_", {})})
    assert run("init", tmp_path, "--name", "north", "--label-convention", "brats2021").exit_code == 0
    rows = [line.split("\t")[:3] for line in (tmp_path / "participants.tsv").read_text().splitlines()[1:]]
    assert rows == [
        ["a_study", "a_study", "a/study"],
        ["b_study", "b_study", "b/study"],
        ["case-1-north", "case-1-north", "case 1 (north)"],
    ]


def test_prepare_takes_overrides_and_resumes(hospital: Path) -> None:
    first = run("prepare", hospital, "experiment=smoke", "--spacing-mm", "6", "data.workers=1")
    assert first.exit_code == 0, first.output
    assert "Prepared 4 of 4 cases at 6 mm." in first.output
    assert (hospital / ".gmmas").is_dir()
    stamps = {path: path.stat().st_mtime_ns for path in (hospital / ".gmmas").rglob("*.npy")}
    assert stamps
    again = run("prepare", hospital, "experiment=smoke", "data.workers=1", "data.spacing_mm=6", "--json")
    assert json.loads(again.output)["prepared"] == 4
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def command_line(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    code = "from client.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_mistake_ends_with_one_message_and_no_traceback(tmp_path: Path) -> None:
    result = command_line("check", tmp_path / "absent")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: site.yaml: found no readable file; expected a site folder")
    assert "Traceback" not in result.stderr


def test_help_shows_examples_without_loading_torch() -> None:
    code = "import sys; import client.cli; sys.exit('torch' in sys.modules or 'hydra' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
    for command in ("init", "check", "prepare", "phantom"):
        assert f"gmmas-site {command}" in run(command, "--help").output


def test_our_own_mistakes_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gmmas-site", "check", "x"])
    monkeypatch.setattr("client.site.read_site", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main()
