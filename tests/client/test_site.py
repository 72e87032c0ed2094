"""site.yaml: read whole or refused with every problem."""

import os
from pathlib import Path

import pytest

from client.site import read_site, write_site
from gmmas_core.types import DataError

GOOD = "site: north\nlabel_convention: brats2021\n"


def site_file(folder: Path, text: str | bytes) -> Path:
    (folder / "site.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_defaults(tmp_path: Path) -> None:
    site = read_site(site_file(tmp_path, GOOD))
    assert (site.name, site.label_convention, site.device) == ("north", "brats2021", "auto")
    assert (site.folder, site.state) == (tmp_path, tmp_path / ".gmmas")
    assert site.cohort_floor == 5
    assert site.allowed_stages is None
    assert site.threads == os.cpu_count()
    assert read_site(tmp_path / "site.yaml") == site


def test_everything_set(tmp_path: Path) -> None:
    (tmp_path / "mri").mkdir()
    more = (
        "data: mri\nstate: ../kept\ndevice: cpu\nthreads: 3\ncohort_floor: 1\nallowed_stages: [supervised, finetune]\n"
    )
    site = read_site(site_file(tmp_path, "\ufeff" + GOOD + more))
    assert (site.folder, site.state) == (tmp_path / "mri", tmp_path.parent / "kept")
    assert (site.device, site.threads, site.cohort_floor) == ("cpu", 3, 1)
    assert site.allowed_stages == ("supervised", "finetune")
    assert not site.state.exists()


def test_all_problems_at_once(tmp_path: Path) -> None:
    text = "site: [a]\ndevice: tpu\nthreads: many\ncohort_flor: 9\ncohort_floor: true\nallowed_stages: supervised\n"
    with pytest.raises(DataError) as refusal:
        read_site(site_file(tmp_path, text))
    lines = str(refusal.value).splitlines()
    assert len(lines) == 7
    assert lines[0].startswith("site.yaml: found unknown key 'cohort_flor'; expected any of site, label_convention")
    for part in (
        "site: found a list; expected 1 to 64 letters",
        "found no label_convention",
        "device: found 'tpu'; expected one of auto, cpu, cuda",
    ):
        assert part in str(refusal.value)
    assert "threads: found 'many'" in str(refusal.value)
    assert "cohort_floor: found True" in str(refusal.value)
    assert "allowed_stages: found 'supervised'; expected a list" in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "found no 'key: value' lines"),
        ("- a\n- b\n", "found no 'key: value' lines"),
        (b"site: \xff\n", "bytes that are not UTF-8"),
        ("site: [a\nb: c\n", "line 2"),
        ("site: a\tb\n: : :\n", "expected 'key: value' lines"),
        (GOOD + "site: south\n", "line 1: found a key appears twice"),
        ("site: !!python/object/apply:os.system [id]\n", "could not determine a constructor"),
        (GOOD + "1: 2\n", "unknown key 1"),
        (GOOD + "data: nowhere\n", "data: found no such folder"),
        ("site: a/b\nlabel_convention: brats2021\n", "site: found 'a/b'"),
        ("site: north\nlabel_convention: brats2099\n", "expected one of canonical, brats2021, brats2023, msd"),
        (GOOD + "#" * 2**20, "more than 1 MB"),
        ("[" * 500, "site.yaml"),
        (GOOD + "threads: 2024-01-01\n", "threads: found"),
        (GOOD + "threads: 2024-99-99\n", "site.yaml"),
    ],
)
def test_hostile_files(tmp_path: Path, text: str | bytes, part: str) -> None:
    with pytest.raises(DataError) as refusal:
        read_site(site_file(tmp_path, text))
    assert part in str(refusal.value)
    assert str(tmp_path) not in str(refusal.value)


def test_an_alias_bomb_is_refused_in_few_words(tmp_path: Path) -> None:
    text = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for name, inner in zip("bcdefghi", "abcdefgh", strict=True):
        text += f"{name}: &{name} [{', '.join([f'*{inner}'] * 9)}]\n"
    with pytest.raises(DataError) as refusal:
        read_site(site_file(tmp_path, text + "site: *i\n"))
    assert len(str(refusal.value)) < 5000


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="run gmmas-site init"):
        read_site(tmp_path / "absent")


def test_written_files_read_back_and_are_never_overwritten(tmp_path: Path) -> None:
    written = write_site(tmp_path, "south", "msd", cohort_floor=1, comment="public test data")
    assert (tmp_path / "site.yaml").read_text().startswith("# public test data\nsite: south\n")
    assert read_site(tmp_path) == written
    assert (written.label_convention, written.cohort_floor) == ("msd", 1)
    before = (tmp_path / "site.yaml").read_bytes()
    with pytest.raises(DataError, match="found one already"):
        write_site(tmp_path, "other", "brats2021")
    assert (tmp_path / "site.yaml").read_bytes() == before


def test_bad_values_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refusal:
        write_site(tmp_path, "a b", "brats2099", cohort_floor=0)
    assert len(str(refusal.value).splitlines()) == 3
    assert list(tmp_path.iterdir()) == []


def test_every_mistake_in_the_privacy_policy_is_named(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(
        "site: a\nlabel_convention: msd\nprivacy: {epsilon: -3, secure_sum: maybe, min_sites: 1, epsilom: 8}\n"
    )
    with pytest.raises(DataError) as refusal:
        read_site(tmp_path)
    told = str(refusal.value).splitlines()
    assert [line.split(": ")[1].split(":")[0] for line in told] == [
        "privacy.epsilon",
        "privacy.secure_sum",
        "privacy.min_sites",
        "privacy",
    ]
    assert "found unknown name 'epsilom'" in told[-1]
    for demand, says in (
        ("{target_epsilon: 3}", "found target_epsilon without epsilon"),
        ("{noise_multiplier: 1.1, delta: 1.0e-6}", "found delta, noise_multiplier without epsilon"),
        ("{epsilon: 8, noise_multiplier: 1.1, target_epsilon: 3}", "found noise_multiplier and target_epsilon"),
    ):
        (tmp_path / "site.yaml").write_text(f"site: a\nlabel_convention: msd\nprivacy: {demand}\n")
        with pytest.raises(DataError, match=says):
            read_site(tmp_path)
    (tmp_path / "site.yaml").write_text("site: a\nlabel_convention: msd\nprivacy: [epsilon]\n")
    with pytest.raises(DataError, match="privacy: found a list"):
        read_site(tmp_path)
