"""Room for a round, shortages in words, and what dead processes left behind."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from client.node.resources import GIB, clean_up, require_disk, shortages_told, take_gpu
from client.site import Site, write_site
from gmmas_core.atomic import write_text
from gmmas_core.config import load_config
from gmmas_core.types import FederationError


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return write_site(tmp_path, "north", "brats2021", device="cpu")


def test_a_full_disk_is_refused_before_the_round(site: Site) -> None:
    free = shutil.disk_usage(site.folder).free / GIB
    require_disk(replace(site, min_free_disk_gb=free / 2))
    with pytest.raises(FederationError, match=r"resources: found .* GiB free on this site's disk; expected 1e\+06"):
        require_disk(replace(site, min_free_disk_gb=1e6))


def test_without_a_gpu_no_share_is_taken(site: Site) -> None:
    take_gpu(site, load_config(["model=paper"]))


@pytest.mark.parametrize(
    ("fail", "says"),
    [
        (lambda: torch.empty(2**60, dtype=torch.uint8), "machine ran out of memory"),
        (lambda: bytearray(2**60), "machine ran out of memory"),
        (lambda: _raise(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")), "GPU ran out"),
        (lambda: _raise(OSError(errno.ENOSPC, "No space left on device", "/mnt/jane")), "disk full"),
    ],
)
def test_a_shortage_becomes_a_refusal(fail: Callable[[], object], says: str) -> None:
    with pytest.raises(FederationError, match="resources: found") as refused, shortages_told():
        fail()
    assert says in str(refused.value)
    assert "jane" not in str(refused.value)
    assert refused.value.__cause__ is not None


def test_other_errors_stay_what_they_are() -> None:
    for error in (RuntimeError("shapes"), OSError(errno.EIO, "input/output"), KeyError("x")):
        with pytest.raises(type(error)), shortages_told():
            raise error


def test_what_was_left_behind_goes_and_nothing_else(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    state = site.state
    kept = ("events.jsonl", ".events.jsonl.lock", "replies/aa/1.safetensors", "prepared/x/.a.12345678", "rounds/aa/2.x")
    for name in kept:
        write_text(state / name, "x")
    # A hospital's own file with such a name, where it keeps the state beside other things.
    own = state / ".env.template"
    own.touch()
    own.chmod(0o644)
    (state / "pseudo_labels" / "aa" / ".unfinished-xyz" / "masks").mkdir(parents=True)
    # What write_bytes leaves when it is killed before its rename.
    with monkeypatch.context() as killed:
        killed.setattr(os, "replace", lambda *_: _raise(InterruptedError()))
        killed.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(InterruptedError):
            write_text(state / "replies" / "aa" / "2.safetensors", "half")
    left = [path for path in (state / "replies" / "aa").iterdir() if path.name.startswith(".")]
    assert len(left) == 1
    (state / ".link.abcdefgh").symlink_to(site.folder)
    assert clean_up(state) == 0, "they are young"
    assert clean_up(state, older_than_s=-1) == 2
    assert clean_up(state, older_than_s=-1) == 0
    assert not left[0].exists()
    assert not list((state / "pseudo_labels" / "aa").iterdir())
    assert all((state / name).exists() for name in kept)
    assert own.exists()
    assert (state / ".link.abcdefgh").is_symlink(), "nothing of ours leaves links"
    assert site.folder.is_dir()


def _raise(error: BaseException) -> None:
    raise error
