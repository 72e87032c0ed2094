"""Look at every case once, several at a time, one per process; what was looked at before is not looked at again."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from client.checks.case import CaseReport, open_case
from client.quality_page.mosaic import Mosaic, draw_mosaic
from client.quality_page.recorded import brain_file, read_brain, read_prepared, record_file
from client.quality_page.stored import Examined, home_of, keep, key_of, load
from gmmas_core.data.problems import Problem, problem_from_error
from gmmas_core.quality import Check, Facts, Rules, check_case
from gmmas_core.quality.placement import states_orientation
from gmmas_core.quality.scan_likeness import thumbnail
from gmmas_core.types import Case, DataError
from gmmas_core.worker_pool import in_processes

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a process needs to look at a case.

    Attributes:
        state: the site's state folder.
        label_convention: of its masks.
        rules: all thresholds, as the site wants them.
    """

    state: Path
    label_convention: str
    rules: Rules


def examine_cases(cases: Sequence[Case], task: Task, workers: int, on_progress: Progress) -> list[Examined]:
    """Look at cases that were not looked at before.

    Args:
        cases: of the site.
        task: see Task.
        workers: processes; 0 for one per core. Each holds one case, about 0.7 GB at 240x240x155.
        on_progress: called with (cases done, cases in all).

    Returns:
        One per case, in the order given; a case that could not be looked at says why.
    """
    done: dict[str, Examined] = {}
    waiting = []
    for case in cases:
        known = load(case, home_of(task.state, case.case_id), _key(case, task))
        if known is None:
            waiting.append(case)
        else:
            done[case.case_id] = known
    num = min(workers or os.cpu_count() or 1, len(waiting))
    work = partial(examine, task=task)
    found = in_processes(work, waiting, num, _killed) if num > 1 else map(work, waiting)
    for examined in found:
        done[examined.case_id] = examined
        on_progress(len(done), len(cases))
    return [done[case.case_id] for case in cases]


def examine(case: Case, task: Task) -> Examined:
    """Open one case, check it, draw it and keep what was found. Raises nothing for what its files hold."""
    # Before the files are opened: what changes meanwhile is looked at again next time.
    key = _key(case, task)
    try:
        examined, mosaic = _look(case, task)
        return keep(examined, home_of(task.state, case.case_id), key, mosaic)
    except MemoryError:
        return _lost(case, "too little memory", "about 1 GB for each case at a time", "lower data.workers")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _lost(case, f"files that cannot be used ({reason})", "a readable case, room in the state folder", "mend")


def _look(case: Case, task: Task) -> tuple[Examined, Mosaic | None]:
    opened = open_case(case, task.label_convention)
    examined = Examined(
        case_id=case.case_id, patient_id=case.patient_id, report=opened.report, sequences=tuple(opened.images)
    )
    if not opened.images:
        return examined, None
    problems = [*opened.report.problems]
    try:
        brain, recorded = read_brain(case), read_prepared(case)
    except DataError as error:
        brain, recorded = None, {}
        problems.append(problem_from_error(error, case.case_id, "raw.json or brain mask"))
    facts = Facts(
        age=case.age,
        unstated=frozenset(name for name in opened.images if not states_orientation(case.images[name])),
        brain=brain,
        prepared=recorded,
    )
    checks: tuple[Check, ...] = ()
    mosaic = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of images without any content; the checks say so
        try:
            checks = check_case(opened.images, opened.seg, facts, task.rules)
            mosaic = draw_mosaic(opened.images, opened.seg, brain)
        except (ValueError, ArithmeticError, IndexError) as error:
            problems.append(_problem(case, "checks", f"images that break them ({type(error).__name__})"))
    report = replace(opened.report, problems=problems)
    shown = {name: thumbnail(volume) for name, volume in opened.images.items()}
    return replace(examined, report=report, checks=checks, thumbnails=shown), mosaic


def _problem(case: Case, where: str, found: str) -> Problem:
    action = "look at the case by hand; correct it or take it out"
    return Problem(case_id=case.case_id, where=where, found=found, expected="a case that can be judged", action=action)


def _lost(case: Case, found: str, expected: str, action: str) -> Examined:
    problem = Problem(case_id=case.case_id, where="", found=found, expected=expected, action=action)
    return Examined(case_id=case.case_id, patient_id=case.patient_id, report=CaseReport(problems=[problem]))


def _killed(case: Case) -> Examined:
    return _lost(case, "its process killed", "about 1 GB for each case at a time", "lower data.workers")


def _key(case: Case, task: Task) -> str:
    files: dict[str, Path] = dict(case.images)
    beside: Mapping[str, Path | None] = {"mask": case.mask, "brain": brain_file(case), "record": record_file(case)}
    return key_of(case, files | {n: p for n, p in beside.items() if p is not None}, task.label_convention, task.rules)
