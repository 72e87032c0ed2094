"""The phantoms of a study: one federation to train on, one shared test set, and label shares of the former.

`complete/` holds every training and validation case with every mask and label; `test/` holds other patients of the same
hospitals, drawn from another seed and named otherwise. What a hospital never or seldom acquires is missing in both.
A variant is a folder of links: withheld are the labels in the table and the link to the mask, nothing else.
"""

import csv
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmmas_core.atomic import publish_folder, write_json, write_text
from gmmas_core.data.phantom import HOSPITALS, SiteEffects, make_case
from gmmas_core.data.phantom.site_effects import sequences_of
from gmmas_core.data.phantom.write import draw_patient, nifti_bytes
from gmmas_core.types import CLASS_NAMES, ENHANCING, Task
from server.lab.study.arms import EVERYBODY, ONLY, POOLED, WITHOUT
from server.lab.study.sizes import StudySize

TRAIN_SEED, TEST_SEED, LABEL_SEED = 0, 3, 0
COMPLETE, TEST, VARIANTS, RECIPE = "complete", "test", "variants", "recipe.json"
FORMAT = 1

_TASKS = (Task.IDH, Task.CODEL, Task.HISTOLOGY)
_COLUMNS = ("participant_id", "age", "sex", *(task.value for task in _TASKS), "split")
_ENHANCING_ON_DISK = 4

OnCase = Callable[[], object]


@dataclass(frozen=True)
class Variant:
    """What of the complete federation an arm's run may see."""

    group: str
    labelled: int
    masks: bool

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.group}-{self.labelled}{'' if self.masks else '-unmasked'}"


def data_recipe(size: StudySize) -> dict[str, object]:
    """What the phantoms follow from; equal recipes give equal phantoms."""
    wanted = ("sites", "voxels", "train", "validation", "test")
    return {"format": FORMAT, "seeds": [TRAIN_SEED, TEST_SEED, LABEL_SEED]} | {k: asdict(size)[k] for k in wanted}


def cases_to_write(size: StudySize) -> int:
    """Phantoms of a study."""
    return size.sites * (size.train + size.validation + size.test)


def write_data(folder: Path, size: StudySize, on_case: OnCase = lambda: None) -> None:
    """Write the phantoms unless they are there already; an unfinished or other set is replaced.

    Args:
        folder: of the data of one study.
        size: of the study.
        on_case: called after each phantom.

    Raises:
        OSError: the folder cannot be written.
    """
    recipe = json.loads(json.dumps(data_recipe(size)))
    try:
        if json.loads((folder / RECIPE).read_text()) == recipe:
            return
    except (OSError, ValueError):
        pass
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".data-") as workshop:
        fresh = Path(workshop) / "data"
        for number, effects in enumerate(HOSPITALS[: size.sites]):
            splits = ["train"] * size.train + ["validation"] * size.validation
            _write_site(fresh / COMPLETE / effects.name, effects, (TRAIN_SEED, number), splits, size.voxels, on_case)
            _write_site(
                fresh / TEST / effects.name, effects, (TEST_SEED, number), ["holdout"] * size.test, size.voxels, on_case
            )
        write_json(fresh / RECIPE, recipe)
        if folder.exists():
            shutil.rmtree(folder)
        publish_folder(fresh, folder)


def shared_test_sites(folder: Path) -> list[Path]:
    """The site folders of the shared test set."""
    return sorted(path.parent for path in (folder / TEST).glob("*/site.yaml"))


def variant_sites(folder: Path, variant: Variant) -> list[Path]:
    """The site folders of a variant, made now where they are not there yet.

    Which cases keep their labels follows from a seed of its own, so that every arm of a share has the same ones, and a
    larger share holds the smaller.
    """
    home = folder / VARIANTS / variant.name
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=".variant-") as workshop:
            # One level down, as deep as the final place, so that relative links are right in both.
            fresh = Path(workshop)
            for name, members in _grouping(folder, variant.group).items():
                rows = [row for member in members for row in _link_site(member, fresh / name, home / name, variant)]
                write_tables(fresh / name, name, rows)
            fresh.chmod(0o755)
            os.rename(fresh, home)
            fresh.mkdir()  # for TemporaryDirectory to remove
    return sorted(path.parent for path in home.glob("*/site.yaml"))


def labelled_cases(train: Sequence[str], percent: int) -> frozenset[str]:
    """Which of a hospital's training cases keep their labels; nested over percentages."""
    order = np.random.default_rng(LABEL_SEED).permutation(len(train))
    return frozenset(train[place] for place in order[: round(len(train) * percent / 100)])


