"""Roles, accounts, sessions, tries."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from client.reading_room.access import accounts, sessions
from client.reading_room.access.roles import MAY, ROLES, require
from client.reading_room.access.throttle import MAX_KEYS, Throttle
from client.reading_room.store import audit
from client.reading_room.store.database import transaction
from gmmas_core.types import DataError

PASSWORD = "four words make it strong"


def add(
    room: sqlite3.Connection, name: str = "anna", role: str = "clinician", password: str = PASSWORD
) -> accounts.User:
    with transaction(room):
        return accounts.add_user(room, name, role, password, by="system")


@pytest.mark.parametrize("role", [*ROLES, "nobody", ""])
@pytest.mark.parametrize("action", [*MAY, "unheard of"])
def test_a_role_may_do_what_the_table_says_and_nothing_else(role: str, action: str) -> None:
    if role in MAY.get(action, ()):
        require(role, action)
    else:
        with pytest.raises(DataError, match=action):
            require(role, action)


def test_nobody_but_a_clinician_decides_medically() -> None:
    for action in ("correct", "sign", "release", "pathology"):
        assert MAY[action] == {"clinician"}
    assert not any("viewer" in roles for action, roles in MAY.items() if action != "view")


def test_the_right_password_opens_and_nothing_else(room: sqlite3.Connection) -> None:
    user = add(room)
    assert accounts.check_password(room, "anna", PASSWORD) == user
    for name, password in (("anna", PASSWORD + " "), ("anna", ""), ("bert", PASSWORD), ("", ""), ("anna", "x" * 10**6)):
        assert accounts.check_password(room, name, password) is None
    stored = room.execute("SELECT password_hash FROM users").fetchone()[0]
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored


@pytest.mark.parametrize("name", ["", "a", "Anna", "an na", "anna\n", "../x", "system", "model", "a" * 33, "ännä"])
def test_bad_names_are_refused(room: sqlite3.Connection, name: str) -> None:
    with pytest.raises(DataError, match="user name"):
        add(room, name)


@pytest.mark.parametrize("password", ["", "short", "x" * 201, "aaaaaaaaaaaaaaaa", "anna anna anna"])
def test_bad_passwords_are_refused(room: sqlite3.Connection, password: str) -> None:
    with pytest.raises(DataError, match="password"):
        add(room, password=password)
    assert accounts.users(room) == []


def test_everything_wrong_with_an_account_is_said_at_once(room: sqlite3.Connection) -> None:
    with pytest.raises(DataError) as caught:
        add(room, "A", "king", "short")
    assert len(str(caught.value).splitlines()) == 3
    add(room)
    with pytest.raises(DataError, match="taken"):
        add(room)


def test_a_changed_password_or_a_closed_account_ends_the_sessions(room: sqlite3.Connection) -> None:
    anna, root = add(room), add(room, "root.one", "admin")
    token = sessions.begin(room, anna)
    with transaction(room):
        accounts.change_password(room, "anna", "another four words here", by="anna")
    assert sessions.find(room, token) is None
    assert accounts.check_password(room, "anna", PASSWORD) is None
    token = sessions.begin(room, anna)
    with transaction(room):
        accounts.disable_user(room, "anna", by=root.name)
    assert sessions.find(room, token) is None
    assert accounts.check_password(room, "anna", "another four words here") is None
    for name in ("anna", "nobody"):
        with pytest.raises(DataError, match="none of this name"), transaction(room):
            accounts.disable_user(room, name, by=root.name)
    with pytest.raises(DataError, match="no other administrator"), transaction(room):
        accounts.disable_user(room, root.name, by=root.name)
    assert audit.verify(room) == []


def test_a_session_ends_when_idle_when_old_and_when_told(room: sqlite3.Connection) -> None:
    user, start = add(room), datetime.now(UTC)
    token = sessions.begin(room, user, start)
    session = sessions.find(room, token, start + sessions.IDLE / 2)
    assert session is not None
    assert session.user == user
    assert session.owns(session.csrf)
    assert not session.owns("")
    assert sessions.find(room, token, start + sessions.IDLE) is not None, "each request begins the idle time anew"
    assert sessions.find(room, token, start + 2 * sessions.IDLE + timedelta(seconds=1)) is None
    token, moment = sessions.begin(room, user, start), start
    while moment < start + sessions.LONGEST:
        assert sessions.find(room, token, moment) is not None
        moment += sessions.IDLE / 2
    assert sessions.find(room, token, moment) is None
    assert sessions.sweep(room, moment) == 2
    token = sessions.begin(room, user)
    sessions.end(room, token)
    assert sessions.find(room, token) is None


def test_tokens_are_kept_as_hashes_and_strangers_find_nothing(room: sqlite3.Connection) -> None:
    token = sessions.begin(room, add(room))
    assert token not in str([tuple(row) for row in room.execute("SELECT * FROM sessions")])
    for stranger in ("", "x", token[:-1], token.swapcase()):
        assert sessions.find(room, stranger) is None


def test_tries_run_out_and_come_back() -> None:
    now = 0.0
    throttle = Throttle(tries=3, refill_s=10.0, clock=lambda: now)
    assert [throttle.wait_s("anna") for _ in range(3)] == [0.0] * 3
    assert throttle.wait_s("anna") == pytest.approx(10.0)
    assert throttle.wait_s("bert") == 0.0
    now = 9.0
    assert throttle.wait_s("anna") == pytest.approx(1.0)
    now = 10.5
    assert throttle.wait_s("anna") == 0.0
    assert throttle.wait_s("anna") > 0.0
    throttle.forgive("anna")
    assert throttle.wait_s("anna") == 0.0


def test_invented_names_cannot_fill_the_memory() -> None:
    throttle = Throttle(tries=1, refill_s=1e9)
    for number in range(MAX_KEYS + 50):
        throttle.wait_s(str(number))
    assert len(throttle._buckets) == MAX_KEYS
