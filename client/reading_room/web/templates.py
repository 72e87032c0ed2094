"""Pages from templates: escaped, with what every page needs."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from fastapi import Request
from jinja2 import Environment

from client.reading_room.access.roles import MAY
from client.reading_room.access.sessions import Session
from client.reading_room.jinja import environment_of
from gmmas_core.types import DISCLAIMER


def page(name: str, request: Request, session: Session | None = None, **content: Any) -> str:
    """A page's text.

    Args:
        name: of the template.
        request: that asks for it.
        session: of who asks, where somebody is signed in.
        content: what the template shows.
    """
    user = None if session is None else session.user
    allowed = frozenset(action for action, roles in MAY.items() if user is not None and user.role in roles)
    return (
        _environment()
        .get_template(name)
        .render(
            disclaimer=DISCLAIMER,
            site=request.app.state.room.site,
            user=user,
            csrf="" if session is None else session.csrf,
            may=allowed,
            **content,
        )
    )


def age(moment: str, now: datetime | None = None) -> str:
    """How long ago a moment of the room's clock was, in one word and a number."""
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(moment)).total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


@cache
def _environment() -> Environment:
    environment = environment_of("client.reading_room.web")
    environment.filters["age"] = age
    return environment
