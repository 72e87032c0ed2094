"""Case folders of a data set as FoundCases, or reasons why not: the part that all importers with folders share."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gmmas_core.data.importers.found import FoundCase, Skipped
from gmmas_core.data.importers.tree import case_folders, is_id, skipped, unsafe_files
from gmmas_core.data.sequences import FoundFiles, find_sequences, has_images


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a data set tells of a case beside its files; see FoundCase.

    Attributes:
        case_id: "" for the folder's name.
        files: what the folder holds where names alone do not tell; else `find_sequences(folder)`.
    """

    patient_id: str
    case_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    aliases: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: FoundFiles | None = None


def collect(
    source: Path,
    pattern: re.Pattern[str],
    left: list[Skipped],
    facts_of: Callable[[Path, re.Match[str]], Facts | str],
    depth: int = 3,
) -> dict[str, FoundCase]:
    """Every case folder below a data set's root, by its name.

    Args:
        source: root of the data set.
        pattern: of a case folder's name, which is the case id unless the facts say another.
        left: a reason is appended for everything not taken.
        facts_of: (folder, match of its name) -> facts, or the reason why the case is not taken.
        depth: levels at which case folders may lie.
    """
    cases: dict[str, FoundCase] = {}
    for folder, match in case_folders(source, pattern, depth, left):
        told = facts_of(folder, match)
        case_id = folder.name if isinstance(told, str) else told.case_id or folder.name
        if case_id in cases and not isinstance(told, str):
            told = "the same case lies in two folders; the first was taken"
        case = told if isinstance(told, str) else found_case(source, folder, told)
        if isinstance(case, str):
            left.append(skipped(folder.name, case))
        else:
            cases[case.case_id] = case
    if cases and has_images(source):
        left.append(skipped("SRC", "images that lie in it and not in a folder per case"))
    return cases


def found_case(source: Path, folder: Path, facts: Facts) -> FoundCase | str:
    """Look into a case's folder.

    Args:
        source: root of the data set; no file may lie outside of it.
        folder: of the case.
        facts: what the data set tells of it.

    Returns:
        The case, or the reason why it cannot be taken.
    """
    case_id = facts.case_id or folder.name
    held = facts.files or find_sequences(folder)
    if not is_id(case_id) or not is_id(facts.patient_id):
        return "its name cannot be an id (1 to 64 letters, digits, dots, dashes, underscores)"
    if held.problems:
        return "; ".join(held.problems)
    chosen = [*held.images.values(), *([held.mask] if held.mask else [])]
    return unsafe_files(source, chosen) or FoundCase(
        case_id=case_id,
        patient_id=facts.patient_id,
        images=held.images,
        mask=held.mask,
        labels=facts.labels,
        group=facts.group,
        aliases=facts.aliases,
        notes=facts.notes,
    )
