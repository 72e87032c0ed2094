"""A small TCP relay, run on a drill's machine: it delays, cuts uploads in their middle, tunnels (CONNECT) or opens TLS.

    python -m server.lab.drills.relay_program --listen 10.77.0.1:8443 --to 10.77.0.2:8443 --counts FILE

One thread per direction of a connection; what happened is counted in a small JSON file, rewritten at every change.
"""

import argparse
import queue
import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path

from gmmas_core.atomic import write_json

CHUNK = 16384
TIMEOUT_S = 30.0


class Device:
    """What every connection shares.

    Args:
        arguments: of the command line.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.delay_s = arguments.delay_ms / 1000
        self.cut_after: int = arguments.cut_after
        self._armed = Path(arguments.armed)
        self._file = Path(arguments.counts)
        self._counts = {"connections": 0, "carried": 0, "cut": 0, "opened": 0, "longest": 0}
        self._lock = threading.Lock()
        write_json(self._file, self._counts)

    def count(self, what: str, number: int = 1) -> None:
        """Note that something happened."""
        with self._lock:
            self._counts[what] += number
            write_json(self._file, self._counts)

    def is_armed(self) -> bool:
        """Whether a request as long as this is to be cut now."""
        return self._armed.is_file()

    def saw(self, length: int) -> None:
        """Remember the longest request."""
        with self._lock:
            self._counts["longest"] = max(self._counts["longest"], length)


class Connection:
    """One connection: two sockets and a thread for each direction."""

    def __init__(self, device: Device, near: socket.socket, far: socket.socket) -> None:
        self._device, self._near, self._far = device, near, far
        self._unanswered = 0  # bytes sent up since the last answer: the length of the request so far

    def carry(self) -> None:
        """Until either side ends."""
        down = threading.Thread(target=self._pass, args=(self._far, self._near, False), daemon=True)
        down.start()
        self._pass(self._near, self._far, True)
        down.join()

    def _pass(self, source: socket.socket, sink: socket.socket, is_upload: bool) -> None:
        late: queue.Queue[tuple[float, bytes]] = queue.Queue()
        sender = threading.Thread(target=self._send, args=(late, sink), daemon=True)
        sender.start()
        data = b"?"
        while data:
            try:
                data = source.recv(CHUNK)
            except OSError:
                data = b""
            self._unanswered = self._unanswered + len(data) if is_upload else 0
            self._device.saw(self._unanswered)
            if 0 < self._device.cut_after < self._unanswered and self._device.is_armed():
                self._device.count("cut")
                self._end()
                return
            late.put((time.monotonic() + self._device.delay_s, data))
        sender.join()

    def _send(self, late: "queue.Queue[tuple[float, bytes]]", sink: socket.socket) -> None:
        while True:
            due, data = late.get()
            time.sleep(max(0.0, due - time.monotonic()))
            with suppress(OSError):
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
                self._device.count("carried", len(data))

    def _end(self) -> None:
        for each in (self._near, self._far):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Listen until told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    parser.add_argument("--to", default="", help="else each connection says where, with CONNECT")
    parser.add_argument("--counts", required=True)
    parser.add_argument("--delay-ms", type=int, default=0)
    parser.add_argument("--cut-after", type=int, default=0, help="bytes of one request; 0 cuts none")
    parser.add_argument("--armed", default="", help="file: requests are cut while it is there")
    parser.add_argument("--certificate", default="", help="open TLS with this one, and its key beside it")
    arguments = parser.parse_args()
    device = Device(arguments)
    host, _, port = arguments.listen.rpartition(":")
    with socket.create_server((host, int(port))) as listener:
        while True:
            near, _ = listener.accept()
            device.count("connections")
            threading.Thread(target=_serve, args=(device, near, arguments), daemon=True).start()


def _serve(device: Device, near: socket.socket, arguments: argparse.Namespace) -> None:
    with near, suppress(OSError):
        if arguments.certificate:
            near = _opened(near, arguments.certificate)
            device.count("opened")
        to = arguments.to or _asked(near)
        host, _, port = to.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as far:
            far.settimeout(None)
            if not arguments.to:
                near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            Connection(device, near, far).carry()


def _opened(near: socket.socket, certificate: str) -> socket.socket:
    """TLS as the inspecting device speaks it: with a certificate of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, str(Path(certificate).with_suffix(".key")))
    return context.wrap_socket(near, server_side=True)


def _asked(near: socket.socket) -> str:
    """HOST:PORT of a CONNECT request.

    Raises:
        OSError: it is none.
    """
    head = b""
    while b"\r\n\r\n" not in head:
        if not (data := near.recv(CHUNK)):
            raise OSError("ended in its head")
        head += data
    method, _, rest = head.decode("latin-1").partition(" ")
    if method != "CONNECT":
        raise OSError("no CONNECT")
    return rest.partition(" ")[0]


if __name__ == "__main__":
    main()
