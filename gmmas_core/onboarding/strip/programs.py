"""HD-BET and SynthStrip, run as the programs that their makers publish, with weights that the hospital supplies.

Neither comes with this project. The weights' hash is stated by the hospital and checked before anything runs; nothing
is fetched: the program runs with an empty home, without the caller's environment, and with every proxy pointing at
nothing, so that a program that would fetch fails instead. It has a time limit, and all that it started ends with it.
A hash is checked, not the content: a checkpoint of HD-BET is a pickle that can run code; take it from its makers.

HD-BET 2.0.1 and nipreps-synthstrip 0.0.1 were run by hand in a network namespace without network, on heads drawn by the
tests, with weights that were made for that (a small nnU-Net fitted for a minute; SynthStrip's network with a threshold
written into it). Their makers' weights, and FreeSurfer's own mri_synthstrip, whose options are the same, were not.

Source: Isensee et al. 2019, doi:10.1002/hbm.24750; Hoopes et al. 2022, doi:10.1016/j.neuroimage.2022.119474.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import site
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.grid import Volume, same_grid
from gmmas_core.data.nifti import load_volume
from gmmas_core.types import ConfigError, DataError

TIME_LIMIT_S = 1800
"""HD-BET without a GPU and without mirroring takes a few minutes."""

_CHECKPOINT = Path("fold_all", "checkpoint_final.pth")
_NOWHERE = "http://127.0.0.1:9"
_MASK = "mask.nii.gz"


def require_weights(weights: Path | None, sha256: str) -> Path:
    """The hospital's weights, if they are the stated ones.

    Raises:
        ConfigError: none, or others.
    """
    if weights is None or not sha256:
        raise ConfigError(
            "--strip: found no weights or no hash; expected --weights PATH and --weights-sha256; state both"
        )
    if not weights.exists():
        raise ConfigError("--weights: found nothing there; expected a file or folder; check the path")
    try:
        found = weights_digest(weights)
    except OSError as error:
        raise ConfigError(f"--weights: found a file that cannot be read ({error.strerror}); check its rights") from None
    if found != sha256.lower():
        raise ConfigError(f"--weights: found sha256 {found}; expected {sha256.lower()}; supply the stated weights")
    return weights


def weights_digest(weights: Path) -> str:
    """sha256 of a file; of a folder, of the lines `HASH  NAME` of its files in the order of their names.

    Raises:
        ConfigError: a link within the folder to another folder, or to nothing.
        OSError: a file cannot be read.
    """
    if weights.is_file():
        with weights.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    inner = sorted(weights.rglob("*"))
    if any(path.is_symlink() and not path.is_file() for path in inner):  # a program would follow it, this does not
        raise ConfigError("--weights: found a link in it that leads to no file; expected files only; copy them there")
    files = [path for path in inner if path.is_file()]
    lines = [f"{weights_digest(path)}  {path.relative_to(weights).as_posix()}\n" for path in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def hd_bet_mask(volume: Volume, weights: Path) -> NDArray[np.bool_]:
    """HD-BET 2: `weights` is the folder that holds `fold_all`, `dataset.json` and `plans.json`, as its makers pack it.

    Raises:
        DataError: the program failed or wrote no mask.
        ConfigError: it is not installed, or the folder is another one.
    """
    if not (weights / _CHECKPOINT).is_file():  # the program would fetch its own
        raise ConfigError(
            f"--weights: found no {_CHECKPOINT.as_posix()} in it; expected the folder that HD-BET 2 keeps as "
            "hd-bet_params/release_2.0.0; name that one"
        )
    options = ("-device", "cpu", "--disable_tta", "--save_bet_mask", "--no_bet_image")
    call = ("-i", "in.nii.gz", "-o", "out.nii.gz", *options)
    return _run(("hd-bet",), volume, call, "out_bet.nii.gz", weights, "hd-bet_params/release_2.0.0")


def synthstrip_mask(volume: Volume, weights: Path) -> NDArray[np.bool_]:
    """SynthStrip, FreeSurfer's or the one of nipreps-synthstrip: `weights` is its model file.

    Raises:
        DataError: the program failed or wrote no mask.
        ConfigError: neither is installed, or the weights are a folder.
    """
    if not weights.is_file():
        raise ConfigError("--weights: found a folder; expected SynthStrip's model file; name that")
    call = ("-i", "in.nii.gz", "-m", _MASK, "--model", "weights")
    return _run(("mri_synthstrip", "nipreps-synthstrip"), volume, call, _MASK, weights, "weights")


def _run(
    programs: Sequence[str], volume: Volume, call: Sequence[str], result: str, weights: Path, place: str
) -> NDArray[np.bool_]:
    """The first of the programs that is installed, in a home of its own with the weights at a place in it."""
    program = next((name for name in programs if shutil.which(name)), None)
    if program is None:
        names = " or ".join(programs)
        raise ConfigError(f"{names}: found it not installed; expected it on the PATH; install it or choose --strip")
    with tempfile.TemporaryDirectory(prefix="gmmas-strip-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        (home / place).parent.mkdir(exist_ok=True)
        (home / place).symlink_to(weights.resolve())
        nib.save(nib.Nifti1Image(volume.data.astype(np.float32), volume.affine_44), home / "in.nii.gz")
        _wait(program, [str(shutil.which(program)), *call], home)
        if not (home / result).is_file():
            raise DataError(f"brain mask ({program}): found no mask written; expected one; choose another --strip")
        mask = load_volume(home / result, f"brain mask ({program})")
    if not same_grid(mask.grid, volume.grid):
        raise DataError(f"brain mask ({program}): found it on another grid; expected the image's; choose another")
    return np.asarray(mask.data > 0)


def _wait(program: str, command: Sequence[str], home: Path) -> None:
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NOWHERE)
    kept = {name: os.environ[name] for name in ("PATH", "FREESURFER_HOME", "LD_LIBRARY_PATH") if name in os.environ}
    # Packages that somebody installed for themselves alone are found by way of the home, which is another one here.
    own = {"HOME": str(home), "TMPDIR": str(home), "PYTHONUSERBASE": site.getuserbase()}
    process = subprocess.Popen(
        command,
        cwd=home,
        env={**kept, **proxies, **own, "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise DataError(
            f"brain mask ({program}): found it still at work after {TIME_LIMIT_S} s; choose another"
        ) from None
    finally:
        with contextlib.suppress(ProcessLookupError):  # nothing of it is left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if code != 0:
        raise DataError(
            f"brain mask ({program}): found it ended with code {code}; expected 0; run it by hand to see why"
        )
