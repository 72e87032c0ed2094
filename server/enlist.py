"""Before the first round: wait for the sites, ask each who it is, refuse different code or configuration.

Flower compares neither versions nor code; a federation of two different networks would average nonsense without a word.
"""

import time

from flwr.app import MessageType, RecordDict

from gmmas_core import wire
from gmmas_core.types import FederationError, SiteStatus
from server.rounds import collect
from server.run import Run


def enlist(run: Run) -> None:
    """Fill `run.sites` with the sites that are online and run the same core and configuration.

    Raises:
        FederationError: fewer than `federation.min_sites` came online or fit; the message names what differs for each.
    """
    settings = run.config.federation
    labels = {node: f"node {number}" for number, node in enumerate(_wait_for_nodes(run), start=1)}
    statuses: dict[str, SiteStatus] = {}

    def on_reply(label: str, content: RecordDict) -> None:
        status = wire.read_status(content)
        _check_same_code(status, run)
        if status.site in {known.site for known in statuses.values()}:
            raise FederationError(f"site {status.site!r}: found this name twice; expected unique names in site.yaml")
        statuses[label] = status

    answer = collect(
        run.grid,
        wire.query_to_content(run.overrides),
        MessageType.QUERY,
        labels,
        group="0",
        deadline_s=settings.start_timeout_s,
        poll_s=settings.poll_s,
        on_reply=on_reply,
    )
    if len(statuses) < settings.min_sites:
        reasons = "; ".join(f"{label}: {reason}" for label, reason in answer.left_out.items())
        raise FederationError(
            f"start: found {len(statuses)} fit sites; expected at least {settings.min_sites}; "
            f"left out: {reasons or '-'}"
        )
    run.sites = {node: statuses[label] for node, label in labels.items() if label in statuses}
    sites = {
        status.site: {
            "cases": dict(status.num_cases),
            "sequences": dict(status.num_sequences),
            "labels": dict(status.num_labels),
        }
        for status in run.sites.values()
    }
    run.ledger.append("enlisted", sites=sites, left_out=answer.left_out)
    run.watch("enlisted", {"sites": sites, "left_out": answer.left_out})


def _wait_for_nodes(run: Run) -> list[int]:
    settings = run.config.federation
    deadline = time.monotonic() + settings.start_timeout_s
    while len(nodes := sorted(run.grid.get_node_ids())) < settings.min_sites:
        if time.monotonic() > deadline:
            raise FederationError(
                f"start: found {len(nodes)} sites online; expected at least {settings.min_sites} within "
                f"{settings.start_timeout_s:g} s; start the missing sites or lower federation.min_sites"
            )
        run.watch("waiting", {"online": len(nodes)})
        time.sleep(settings.poll_s)
    return nodes


def _check_same_code(status: SiteStatus, run: Run) -> None:
    ours = dict(run.fingerprint.parts)
    differing = sorted(name for name in ours if status.fingerprint_parts.get(name) != ours[name])
    if differing or status.core_fingerprint != run.fingerprint.digest:
        raise FederationError(
            f"site {status.site!r}: found another {' and '.join(differing) or 'fingerprint'}; expected the "
            "coordinator's; install the same release on both sides"
        )
    if status.config_hash != run.config_hash:
        raise FederationError(
            f"site {status.site!r}: found another resolved configuration; expected the coordinator's; "
            "install the same release on both sides"
        )
