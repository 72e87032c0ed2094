"""Preflight of a site folder: every problem of the table, the folders, every file, and between cases, listed at once.

Opens everything, writes nothing.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from client.checks.case import CaseReport, check_case
from client.site import Site
from client.withdrawal.record import excluded
from gmmas_core.config import DataConfig
from gmmas_core.data.manifest import Manifest, read_manifest
from gmmas_core.data.problems import Problem
from gmmas_core.data.splits import SPLITS
from gmmas_core.types import BACKGROUND, NECROSIS, SEQUENCES, UNKNOWN, Case, Task

Progress = Callable[[int, int], None]

_BINARY_FROM = 3
"""Masks that hold one value only before this is taken for the data set's way rather than chance."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a site has, by split ("train", "validation", "holdout").

    Attributes:
        cases, masks: number per split.
        labels: task -> split -> number of cases whose label is known.
        sequences: sequence -> split -> number of cases that have it.
    """

    cases: Mapping[str, int]
    masks: Mapping[str, int]
    labels: Mapping[str, Mapping[str, int]]
    sequences: Mapping[str, Mapping[str, int]]


def check_site(site: Site, config: DataConfig, on_progress: Progress | None = None) -> list[Problem]:
    """Find everything that is wrong with a site's data.

    Args:
        site: its settings.
        config: for the shares of the splits and the number of threads that read.
        on_progress: called with (cases read, cases in all).

    Returns:
        All problems, errors first; nothing is raised for what the data holds and nothing is written.
    """
    return check_manifest(read_site_manifest(site, config), site, config, on_progress)


def read_site_manifest(site: Site, config: DataConfig) -> Manifest:
    """The site's table and folders, without opening an image."""
    return read_manifest(
        site.folder,
        site.name,
        holdout_share=config.holdout_share,
        validation_share=config.validation_share,
        is_excluded=excluded(site.state),
    )


def check_manifest(
    manifest: Manifest, site: Site, config: DataConfig, on_progress: Progress | None = None
) -> list[Problem]:
    """`check_site` for a manifest that is read already."""
    reports: list[CaseReport] = []
    # Decompression and arithmetic release the interpreter's lock, so threads suffice and a Ctrl-C ends them.
    with ThreadPoolExecutor(config.workers or os.cpu_count() or 1) as pool:
        for report in pool.map(lambda case: check_case(case, site.label_convention), manifest.cases):
            reports.append(report)
            if on_progress is not None:
                on_progress(len(reports), len(manifest.cases))
    return site_problems(manifest, site, reports)


def site_problems(manifest: Manifest, site: Site, reports: Sequence[CaseReport]) -> list[Problem]:
    """All problems, errors first: of the table, of each case (reports in the manifest's order) and between cases."""
    problems = [*manifest.problems, *(problem for report in reports for problem in report.problems)]
    problems += _cohort(manifest.cases, site)
    problems += _equal_images(manifest.cases, reports)
    problems += _binary_masks(reports)
    return sorted(problems, key=lambda problem: not problem.is_error)


def summarise(cases: Sequence[Case]) -> Summary:
    """Counts by split."""

    def count(holds: Callable[[Case], bool]) -> dict[str, int]:
        return {split: sum(holds(case) for case in cases if case.split == split) for split in SPLITS}

    return Summary(
        cases=count(lambda case: True),
        masks=count(lambda case: case.mask is not None),
        labels={task.value: count(lambda case, task=task: case.labels[task] != UNKNOWN) for task in Task},  # type: ignore[misc]
        sequences={name: count(lambda case, name=name: name in case.images) for name in SEQUENCES},  # type: ignore[misc]
    )


def _cohort(cases: Sequence[Case], site: Site) -> list[Problem]:
    """Fewer training cases than the site's own floor: every update would be held back at the gate."""
    train = sum(case.split == "train" for case in cases)
    if train == 0 or train >= site.cohort_floor:
        return []
    found = f"{train} training cases with a cohort_floor of {site.cohort_floor}"
    action = "this site's updates would not leave it: add cases, or lower the floor if your rules allow it"
    expected = "at least as many cases as the floor"
    return [Problem(case_id=None, where="site.yaml", found=found, expected=expected, action=action, severity="warning")]


def _equal_images(cases: Sequence[Case], reports: Sequence[CaseReport]) -> list[Problem]:
    """The same voxels in two cases: a patient twice under two names would be trained on and tested on."""
    holders: dict[bytes, list[tuple[Case, str]]] = defaultdict(list)
    for case, report in zip(cases, reports, strict=True):
        for sequence, digest in report.digests.items():
            holders[digest].append((case, sequence))
    shared: dict[tuple[str, str], list[str]] = defaultdict(list)
    for holder in holders.values():
        first, _ = holder[0]
        for case, sequence in holder[1:]:
            if case.case_id != first.case_id:
                shared[first.case_id, case.case_id].append(sequence)
    return [
        Problem(
            case_id=later,
            where=", ".join(sequences),
            found=f"the same image as in case {earlier}",
            expected="every image in one case",
            action="one patient twice, or a file copied by mistake: remove one of the two",
        )
        for (earlier, later), sequences in shared.items()
    ]


def _binary_masks(reports: Sequence[CaseReport]) -> list[Problem]:
    """Whole-lesion masks read as if they were necrosis: legal values, wrong meaning."""
    with_tumour = [report.mask_values - {BACKGROUND} for report in reports if len(report.mask_values) > 1]
    if len(with_tumour) < _BINARY_FROM or any(values != {NECROSIS} for values in with_tumour):
        return []
    return [
        Problem(
            case_id=None,
            where="masks",
            found=f"necrotic core and nothing else in all {len(with_tumour)} masks",
            expected="necrotic core, edema and enhancing tumour as separate values",
            action="if these are outlines of the whole lesion they cannot be used yet: remove them",
            severity="warning",
        )
    ]
