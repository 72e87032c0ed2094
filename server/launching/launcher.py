"""One run for the user, as many Flower runs as it takes: submit, follow, and submit again when Flower lost it.

A Flower run dies with its ServerApp, and with a SuperLink that is away for a minute; Flower has no resume. Ours is a
run folder that any later ServerApp continues. The launcher therefore trusts Flower's status little: whether a
coordinator is at work shows in the lock on the run folder, which dies with its process, and how a run ended shows in
its ledger. It submits only when nobody holds the folder. The launcher itself may be killed too: `resume` finds a
coordinator that is still at work and follows it.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gmmas_core.types import FederationError
from server.launching.flower_commands import GONE, SuperLink
from server.launching.launch_plan import LAUNCHER, LaunchPlan, run_config
from server.records.run_folder import RunFolder
from server.records.run_follower import RunFollower
from server.report.numbers import write_report
from server.run import RunPaused, Watch

LOOK_S = 0.5
STATUS_EVERY_S = 30.0
FIRST_ANSWER_S = 60.0
"""A SuperLink that did not answer so long at the very start is taken for a wrong address; later, any time is waited."""

MAX_FRUITLESS = 6
LONGEST_PAUSE_S = 60.0

STOP = "stop"
"""File in the launcher's folder by which `stop` says that nothing more is to be submitted."""


@dataclass(frozen=True)
class Ending:
    """How one Flower run ended: "completed", "failed", "paused", "stopped", or "lost", which another one continues."""

    kind: str
    reason: str = ""


@contextmanager
def sole_launcher(folder: RunFolder) -> Iterator[None]:
    """Be the only launcher of a run, and take back an earlier wish to stop it.

    Raises:
        FederationError: another one is at work.
    """
    home = folder.path / LAUNCHER
    home.mkdir(parents=True, exist_ok=True)
    handle = os.open(home / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FederationError(
                f"run {folder.path.name}: found another launcher at work on it; expected one; watch it or stop it first"
            ) from None
        (home / STOP).unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)


def is_held(folder: RunFolder) -> bool:
    """Whether a coordinator is at work in a run folder, on this machine or in a container beside."""
    return _is_locked(folder.path / ".lock")


def is_launched(folder: RunFolder) -> bool:
    """Whether a launcher is at work on a run."""
    return _is_locked(folder.path / LAUNCHER / ".lock")


def launch(folder: RunFolder, plan: LaunchPlan, watch: Watch) -> dict[str, Any]:
    """`Launcher.play` as the only launcher of a run; arguments, result and errors as there."""
    with sole_launcher(folder):
        return Launcher(folder, plan, plan.link(folder), watch, lambda: None).play()


