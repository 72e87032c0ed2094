"""The process that reads the queue: one study at a time, signs of life while it reads, nothing lost when it is killed.

One worker per room, guarded by a lock on a file. Whatever is still called running when a worker starts belongs to one
that died and goes back into the queue at once.
"""

import fcntl
import logging
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from client.predicting.prediction import with_settings
from client.reading_room.reading.read import Reading
from client.reading_room.reading.revise import Published, discard, drafting, publish, sweep_revisions
from client.reading_room.record import open_record
from client.reading_room.room import Room
from client.reading_room.store import jobs
from client.reading_room.store.database import transaction
from client.reading_room.store.jobs import Job
from client.reading_room.store.revisions import MODEL, add_revision, newest_revision
from client.reading_room.store.studies import read_study
from gmmas_core.checkpoint import LoadedModel, load_model
from gmmas_core.training.precision import choose_device
from gmmas_core.types import DataError, GmmasError

PATIENCE_S = 20.0
"""Where intervals and alternatives will take longer, the findings of the first reading are shown until then."""

BEAT_S = 5.0
IDLE_S = 0.5
LOCK = "worker.lock"

log = logging.getLogger(__name__)


class _GivenUp(Exception):
    """The job is another worker's, or this process was told to end."""


@dataclass
class _Progress:
    """What a reading is at; the thread that gives signs of life tells it to whoever watches."""

    step: str = ""
    done: int = 0
    total: int = 0
    is_lost: threading.Event = field(default_factory=threading.Event)


class Worker:
    """Reads a room's queue until it is told to stop."""

    def __init__(self, room: Room, patience_s: float = PATIENCE_S) -> None:
        """Load the room's model.

        Args:
            room: whose queue is read.
            patience_s: seconds that a clinician may wait for a first look; see PATIENCE_S.

        Raises:
            DataError: a model folder that cannot be used.
        """
        self._room, self._name, self._patience_s = room, secrets.token_hex(8), patience_s
        self._loaded: LoadedModel = load_model(room.model)
        self._config = with_settings(
            self._loaded.config, inference=None, flips=False, mc_passes=room.passes, postprocess=None
        )
        self._device = choose_device(room.device)
        self._stop = threading.Event()

    def stop(self) -> None:
        """End after this step; the study that is being read goes back into the queue."""
        self._stop.set()

    def run(self, parent: int) -> None:
        """Read until told to stop or until this process is no longer a child of `parent`."""
        with self._room.database() as connection:
            jobs.take_back_silent(connection, silent_s=-1.0)
            sweep_revisions(connection, self._room.studies)
        while not self._stop.is_set() and os.getppid() == parent:
            if not self.read_next():
                time.sleep(IDLE_S)

    def read_next(self) -> bool:
        """Read the oldest queued study; False when there is none."""
        with self._room.database() as connection:
            job = jobs.claim(connection, self._name)
        if job is None:
            return False
        try:
            self._read(job)
        except _GivenUp:
            with self._room.database() as connection:
                jobs.give_back(connection, job, self._name)
        except GmmasError as error:
            self._fail(job, str(error))
        except Exception as error:  # whatever one study does, the next is read
            log.exception("a study could not be read")
            self._fail(job, f"reading ended with an error of the program ({type(error).__name__}); see its log")
        return True

    def _read(self, job: Job) -> None:
        room, progress = self._room, _Progress()
        with room.database() as connection:
            study = read_study(connection, job.study)

        def on_step(step: str, done: int, total: int) -> None:
            progress.step, progress.done, progress.total = step, done, total
            if self._stop.is_set() or progress.is_lost.is_set():
                raise _GivenUp

        with self._alive(job, progress):
            began = time.monotonic()
            reading = Reading(study, room.studies / study.id, self._loaded, self._config, self._device, on_step)
            rest_s = (time.monotonic() - began) * (progress.total - progress.done)
            if rest_s > self._patience_s and not self._has_first_look(job):
                with drafting(room.studies, job.study) as draft:
                    self._keep(job, publish(draft, reading.first_look(draft)))
            with drafting(room.studies, job.study) as draft:
                published = publish(draft, reading.whole(draft))
        self._keep(job, published, is_last=True)

    def _has_first_look(self, job: Job) -> bool:
        """An attempt before this one got as far as that."""
        with self._room.database() as connection:
            newest = newest_revision(connection, job.study)
            if newest is None or newest.author != MODEL or newest.model_id != self._loaded.model_id:
                return False
            return bool(open_record(connection, self._room, job.study).document.get("preliminary"))

    @contextmanager
    def _alive(self, job: Job, progress: _Progress) -> Iterator[None]:
        """Signs of life from a thread of its own: a long step of the network must not look like death."""
        ended = threading.Event()

        def beat() -> None:
            shown, last = None, -BEAT_S
            with self._room.database() as connection:
                while not ended.wait(0.1):
                    state = (progress.step, progress.done, progress.total)
                    if state == shown and time.monotonic() - last < BEAT_S:
                        continue
                    shown, last = state, time.monotonic()
                    if not jobs.beat(connection, job, self._name, *state):
                        progress.is_lost.set()
                        return

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _keep(self, job: Job, published: Published, *, is_last: bool = False) -> None:
        """Make findings the study's newest revision, and end its job with the last of them."""
        try:
            with self._room.database() as connection, transaction(connection):
                jobs.require_own(connection, job, self._name)
                add_revision(
                    connection,
                    study_id=job.study,
                    author=MODEL,
                    model_id=self._loaded.model_id,
                    folder=published.folder,
                    sha256=published.sha256,
                )
                if is_last:
                    jobs.finish(connection, job, self._name, "done")
        except DataError:
            discard(self._room.studies, job.study, published)
            raise _GivenUp from None

    def _fail(self, job: Job, reason: str) -> None:
        try:
            with self._room.database() as connection, transaction(connection):
                jobs.finish(connection, job, self._name, "failed", reason=reason.replace(job.study, "this study"))
        except DataError:
            log.warning("a failed reading was given up: its study is another worker's")


def work(room: Room, parent: int) -> None:
    """Be the room's worker; ends on SIGTERM and when the process that started it is gone.

    Args:
        room: whose queue is read.
        parent: number of that process. It may be gone already when this one has imported its libraries.

    Raises:
        DataError: another worker has the room, or the model cannot be used.
    """
    room.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (room.folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError("worker: found another one in this room; expected one alone; end that one first") from None
        worker = Worker(room)

        def end(_signal: int, _frame: FrameType | None) -> None:
            worker.stop()

        for which in (signal.SIGTERM, signal.SIGINT):
            signal.signal(which, end)
        worker.run(parent)
