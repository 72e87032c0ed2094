"""Who asks: what a page or an answer of the API may take for granted about its request."""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Request

from client.reading_room.access import sessions
from client.reading_room.access.roles import require
from client.reading_room.access.sessions import Session
from client.reading_room.room import Room
from gmmas_core.types import DataError

COOKIE = "gmmas_session"


def the_room(request: Request) -> Room:
    """The room of this application."""
    room: Room = request.app.state.room
    return room


def database(room: Annotated[Room, Depends(the_room)]) -> Iterator[sqlite3.Connection]:
    """A connection for one request."""
    with room.database() as connection:
        yield connection


TheRoom = Annotated[Room, Depends(the_room)]
Database = Annotated[sqlite3.Connection, Depends(database)]


def signed_in(request: Request, connection: Database) -> Session:
    """The session of a request.

    Raises:
        HTTPException: 401, nobody is signed in.
    """
    session = sessions.find(connection, request.cookies.get(COOKIE, ""))
    if session is None:
        raise HTTPException(401, "found nobody signed in; expected a user; sign in")
    return session


def may(action: str) -> Callable[..., Session]:
    """A dependency: the session of somebody whose role includes an action, and for changes the page's own token.

    Args:
        action: key of `roles.MAY`.
    """

    def allowed(
        request: Request, session: Annotated[Session, Depends(signed_in)], x_csrf_token: Annotated[str, Header()] = ""
    ) -> Session:
        if request.method not in ("GET", "HEAD") and not session.owns(x_csrf_token):
            raise HTTPException(403, "found no valid page token; expected the page's own; reload it and try again")
        try:
            require(session.user.role, action)
        except DataError as error:
            raise HTTPException(403, str(error)) from None
        return session

    return allowed
