"""From the two files of a run folder to a `RunStatus`: during the run, after it, or on a copied folder."""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gmmas_core.config import Config, read_config
from gmmas_core.schedule import schedule
from gmmas_core.types import ConfigError
from server.dashboard.estimate import estimate
from server.dashboard.events import tell
from server.dashboard.played import Played, reduced
from server.dashboard.status import SEVERITIES, Alert, Curve, Point, RunStatus, SiteRow
from server.dashboard.story import Site, Story
from server.records.progress_log import JsonLines
from server.records.run_folder import RunFolder

TOLD_BY_THE_LEDGER = ("begun", "resumed", "enlisted", "released")
"""Events that count once and that the ledger holds too."""

BROKEN = (KeyError, TypeError, AttributeError, ValueError)
"""What a line of another release, or one edited by hand, may lead to; it is counted as unreadable."""

SLACK_S = 120.0
"""A live run may be silent as long as it waits for an answer, and this much longer: it also adds and saves."""

USUAL_LIMIT_S = 3600.0
"""The longest wait for an answer where the configuration cannot be read."""


def read_status(folder: RunFolder) -> RunStatus:
    """What is known of a run now; an empty folder is a run of which nothing is known."""
    return RunWatcher(folder).status()


class RunWatcher:
    """Follows a run folder; every `status` reads only what is new."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._ledger = JsonLines(folder.ledger, _keep)
        self._progress = JsonLines(folder.progress)
        self._config: Config | None = None

    def status(self, now: datetime | None = None) -> RunStatus:
        """The run at this moment.

        Args:
            now: with a time zone; the present unless given.
        """
        now = now or datetime.now(UTC)
        self._ledger.read()
        self._progress.read()
        if self._config is None:
            with suppress(ConfigError):
                self._config = read_config(self._folder.config)
        story, broken = self._story()
        silent_s = _seconds_since(story.last_event, now)
        limit_s = _limit_s(story, self._config)
        if story.state in ("waiting", "training", "evaluating") and silent_s is not None and silent_s > limit_s:
            doing = f"{story.state} {story.detail}".strip()
            story.stand("stalled", f"was {doing}; silent for longer than its {limit_s:.0f} s allow")
        unreadable = self._ledger.unreadable + self._progress.unreadable + broken
        return self._status(story, now, silent_s, unreadable)

    def _story(self) -> tuple[Story, int]:
        """Both files told in the order of their times, the ledger first where they are the same."""
        story = Story(rounds_total=len(schedule(self._config)) if self._config else None)
        for name in self._config.federation.mandatory if self._config else ():
            story.site(name)
        ledger = [entry for entry in self._ledger.entries if entry is not None]
        progress = [event for event in self._progress.entries if event["kind"] not in TOLD_BY_THE_LEDGER]
        broken = len(self._ledger.entries) - len(ledger)
        for event in sorted([*ledger, *progress], key=lambda event: str(event["time"])):
            try:
                tell(story, event)
            except BROKEN:
                broken += 1
        return story, broken

    def _status(self, story: Story, now: datetime, silent_s: float | None, unreadable: int) -> RunStatus:
        rounds = [story.played[number] for number in sorted(story.played)]
        config, path = self._config, self._folder.path
        return RunStatus(
            taken=now.isoformat(timespec="milliseconds"),
            name=config.name if config else story.name,
            notice=config.notice if config else "",
            run_id=story.run_id,
            state=story.state,
            detail=story.detail,
            stage=story.stage,
            playing=story.playing,
            rounds_played=story.rounds_played,
            rounds_total=story.rounds_total,
            begun=story.begun,
            last_event=story.last_event,
            silent_s=silent_s,
            sites=tuple(_site_row(name, story.sites[name], rounds) for name in sorted(story.sites)),
            rounds=tuple(played.row for played in rounds),
            curves=_curves(rounds),
            sent=_total([sent for sent, _ in story.moved]),
            received=_total([received for _, received in story.moved]),
            storage_bytes=_size(path),
            free_bytes=_free(path),
            estimate=estimate(story, schedule(config), now) if config else None,
            alerts=_sorted(story.alerts.values()),
            unreadable_lines=unreadable,
        )


def _keep(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        return reduced(entry)
    except BROKEN:
        return None


def _limit_s(story: Story, config: Config | None) -> float:
    """How long the run may be silent in its present state."""
    if config is None:
        return max(USUAL_LIMIT_S, story.hard_s or 0) + SLACK_S
    settings = config.federation
    longest = {"waiting": max(settings.start_timeout_s, settings.deadline_s)}.get(story.state, settings.deadline_s)
    return (story.hard_s or longest) + SLACK_S


def _seconds_since(time: str | None, now: datetime) -> float | None:
    """Never below 0: the clock of another machine may be ahead."""
    try:
        return max(0.0, (now - datetime.fromisoformat(time or "")).total_seconds())
    except (ValueError, TypeError):
        return None


def _site_row(name: str, site: Site, rounds: Sequence[Played]) -> SiteRow:
    parts = [(played.row.round, played.sites[name]) for played in rounds if name in played.sites]
    newest = parts[-1][1] if parts else None
    was_in_last = bool(parts) and parts[-1][0] == rounds[-1].row.round
    return SiteRow(
        name=name,
        state=site.state,
        reason=site.reason,
        sends=site.sends,
        cases=site.cases,
        rounds_counted=len(parts),
        rounds_left_out=sum(name in played.row.left_out for played in rounds),
        durations_s=tuple((number, part.duration_s) for number, part in parts if part.duration_s is not None),
        received_bytes=newest.received_bytes if newest else None,
        shares=newest.shares if newest and was_in_last else {},
        doubts=site.doubts,
    )


def _curves(rounds: Sequence[Played]) -> dict[str, Curve]:
    """Measures in the order in which they are first known, and only those with a number."""
    of_rounds = [*(points for played in rounds for points in played.points.values()), *(p.pooled for p in rounds)]
    measures = dict.fromkeys(measure for points in of_rounds for measure in points)
    sites = sorted({site for played in rounds for site in played.points})

    def points_of(measure: str, site: str) -> tuple[Point, ...]:
        return tuple(p.points[site][measure] for p in rounds if measure in p.points.get(site, {}))

    return {
        measure: Curve(
            sites={site: points_of(measure, site) for site in sites},
            pooled=tuple(played.pooled[measure] for played in rounds if measure in played.pooled),
        )
        for measure in measures
    }


def _sorted(alerts: Sequence[Alert] | Any) -> tuple[Alert, ...]:
    """Newest first; of the same moment the most serious first."""
    return tuple(sorted(alerts, key=lambda alert: (alert.time, SEVERITIES.index(alert.severity)), reverse=True))


def _total(values: Sequence[int | None]) -> int | None:
    """Of the rounds that say it; None where none does."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _size(folder: Path) -> int:
    """Bytes of all files; what disappears meanwhile counts nothing."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(where, name)).st_size
    return total


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
