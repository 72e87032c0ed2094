"""One line for every message that leaves: when, what, how much, a hash of it, to whom; chained, so that none can go.

The line is on disk before the message is handed to Flower. It says what was about to leave: a message that is lost on
its way has its line all the same.
"""

from datetime import UTC, datetime

from flwr.app import ConfigRecord, RecordDict

from client.node.heartbeat import plain_run
from client.rounds.outward import scrub
from client.site import Site
from gmmas_core import wire
from gmmas_core.hash_chain import append

EGRESS = "egress.jsonl"
MAX_WORDS = 60


def depart(site: Site, what: str, content: RecordDict, request: RecordDict, to: str) -> str:
    """Write down that a message is about to leave.

    Args:
        site: whose log.
        what: kind of the answer: a type of Flower's messages, or "refusal".
        content: all that leaves.
        request: what is answered; only plain names and numbers of it are written down.
        to: addressee.

    Returns:
        The new head of the chain.

    Raises:
        DataError: the line cannot be written, or the log is damaged: the message must not leave.
    """
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "what": what,
        **_asked(request),
        "bytes": wire.content_bytes(content),
        "sha256": wire.content_hash(content),
        "to": to,
    }
    return append(site.state / EGRESS, line)


def _asked(request: RecordDict) -> dict[str, str | int]:
    """Run, round, stage or split of a request that may hold anything."""
    record = request.get("request")
    if not isinstance(record, ConfigRecord):
        return {"run": "", "round": 0, "of": ""}
    run, number = record.get("run-id"), record.get("round")
    words = [str(record[key]) for key in ("stage", "subject", "split") if isinstance(record.get(key), str)]
    is_number = isinstance(number, int) and 0 <= number < 10**9
    return {
        "run": plain_run(run) if isinstance(run, str) else "",
        "round": int(number) if is_number and isinstance(number, int) else 0,
        "of": scrub(" ".join(words))[:MAX_WORDS],
    }
