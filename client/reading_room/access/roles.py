"""What each role may do. One table; a page or an action that is not in it is for nobody."""

from collections.abc import Mapping

from gmmas_core.types import DataError

ROLES = ("clinician", "technician", "viewer", "admin")

MAY: Mapping[str, frozenset[str]] = {
    "view": frozenset(ROLES),
    "upload": frozenset({"clinician", "technician"}),
    "read": frozenset({"clinician", "technician"}),  # name sequences and queue
    "correct": frozenset({"clinician"}),  # mask and labels
    "sign": frozenset({"clinician"}),  # sign, reject, withdraw
    "release": frozenset({"clinician"}),  # the patient's report
    "pathology": frozenset({"clinician"}),
    "export": frozenset({"clinician", "technician"}),
    "remove": frozenset({"clinician", "technician"}),
    "accounts": frozenset({"admin"}),
    "audit": frozenset({"admin"}),
}
"""Action -> roles. An administrator looks after accounts and decides nothing medical."""


def require(role: str, action: str) -> None:
    """Refuse an action that a role does not include.

    Raises:
        DataError: it does not; the message names who may.
    """
    allowed = MAY.get(action, frozenset())
    if role not in allowed:
        may = " or ".join(name for name in ROLES if name in allowed) or "nobody"
        raise DataError(f"{action}: found the role {role}; expected {may}; ask somebody who has it")
