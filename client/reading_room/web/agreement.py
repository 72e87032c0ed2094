"""The page on which a hospital sees how often imaging and its own pathology agreed."""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from client.reading_room.access.sessions import Session
from client.reading_room.agreement import NUM_BINS, Share, TaskAgreement, task_agreement, type_agreement
from client.reading_room.conformal import FEWEST
from client.reading_room.pairs import gather
from client.reading_room.panel.numbers import percent, proportion, share_of_count
from client.reading_room.panel.words import TASK_TITLES
from client.reading_room.store import audit
from client.reading_room.store.clock import now
from client.reading_room.store.database import transaction
from client.reading_room.tissue_classes import TYPES
from client.reading_room.web import templates
from client.reading_room.web.visitor import Database, TheRoom, may
from client.reading_room.writer.numbers import SPACE
from gmmas_core.diagnosis import text
from gmmas_core.types import Task

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Session, Depends(may("view"))]

PLOT = 200.0
"""Edge of the calibration plot's square, in its own units."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One bin in the plot, and in words."""

    x: float
    y: float
    low: float
    high: float
    radius: float
    words: str


@router.get("/agreement", response_class=HTMLResponse)
def agreement_page(
    request: Request,
    connection: Database,
    room: TheRoom,
    session: Viewer,
    of: Literal["patients", "phantoms"] = "patients",
    model: Annotated[str, Query(max_length=300)] = "",
) -> str:
    """Agreement over all studies that have both."""
    found = gather(connection, room, phantoms=of == "phantoms")
    pairs = [pair for pair in found.pairs if model in ("", pair.answers.model_id)]
    with transaction(connection):
        audit.add_line(connection, at=now(), user=session.user.name, action="viewed agreement")
    return templates.page(
        "agreement.html",
        request,
        session,
        of=of,
        model=model,
        models=Counter(pair.answers.model_id for pair in found.pairs).most_common(),
        num_studies=len(pairs),
        num_patients=len({pair.patient for pair in pairs}),
        num_rejected=sum(pair.is_rejected for pair in pairs),
        read_late=found.read_late,
        damaged=found.damaged,
        tasks=[_task(task_agreement(task, pairs)) for task in Task],
        types=_types(pairs),
        num_bins=NUM_BINS,
        plot=PLOT,
        fewest=FEWEST,
    )


def _task(found: TaskAgreement) -> dict[str, Any]:
    zero, one = (name.replace("_", " ") for name in found.names)
    return {
        "id": found.task.value,
        "title": TASK_TITLES[found.task],
        "names": (zero, one),
        "count": found.accuracy.count,
        "rows": [
            ("Accuracy", "right answers", _share(found.accuracy)),
            ("Sensitivity", f"of {one} on tissue, read as {one}", _share(found.sensitivity)),
            ("Specificity", f"of {zero} on tissue, read as {zero}", _share(found.specificity)),
        ],
        "brier": None if found.brier is None else f"{found.brier:.2f}",
        "marks": [_mark(each) for each in _marks(found)],
        "confusion": found.confusion,
        "unanswered": found.unanswered,
        "caution": found.caution,
    }


def _share(share: Share) -> dict[str, str]:
    if share.low is None or share.high is None:
        return {"missing": "no such patient yet"}
    return {
        "value": proportion(share.hits, share.count),
        "count": f"{share.hits} of {share.count}",
        "interval": _interval(share.low, share.high),
    }


def _interval(low: float, high: float) -> str:
    return f"{share_of_count(low).partition(SPACE)[0]} to {share_of_count(high)}"


def _marks(found: TaskAgreement) -> list[tuple[float, Share]]:
    return [(each.mean, each.observed) for each in found.bins]


def _mark(each: tuple[float, Share]) -> Mark:
    mean, observed = each
    low, high = observed.low or 0.0, 1.0 if observed.high is None else observed.high
    rate = observed.hits / observed.count
    return Mark(
        x=round(PLOT * mean, 1),
        y=round(PLOT * (1 - rate), 1),
        low=round(PLOT * (1 - low), 1),
        high=round(PLOT * (1 - high), 1),
        radius=round(3 + min(observed.count, 40) ** 0.5, 1),
        words=f"said {percent(mean)}, seen in {observed.hits} of {observed.count} ({_interval(low, high)})",
    )


def _types(pairs: Any) -> dict[str, Any]:
    found = type_agreement(pairs)
    names = {each.value: text(each) for each in TYPES}
    return {
        "names": names,
        "accuracy": _share(found.accuracy),
        "count": found.accuracy.count,
        "per_type": {name: _share(share) for name, share in found.per_type.items()},
        "confusion": found.confusion,
        "unanswered": found.unanswered,
        "caution": found.caution,
    }
