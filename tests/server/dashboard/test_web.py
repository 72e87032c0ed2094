"""The page over HTTP: escaped, locked down, read only, and the same numbers in every form."""

import json
import re
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from fastapi.testclient import TestClient

from gmmas_core.software import PROTOCOL, release
from gmmas_core.types import DISCLAIMER, FederationError
from server.dashboard.page import SCRIPT, STYLE
from server.dashboard.web import build_app, serve
from server.records.run_folder import RunFolder
from server.serving.direct import is_loopback

HOSTILE = '<script>alert("x")</script> & "co"\\ \n'
PATHS = ("/", "/body", "/status.json", "/metrics", "/health")


def client_of(folder: RunFolder, host: str = "127.0.0.1") -> TestClient:
    return TestClient(build_app(folder, host), base_url="http://127.0.0.1:8600")


@pytest.fixture
def hostile(scene: Any) -> TestClient:
    """A site whose name is an attack, everywhere a name can stand."""
    scene.begin((HOSTILE, "north"))
    scene.round(50, 1, {HOSTILE: (9, 3, 0.4), "north": (9, 3, 0.5)})
    scene.round(90, 2, {"north": (9, 3, 0.5)}, left_out={HOSTILE: HOSTILE})
    scene.round(95, 3, {HOSTILE: (9, 3, 0.4), "north": (9, 3, 0.5)}, stage=HOSTILE)
    scene.ledger(99, "quarantined", site=HOSTILE, reason=HOSTILE)
    scene.ledger(100, "paused", reason=HOSTILE)
    return client_of(scene.folder)


@pytest.mark.parametrize("path", ["/", "/body"])
def test_a_hostile_name_is_text_and_nothing_else(hostile: TestClient, path: str) -> None:
    html = hostile.get(path).text
    assert "alert(" in html
    assert "<script>alert" not in html
    assert html.count("<script>") == html.count("</script>") == (path == "/")
    assert not re.findall(r"""=\s*"[^"]*<script""", html)


def test_every_drawing_stays_well_formed_under_a_hostile_name(hostile: TestClient) -> None:
    drawings = re.findall(r"<svg.*?</svg>", hostile.get("/").text, flags=re.DOTALL)
    assert len(drawings) > 6
    for drawing in drawings:
        ElementTree.fromstring(drawing)


def test_a_hostile_name_stays_inside_its_label(hostile: TestClient) -> None:
    """In the text format a label ends at a quote and a sample at a line's end."""
    text = hostile.get("/metrics").text
    sample = re.compile(r'(#.*|[a-z_]+(\{([a-z_]+="([^"\\\n]|\\.)*",?)*\})? -?[\d.e+-]+)')
    for line in text.splitlines():
        assert sample.fullmatch(line), line
    assert r"alert(\"x\")" in text


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_locked_down(busy: Any, path: str) -> None:
    answer = client_of(busy.folder).get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/status.json", "/metrics", "/health"])
def test_every_page_carries_the_disclaimer(busy: Any, path: str) -> None:
    assert DISCLAIMER in client_of(busy.folder).get(path).text


def test_the_page_is_self_contained(busy: Any) -> None:
    html = client_of(busy.folder).get("/").text
    assert STYLE in html
    assert SCRIPT in html
    loads = re.findall(r"""(?:src|href)="([^"]*)\"""", html)
    assert sorted(set(loads)) == ["#main", "data:,", "metrics", "status.json"]
    assert "style=" not in html  # the policy would not apply it
    assert not re.search(r"url\(|@import|\bon\w+=", html)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", PATHS)
def test_nothing_can_be_changed(busy: Any, method: str, path: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in busy.folder.path.iterdir()}
    assert client_of(busy.folder).request(method, path).status_code == 405
    client_of(busy.folder).get("/")
    assert {path: path.stat().st_mtime_ns for path in busy.folder.path.iterdir()} == before


def test_no_interface_description_is_served(busy: Any) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/../config.yaml", "/config.yaml"):
        assert client_of(busy.folder).get(path).status_code == 404


def test_on_this_machine_only_its_own_names_are_answered(busy: Any) -> None:
    """A page from elsewhere may point a name of its own at 127.0.0.1; its requests carry that name."""
    local, everywhere = client_of(busy.folder), client_of(busy.folder, "0.0.0.0")
    for name, status in (("evil.example", 400), ("localhost:8600", 200), ("127.0.0.1", 200), ("[::1]:8600", 200)):
        assert local.get("/status.json", headers={"Host": name}).status_code == status
    assert everywhere.get("/status.json", headers={"Host": "coordinator.example"}).status_code == 200


def test_the_body_is_sent_again_only_when_something_happened(busy: Any) -> None:
    busy.ledger(150, "paused", reason="order")
    client = client_of(busy.folder)
    first = client.get("/body")
    again = client.get("/body", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.text) == (304, "")
    busy.ledger(160, "resumed", round=2)
    assert client.get("/body", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_all_forms_say_the_same(busy: Any) -> None:
    client = client_of(busy.folder)
    status = client.get("/status.json").json()
    metrics = client.get("/metrics").text
    dice = status["curves"]["dice.wt"]["pooled"][-1]["value"]
    assert f'gmmas_validation{{measure="dice.wt"}} {dice!r}' in metrics
    assert "gmmas_rounds_played 2.0" in metrics
    build = f'gmmas_build_info{{release="{release()}",image="",protocol="{PROTOCOL}"}} 1.0'
    assert build in metrics
    assert 'gmmas_weights_bytes{direction="sent"} 5000.0' in metrics
    assert 'gmmas_site_rounds_left_out{site="south"} 1.0' in metrics
    assert f"{dice:.3f}" in client.get("/").text


def test_what_is_unknown_has_no_sample(tmp_path: Path) -> None:
    client = client_of(RunFolder(tmp_path))
    metrics = client.get("/metrics").text
    assert "nan" not in metrics.lower().replace(DISCLAIMER.lower(), "")
    for name in ("gmmas_rounds_planned", "gmmas_weights_bytes", "gmmas_last_event_timestamp_seconds", "gmmas_round_"):
        assert name not in metrics
    assert 'gmmas_run_state{state="unknown"} 1.0' in metrics
    assert "Unknown: no site has been enlisted yet." in client.get("/").text
    health = client.get("/health")
    assert (health.status_code, health.json()["status"]) == (503, "no run")


def test_health_tells_of_the_run(busy: Any) -> None:
    busy.ledger(150, "failed", reason="FederationError: too few")
    health = client_of(busy.folder).get("/health")
    assert (health.status_code, health.json()["run"]) == (200, "failed")


def test_a_port_in_use_is_named(busy: Any) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FederationError, match=f"port {port} cannot be listened on"):
            serve(busy.folder, "127.0.0.1", port, lambda address: None)


def test_it_is_served_for_real(busy: Any) -> None:
    addresses: list[str] = []
    ready = threading.Event()

    def on_ready(address: str) -> None:
        addresses.append(address)
        ready.set()

    threading.Thread(target=serve, args=(busy.folder, "127.0.0.1", 0, on_ready), daemon=True).start()
    assert ready.wait(60)
    answer = httpx.get(addresses[0] + "status.json", timeout=60)
    assert json.loads(answer.text)["rounds_played"] == 2
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("x.org", False)],
)
def test_what_is_only_this_machine(host: str, is_local: bool) -> None:
    assert is_loopback(host) == is_local