class Launcher:
    """Plays one run to its end.

    Args:
        folder: of the run.
        plan: saved in the folder, with Flower's number of every run it takes.
        link: the SuperLink that the plan names.
        watch: told what the run tells, and "submitted", "lost", "superlink-lost" and "superlink-back".
        check: called all the time; raises what should end the launch.
    """

    def __init__(
        self, folder: RunFolder, plan: LaunchPlan, link: SuperLink, watch: Watch, check: Callable[[], None]
    ) -> None:
        self._folder = folder
        self._plan = plan
        self._link = link
        self._watch = watch
        self._check = check
        self._follower = RunFollower(folder, watch)
        self._progress = self._follower.progress
        self._fruitless = 0

    def play(self) -> dict[str, Any]:
        """Submit and follow until the run has ended; call it as the `sole_launcher`.

        Returns:
            The report.

        Raises:
            RunPaused: it was paused or stopped; it can be resumed.
            FederationError: it failed by its own account, or six attempts in a row brought no new round.
        """
        ending = self._pick_up()
        while ending.kind == "lost":
            self._count(ending)
            ending = self._attempt()
        if ending.kind == "completed":
            return self._report()
        if ending.kind in ("paused", "stopped"):
            raise RunPaused(ending.reason)
        raise FederationError(ending.reason)

    def _pick_up(self) -> Ending:
        """Follow what an earlier launcher left at work; "lost" when nothing is."""
        if is_held(self._folder):
            return self._follow(self._plan.flower_runs[-1] if self._plan.flower_runs else None)
        verdict = self._follower.last_verdict
        if verdict is not None and verdict.kind == "completed":
            return Ending("completed")
        self._plan.save(self._folder)
        self._wait_for_superlink(FIRST_ANSWER_S)
        if self._plan.flower_runs:
            self._end_leftover(self._plan.flower_runs[-1])
        return Ending("lost")

    def _count(self, ending: Ending) -> None:
        """Pause before the next attempt, the longer the more of them brought nothing.

        Raises:
            FederationError: that was the last one.
        """
        if ending.reason:
            self._watch("lost", {"reason": ending.reason})
            self._fruitless = 0 if self._follower.progress > self._progress else self._fruitless + 1
        self._progress = self._follower.progress
        if self._fruitless >= MAX_FRUITLESS:
            raise FederationError(
                f"run: found {MAX_FRUITLESS} attempts in a row without a new round; expected progress; "
                f"the last one: {ending.reason}; mend it, then resume the run"
            )
        deadline = time.monotonic() + (min(LONGEST_PAUSE_S, 2.0 ** (self._fruitless - 1)) if self._fruitless else 0)
        while time.monotonic() < deadline and not self._is_told_to_stop():
            self._check()
            time.sleep(LOOK_S)

    def _attempt(self) -> Ending:
        """One Flower run, from submission to its end; whoever holds the folder by then is followed instead."""
        self._wait_for_superlink()
        if self._is_told_to_stop():
            return Ending("stopped", "order: stop; resume the run when it should go on")
        if is_held(self._folder):
            return self._follow(None)
        self._follower.new_attempt()
        try:
            run_id = self._link.submit(run_config(self._plan.overrides, self._folder, self._plan.federation))
        except FederationError as error:
            return Ending("lost", str(error))
        self._plan = self._plan.with_run(run_id)
        self._plan.save(self._folder)
        self._watch("submitted", {"flower_run": run_id, "attempt": len(self._plan.flower_runs)})
        return self._follow(run_id)

    def _follow(self, run_id: str | None) -> Ending:
        """Watch until no coordinator is at work any more, or none came to work."""
        was_at_work, asked = False, time.monotonic()
        while True:
            self._check()
            is_at_work = is_held(self._folder)
            was_at_work |= is_at_work
            self._follower.follow()  # after the look at the lock: what it wrote before letting go is seen
            verdict = self._follower.verdict
            if not is_at_work and verdict is not None:
                return Ending(verdict.kind if verdict.is_final else "lost", verdict.reason)
            if was_at_work and not is_at_work:
                return self._ended_silently(run_id)
            if not is_at_work and time.monotonic() - asked > STATUS_EVERY_S / 6:
                asked = time.monotonic()
                ending = self._never_began(run_id)
                if ending is not None:
                    return ending
            time.sleep(LOOK_S)

    def _ended_silently(self, run_id: str | None) -> Ending:
        """A coordinator has let go of the folder without a verdict: stopped on purpose, or dead."""
        if run_id is not None and self._end_leftover(run_id) == "finished:stopped":
            return Ending("stopped", "flwr stop; resume the run when it should go on")
        if self._is_told_to_stop():
            return Ending("stopped", "order: stop; resume the run when it should go on")
        return Ending("lost", "the coordinator's process ended without a word")

    def _never_began(self, run_id: str | None) -> Ending | None:
        """Nobody has come to work yet: None while there is hope."""
        if not self._link.is_healthy():
            return Ending("lost", "the SuperLink went away before the run began")
        if run_id is None:
            return Ending("lost", "the coordinator's process ended without a word")
        try:
            status, details = self._link.status(run_id)
        except FederationError:
            return None
        self._follower.follow()
        if is_held(self._folder) or self._follower.verdict is not None:
            return None
        if status == "finished:stopped":
            return Ending("stopped", "flwr stop; resume the run when it should go on")
        if status == GONE or status.startswith("finished"):
            return Ending("lost", f"its Flower run is {status}: {details or 'no reason given'}")
        return None

    def _end_leftover(self, run_id: str) -> str:
        """Tell a SuperLink that still believes in a dead run to forget it; the run's status before."""
        try:
            status, _ = self._link.status(run_id)
            if status != GONE and not status.startswith("finished"):
                self._link.stop(run_id)
        except FederationError:
            return GONE
        return status

    def _wait_for_superlink(self, patience_s: float | None = None) -> None:
        """Wait until it answers; without patience, as long as it takes.

        Raises:
            FederationError: patience is exhausted.
        """
        began, was_away = time.monotonic(), False
        while not self._link.is_healthy():
            if not was_away:
                self._watch("superlink-lost", {"address": self._plan.superlink})
                was_away = True
            if patience_s is not None and time.monotonic() - began > patience_s:
                raise FederationError(
                    f"SuperLink: found no answer at {self._plan.superlink} within {patience_s:g} s; expected one; "
                    "start it, or mend --superlink, --insecure or --root-certificates"
                )
            if self._is_told_to_stop():
                return
            self._check()
            time.sleep(LOOK_S)
        if was_away:
            self._watch("superlink-back", {"address": self._plan.superlink})

    def _is_told_to_stop(self) -> bool:
        return (self._folder.path / LAUNCHER / STOP).exists()

    def _report(self) -> dict[str, Any]:
        """As the coordinator wrote it; one that died between verdict and report left that to us."""
        if not (self._folder.report_json.is_file() and self._folder.report_html.is_file()):
            return dict(write_report(self._folder))
        return dict(json.loads(self._folder.report_json.read_text()))


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who look do not see each other; it is let go of at once.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
