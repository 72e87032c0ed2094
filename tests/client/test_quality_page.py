"""The page of a site's cases: nothing is dropped, nothing is done twice, nobody else may read it."""

import io
import json
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner, Result

from client.checks.site_folder import read_site_manifest
from client.cli import app
from client.policy.quality import rules_of
from client.quality_page import stored
from client.quality_page.examine import Task, examine_cases
from client.quality_page.mosaic import TUMOUR_COLOUR, draw_mosaic
from client.quality_page.page import picture_name, rows_of, write_page
from client.quality_page.recorded import read_brain, read_prepared
from client.quality_page.stored import key_of
from client.site import read_site
from client.withdrawal.places import PLACES
from client.withdrawal.subject import find_subject
from gmmas_core.config import load_config
from gmmas_core.data.grid import Grid, Volume
from gmmas_core.data.phantom import write_federation
from gmmas_core.data.problems import Problem
from gmmas_core.onboarding.record import RawRecord, RawSequence, Stripped, write_raw_record
from gmmas_core.provenance import source_table
from gmmas_core.quality import Prepared
from gmmas_core.types import DISCLAIMER, Case, DataError


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A hospital of five cases, two of them broken, and its page: sound, copy of it, child, truncated, no folder."""
    folder = tmp_path_factory.mktemp("quality")
    (site,) = write_federation(folder / "sites", sites=1, cases=4, size=32, seed=1)
    table = (site / "participants.tsv").read_text().splitlines()
    head, rows = table[0].split("\t"), [line.split("\t") for line in table[1:]]
    ids = [row[head.index("participant_id")] for row in rows]
    rows[2][head.index("age")] = "12"
    rows.append([*rows[0]])
    rows[4][head.index("participant_id")] = "sub-nowhere"
    for name in ("case_id", "folder"):
        if name in head:
            rows[4][head.index(name)] = "sub-nowhere"
    (site / "participants.tsv").write_text("\n".join("\t".join(row) for row in [head, *rows]) + "\n")
    first, copy = (sorted((site / case).glob("*t2.nii.gz"))[0] for case in ids[:2])
    shutil.copy(first, copy)
    for path in (site / ids[3]).glob("*.nii.gz"):
        path.write_bytes(path.read_bytes()[:200])
    return site, ids


@pytest.fixture(scope="module")
def told(looked_at: tuple[Path, list[str]]) -> tuple[Result, dict[str, Any], Path]:
    site, _ = looked_at
    page = site.parent / "out" / "quality.html"
    result = run("check", site, "data.workers=1", "--page", page, "--json")
    return result, json.loads(result.stdout), page


def found(told: dict[str, Any], case: str) -> dict[str, set[str]]:
    (row,) = (row for row in told["quality"]["cases"] if row["case"] == case)
    flagged: dict[str, set[str]] = {"warn": set(), "fail": {p["severity"] for p in row["problems"]}}
    for check in row["checks"]:
        flagged.setdefault(check["verdict"], set()).add(check["id"])
    return flagged


@pytest.mark.slow
def test_every_case_is_a_row_with_its_reason(
    looked_at: tuple[Path, list[str]], told: tuple[Result, dict[str, Any], Path]
) -> None:
    sound, copy, child, broken = looked_at[1]
    result, content, page = told
    assert result.exit_code == 1, "the truncated files are errors, as without --page"
    assert {row["case"] for row in content["quality"]["cases"]} >= {sound, copy, child, broken}
    assert "same_scan" in found(content, sound)["fail"] & found(content, copy)["fail"]
    assert found(content, child)["fail"] == {"age"}
    assert found(content, broken)["fail"] == {"error"}
    assert content["quality"]["totals"]["fail"] == len(content["quality"]["cases"]) == 5
    text = page.read_text()
    assert "of another patient" in text
    assert "No picture" in text
    assert DISCLAIMER in text
    assert "must not leave the hospital" in text
    assert found(content, "sub-nowhere")["fail"] == {"error"}


@pytest.mark.slow
def test_page_and_pictures_are_for_their_writer_only(told: tuple[Result, dict[str, Any], Path]) -> None:
    page = told[2]
    pictures = sorted((page.parent / "quality_pictures").iterdir())
    assert len(pictures) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in (page, *pictures)} == {0o600}
    assert stat.S_IMODE((page.parent / "quality_pictures").stat().st_mode) == 0o700
    assert all(f"quality_pictures/{path.name}" in page.read_text() for path in pictures)


@pytest.mark.slow
def test_a_second_run_looks_only_at_what_changed(
    looked_at: tuple[Path, list[str]],
    told: tuple[Result, dict[str, Any], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site, ids = read_site(looked_at[0]), looked_at[1]
    cases = read_site_manifest(site, load_config([]).data).cases
    kept = {case: site.state / "quality" / case / "result.json" for case in ids}

    def seen_again(task: Task) -> set[str]:
        before = {case: path.stat().st_ino for case, path in kept.items()}
        examine_cases(cases, task, 1, lambda done, total: None)
        return {case for case, path in kept.items() if path.stat().st_ino != before[case]}

    task = Task(state=site.state, label_convention=site.label_convention, rules=rules_of({}))
    assert seen_again(task) == set()
    (kept[ids[0]].parent / "mosaic.jpg").write_bytes(b"damaged")
    assert seen_again(task) == {ids[0]}
    kept[ids[3]].write_text("{")
    assert seen_again(task) == {ids[3]}
    moved = rules_of({"slice_thickness": {"warn": 6.5}})
    strict = Task(state=site.state, label_convention=site.label_convention, rules=moved)
    assert seen_again(strict) == set(ids)
    before = key_of(cases[0], {}, site.label_convention, moved)
    newer = {**source_table(), "quality/single.py": "another"}
    monkeypatch.setattr(stored, "source_table", lambda root=None: source_table(root) if root else newer)
    stored._code.cache_clear()
    assert key_of(cases[0], {}, site.label_convention, moved) != before, "other code may judge otherwise"
    stored._code.cache_clear()


def test_pictures_of_cases_that_are_gone_are_removed_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "q_pictures"
    folder.mkdir()
    (folder / picture_name("left")).write_bytes(b"x")
    (folder / "holiday.jpg").write_bytes(b"x")
    named = Problem(case_id="<b>", found="<i>", expected="text", action="escape it")
    write_page(tmp_path / "q.html", "north", rows_of([], [named], {}), [], rules_of({}), moved=False)
    assert "&lt;b&gt;" in (tmp_path / "q.html").read_text()
    assert not {"<b>", "<i>"} & set(re.findall("<.>", (tmp_path / "q.html").read_text())), "names are text, no markup"
    assert [path.name for path in folder.iterdir()] == ["holiday.jpg"]
    with pytest.raises(DataError, match="expected a file name that ends in"):
        write_page(tmp_path / "q.pdf", "north", [], [], rules_of({}), moved=False)


def test_what_lies_beside_the_images_is_read_or_said_to_be_damaged(tmp_path: Path) -> None:
    case = Case(
        **{"case_id": "a", "patient_id": "a", "site": "north", "mask": None, "labels": {}, "label_source": {}},
        images={"t1": tmp_path / "a_t1.nii.gz"},
        split="train",
    )
    assert (read_brain(case), dict(read_prepared(case))) == (None, {})
    thick = RawSequence(
        **{"label": "AX T1", "confidence": 0.7, "reasons": (), "decided_by": "rules", "information": 0.6},
        native=Grid((10, 10, 4), np.diag([0.9, 0.9, 5.5, 1.0])),
        matrix_44=np.eye(4),
        residual_mm=1.5,
    )
    record = RawRecord(
        **{"case_id": "a", "reference": "t2", "space": "reference", "atlas_sha256": "", "inputs": "00"},
        **{"warnings": (), "software": {}, "model": thick.native, "sequences": {"t1": thick, "t2": thick}},
        stripped=Stripped(method="tissue", sha256="", volume_ml=1300.0, agreement=None),
    )
    write_raw_record(tmp_path, record)
    assert read_prepared(case) == {"t1": Prepared(confidence=0.7, residual_mm=1.5, native_mm=(0.9, 0.9, 5.5))}
    (tmp_path / "raw.json").write_text('{"sequences": []}')
    (tmp_path / "a_brain.nii.gz").write_bytes(b"x")
    with pytest.raises(DataError, match="that is damaged"):
        read_prepared(case)
    with pytest.raises(DataError, match="case a: "):
        read_brain(case)


@pytest.mark.slow
def test_a_patient_who_leaves_takes_pictures_along(
    looked_at: tuple[Path, list[str]], told: tuple[Result, dict[str, Any], Path]
) -> None:
    site, ids = read_site(looked_at[0]), looked_at[1]
    subject = find_subject(site, ids[2])
    (trace,) = PLACES["quality"](site, subject)
    assert trace.path == site.state / "quality" / ids[2]
    trace.purge()
    assert not trace.path.exists()


@pytest.mark.slow
def test_verdicts_change_the_exit_code_only_when_asked(tmp_path: Path) -> None:
    (site,) = write_federation(tmp_path / "sites", sites=1, cases=1, size=32, seed=1)
    page = ("--page", tmp_path / "p.html")
    plain = run("check", site, "data.workers=1", *page)
    assert plain.exit_code == 0, plain.output
    assert "1 warn" in plain.output, "phantoms have thick voxels"
    assert run("check", site, "data.workers=1", *page, "--fail-on", "fail").exit_code == 0
    assert run("check", site, "data.workers=1", *page, "--fail-on", "warn").exit_code == 1
    assert run("check", site, "--fail-on", "warn").exit_code == 2
    with (site / "site.yaml").open("a") as file:
        file.write("quality:\n  slice_thickness: {warn: 6.5}\n")
    assert run("check", site, "data.workers=1", *page, "--fail-on", "warn").exit_code == 0
    assert "by this site&#39;s rule: mm: warn above 6.5, fail above 7" in page[1].read_text()  # type: ignore[union-attr]


def test_a_picture_shows_right_on_the_left_and_the_mask() -> None:
    data = np.zeros((40, 50, 30), dtype=np.float32)
    data[5:35, 5:45, 3:27] = 100
    data[25:35, 5:45, 3:27] = 900  # the patient's right
    seg = np.zeros(data.shape, dtype=np.uint8)
    seg[8:12, 20:30, 10:20] = 1  # on the left
    affine_44 = np.diag([2.0, 2.0, 2.0, 1.0])
    mosaic = draw_mosaic({"t1": Volume(data, affine_44)}, Volume(seg, affine_44), None)
    picture = imread(io.BytesIO(mosaic.jpeg), format="jpeg").astype(int)
    assert picture.shape == (mosaic.height, mosaic.width, 3)
    tile = picture[:, 2 * mosaic.width // 7 : 3 * mosaic.width // 7]
    bright = np.argwhere((tile > 200).all(axis=2))[:, 1].mean()
    yellow = np.argwhere((np.abs(tile - TUMOUR_COLOUR) < 60).all(axis=2))[:, 1]
    assert len(yellow) > 10
    assert bright < tile.shape[1] / 2 < yellow.mean()
    assert (picture[3:10, 3] > 90).all(), "R, with a straight back, in the corner of the first tile"
    assert (picture[3, 6 * mosaic.width // 7 + 3] < 60).all(), "A in that of the sagittal one"


def test_every_mistake_in_the_thresholds_is_named(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(
        "site: a\nlabel_convention: msd\nquality:\n  noize: {warn: 1}\n  noise: {warn: high, stop: 2}\n"
        "  age: 17\n  slice_thickness: {warn: 9}\n  large_brain: {fail: .nan}\n  saturation: {warn: null}\n"
        f"  extent: {{warn: 1{'0' * 400}}}\n"
    )
    with pytest.raises(DataError) as refusal:
        read_site(tmp_path)
    lines = str(refusal.value).splitlines()
    assert [line.split(": found")[0] for line in lines] == [
        f"site.yaml: {place}"
        for place in (
            *("quality", "quality.noise.warn", "quality.noise", "quality.age", "quality.slice_thickness"),
            *("quality.large_brain.fail", "quality.extent.warn"),
        )
    ]
    (tmp_path / "site.yaml").write_text(
        "site: a\nlabel_convention: msd\nquality: {slice_thickness: {warn: 6}, saturation: {warn: null}}\n"
    )
    rules = rules_of(read_site(tmp_path).quality)
    assert (rules["slice_thickness"].warn, rules["slice_thickness"].fail) == (6.0, 7.0)
    assert rules["saturation"].warn is None
