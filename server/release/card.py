"""The card of a release: the model's own card, and after it what the run measured, what it did not, and two checklists.

Every number is taken from the run's ledger; what the run does not know is said to be unknown.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gmmas_core.config import Config
from gmmas_core.model_card import REGION_TITLES, cell
from gmmas_core.reporting.wording import TASK_NAMES, measured
from gmmas_core.types import DISCLAIMER
from server.client_level.told import in_words
from server.release.best_round import RoundScore
from server.release.candidate import Candidate
from server.release.checklists import CLAIM, TRIPOD, checklist, known_facts

Entry = Mapping[str, Any]


def release_card(
    model_card: str,
    report: Entry,
    config: Config,
    scores: Sequence[RoundScore],
    line: Entry,
    candidate: Candidate,
) -> str:
    """Markdown for a release's `model_card.md`.

    Args:
        model_card: of the model folder.
        report: `build_report` of a ledger whose only evaluation of the global model is of this round on the holdouts.
        config: of the run.
        scores: validation scores by which the round was chosen.
        line: "version", "round", "model_id", "gates", "override", "key_fingerprint".
        candidate: the round's weights.
    """
    holdout = next((e for e in report["evaluations"] if (e["model"], e["split"]) == ("global", "holdout")), None)
    facts = known_facts(report, config, holdout, candidate)
    return "\n".join(
        [
            _own_card(model_card, candidate),
            "",
            f"# Release {line['version']}",
            "",
            *_gates(line),
            *_data(report),
            *_curriculum(config),
            *["## Noise on the mean", "", in_words(report["client_level_privacy"]), ""],
            *_choice(scores, candidate),
            *_results(holdout, config),
            *_unknown(report, holdout, candidate),
            *checklist("CLAIM 2024", CLAIM, facts),
            *checklist("TRIPOD+AI", TRIPOD, facts),
            f"**{DISCLAIMER}**",
            "",
        ]
    )


def _own_card(model_card: str, candidate: Candidate) -> str:
    """The model's own card, with in words what provenance.json has for programs."""
    words = {
        f"- calibrated_in: {cell(candidate.calibrated_in)}": f"- calibration: {_calibration(candidate.calibrated_in)}",
        "- notice: ": "- notice: none",
    }
    return "\n".join(words.get(line, line) for line in model_card.rstrip().split("\n"))


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(cell(value) for value in row) + " |" for row in rows), ""]


def _gates(line: Entry) -> list[str]:
    rows = [(gate["name"], gate["state"], gate["statement"]) for gate in line["gates"]]
    text = ["## Release gates", "", *_table(("gate", "state", "what was found"), rows)]
    if line["override"]:
        person = line["override"]
        who, why = cell(person["name"]), cell(person["reason"])
        text += [f"**Released although a gate is not open.** {who} answers for it: {why}", ""]
    return [*text, f"Signed with the Ed25519 key of fingerprint `{line['key_fingerprint']}`.", ""]


def _data(report: Entry) -> list[str]:
    rows = [
        (site, *(said["cases"].get(split, 0) for split in ("train", "validation", "holdout")), _pairs(said["labels"]))
        for site, said in sorted(report["sites"].items())
    ]
    head = ("site", "train", "validation", "holdout", "training cases with a label")
    return ["## Sites and data", "", "Cases as each site counted them when it was enlisted.", "", *_table(head, rows)]


def _curriculum(config: Config) -> list[str]:
    rows = [
        (entry.stage, entry.rounds, entry.local_steps or config.training.local_steps)
        for entry in config.curriculum.stages
    ]
    return [
        "## How it was trained",
        "",
        f"Curriculum `{config.curriculum.name}`; strategy `{config.strategy.name}`; server optimiser "
        f"`{config.strategy.server_optimizer.name}`; seed {config.seed}.",
        "",
        *_table(("stage", "rounds", "local steps per round"), rows),
    ]


def _choice(scores: Sequence[RoundScore], candidate: Candidate) -> list[str]:
    rows = [
        (
            f"{score.round}{' (released)' if score.round == candidate.round else ''}",
            _value(score.score),
            _value(score.dice),
            _value(score.auroc),
            score.cases,
            _calibration(score.calibrated_in),
            score.set_aside or "compared",
        )
        for score in scores
    ]
    head = ("round", "score", "mean Dice", "mean AUROC", "validation cases", "calibration", "remark")
    return [
        "## Why this round",
        "",
        "Chosen on validation cases, never on holdouts: mean pooled Dice of the regions plus mean AUROC of the tasks, "
        "the later round of equals. A round of a calibrating stage has the weights of the round before.",
        "",
        *_table(head, rows),
    ]


def _results(holdout: Entry | None, config: Config) -> list[str]:
    if holdout is None:
        return ["## Results on the holdouts", "", "Not measured for this round.", ""]
    rows: list[Sequence[object]] = []
    for site, summary in [*sorted(holdout["sites"].items()), ("all sites, pooled", holdout["pooled"])]:
        for region, title in REGION_TITLES.items():
            entry = summary["segmentation"][region]
            rows.append((site, f"Dice {title}", *_number(entry["dice"]["mean"], entry["dice"]["interval"], entry["n"])))
        for task in config.tasks:
            entry = summary["classification"][task]
            for name in ("auroc", "accuracy", "ece"):
                score = entry[name]
                rows.append(
                    (
                        site,
                        f"{name.upper()} {TASK_NAMES[task]}",
                        *_number(score["value"], score["interval"], entry["n"]),
                    )
                )
    worst = holdout["worst_site"]["dice.wt"]
    lowest = (
        f"Worst site by whole-tumour Dice: **{cell(worst[0])}**, {worst[1]:.3f}." if worst else "Worst site: unknown."
    )
    head = ("cases of", "measure", "value", "95 % interval", "n")
    return ["## Results on the holdouts", "", lowest, "", *_table(head, rows)]


def _number(value: float | None, interval: Sequence[float] | None, n: int) -> tuple[str, str, int]:
    ends = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "none"
    return measured(value, n, 3), ends, n


def _unknown(report: Entry, holdout: Entry | None, candidate: Candidate) -> list[str]:
    unscored = sorted(set(report["sites"]) - set(holdout["sites"] if holdout else ()))
    lines = [
        "## What is not known",
        "",
        "- Whether it helps a patient: no clinical outcome was measured.",
        "- How it does at a hospital that took no part: the holdouts are of the hospitals that trained it.",
        "- Scanners, age, sex and ethnicity of the cases: they do not leave the hospitals.",
        "- Who drew the reference masks and how well two people agree: no site reported it.",
    ]
    if unscored:
        lines.append(f"- Its results at {', '.join(map(cell, unscored))}: not scored there.")
    if candidate.calibrated_in is None:
        lines.append(
            "- Whether its probabilities can be taken as frequencies: no calibration was fitted on these weights."
        )
    return [*lines, ""]


def _calibration(number: int | None) -> str:
    return "not calibrated" if number is None else f"round {number}"


def _pairs(table: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in table.items()) or "none"


def _value(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"
