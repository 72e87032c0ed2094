"""Two reporting checklists, filled as far as a run's own record goes; the rest is said to be missing, not invented.

Topics are named in short words of our own; the wording that counts is the published one.
Sources: Tejani et al. 2024, CLAIM: 2024 Update, Radiology: Artificial Intelligence 6(4);
Collins et al. 2024, TRIPOD+AI, BMJ 385:e078378.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gmmas_core.config import Config
from gmmas_core.model_card import cell
from server.release.candidate import Candidate

Entry = Mapping[str, Any]
Item = tuple[str, str, str]
"""Number, topic, and the fact that answers it ("" where a run cannot)."""

NOT_REPORTED = "not reported by this run"

CLAIM: Sequence[Item] = (
    ("1", "Title names the AI method", "method"),
    ("2", "Structured summary", ""),
    ("3", "Background, intended use and role", "intended_use"),
    ("4", "Aims and hypotheses", ""),
    ("5", "Prospective or retrospective", ""),
    ("6", "Study goal", "goal"),
    ("7", "Data sources", "sources"),
    ("8", "Inclusion and exclusion criteria", ""),
    ("9", "Preprocessing", "preprocessing"),
    ("10", "Selection of data subsets", "augmentation"),
    ("11", "De-identification", "privacy"),
    ("12", "Missing data", "missing_data"),
    ("13", "Image acquisition protocol", ""),
    ("14", "Definition of the reference standard", "reference"),
    ("15", "Rationale for the reference standard", ""),
    ("16", "Source of the annotations", ""),
    ("17", "Annotation of the test set", ""),
    ("18", "Inter- and intrarater variability", ""),
    ("19", "Assignment to partitions", "partitions"),
    ("20", "Level at which partitions are disjoint", "disjoint"),
    ("21", "Intended sample size", ""),
    ("22", "Description of the model", "model"),
    ("23", "Software", "software"),
    ("24", "Initialisation of parameters", "initialisation"),
    ("25", "Training approach", "training"),
    ("26", "Selection of the final model", "selection"),
    ("27", "Ensembling", "ensembling"),
    ("28", "Performance metrics", "metrics"),
    ("29", "Uncertainty of the metrics", "intervals"),
    ("30", "Robustness or sensitivity analysis", "robustness"),
    ("31", "Explainability", "explainability"),
    ("32", "Evaluation on internal data", "results"),
    ("33", "Testing on external data", ""),
    ("34", "Trial registration", ""),
    ("35", "Cases included and excluded", "numbers"),
    ("36", "Demographics per partition", ""),
    ("37", "Performance with uncertainty", "results"),
    ("38", "Diagnostic accuracy with precision", "results"),
    ("39", "Failure analysis", ""),
    ("40", "Limitations", "limits"),
    ("41", "Implications for practice", "intended_use"),
    ("42", "Protocol or further technical detail", "detail"),
    ("43", "Availability of software, model and data", "availability"),
    ("44", "Funding", ""),
)

TRIPOD: Sequence[Item] = (
    ("1", "Title", "method"),
    ("2", "Abstract", ""),
    ("3a", "Health-care context and rationale", ""),
    ("3b", "Target population and intended purpose", "intended_use"),
    ("3c", "Known health inequalities", ""),
    ("4", "Objectives", "goal"),
    ("5a", "Sources of data", "sources"),
    ("5b", "Dates of data", ""),
    ("6a", "Study setting", "sources"),
    ("6b", "Eligibility", ""),
    ("6c", "Treatments received", ""),
    ("7", "Data preparation", "preprocessing"),
    ("8a", "Outcome", "reference"),
    ("8b", "Qualifications of those who assess the outcome", ""),
    ("8c", "Blinding of the outcome's assessment", ""),
    ("9a", "Choice of predictors", "predictors"),
    ("9b", "Definition of predictors", "predictors"),
    ("9c", "Qualifications of those who assess predictors", ""),
    ("10", "Sample size", ""),
    ("11", "Missing data", "missing_data"),
    ("12a", "How data were used and partitioned", "partitions"),
    ("12b", "Handling of predictors", "preprocessing"),
    ("12c", "Type of model, building, tuning", "training"),
    ("12d", "Heterogeneity across clusters", "heterogeneity"),
    ("12e", "Measures of performance", "metrics"),
    ("12f", "Model updating or recalibration", "calibration"),
    ("12g", "How predictions are calculated", "model"),
    ("13", "Class imbalance", "imbalance"),
    ("14", "Fairness", ""),
    ("15", "Output of the model and thresholds", "output"),
    ("16", "Differences of training and evaluation data", "disjoint"),
    ("17", "Ethical approval", ""),
    ("18a", "Funding", ""),
    ("18b", "Conflicts of interest", ""),
    ("18c", "Protocol", "detail"),
    ("18d", "Registration", ""),
    ("18e", "Data sharing", "privacy"),
    ("18f", "Code sharing", "availability"),
    ("19", "Patient and public involvement", ""),
    ("20a", "Flow of participants", "numbers"),
    ("20b", "Characteristics of participants", ""),
    ("20c", "Comparison of development and evaluation data", ""),
    ("21", "Participants and outcome events per analysis", "numbers"),
    ("22", "Full specification of the model", "model"),
    ("23a", "Performance with confidence intervals", "results"),
    ("23b", "Heterogeneity of performance", "heterogeneity"),
    ("24", "Results of updating", "calibration"),
    ("25", "Interpretation", ""),
    ("26", "Limitations", "limits"),
    ("27a", "Handling of poor or missing input", "missing_data"),
    ("27b", "Expertise needed of the user", ""),
    ("27c", "Next steps", ""),
)


def checklist(title: str, items: Sequence[Item], facts: Mapping[str, str]) -> list[str]:
    """Markdown: a heading, how many items the run answers, and a table."""
    rows = [(number, topic, facts.get(fact) or NOT_REPORTED) for number, topic, fact in items]
    answered = sum(answer != NOT_REPORTED for _, _, answer in rows)
    lines = [
        f"## {title} checklist",
        "",
        f"{answered} of {len(rows)} items are answered from this run's record. The rest is for those who publish it.",
        "",
        "| item | topic | answer |",
        "|---|---|---|",
    ]
    return [*lines, *(f"| {number} | {topic} | {cell(answer)} |" for number, topic, answer in rows), ""]


def known_facts(report: Entry, config: Config, holdout: Entry | None, candidate: Candidate) -> dict[str, str]:
    """What a run can say for itself; a key is absent where it cannot."""
    sites = report["sites"]
    totals = {split: sum(said["cases"].get(split, 0) for said in sites.values()) for split in _SPLITS}
    counts = ", ".join(f"{totals[split]} {split}" for split in _SPLITS)
    facts = _fixed(config) | {
        "sources": f"{len(sites)} sites: {', '.join(sorted(sites))}",
        "numbers": f"Cases: {counts}; per site in 'Sites and data'. Exclusions are not reported.",
        "training": f"Curriculum {config.curriculum.name}, strategy {config.strategy.name}; see 'How it was trained'.",
        "selection": f"Round {candidate.round}, see 'Why this round'.",
        "calibration": "Temperatures by the federated fit on validation cases; see calibration.json."
        if candidate.calibrated_in is not None
        else "No temperature was fitted on these weights.",
    }
    if holdout is not None:
        facts["results"] = "See 'Results on the holdouts': the participating hospitals' own holdout cases."
        facts["heterogeneity"] = "Every result is given per site, the worst site is named."
    if report["subsets"]:
        facts["robustness"] = "All subsets of the sequences were scored; see the run's report."
    if report["significance"]:
        facts["explainability"] = "What each sequence is worth was measured; see the run's report."
    return facts


_SPLITS = ("train", "validation", "holdout")


def _fixed(config: Config) -> dict[str, str]:
    """What follows from the code and the configuration alone."""
    data, loss = config.data, config.loss
    return {
        "method": "Deep learning: federated multi-task network GMMAS.",
        "goal": f"Segmentation of glioma and prediction of {', '.join(config.tasks)} from MRI.",
        "intended_use": "Research use only; adults with a suspected or known glioma, before treatment.",
        "preprocessing": f"Skull-stripped, one grid of {data.spacing_mm:g} mm, z-scores inside the brain.",
        "augmentation": f"Crops of {config.model.crop_size} voxels, {data.tumour_share:g} of them on the tumour; "
        f"Tumor-CutMix: {data.tumor_cutmix}.",
        "privacy": "Images, masks and labels did not leave the hospitals; weights and sums over cases did.",
        "missing_data": "What a missing sequence would show is not assessable; missing labels are not used.",
        "reference": "Masks and pathology labels as each hospital's table gives them.",
        "predictors": "Intensities of up to four MRI sequences: T1, T1 with contrast, T2, FLAIR.",
        "partitions": f"By the site's own table, else by a hash of the patient: {data.holdout_share:g} holdout, "
        f"{data.validation_share:g} validation.",
        "disjoint": "By patient within a site; a patient at two sites cannot be recognised.",
        "model": f"GMMAS, preset {config.model.name}; config.yaml and model.safetensors hold it whole.",
        "software": "Python packages and versions in provenance.json, under fingerprint.versions.",
        "initialisation": f"Random, seed {config.seed}.",
        "ensembling": "None.",
        "metrics": "Dice, HD95, AUROC, AUPRC, accuracy, sensitivity, specificity, Brier, NLL, ECE.",
        "intervals": "95 %: bootstrap of merged counts, DeLong, Wilson; one case per patient assumed.",
        "imbalance": f"Class weights: {loss.class_weighting}.",
        "output": "Labels per voxel and a probability per task; no treatment threshold is recommended.",
        "limits": "See 'Limits' and 'What is not known'.",
        "detail": "config.yaml of this folder is the full configuration of the run.",
        "availability": "This folder holds the model; the code's identity is in provenance.json. Data are not shared.",
    }
