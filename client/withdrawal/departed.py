"""What a node may no longer do once a patient has left: send what it was computing with them, or repeat what it had."""

from collections.abc import Iterable

from client.privacy.participation import TRAINED, participation, rounds_with
from client.site import Site
from client.withdrawal.record import BEGUN, excluded, withdrawals
from gmmas_core.types import Case, FederationError, RoundPlan


def require_all_here(site: Site, cases: Iterable[Case]) -> None:
    """Refuse to send what was computed with a patient who left meanwhile.

    Raises:
        DataError: the record of withdrawals was changed.
        FederationError: somebody has left.
    """
    is_excluded = excluded(site.state)
    if any(is_excluded(case.patient_id, case.case_id) for case in cases):
        raise FederationError(
            "policy: found the site's cases changed during the work; expected them the same; ask again"
        )


def require_unmixed(site: Site, plan: RoundPlan) -> None:
    """Refuse to train a round anew that a case has had a part in which has left since.

    The coordinator may hold the round's first update; a second one without that case would differ from it by the case.

    Raises:
        DataError: a record was changed.
        FederationError: it is such a round.
    """
    lines = withdrawals(site.state)
    if not lines:
        return
    left = {case for line in lines if line["kind"] == BEGUN for case in line["cases"]}
    same = [line for line in participation(site.state) if (line["run_id"], line["round"]) == (plan.run_id, plan.round)]
    if any(line["kind"] == TRAINED for line in rounds_with(same, left)):
        raise FederationError("policy: found a round that this site has trained before; expected one it has not; go on")
