"""The phantoms of the strategy study: what the hospitals have, faults and all, and a shared test set that is true.

The folders are those of `data.py`: `complete/` is what a run trains on, `test/` what every model reads.
"""

import json
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from gmmas_core.atomic import publish_folder, write_json
from gmmas_core.data.phantom import make_case
from gmmas_core.data.phantom.write import draw_patient
from server.lab.study.data import COMPLETE, RECIPE, TEST, OnCase, label_words, write_case, write_tables
from server.lab.study.faults import broken_image, wrong_labels, wrong_mask
from server.lab.study.hard_sites import HARD_SITES, HardSite, cases_per_site
from server.lab.study.strategy_sizes import StrategySize

TRAIN_SEED, TEST_SEED, FAULT_SEED = 10, 13, 17
FORMAT = 1


def strategy_recipe(size: StrategySize) -> dict[str, object]:
    """What the phantoms follow from; equal recipes give equal phantoms."""
    wanted = ("voxels", "train", "validation", "test")
    sites = [asdict(site) for site in HARD_SITES]
    plain = {"format": FORMAT, "seeds": [TRAIN_SEED, TEST_SEED, FAULT_SEED], "sites": sites}
    recipe: dict[str, object] = json.loads(json.dumps(plain | {key: asdict(size)[key] for key in wanted}))
    return recipe


def strategy_cases(size: StrategySize) -> int:
    """Phantoms of a study."""
    return sum(cases_per_site(size.train).values()) + len(HARD_SITES) * (size.validation + size.test)


def write_strategy_data(folder: Path, size: StrategySize, on_case: OnCase = lambda: None) -> None:
    """Write the phantoms unless they are there already; an unfinished or other set is replaced.

    Args:
        folder: of the data of one study.
        size: of the study.
        on_case: called after each phantom.

    Raises:
        OSError: the folder cannot be written.
    """
    recipe = strategy_recipe(size)
    try:
        if json.loads((folder / RECIPE).read_text()) == recipe:
            return
    except (OSError, ValueError):
        pass
    folder.parent.mkdir(parents=True, exist_ok=True)
    train = cases_per_site(size.train)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".data-") as workshop:
        fresh = Path(workshop) / "data"
        for number, site in enumerate(HARD_SITES):
            splits = ["train"] * train[site.name] + ["validation"] * size.validation
            _write_site(fresh / COMPLETE / site.name, site, (TRAIN_SEED, number), splits, size.voxels, on_case)
            truth = replace(
                site, effects=replace(site.effects, unknown={}), wrong_idh=0.0, wrong_masks=0.0, labelled=True
            )
            held = ["holdout"] * size.test
            _write_site(fresh / TEST / site.name, truth, (TEST_SEED, number), held, size.voxels, on_case)
        write_json(fresh / RECIPE, recipe)
        if folder.exists():
            shutil.rmtree(folder)
        publish_folder(fresh, folder)


def _write_site(
    folder: Path, site: HardSite, stream: tuple[int, int], splits: list[str], voxels: int, on_case: OnCase
) -> None:
    rows = []
    for case, split in enumerate(splits):
        rows.append(_write_case(folder, site, (*stream, case), split, voxels))
        on_case()
    write_tables(folder, site.name, rows)


def _write_case(folder: Path, site: HardSite, stream: tuple[int, int, int], split: str, voxels: int) -> list[str]:
    """One patient as this hospital has it; its line of participants.tsv."""
    _, number, case = stream
    latent, rng = draw_patient(site.effects, stream)
    fault = np.random.default_rng([FAULT_SEED, *stream])
    phantom = make_case(latent, voxels, rng, site.effects)
    images = dict(phantom.images)
    if site.broken:
        images = {sequence: broken_image(image_XYZ, fault) for sequence, image_XYZ in images.items()}
    labels, seg_XYZ = dict(latent.labels), phantom.seg_XYZ
    is_wrong, is_careless = fault.random() < site.wrong_idh, fault.random() < site.wrong_masks
    if is_wrong:
        labels = wrong_labels(labels)
    if is_careless:
        seg_XYZ = wrong_mask(seg_XYZ, fault)
    unknown = {task for task, share in site.effects.unknown.items() if share >= 1}
    known = {task: label for task, label in labels.items() if site.labelled and task not in unknown}
    name = f"{'test' if split == 'holdout' else 'sub'}-{number + 1:02d}{case + 1:04d}"
    write_case(folder, name, site.effects, case, images, seg_XYZ if site.labelled else None)
    return [name, f"{latent.age:.1f}", latent.sex, *label_words(known), split]
