"""English sentences of the template. Another language is a file with the same keys and braces.

The clinician's are neutral and advise no treatment; the patient's are short and plain and state no probability.
"""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "stop": ".",
    # clinician
    "say.used": "Sequences read: {sequences}.",
    "say.missing": "Missing: {sequences}.",
    "say.passes": "The ranges of probabilities rest on {count} stochastic readings.",
    "say.parts": "The outline holds {parts}.",
    "say.one_piece": "{the} is one piece.",
    "say.pieces": "{the} consists of {count} separate pieces.",
    "say.no_satellites": "No enhancing satellite was outlined.",
    "say.satellites": "Enhancing satellites beside the largest core: {count}.",
    "say.margin": "The enhancing margin has a median thickness of {value}.",
    "say.mismatch": "T2 is brighter than FLAIR in {value} of the non-enhancing tumour; no threshold is applied.",
    "say.volume": "The volume {of} is {value} (range {range}).",
    "say.range_grid": "The ranges of volumes are what the image grid leaves open.",
    "say.range_model": "The ranges of volumes are what the image grid and the model leave open.",
    "say.share": "{part} as a share {of_whole}: {value}.",
    "say.longest": "The largest diameter {of} is {value}.",
    "say.products": "The sum of the products of perpendicular axial diameters {of} is {value}.",
    "say.first_type": "Imaging ranks first: {name} (probability {chance}).",
    "say.next_type": "Imaging ranks next: {name} (probability {chance}).",
    "say.no_type": "No type can be ranked from these images.",
    "say.with_range": "{chance}, range {range}",
    "say.task": "{words} (probability of {answer}: {chance}).",
    "say.codel": "An IDH mutation together with 1p/19q codeletion has a probability of {chance}.",
    "say.histology_range": (
        "Glioblastoma under the microscope together with IDH-wildtype can have a probability of {range}."
    ),
    "say.diagnosis": "Integrated from tissue and imaging: {name}.",
    "say.diagnosis_tissue": "Integrated diagnosis, based on tissue: {name}.",
    "say.test": "To confirm on tissue: {test}.",
    "say.check": "{verdict}: {check}.",
    "say.check_at": "{verdict}: {check} ({where}).",
    # patient
    "plain.used": "These kinds of pictures of the head were used: {sequences}.",
    "plain.missing": "This kind of picture was missing: {sequences}.",
    "plain.missing_some": "These kinds of pictures were missing: {sequences}.",
    "plain.found": "The computer marked an area that may be a tumour.",
    "plain.none": "The computer did not mark a tumour.",
    "plain.found_by_hand": "An area that may be a tumour is marked.",
    "plain.none_by_hand": "No tumour is marked.",
    "plain.none_caution": "This does not mean that there is no tumour.",
    "plain.side.right": "The marked area is on the right side of the head.",
    "plain.side.left": "The marked area is on the left side of the head.",
    "plain.side.both": "The marked area is on both sides of the head.",
    "plain.side.midline": "The marked area is in the middle of the head.",
    "plain.volume": "Its size is about {value}.",
    "plain.corrected": "A person changed what the computer said.",
    "plain.corrected_mask": "A person changed the marked area by hand.",
    "plain.signed": "A doctor has looked at the pictures and signed this.",
    "plain.rejected": "A doctor did not agree with the computer.",
    "plain.tissue_shows": "The test of tissue shows: {name}.",
    "plain.grade": "The grade from the test of tissue is: {grade}.",
    "plain.kind_unknown": "The pictures alone do not show what kind of tumour it is.",
    "plain.not_seen": "Some things could not be seen since pictures were missing.",
    "plain.verdict.pass": "The checks of the pictures found no problem.",
    "plain.verdict.not_assessable": "Some checks of the pictures could not be made.",
    "plain.verdict.warn": "Some checks of the pictures need a closer look by a doctor.",
    "plain.verdict.fail": "A check of the pictures failed, so a doctor must look at them first.",
    "plain.tissue_counts": "The test of tissue counts more than the pictures.",
    "plain.ask": "You can ask them any question.",
}
