"""The preflight against real TLS servers: right, and wrong in every way that a hospital will meet."""

import email.utils
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import typer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from flwr.common.constant import SYSTEM_TIME_TOLERANCE, TIMESTAMP_TOLERANCE
from typer.testing import CliRunner, Result

from client.commands import data as cli_data
from client.joining import network as preflight_network
from client.joining.clock import AHEAD_S, BEHIND_S, clock_line
from client.joining.enrolment import enrol
from client.joining.network import STEPS, Server, ask_server
from client.joining.preflight import preflight
from client.site import Site, write_site
from gmmas_core.data.problems import Problem
from gmmas_core.enrolment import Invitation, new_code, new_id
from gmmas_core.preflight import GIB, Line, by_floor

NOW = datetime.now(UTC)
FAR = "server.invalid"
"""A host that only a proxy knows."""

ALL_NETWORK = ("proxy", *STEPS)


class Authority:
    """Signs certificates of servers."""

    def __init__(self, name: str = "an authority", days: int = 3650) -> None:
        self.key = generate_private_key(SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraint = x509.BasicConstraints(ca=True, path_length=0)
        builder = self._builder(self.name, self.key, NOW - timedelta(days=400), NOW + timedelta(days=days, hours=1))
        self.certificate = builder.add_extension(constraint, critical=True).sign(self.key, SHA256())
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()

    def sign(self, folder: Path, name: str = "127.0.0.1", *, starts: int = -1, days: int = 365) -> Path:
        """Key and certificate of a server in one file; it holds from `starts` to `days` days from now."""
        key = generate_private_key(SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        start, end = NOW + timedelta(days=starts), NOW + timedelta(days=days, hours=1)
        is_address = name.replace(".", "").isdecimal()
        entry = x509.IPAddress(ip_address(name)) if is_address else x509.DNSName(name)
        builder = self._builder(subject, key, start, end)
        made = builder.add_extension(x509.SubjectAlternativeName([entry]), critical=False).sign(self.key, SHA256())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = folder / f"{new_id()}.pem"
        file.write_bytes(private + made.public_bytes(Encoding.PEM))
        return file

    def _builder(
        self, subject: x509.Name, key: EllipticCurvePrivateKey, start: datetime, end: datetime
    ) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number(), start, end)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def trusted(authority: Authority, tmp_path: Path) -> Path:
    """The authority's certificate as a file."""
    file = tmp_path / "trusted.crt"
    file.write_text(authority.pem)
    return file


@pytest.fixture(autouse=True)
def _no_proxy_and_little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)
    monkeypatch.setattr(preflight_network, "TIMEOUT_S", 2.0)


