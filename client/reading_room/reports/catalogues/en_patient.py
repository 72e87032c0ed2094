"""English labels and fixed sentences of the patient's report: plain words, no probability, no survival, no advice.

Sentences about a case are the writer's. Readability is measured in the tests.
"""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "patient.title": "Your brain scan",
    "patient.subtitle": "A report in plain words. Please read it with your care team.",
    "patient.about.released": "Released",
    "patient.about.released_text": "by {user}, {at}",
    "patient.not_released": "NOT RELEASED: preview for clinicians",
    "patient.not_released_text": "Do not hand this out. A clinician must sign the study and release the report first.",
    "patient.first": "Read this first",
    "patient.first_text": (
        "A computer program looked at your scan. It is made for research. It can be wrong. It did not look at you as a "
        "person. Your care team knows more than this report."
    ),
    "patient.section.picture": "A picture from your scan",
    "patient.section.measured": "What was measured",
    "patient.section.unknown": "What is not known",
    "patient.section.questions": "Questions you can ask your care team",
    "patient.section.words": "Words used here",
    "patient.picture": (
        "One slice of your scan, seen from below. The line shows the area that the program marked. R is your right "
        "side and L is your left side."
    ),
    "patient.picture_empty": "One slice of your scan, seen from below. The program marked no area.",
    "patient.picture_alt": "One slice of the head with a thin line around the marked area.",
    "patient.measured.caption": "Sizes that the program found",
    "patient.measured.wt": "Whole area that looks different",
    "patient.measured.tc": "Inner part of it",
    "patient.measured.et": "Part that lights up with dye",
    "patient.measured.longest": "Longest distance across the whole area",
    "patient.measured.side": "Side of your head",
    "patient.measured.open": "could not be measured",
    "patient.measured.zero": "nothing marked",
    "patient.measured.about": "about {value}",
    "patient.measured.note": (
        "All sizes are rough. mL is short for millilitre. A teaspoon holds about 5 mL. mm is short for millimetre."
    ),
    "patient.question.1": "What do you see on my scan?",
    "patient.question.2": "Do you agree with what the program marked?",
    "patient.question.3": "What else could it be?",
    "patient.question.4": "Do I need a test of the tissue? How is it done?",
    "patient.question.5": "When will I know more, and who will tell me?",
    "patient.question.6": "What can I do if I feel worse or get new signs?",
    "patient.question.7": "Whom can I call when I have more questions?",
    "patient.words.caption": "Words and what they mean",
    "patient.word.mri": "MRI",
    "patient.word.mri_text": "A scan that makes pictures of the inside of the head. It uses magnets, not X-rays.",
    "patient.word.dye": "Dye",
    "patient.word.dye_text": "A fluid put in a vein. It makes some parts show up more on the scan.",
    "patient.word.tumour": "Tumour",
    "patient.word.tumour_text": "A lump of cells that grow where they should not.",
    "patient.word.glioma": "Glioma",
    "patient.word.glioma_text": "A kind of tumour that starts in the brain itself. There are many kinds.",
    "patient.word.tissue": "Tissue test",
    "patient.word.tissue_text": (
        "A small piece of the tumour is taken out and looked at in a lab. It is also called a biopsy."
    ),
    "patient.word.gene": "Gene",
    "patient.word.gene_text": "A part of a cell that tells it what to do. Some genes help to name a tumour.",
    "patient.word.edema": "Swelling",
    "patient.word.edema_text": "Extra fluid in the brain near a tumour. It is also called edema.",
    "patient.word.team": "Care team",
    "patient.word.team_text": "The doctors, nurses and others who look after you.",
}
