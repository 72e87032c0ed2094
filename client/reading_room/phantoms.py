"""Computer-generated studies of no person, so that a newcomer sees everything without a single image of a patient."""

import shutil
import tempfile
from pathlib import Path

from client.reading_room.room import Room
from client.reading_room.store import jobs
from client.reading_room.store.jobs import SYSTEM
from client.reading_room.uploads.archive import Received
from client.reading_room.uploads.intake import Sender, take_in
from client.reading_room.uploads.offers import Offer, Offers
from gmmas_core.data.phantom import write_federation
from gmmas_core.data.sequences import find_sequences

EDGE, SEED = 96, 5
"""Voxels of 2 mm along each axis."""

LEFT_OUT: tuple[tuple[str, ...], ...] = ((), ("t1c",), ())
"""What each study lacks: one shows what cannot be assessed then."""


def add_phantoms(room: Room) -> int:
    """Put three phantom studies onto the worklist and into the queue.

    Returns:
        How many.
    """
    with tempfile.TemporaryDirectory(dir=room.folder, prefix=".phantoms-") as temporary:
        (site,) = write_federation(Path(temporary), sites=1, cases=8, size=EDGE, seed=SEED)
        whole = [folder for folder in sorted(site.glob("sub-*")) if len(find_sequences(folder).images) == 4]
        for number, (folder, left_out) in enumerate(zip(whole, LEFT_OUT, strict=False), 1):
            _add(room, folder, f"phantom-{number}", left_out)
    return len(LEFT_OUT)


def _add(room: Room, folder: Path, patient: str, left_out: tuple[str, ...]) -> None:
    room.studies.mkdir(parents=True, exist_ok=True, mode=0o700)
    offers = tuple(
        Offer(file=Received(path=path, label=path.name), sequence=name, recognized_by="name")
        for name, path in find_sequences(folder).images.items()
        if name not in left_out
    )
    with room.database() as connection:
        study = take_in(
            connection,
            room.studies,
            Offers(images=offers, source="phantom", study_date=None, left_out=()),
            Sender(user=SYSTEM, patient=patient, study_date=None),
        )
        jobs.enqueue(connection, study.id, SYSTEM)
    shutil.rmtree(folder)
