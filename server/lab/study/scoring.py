"""Reading the shared test set with one model: a record per case, and all 15 subsets on some of them.

Every region of every phantom is scored, whatever sequences were there, because a phantom's truth is known: a hospital's
own report calls the enhancing tumour not assessable without T1c; here it is counted, and is low.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.local_data import open_local_data
from client.site import Site, read_site
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.config import Config
from gmmas_core.data.geometry import load_volume
from gmmas_core.data.labels import to_canonical
from gmmas_core.inference.subsets import SUBSETS, with_sequences
from gmmas_core.metrics.overlap import dice, region_mask
from gmmas_core.training.precision import choose_device
from gmmas_core.types import REGIONS, SEQUENCES, Case, DataError
from server.lab.study.batch_reading import BATCH, Answer, read_all

OnCase = Callable[[int], object]


def score_test_set(
    sites: Sequence[Path], loaded: LoadedModel, config: Config, subset_cases: int, on_case: OnCase = lambda _: None
) -> list[dict[str, Any]]:
    """Read every test case of some hospitals.

    Args:
        sites: site folders of the test set.
        loaded: the model with its calibration.
        config: to read with.
        subset_cases: of the cases with all four sequences, taken in turn from the hospitals, so many are read from
            every subset of the sequences too.
        on_case: called with the number of cases read.

    Returns:
        A record per case: who, labels, Dice per region, probability per task, and "subsets" where there are any.
    """
    opened = [(site, open_local_data(site, config)) for site in (read_site(folder) for folder in sites)]
    chosen = _first_complete([data.cases for _, data in opened], subset_cases)
    records: list[dict[str, Any]] = []
    for site, data in opened:
        device, cases = choose_device(site.device), data.split("holdout")
        for first in range(0, len(cases), BATCH):
            group = cases[first : first + BATCH]
            prepared = [data.cache.open(case).full() for case in group]
            truth = [_reference(case, site) for case in group]
            answers = read_all(prepared, loaded, config, device)
            for case, image, reference, answer in zip(group, prepared, truth, answers, strict=True):
                record = _who(case) | _score(answer, reference)
                if case.case_id in chosen:
                    read = read_all([with_sequences(image, subset) for subset in SUBSETS], loaded, config, device)
                    named = zip(SUBSETS, read, strict=True)
                    record["subsets"] = {"+".join(subset): _score(found, reference) for subset, found in named}
                records.append(record)
            on_case(len(records))
    return records


def _score(answer: Answer, truth_XYZ: NDArray[np.uint8]) -> dict[str, Any]:
    overlaps = {region: dice(region_mask(answer.seg_XYZ, region), region_mask(truth_XYZ, region)) for region in REGIONS}
    return {"dice": overlaps, "probability": {task.value: p for task, p in answer.probability.items()}}


def _reference(case: Case, site: Site) -> NDArray[np.uint8]:
    if case.mask is None:
        raise DataError(f"case {case.case_id}: found no mask; expected one for every test phantom; remove the data")
    return to_canonical(np.asarray(load_volume(case.mask).data), site.label_convention)


def _first_complete(by_site: Sequence[Sequence[Case]], wanted: int) -> frozenset[str]:
    """Cases with all sequences, the first of every hospital, then the second of every hospital, and so on."""
    complete = [[case.case_id for case in cases if len(case.images) == len(SEQUENCES)] for cases in by_site]
    longest = max((len(ids) for ids in complete), default=0)
    in_turn = [ids[place] for place in range(longest) for ids in complete if place < len(ids)]
    return frozenset(in_turn[:wanted])


def _who(case: Case) -> dict[str, Any]:
    return {
        "case": case.case_id,
        "patient": case.patient_id,
        "site": case.site,
        "age": case.age,
        "sex": case.sex,
        "label": {task.value: label for task, label in case.labels.items()},
    }
