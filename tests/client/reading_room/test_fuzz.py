"""The documented API under a generator of requests, well-formed and not: never an error of the server."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from client.reading_room.room import Room
from client.reading_room.web.app import build_app

pytestmark = pytest.mark.slow

EXAMPLES = 6

FINAL = {("post", "/api/sign-out"), ("delete", "/api/studies/{study_id}")}
"""What would end the session, or the study that everything else is tried on."""


def requests(operation: Any, study_id: str) -> Iterator[Any]:
    """As documented and against the documentation, for the study that is there and for others."""
    known = {"study_id": study_id} if "{study_id}" in operation.path else None
    yield operation.as_strategy()
    if known:
        yield operation.as_strategy(path_parameters=known)
    if operation.body or operation.query:
        yield operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=known)


def send(strategy: Any, headers: dict[str, str], cookies: dict[str, str]) -> None:
    """A few requests of one kind."""

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=strategy)
    def call(case: Any) -> None:
        answer = case.call(headers=headers, cookies=cookies)
        case.validate_response(answer, checks=[not_a_server_error])

    with suppress(Unsatisfiable):  # nothing can be wrong with a request that has no parts
        call()


def test_no_request_makes_an_error_of_the_server(
    read_study: Callable[..., tuple[Room, str]], enter: Callable[..., TestClient]
) -> None:
    room, study_id = read_study()
    tried: set[str] = set()
    for role in ("clinician", "admin"):
        browser = enter(role, room)
        headers = {"X-CSRF-Token": browser.headers["X-CSRF-Token"], "Host": "127.0.0.1:8001"}
        schema = schemathesis.openapi.from_asgi("/api/openapi.json", build_app(room), headers=headers)
        for operation in (result.ok() for result in schema.get_all_operations()):
            if (operation.method, operation.path) not in FINAL:
                for strategy in requests(operation, study_id):
                    send(strategy, headers, dict(browser.cookies))
                tried.add(f"{operation.method} {operation.path}")
    assert len(tried) >= 8
