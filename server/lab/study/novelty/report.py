"""study.json, study.md and a self-contained study.html of a study of the detector."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gmmas_core.novelty.gaussian import MOST_DISTANCE
from server.lab.study.markdown import number, table
from server.lab.study.novelty.network import DETECTORS
from server.lab.study.novelty.page import NOVELTY_PAGE
from server.lab.study.written import write_reports

ASSUMED = (
    "Phantoms of four hospitals are far more alike than patients are: real scanners, protocols and diseases vary more, "
    "and the real cases are one of a kind each.",
    "The hospitals' sums pass their cohort floor and are added as a coordinator adds them; no network is trained, the "
    "detector needs none. Where one is given (--model), the worth of its features is that of its training.",
    "AUROC compares strange cases with unseen patients of the same hospitals; intervals are 95 %, by resampling "
    "patients with all that was done to their images. One from 1.000 to 1.000 says that no two of these cases were in "
    f"the wrong order, not that none ever will be. A distance of {MOST_DISTANCE:.0f} stands for itself and all beyond.",
    "A detector of strange images is none of strange diseases: what leaves brightness, sharpness and the likeness of "
    "sequences as they are passes.",
)
"""What every reader of the numbers has to know."""


def write_novelty_study(folder: Path, study: Mapping[str, Any]) -> None:
    """Write the three reports of what `findings.find_novelty` found."""
    write_reports(folder, study, to_markdown(study), NOVELTY_PAGE, {"assumed": ASSUMED, "most": MOST_DISTANCE})


def to_markdown(study: Mapping[str, Any]) -> list[str]:
    """Conclusion and tables; intervals are 95 %."""
    size = study["size"]
    return [
        f"Study of the detector of strange images `{size['mode']}`: four phantom hospitals of {size['train']} training "
        f"and {size['validation']} validation patients. {study['notice']} {study['disclaimer']}",
        *study["conclusion"],
        *ASSUMED,
        _alarms(study),
        _groups(study),
        _network(study["network"]),
        _real(study),
    ]


def _alarms(study: Mapping[str, Any]) -> str:
    rows = [[row["name"], str(row["cases"]), number(row["warned"]), number(row["out"])] for row in study["alarms"]]
    return table(["False alarms of", "n", "Share warned about", "Share abstained from"], rows)


def _groups(study: Mapping[str, Any]) -> str:
    rows = [
        [
            row["name"],
            str(row["cases"]),
            str(row["not_assessable"]),
            "" if row["median_distance"] is None else f"{row['median_distance']:.1f}",
            number(row["auroc"]) if row["auroc"] else "",
            number(row["warned"]),
            number(row["out"]),
        ]
        for row in study["groups"]
    ]
    head = ["Cases", "n", "Not assessable", "Median distance", "AUROC", "Share warned about", "Share abstained from"]
    return table(head, rows)


def _network(network: Mapping[str, Any] | None) -> str:
    if network is None:
        return ""
    rows = [
        [row["name"], str(row["cases"]), *(number(row[each]) for each in DETECTORS), number(row["gain"], signed=True)]
        for row in network["groups"]
    ]
    head = ["Cases with all four sequences", "n", "AUROC images", "AUROC network", "AUROC both", "Gain by both"]
    alarms = f"False alarms of either, each beyond its 97.5 %: {number(network['alarms'])} of {network['usual']}."
    return f"{table(head, rows)}\n\n{alarms}"


def _real(study: Mapping[str, Any]) -> str:
    rows = [
        [
            row["name"],
            f"{row['distance']:.1f}",
            f"{row['gliomas'][0]:.1f} to {row['gliomas'][1]:.1f}",
            f"{row['above']} of {row['of']}",
        ]
        for row in study["real"]
    ]
    head = ["Real case (n = 1)", "Distance", "Gliomas, each left out once", "Farther than"]
    return table(head, rows) if rows else ""
