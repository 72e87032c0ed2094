"""Coming in and going out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from client.reading_room.access import sessions
from client.reading_room.access.accounts import MAX_PASSWORD, check_password
from client.reading_room.access.sessions import Session
from client.reading_room.store import audit
from client.reading_room.store.clock import now
from client.reading_room.store.database import transaction
from client.reading_room.web import templates
from client.reading_room.web.visitor import COOKIE, Database, TheRoom, may

router = APIRouter(include_in_schema=False)


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in_page(request: Request) -> str:
    """The form."""
    return templates.page("sign_in.html", request, problem="")


@router.post("/sign-in")
def sign_in(
    request: Request,
    connection: Database,
    room: TheRoom,
    name: Annotated[str, Form(max_length=100)] = "",
    password: Annotated[str, Form(max_length=10 * MAX_PASSWORD)] = "",
) -> Response:
    """Begin a session, or say that name or password are wrong, never which."""
    wait_s = request.app.state.tries.wait_s(name)
    if wait_s > 0:
        problem = f"found too many tries; expected a pause; try again in {wait_s:.0f} s"
        return HTMLResponse(templates.page("sign_in.html", request, problem=problem), status_code=429)
    user = check_password(connection, name, password)
    with transaction(connection):
        if user is None:
            audit.add_line(connection, at=now(), user="system", action="refused sign-in")
        else:
            sessions.sweep(connection)
            token = sessions.begin(connection, user)
            audit.add_line(connection, at=now(), user=user.name, action="signed in")
    if user is None:
        problem = "found another name or password; expected those of an account; try again"
        return HTMLResponse(templates.page("sign_in.html", request, problem=problem), status_code=403)
    request.app.state.tries.forgive(name)
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=room.secure_cookies, path="/")
    return answer


@router.post("/api/sign-out")
def sign_out(request: Request, connection: Database, session: Annotated[Session, Depends(may("view"))]) -> Response:
    """End the session."""
    with transaction(connection):
        sessions.end(connection, request.cookies.get(COOKIE, ""))
        audit.add_line(connection, at=now(), user=session.user.name, action="signed out")
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/")
    return answer
