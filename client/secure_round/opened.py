"""Which sum this site has agreed to for an update, so that no second one gives a single update away by difference.

Two sums over the same updates with and without one hospital differ by exactly that hospital's update; so do two in
which one hospital weighs otherwise. So a site signs for one sum of an update only: in a later attempt at the round, or
in another run that made the very same update, the survivors, who speaks for what, and what weights are made from must
be the same. What it has signed for is in its statement, and who is shown it signs for nothing else beside that site:
leaving out who knows leaves out a hospital more. An update that was trained anew from a request that differs a little
is another one, though not by much; against that only noise helps (record-level differential privacy).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json
from gmmas_core.types import DataError, FederationError

FILE = "opened.json"


def agreed_before(state: Path, keys: Sequence[str]) -> str:
    """Digest of the sum that was signed for, "" for none.

    Args:
        state: of the site.
        keys: by which the update is known: what it was asked for, and its content.

    Raises:
        DataError: the file cannot be read; a site that cannot know must not help.
    """
    opened = _read(state / "secure" / FILE)
    return next((opened[key] for key in keys if key in opened), "")


def require_same_sum(state: Path, keys: Sequence[str], digest: str) -> None:
    """Write down that this site agrees to a sum of these updates; before the signature leaves.

    Args:
        state, keys: as above.
        digest: of the sum.

    Raises:
        FederationError: another sum was agreed to for one of them.
        DataError: as above.
    """
    path = state / "secure" / FILE
    opened = _read(path)
    if any(opened.get(key, digest) != digest for key in keys):
        raise FederationError(
            "policy: found a second sum of an update that was signed for before, with other sites or weights; expected "
            "the same: the difference of the two would show one site alone"
        )
    write_json(path, {**opened, **dict.fromkeys(keys, digest)})


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
        f"{FILE}: found one that cannot be read; expected the record of sums signed for; restore it from a backup"
    )
