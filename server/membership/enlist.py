"""Who is there: every node is asked once who it is; different code or configuration is refused.

Flower compares neither versions nor code; a federation of two different networks would average nonsense without a word.
Nothing here blocks but `enlist` at the start: sites come, go and return while rounds are played.
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flwr.app import Message, MessageType

from gmmas_core import wire
from gmmas_core.types import FederationError, GmmasError, SiteStatus
from server.membership.node_identity import approved_sites, require_member
from server.membership.roll import Query
from server.rounds.exchange import LOST, MAX_SENDS, shown
from server.rounds.link import Link, UnreadableReply
from server.run import Run
from server.screening.updates import screen_status

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""What a site may be called; names become files, lines and messages here."""


def enlist(run: Run) -> None:
    """Fill `run.enlisted` and `run.nodes` with the sites that are online and run the same core and configuration.

    Waits until `federation.min_sites` are online, all of them have answered and every mandatory site is among them.

    Raises:
        FederationError: fewer than `federation.min_sites` came online or fit, or a mandatory site did not, within
            `federation.start_timeout_s`; the message names what differs for each.
    """
    settings = run.config.federation
    deadline = time.monotonic() + settings.start_timeout_s
    last_online = -1
    if run.federation is not None:
        run.watch("members", {"sites": approved_sites(run.federation)})
    while True:
        _look(run)
        is_over = time.monotonic() >= deadline
        online = len(run.nodes) + len(run.roll.refused) + len(run.roll.queries)
        answered = online >= settings.min_sites and not run.roll.queries
        if answered and len(run.nodes) < settings.min_sites:
            break
        if (answered and not _missing(run)) or is_over:
            break
        if online != last_online and (answered or online < settings.min_sites):
            run.watch("waiting", {"online": online})
            last_online = online
        time.sleep(settings.poll_s)
    _require_start(run, online)
    sites = {site: _entry(status) for site, status in run.enlisted.items()}
    left_out = _left_out(run)
    run.roll.told.update(run.roll.refused.values())
    run.ledger.append("enlisted", coordinator=_coordinator(run), sites=sites, left_out=left_out)
    run.watch("enlisted", {"sites": sites, "left_out": left_out})


def refresh_sites(run: Run) -> Mapping[int, str]:
    """Notice who left, came back or is new, without waiting for anybody; keeps `run.nodes` and `run.enlisted` current.

    One look at the grid's nodes, and one message to each node never seen; its answer is taken by a later call. While
    the SuperLink does not answer everything stays as it is.

    Returns:
        `run.nodes`, now.
    """
    before, known = dict(run.nodes), dict(run.enlisted)
    _look(run)
    gone, back = set(before.values()) - set(run.nodes.values()), set(run.nodes.values()) - set(before.values())
    for site in sorted(gone):
        run.watch("site-left", {"site": site})
    for site in sorted(set(run.nodes.values())):
        if known.get(site) != run.enlisted[site]:
            run.ledger.append("joined", site=site, **_entry(run.enlisted[site]))
    for site in sorted(back):
        run.watch("site-joined", {"site": site})
    for node, reason in run.roll.refused.items():
        if reason not in run.roll.told:
            run.roll.told.add(reason)
            run.ledger.append("refused", node=run.roll.label(node), reason=reason)
            run.watch("site-refused", {"node": run.roll.label(node), "reason": reason})
    return run.nodes


def askable(run: Run) -> dict[int, str]:
    """Node -> site of the sites that are online and not quarantined."""
    return {node: site for node, site in run.nodes.items() if site not in run.memory.screen.quarantined}


def wait_for_sites(run: Run) -> None:
    """Let a quorum and the mandatory sites come back, at most `federation.start_timeout_s`; then go on regardless."""
    settings = run.config.federation
    deadline = time.monotonic() + settings.start_timeout_s
    told = False
    while True:
        refresh_sites(run)
        online = askable(run)
        if len(online) >= settings.quorum and set(settings.mandatory) <= set(online.values()):
            return
        if time.monotonic() >= deadline:
            return
        if not told:
            run.watch("waiting", {"online": len(online)})
            told = True
        time.sleep(settings.poll_s)


def _look(run: Run) -> None:
    """One look at the grid."""
    link = Link(run.grid, run.watch, run.config.federation.poll_s)
    online = link.online()
    if online is None:
        return
    roll = run.roll
    roll.refused = {node: reason for node, reason in roll.refused.items() if node in online}
    roll.queries = {node: query for node, query in roll.queries.items() if node in online}
    for node in sorted(online.keys() - roll.known.keys() - roll.refused.keys() - roll.queries.keys()):
        roll.label(node)
        roll.queries[node] = Query("", 0)
    for node, query in list(roll.queries.items()):
        _ask(run, link, node, query)
    _seat(run, online)


