"""How many lies are caught, by kind, and how many true sentences are refused."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from client.reading_room.writer.facts import Facts
from client.reading_room.writer.verifier import verify
from gmmas_core.metrics.bootstrap import wilson
from gmmas_core.types import Sum
from server.lab.study.writer.cases import case_facts
from server.lab.study.writer.catalogue import HALVES, TRUE, Told, is_lie, is_sayable, read_cases, read_told, reply_of
from server.lab.study.writer.mutants import mutants_of


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A share of some sentences with its Wilson interval (95 %).

    Attributes:
        hits: sentences that were refused.
        total: sentences that were tried.
        missed: texts of those that went the wrong way.
    """

    hits: int
    total: int
    low: float
    high: float
    missed: tuple[str, ...]

    @property
    def share(self) -> float:
        """Refused of all."""
        return self.hits / self.total if self.total else 0.0


@dataclass(frozen=True, kw_only=True)
class Score:
    """Of one catalogue.

    Attributes:
        caught: half -> kind of lie, and "all" -> share that was refused.
        false_alarms: half -> share of the true sentences that was refused.
        mutants: share of the sentences made false by machine that was refused.
        unsayable: true sentences that these facts cannot say, not tried.
    """

    caught: Mapping[str, Mapping[str, Rate]]
    false_alarms: Mapping[str, Rate]
    mutants: Rate
    unsayable: tuple[str, ...]


def score_catalogue(folder: Path) -> Score:
    """Try every sentence of a catalogue.

    Raises:
        DataError: no catalogue there.
    """
    facts = {name: case_facts(plain) for name, plain in read_cases(folder).items()}
    halves = [half for half in HALVES if (folder / f"{half}.json").is_file()]
    truths = {half: read_told(folder, TRUE[half]) for half in halves}
    sayable = {half: [each for each in told if is_sayable(each, facts[each.case])] for half, told in truths.items()}
    return Score(
        caught={half: score_lies(read_told(folder, half), facts) for half in halves},
        false_alarms={half: score_truths(told, facts) for half, told in sayable.items()},
        mutants=score_mutants([each for told in sayable.values() for each in told], facts),
        unsayable=tuple(each.text for half, told in truths.items() for each in told if each not in sayable[half]),
    )


def score_lies(lies: Iterable[Told], facts: Mapping[str, Facts]) -> dict[str, Rate]:
    """Kind of lie, and "all" -> share that was refused."""
    outcomes: dict[str, dict[str, bool]] = defaultdict(dict)
    for lie in lies:
        if not is_lie(lie, facts[lie.case]):
            continue
        outcome = is_refused(lie, facts[lie.case])
        shown = f"{lie.text or 'without ' + lie.drop} [{lie.case}, {lie.audience}; {' '.join(lie.facts)}]"
        outcomes[lie.kind][shown] = outcome
        outcomes["all"][shown] = outcome
    return {kind: rate(refused, wrong=False) for kind, refused in outcomes.items()}


def score_truths(told: Iterable[Told], facts: Mapping[str, Facts]) -> Rate:
    """Share of true sentences that was refused."""
    outcomes = {f"{each.text} [{each.case}, {each.audience}]": is_refused(each, facts[each.case]) for each in told}
    return rate(outcomes, wrong=True)


def score_mutants(truths: Iterable[Told], facts: Mapping[str, Facts]) -> Rate:
    """Of what one exchange makes of the true sentences that pass: the share that was refused, each verified alone."""
    outcomes = {}
    for told in truths:
        case = facts[told.case]
        if is_refused(told, case):
            continue
        for mutant in mutants_of(told, case):
            sentence = reply_of(mutant, case).reply["sentences"][:1]
            problems = verify({"sentences": sentence}, case, told.audience)
            outcomes[f"{mutant.text} [{told.case}, {told.audience}]"] = any(each.sentence == 0 for each in problems)
    return rate(outcomes, wrong=False)


def is_refused(told: Told, facts: Facts) -> bool:
    """Whether the verifier objects to the very sentence, or to what is missing where the whole is on trial."""
    made = reply_of(told, facts)
    return any(problem.sentence == made.trial for problem in verify(made.reply, facts, told.audience))


def rate(refused: Mapping[str, bool], *, wrong: bool) -> Rate:
    """A share with its interval; `wrong` is the outcome that counts as a miss."""
    hits, total = sum(refused.values()), len(refused)
    interval = wilson(Sum(float(hits), total)) if total else None
    missed = tuple(text for text, outcome in refused.items() if outcome is wrong)
    low, high = interval or (0.0, 1.0)
    return Rate(hits=hits, total=total, low=low, high=high, missed=missed)
