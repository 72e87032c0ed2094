"""What a site answers in one attempt at a sum and in the next, with made-up updates and without network or training.

The coordinator is hostile: it asks twice at once, tells sites different things, and sums the same updates again.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.joining.peers import pinned_file, signer_of
from client.policy.privacy import PrivacyPolicy
from client.rounds.reply_store import policy_digest, store_reply, stored_reply
from client.secure_round.attempt import Answer
from client.secure_round.phases import SHELF, advertise, answer
from client.site import write_site
from gmmas_core.config import load_config
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.peers import Peers, write_peers
from gmmas_core.secure_round.own_weights import SumTerms
from gmmas_core.secure_round.statement import about, read_statement
from gmmas_core.secure_sum import Advert
from gmmas_core.types import FederationError, RoundPlan, SiteUpdate, Sum, Task
from gmmas_core.update_encoding import Encoded
from gmmas_core.wire import SecureMessage
from gmmas_core.wire.secure import CONFIRM, MASK, SHARE, UNMASK
from server.lab.pinned_peers import key_of

CONFIG = load_config(["privacy=secure_sum"])
REFERENCE = {
    "encoder.a": np.full((3, 2), 0.5, np.float32),
    "decoder.b": np.zeros(4, np.float32),
    "heads.of.idh.c": np.ones(1, np.float32),
}
ALL = GROUPS((Task.IDH,))
Parts = Mapping[str, bytes]


class Hospital:
    """A site with a finished update; it answers as `client.app` does."""

    def __init__(self, folder: Path, seed: int, cases: int, groups: Iterable[str], min_sites: int) -> None:
        folder.mkdir()
        self.site = replace(write_site(folder, folder.name, "canonical"), privacy=PrivacyPolicy(min_sites=min_sites))
        self.name = folder.name
        rng = np.random.default_rng(seed)
        self.weights = {name: rng.normal(size=value.shape).astype(np.float32) for name, value in REFERENCE.items()}
        self.update = SiteUpdate(
            site=self.name,
            run_id="aa",
            round=1,
            weights={},
            num_cases=cases,
            seen={group: cases if group in groups else 0 for group in ALL},
            uncertainty={"segmentation": 0.0, "idh": 0.0},
            metrics={"cases": Sum(1.0, cases)},
        )

    def advertise(self, plan: RoundPlan, terms: SumTerms) -> Answer:
        encoded = Encoded(encoding="float32", arrays=self.weights, scales={})
        shelf, policy = self.site.state / SHELF, policy_digest(self.site)
        store_reply(shelf, plan, policy, self.update, encoded)
        finished = stored_reply(shelf, plan, policy)
        assert finished is not None
        return advertise(self.site, plan, terms, CONFIG, REFERENCE, *finished)


class Asked:
    """One attempt of a coordinator that sends what it likes."""

    def __init__(self, plan: RoundPlan, hospitals: Sequence[Hospital], attempt: int = 0, max_cases: int = 100) -> None:
        self.plan, self.hospitals = plan, {each.name: each for each in hospitals}
        self.terms = SumTerms(attempt=attempt, max_cases=max_cases, max_sites=len(hospitals))
        self.shown: dict[str, bytes] = {}

    def advertise(self) -> "Asked":
        for name, hospital in self.hospitals.items():
            said = hospital.advertise(self.plan, self.terms).parts
            self.shown |= {f"{part}.{name}": data for part, data in said.items() if part != "layout"}
        return self

    def ask(self, name: str, phase: str, parts: Parts) -> Answer:
        where = {"run_id": self.plan.run_id, "round": self.plan.round, "attempt": self.terms.attempt}
        return answer(self.hospitals[name].site, phase, SecureMessage(**where, parts=parts))

    def sealed(self) -> dict[str, dict[str, bytes]]:
        """Recipient -> its question in the phase after shares; everybody is shown the same."""
        said = {name: self.ask(name, SHARE, self.shown).parts for name in self.hospitals}
        return {
            name: {f"sealed.{sender}": parts[f"sealed.{name}"] for sender, parts in said.items() if sender != name}
            for name in self.hospitals
        }

    def mask(self) -> "Asked":
        for name, parts in self.sealed().items():
            self.ask(name, MASK, parts)
        return self


@pytest.fixture
def hospitals(tmp_path: Path) -> Callable[..., list[Hospital]]:
    """Maker of hospitals that know each other: `hospitals(a=10, b=5, speak={"a": [...]}, min_sites=3)`."""

    def make(*, speak: Mapping[str, Iterable[str]] | None = None, min_sites: int = 3, **cases: int) -> list[Hospital]:
        made = [
            Hospital(tmp_path / name, place, count, (speak or {}).get(name, ALL), min_sites)
            for place, (name, count) in enumerate(cases.items())
        ]
        peers = Peers(federation="lab", sites={each.name: key_of(each.site) for each in made})
        for each in made:
            write_peers(pinned_file(each.site), peers)
        return made

    return make


@pytest.fixture
def sum_plan(plan: Callable[..., RoundPlan]) -> RoundPlan:
    return plan(tasks=(Task.IDH,))


def survivors_of(names: Iterable[str]) -> dict[str, bytes]:
    return {f"survivor.{name}": b"1" for name in names}


def test_two_questions_at_once_are_not_both_answered(
    hospitals: Callable[..., list[Hospital]], sum_plan: RoundPlan
) -> None:
    """A node forks for every message: one vector under two sets of masks gives the masks away, and then the vector."""
    asked = Asked(sum_plan, hospitals(a=10, b=10, c=10, d=10, e=10)).advertise()
    whole = asked.sealed()["a"]
    questions = [{key: part for key, part in whole.items() if key != f"sealed.{left}"} for left in "bcde"]
    fork = multiprocessing.get_context("fork")
    start, said = fork.Barrier(len(questions)), fork.SimpleQueue()

    def put(parts: Parts) -> None:
        start.wait()
        try:
            asked.ask("a", MASK, parts)
            said.put("answered")
        except FederationError as error:
            said.put(str(error))

    forks = [fork.Process(target=put, args=(parts,)) for parts in questions]
    for each in forks:
        each.start()
    answers = [said.get() for _ in forks]
    for each in forks:
        each.join()
    assert answers.count("answered") == 1
    assert sum("each phase of an attempt is answered once" in text for text in answers) == len(questions) - 1


def test_two_statements_of_one_site_open_no_shares(
    hospitals: Callable[..., list[Hospital]], sum_plan: RoundPlan
) -> None:
    """Site a and b speak for a head among three; d, in league, tells only a that it speaks too: b would be silent."""
    without = [group for group in ALL if group != "head.idh"]
    asked = Asked(sum_plan, hospitals(a=10, b=10, c=10, d=10, speak={"c": without, "d": without})).advertise()
    liar = asked.hospitals["d"].site
    lie = replace(read_statement(asked.shown["statement.d"]), groups=tuple(sorted(ALL))).to_bytes()
    keys = Advert.from_bytes(asked.shown["advert.d"])
    signed = replace(keys, about=about(lie))
    signed = replace(signed, signature=signer_of(liar)(signed.message()))
    told = asked.shown | {"statement.d": lie, "advert.d": signed.to_bytes()}
    shares = {name: asked.ask(name, SHARE, told if name == "a" else asked.shown).parts for name in "abc"}
    for name, others in (("a", "bc"), ("b", "ac"), ("c", "ab")):
        sealed = {f"sealed.{other}": shares[other][f"sealed.{name}"] for other in others}
        with pytest.raises(FederationError, match=f"shares of {others[0]} that do not open"):
            asked.ask(name, MASK, sealed)


@pytest.mark.parametrize("lost", ["bc", "ghi"])
def test_what_one_site_demands_all_insist_on(
    hospitals: Callable[..., list[Hospital]], sum_plan: RoundPlan, lost: str
) -> None:
    """Nine sites, of which three may vanish: a head that b and c speak for no more, and a sum too small for one."""
    without = [group for group in ALL if group != "head.idh"]
    made = hospitals(**dict.fromkeys("abcdefghi", 10), speak=dict.fromkeys("defghi", without))
    if lost == "ghi":
        made[0].site = replace(made[0].site, privacy=PrivacyPolicy(min_sites=7))
    asked = Asked(sum_plan, made).advertise().mask()
    left = survivors_of(name for name in asked.hospitals if name not in lost)
    for name in set(asked.hospitals) - set(lost):
        with pytest.raises(FederationError, match=r"as a does|at least 7"):
            asked.ask(name, CONFIRM, left)


def test_a_second_sum_of_the_same_updates_is_signed_by_nobody(
    hospitals: Callable[..., list[Hospital]], sum_plan: RoundPlan
) -> None:
    """Other weights give the largest site's update away, one site fewer that site's: nobody who is told signs."""
    made = hospitals(a=100, b=5, c=5, d=5)
    names = [each.name for each in made]
    first = Asked(sum_plan, made).advertise().mask()
    for name in "abc":  # d was not asked to sign
        first.ask(name, CONFIRM, survivors_of(names))
    again = Asked(sum_plan, made, attempt=1).advertise().mask()
    for name in "da":
        again.ask(name, CONFIRM, survivors_of(names))
    other_run = replace(sum_plan, run_id="bb")
    for attempt, (plan, there, max_cases) in enumerate(
        [(sum_plan, made, 5), (other_run, made, 5), (sum_plan, made[1:], 100), (sum_plan, [*made[:2], made[3]], 100)]
    ):
        asked = Asked(plan, there, attempt + 2, max_cases).advertise().mask()
        for name in asked.hospitals:
            with pytest.raises(FederationError, match="signed for another sum"):
                asked.ask(name, CONFIRM, survivors_of(asked.hospitals))
    fresh = Asked(replace(sum_plan, round=2), made[1:]).advertise()  # the very same updates, in another round
    assert all(read_statement(fresh.shown[f"statement.{name}"]).agreed for name in "bcd")


def test_two_runs_at_once_get_no_two_sums_of_the_same_updates(
    hospitals: Callable[..., list[Hospital]], sum_plan: RoundPlan
) -> None:
    """What a site states of sums it has signed for stays true: it signs for no other attempt that it began before."""
    made = hospitals(a=5, b=5, c=5, d=5)
    one = Asked(sum_plan, made).advertise().mask()
    two = Asked(replace(sum_plan, run_id="bb"), made[1:]).advertise().mask()
    assert not read_statement(two.shown["statement.b"]).agreed
    with pytest.raises(FederationError, match="found no mask of this attempt"):
        one.ask("b", CONFIRM, survivors_of("abcd"))
    made[3].weights = {name: value + 1 for name, value in made[3].weights.items()}
    Asked(replace(sum_plan, run_id="cc"), made[3:] + made[:2]).advertise()  # d has another update there
    two.ask("d", CONFIRM, survivors_of("bcd"))


def test_a_site_that_died_while_it_forgot_its_secrets_forgets_them_when_asked_again(
    hospitals: Callable[..., list[Hospital]], sum_plan: RoundPlan
) -> None:
    asked = Asked(sum_plan, hospitals(a=5, b=5, c=5)).advertise().mask()
    named = survivors_of("abc")
    signed = {f"confirmation.{name}": asked.ask(name, CONFIRM, named).parts["confirmation"] for name in "abc"}
    (secret,) = (asked.hospitals["a"].site.state / "secure" / "aa").glob(f"*/{CONFIRM}.safetensors")
    kept = secret.read_bytes()
    first = asked.ask("a", UNMASK, named | signed)
    assert [path.stem for path in secret.parent.iterdir()] == [UNMASK]
    secret.write_bytes(kept)
    assert asked.ask("a", UNMASK, named | signed).parts == first.parts
    assert [path.stem for path in secret.parent.iterdir()] == [UNMASK]
