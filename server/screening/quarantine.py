"""Sites that sent something unfit again and again are no longer asked, until the coordinator readmits them."""

from collections.abc import Mapping

from gmmas_core.config import ScreeningConfig
from server.screening.memory import ScreenMemory


def after_round(
    memory: ScreenMemory, accepted: Mapping[str, float], offended: Mapping[str, str], config: ScreeningConfig
) -> None:
    """Remember a finished round; changes `memory`.

    Sites are gone through by name, so that memory does not depend on who replied first. A site that was not asked, or
    did not reply, neither offends nor redeems itself: a broken line is no offence.

    Args:
        memory: of the run.
        accepted: site -> pace of its counted update (`Suspicion.pace`); 0, of a round that trains nothing, redeems the
            site but is not remembered.
        offended: site -> why what it sent was not counted.
        config: of the screening.
    """
    for site in sorted(accepted):
        memory.offences.pop(site, None)
        if accepted[site] > 0:
            memory.norms.append(accepted[site])
    del memory.norms[: -config.window]
    for site in sorted(offended):
        memory.offences[site] = memory.offences.get(site, 0) + 1
        if memory.offences[site] >= config.quarantine_after:
            memory.quarantined[site] = f"left out {memory.offences[site]} times in a row; last for: {offended[site]}"
