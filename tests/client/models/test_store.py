"""Taking a release in: only signed, whole, of the trusted key and of the installed core; nothing is ever replaced."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.models.store import check, find, in_use, installed_models, pull, switch
from client.site import Site, read_site, write_site
from gmmas_core.checkpoint import CARD, PROVENANCE, WEIGHTS
from gmmas_core.signing import SIGNATURE, make_key, read_private_key, sign_folder
from gmmas_core.types import DataError

MakeRelease = Callable[..., Path]


@pytest.fixture(scope="module")
def released(make_release: MakeRelease, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tmp_path_factory.mktemp("releases") / "v1")


@pytest.fixture
def release(released: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(released, tmp_path / "received" / "v1"))


@pytest.fixture
def public(release_key: Path) -> Path:
    return release_key.with_name(f"{release_key.name}.pub")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "north").mkdir()
    return write_site(tmp_path / "north", "north", "canonical")


def resign(folder: Path, key: Path, **about: Any) -> None:
    document = json.loads((folder / SIGNATURE).read_text())
    sign_folder(folder, read_private_key(key), document["about"] | about)


def nothing_installed(site: Site) -> bool:
    return not installed_models(site) and not list((site.state / "models").glob("v*"))


def test_a_release_is_installed_whole_under_its_version_and_identity(site: Site, release: Path, public: Path) -> None:
    installed, loaded = pull(site, release, public)
    assert installed.name == f"v1-{loaded.model_id.rpartition('-')[2][:8]}"
    assert {path.name: path.read_bytes() for path in installed.folder.iterdir()} == {
        path.name: path.read_bytes() for path in release.iterdir()
    }
    assert installed_models(site) == [installed]
    assert in_use(site) is None
    assert not list((site.state / "models").glob(".*"))
    assert pull(site, release, public)[0] == installed  # again: nothing changes


def test_a_zip_is_the_same_release(site: Site, release: Path, public: Path, tmp_path: Path) -> None:
    source = tmp_path / "v1.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as file:
        for path in release.iterdir():
            file.write(path, f"v1/{path.name}")
    installed, _ = pull(site, source, public)
    assert check(installed).model_id == installed.about["model_id"]
    source.write_bytes(source.read_bytes()[:-2000])
    with pytest.raises(DataError, match="cannot be unpacked"):
        pull(site, source, public)


@pytest.mark.parametrize("name", [WEIGHTS, CARD, PROVENANCE, "config.yaml", "calibration.json", SIGNATURE])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "replace"])
def test_tampering_is_refused(site: Site, release: Path, public: Path, name: str, damage: str) -> None:
    content = (release / name).read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 4
    changed = {"flip": bytes(flipped), "cut": content[: len(content) // 2], "replace": b"{}"}
    if damage == "remove":
        (release / name).unlink()
    else:
        (release / name).write_bytes(changed[damage] + b" ")
    with pytest.raises(DataError):
        pull(site, release, public)
    assert nothing_installed(site)


def test_an_added_file_another_key_and_no_signature_are_refused(
    site: Site, release: Path, public: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="signature of another key"):
        pull(site, release, make_key(tmp_path / "other.key"))
    (release / "notes.txt").write_text("harmless")
    with pytest.raises(DataError, match="1 added"):
        pull(site, release, public)
    (release / "notes.txt").unlink()
    resign(release, tmp_path / "other.key")
    with pytest.raises(DataError, match="signature of another key"):
        pull(site, release, public)
    (release / SIGNATURE).unlink()
    with pytest.raises(DataError, match="expected a signed release"):
        pull(site, release, public)
    assert nothing_installed(site)


def test_another_core_is_named_part_by_part(site: Site, release: Path, public: Path, release_key: Path) -> None:
    record = json.loads((release / PROVENANCE).read_text())
    record["fingerprint"]["source"]["losses.py"] = "0" * 16
    (release / PROVENANCE).write_text(json.dumps(record))
    resign(release, release_key)
    with pytest.raises(DataError, match=r"another core: source: losses\.py \(0000000000000000 against "):
        pull(site, release, public)
    assert nothing_installed(site)


def test_another_version_of_a_package_is_a_warning(site: Site, release: Path, public: Path, release_key: Path) -> None:
    record = json.loads((release / PROVENANCE).read_text())
    record["fingerprint"]["versions"]["torch"] = "1.0"
    (release / PROVENANCE).write_text(json.dumps(record))
    resign(release, release_key)
    _, loaded = pull(site, release, public)
    assert "versions: torch (1.0 against " in loaded.warnings[0]


@pytest.mark.parametrize(
    "about",
    [
        {"version": "../../x"},
        {"version": 1},
        {"version": "v0"},
        {"model_id": "../x"},
        {"model_id": "other-0123456789ab"},
    ],
)
def test_nothing_signed_becomes_a_path_unchecked(
    site: Site, release: Path, public: Path, release_key: Path, about: dict[str, Any]
) -> None:
    resign(release, release_key, **about)
    with pytest.raises(DataError, match="release: found"):
        pull(site, release, public)
    assert nothing_installed(site)


def test_another_release_of_the_same_name_replaces_nothing(
    site: Site, release: Path, public: Path, release_key: Path
) -> None:
    first, _ = pull(site, release, public)
    before = (first.folder / SIGNATURE).read_bytes()
    resign(release, release_key, round=9)
    with pytest.raises(DataError, match="another release of that name installed"):
        pull(site, release, public)
    assert (first.folder / SIGNATURE).read_bytes() == before


def test_switching_keeps_all_and_checks_find_later_damage(
    site: Site, release: Path, public: Path, make_release: MakeRelease, tmp_path: Path
) -> None:
    first, _ = pull(site, release, public)
    second, _ = pull(site, make_release(tmp_path / "v2", version="v2", seed=5), public)
    for model in (first, second, first):
        switch(site, model)
        used = in_use(site)
        assert used is not None
        assert used.name == model.name
    assert [model.name for model in installed_models(site)] == [first.name, second.name]
    assert find(site, "v2") == find(site, second.name)
    with pytest.raises(
        DataError, match=r"found no installed model of that name; expected one of these: v1-\w+, v2-\w+; pull"
    ):
        find(site, "v3")
    check(second, public)
    (second.folder / CARD).write_text("Approved for everything.")
    with pytest.raises(DataError, match=r"model_card\.md: found 24 bytes"):
        check(second)


def test_a_pointer_to_nothing_is_no_model(site: Site, release: Path, public: Path) -> None:
    pull(site, release, public)
    for text in ("../../etc", "v1-00000000", ""):
        (site.state / "models" / "current").write_text(text)
        assert in_use(site) is None
    assert read_site(site.folder).state == site.state
