"""Client of one OpenAI-compatible endpoint: bounded in time and size, without redirects, proxies or anything from the
environment but the key.

Servers differ in what they take: a schema is asked for first, then any JSON object, then nothing but the prompt.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from client.reading_room.writer.settings import WriterSettings, key_of
from gmmas_core.types import DataError

Message = Mapping[str, str]
Schema = Mapping[str, Any]

REFUSED_FORMAT = (400, 415, 422, 500, 501)
"""Statuses after which a simpler `response_format` is tried: llama.cpp and older servers answer with any of them."""


class Unanswered(DataError):
    """The endpoint gave no answer that could be read; the message names no content of it."""


def ask_model(settings: WriterSettings, messages: Sequence[Message], schema: Schema) -> str:
    """The text that a model answers with.

    Args:
        settings: of the endpoint.
        messages: role and content each.
        schema: JSON schema that the answer shall follow; nothing here checks that it does.

    Raises:
        Unanswered: no key, no connection, another status than 200, a redirect, too slow, too large, or no answer in it.
    """
    try:
        return asyncio.run(_within_time(settings, messages, schema))
    except TimeoutError:
        raise Unanswered(
            f"model: found no whole answer within {settings.timeout_s:g} s; expected one; see whether it is running"
        ) from None
    except httpx.HTTPError as error:
        raise Unanswered(
            f"model: found {type(error).__name__} at {settings.host}; expected an answer; see whether it is running"
        ) from None


async def _within_time(settings: WriterSettings, messages: Sequence[Message], schema: Schema) -> str:
    """One deadline for connecting, all formats and the whole body: a server that drips bytes is too slow as well."""
    async with (
        asyncio.timeout(settings.timeout_s),
        httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=settings.timeout_s) as client,
    ):
        formats = _formats(schema)
        for position, format_ in enumerate(formats):
            status, body = await _post(client, settings, {**_body(settings, messages), **format_})
            if status not in REFUSED_FORMAT or position == len(formats) - 1:
                break
    if 300 <= status < 400:
        raise Unanswered("model: found a redirect; expected an answer; give the address itself")
    if status != 200:
        raise Unanswered(f"model: found status {status}; expected 200; see the model server's log")
    return _content(body)


def _formats(schema: Schema) -> tuple[dict[str, Any], ...]:
    named = {"name": "reply", "strict": True, "schema": schema}
    return (
        {"response_format": {"type": "json_schema", "json_schema": named}},
        {"response_format": {"type": "json_object"}},
        {},
    )


def _body(settings: WriterSettings, messages: Sequence[Message]) -> dict[str, Any]:
    return {
        "model": settings.model,
        "messages": list(messages),
        "temperature": 0,
        "seed": settings.seed,
        "stream": False,
    }


async def _post(client: httpx.AsyncClient, settings: WriterSettings, body: Mapping[str, Any]) -> tuple[int, bytes]:
    """Status and body; the body is empty for another status than 200."""
    key = key_of(settings)
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "gmmas-reading-room"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    address = f"{settings.endpoint.rstrip('/')}/chat/completions"
    async with client.stream("POST", address, json=body, headers=headers) as answer:
        if answer.status_code != 200:
            return answer.status_code, b""
        kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json" or answer.headers.get("content-encoding", "identity") != "identity":
            raise Unanswered("model: found another type of content; expected plain JSON; check the address")
        received = bytearray()
        async for part in answer.aiter_raw():
            received += part
            if len(received) > settings.max_bytes:
                raise Unanswered(
                    f"model: found an answer of more than {settings.max_bytes} bytes; expected a short one; ask again"
                )
        return 200, bytes(received)


def _content(body: bytes) -> str:
    """The text of the first choice."""
    try:
        choice = json.loads(body)["choices"][0]
        text, reason = choice["message"]["content"], choice.get("finish_reason")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise Unanswered("model: found no choice in the answer; expected one of a chat; check the address") from None
    if not isinstance(text, str) or not text.strip():
        raise Unanswered("model: found an empty answer; expected text; see the model server's log")
    if reason == "length":
        raise Unanswered("model: found an answer that was cut off; expected a whole one; allow the model more tokens")
    return text
