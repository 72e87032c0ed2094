"""Accounts, passwords and the audit as pages and API."""

import json
import sqlite3
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from client.reading_room.access import accounts
from client.reading_room.room import Room
from client.reading_room.store import audit
from client.reading_room.store.clock import now
from client.reading_room.store.database import transaction

from .conftest import PASSWORD

Enter = Callable[..., TestClient]
ANOTHER = "five other words than before"


def room_of(app: FastAPI) -> Room:
    room: Room = app.state.room
    return room


def test_an_account_from_its_making_to_its_end(enter: Enter) -> None:
    admin = enter("admin")
    made = admin.post("/api/accounts", json={"name": "anna", "role": "viewer", "password": PASSWORD})
    assert made.status_code == 201, made.text
    assert PASSWORD not in made.text
    assert enter("").post("/sign-in", data={"name": "anna", "password": PASSWORD}).status_code == 303
    assert admin.put("/api/accounts/anna/role", json={"role": "clinician"}).json()["role"] == "clinician"
    assert admin.put("/api/accounts/anna/password", json={"password": ANOTHER}).status_code == 200
    assert enter("").post("/sign-in", data={"name": "anna", "password": PASSWORD}).status_code == 403
    assert admin.delete("/api/accounts/anna").json()["disabled"] is True
    assert enter("").post("/sign-in", data={"name": "anna", "password": ANOTHER}).status_code == 403
    text = admin.get("/accounts").text
    assert "closed on" in text
    again = admin.post("/api/accounts", json={"name": "anna", "role": "viewer", "password": PASSWORD})
    assert again.status_code == 422, "a name that signed something is never given twice"


def test_a_change_of_role_or_password_ends_the_sessions(enter: Enter) -> None:
    admin, viewer = enter("admin"), enter("viewer")
    assert viewer.get("/api/studies").status_code == 200
    admin.put("/api/accounts/viewer/role", json={"role": "clinician"})
    assert viewer.get("/api/studies").status_code == 401
    clinician = enter("clinician")
    admin.put("/api/accounts/clinician/password", json={"password": ANOTHER})
    assert clinician.get("/api/studies").status_code == 401


def test_one_administrator_stays(enter: Enter) -> None:
    admin = enter("admin")
    for answer in (
        admin.delete("/api/accounts/admin"),
        admin.put("/api/accounts/admin/role", json={"role": "viewer"}),
    ):
        assert answer.status_code == 422
        assert "no other administrator" in answer.json()["error"]
    assert admin.put("/api/accounts/viewer/role", json={"role": "admin"}).status_code == 200
    assert admin.delete("/api/accounts/admin").status_code == 200


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("PUT", "/api/accounts/nobody/role", {"role": "viewer"}),
        ("PUT", "/api/accounts/viewer/role", {"role": "king"}),
        ("PUT", "/api/accounts/viewer/password", {"password": "short"}),
        ("DELETE", "/api/accounts/nobody", None),
        ("DELETE", "/api/accounts/%00", None),
        ("POST", "/api/accounts", {"name": "Anna", "role": "king", "password": "short"}),
        ("POST", "/api/accounts", {"name": "anna"}),
    ],
)
def test_what_cannot_be_is_refused_in_words(enter: Enter, method: str, address: str, body: object) -> None:
    answer = enter("admin").request(method, address, json=body)
    assert answer.status_code == 422
    assert "expected" in answer.json()["error"]


def test_everybody_changes_the_own_password(enter: Enter) -> None:
    for role in ("viewer", "technician", "clinician", "admin"):
        client = enter(role)
        assert role in client.get("/account").text
        wrong = client.put("/api/account/password", json={"present": ANOTHER, "password": ANOTHER})
        assert wrong.status_code == 422
        assert client.get("/api/studies").status_code == 200
        assert client.put("/api/account/password", json={"present": PASSWORD, "password": ANOTHER}).status_code == 204
        assert client.get("/api/studies").status_code == 401
        assert enter("").post("/sign-in", data={"name": role, "password": ANOTHER}).status_code == 303


def test_the_present_password_cannot_be_tried_for_ever(enter: Enter) -> None:
    client = enter("viewer")
    answers = [
        client.put("/api/account/password", json={"present": f"guess {n}", "password": ANOTHER}).text for n in range(6)
    ]
    assert "too many tries" in answers[-1]


def lines(app: FastAPI) -> list[sqlite3.Row]:
    with room_of(app).database() as connection:
        return connection.execute("SELECT * FROM audit ORDER BY line").fetchall()


def test_the_audit_is_paged_filtered_and_says_that_it_is_whole(enter: Enter, app: FastAPI) -> None:
    with room_of(app).database() as connection, transaction(connection):
        for number in range(230):
            audit.add_line(connection, at=now(), user="anna", action="viewed", study=f"study{number % 2}", n=number)
    admin = enter("admin")
    first = admin.get("/audit").text
    assert "The chain is whole" in first
    assert first.count("<tr><td") == 100
    assert "Older lines" in first
    seen: set[int] = set()
    before = 0
    for _ in range(5):
        text = admin.get("/audit", params={"user": "anna", "study": "study1", "before": before}).text
        numbers = [int(part.split("<")[0]) for part in text.split('<tr><td class="number">')[1:]]
        seen |= set(numbers)
        if "Older lines" not in text:
            break
        before = numbers[-1]
    assert len(seen) == 115
    assert "No line matches" in admin.get("/audit", params={"user": "nobody"}).text


def test_a_broken_chain_is_shouted(enter: Enter, app: FastAPI) -> None:
    with room_of(app).database() as connection:
        connection.execute("UPDATE audit SET details = '<b>not json' WHERE line = 2")
    text = enter("admin").get("/audit").text
    assert "The chain is broken" in text
    assert "The chain is whole" not in text
    assert "<b>not json" not in text
    assert "&lt;b&gt;not json" in text


def test_the_download_can_be_verified_elsewhere(enter: Enter, app: FastAPI) -> None:
    answer = enter("admin").get("/api/audit.jsonl")
    assert answer.headers["content-disposition"].startswith("attachment")
    got = [json.loads(line) for line in answer.text.splitlines()]
    assert [dict(row) for row in lines(app)] == got
    assert [line["previous"] for line in got[1:]] == [line["sha256"] for line in got[:-1]]
    only = enter("admin").get("/api/audit.jsonl", params={"user": "admin"}).text.splitlines()
    assert {json.loads(line)["user"] for line in only} == {"admin"}
    assert "downloaded audit" in [line["action"] for line in got]


def test_only_what_a_role_may_is_in_its_navigation(enter: Enter) -> None:
    for role in ("viewer", "technician", "clinician"):
        text = enter(role).get("/").text
        assert "/agreement" in text
        assert 'href="/accounts"' not in text
        assert 'href="/audit"' not in text
    text = enter("admin").get("/").text
    assert 'href="/accounts"' in text
    assert 'href="/audit"' in text


def test_all_accounts_are_listed_the_closed_ones_last(app: FastAPI) -> None:
    with room_of(app).database() as connection:
        with transaction(connection):
            accounts.disable_user(connection, "clinician", by="admin")
        found = accounts.accounts(connection)
    assert [each.name for each in found] == ["admin", "technician", "viewer", "clinician"]
    assert found[-1].disabled_at is not None
