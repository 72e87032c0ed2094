"""Earlier studies of the same patient, and how the volumes have changed; never a category of response.

RANO 2.0 names +40 % of volume over the smallest earlier one, and -65 % from the first: here they are thresholds that an
increase or a decrease lies beyond or not. A category also needs treatment, steroids and the clinical state, which this
room does not know.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from client.reading_room.panel.numbers import quantity, relative
from client.reading_room.panel.words import VOLUME_TITLES
from client.reading_room.record import Record, open_record
from client.reading_room.room import Room
from client.reading_room.store.studies import Study, studies_of
from gmmas_core.measures import CaseMeasures, Change, Comparison, Missing, compare, measures_from
from gmmas_core.types import REGIONS, DataError

INCREASE, DECREASE = 0.40, -0.65
"""Relative changes of volume that RANO 2.0 (doi 10.1200/JCO.23.01059) names."""


def earlier_of(connection: sqlite3.Connection, room: Room, record: Record) -> dict[str, Any]:
    """The patient's other studies, and the comparison with those of earlier days."""
    others = [study for study in studies_of(connection, record.study.patient) if study.id != record.study.id]
    today = record.study.study_date
    past = [study for study in others if today and study.study_date and study.study_date < today]
    rows, usable = [], []
    now = measures_from(record.document["measures"])
    for study in past:
        measures, reasons = _comparable(connection, room, study, now)
        if measures is not None:
            usable.append((study, measures))
        rows.append({"study": study, "reasons": reasons})
    return {
        "past": rows,
        "undated": [study for study in others if not today or not study.study_date],
        "later": [study for study in others if today and study.study_date and study.study_date > today],
        "same_day": [study for study in others if today and study.study_date == today],
        "today": today,
        "changes": _changes(usable, now),
    }


def _comparable(
    connection: sqlite3.Connection, room: Room, study: Study, now: CaseMeasures
) -> tuple[CaseMeasures | None, tuple[str, ...]]:
    """The measures of an earlier study, or why it is not compared."""
    if study.state == "rejected":
        return None, ("its reading was rejected",)
    try:
        measures = measures_from(open_record(connection, room, study.id).document["measures"])
    except DataError as error:
        return None, tuple(str(error).splitlines())
    found = compare([measures], now)
    if isinstance(found, Comparison):
        return measures, ()
    return None, tuple(reason.removeprefix(f"{measures.case_id}: ") for reason in found.reasons)


def _changes(usable: Sequence[tuple[Study, CaseMeasures]], now: CaseMeasures) -> list[dict[str, Any]]:
    if not usable:
        return []
    found = compare([measures for _, measures in usable], now)
    if not isinstance(found, Comparison):
        return []
    examined = {measures.case_id: (study.study_date, measures) for study, measures in usable}
    first_date, first = usable[0][0].study_date, usable[0][1]
    rows = []
    for region in REGIONS:
        name = f"volume {region}"
        least_date, least = examined.get(found.nadir_case.get(name, ""), (first_date, first))
        since_first = {
            "since": f"since {first_date}",
            "before": _volume(first, region),
            "change": _change(found.against_baseline[name], DECREASE),
        }
        since_least = {
            "since": f"since the smallest, {least_date}",
            "before": _volume(least, region),
            "change": _change(found.against_nadir[name], INCREASE),
        }
        if least is first:
            only = since_first | {"change": _change(found.against_nadir[name], INCREASE, DECREASE)}
        comparisons = [only] if least is first else [since_first, since_least]
        rows.append({"title": VOLUME_TITLES[region], "now": _volume(now, region), "comparisons": comparisons})
    return rows


def _volume(measures: CaseMeasures, region: str) -> dict[str, str]:
    return quantity(asdict(measures.volume[region]))


def _change(change: Change | Missing, *thresholds: float) -> dict[str, Any]:
    if isinstance(change, Missing):
        return {"missing": change.reason}
    return {
        "value": "from none" if change.relative is None else relative(change.relative),
        "band": "" if change.relative_band is None else " to ".join(relative(end) for end in change.relative_band),
        "resolved": change.is_resolved,
        "arrow": "" if not change.is_resolved else "up" if change.now > change.before else "down",
        # An increase is held against +40 % and a decrease against -65 %, never the other way round.
        "thresholds": [_beyond(change, each) for each in thresholds if each * (change.now - change.before) > 0],
    }


def _beyond(change: Change, threshold: float) -> str:
    """Whether a change lies beyond a threshold, as far as the errors of both volumes tell."""
    name = f"{'+40 % over the smallest' if threshold > 0 else '−65 % from the first'} that RANO 2.0 names"
    if change.relative is None or change.relative_band is None:
        return f"whether beyond the {name}: open, the earlier volume may have been none"
    sign = 1.0 if threshold > 0 else -1.0
    value, low, high = sign * change.relative, *sorted(sign * end for end in change.relative_band)
    limit = sign * threshold
    if low >= limit:
        return f"beyond the {name}"
    if high < limit:
        return f"not beyond the {name}"
    side = "beyond" if value >= limit else "not beyond"
    return f"{side} the {name} by the values, left open by their errors"