def _seat(run: Run, online: Mapping[int, str]) -> None:
    """Fill `run.nodes`: one node for every site, the one that has it for as long as it is online."""
    run.nodes = {node: site for node, site in run.nodes.items() if node in online}
    for node, status in run.roll.known.items():
        if node not in online or node in run.nodes:
            continue
        if status.site not in run.nodes.values():
            run.nodes[node] = status.site
            run.enlisted[status.site] = status
            run.roll.refused.pop(node, None)
        else:
            run.roll.refused[node] = (
                f"site {status.site!r}: found this name twice; expected unique names in site.yaml; "
                "this node waits until the other has left"
            )


def _ask(run: Run, link: Link, node: int, query: Query) -> None:
    """Push one node's query when it is due, or take its answer when it is there."""
    if not query.message_id:
        if query.sends == MAX_SENDS:
            del run.roll.queries[node]
            run.roll.refused[node] = f"{run.roll.label(node)}: lost the question who it is {MAX_SENDS} times"
            return
        content = wire.query_to_content(run.overrides)
        ttl = run.config.federation.start_timeout_s
        message_id = link.push(Message(content, node, MessageType.QUERY, ttl=ttl, group_id="0"))
        if message_id is not None:
            query.message_id, query.sends = message_id, query.sends + 1
        return
    try:
        reply = link.pull(query.message_id)
        if reply is None:
            return
        if reply.has_error() and reply.error.code in LOST:
            query.message_id = ""
            return
        if reply.has_error():
            raise FederationError(f"its application failed (Flower error code {reply.error.code})")
        status = wire.read_status(reply.content)
        _check_name(status)
        screen_status(status, run.config.task_list)
        _check_same_code(status, run)
        if run.federation is not None:
            require_member(run.federation, status.site, link.public_key(node), datetime.now(UTC))
    except (GmmasError, UnreadableReply) as error:
        reason = f"{error}" if isinstance(error, GmmasError) else f"its reply cannot be read ({error})"
        run.roll.refused[node] = shown(reason)
    else:
        run.roll.known[node] = status
    del run.roll.queries[node]


def _missing(run: Run) -> list[str]:
    return sorted(set(run.config.federation.mandatory) - set(run.nodes.values()))


def _left_out(run: Run) -> dict[str, str]:
    silent = f"no reply within {run.config.federation.start_timeout_s:g} s"
    reasons = run.roll.refused | dict.fromkeys(run.roll.queries, silent)
    return {run.roll.label(node): reason for node, reason in sorted(reasons.items())}


def _require_start(run: Run, online: int) -> None:
    settings = run.config.federation
    if online < settings.min_sites:
        raise FederationError(
            f"start: found {online} sites online; expected at least {settings.min_sites} within "
            f"{settings.start_timeout_s:g} s; start the missing sites or lower federation.min_sites"
        )
    reasons = "; ".join(f"{label}: {reason}" for label, reason in _left_out(run).items())
    if len(run.nodes) < settings.min_sites:
        raise FederationError(
            f"start: found {len(run.nodes)} fit sites; expected at least {settings.min_sites}; "
            f"left out: {reasons or '-'}"
        )
    if missing := _missing(run):
        raise FederationError(
            f"start: found no {', '.join(missing)}; expected every site in federation.mandatory within "
            f"{settings.start_timeout_s:g} s; start them or take them off the list; left out: {reasons or '-'}"
        )


def _entry(status: SiteStatus) -> dict[str, Any]:
    return {
        "cases": dict(status.num_cases),
        "sequences": dict(status.num_sequences),
        "labels": dict(status.num_labels),
        "release": status.release,
        "image": status.image,
        "fingerprint": status.core_fingerprint,
        "config_hash": status.config_hash,
    }


def _coordinator(run: Run) -> dict[str, str]:
    """What plays the run now, which may be another release than the one that began it."""
    return {
        "release": run.software.release,
        "image": run.software.image,
        "fingerprint": run.fingerprint.digest,
        "config_hash": run.config_hash,
    }


def _check_name(status: SiteStatus) -> None:
    if _NAME.fullmatch(status.site) is None:
        raise FederationError(
            "site: found a name with unusual characters; expected a letter or digit, then letters, digits, _ and -"
        )


def _check_same_code(status: SiteStatus, run: Run) -> None:
    ours = dict(run.fingerprint.parts)
    releases = f"{status.release} there, {run.software.release} here"
    differing = sorted(name for name in ours if status.fingerprint_parts.get(name) != ours[name])
    if differing or status.core_fingerprint != run.fingerprint.digest:
        raise FederationError(
            f"site {status.site!r}: found another {' and '.join(differing) or 'fingerprint'}; expected the "
            f"coordinator's; install the same release on both sides ({releases})"
        )
    if status.config_hash != run.config_hash:
        raise FederationError(
            f"site {status.site!r}: found another resolved configuration; expected the coordinator's; "
            f"install the same release on both sides ({releases})"
        )
