"""This machine is reached past any proxy, by us and by Flower's own programs."""

import http.server
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from server.launching.flower_commands import SuperLink, environment_with_programs
from server.serving.direct import is_loopback, open_directly, past_proxies


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"here")

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server here, in a house whose proxy does not answer."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # that of an earlier test would know no proxy
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_houses_proxy_is_passed_by(port: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    address = f"http://127.0.0.1:{port}/health"
    with pytest.raises(OSError):
        urllib.request.urlopen(address, timeout=10)
    with open_directly(urllib.request.Request(address), timeout=10) as answer:
        assert answer.read() == b"here"
    assert SuperLink(f"127.0.0.1:{port}", None, tmp_path_factory.mktemp("home")).is_healthy()


def test_flowers_programs_pass_it_by_too(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They use httpx, which obeys these variables."""
    address = f"http://127.0.0.1:{port}/health"
    with pytest.raises(httpx.HTTPError):
        httpx.get(address, timeout=10)
    for name, value in environment_with_programs({}).items():
        monkeypatch.setenv(name, value)
    assert httpx.get(address, timeout=10).text == "here"


def test_what_no_proxy_said_already_stays() -> None:
    expected = "intranet.example,10.0.0.1,localhost,127.0.0.1,link"
    assert past_proxies({"NO_PROXY": "intranet.example, 10.0.0.1"}, "link")["no_proxy"] == expected
    assert set(past_proxies({"NO_PROXY": "intranet.example,*"}, "link").values()) == {"*"}
    both = {"no_proxy": "localhost", "NO_PROXY": "unheard"}
    assert set(past_proxies(both).values()) == {"localhost,127.0.0.1"}
    assert environment_with_programs({"NO_PROXY": "mine"})["NO_PROXY"] == "mine"


def test_a_program_that_speaks_no_http_is_no_superlink(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert not SuperLink(f"127.0.0.1:{listener.getsockname()[1]}", None, tmp_path).is_healthy()
        thread.join()


@pytest.mark.parametrize(("host", "is_here"), [("127.0.0.9", True), ("::1", True), ("localhost", True), ("a.b", False)])
def test_loopback(host: str, is_here: bool) -> None:
    assert is_loopback(host) == is_here
