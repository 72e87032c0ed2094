"""Which sums this site has helped to unmask, so that no second one of the same update gives it away by difference.

Two sums over the same updates with and without one hospital differ by exactly that hospital's update. So a site helps
to unmask an update for one list of survivors only: in a later attempt at the round, or in another run that made the
very same update, the survivors must be the same. An update that was trained anew from a request that differs a little
is another one, though not by much; against that only noise helps (record-level differential privacy).
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json
from gmmas_core.types import DataError, FederationError

FILE = "opened.json"


def require_same_sum(state: Path, keys: Iterable[str], survivors: Sequence[str]) -> None:
    """Write down that these updates are unmasked in a sum of these survivors; before the shares leave.

    Args:
        state: of the site.
        keys: by which the update is known: what it was asked for, and its content.
        survivors: sorted.

    Raises:
        FederationError: one of them was unmasked in another sum.
        DataError: the file cannot be read; a site that cannot know must not help.
    """
    path = state / "secure" / FILE
    opened = _read(path)
    for key in keys:
        if opened.get(key, list(survivors)) != list(survivors):
            raise FederationError(
                "policy: found a second sum of an update that was unmasked before, with other sites; expected the same "
                "sites: the difference of the two would show one of them alone"
            )
        opened[key] = list(survivors)
    write_json(path, opened)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
        if isinstance(content, dict):
            return content
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        pass
    raise DataError(
        f"{FILE}: found one that cannot be read; expected the record of unmasked sums; restore it from a backup"
    )
