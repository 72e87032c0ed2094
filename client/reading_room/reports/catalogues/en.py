"""English labels and fixed sentences of the clinician's report. Another language has the same keys and braces.

Sentences about a case are the writer's; here is only what is the same in every report.
"""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    # frame
    "disclaimer": "Research use only. Not a medical device.",
    "page": "Page {page} of {pages}",
    "list": ", ",
    "colon": ": ",
    "yes": "yes",
    "no": "no",
    "none": "none",
    "range": "{low} to {high}",
    "plus_minus": "± {value}",
    "day": "{year}-{month}-{day}",
    "moment": "{day}, {time} UTC",
    "not_known": "not known",
    "not_measured": "not measured: {reason}",
    # head of the clinician's report
    "clinician.title": "Reading of an MRI of the brain",
    "clinician.subtitle": "Report for clinicians: what a research model suggests, with its uncertainty",
    "about.patient": "Patient (pseudonym)",
    "about.day": "Day of the scan",
    "about.site": "Site",
    "about.sequences": "Sequences read",
    "about.missing": "Sequences missing",
    "about.model": "Model",
    "about.revision": "Revision",
    "about.revision_model": "{number}, by the model, {at}",
    "about.revision_person": "{number}, corrected by {user}, {at}",
    "about.state": "State",
    "state.open": "NOT SIGNED: preliminary",
    "state.open_text": "Nobody has signed this reading. It is the unreviewed output of a research model.",
    "state.signed": "Signed by {user}, {at}",
    "state.signed_text": "Signed for this revision as seen by a clinician. It remains a research result.",
    "state.rejected": "REJECTED by {user}, {at}",
    "state.rejected_text": "A clinician rejected this reading. Do not use it.",
    "state.outdated": "NOT SIGNED: another revision was signed",
    "state.outdated_text": "The signature that stands is on revision {number}; this report shows another one.",
    "corrected": "Corrected by a person",
    "corrected_mask": "the outline was corrected",
    "corrected_labels": "labels were set: {labels}",
    "corrected_text": (
        "{user} changed revision {number}: {what}. Measures are those of the corrected outline; probabilities stay "
        "the model's."
    ),
    "corrected_text_labels": (
        "{user} changed revision {number}: {what}. Outline, measures and probabilities stay the model's."
    ),
    # verdict and abstentions
    "verdict.pass": "Checks of images and result: all passed",
    "verdict.not_assessable": "Checks of images and result: some could not be made",
    "verdict.warn": "Checks of images and result: look before you use this",
    "verdict.fail": "Checks of images and result: FAILED",
    "verdict.fail_text": "Do not believe the result before a person has looked at the images. The checks are below.",
    "verdict.warn_text": "At least one check found something unusual. The checks are below.",
    "abstain.no_tumour": "No tumour found",
    "abstain.no_tumour_text": (
        "No tumour is outlined. This does not exclude one. Nothing about type or genes can be read."
    ),
    "abstain.unlike": "Out of distribution",
    "abstain.unlike_text": (
        "The images are unlike those of the training sites. Type and genes are not read; the outline may be wrong."
    ),
    "abstain.sequences": "Missing sequences",
    "abstain.sequences_text": "Without {sequences} some findings are not assessable; they are listed with the reason.",
    "abstain.disagreement": "Passes disagree",
    "abstain.disagreement_text": "The stochastic passes do not agree which type comes first: {types}.",
    "abstain.rules": "Results contradict each other",
    "notice": "Notice of the model",
    # sections
    "section.narrative": "Summary",
    "section.pictures": "Images",
    "section.diagnosis": "Diagnosis in layers",
    "section.types": "Types suggested by imaging",
    "section.tasks": "Answers to single questions",
    "section.volumes": "Volumes",
    "section.sizes": "Diameters and place",
    "section.signs": "Margin, T2-FLAIR mismatch and VASARI",
    "section.not_assessable": "Not assessable",
    "section.without": "What would change this",
    "section.checks": "Checks of images and result",
    "section.differentials": "Differentials",
    "section.tests": "Suggested confirmatory tests",
    "section.follow_up": "Follow-up",
    "section.comparison": "Comparison with earlier studies",
    "section.figures": "Published figures, asked for by the reader",
    "section.model": "About the model",
    "section.provenance": "Provenance",
    # narrative
    "written_by.template": "Written by the deterministic writer of this program from the findings.",
    "written_by.model": "Worded by {name} from the findings and checked sentence by sentence; numbers by this program.",
    # pictures
    "plane.axial": "Axial",
    "plane.coronal": "Coronal",
    "plane.sagittal": "Sagittal",
    "picture.slices": "{planes} through the largest cross-section on {sequence}. Lines: {lines}.",
    "picture.slices_empty": "{planes} through the middle of the head on {sequence}. No tumour was outlined.",
    "picture.line.wt": "yellow, whole tumour",
    "picture.line.tc": "red, tumour core",
    "picture.line.et": "blue, enhancing tumour",
    "picture.letters": "R and L are the patient's right and left.",
    "picture.uncertainty": (
        "Uncertainty of the outline in the same slices: predictive entropy from 0 (dark) to {most} nats (bright)."
    ),
    "picture.not_drawn": "The images could not be drawn: {reason}",
    # diagnosis
    "diagnosis.basis": "Rests on",
    "diagnosis.reasons": "Reasons",
    "diagnosis.caption": "The four layers of WHO CNS5 (2021)",
    "diagnosis.flags": "To know beside it",
    "diagnosis.pathology": "Results on tissue that were entered",
    "diagnosis.no_pathology": "No result on tissue has been entered.",
    "pathology.marker": "Marker",
    "pathology.value": "Result",
    "pathology.by": "Entered by",
    "pathology.at": "When",
    # types
    "types.caption": (
        "Probability of each type; the whisker is the 5th to 95th percentile of {passes} stochastic passes"
    ),
    "types.caption_plain": "Probability of each type; no stochastic passes were made, so there is no interval",
    "types.type": "Type",
    "types.probability": "Probability",
    "types.interval": "Interval",
    "types.none": "No type can be suggested: {reason}",
    "types.histology": ("What the microscope would show: glioblastoma with a probability of {value}, whatever IDH is."),
    "types.histology_bounds": "Together with IDH-wildtype between {low} and {high}.",
    "types.grade": "A CNS WHO grade is never taken from images.",
    "types.uncalibrated": "Not calibrated: {tasks}. Read these probabilities as an order, not as frequencies.",
    # tasks
    "task.histology": "Histology",
    "task.idh": "IDH",
    "task.codel_1p19q": "1p/19q",
    "task.mgmt": "MGMT promoter",
    "class.histology.1": "glioblastoma",
    "class.idh.1": "mutant",
    "class.codel_1p19q.1": "codeleted",
    "class.mgmt.1": "methylated",
    "class.histology.0": "lower grade",
    "class.idh.0": "wildtype",
    "class.codel_1p19q.0": "not codeleted",
    "class.mgmt.0": "unmethylated",
    "tasks.caption": "Probability of the named answer, and how uncertain it is",
    "tasks.question": "Question",
    "tasks.answer": "Probability of",
    "tasks.epistemic": "Model doubt",
    "tasks.aleatoric": "Image doubt",
    "tasks.calibrated": "Calibrated",
    "tasks.note": (
        "Interval: 5th to 95th percentile over stochastic passes. Model doubt: mutual information; image doubt: "
        "expected entropy; both in nats, 0.693 is the most a question of two answers can have. 1p/19q is the "
        "probability of mutant and codeleted together."
    ),
    # what follows
    "differentials.caption": "Other types that the model ranks below the first",
    "differentials.beyond": (
        "The model knows gliomas of adults and nothing else. Metastasis, lymphoma, abscess, demyelination, infarction "
        "and other lesions can look alike on these sequences; it cannot tell them apart and gives them no probability."
    ),
    "differentials.grade": "Grade and genes cannot be told from images; a suggested type is not a diagnosis.",
    "tests.none": "No open question that a test on tissue would settle.",
    "tests.note": "Which test is done is for the treating team to decide.",
    "follow_up.compare": "Compare with earlier studies of the same patient where there are any.",
    "follow_up.repeat": "The checks suggest looking at {sequences} again, and repeating the sequence where needed.",
    "follow_up.single": "No statement on response or progression is made; one reading alone allows none.",
    # comparison
    "comparison.caption": "Change since earlier studies; the band is the largest that both errors allow",
    "comparison.measure": "Measure",
    "comparison.before": "Before",
    "comparison.now": "Now",
    "comparison.change": "Change",
    "comparison.band": "Band",
    "comparison.resolved": "Beyond the error",
    "comparison.baseline": "Against the first study ({study})",
    "comparison.nadir": "Against the smallest earlier value",
    "comparison.volume": "Volume, {region}",
    "comparison.products": "Sum of products, {region}",
    "comparison.longest_3d": "Longest diameter, {region}",
    "comparison.refused": "The studies must not be compared",
    "comparison.note": "No RANO category is given: treatment, steroids and the clinical state are not known here.",
    "comparison.new_lesions": "New lesions",
    # figures of groups
    "figures.none": (
        "There are none for this case. Figures are shown only for a type and a single grade established on tissue."
    ),
    "figures.figure": "Figure",
    "figures.group": "Group",
    "figures.source": "Source",
    "figures.source_text": "{title}. {journal} {year}; doi {doi}. {population}.",
    # model and provenance
    "model.caption": "Model Facts",
    "model.id": "Model and release",
    "model.task": "What it does",
    "model.task_text": (
        "Outlines a glioma in MRI of an adult before treatment, and gives probabilities for histology, IDH and 1p/19q."
    ),
    "model.input": "Input",
    "model.input_text": "Skull-stripped T1, T1c, T2 and FLAIR on one grid; any of them may be missing.",
    "model.training": "Training",
    "model.training_text": "{cases} cases of {sites} sites, {rounds} rounds of federated training.",
    "model.training_other": "This model is not the one now installed; its training record is not at hand.",
    "model.calibrated": "Calibrated questions",
    "model.reading": "Reading",
    "model.reading_text": "{passes} stochastic passes; {inference}; overlap {overlap}; voxels of {spacing}.",
    "inference.window": "sliding window",
    "inference.one_pass": "one pass over the brain",
    "model.warnings": "Warnings",
    "model.limits": "Limits",
    "model.limits_text": (
        "Any other disease is read as if it were a glioma. Not for children, not after surgery or radiation. Accuracy "
        "differs between hospitals. Passes and networks share blind spots, so a narrow interval is no guarantee."
    ),
    "model.status": "Status",
    "model.status_text": "Not approved by any authority; not CE-marked, not FDA-cleared. No diagnosis, no treatment.",
    "provenance.caption": "What this report was made from",
    "provenance.study": "Study",
    "provenance.findings": "Findings, sha256",
    "provenance.outline": "Outline, sha256",
    "provenance.uncertainty": "Map of uncertainty, sha256",
    "provenance.image": "{sequence}, sha256",
    "provenance.config": "Configuration of the model",
    "provenance.read": "Read at",
    "provenance.report": "Report",
    "provenance.report_text": "language {language}, narrative: {written_by}",
}
