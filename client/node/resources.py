"""Is there room for a round on this machine, and what is said when there was not.

A round that would fill the disk or the card is refused before it begins, and one that runs out of memory ends with a
refusal that says so: other work on the hospital's machine comes first.
"""

import errno
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from client.policy.memory_estimate import step_bytes
from client.site import Site
from gmmas_core.config import Config
from gmmas_core.training.precision import choose_device
from gmmas_core.types import FederationError

GIB = 2**30
STALE_S = 3600.0
"""Nothing that is being written takes longer than this; older temporary files were left by something that died."""

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}")
_UNFINISHED = re.compile(r"\.unfinished-.+")
_NOT_OURS = ("prepared", "flower")  # the cache sweeps its own folders, Flower lives in the other
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_MEMORY = ("out of memory", "DefaultCPUAllocator", "not enough memory")


def require_disk(site: Site) -> None:
    """Refuse to begin with less free space than `min_free_disk_gb` of site.yaml.

    Raises:
        FederationError: the state folder's disk is too full.
    """
    free_gb = shutil.disk_usage(_nearest(site.state)).free / GIB
    if free_gb < site.min_free_disk_gb:
        raise FederationError(
            f"resources: found {free_gb:.1f} GiB free on this site's disk; expected {site.min_free_disk_gb:g} "
            "(min_free_disk_gb); ask again when the site has made room"
        )


def take_gpu(site: Site, config: Config) -> None:
    """Keep this process to its share of the card, and refuse where even that is not free. Does nothing on a CPU.

    Half of the estimate must be free: with bfloat16 a step keeps about half of what `memory_estimate` reckons.

    Raises:
        FederationError: the card lacks memory.
    """
    if choose_device(site.device) != "cuda":
        return
    torch.cuda.set_per_process_memory_fraction(site.gpu_memory_share)
    free, total = torch.cuda.mem_get_info()
    usable, needed = min(free, site.gpu_memory_share * total), step_bytes(config) / 2
    if usable < needed:
        raise FederationError(
            f"resources: found {usable / GIB:.1f} GiB for this site's share of its GPU; expected {needed / GIB:.1f} or "
            "more; ask again later, or for smaller crops or batches"
        )


@contextmanager
def shortages_told() -> Iterator[None]:
    """Turn running out of memory or disk into a refusal; the error itself goes along as its cause.

    Raises:
        FederationError: memory or disk ran out inside the block.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(words in str(error) for words in _NO_MEMORY):
            raise
        where = "GPU" if isinstance(error, torch.OutOfMemoryError) else "machine"
        raise FederationError(
            f"resources: found that this site's {where} ran out of memory; expected enough for the round; ask for "
            "smaller crops or batches"
        ) from error
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise FederationError(
            "resources: found this site's disk full; expected room for the round; ask again when it has made room"
        ) from error


def clean_up(state: Path, older_than_s: float = STALE_S) -> int:
    """Remove temporary files and folders that something that died has left in the state folder; how many.

    Raises:
        OSError: one cannot be removed.
    """
    latest, removed = time.time() - older_than_s, 0
    for home, folders, files in os.walk(state):
        if Path(home) == state:
            folders[:] = [name for name in folders if name not in _NOT_OURS]
        for name in [*folders, *files]:
            path = Path(home, name)
            if _is_temporary(path) and path.lstat().st_mtime < latest:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
                removed += 1
        folders[:] = [name for name in folders if not _is_temporary(Path(home, name))]
    return removed


def _is_temporary(path: Path) -> bool:
    """By name and, since `.env.template` has such a name too, by the rights that temporary files are made with."""
    if _UNFINISHED.fullmatch(path.name):
        return True
    if _TEMPORARY.fullmatch(path.name) is None or not os.path.lexists(path):
        return False
    return path.lstat().st_mode in (stat.S_IFREG | 0o600, stat.S_IFDIR | 0o700)


def _nearest(folder: Path) -> Path:
    """The folder itself, or the one in which it would be made."""
    return next(path for path in (folder, *folder.parents) if path.exists())
