"""Names of tasks, regions and features as the pages write them."""

from collections.abc import Mapping

from gmmas_core.types import Task

TASK_TITLES: Mapping[Task, str] = {
    Task.HISTOLOGY: "Histology",
    Task.IDH: "IDH",
    Task.CODEL: "1p/19q",
    Task.MGMT: "MGMT promoter",
}

CLASS_TITLES: Mapping[Task, tuple[str, str]] = {
    Task.HISTOLOGY: ("lower grade", "glioblastoma"),
    Task.IDH: ("wildtype", "mutant"),
    Task.CODEL: ("not codeleted", "codeleted"),
    Task.MGMT: ("unmethylated", "methylated"),
}
"""Class 0 and class 1, as `gmmas_core.types.CLASS_NAMES`."""

VOLUME_TITLES: Mapping[str, str] = {
    "wt": "Whole tumour",
    "tc": "Tumour core",
    "et": "Enhancing tumour",
    "necrosis": "Necrotic or non-enhancing core",
    "edema": "Oedema and infiltration",
}

SHARE_TITLES: Mapping[str, str] = {
    "et/wt": "Enhancing part of the whole tumour",
    "necrosis/tc": "Necrotic or non-enhancing part of the core",
    "edema/wt": "Oedema and infiltration in the whole tumour",
}

SEQUENCE_TITLES: Mapping[str, str] = {"t1": "T1", "t1c": "T1c", "t2": "T2", "flair": "FLAIR"}

VASARI_TITLES: Mapping[str, str] = {
    "F2": "Side of the tumour's centre",
    "F4": "Enhancement quality",
    "F5": "Proportion enhancing",
    "F9": "Multifocal or multicentric",
    "F11": "Thickness of the enhancing margin",
    "F14": "Proportion of oedema",
    "F23": "Enhancing tumour crosses the midline",
    "F24": "Satellites",
}
"""Features that a mask can tell; the others bring their title with the reason why not."""

FINDING_TITLES: Mapping[str, str] = {
    **VOLUME_TITLES,
    "label_1_versus_3": "Enhancing against non-enhancing core",
    "t2_flair_mismatch": "T2-FLAIR mismatch",
    "enhancement_versus_blood": "Enhancement against blood",
    "segmentation": "Outline",
    **{task.value: title for task, title in TASK_TITLES.items()},
}
"""Keys of `not_assessable` and `abstained` of a document."""

CHECK_TITLES: Mapping[str, str] = {
    "constant": "Image content",
    "noise": "Noise",
    "saturation": "Saturation",
    "tissue_contrast": "Tissue contrast",
    "skull": "Skull removed",
    "brain_volume": "Brain volume",
    "slice_thickness": "Slice thickness",
    "cut_at_edge": "Field of view",
    "one_grid": "One grid",
    "symmetry": "Symmetry",
    "coverage": "Coverage",
    "duplicates": "Different images",
    "fluid": "Fluid signal",
    "tissue": "Tissue signal",
    "contrast_agent": "Contrast agent",
    "unlike_training": "Like the training sites' images",
    "tumour_found": "Tumour found",
    "tumour_volume": "Tumour volume",
    "scattered": "Tumour in one piece",
    "multiple_cores": "Number of cores",
    "tumour_at_edge": "Tumour inside the field of view",
    "outside_brain": "Tumour inside the brain",
    "tumour_signal": "T2/FLAIR signal of the tumour",
    "enhancement_signal": "Enhancement of the enhancing part",
}


def titled(titles: Mapping[str, str], key: str) -> str:
    """The title of a key; a key that is new here is shown as it is."""
    return titles.get(key, key.replace("_", " ").capitalize())
