"""study.json, study.md and a self-contained study.html of a privacy study."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from server.lab.study.markdown import number, table
from server.lab.study.privacy.findings import CHANCE
from server.lab.study.privacy.page import PRIVACY_PAGE
from server.lab.study.privacy.pictures import inversions
from server.lab.study.privacy.plan import WORST_CASE
from server.lab.study.written import write_reports

ASSUMED = (
    "Learning rate, batch, steps and clipping norm were set for training without protection and are the same with it: "
    "a protected run that is tuned for itself may lose less. A region that a patient lacks counts as Dice 1 where "
    "none is found, so ET Dice is above 0 for a model that finds nothing.",
    "The attacker of the inversion knows the weights, the labels, the tumour's mask, which sequences there are and the "
    "crop's place; only the image is unknown. A cleverer attack, or a prior on brains, may see more.",
    "Phantoms are far alike and the network is small: an attack that fails here proves nothing about patients; one "
    "that succeeds here would succeed there.",
    "Members of released models are training patients, strangers are test patients of the same hospitals. The shadow "
    "models are the easy case on purpose: few patients, many epochs, no augmentation.",
)
"""What every reader of the numbers has to know."""


def write_privacy_study(folder: Path, study: Mapping[str, Any]) -> None:
    """Write the three reports of what `findings.find_privacy` found."""
    values = {
        "conclusion": conclusion(study),
        "assumed": ASSUMED,
        "pictures": inversions(study["inversion"]) if study["inversion"] else None,
    }
    write_reports(folder, study, to_markdown(study), PRIVACY_PAGE, values)


def conclusion(study: Mapping[str, Any]) -> list[str]:
    """What the study says, in sentences; what it cannot say is said too."""
    lines = [f"{row['arm']}: {row['verdict']}." for row in study["utility"]]
    for row in study["membership"]:
        low, high = row["auroc"]["interval"]
        said = "tells members from strangers" if low > CHANCE else "was not shown to tell members from strangers"
        lines.append(f"{row['arm']}: the attack by {row['attack']} {said} (AUROC {low:.2f} to {high:.2f}).")
    return lines + _inverted(study["inversion"])


def _inverted(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """An attack that fails on the bare gradient says nothing about what protects it."""
    lines, gains = [], {}
    for row in rows:
        own, mean = (row["likeness"][name]["correlation"] for name in ("guess", "mean"))
        gains[row["scenario"]] = own > mean
        than = "more" if own > mean else "no more"
        lines.append(
            f"{row['scenario']}: the guess shows {than} of the patient than the mean brain ({own:.2f}, {mean:.2f})."
        )
    if gains.get(WORST_CASE) is False:
        lines.append(
            "The inversion fails on the bare gradient of one patient too: it is too weak here to show what steps, "
            "noise or sums protect from, and no proof that a stronger one fails."
        )
    return lines


def to_markdown(study: Mapping[str, Any]) -> list[str]:
    """Conclusion and the three tables; intervals are 95 %."""
    size = study["size"]
    return [
        f"Privacy study `{size['mode']}`: {size['sites']} phantom hospitals of {size['train']} training patients, "
        f"delta {size['delta']:g}. {study['notice']} {study['disclaimer']}",
        *conclusion(study),
        *ASSUMED,
        *(f"**Failed**: {name}: {reason}" for name, reason in study["failures"].items()),
        _utility(study),
        _membership(study),
        _inversion(study),
    ]


def _utility(study: Mapping[str, Any]) -> str:
    rows = []
    for row in study["utility"]:
        paid = row["spent"]
        cost = (
            [
                f"{paid['noise']:.2f}",
                f"{paid['rate']:.3f}",
                str(paid["steps"]),
                f"{paid['epsilon']:.2f} ({paid['again']['prv']:.2f} PRV, {paid['again']['rdp']:.2f} RDP)",
            ]
            if paid
            else ["none"] * 4
        )
        rows.append([row["arm"], *(number(row["measures"][name]) for name in study["measures"]), *cost, row["verdict"]])
    head = ["Budget", *study["measures"].values(), "Noise", "Sampling rate", "Steps", "Epsilon spent", "Verdict"]
    return table(head, rows) if rows else ""


def _membership(study: Mapping[str, Any]) -> str:
    rows = [
        [row["arm"], row["attack"], str(row["models"]), number(row["auroc"]), *(share(each) for each in row["found"])]
        for row in study["membership"]
    ]
    head = ["Models", "Attack", "n", "AUROC", "Members found at 1 % false alarms", "at 0.1 %"]
    return table(head, rows) if rows else ""


def share(found: Mapping[str, Any]) -> str:
    """Members found, with what the false alarms were of."""
    low, high = found["interval"]
    return (
        f"{found['found'] / found['members']:.1%} ({low:.1%} to {high:.1%}; "
        f"{found['alarms']} of {found['strangers']} strangers)"
    )


def _inversion(study: Mapping[str, Any]) -> str:
    rows = [
        [
            row["given"],
            str(row["patients"]),
            *(
                " / ".join(f"{row['likeness'][name][measure]:.{digits}f}" for name in ("guess", "mean", "random"))
                for measure, digits in (("correlation", 2), ("psnr", 1), ("ssim", 2))
            ),
            f"{', '.join(map(str, row['ranks']))} of {row['candidates']}",
        ]
        for row in study["inversion"]
    ]
    head = ["The attacker sees", "n", "Correlation (guess / mean brain / random)", "PSNR, dB", "SSIM", "Patient's rank"]
    return table(head, rows) if rows else ""
