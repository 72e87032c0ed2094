"""A whole case through a hospital's reading room, from uploaded files to findings, beside MONAI's sliding window.

The room reads with the `base` preset at 1 mm: looking at the files, preparing, segmentation, image-level answers,
measures, checks, and everything written and made durable. The peer's is the segmentation of a prepared brain crop
alone (the reference of `gmmas-lab bench inference`), measured in the same run.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from client.predicting.result_files import nifti_bytes
from client.reading_room.reading.worker import PATIENCE_S, Worker
from client.reading_room.record import open_record
from client.reading_room.room import Room
from client.reading_room.store import jobs
from client.reading_room.uploads.archive import Received
from client.reading_room.uploads.intake import Sender, take_in
from client.reading_room.uploads.offers import Offer, Offers
from gmmas_core.checkpoint import save_model
from gmmas_core.config import load_config
from gmmas_core.model.gmmas import build_model
from gmmas_core.types import SEQUENCES
from server.lab.bench.inference import BRAIN_SHAPE, BRAIN_START, NATIVE_SHAPE, REFERENCE
from server.lab.bench.measuring import in_own_process, peak_rss_mb

BLUR_VOXELS = 1.5


def bench_reading_room(repeats: int, seed: int, threads: int) -> list[dict[str, object]]:
    """Read one study of 240 x 240 x 155 voxels, four sequences, in each way.

    Args:
        repeats: runs per way; the best counts.
        seed: of weights and values.
        threads: of torch.

    Returns:
        One row per way: `way`, `seconds` (wall, from the uploaded files to stored findings), `peak_rss_mb`, and
        `ratio` of seconds to the peer's; then `way` and `seconds` of `bench_first_picture`.

    Raises:
        GmmasError: a measuring process failed.
    """
    peer = in_own_process("server.lab.bench.inference", REFERENCE, repeats, seed, threads)
    rows: list[dict[str, object]] = [
        in_own_process("server.lab.bench.reading_room", way, repeats, seed, threads) for way in WAYS
    ]
    rows.append({key: peer[key] for key in ("way", "seconds", "peak_rss_mb")})
    for row in rows:
        row["ratio"] = round(float(str(row["seconds"])) / float(peer["seconds"]), 3)
    return [*rows, *in_own_process("server.lab.bench.first_picture", repeats, seed)["rows"]]


def write_study(folder: Path, seed: int) -> dict[str, Path]:
    """Four skull-stripped images of smooth noise in the shape of a brain; sequence -> file."""
    axes = np.ogrid[tuple(slice(-1.0, 1.0, complex(0, n)) for n in BRAIN_SHAPE)]
    inside_XYZ = sum(axis**2 for axis in axes) < 1.0
    rng, paths = np.random.default_rng(seed), {}
    for sequence in SEQUENCES:
        noise_XYZ = ndimage.gaussian_filter(rng.standard_normal(BRAIN_SHAPE, dtype=np.float32), BLUR_VOXELS)
        brain_XYZ = (1000.0 + 2000.0 * noise_XYZ).clip(1.0) * inside_XYZ
        whole_XYZ = np.zeros(NATIVE_SHAPE, dtype=np.float32)
        whole_XYZ[tuple(slice(start, start + n) for start, n in zip(BRAIN_START, BRAIN_SHAPE, strict=True))] = brain_XYZ
        paths[sequence] = folder / f"{sequence}.nii.gz"
        paths[sequence].write_bytes(nifti_bytes(whole_XYZ, np.diag([-1.0, -1.0, 1.0, 1.0])))
    return paths


SETTINGS = ("model=base", "evaluation.inference=one_pass")


def save_room(folder: Path, settings: Sequence[str], seed: int, passes: int) -> Room:
    """A room whose model is untrained, both inside a folder."""
    config = load_config(settings)
    model = build_model(config.model, config.task_list, loss=config.loss, seed=seed)
    save_model(folder / "model", model, config, {"rounds": 0}, {})
    return Room(folder=folder / "room", site="bench", model=folder / "model", passes=passes)


def upload(room: Room, folder: Path, seed: int) -> Callable[[], str]:
    """What remains to be done once the files have arrived; returns the study."""
    room.studies.mkdir(parents=True, exist_ok=True)
    offers = tuple(
        Offer(file=Received(path=path, label=path.name), sequence=sequence, recognized_by="name")
        for sequence, path in write_study(folder, seed).items()
    )

    def take() -> str:
        with room.database() as connection:
            found = Offers(images=offers, source="nifti", study_date=None, left_out=())
            study = take_in(connection, room.studies, found, Sender(user="bench", patient="bench", study_date=None))
            jobs.enqueue(connection, study.id, "bench")
        return study.id

    return take


WAYS = {
    "findings without passes": (0, False),
    "first look of a reading with 5 passes": (5, True),
    "all findings with 5 passes and without each sequence": (5, False),
}
"""Way -> stochastic passes, and whether the clock stops at the first look."""


def _seconds(room: Room, folder: Path, seed: int, first_look: bool) -> float:
    take = upload(room, folder, seed)
    worker = Worker(room, patience_s=0.0 if first_look else PATIENCE_S)
    began = time.perf_counter()
    study_id = take()
    worker.read_next()
    seconds = time.perf_counter() - began
    if not first_look:
        return seconds
    with room.database() as connection:
        queued = connection.execute("SELECT queued_at FROM jobs WHERE study = ?", (study_id,)).fetchone()[0]
        created = open_record(connection, room, study_id, 1).revision.created_at
    return float((np.datetime64(created[:-1]) - np.datetime64(queued[:-1])) / np.timedelta64(1, "ms")) / 1000


def _measure(way: str, repeats: int, seed: int, threads: int) -> dict[str, object]:
    torch.set_num_threads(threads)
    passes, first_look = WAYS[way]
    found = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            found.append(_seconds(save_room(folder, SETTINGS, seed, passes), folder, seed, first_look))
    return {"way": way, "seconds": round(min(found), 3), "peak_rss_mb": round(peak_rss_mb())}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(sys.argv[1], *(int(value) for value in sys.argv[2:]))) + "\n")
