"""One exchange of messages with every site: push, then collect one reply at a time.

Written on Flower's Grid because Flower's own loop waits for ever, holds all replies in memory, cannot resume and dies
on one odd key. A reply is pulled by its own message id, handed over and dropped, so the coordinator never holds two.
Flower delivers an instruction once: when a SuperNode dies with it, an error (or nothing at all) comes back; a site that
is online again is therefore asked again, which is safe because sites answer a repeated request from their store.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flwr.app import Message, RecordDict
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid

from gmmas_core.types import GmmasError

LOST = (
    ErrorCode.MESSAGE_UNAVAILABLE,
    ErrorCode.REPLY_MESSAGE_UNAVAILABLE,
    ErrorCode.NODE_UNAVAILABLE,
    ErrorCode.CLIENT_APP_CRASHED,
)
MAX_SENDS = 4

OnReply = Callable[[str, RecordDict], None]
"""Takes a site's name and its reply; raises GmmasError when the reply is not fit to be counted."""


@dataclass
class Collected:
    """Which sites were counted, and why the others were not."""

    counted: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass
class _Request:
    """What is known of one site's request."""

    site: str
    message_id: str | None = None
    sends: int = 0
    sent_at: float = 0.0


def collect(
    grid: Grid,
    content: RecordDict,
    message_type: str,
    nodes: Mapping[int, str],
    *,
    group: str,
    deadline_s: float,
    poll_s: float,
    on_reply: OnReply,
) -> Collected:
    """Ask every node, hand each reply over as it arrives, and return when all have answered or the deadline has passed.

    Args:
        grid: Flower's grid.
        content: the same request for everyone.
        message_type: "train", "evaluate" or "query".
        nodes: node id -> site name.
        group: Flower's message group, the round's number.
        deadline_s: seconds from now.
        poll_s: pause between two looks when nothing came.
        on_reply: called once per site with a good reply; at most one reply is alive at any time.

    Returns:
        The sites counted, in order of arrival, and the reasons for the others.
    """
    pending = {node: _Request(site) for node, site in nodes.items()}
    collected = Collected()
    deadline = time.monotonic() + deadline_s
    while pending and time.monotonic() < deadline:
        _send_due(grid, content, message_type, pending, collected, group, deadline - time.monotonic())
        arrived = [node for node in list(pending) if _pull(grid, node, pending, collected, on_reply)]
        if pending and not arrived:
            time.sleep(poll_s)
    for request in pending.values():
        collected.left_out[request.site] = f"no reply within {deadline_s:g} s"
    return collected


def _send_due(
    grid: Grid,
    content: RecordDict,
    message_type: str,
    pending: dict[int, _Request],
    collected: Collected,
    group: str,
    seconds_left: float,
) -> None:
    """Send to sites not asked yet, and again to those that restarted since they were asked."""
    online = {info.node_id: info.last_activated_at for info in grid.get_nodes()}
    for node, request in list(pending.items()):
        if node not in online:
            continue
        restarted = request.message_id is not None and _timestamp(online[node]) > request.sent_at
        if request.message_id is not None and not restarted:
            continue
        if request.sends == MAX_SENDS:
            collected.left_out[request.site] = f"lost its work {MAX_SENDS} times (its process ended before replying)"
            del pending[node]
            continue
        message = Message(content, node, message_type, ttl=max(1.0, seconds_left), group_id=group)
        (request.message_id,) = grid.push_messages([message])
        request.sends += 1
        request.sent_at = time.time()


def _timestamp(last_activated_at: str | None) -> float:
    return datetime.fromisoformat(last_activated_at).timestamp() if last_activated_at else 0.0


def _pull(grid: Grid, node: int, pending: dict[int, _Request], collected: Collected, on_reply: OnReply) -> bool:
    """Pull one site's reply if it is there; errors are mapped to the site by the request's own message id."""
    request = pending[node]
    if request.message_id is None:
        return False
    for reply in grid.pull_messages([request.message_id]):
        if reply.has_error() and reply.error.code in LOST:
            request.message_id = None
            return False
        del pending[node]
        if reply.has_error():
            collected.left_out[request.site] = f"its application failed (Flower error code {reply.error.code})"
            return True
        try:
            on_reply(request.site, reply.content)
        except GmmasError as error:
            collected.left_out[request.site] = str(error)
        else:
            collected.counted.append(request.site)
        return True
    return False
