"""One exchange of messages with the sites of a round: push, then collect one reply at a time.

Written on Flower's Grid because Flower's own loop waits for ever, holds all replies in memory, cannot resume and dies
on one odd key. A reply is pulled by its own message id, handed over and dropped, so the coordinator never holds two.
Flower delivers an instruction once: when a SuperNode dies with it, an error (or nothing at all) comes back; a site that
is online again, under its old node id or another, is therefore asked again, which is safe because sites answer a
repeated request from their store; of two answers the first counts.
"""

import time
from collections.abc import Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime

from flwr.app import Message, RecordDict
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid

from gmmas_core.types import GmmasError
from server.rounds.deadlines import Deadlines
from server.rounds.link import Link, UnreadableReply, Watch

LOST = (
    ErrorCode.MESSAGE_UNAVAILABLE,
    ErrorCode.REPLY_MESSAGE_UNAVAILABLE,
    ErrorCode.NODE_UNAVAILABLE,
    ErrorCode.CLIENT_APP_CRASHED,
)
MAX_SENDS = 4
MAX_UNREADABLE = 3
MAX_REASON = 500  # characters
REFRESH_S = 5.0
"""Between two looks for sites that came back under another node id."""

OnReply = Callable[[str, RecordDict], None]
"""Takes a site's name and its reply; raises GmmasError when the reply is not fit to be counted."""

Content = RecordDict | Callable[[str], RecordDict]
"""A request: the same for everyone, or by site."""

Refresh = Callable[[], Mapping[int, str]]
"""The nodes that may be asked now: node id -> site."""


@dataclass
class Collected:
    """How a round's question was answered.

    Attributes:
        counted: the sites with a good reply, in order of arrival.
        left_out: site -> why not.
        seconds: counted site -> seconds from its last question to its reply.
        late: the sites asked that had not answered when the round closed; also in `left_out`.
        unanswered: message id -> site of every question still out, those of re-sent questions included.
    """

    counted: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    unanswered: dict[str, str] = field(default_factory=dict)


@dataclass
class _Request:
    """What is known of one site's request; times are Unix seconds, to be compared with Flower's."""

    node: int
    out: list[str] = field(default_factory=list)  # message ids; more than one after it was asked again
    due: bool = True  # its node has not been asked yet
    sends: int = 0
    sent_at: float = 0.0
    unreadable: int = 0


def collect(
    grid: Grid,
    content: Content,
    message_type: str,
    nodes: Mapping[int, str],
    *,
    group: str,
    deadlines: Deadlines,
    quorum: int,
    mandatory: Collection[str],
    poll_s: float,
    on_reply: OnReply,
    watch: Watch,
    refresh: Refresh | None = None,
) -> Collected:
    """Ask every site, hand each reply over as it arrives, and return when all have answered or waiting has an end.

    Args:
        grid: Flower's grid.
        content: the request, for everyone or by site.
        message_type: "train", "evaluate" or "query", or one of them with an action, "train.share".
        nodes: node id -> site name; nobody else is asked.
        group: Flower's message group, the round's number.
        deadlines: at the soft one a quorum with every mandatory site is enough, at the hard one the round closes.
        quorum: good replies that are enough.
        mandatory: sites that are waited for until the hard deadline, if they are among `nodes`.
        poll_s: pause between two looks when nothing came.
        on_reply: called at most once per site; at most one reply is alive at any time.
        watch: told site-asked, site-left-out, site-late and superlink-unreachable.
        refresh: where the sites are now, asked for every few seconds; None keeps to `nodes`.

    Returns:
        The sites counted, and the reasons for the others.
    """
    question = _Question(content, message_type, group, Link(grid, watch, poll_s), on_reply, watch)
    question.pending = {site: _Request(node) for node, site in nodes.items()}
    waited_for = {*mandatory} & {*nodes.values()}
    started = looked = time.monotonic()
    while True:
        # One look at least comes after the deadline: an outage may have passed it inside a call.
        question.look(started + deadlines.hard_s)
        waited = time.monotonic() - started
        enough = len(question.outcome.counted) >= quorum and waited_for <= set(question.outcome.counted)
        limit_s = deadlines.soft_s if enough else deadlines.hard_s
        if not question.pending or waited >= limit_s:
            return question.close(limit_s)
        if refresh is not None and time.monotonic() - looked >= REFRESH_S:
            question.move(refresh())
            looked = time.monotonic()
        if not question.arrived:
            time.sleep(max(0.0, min(question.link.pause_s, limit_s - waited)))


