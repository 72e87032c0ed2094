"""Whether an advert is its hospital's own, as far as the coordinator can tell before it shows it to everybody.

Hospitals check with the keys that they have pinned themselves; this check only keeps one forged advert from costing all
of them the attempt. Where nodes have no keys (the lab), nothing is known here.
"""

from gmmas_core.peers import Verify, verifier_of
from server.membership.members import by_public_key
from server.run import Run


def verifier_for(run: Run) -> Verify:
    """By the members' enrolled keys; lets everything pass where there are none."""
    if run.federation is None:
        return lambda name, message, signature: None
    return verifier_of({member.site: line for line, member in by_public_key(run.federation).items()})
