"""One digest of everything that must be the same at every site of a secure sum.

The masks are derived from it: sites that were shown different plans, weights or layouts add noise that does not go
away, so a coordinator gains nothing by asking one hospital something else than the others.

Source: Pasquini et al. 2022 (doi 10.1145/3548606.3560557), model inconsistency.
"""

import hashlib
import json
from dataclasses import asdict

from gmmas_core.secure_round.layout import Layout
from gmmas_core.secure_round.own_weights import SumTerms
from gmmas_core.types import RoundPlan


def binding_of(plan: RoundPlan, terms: SumTerms, layout: Layout) -> str:
    """64 hexadecimal digits; all fields of the plan count but the ledger's head, which a site only keeps."""
    said = {key: value for key, value in asdict(plan).items() if key != "ledger_head"}
    words = json.dumps([said, asdict(terms), layout.digest], sort_keys=True)
    return hashlib.sha256(b"gmmas-fed secure round v1\n" + words.encode()).hexdigest()
