"""study.json, study.md and a self-contained study.html of a study of the detector."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json, write_text
from gmmas_core.reporting.page import render_page
from server.lab.study.markdown import number, table
from server.lab.study.novelty.page import NOVELTY_PAGE

ASSUMED = (
    "Phantoms of four hospitals are far more alike than patients are: real scanners, protocols and diseases vary more, "
    "and the real cases are one of a kind each.",
    "The hospitals' sums pass their cohort floor and are added as a coordinator adds them; no network is trained, the "
    "detector needs none.",
    "AUROC compares strange cases with unseen patients of the same hospitals; intervals are 95 %, by resampling "
    "patients with all that was done to their images.",
    "A detector of strange images is none of strange diseases: what leaves brightness, sharpness and the likeness of "
    "sequences as they are passes.",
)
"""What every reader of the numbers has to know."""


def write_novelty_study(folder: Path, study: Mapping[str, Any]) -> None:
    """Write the three reports of what `findings.find_novelty` found."""
    write_json(folder / "study.json", study)
    write_text(folder / "study.md", to_markdown(study))
    values = {
        "disclaimer": study["disclaimer"],
        "notice": study["notice"],
        "study": study,
        "assumed": ASSUMED,
    }
    write_text(folder / "study.html", render_page(NOVELTY_PAGE, values))


def to_markdown(study: Mapping[str, Any]) -> str:
    """Conclusion and tables; intervals are 95 %."""
    size = study["size"]
    parts = [
        f"Study of the detector of strange images `{size['mode']}`: four phantom hospitals of {size['train']} training "
        f"and {size['validation']} validation patients. {study['notice']} {study['disclaimer']}",
        *study["conclusion"],
        *ASSUMED,
        _groups(study),
        _real(study),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


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
