"""Which cases are in which export: `<state>/exports.jsonl`, a hash chain with keyed pseudonyms.

One line per command, on disk before its first file is written. It never leaves the hospital; `gmmas-site withdraw`
reads from it in which folders a patient still lies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.privacy.pseudonyms import pseudonyms
from gmmas_core import hash_chain
from gmmas_core.types import Case

FILE = "exports.jsonl"


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An export that holds, or was to hold, somebody.

    Attributes:
        to: what kind.
        folder: where it was written.
        time: of the newest command that wrote there.
        is_there: whether something lies there now, finished or not.
    """

    to: str
    folder: str
    time: str
    is_there: bool

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def remember_export(state: Path, to: str, folder: Path, cases: Sequence[Case]) -> None:
    """Note an export; call it before anything of it is written.

    Args:
        state: the site's.
        to: what kind.
        folder: its final place, absolute.
        cases: all that it is going to hold.

    Raises:
        DataError: the line cannot be written, or the key of the names is gone.
    """
    names = pseudonyms(state, FILE)
    hash_chain.append(
        state / FILE,
        {
            "kind": "export",
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "to": to,
            "folder": str(folder),
            "cases": sorted(names.of_case(case.case_id) for case in cases),
        },
    )


def exports_with(state: Path, cases: Iterable[str]) -> list[Exported]:
    """The exports that any of these cases, given by pseudonym, is a part of, one line per folder, oldest first.

    Raises:
        DataError: a line was changed.
    """
    wanted, found = set(cases), {}
    for line in hash_chain.verify(state / FILE).entries:
        if wanted & set(line["cases"]):
            found[line["folder"]] = Exported(
                to=line["to"],
                folder=line["folder"],
                time=line["time"],
                is_there=any(path.exists() for path in (Path(line["folder"]), unfinished(Path(line["folder"])))),
            )
    return list(found.values())


def unfinished(out: Path) -> Path:
    """Where an export lies until it is whole."""
    return out.with_name(f".{out.name}.unfinished")
