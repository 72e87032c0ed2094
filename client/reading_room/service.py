"""A reading room at work: the pages in this process, the worker in another, which is started anew whenever it ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import uvicorn

from client.reading_room.room import Room
from client.reading_room.web.app import LOCAL_NAMES, build_app
from gmmas_core import quiet
from gmmas_core.types import DataError

GRACE_S = 20.0
"""For the worker to give its study back after a polite request; longer than most single steps of a reading."""

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""Pause before the worker is started again, doubled each time."""

LOG_BYTES = 5_000_000


class WorkerKeeper:
    """The room's worker process, kept alive."""

    def __init__(self, room: Room) -> None:
        """Of this room; nothing is started yet."""
        self._room = room
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Start the worker."""
        self._thread.start()

    def stop(self) -> None:
        """End the worker: politely, then by force; a study that is being read goes back into the queue."""
        self._ended.set()
        with self._lock:
            process = self._process
        if process is not None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join()

    @property
    def pid(self) -> int | None:
        """Of the worker that runs now."""
        with self._lock:
            return None if self._process is None else self._process.pid

    def _keep(self) -> None:
        pause = FIRST_WAIT_S
        while not self._ended.is_set():
            with self._log().open("ab") as log, self._lock:
                self._process = subprocess.Popen(
                    self._command(), stdout=log, stderr=log, env={**os.environ, **quiet.SETTINGS}
                )
            self._process.wait()
            if self._ended.wait(pause):
                return
            pause = min(2 * pause, LONGEST_WAIT_S)

    def _command(self) -> list[str]:
        room = self._room
        command = [sys.executable, "-P", "-m", "client.reading_room.reading.process"]
        command += ["--parent", str(os.getpid())]
        command += ["--folder", str(room.folder), "--model", str(room.model), "--device", room.device]
        return command if room.passes is None else [*command, "--passes", str(room.passes)]

    def _log(self) -> Path:
        """The worker's log; begun anew, with the old one kept beside it, when it has grown."""
        path = self._room.folder / "worker.log"
        if path.exists() and path.stat().st_size > LOG_BYTES:
            os.replace(path, path.with_suffix(".log.1"))
        return path


def listen(host: str, port: int) -> socket.socket:
    """The room's address, taken before anything is said of it.

    Raises:
        DataError: the port is taken, or the address is none of this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        raise DataError(
            f"--host, --port: found {host} port {port} not free ({reason}); expected an address of this machine and a "
            "free port; give another --port"
        ) from None


def serve(room: Room, listener: socket.socket, names: tuple[str, ...] = ()) -> None:
    """Answer browsers until told to end (SIGTERM, Ctrl-C).

    Args:
        room: with at least one account, or nobody can come in.
        listener: of `listen`.
        names: under which browsers reach it, beside this machine's own.
    """
    keeper = WorkerKeeper(room)
    app = build_app(room, (*LOCAL_NAMES, *names))
    # Ids of studies would stand in an access log; who looked at what stands in the audit.
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, timeout_keep_alive=30)
    # uvicorn hands a signal on when it has ended in order; SIGTERM's own way would end this process at once.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    keeper.start()
    try:
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        keeper.stop()