def collect_late(grid: Grid, unanswered: MutableMapping[str, str]) -> list[str]:
    """Pull and drop what came of questions of closed rounds, so that the SuperLink need not keep it.

    Args:
        grid: Flower's grid.
        unanswered: message id -> site; answered ones are removed.

    Returns:
        The sites that did answer after all, sorted; their weights are never decoded.
    """
    link = Link(grid, lambda kind, fields: None, 0.0)
    answered = set()
    for message_id, site in list(unanswered.items()):
        try:
            reply = link.pull(message_id)
        except UnreadableReply:
            del unanswered[message_id]
            continue
        if reply is not None:
            del unanswered[message_id]
            if not reply.has_error():
                answered.add(site)
    return sorted(answered)


@dataclass
class _Question:
    """One question to several sites, until it is closed."""

    content: Content
    message_type: str
    group: str
    link: Link
    on_reply: OnReply
    watch: Watch
    pending: dict[str, _Request] = field(default_factory=dict)
    outcome: Collected = field(default_factory=Collected)
    arrived: bool = False

    def look(self, ends_at: float) -> None:
        """Ask whom it is time to ask, unless the monotonic clock is past `ends_at`, and take what has come."""
        online = self.link.online() or {}
        for site, request in list(self.pending.items()):
            seconds_left = ends_at - time.monotonic()
            if seconds_left > 0 and request.node in online and _is_due(request, online[request.node]):
                self._send(site, request, seconds_left)
        self.arrived = False
        for site, request in list(self.pending.items()):
            for message_id in list(request.out):
                if site in self.pending:
                    self._pull(site, request, message_id)

    def move(self, nodes: Mapping[int, str]) -> None:
        """Follow sites to the node under which they are now; should the old one answer after all, that counts too."""
        homes = {site: node for node, site in nodes.items()}
        for site, request in self.pending.items():
            if homes.get(site, request.node) != request.node:
                request.node, request.due = homes[site], True

    def close(self, waited_s: float) -> Collected:
        """Give up on those that have not answered."""
        for site, request in list(self.pending.items()):
            self._leave_out(site, f"no reply within {waited_s:g} s")
            if request.sends:
                self.outcome.late.append(site)
                self.watch("site-late", {"site": site})
        return self.outcome

    def _send(self, site: str, request: _Request, seconds_left: float) -> None:
        if request.sends == MAX_SENDS:
            reason = (
                f"lost its work {MAX_SENDS} times (its process ended before replying, or the message was not taken)"
            )
            self._leave_out(site, reason)
            return
        # Past its time to live Flower neither delivers a question nor takes the answer.
        content = self.content(site) if callable(self.content) else self.content
        message = Message(content, request.node, self.message_type, ttl=max(1.0, seconds_left), group_id=self.group)
        message_id = self.link.push(message)
        if message_id is None:
            return
        request.sends += 1
        request.sent_at, request.due = time.time(), False
        if message_id:
            request.out.append(message_id)
            self.watch("site-asked", {"site": site, "sends": request.sends})

    def _pull(self, site: str, request: _Request, message_id: str) -> None:
        """Take one site's reply if it is there; errors are mapped to the site by the request's own message id."""
        try:
            reply = self.link.pull(message_id)
        except UnreadableReply as error:
            request.unreadable += 1
            if request.unreadable == MAX_UNREADABLE:
                self._leave_out(site, f"its reply cannot be read ({error})")
            return
        if reply is None:
            return
        request.out.remove(message_id)
        if reply.has_error():
            if reply.error.code not in LOST:
                self._leave_out(site, f"its application failed (Flower error code {reply.error.code})")
            return
        self.arrived = True
        try:
            self.on_reply(site, reply.content)
        except GmmasError as error:
            self._leave_out(site, shown(str(error)))
            return
        self.outcome.seconds[site] = time.time() - request.sent_at
        self.outcome.counted.append(site)
        self._note_unanswered(site, self.pending.pop(site))

    def _leave_out(self, site: str, reason: str) -> None:
        self.outcome.left_out[site] = reason
        self._note_unanswered(site, self.pending.pop(site))
        self.watch("site-left-out", {"site": site, "reason": reason})

    def _note_unanswered(self, site: str, request: _Request) -> None:
        self.outcome.unanswered.update(dict.fromkeys(request.out, site))


def shown(reason: str) -> str:
    """A reason that may quote what a site sent, fit for a ledger, a terminal and a page."""
    return "".join(letter if letter.isprintable() else "?" for letter in reason[:MAX_REASON])


def _is_due(request: _Request, last_activated_at: str) -> bool:
    """Not asked yet, its question was lost, or its node restarted since: Flower may never say that it is lost."""
    restarted = bool(last_activated_at) and datetime.fromisoformat(last_activated_at).timestamp() > request.sent_at
    return request.due or not request.out or restarted
