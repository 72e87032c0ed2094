"""One case folder of a data set as a FoundCase, or a reason why not: the part that all importers with folders share."""

from collections.abc import Mapping
from pathlib import Path

from gmmas_core.data.importers.found import FoundCase, Skipped
from gmmas_core.data.importers.tree import is_id, skipped, unsafe_files
from gmmas_core.data.sequences import FoundFiles, find_sequences


def found_case(
    source: Path,
    folder: Path,
    case_id: str,
    patient_id: str,
    left: list[Skipped],
    *,
    labels: Mapping[str, str] | None = None,
    group: str = "",
    aliases: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    files: FoundFiles | None = None,
) -> FoundCase | None:
    """Look into a case's folder.

    Args:
        source: root of the data set; no file may lie outside of it.
        folder: of the case.
        case_id: see FoundCase, like `patient_id` and what follows.
        patient_id: see FoundCase.
        left: a reason is appended when the case cannot be taken.
        labels: column -> cell text.
        group: collection or institution.
        aliases: the patient's ids in other data sets.
        notes: for a person.
        files: what the folder holds where names alone do not tell; else `find_sequences(folder)`.

    Returns:
        The case, or None.
    """
    held = files or find_sequences(folder)
    chosen = [*held.images.values(), *([held.mask] if held.mask else [])]
    reason = None
    if not is_id(case_id) or not is_id(patient_id):
        reason = "its name cannot be an id (1 to 64 letters, digits, dots, dashes, underscores)"
    elif held.problems or held.clashes:
        reason = "; ".join(held.problems)
    else:
        reason = unsafe_files(source, chosen)
    if reason is not None:
        left.append(skipped(folder.name, reason))
        return None
    return FoundCase(
        case_id=case_id,
        patient_id=patient_id,
        images=held.images,
        mask=held.mask,
        labels=labels or {},
        group=group,
        aliases=aliases,
        notes=notes,
    )
