"""Cases of the catalogue, described by plain facts, as the findings of a reading from which the writer's facts come.

Ranking, flags, tests and the integrated diagnosis are computed by the code that does it for patients.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from client.reading_room.store.pathology import Entry, tissue_findings
from client.reading_room.writer.facts import Facts, facts_of
from gmmas_core.diagnosis import Diagnosis, Ranking, integrate, ranked_diagnoses, text, with_imaging
from gmmas_core.diagnosis.markers import Marker
from gmmas_core.types import SEQUENCES, Task

_ERROR = 0.05
_SHARES = (("et", "wt"), ("necrosis", "tc"), ("edema", "wt"))
_UNMEASURED = {"reason": "not measured"}


@dataclass(frozen=True, kw_only=True)
class TellingCase:
    """What the writer's facts are gathered from."""

    document: Mapping[str, Any]
    diagnosis: Diagnosis
    pathology: Mapping[Marker, Entry] = field(default_factory=dict)
    decision: None = None


def case_facts(plain: Mapping[str, Any], language: str = "en") -> Facts:
    """Everything that may be said of one case of the catalogue."""
    probability = {Task(task): value for task, value in plain["probability"].items()}
    abstained = {} if plain["side"] else {"segmentation": "no tumour was found"}
    calibrated = tuple(probability) if plain["calibrated"] else ()
    ranking = ranked_diagnoses(probability, abstained=tuple(abstained), calibrated=calibrated)
    entries = {
        Marker(marker): Entry(marker=Marker(marker), value=value, user="", at="")
        for marker, value in plain["pathology"].items()
    }
    completed = with_imaging(tissue_findings(entries), probability, abstained=tuple(abstained))
    case = TellingCase(document=_document(plain, ranking, abstained), diagnosis=integrate(completed), pathology=entries)
    return facts_of(case, language)


def _document(plain: Mapping[str, Any], ranking: Ranking, abstained: Mapping[str, str]) -> dict[str, Any]:
    tasks = [task.value for task in Task if task.value in plain["probability"]]
    checks = [
        {"id": name.partition(":")[0], "where": name.partition(":")[2], "verdict": verdict}
        for name, verdict in plain["checks"].items()
    ]
    verdicts = [check["verdict"] for check in checks]
    return {
        "sequences_used": plain["sequences"],
        "sequences_missing": [name for name in SEQUENCES if name not in plain["sequences"]],
        "reading": {"mc_passes": plain["passes"]},
        "abstained": abstained,
        "probability": plain["probability"],
        "calibrated": tasks if plain["calibrated"] else [],
        "intervals": {},
        "measures": _measures(plain),
        "suggested": _suggested(ranking),
        "checks": checks,
        "verdict": next((each for each in ("fail", "warn") if each in verdicts), "pass"),
        "without": [_without(name, ranking) for name in plain["without"]],
        "corrected": {"mask": True, "labels": {}} if plain["corrected"] else None,
    }


def _measures(plain: Mapping[str, Any]) -> dict[str, Any]:
    volumes = plain["volumes_ml"]
    measured = {name: ml for name, ml in volumes.items() if ml is not None}
    shares = {
        f"{part}/{whole}": {"value": measured[part] / measured[whole]}
        for part, whole in _SHARES
        if measured.get(part) is not None and measured.get(whole)
    }
    regions = [name for name in ("wt", "tc", "et") if measured.get(name)]
    return {
        "volume": {name: _volume(ml) if ml is not None else _UNMEASURED for name, ml in volumes.items()},
        "shares": shares,
        "diameters": {},
        "pieces": {"tc": {"lesions": [{}] * (plain["cores"] or 0)}},
        "satellites": plain["satellites"],
        "side": {
            name: {"side": plain["side"], "crossing": plain["crossing"]} if name in regions else _UNMEASURED
            for name in ("wt", "tc", "et")
        },
        "margin": {},
        "mismatch": {},
    }


def _volume(ml: float) -> dict[str, Any]:
    return {"value": ml, "error": _ERROR * ml, "unit": "mL", "interval": {"low": 0.9 * ml, "high": 1.1 * ml}}


def _suggested(ranking: Ranking) -> dict[str, Any]:
    return {
        "types": [
            {"id": each.entity.value, "probability": each.probability, "interval": None} for each in ranking.candidates
        ],
        "histology": asdict(ranking.histology) if ranking.histology else None,
        "not_assessable": {task.value: {"id": reason.value} for task, reason in ranking.not_assessable},
        "flags": [{"id": flag.value, "text": text(flag)} for flag in ranking.flags],
    }


def _without(sequence: str, ranking: Ranking) -> dict[str, Any]:
    first = ranking.candidates[0].entity.value if ranking.candidates else None
    return {"sequence": sequence, "first_type": first, "first_type_changes": False, "probability_change": {}}
