"""Who can be in one sum: the sites that mean the same plan, the same layout and the same binding."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gmmas_core.secure_round.binding import binding_of
from gmmas_core.secure_round.layout import Layout, layout_for, read_index
from gmmas_core.secure_round.own_weights import SumTerms
from gmmas_core.secure_round.statement import Statement, about, read_statement
from gmmas_core.secure_sum import Advert
from gmmas_core.types import FederationError, RoundPlan
from gmmas_core.wire import SecureMessage
from server.run import Run

PARTS = ("advert", "statement")


@dataclass
class Cohort:
    """The sites of one attempt after its first phase.

    Attributes:
        layout, binding: that all of them mean.
        adverts, statements: by site.
        shown: site -> what every other site is shown of it.
        speakers: parameter group -> sites that speak for it; filled when the adverts are final.
    """

    layout: Layout
    binding: str
    adverts: dict[str, Advert]
    statements: dict[str, Statement]
    shown: dict[str, dict[str, bytes]]
    speakers: Mapping[str, frozenset[str]] = field(default_factory=dict)


def cohort_of(
    run: Run, plan: RoundPlan, terms: SumTerms, answers: Mapping[str, SecureMessage]
) -> tuple[Cohort, dict[str, str]]:
    """The largest group of sites that agree, and why the others are out.

    Raises:
        FederationError: nobody answered fitly.
    """
    unfit: dict[str, str] = {}
    read: dict[str, tuple[Advert, Statement]] = {}
    layouts: dict[str, Layout] = {}
    for site, message in sorted(answers.items()):
        try:
            index = message.parts.get("layout", b"")
            layout = layouts.get(index.hex()) or layout_for(run.weights, plan.tasks, read_index(index))
            layouts[index.hex()] = layout
            read[site] = _read(message, binding_of(plan, terms, layout))
        except FederationError as error:
            unfit[site] = str(error)
    votes = Counter(statement.binding for _, statement in read.values())
    if not votes:
        raise FederationError("secure sum: found no site with keys and an update; expected a quorum")
    binding = max(sorted(votes), key=lambda each: votes[each])
    fit = {site for site, (_, statement) in read.items() if statement.binding == binding}
    unfit |= dict.fromkeys(read.keys() - fit, "secure sum: found other metrics than most sites have")
    layout = next(each for each in layouts.values() if binding_of(plan, terms, each) == binding)
    return (
        Cohort(
            layout=layout,
            binding=binding,
            adverts={site: read[site][0] for site in sorted(fit)},
            statements={site: read[site][1] for site in sorted(fit)},
            shown={site: {f"{part}.{site}": answers[site].parts[part] for part in PARTS} for site in fit},
        ),
        unfit,
    )


def _read(message: SecureMessage, binding: str) -> tuple[Advert, Statement]:
    if not set(PARTS) <= message.parts.keys():
        raise FederationError(f"secure sum: found an answer without keys; expected {', '.join(PARTS)}")
    statement = read_statement(message.parts["statement"])
    if statement.binding != binding:
        raise FederationError("secure sum: found another plan or layout; expected the one asked; install one release")
    advert = Advert.from_bytes(message.parts["advert"])
    if advert.about != about(message.parts["statement"]):
        raise FederationError("secure sum: found another statement than the advert signs; expected its own")
    return advert, statement
