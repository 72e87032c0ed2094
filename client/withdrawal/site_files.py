"""A patient in what importing and preparing wrote beside the hospital's images: import.json, sequences.tsv, raw.json.

The images and the hospital's table are the hospital's own and stay; these are the program's. What a killed
`prepare --raw` left may hold anybody's images under no name, and goes whole.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from client.raw.hold import WORK, alone
from client.raw.table import FILE as SEQUENCES
from client.raw.table import read_rows, write_rows
from client.site import Site
from client.withdrawal.search import blacken, is_named
from client.withdrawal.subject import Subject
from client.withdrawal.trace import Trace
from gmmas_core.data.importers.ledger import FILE as IMPORT
from gmmas_core.data.importers.ledger import Ledger, read_ledger
from gmmas_core.onboarding.record import FILE as RAW
from gmmas_core.types import DataError


def site_files(site: Site, subject: Subject) -> Iterator[Trace]:
    """Everything of the patient there."""
    for name, purge in ((IMPORT, _leave_import), (SEQUENCES, _leave_sequences)):
        path = site.folder / name
        if path.is_file() and is_named(path.read_bytes(), subject):
            yield Trace(path=path, purge=partial(purge, path, subject))
    for folder in sorted(subject.folders | subject.cases):
        path = site.folder / folder / RAW
        if path.is_file():
            yield Trace(path=path, purge=partial(path.unlink, missing_ok=True))
    for path in sorted(site.folder.glob(f"{WORK}*")):
        yield Trace(path=path, purge=partial(_clear, site.folder))
    for path in (left for name in (IMPORT, SEQUENCES) for left in sorted(site.folder.glob(f".{name}.*"))):
        if is_named(path.read_bytes(), subject):
            yield Trace(path=path, purge=partial(path.unlink, missing_ok=True))


def still_named(site: Site, subject: Subject) -> list[str]:
    """Names of the files that still name the patient."""
    files = (site.folder / name for name in (IMPORT, SEQUENCES))
    return [path.name for path in files if path.is_file() and is_named(path.read_bytes(), subject)]


def _leave_import(path: Path, subject: Subject) -> None:
    try:
        ledger = read_ledger(path.parent)
    except DataError:
        ledger = None
    if ledger is not None:
        names = subject.names
        ledger.cases = {
            case: told for case, told in ledger.cases.items() if not names & {case, told["patient"], *told["aliases"]}
        }
        _leave_lists(ledger, subject)
        ledger.save(path.parent)
    blacken(path, subject)


def _leave_lists(ledger: Ledger, subject: Subject) -> None:
    for told in ledger.imports.values():
        for name in ("skipped", "duplicates"):
            if isinstance(told.get(name), list):
                told[name] = [each for each in told[name] if not is_named(repr(each).encode(), subject)]


def _leave_sequences(path: Path, subject: Subject) -> None:
    with suppress(DataError):  # of a damaged table nothing but the names is taken out
        write_rows(path.parent, [row for row in read_rows(path.parent) if row.case not in subject.names])
    blacken(path, subject)


def _clear(folder: Path) -> None:
    """What no run holds; `alone` removes it.

    Raises:
        DataError: a run is under way.
    """
    with alone(folder):
        pass
