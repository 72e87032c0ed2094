"""One event after the other: how each kind of ledger line and progress event moves the story of a run.

The ledger's lines and the progress events tell the same story at two speeds. Both are told here in the order of their
times; what the ledger says last about a round is final.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from server.dashboard.played import Played
from server.dashboard.status import ENDED, UNHEARD
from server.dashboard.story import Event, Story


def tell(story: Story, event: Event) -> None:
    """Go on by one event; unknown kinds only say that the run is alive.

    Raises:
        ValueError: its time is none.
        KeyError, TypeError, AttributeError: it lacks what its kind needs.
    """
    datetime.fromisoformat(event["time"])
    teller = _TELLERS.get(event["kind"])
    if teller is not None:
        teller(story, event)
    story.last_event = event["time"]


def _begun(story: Story, event: Event) -> None:
    story.attempt += 1
    story.run_id, story.name, story.begun = event.get("run_id"), event.get("name"), event["time"]
    story.stand("waiting", "for the sites")


def _resumed(story: Story, event: Event) -> None:
    story.attempt += 1
    story.rounds_played = event["round"]
    story.played = {number: played for number, played in story.played.items() if number <= event["round"]}
    story.put(story.sites, "expected")
    story.stand("waiting", "for the sites; the run was resumed")


def _waiting(story: Story, event: Event) -> None:
    online = event.get("online")
    story.stand("waiting", "for the sites" if online is None else f"for the sites; online: {online}")


def _members(story: Story, event: Event) -> None:
    """Registered is not configured: of these nothing has been heard in this run."""
    known = {name for name, site in story.sites.items() if site.state not in UNHEARD}
    story.put([name for name in event["sites"] if name not in known], "registered")


def _enlisted(story: Story, event: Event) -> None:
    for name, facts in event["sites"].items():
        _know(story, name, facts)
    for name, reason in event["left_out"].items():
        story.alert(event, "warning", f"not enlisted: {reason}", site=name, about="enlisted")
    story.stand("waiting", "sites are enlisted, the first question is being prepared")


def _refused(story: Story, event: Event) -> None:
    story.alert(event, "warning", f"not enlisted: {event['reason']}", site=event["node"], about="enlisted")


def _joined(story: Story, event: Event) -> None:
    _know(story, event["site"], event)


def _know(story: Story, name: str, facts: Mapping[str, Any]) -> None:
    story.put([name], "ready")
    story.site(name).cases = facts.get("cases", story.site(name).cases)


def _left(story: Story, event: Event) -> None:
    story.put([event["site"]], "offline")


def _round_started(story: Story, event: Event) -> None:
    story.stand("training", is_asking=True)
    story.playing, story.stage = event["round"], event.get("stage")
    story.hard_s, story.round_began = event.get("hard_s"), event["time"]
    for site in story.sites.values():
        site.sends = 0
    story.put([name for name, site in story.sites.items() if site.state not in ("offline", *UNHEARD)], "not asked")
    story.put(event["sites"], "asked")


def _asked(story: Story, event: Event) -> None:
    """Who they are is asked of nodes whose names are not known yet; that is no question of the run."""
    if story.is_asking:
        story.put([event["site"]], "training" if story.state == "training" else "evaluating")
        story.site(event["site"]).sends = event.get("sends", 1)


def _counted(story: Story, event: Event) -> None:
    story.put([event["site"]], "replied")
    _doubt(story, event, event["site"], event.get("doubts", ()))


def _doubt(story: Story, event: Event, site: str, doubts: Iterable[str]) -> None:
    story.site(site).doubts = tuple(doubts)
    for doubt in story.site(site).doubts:
        story.alert(event, "warning", f"doubt: {doubt}", site=site, about="doubt")


def _left_out(story: Story, event: Event) -> None:
    if story.is_asking:
        story.leave_out(event, {event["site"]: event["reason"]}, "round" if story.state == "training" else story.detail)


def _late(story: Story, event: Event) -> None:
    """The round closed without its answer, which is told again as left out."""
    if story.is_asking:
        story.put([event["site"]], "late")


def _came_late(story: Story, event: Event) -> None:
    story.put([event["site"]], "late")
    text = "late: its reply came after the round had closed and was not counted"
    story.alert(event, "note", text, site=event["site"], about="late")


def _round_void(story: Story, event: Event) -> None:
    reasons = "; ".join(f"{site}: {reason}" for site, reason in event.get("left_out", {}).items())
    story.alert(event, "serious", f"void, to be repeated: {event.get('reason') or reasons or 'too few good replies'}")
    story.stand("training" if story.state == "training" else "evaluating", "a question is repeated")


def _round(story: Story, event: Event) -> None:
    played: Played = event["played"]
    row = played.row
    _round_over(story, event)
    story.rounds_played = row.round
    story.played[row.round] = played
    story.moved.append((row.sent, row.received))
    story.put(row.counted, "replied")
    story.leave_out(event, row.left_out, "round")
    story.put(row.late, "late")
    for name, part in played.sites.items():
        _doubt(story, event, name, part.doubts)


def _round_over(story: Story, event: Event) -> None:
    """Also from the progress log, whose last line comes after the ledger's."""
    is_last = story.rounds_total is not None and event["round"] >= story.rounds_total
    story.stand("evaluating" if is_last else "training", "the final model" if is_last else "")


