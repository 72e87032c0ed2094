"""Health asks the parts themselves, over real TLS, of real children and files; each is missed when it goes."""

import http.server
import json
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gmmas_core.types import FederationError
from server.cli import app
from server.serving.child_processes import children
from server.serving.health import STALE_S, health
from server.serving.state import FILE, heartbeat, read_state

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
NOTHING = 1
"""A port on which nobody answers."""


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    federation = tmp_path / "federation"
    federation.mkdir()
    (federation / "federation.yaml").write_text("name: demo\nserver: {address: 'localhost:8443'}\nsites: [east]\n")
    assert CliRunner().invoke(app, ["provision", str(federation)]).exit_code == 0
    (federation / "superlink").mkdir()
    return federation


@contextmanager
def answering(folder: Path) -> Iterator[int]:
    """A port that answers /health over TLS with the federation's certificate, like the SuperLink and the proxy."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server" / "server.crt", folder / "server" / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving(folder: Path, port: int, superlink_port: int, executor: list[str] = SLEEPS) -> Iterator[None]:
    home = folder / "superlink"
    with children(home) as started:
        child = started.start("executor", executor, {})
        if executor is not SLEEPS:
            child.process.wait(60)
        with heartbeat(home, started, host="0.0.0.0", port=port, superlink_port=superlink_port, every_s=0.05):
            yield


def verdicts(folder: Path, now: datetime | None = None) -> dict[str, str]:
    """All but the disk's, which is this machine's affair."""
    lines = health(folder, now or datetime.now(UTC))
    return {line.name: line.verdict for line in lines if line.name != "disk"}


ALL_WELL = dict.fromkeys(
    ("serve", "superlink", "executor", "proxy", "authority", "server certificate", "software"), "pass"
)


def test_all_is_well_and_a_proxy_of_the_house_is_not_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with answering(folder) as port, serving(folder, port, port):
        result = CliRunner().invoke(app, ["health", str(folder), "--json"])
        said = json.loads(result.output)
        found = {line["name"]: line["verdict"] for line in said["health"]}
        assert found == ALL_WELL | {"disk": found["disk"]}
        is_well = found["disk"] != "fail"
        assert (said["ok"], result.exit_code) == (is_well, 0 if is_well else 1)
    result = CliRunner().invoke(app, ["health", str(folder)])
    assert result.exit_code == 1
    assert "found no serve.json" in result.output


def test_each_part_is_missed(folder: Path) -> None:
    with answering(folder) as port:
        with serving(folder, NOTHING, port):
            assert verdicts(folder) == ALL_WELL | {"proxy": "fail"}
        with serving(folder, port, NOTHING):
            assert verdicts(folder) == ALL_WELL | {"superlink": "fail"}
        with serving(folder, port, port, [sys.executable, "-c", ""]):
            assert verdicts(folder) == ALL_WELL | {"executor": "fail"}
        with serving(folder, port, port):
            late = datetime.now(UTC) + timedelta(seconds=STALE_S + 60)
            silent = {"serve": "fail", "executor": "not asked"}  # of the executor nothing but serve knows
            assert verdicts(folder, late) == ALL_WELL | silent
            early = datetime.now(UTC) - timedelta(seconds=STALE_S + 60)  # the clock was wrong, and set right later
            assert verdicts(folder, early) == ALL_WELL | silent
            soon = verdicts(folder, datetime.now(UTC) + timedelta(days=350))
            assert (soon["server certificate"], soon["authority"]) == ("warn", "pass")
            assert verdicts(folder, datetime.now(UTC) + timedelta(days=400))["server certificate"] == "fail"


def test_an_authority_that_is_gone_is_a_line_and_no_traceback(folder: Path) -> None:
    with answering(folder) as port, serving(folder, port, port):
        (folder / "ca" / "ca.crt").unlink()
        assert verdicts(folder) == ALL_WELL | dict.fromkeys(("superlink", "proxy", "authority"), "fail")


@pytest.mark.parametrize(
    "changed",
    [{"port": "8443"}, {"superlink_port": 0}, {"port": 65536}, {"children": {"executor": {"pid": 1, "alive": True}}}],
    ids=str,
)
def test_a_state_of_another_form_is_refused(folder: Path, changed: dict[str, Any]) -> None:
    home = folder / "superlink"
    with serving(folder, 1, 2):
        written = json.loads((home / FILE).read_bytes())
    (home / FILE).write_text(json.dumps(written | changed))
    with pytest.raises(FederationError, match="of another form"):
        read_state(home)


def test_a_server_of_another_authority_is_not_ours(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "federation.yaml").write_bytes((folder / "federation.yaml").read_bytes())
    assert CliRunner().invoke(app, ["provision", str(other)]).exit_code == 0
    with answering(other) as port, serving(folder, port, port):
        assert verdicts(folder) == ALL_WELL | {"superlink": "fail", "proxy": "fail"}


def test_the_heartbeat_goes_on_and_is_taken_away_at_the_end(folder: Path) -> None:
    home = folder / "superlink"
    with serving(folder, 1, 2):
        first = read_state(home)
        assert (first.host, first.port, first.superlink_port) == ("0.0.0.0", 1, 2)
        deadline = time.monotonic() + 60
        while read_state(home).heartbeat == first.heartbeat:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert not (home / FILE).exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', '{"format": 1}', "{" * 9999])
def test_a_file_that_is_no_heartbeat_is_refused_in_words(folder: Path, content: str) -> None:
    (folder / "superlink" / FILE).write_text(content)
    with pytest.raises(FederationError, match=r"found a serve.json of another form"):
        read_state(folder / "superlink")
    assert verdicts(folder)["proxy"] == "not asked"


def test_without_certificates_it_fails_in_words(tmp_path: Path) -> None:
    found = verdicts(tmp_path / "nothing")
    assert (found["serve"], found["authority"], found["server certificate"]) == ("fail", "fail", "fail")
