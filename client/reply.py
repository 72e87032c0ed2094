"""Answering one message: what was done is written down, and of an error nothing leaves but a short clean line."""

from collections.abc import Callable

from flwr.app import Context, Message, RecordDict

from client.desk import find_site
from client.events import log_bytes, tell
from client.outward import outward
from client.resources import shortages_told
from client.site import Site
from client.site_log import log_failure
from gmmas_core import wire
from gmmas_core.types import GmmasError


def reply(message: Message, context: Context, answer: Callable[[Site], RecordDict]) -> Message:
    """Answer, or refuse in words that carry nothing of the hospital's data."""
    site = None
    try:
        site = find_site(context)
        with shortages_told():
            content = answer(site)
    except GmmasError as error:
        content = wire.refusal_to_content(_refused(site, error))
    except Exception as error:
        content = wire.refusal_to_content(_failed(site, error))
    return Message(content, reply_to=message)


def _refused(site: Site | None, error: GmmasError) -> str:
    """Words for the coordinator; where they hide something, the site's own log has it."""
    told = outward(error)
    if site is not None:
        tell(site, "refused", level="warning", reason=told)
        if told != str(error) or error.__cause__ is not None:
            log_failure(site.state, error, log_bytes(site))
    return told


def _failed(site: Site | None, error: Exception) -> str:
    if site is not None:
        tell(site, "failed", level="error", reason=f"{type(error).__name__}; failures.log has the details")
        log_failure(site.state, error, log_bytes(site))
    return f"{type(error).__name__} at the site; its own log has the details"