def _evaluation_started(story: Story, event: Event) -> None:
    story.stand("evaluating", _question(event), is_asking=True)
    story.put(event["sites"], "evaluating")


def _question(event: Event) -> str:
    return f"{event['subject'].replace('_', ' ')} model, {event['split']} cases"


def _scored(story: Story, event: Event) -> None:
    story.put([event["site"]], "scored")


def _evaluation(story: Story, event: Event) -> None:
    is_last = story.rounds_total is not None and story.rounds_played >= story.rounds_total
    story.stand("evaluating" if is_last else "training", "the final model" if is_last else "")
    story.put(event["sites"], "scored")
    story.leave_out(event, event["left_out"], _question(event))


def _quarantined(story: Story, event: Event) -> None:
    site = story.site(event["site"])
    site.state, site.reason = "quarantined", event["reason"]
    story.alert(event, "serious", f"quarantined: {event['reason']}", site=event["site"], about="quarantine")


def _readmitted(story: Story, event: Event) -> None:
    site = story.site(event["site"])
    site.state, site.reason = "not asked", ""
    story.alert(event, "note", "readmitted", site=event["site"], about="readmitted")


def _order(story: Story, event: Event) -> None:
    order = event["order"]
    story.alert({**event, "kind": f"order-{order['kind']}"}, "note", f"order obeyed: {order['kind']}")
    if order["kind"] == "quarantine":
        _quarantined(story, {**event, **order})
    elif order["kind"] == "readmit":
        _readmitted(story, {**event, **order})


def _unreachable(story: Story, event: Event) -> None:
    reason = event.get("reason", "no reason given")
    story.alert(event, "warning", f"the coordinator's own link could not be reached: {reason}")


def _paused(story: Story, event: Event) -> None:
    story.stand("paused", str(event.get("reason", "")))
    story.alert(event, "serious", f"paused: {story.detail or 'no reason given'}")


def _failed(story: Story, event: Event) -> None:
    story.stand("failed", str(event.get("reason", "")))
    story.alert(event, "serious", f"failed: {story.detail or 'no reason given'}")


def _released(story: Story, event: Event) -> None:
    if story.state not in ENDED:
        story.stand("evaluating", "the model is released, the verdict is being written")


def _version_released(story: Story, event: Event) -> None:
    """What a person does after the run changes nothing about how it ended."""
    override = event.get("override") or {}
    against = f", although a gate is not open, by {override['name']}: {override['reason']}" if override else ""
    severity = "warning" if against else "note"
    story.alert(event, severity, f"model version released: {event.get('version', 'without a name')}{against}")


def _judged(story: Story, event: Event) -> None:
    story.stand("finished" if event["passed"] else "failed", str(event["statement"]))


def _torn(story: Story, event: Event) -> None:
    story.alert(event, "note", "a crash left a torn last line in the ledger; it was moved aside")


_TELLERS: Mapping[str, Callable[[Story, Event], None]] = {
    "begun": _begun,
    "resumed": _resumed,
    "waiting": _waiting,
    "members": _members,
    "enlisted": _enlisted,
    "refused": _refused,
    "joined": _joined,
    "site-joined": _joined,
    "site-left": _left,
    "round-started": _round_started,
    "site-asked": _asked,
    "site-counted": _counted,
    "site-left-out": _left_out,
    "site-late": _late,
    "late": _came_late,
    "round-void": _round_void,
    "round": _round,
    "round-finished": _round_over,
    "evaluation-started": _evaluation_started,
    "site-scored": _scored,
    "evaluation": _evaluation,
    "quarantined": _quarantined,
    "readmitted": _readmitted,
    "order": _order,
    "superlink-unreachable": _unreachable,
    "paused": _paused,
    "failed": _failed,
    "released": _released,
    "version-released": _version_released,
    "judged": _judged,
    "torn-line": _torn,
}
"""Kind of a ledger line or of a progress event -> how the story goes on."""
