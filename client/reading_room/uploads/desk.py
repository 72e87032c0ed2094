"""Uploads under way: files arrive one by one, then become a study together, or nothing stays of them.

An upload belongs to the user who began it. It lives in this process alone: after a restart it is begun anew, and its
folder is swept with those of no study.
"""

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from client.reading_room.uploads.archive import Received, label_of
from client.reading_room.uploads.limits import MAX_FILES, MAX_UPLOAD_BYTES
from gmmas_core.types import DataError

LONGEST_S = 3600.0
MAX_OPEN = 20
PREFIX = ".upload-"


@dataclass
class _Upload:
    user: str
    folder: Path
    born: float
    files: list[Received] = field(default_factory=list)
    num_bytes: int = 0
    arriving: int = 0


class UploadDesk:
    """The uploads of one room."""

    def __init__(self, studies: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """An empty desk."""
        self._studies, self._clock = studies, clock
        self._uploads: dict[str, _Upload] = {}
        self._lock = threading.Lock()

    def begin(self, user: str) -> str:
        """Open an upload; its number.

        Raises:
            DataError: too many are open, or the disk cannot be written.
        """
        self._sweep()
        try:
            self._studies.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder = Path(tempfile.mkdtemp(dir=self._studies, prefix=PREFIX))
        except OSError as error:
            raise _disk(error) from None
        with self._lock:
            if len(self._uploads) >= MAX_OPEN:
                shutil.rmtree(folder, ignore_errors=True)
                raise DataError(f"uploads: found {MAX_OPEN} under way; expected fewer; try again in a few minutes")
            number = secrets.token_hex(12)
            self._uploads[number] = _Upload(user=user, folder=folder, born=self._clock())
        return number

    async def receive(self, number: str, user: str, name: str, pieces: AsyncIterator[bytes]) -> None:
        """Take one file.

        Args:
            number: of `begin`.
            user: who began it.
            name: what the sender calls the file.
            pieces: its content.

        Raises:
            DataError: no such upload, too many files or bytes, or the disk is full; then the whole upload is gone.
        """
        with self._lock:
            upload = self._find(number, user)
            place = len(upload.files)
            path = upload.folder / f"{place:05}"
            upload.files.append(Received(path=path, label=label_of(name)))
            upload.arriving += 1
        try:
            if place >= MAX_FILES:
                raise DataError(f"upload: found more than {MAX_FILES} files; expected one study; upload it alone")
            with path.open("xb") as file:
                async for piece in pieces:
                    upload.num_bytes += len(piece)
                    if upload.num_bytes > MAX_UPLOAD_BYTES:
                        size = f"{MAX_UPLOAD_BYTES / 2**30:g} GB"
                        raise DataError(f"upload: found more than {size}; expected one study; upload it alone")
                    file.write(piece)
        except OSError as error:
            self.drop(number, user)
            raise _disk(error) from None
        except BaseException:
            self.drop(number, user)
            raise
        with self._lock:
            upload.arriving -= 1

    @contextmanager
    def taken(self, number: str, user: str) -> Iterator[tuple[Path, list[Received]]]:
        """The upload's folder and its files, for whoever makes a study of them alone; it has ended in any case.

        From here on nothing can be added to it, and nobody else can take or drop it.

        Raises:
            DataError: no such upload of this user, or one of its files is still arriving; then it goes on.
        """
        with self._lock:
            upload = self._find(number, user)
            if upload.arriving:
                raise DataError(
                    f"upload: found {upload.arriving} of its files still arriving; expected all of them; "
                    "wait for them and finish again"
                )
            del self._uploads[number]
        try:
            yield upload.folder, list(upload.files)
        finally:
            shutil.rmtree(upload.folder, ignore_errors=True)

    def drop(self, number: str, user: str) -> None:
        """Give an upload up; nothing happens when it is gone already."""
        with self._lock:
            upload = self._uploads.get(number)
            if upload is None or upload.user != user:
                return
            del self._uploads[number]
        shutil.rmtree(upload.folder, ignore_errors=True)

    def close(self) -> None:
        """Drop everything."""
        for number, upload in list(self._uploads.items()):
            self.drop(number, upload.user)

    def _find(self, number: str, user: str) -> _Upload:
        upload = self._uploads.get(number)
        if upload is None or upload.user != user:
            raise DataError("upload: found none of this number; expected one under way; begin again")
        return upload

    def _sweep(self) -> None:
        for number, upload in list(self._uploads.items()):
            if self._clock() - upload.born > LONGEST_S:
                self.drop(number, upload.user)


def _disk(error: OSError) -> DataError:
    return DataError(f"upload: cannot be kept ({error.strerror}); expected free space; free some and try again")
