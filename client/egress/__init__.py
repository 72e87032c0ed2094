"""The last gate before the wire: what is not on the list does not leave, and what leaves is written down.

The hospital owns it: its lists are the core's own names, its floor and its policy are the site's, and nothing that a
coordinator sends reaches either. `floor` hides small cells, `names` knows what an answer may hold, `populations` keeps
two answers from differing by a few cases, `policy` says no, and `record` writes a line for every message.
"""

from client.egress.floor import above_floor
from client.egress.policy import require_allowed, require_plain
from client.egress.populations import answered
from client.egress.record import EGRESS, depart
from client.egress.scores import gate_scores
from client.egress.status import gate_status
from client.egress.update import gate_update, require_cohort

__all__ = [
    "EGRESS",
    "above_floor",
    "answered",
    "depart",
    "gate_scores",
    "gate_status",
    "gate_update",
    "require_allowed",
    "require_cohort",
    "require_plain",
]
