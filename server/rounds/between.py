"""What the coordinator does before each round: obey orders, count heads, take note of replies that came too late."""

from collections.abc import Mapping, Sequence
from typing import Any

from server.launching.orders import take_orders
from server.ledger import Ledger
from server.membership.enlist import refresh_sites
from server.rounds.exchange import collect_late
from server.run import Run, RunPaused
from server.screening.memory import ScreenMemory


def between_rounds(run: Run) -> None:
    """Bring the run up to date; cheap when nothing has happened.

    Raises:
        RunPaused: the coordinator ordered it.
    """
    orders = take_orders(run.folder, run.ledger)
    for order in orders:
        apply_to_screen(run.memory.screen, order)
    for site in collect_late(run.grid, run.unanswered):
        run.ledger.append("late", site=site)
    _pause_if_told(orders)
    refresh_sites(run)


def apply_to_screen(screen: ScreenMemory, order: Mapping[str, Any]) -> None:
    """An order to readmit or quarantine a site; other orders change nothing here."""
    if order["kind"] == "readmit":
        screen.quarantined.pop(order["site"], None)
        screen.offences.pop(order["site"], None)
    elif order["kind"] == "quarantine":
        screen.quarantined[order["site"]] = order["reason"]


def repeat_orders(screen: ScreenMemory, ledger: Ledger, round: int) -> None:
    """Obey again the orders that the ledger holds since a checkpoint's round: the checkpoint does not know them.

    Raises:
        RunPaused: the coordinator ordered it, and the run ended in another way before it could pause.
    """
    entries = list(ledger.entries())
    ends = [number for number, entry in enumerate(entries) if entry["kind"] == "round" and entry["round"] == round]
    not_paused_since = []
    for entry in entries[ends[-1] + 1 if ends else 0 :]:
        if entry["kind"] == "order":
            apply_to_screen(screen, entry["order"])
            not_paused_since.append(entry["order"])
        elif entry["kind"] == "paused":
            not_paused_since.clear()
    _pause_if_told(not_paused_since)


def _pause_if_told(orders: Sequence[Mapping[str, Any]]) -> None:
    for order in orders:
        if order["kind"] in ("pause", "stop"):
            raise RunPaused(f"order: {order['kind']}; resume the run when it should go on")