@contextmanager
def https(certificate: Path, status: int = 200, date: Callable[[], str | None] = lambda: None) -> Iterator[int]:
    """A server that answers every GET; yields its port. A `date` of None is the right one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status if self.path == "/health" else 404)
            self.send_header("Date", date() or email.utils.formatdate(usegmt=True))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients that hang up are the point
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def asked(port: int, trusted: Path, host: str = "127.0.0.1") -> dict[str, Line]:
    lines = ask_server(Server(host, port, trusted))
    assert [line.name for line in lines if line.name in ALL_NETWORK] == [line.name for line in lines]
    assert {line.name for line in lines} == set(ALL_NETWORK)
    for line in lines:
        assert line.verdict == "pass" or line.action or line.verdict == "not asked"
    return {line.name: line for line in lines}


def verdicts(lines: dict[str, Line]) -> list[str]:
    return [lines[name].verdict for name in ALL_NETWORK]


def test_a_good_server_passes_every_step(authority: Authority, trusted: Path, tmp_path: Path) -> None:
    with https(authority.sign(tmp_path)) as port:
        lines = asked(port, trusted)
    assert verdicts(lines) == ["pass"] * 7
    assert lines["server certificate"].found == "holds for 365 days"
    assert int(lines["clock"].found.split()[0]) <= 2


@pytest.mark.parametrize(
    ("make", "found", "action"),
    [
        (lambda own, folder: Authority("another").sign(folder), "authority has not signed", "opens TLS"),
        (lambda own, folder: Authority().sign(folder), "the enrolment's authority has not signed", "opens TLS"),
        (lambda own, folder: own.sign(folder, "other.example"), "for another name than 127.0.0.1", "add this name"),
        (lambda own, folder: own.sign(folder, starts=-9, days=-2), "an expired certificate", "this machine's clock"),
        (lambda own, folder: own.sign(folder, starts=2), "that does not hold yet", "this machine's clock"),
    ],
)
def test_a_certificate_that_does_not_hold_is_named(
    authority: Authority,
    trusted: Path,
    tmp_path: Path,
    make: Callable[[Authority, Path], Path],
    found: str,
    action: str,
) -> None:
    with https(make(authority, tmp_path)) as port:
        lines = asked(port, trusted)
    assert verdicts(lines) == ["pass", "pass", "pass", "fail", "not asked", "not asked", "not asked"]
    assert found in lines["TLS"].found
    assert action in lines["TLS"].action
    assert lines["health"].found == "TLS comes first"


def test_a_certificate_for_another_host_name(authority: Authority, trusted: Path, tmp_path: Path) -> None:
    with https(authority.sign(tmp_path, "other.example")) as port:
        assert "another name than localhost" in asked(port, trusted, "localhost")["TLS"].found
    with https(authority.sign(tmp_path, "localhost")) as port:
        assert verdicts(asked(port, trusted, "localhost")) == ["pass"] * 7


def test_a_certificate_that_ends_soon_warns(authority: Authority, trusted: Path, tmp_path: Path) -> None:
    for days, verdict in ((29, "warn"), (30, "pass")):
        with https(authority.sign(tmp_path, days=days)) as port:
            line = asked(port, trusted)["server certificate"]
        assert (line.verdict, str(days) in line.found) == (verdict, True)


@pytest.mark.parametrize(
    ("off_s", "verdict", "way"),
    [
        (100, "pass", ""),
        (200, "warn", "behind"),
        (400, "fail", "behind"),
        (-60, "fail", "ahead of"),
        (-3600, "fail", "ahead of"),
    ],
)
def test_another_clock_is_told_by_how_much(
    authority: Authority, trusted: Path, tmp_path: Path, off_s: int, verdict: str, way: str
) -> None:
    with https(authority.sign(tmp_path), date=lambda: email.utils.formatdate(time.time() + off_s)) as port:
        lines = asked(port, trusted)
    assert lines["clock"].verdict == verdict
    assert way in lines["clock"].found
    assert lines["health"].verdict == "pass"


@pytest.mark.parametrize(
    ("ahead_s", "took_s", "verdict"),
    [
        (0, 0.1, "pass"),
        (3, 0.1, "pass"),  # the server's 999 ms may hide in its whole seconds
        (4.5, 0.1, "warn"),
        (6.5, 0.1, "fail"),
        (6.5, 9, "fail"),  # the clock was read before the request
        (-140, 0.1, "pass"),
        (-160, 0.1, "warn"),
        (-310, 0.1, "fail"),
        (-310, 30, "warn"),
    ],
)
def test_the_clocks_limits_are_flowers_own(ahead_s: float, took_s: float, verdict: str) -> None:
    date = "Thu, 01 Jan 2026 12:00:00 GMT"
    there = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
    line = clock_line(date, there + ahead_s, there + ahead_s + took_s)
    assert line.verdict == verdict, line
    assert (SYSTEM_TIME_TOLERANCE, TIMESTAMP_TOLERANCE) == (AHEAD_S, BEHIND_S)


def test_a_server_that_tells_no_time_warns(authority: Authority, trusted: Path, tmp_path: Path) -> None:
    with https(authority.sign(tmp_path), date=lambda: "yesterday") as port:
        assert asked(port, trusted)["clock"].verdict == "warn"


@pytest.mark.parametrize(("status", "says"), [(403, "something else"), (500, "not well"), (302, "not well")])
def test_a_health_that_is_not_200_fails_and_still_tells_the_time(
    authority: Authority, trusted: Path, tmp_path: Path, status: int, says: str
) -> None:
    with https(authority.sign(tmp_path), status=status) as port:
        lines = asked(port, trusted)
    assert verdicts(lines) == [*["pass"] * 6, "fail"]
    assert str(status) in lines["health"].found
    assert says in lines["health"].action


def test_a_closed_port(trusted: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else takes it meanwhile
        lines = asked(taken.getsockname()[1], trusted)
    assert verdicts(lines) == ["pass", "pass", "fail", *["not asked"] * 4]
    assert "refused" in lines["port"].found
    assert "administrators" in lines["port"].action


def test_a_port_without_tls_and_one_that_is_silent(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight_network, "TIMEOUT_S", 0.3)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        assert "no answer within" in asked(silent.getsockname()[1], trusted)["TLS"].found
    with closing(socket.create_server(("127.0.0.1", 0))) as plain:

        def answer() -> None:
            with plain.accept()[0] as caller:
                caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                caller.recv(1000)

        thread = threading.Thread(target=answer)
        thread.start()
        line = asked(plain.getsockname()[1], trusted)["TLS"]
        thread.join()
    assert (line.verdict, line.found) == ("fail", "found no TLS")


def test_a_name_that_nobody_knows(trusted: Path) -> None:
    lines = asked(443, trusted, "federation.invalid")
    assert verdicts(lines) == ["pass", "fail", *["not asked"] * 5]
    assert lines["name"].found == "found no address of federation.invalid"


@contextmanager
def proxy(refuses: bool) -> Iterator[tuple[int, list[bytes]]]:
    """An HTTP proxy for one connection, to which every host is this machine; yields its port and what was asked."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener.accept()[0] as caller:
            heard.append(caller.recv(4000))
            if refuses:
                caller.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            port = heard[0].split()[1].decode().rpartition(":")[2]
            with socket.create_connection(("127.0.0.1", int(port))) as server:
                caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_copy, args=(server, caller))
                back.start()
                _copy(caller, server)
                back.join()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], heard
    finally:
        thread.join()
        listener.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_a_proxy_in_the_environment_is_taken_as_the_node_would(
    authority: Authority, trusted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with https(authority.sign(tmp_path, FAR)) as port, proxy(refuses=False) as (way, heard):
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:secret@127.0.0.1:{way}")
        lines = asked(port, trusted, FAR)
    assert verdicts(lines) == ["warn", *["pass"] * 6]
    assert heard[0].startswith(f"CONNECT {FAR}:{port} ".encode())
    assert b"Proxy-Authorization: Basic c29tZW9uZTpzZWNyZXQ=" in heard[0]
    assert "HTTPS_PROXY" in lines["proxy"].found
    assert "secret" not in "".join(map(str, lines.values()))


def test_a_proxy_that_refuses_and_one_that_does_not_concern_the_server(
    authority: Authority, trusted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(refuses=True) as (way, _):
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{way}")
        lines = asked(443, trusted, FAR)
        assert verdicts(lines) == ["warn", "pass", "fail", *["not asked"] * 4]
        assert "the proxy refused (403 Forbidden)" in lines["port"].found
    monkeypatch.setenv("no_proxy", FAR)
    assert asked(443, trusted, FAR)["proxy"].verdict == "pass"


def test_this_machine_itself_is_never_reached_through_a_proxy(
    authority: Authority, trusted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with https(authority.sign(tmp_path)) as port:
        assert verdicts(asked(port, trusted)) == ["pass"] * 7


def test_a_socks_proxy_fails_because_the_node_would(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    assert verdicts(asked(443, trusted)) == ["fail", *["not asked"] * 6]


def enrolled_site(folder: Path, authority: Authority, port: int = 1) -> Site:
    site = write_site(folder, "north", "brats2021", device="cpu")
    letter = Invitation(
        federation="glioma",
        site="north",
        id=new_id(),
        code=new_code(),
        server=f"127.0.0.1:{port}",
        ca_certificate=authority.pem,
        issued=NOW.isoformat(),
        expires=(NOW + timedelta(days=1)).isoformat(),
    )
    enrol(site, letter, NOW)
    return site


def by_name(lines: list[Line]) -> dict[str, Line]:
    found = {line.name: line for line in lines}
    assert len(found) == len(lines)
    return found


def test_an_enrolled_site_is_asked_everything(authority: Authority, tmp_path: Path) -> None:
    with https(authority.sign(tmp_path)) as port:
        site = enrolled_site(tmp_path, authority, port)
        before = sorted(site.folder.rglob("*"))
        lines = by_name(preflight(site, [], NOW))
    assert sorted(site.folder.rglob("*")) == before
    for name in ("software", "enrolment", "key", "authority", *ALL_NETWORK, "state folder", "GPU", "data"):
        assert lines[name].verdict == "pass", lines[name]
    assert lines["authentication"].verdict == "not asked"
    assert {"disk", "memory", "shared memory"} < lines.keys()
    assert lines["enrolment"].found == f"as north in glioma since {NOW:%Y-%m-%d}"


def test_a_site_that_is_not_enrolled_is_asked_the_rest(tmp_path: Path) -> None:
    lines = by_name(preflight(write_site(tmp_path, "north", "brats2021", device="cpu"), [], NOW))
    assert lines["enrolment"].verdict == "fail"
    assert "gmmas-site enrol" in lines["enrolment"].action
    assert {lines[name].verdict for name in ALL_NETWORK} == {"not asked"}
    assert lines["state folder"].verdict == "pass"
    assert not (tmp_path / ".gmmas").exists()


def test_what_is_wrong_with_the_hospitals_own_files_is_found(tmp_path: Path) -> None:
    site = enrolled_site(tmp_path, Authority(days=10))
    (site.state / "enrolment" / "supernode_key").chmod(0o644)
    problem = Problem(case_id=None, found="a", expected="b", action="c", severity="warning")
    lines = by_name(preflight(site, [problem], NOW))
    assert (lines["authority"].verdict, lines["authority"].found) == ("warn", "found 10 days left of its certificate")
    assert by_name(preflight(site, [], NOW + timedelta(days=11)))["authority"].verdict == "fail"
    assert (lines["key"].verdict, "0644" in lines["key"].found) == ("fail", True)
    assert lines["data"].verdict == "warn"
    assert by_name(preflight(site, [replace(problem, severity="error")], NOW))["data"].verdict == "fail"


def test_a_state_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    site = write_site(tmp_path, "north", "brats2021", device="cpu")
    site.state.write_text("a file")
    assert by_name(preflight(site, [], NOW))["state folder"].verdict == "fail"


@pytest.mark.parametrize(
    ("found", "verdict", "says"),
    [
        (20 * GIB, "pass", "20.0 GiB free"),
        (20 * GIB - 1, "warn", "expected 20 GiB; do"),
        (2 * GIB, "warn", "found 2.0 GiB free"),
        (2 * GIB - 1, "fail", "expected 20 GiB; do"),
        (GIB // 2, "fail", "found 512 MiB free"),
    ],
)
def test_floors(found: int, verdict: str, says: str) -> None:
    line = by_floor("disk", "free", found, 2 * GIB, 20 * GIB, "do")
    assert line.verdict == verdict
    assert says in str(line)


def run(*arguments: str | Path) -> Result:
    app = typer.Typer()
    cli_data.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_check_connect_prints_and_fails_when_a_line_fails(authority: Authority, tmp_path: Path) -> None:
    (phantoms := tmp_path / "sites").mkdir()
    assert run("phantom", phantoms / "all", "--sites", "1", "--cases", "2", "--size", "32").exit_code == 0
    (folder,) = (path for path in (phantoms / "all").iterdir() if path.is_dir())
    (folder / "site.yaml").unlink()
    with https(authority.sign(tmp_path), status=500) as port:
        enrolled_site(folder, authority, port)
        told = run("check", folder, "--connect")
        content = json.loads(run("check", folder, "--connect", "--json").stdout)
    assert told.exit_code == 1
    assert "0 errors" in told.output
    assert "fail       health: found HTTP 500 from /health; expected 200;" in told.output
    assert "not asked  authentication: only the running node learns whether its key is accepted" in told.output
    assert content["ok"] is False
    found = {line["name"]: line["verdict"] for line in content["preflight"]}
    assert (found["health"], found["TLS"]) == ("fail", "pass")
    with https(authority.sign(tmp_path)) as port:
        (folder / "site.yaml").unlink()
        enrolled_site(folder, authority, port)
        assert run("check", folder, "--connect").exit_code == 0
    plain = run("check", folder, "--json")
    assert plain.exit_code == 0
    assert set(json.loads(plain.stdout)) == {"site", "ok", "problems", "summary"}
