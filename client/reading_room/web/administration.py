"""Accounts and the audit, for administrators; everybody's own password."""

import json
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel, Field

from client.reading_room.access import accounts
from client.reading_room.access.accounts import MAX_PASSWORD, MIN_PASSWORD
from client.reading_room.access.roles import ROLES
from client.reading_room.access.sessions import Session
from client.reading_room.store import audit
from client.reading_room.store.audit_lines import Filter, as_json_lines, count_lines, newest_lines
from client.reading_room.store.clock import now
from client.reading_room.store.database import transaction
from client.reading_room.web import templates
from client.reading_room.web.visitor import Database, TheRoom, may
from gmmas_core.types import DISCLAIMER, DataError

router = APIRouter()
Viewer = Annotated[Session, Depends(may("view"))]
Keeper = Annotated[Session, Depends(may("accounts"))]
Auditor = Annotated[Session, Depends(may("audit"))]
Name = Annotated[str, Query(max_length=64)]

PER_PAGE = 100

Password = Annotated[str, Field(max_length=10 * MAX_PASSWORD)]


class NewAccount(BaseModel):
    """Somebody who is to come in."""

    name: str = Field(max_length=100)
    role: str = Field(max_length=100)
    password: Password


class NewPassword(BaseModel):
    """For an account."""

    password: Password


class OwnPassword(BaseModel):
    """The present password and the next."""

    present: Password
    password: Password


class NewRole(BaseModel):
    """For an account."""

    role: str = Field(max_length=100)


class AccountAnswer(BaseModel):
    """An account as it is now."""

    name: str
    role: str
    disabled: bool
    notice: str = DISCLAIMER


@router.get("/accounts", response_class=HTMLResponse, include_in_schema=False)
def accounts_page(request: Request, connection: Database, session: Keeper) -> str:
    """All accounts."""
    found = accounts.accounts(connection)
    return templates.page(
        "accounts.html", request, session, accounts=found, roles=ROLES, shortest=MIN_PASSWORD, longest=MAX_PASSWORD
    )


@router.get("/account", response_class=HTMLResponse, include_in_schema=False)
def account_page(request: Request, session: Viewer) -> str:
    """One's own."""
    return templates.page("account.html", request, session, shortest=MIN_PASSWORD, longest=MAX_PASSWORD)


@router.post("/api/accounts", status_code=201, tags=["administration"])
def add_account(connection: Database, session: Keeper, account: NewAccount) -> AccountAnswer:
    """Make an account."""
    with transaction(connection):
        accounts.add_user(connection, account.name, account.role, account.password, by=session.user.name)
    return _answer(connection, account.name)


@router.put("/api/accounts/{name}/password", tags=["administration"])
def reset_password(connection: Database, session: Keeper, name: str, new: NewPassword) -> AccountAnswer:
    """Give an account another password; its sessions end."""
    with transaction(connection):
        accounts.change_password(connection, name, new.password, by=session.user.name)
    return _answer(connection, name)


@router.put("/api/accounts/{name}/role", tags=["administration"])
def set_role(connection: Database, session: Keeper, name: str, new: NewRole) -> AccountAnswer:
    """Give an account another role; its sessions end. One administrator always stays."""
    with transaction(connection):
        accounts.change_role(connection, name, new.role, by=session.user.name)
    return _answer(connection, name)


@router.delete("/api/accounts/{name}", tags=["administration"])
def disable(connection: Database, session: Keeper, name: str) -> AccountAnswer:
    """Close an account for good; what its owner signed stays. One administrator always stays."""
    with transaction(connection):
        accounts.disable_user(connection, name, by=session.user.name)
    return _answer(connection, name)


@router.put("/api/account/password", status_code=204, tags=["administration"])
def change_own_password(request: Request, connection: Database, session: Viewer, passwords: OwnPassword) -> None:
    """Change one's own password; all of one's sessions end, this one too."""
    name = session.user.name
    wait_s = request.app.state.tries.wait_s(name)
    if wait_s > 0:
        raise DataError(f"password: found too many tries; expected a pause; try again in {wait_s:.0f} s")
    if accounts.check_password(connection, name, passwords.present) is None:
        raise DataError("present password: found another one; expected yours; try again")
    request.app.state.tries.forgive(name)
    with transaction(connection):
        accounts.change_password(connection, name, passwords.password, by=name)


@router.get("/audit", response_class=HTMLResponse, include_in_schema=False)
def audit_page(
    request: Request,
    connection: Database,
    session: Auditor,
    user: Name = "",
    study: Name = "",
    before: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> str:
    """Who did what, newest first, and whether the chain is whole."""
    wanted = Filter(user=user.strip(), study=study.strip())
    lines = newest_lines(connection, wanted, before=before, limit=PER_PAGE + 1)
    shown = [(line, _details(line.details)) for line in lines[:PER_PAGE]]
    return templates.page(
        "audit.html",
        request,
        session,
        lines=shown,
        wanted=wanted,
        total=count_lines(connection, wanted),
        problems=audit.verify(connection),
        head=audit.head(connection),
        names=[account.name for account in accounts.accounts(connection)],
        before=before,
        older=lines[PER_PAGE - 1].line if len(lines) > PER_PAGE else 0,
    )


@router.get("/api/audit.jsonl", tags=["administration"], response_class=StreamingResponse)
def download_audit(
    connection: Database, room: TheRoom, session: Auditor, user: Name = "", study: Name = ""
) -> StreamingResponse:
    """The audit as JSON lines, oldest first; each holds its own hash and that of the line before."""
    with transaction(connection):
        audit.add_line(connection, at=now(), user=session.user.name, action="downloaded audit")

    def lines() -> Iterator[str]:
        # A connection of its own: that of the request is closed before the answer is streamed.
        with room.database() as own:
            yield from as_json_lines(own, Filter(user=user.strip(), study=study.strip()))

    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"'}
    return StreamingResponse(lines(), media_type="application/jsonl", headers=headers)


def _details(text: str) -> list[tuple[str, str]]:
    """The details of a line as words; a line that somebody damaged is shown as it is."""
    try:
        found = json.loads(text)
        pairs = [
            (str(key), ", ".join(map(str, value)) if isinstance(value, list) else str(value))
            for key, value in found.items()
        ]
    except (ValueError, AttributeError):
        return [("unreadable", text)]
    return pairs


def _answer(connection: Database, name: str) -> AccountAnswer:
    found = next(each for each in accounts.accounts(connection) if each.name == name)
    return AccountAnswer(name=found.name, role=found.role, disabled=found.disabled_at is not None)
