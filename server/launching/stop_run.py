"""Ending a run early, from another terminal: an order first, which loses nothing; Flower's own stop if that fails."""

import time

from gmmas_core.atomic import write_text
from gmmas_core.types import FederationError
from server.launching.flower_commands import GONE
from server.launching.launch_plan import LAUNCHER, read_plan
from server.launching.launcher import LOOK_S, STOP, is_held, is_launched
from server.launching.orders import place_order
from server.records.run_folder import RunFolder

FORCE_S = 60.0


def stop_run(folder: RunFolder, patience_s: float) -> str:
    """Stop a run and its launcher; a round that is cut off is played again when the run is resumed.

    Args:
        folder: of the run.
        patience_s: how long to wait for the end of the round before it is cut off.

    Returns:
        What was done, for a person.

    Raises:
        FederationError: nothing to stop, or a coordinator that does not end.
    """
    plan = read_plan(folder)
    if not is_held(folder) and not is_launched(folder):
        raise FederationError(f"run {folder.path.name}: found nobody at work on it; expected a run to stop")
    write_text(folder.path / LAUNCHER / STOP, "")
    order = place_order(folder, "stop")
    try:
        if _all_left(folder, patience_s):
            return "stopped between two rounds"
        link = plan.link(folder)
        for run_id in plan.flower_runs[-1:]:
            status, _ = link.status(run_id)
            if status != GONE and not status.startswith("finished"):
                link.stop(run_id)
        if _all_left(folder, FORCE_S):
            return "stopped in the middle of a round, which is played again when the run is resumed"
    finally:
        # An order that nobody took would pause the run again when it is resumed.
        order.unlink(missing_ok=True)
    raise FederationError(
        f"run {folder.path.name}: found it still at work {patience_s + FORCE_S:g} s after the order; expected it to "
        "end; look at its log with flwr log, or end its process"
    )


def _all_left(folder: RunFolder, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while is_held(folder) or is_launched(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True
