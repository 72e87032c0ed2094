"""What the ledger knows of earlier attempts at a round's sum; a coordinator that was restarted reads it there."""

from dataclasses import dataclass

from gmmas_core.types import RoundPlan
from server.ledger import Ledger


def next_attempt(ledger: Ledger, number: int) -> int:
    """Number of the next attempt at a round; no number is ever used twice in a run."""
    return sum(entry["kind"] == "secure-attempt" and entry["round"] == number for entry in ledger.entries())


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A sum that sites were asked to sign for: they sign for no other one of the same updates.

    Attributes:
        sites: whose updates are in it.
        max_cases: of its terms, from which sites make their weights.
    """

    sites: frozenset[str]
    max_cases: int


def opened_with(ledger: Ledger, plan: RoundPlan) -> Opened | None:
    """The newest such sum of this round's updates; None for none."""
    found = None
    for entry in ledger.entries():
        about = (entry["kind"], entry.get("round"), entry.get("weights_hash"))
        if about == ("secure-opening", plan.round, plan.weights_hash):
            found = Opened(sites=frozenset(entry["sites"]), max_cases=entry["max_cases"])
    return found


def lost_before(ledger: Ledger, number: int) -> frozenset[str]:
    """Sites that made the newest attempt at this round void because they left others too lonely."""
    found: frozenset[str] = frozenset()
    for entry in ledger.entries():
        if entry["kind"] in ("round", "round-void"):
            is_ours = entry["kind"] == "round-void" and entry["round"] == number
            found = frozenset(entry.get("without_them", ())) if is_ours else frozenset()
    return found
