"""Answering one message: what was done is written down, and of an error nothing leaves but a short clean line.

Whatever leaves, refusals and replies that are sent again included, is in the log of departures first. Where that log
cannot be written, or no site.yaml says where it lies, a fixed sentence leaves in the place of the answer, and nothing
else.
"""

import logging
import os
from collections.abc import Callable

from flwr.app import Context, Message, RecordDict

from client.egress import depart
from client.joining.enrolment import CONNECTION, enrolment_folder, read_connection
from client.node.events import log_bytes, tell
from client.node.resources import shortages_told
from client.node.site_log import log_failure
from client.rounds.desk import LAB_SITES, find_site
from client.rounds.outward import outward
from client.site import Site
from gmmas_core import wire
from gmmas_core.types import DataError, GmmasError

_log = logging.getLogger(__name__)

UNRECORDED = "policy: found that this site cannot write down what leaves it; nothing was sent"
NO_SITE = "node: found no site.yaml that it can use; expected one; the site finds out why with gmmas-site check"


def reply(message: Message, context: Context, answer: Callable[[Site], RecordDict]) -> Message:
    """Answer, or refuse in words that carry nothing of the hospital's data."""
    try:
        site = find_site(context)
    except Exception as error:
        _log.error("%s", error)  # to where the node was started; there is no other place
        return Message(wire.refusal_to_content(NO_SITE), reply_to=message)
    try:
        with shortages_told():
            content = answer(site)
    except GmmasError as error:
        content = wire.refusal_to_content(_refused(site, error))
    except Exception as error:
        content = wire.refusal_to_content(_failed(site, error))
    return Message(_recorded(site, message, content), reply_to=message)


def _recorded(site: Site, message: Message, content: RecordDict) -> RecordDict:
    """The content, once it is in the log of departures; a fixed refusal where it cannot be."""
    what = "refusal" if wire.is_refusal(content) else message.metadata.message_type
    try:
        depart(site, what, content, message.content, _addressee(site))
    except Exception as error:
        _failed(site, error)
        return wire.refusal_to_content(UNRECORDED)
    return content


def _addressee(site: Site) -> str:
    """Who asked: the federation this site is enrolled in, the lab, or a SuperLink that no enrolment speaks of."""
    if LAB_SITES in os.environ:
        return "simulation"
    if not (enrolment_folder(site) / CONNECTION).exists():
        return "not enrolled"
    try:
        connection = read_connection(site)
    except DataError:  # e.g. site.yaml names another site than the one that was enrolled
        return "an enrolment that does not fit this site"
    return f"{connection.federation} at {connection.server}"


def _refused(site: Site, error: GmmasError) -> str:
    """Words for the coordinator; where they hide something, the site's own log has it."""
    told = outward(error)
    tell(site, "refused", level="warning", reason=told)
    if told != str(error) or error.__cause__ is not None:
        log_failure(site.state, error, log_bytes(site))
    return told


def _failed(site: Site, error: Exception) -> str:
    tell(site, "failed", level="error", reason=f"{type(error).__name__}; failures.log has the details")
    log_failure(site.state, error, log_bytes(site))
    return f"{type(error).__name__} at the site; its own log has the details"
