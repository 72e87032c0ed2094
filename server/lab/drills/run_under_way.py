"""A run as a drill sees it: what it tells, what its ledger says, and the process that answers for a site."""

import json
import signal
from pathlib import Path
from typing import Any

import psutil

from server.dashboard.status import RunStatus
from server.dashboard.watching import RunWatcher
from server.dashboard.words import headline
from server.lab.drills.judging import PATIENCE_S, Findings, wait_for
from server.launching.stop_run import stop_run
from server.ledger import verify
from server.records.run_folder import RunFolder
from server.serving.child_processes import Child


class RunUnderWay:
    """A run that `gmmas-coordinator launch` or `resume` plays.

    Attributes:
        folder: of the run.
        launcher: the command's process.
    """

    def __init__(self, folder: Path, launcher: Child) -> None:
        self.folder = RunFolder(folder)
        self.launcher = launcher

    def events(self) -> list[dict[str, Any]]:
        """Everything that it told so far."""
        if not self.folder.progress.exists():
            return []
        lines = self.folder.progress.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith(b"{")]

    def tells(self, kind: str, **fields: Any) -> None:
        """Wait until it tells so."""
        wanted = {"kind": kind, **fields}
        wait_for(lambda: any(wanted.items() <= event.items() for event in self.events()), f"{wanted}", pause_s=0.02)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The ledger's lines of a kind."""
        if not self.folder.ledger.exists():
            return []
        lines = self.folder.ledger.read_bytes().split(b"\n")[:-1]
        return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]

    def round(self, number: int) -> dict[str, Any]:
        """The newest line of a round that was played; waits for it."""
        look = lambda: [entry for entry in self.entries("round") if entry["round"] == number]  # noqa: E731
        return wait_for(look, f"round {number}")[-1]

    def ends(self) -> int:
        """Wait for its launcher's end; the exit code."""
        wait_for(self.launcher.has_ended, "end of the run")
        return int(self.launcher.process.wait())

    def status(self) -> RunStatus:
        """What `gmmas-coordinator watch` shows now."""
        return RunWatcher(self.folder).status()

    def alerts(self) -> str:
        """What `watch` warns of."""
        return "\n".join(f"{alert.site or 'run'}: {alert.text}" for alert in self.status().alerts)

    def judge_end(self, found: Findings, rounds: int) -> None:
        """It ended well: exit code, rounds, ledger, and what `watch` shows."""
        code = self.ends()
        found.that(f"launch ended with {code}", code == 0)
        played = sorted({entry["round"] for entry in self.entries("round")})
        found.that(f"ledger: {len(played)} of {rounds} rounds", played == list(range(1, rounds + 1)))
        self._judge_ledger(found)
        status = self.status()
        found.that(f"watch: {headline(status)}", status.state == "finished")

    def judge_round(self, found: Findings, number: int, sites: tuple[str, ...]) -> None:
        """A round counted exactly these sites."""
        entry = self.round(number)
        counted = sorted(entry["sites"])
        reasons = "".join(f", without {site} ({reason})" for site, reason in sorted(entry["left_out"].items()))
        found.that(f"round {number} counted {', '.join(counted)}{reasons}", counted == sorted(sites))

    def judge_stop(self, found: Findings) -> None:
        """It is still at work, ends in order when it is told to, and leaves an unbroken ledger."""
        found.that(f"stop: {stop_run(self.folder, PATIENCE_S)}", True)
        self.ends()
        self._judge_ledger(found)

    def left_out(self, site: str) -> str:
        """Wait for a round that is played without a site that was asked; the reason in the ledger."""

        def look() -> str | None:
            return next((e["left_out"][site] for e in self.entries("round") if site in e["left_out"]), None)

        return wait_for(look, f"round without {site}")

    def counts_again(self, found: Findings, site: str, after: int) -> None:
        """Wait for a later round that counts a site, and note it."""

        def look() -> list[int]:
            return [e["round"] for e in self.entries("round") if e["round"] > after and site in e["sites"]]

        found.that(f"{site} counted again in round {wait_for(look, f'round with {site}')[0]}", True)

    def _judge_ledger(self, found: Findings) -> None:
        problems = verify(self.folder.ledger)
        found.that("ledger unbroken" if not problems else f"ledger: {problems[0]}", not problems)


def answering(node: Child) -> psutil.Process:
    """The process that answers a site's present message; waits for it."""

    def found() -> psutil.Process | None:
        keeper = psutil.Process(node.process.pid)
        forks = [fork for child in keeper.children() for fork in child.children()]
        return forks[0] if forks else None

    return wait_for(found, f"message at {node.name}", pause_s=0.01)


def server_app() -> psutil.Process:
    """The coordinator's own process; waits for it. In this world there is one at most."""

    def found() -> psutil.Process | None:
        everybody = psutil.process_iter(["cmdline"])
        return next((each for each in everybody if "flwr-serverapp" in " ".join(each.info["cmdline"] or [])), None)

    return wait_for(found, "coordinator at work")


def hold(node: Child) -> psutil.Process:
    """Freeze the process that answers a site's present message, as a case that takes very long."""
    process = answering(node)
    process.send_signal(signal.SIGSTOP)
    return process
