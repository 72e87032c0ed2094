"""The application as a browser, a script and an attacker meet it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.testclient import TestClient

from client.reading_room.access.roles import MAY, ROLES
from client.reading_room.room import Room
from client.reading_room.store import audit
from client.reading_room.web import pages
from gmmas_core.types import DISCLAIMER

Enter = Callable[[str], TestClient]


def room_of(app: FastAPI) -> Room:
    room: Room = app.state.room
    return room


def upload(client: TestClient, files: list[tuple[str, bytes]], patient: str = "p1") -> Any:
    number = client.post("/api/uploads").json()["id"]
    for name, content in files:
        answer = client.put(f"/api/uploads/{number}/files", headers={"X-File-Name": quote(name)}, content=content)
        assert answer.status_code == 201, answer.text
    return client.post(f"/api/uploads/{number}/study", json={"patient": patient})


@pytest.fixture
def study(enter: Enter, nifti: bytes) -> str:
    """The number of an uploaded draft."""
    return str(upload(enter("technician"), [("x_t1.nii.gz", nifti), ("other.nii.gz", nifti)]).json()["id"])


ADDRESSES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("GET", "/", "view", {}),
    ("GET", "/worklist-rows", "view", {}),
    ("GET", "/studies/STUDY/sequences", "view", {}),
    ("GET", "/studies/STUDY", "view", {}),
    ("GET", "/api/studies", "view", {}),
    ("GET", "/api/studies/STUDY", "view", {}),
    ("POST", "/api/uploads", "upload", {}),
    ("PUT", "/api/uploads/0/files", "upload", {"content": b"", "headers": {"X-File-Name": "x"}}),
    ("POST", "/api/uploads/0/study", "upload", {"json": {"patient": "p"}}),
    ("DELETE", "/api/uploads/0", "upload", {}),
    ("PUT", "/api/studies/STUDY/sequences", "read", {"json": {}}),
    ("POST", "/api/studies/STUDY/readings", "read", {}),
    ("POST", "/api/studies/STUDY/narrative", "view", {"json": {}}),
    ("POST", "/api/studies/STUDY/questions", "view", {"json": {"question": "Which side?"}}),
    ("DELETE", "/api/studies/STUDY", "remove", {}),
    ("GET", "/api/studies/STUDY/export/0", "export", {}),
    ("POST", "/api/sign-out", "view", {}),
    ("GET", "/api/studies/STUDY/images/0.nii.gz", "view", {}),
    ("GET", "/api/studies/STUDY/revisions/0/seg.nii.gz", "view", {}),
    ("GET", "/api/studies/STUDY/revisions/0/first.png", "view", {}),
    ("GET", "/api/studies/STUDY/revisions/0/uncertainty.nii.gz", "view", {}),
    ("PUT", "/api/studies/STUDY/mask?from_revision=1", "correct", {"content": b""}),
    ("POST", "/api/studies/STUDY/signature", "sign", {"json": {"revision": 1}}),
    ("POST", "/api/studies/STUDY/rejection", "sign", {"json": {"revision": 1, "note": "x"}}),
    ("POST", "/api/studies/STUDY/withdrawal", "sign", {}),
    ("POST", "/api/studies/STUDY/release", "release", {}),
    ("PUT", "/api/studies/STUDY/labels", "correct", {"json": {}}),
    ("PUT", "/api/studies/STUDY/pathology", "pathology", {"json": {}}),
    ("POST", "/api/studies/STUDY/contribution", "correct", {"json": {}}),
    ("DELETE", "/api/studies/STUDY/contribution", "correct", {}),
    ("GET", "/studies/STUDY/report/clinician", "view", {}),
    ("GET", "/studies/STUDY/report/clinician.pdf", "view", {}),
    ("GET", "/studies/STUDY/report/patient", "view", {}),
    ("GET", "/studies/STUDY/report/patient.pdf", "view", {}),
    ("GET", "/agreement", "view", {}),
    ("GET", "/account", "view", {}),
    ("PUT", "/api/account/password", "view", {"json": {}}),
    ("GET", "/accounts", "accounts", {}),
    ("POST", "/api/accounts", "accounts", {"json": {}}),
    ("PUT", "/api/accounts/0/password", "accounts", {"json": {}}),
    ("PUT", "/api/accounts/0/role", "accounts", {"json": {}}),
    ("DELETE", "/api/accounts/0", "accounts", {}),
    ("GET", "/audit", "audit", {}),
    ("GET", "/api/audit.jsonl", "audit", {}),
]


def shape_of(address: str) -> str:
    """An address with what is asked for left open."""
    return re.sub(r"\{[\w:]+\}", "{}", address.split("?")[0].replace("STUDY", "{}").replace("/0", "/{}"))


@pytest.mark.parametrize(("method", "address", "action", "more"), ADDRESSES)
def test_every_address_asks_for_its_role(
    enter: Enter, study: str, method: str, address: str, action: str, more: dict[str, Any]
) -> None:
    address = address.replace("STUDY", study)
    answer = enter("").request(method, address, **more)
    assert answer.status_code == (401 if address.startswith("/api") else 303), "nobody is signed in"
    for role in sorted(ROLES, key=lambda role: role in MAY[action]):
        answer = enter(role).request(method, address, **more)
        assert (answer.status_code != 403) == (role in MAY[action]), (role, answer.text)
        assert answer.status_code < 500


def test_no_address_was_forgotten_above(app: FastAPI) -> None:
    open_to_all = {
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
        ("GET", "/api/openapi.json"),
        ("HEAD", "/api/openapi.json"),
        ("GET", "/report-fonts/{}.ttf"),
    }
    known = {(method, shape_of(address)) for method, address, *_ in ADDRESSES}
    found = set()
    for route in app.routes:
        router = getattr(route, "original_router", None)
        for each in [route] if router is None else router.routes:
            path = shape_of(each.path)  # type: ignore[attr-defined]
            found |= {(method, path) for method in getattr(each, "methods", None) or ()}
    assert known <= found, "the list above names what is there"
    assert found <= known | open_to_all, f"{found - known - open_to_all} is in no test of roles"


@pytest.mark.parametrize(("method", "address", "_", "more"), [each for each in ADDRESSES if each[0] != "GET"])
def test_a_change_without_the_page_s_token_is_refused(
    enter: Enter, study: str, method: str, address: str, _: str, more: dict[str, Any]
) -> None:
    client = enter("technician")
    for token in ("", "wrong"):
        client.headers["X-CSRF-Token"] = token
        assert client.request(method, address.replace("STUDY", study), **more).status_code == 403


def test_every_answer_says_what_it_is_for_and_lets_nothing_in_from_outside(enter: Enter, study: str) -> None:
    for role, address in (
        ("", "/sign-in"),
        ("viewer", "/"),
        ("viewer", f"/studies/{study}/sequences"),
        ("viewer", "/studies/absent/sequences"),
        ("viewer", "/nowhere"),
        ("viewer", "/api/studies"),
        ("viewer", "/api/nowhere"),
        ("", "/static/room.css"),
        ("", "/static/nowhere"),
    ):
        answer = enter(role).get(address)
        assert answer.headers["X-Research-Use-Only"] == DISCLAIMER
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if "html" in answer.headers["content-type"]:
            assert DISCLAIMER in answer.text
            assert "<script>" not in answer.text
            assert "style=" not in answer.text
            assert "http://" not in answer.text
            assert "https://" not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "evil.example:8001@127.0.0.1"])
def test_another_name_of_the_host_is_refused(enter: Enter, host: str) -> None:
    assert enter("").get("/sign-in", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_form_of_another_site_is_refused(enter: Enter, headers: dict[str, str]) -> None:
    form = {"name": "viewer", "password": "four words make it strong"}
    answer = enter("").post("/sign-in", data=form, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_cookie_is_for_this_room_alone(enter: Enter) -> None:
    form = {"name": "viewer", "password": "four words make it strong"}
    cookie = enter("").post("/sign-in", data=form).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_guessing_passwords_becomes_slow_for_that_name_only(enter: Enter) -> None:
    client = enter("")
    codes = [client.post("/sign-in", data={"name": "admin", "password": f"guess {n}"}).status_code for n in range(7)]
    assert codes == [403] * 5 + [429] * 2
    assert client.post("/sign-in", data={"name": "admin", "password": "four words make it strong"}).status_code == 429
    enter("viewer")


def test_signing_out_ends_the_session_itself(enter: Enter) -> None:
    client = enter("viewer")
    kept = dict(client.cookies)
    assert client.post("/api/sign-out").status_code == 204
    client.cookies.update(kept)
    assert client.get("/api/studies").status_code == 401


def test_from_upload_to_queue(enter: Enter, nifti: bytes, app: FastAPI) -> None:
    client = enter("technician")
    answer = upload(client, [("x_t1.nii.gz", nifti), ("y.nii.gz", nifti)])
    assert answer.status_code == 201
    made = answer.json()
    assert [image["sequence"] for image in made["images"]] == ["t1", None]
    assert made["notice"] == DISCLAIMER
    second = made["images"][1]["file"]
    assert client.put(f"/api/studies/{made['id']}/sequences", json={second: "t1"}).status_code == 422
    assert client.put(f"/api/studies/{made['id']}/sequences", json={second: "dwi"}).status_code == 422
    assert client.put(f"/api/studies/{made['id']}/sequences", json={second: "flair"}).status_code == 200
    assert client.post(f"/api/studies/{made['id']}/readings").json()["state"] == "queued"
    assert client.post(f"/api/studies/{made['id']}/readings").status_code == 422
    assert client.delete(f"/api/studies/{made['id']}").status_code == 422
    page = client.get("/").text
    assert "queued" in page
    assert "0 before it" in page
    with room_of(app).database() as connection:
        assert audit.verify(connection) == []


def test_a_refused_upload_says_why_and_leaves_nothing(enter: Enter, nifti: bytes, app: FastAPI, tmp_path: Path) -> None:
    client = enter("technician")
    answer = upload(client, [("x_t1.nii.gz", nifti), ("notes.txt", b"hello"), ("cut.nii.gz", nifti[:200])])
    assert answer.status_code == 422
    assert "notes.txt" in answer.json()["error"]
    assert str(tmp_path) not in answer.text
    assert client.get("/api/studies").json() == []
    assert list(room_of(app).studies.iterdir()) == []


def test_a_name_instead_of_a_pseudonym_is_refused_and_not_repeated(enter: Enter, nifti: bytes, app: FastAPI) -> None:
    client = enter("technician")
    number = client.post("/api/uploads").json()["id"]
    client.put(f"/api/uploads/{number}/files", headers={"X-File-Name": "x_t1.nii.gz"}, content=nifti)
    for patient in ("", "Müller, Hans", "a/b", "x" * 41, "p1\n"):
        answer = client.post(f"/api/uploads/{number}/study", json={"patient": patient})
        assert answer.status_code == 422
        assert patient == "" or patient not in answer.text
    assert client.post(f"/api/uploads/{number}/study", json={"patient": "p1"}).status_code == 201
    assert len(list(room_of(app).studies.iterdir())) == 1


def test_a_file_that_is_still_arriving_is_waited_for(enter: Enter, nifti: bytes, app: FastAPI) -> None:
    client, desk = enter("technician"), app.state.desk
    number = client.post("/api/uploads").json()["id"]

    async def slow() -> AsyncIterator[bytes]:
        yield nifti[:100]
        answer = await run_in_threadpool(client.post, f"/api/uploads/{number}/study", json={"patient": "p1"})
        assert answer.status_code == 422
        assert "still arriving" in answer.json()["error"]
        yield nifti[100:]

    asyncio.run(desk.receive(number, "technician", "x_t1.nii.gz", slow()))
    assert client.post(f"/api/uploads/{number}/study", json={"patient": "p1"}).status_code == 201


def test_a_removed_study_is_gone_with_its_files(enter: Enter, study: str, app: FastAPI) -> None:
    client = enter("clinician")
    assert client.delete(f"/api/studies/{study}").status_code == 204
    assert client.get(f"/api/studies/{study}").status_code == 422
    assert list(room_of(app).studies.iterdir()) == []


def test_names_of_files_are_shown_as_text(enter: Enter, nifti: bytes) -> None:
    client = enter("technician")
    made = upload(client, [("<img src=x onerror=alert(1)>_t1.nii.gz", nifti)]).json()
    page = client.get(f"/studies/{made['id']}/sequences").text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_the_documentation_names_every_address_of_the_api(enter: Enter) -> None:
    told = {shape_of(path) for path in enter("").get("/api/openapi.json").json()["paths"]}
    addresses = {shape_of(address) for _, address, *_ in ADDRESSES if address.startswith("/api/")}
    assert told == addresses - {"/api/sign-out"}


def test_the_name_of_a_file_is_in_no_address(enter: Enter, nifti: bytes) -> None:
    client = enter("technician")
    study = upload(client, [("Müller, 4711 t1.nii.gz", nifti)]).json()
    assert study["images"][0]["label"] == "Müller, 4711 t1.nii.gz"
    number = client.post("/api/uploads").json()["id"]
    assert client.put(f"/api/uploads/{number}/files?name=x_t1.nii.gz", content=nifti).status_code == 422


def test_every_study_can_be_reached_from_the_worklist(
    enter: Enter, nifti: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PER_PAGE", 2)
    client = enter("technician")
    made = {upload(client, [("x_t1.nii.gz", nifti)], f"p{number}").json()["id"] for number in range(5)}
    seen: list[str] = []
    address = "/"
    while address:
        text = client.get(address).text
        seen += re.findall('data-study="([0-9a-f]+)"', text)
        link = re.search('href="(/[?]before=[^"]+)">Older', text)
        address = link[1] if link else ""
    assert (len(seen), set(seen)) == (5, made)