def _grouping(folder: Path, group: str) -> dict[str, list[Path]]:
    """Site of a variant -> site folders of the complete federation that make it up."""
    complete = sorted(path.parent for path in (folder / COMPLETE).glob("*/site.yaml"))
    if group == POOLED:
        return {POOLED: complete}
    kept = {
        EVERYBODY: complete,
        ONLY: [site for site in complete if group == ONLY + site.name],
        WITHOUT: [site for site in complete if group != WITHOUT + site.name],
    }[next(kind for kind in (EVERYBODY, ONLY, WITHOUT) if group.startswith(kind))]
    return {site.name: [site] for site in kept}


def _link_site(source: Path, fresh: Path, final: Path, variant: Variant) -> list[list[str]]:
    """Link a hospital's images and return its rows with what is to be withheld withheld."""
    with (source / "participants.tsv").open(newline="", encoding="utf-8") as file:
        rows = [list(row) for row in csv.reader(file, delimiter="\t")][1:]
    keeps = labelled_cases([row[0] for row in rows if row[-1] == "train"], variant.labelled)
    first, last = _COLUMNS.index(_TASKS[0].value), _COLUMNS.index(_TASKS[-1].value)
    for row in rows:
        is_known = row[-1] != "train" or row[0] in keeps
        case = fresh / row[0]
        case.mkdir(parents=True)
        for file_path in sorted((source / row[0]).iterdir()):
            if not file_path.name.endswith("_seg.nii.gz") or (is_known and variant.masks):
                (case / file_path.name).symlink_to(os.path.relpath(file_path, final / row[0]))
        if not is_known:
            row[first : last + 1] = ["n/a"] * len(_TASKS)
    return rows


def write_tables(site: Path, name: str, rows: Sequence[Sequence[str]]) -> None:
    """A hospital's participants.tsv and site.yaml."""
    text = "\n".join("\t".join(row) for row in [_COLUMNS, *rows]) + "\n"
    write_text(site / "participants.tsv", text)
    write_text(site / "site.yaml", site_yaml(name, "."))


def site_yaml(name: str, data: str) -> str:
    """Settings of a phantom hospital; `data` is relative to the file."""
    return (
        "# Phantoms are nobody's data, so the floor is lower than a hospital's.\n"
        f"site: {name}\nlabel_convention: brats2021\ncohort_floor: 1\nthreads: 1\ndata: {data}\n"
    )


def _write_site(
    site: Path, effects: SiteEffects, stream: tuple[int, int], splits: Sequence[str], voxels: int, on_case: OnCase
) -> None:
    """A hospital without gaps in masks and labels; its missing sequences stay missing."""
    whole = replace(effects, unknown={}, unmasked=0.0)
    rows = []
    for case, split in enumerate(splits):
        latent, rng = draw_patient(whole, (*stream, case))
        phantom = make_case(latent, voxels, rng, whole)
        name = f"{'test' if split == 'holdout' else 'sub'}-{stream[1] + 1:02d}{case + 1:04d}"
        write_case(site, name, whole, case, phantom.images, phantom.seg_XYZ)
        rows.append([name, f"{latent.age:.1f}", latent.sex, *label_words(latent.labels), split])
        on_case()
    write_tables(site, effects.name, rows)


def write_case(
    site: Path,
    name: str,
    effects: SiteEffects,
    case: int,
    images: Mapping[str, NDArray[np.int16]],
    seg_XYZ: NDArray[np.uint8] | None,
) -> None:
    """The files of one patient: those sequences that the hospital has of case number `case`, and a mask or none."""
    folder = site / name
    folder.mkdir(parents=True)
    for sequence in sequences_of(effects, case):
        content = nifti_bytes(images[sequence], effects.orientation)
        (folder / f"{name}_{sequence}.nii.gz").write_bytes(content)
    if seg_XYZ is not None:
        on_disk = np.where(seg_XYZ == ENHANCING, np.uint8(_ENHANCING_ON_DISK), seg_XYZ)
        (folder / f"{name}_seg.nii.gz").write_bytes(nifti_bytes(on_disk, effects.orientation))


def label_words(labels: Mapping[Task, int]) -> list[str]:
    """The label columns of participants.tsv; n/a for a task without one."""
    return [CLASS_NAMES[task][labels[task]] if task in labels else "n/a" for task in _TASKS]
