"""Which file of a case folder is which sequence, in every spelling that public data sets and hospitals use.

Names only; nothing is opened. Longest ending first, so that `t1` never claims a `t1ce` file nor `t2` a `t2f` file.
Two files for one sequence are reported, never chosen between by luck.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.types import SEQUENCES

MASK = "mask"

_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "t1": ("t1", "t1n", "t1w", "t1_native", "t1_pre", "t1pre"),
    "t1c": (
        *(
            "t1c",
            "t1ce",
            "t1gd",
            "t1gad",
            "t1_c",
            "t1_ce",
            "t1_gd",
            "t1_gad",
            "t1post",
            "t1_post",
            "t1km",
            "t1_contrast",
        ),
        *(
            "t1contrast",
            "t1cw",
            "t1wc",
            "t1wce",
            "t1w_c",
            "t1w_ce",
            "t1wgd",
            "t1w_gd",
            "t1w_post",
            "ce_t1",
            "ce_t1w",
            "gd_t1",
        ),
    ),
    "t2": ("t2", "t2w"),
    "flair": ("flair", "t2f", "t2_flair", "t2flair", "t2w_flair", "fl"),
}
_SEQUENCE_OF_ENDING = {ending: sequence for sequence, endings in _ENDINGS.items() for ending in endings}
_LONGEST_FIRST = sorted(_SEQUENCE_OF_ENDING, key=len, reverse=True)

# A file processed further is the same sequence; where several versions lie side by side the lowest number is taken:
# registered and skull-stripped before as acquired, as acquired before bias-corrected.
_QUALIFIERS: Mapping[str, int] = {"ants": -2, "brain": -1, "bet": -1, "stripped": -1, "bias": 1, "n4": 1}

# Masks somebody corrected before masks, before automatic ones.
_MASK_ENDINGS: Mapping[str, int] = {
    **dict.fromkeys(("rtumorseg_manual_correction",), 0),
    **dict.fromkeys(("tumorseg_manual_correction", "glistrboost_manuallycorrected"), 1),
    **dict.fromkeys(("seg", "segm", "segmentation", "dseg", "mask", "tumorseg", "tumourseg", "label", "labels"), 2),
    **dict.fromkeys(("seg_automatic", "automated_approx_segm", "glistrboost", "tumorseg_fets"), 3),
}
_MASKS_LONGEST_FIRST = sorted(_MASK_ENDINGS, key=len, reverse=True)
_OTHER_MASKS = frozenset({"brain", "parenchyma", "deface", "skull", "tissue", "head"})
_BIDS_CONTRAST = re.compile(r"(^|_)ce-[a-z0-9]+(_[^_]+)*_t1w?$")
_EXTENSION = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class FoundFiles:
    """What a case folder holds.

    Attributes:
        images: path per sequence, in SEQUENCES' order, any subset.
        mask: the segmentation, or None.
        clashes: "mask" or a sequence -> the differing endings of several equally good files for it.
        ignored: number of NIfTI files that are no known sequence (diffusion, brain masks, ...).
    """

    images: Mapping[str, Path]
    mask: Path | None
    clashes: Mapping[str, tuple[str, ...]]
    ignored: int

    @property
    def problems(self) -> list[str]:
        """Every reason why this folder cannot be used, as sentences."""
        found = [
            f"found {len(endings)} files for {name} ({', '.join(endings)}); expected one; remove or rename the others"
            for name, endings in self.clashes.items()
        ]
        if not self.images and not self.clashes:
            found.append(
                f"found no known sequence among {self.ignored} NIfTI files; expected any of {', '.join(SEQUENCES)}; "
                "name the files like CASE_t1.nii.gz, CASE_t1ce.nii.gz, CASE_t2.nii.gz, CASE_flair.nii.gz"
            )
        return found


def find_sequences(folder: Path) -> FoundFiles:
    """Find the images and the mask of one case by file name.

    Looks in the folder itself, else in its `anat/`, else in its sessions (`ses-*/anat/`, `ses-*/`), as BIDS does.

    Args:
        folder: of one case (one study of one patient). A folder that is absent or unreadable holds nothing.

    Returns:
        Files by sequence; nothing is opened.

    Source: spellings of BraTS 2017-2025, FeTS, TCGA (Bakas), UCSF-PDGM, UPENN-GBM, UTSW-Glioma, EGD and BIDS.
    """
    files = _nifti_files(folder)
    if not any(sequence_of(file.name) for file in files):
        anatomy = folder / "anat"
        deeper = (
            [anatomy]
            if os.path.isdir(anatomy)
            else [inner for ses in _sessions(folder) for inner in (ses / "anat", ses)]
        )
        files = files + [file for inner in deeper for file in _nifti_files(inner)]
    candidates: dict[str, list[tuple[int, Path]]] = {}
    ignored = 0
    for file in files:
        found = _classify(file.name)
        if found is None:
            ignored += 1
        else:
            candidates.setdefault(found[0], []).append((found[1], file))
    chosen, clashes = _choose(candidates)
    images = {sequence: chosen[sequence] for sequence in SEQUENCES if sequence in chosen}
    return FoundFiles(images=images, mask=chosen.get(MASK), clashes=clashes, ignored=ignored)


def sequence_of(file_name: str) -> str | None:
    """The sequence a file name stands for, "mask" for a tumour segmentation, or None."""
    found = _classify(file_name)
    return None if found is None else found[0]


def has_images(folder: Path) -> bool:
    """Whether a folder itself (not its subfolders) holds at least one known sequence."""
    return any(sequence_of(file.name) in SEQUENCES for file in _nifti_files(folder))


def _classify(file_name: str) -> tuple[str, int] | None:
    """(sequence or "mask", preference) of a file name; lower preference numbers win."""
    stem = _EXTENSION.sub("", file_name).lower()
    if _BIDS_CONTRAST.search(stem):
        return "t1c", 0
    tokens = [token for token in re.split(r"[^a-z0-9]+", stem) if token]
    preference = _mask_preference(tokens)
    if preference is not None:
        return MASK, preference
    rank = 0
    while len(tokens) > 1 and tokens[-1] in _QUALIFIERS:
        rank += _QUALIFIERS[tokens.pop()]
    name = "_".join(tokens)
    for ending in _LONGEST_FIRST:
        if _ends_with(name, ending):
            return _SEQUENCE_OF_ENDING[ending], rank
    return None


def _mask_preference(tokens: list[str]) -> int | None:
    name = "_".join(tokens)
    for ending in _MASKS_LONGEST_FIRST:
        if _ends_with(name, ending):
            before = name[: -len(ending)].rstrip("_").split("_")[-1]
            return None if before in _OTHER_MASKS else _MASK_ENDINGS[ending]
    return None


def _ends_with(name: str, ending: str) -> bool:
    return name == ending or name.endswith(f"_{ending}")


def _choose(
    candidates: Mapping[str, Iterable[tuple[int, Path]]],
) -> tuple[dict[str, Path], dict[str, tuple[str, ...]]]:
    chosen: dict[str, Path] = {}
    clashes: dict[str, tuple[str, ...]] = {}
    for name, ranked in candidates.items():
        best = min(rank for rank, _ in ranked)
        equal = sorted(file for rank, file in ranked if rank == best)
        if len(equal) == 1:
            chosen[name] = equal[0]
        else:
            # Told to a person: no line breaks, no orders to the terminal.
            clashes[name] = tuple(re.sub(r"[^ -~]", "?", re.split(r"[-_ ]", file.name)[-1])[-40:] for file in equal)
    return chosen, clashes


def _nifti_files(folder: Path) -> list[Path]:
    """NIfTI files of one folder, sorted; macOS' `._*` shadows and hidden files are no images."""
    try:
        return sorted(
            file
            for file in folder.iterdir()
            if _EXTENSION.search(file.name) and not file.name.startswith(".") and file.is_file()
        )
    except OSError:
        return []


def _sessions(folder: Path) -> list[Path]:
    try:
        return sorted(inner for inner in folder.glob("ses-*") if inner.is_dir())
    except OSError:
        return []
