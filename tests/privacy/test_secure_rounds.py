"""Rounds of which the coordinator learns the sum alone: the real apps, four phantom hospitals, one process.

The coordinator here is our own, and then a hostile one that writes its own messages.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import ConfigRecord, Error, Message, RecordDict
from flwr.common.constant import ErrorCode
from safetensors import safe_open
from safetensors.numpy import load_file

from client.app import app as client_app
from client.joining.peers import signer_of
from client.site import read_site
from gmmas_core import wire
from gmmas_core.config import load_config
from gmmas_core.data.phantom import write_federation
from gmmas_core.fixed_point import bound_of, scale_of, to_integers
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.schedule import schedule
from gmmas_core.secure_round.own_weights import SumTerms
from gmmas_core.secure_round.statement import about, read_statement
from gmmas_core.secure_sum import Member
from gmmas_core.weighing import plain_share
from gmmas_core.wire.secure import CONFIRM, MASK, SHARE, UNMASK, SecureMessage
from server.aggregation.exact_mean import Accumulator
from server.lab.in_process_grid import FIRST_NODE, InProcessGrid
from server.lab.pinned_peers import pin_for_secure_sums
from server.membership.enlist import enlist
from server.records.run_folder import RunFolder
from server.rounds.patient_grid import PatientGrid
from server.rounds.training import _plan, play_round
from server.run import Run, RunPaused, open_run

OVERRIDES = (
    "experiment=smoke",
    "rounds=2",
    "data.spacing_mm=6",
    "model=smallest",
    "training.local_steps=1",
    "evaluation.overlap=0",
    "evaluation.max_validation_cases=1",
    "federation.poll_s=0.01",
    "federation.void_repeats=1",
    "privacy=secure_sum",
)
Weights = Mapping[str, np.ndarray]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four hospitals that join sums of three at least; some lack sequences and labels."""
    folders = sorted(write_federation(tmp_path_factory.mktemp("sums") / "sites", sites=4, cases=5, size=32, seed=3))
    for folder in folders:
        with (folder / "site.yaml").open("a") as file:
            file.write("privacy: {min_sites: 3, secure_sum: required}\nthreads: 1\n")
    pin_for_secure_sums(folders, load_config(OVERRIDES))
    return folders


class TappedGrid(InProcessGrid):
    """Keeps what came back to the coordinator, and loses sites when told to: (site, message type)."""

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__(client_app, [{"site": str(folder / "site.yaml")} for folder in folders])
        self.names = [read_site(folder / "site.yaml").name for folder in folders]
        self.gone: set[tuple[str, str]] = set()
        self.heard: list[tuple[str, str, RecordDict]] = []

    def ask(self, site: str, kind: str, content: RecordDict) -> RecordDict:
        """One message of a coordinator that follows no protocol."""
        message = Message(content, FIRST_NODE + self.names.index(site), kind, group_id="1")
        (reply,) = self.send_and_receive([message])
        return reply.content

    def refusal(self, site: str, kind: str, content: RecordDict) -> str:
        answer = self.ask(site, kind, content)
        assert wire.is_refusal(answer), f"{site} answered {kind}"
        return str(answer["refusal"]["reason"])

    def _work(self, message: Message) -> Message:
        site = self.names[message.metadata.dst_node_id - FIRST_NODE]
        if (site, message.metadata.message_type) in self.gone:
            return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, "gone"), reply_to=message)
        reply = super()._work(message)
        self.heard.append((site, message.metadata.message_type, reply.content))
        return reply


@pytest.fixture
def begin(sites: list[Path], tmp_path: Path) -> Iterator[Callable[..., tuple[TappedGrid, Run]]]:
    """A run that has enlisted all sites: `begin(*overrides)`; what sites keep of sums goes with the test."""

    def start(*extra: str) -> tuple[TappedGrid, Run]:
        grid, overrides = TappedGrid(sites), [*OVERRIDES, *extra]
        run = open_run(
            PatientGrid(grid), load_config(overrides), overrides, RunFolder(tmp_path / "run"), lambda kind, fields: None
        )
        enlist(run)
        run.config.federation.start_timeout_s = 0.2  # nobody is waited for who is told to be gone
        return grid, run

    (tmp_path / "run").mkdir()
    yield start
    for site in sites:
        shutil.rmtree(site / ".gmmas" / "secure", ignore_errors=True)


def slot(run: Run) -> Any:
    return schedule(run.config)[run.round]


def plain_mean(
    run: Run, sites: Sequence[Path], names: Sequence[str], before: Weights, spoken: Mapping[str, Any]
) -> Weights:
    """What a plain round makes of the updates that lie on the sites' own shelves."""
    cases = [run.enlisted[site.name].num_cases["train"] for site in sites]
    total = Accumulator(before, max_weight=max(cases), max_sites=len(sites))
    for site in sites:
        if site.name in names:
            update, seen = shelf(site, run.run_id)
            weights = {group: count if site.name in spoken.get(group, ()) else 0 for group, count in seen.items()}
            total.add(update, {name: weights[group_of(name)] for name in before})
    return total.result()


def shelf(site: Path, run_id: str) -> tuple[Weights, Mapping[str, int]]:
    """A site's finished update, and what it has seen."""
    (path,) = (site / ".gmmas" / "secure" / "replies" / run_id).glob("00001-*.safetensors")
    with safe_open(path, framework="numpy") as file:
        about = json.loads(file.metadata()["reply"])
    return load_file(path), plain_share(about["seen"])


def all_speak(sites: Sequence[Path], run: Run, least: int = 3) -> dict[str, set[str]]:
    """Group -> speakers, where there are enough."""
    found: dict[str, set[str]] = {}
    for site in sites:
        for group, count in shelf(site, run.run_id)[1].items():
            found.setdefault(group, set())
            if count:
                found[group].add(site.name)
    return {group: names if len(names) >= least else set() for group, names in found.items()}


def same(left: Weights, right: Weights) -> bool:
    return left.keys() == right.keys() and all(left[name].tobytes() == right[name].tobytes() for name in left)


def last_round(run: Run) -> dict[str, Any]:
    return [entry for entry in run.ledger.entries() if entry["kind"] == "round"][-1]


def test_the_sum_is_the_plain_mean_and_the_coordinator_has_nothing_else(
    begin: Callable[..., tuple[TappedGrid, Run]], sites: list[Path]
) -> None:
    grid, run = begin()
    before = dict(run.weights)
    play_round(run, slot(run))
    names = sorted(grid.names)
    spoken = all_speak(sites, run)
    assert same(run.weights, plain_mean(run, sites, names, before, spoken))
    line = last_round(run)
    assert line["secure"]["sites"] == names
    seen_somewhere = {group for site in sites for group, count in shelf(site, run.run_id)[1].items() if count}
    assert line["secure"]["silent"] == sorted(group for group in seen_somewhere if not spoken[group])
    assert list(line["sites"]) == ["secure sum"]
    assert line["sites"]["secure sum"]["metrics"]["sums"]["cases"][1] > 0
    cases = [run.enlisted[site.name].num_cases["train"] for site in sites]
    held = b"".join(bytes_of([run, *(content for _, _, content in grid.heard)]))
    held += b"".join(path.read_bytes() for path in run.folder.path.rglob("*") if path.is_file())
    assert max(run.weights.values(), key=lambda value: value.size).tobytes() in held  # what is there is found
    for site in sites:
        update, seen = shelf(site, run.run_id)
        # Sixteen numbers in a row that are this site's own: Adam moves every weight that has a gradient.
        moved = {name: value.reshape(-1)[:16] != before[name].reshape(-1)[:16] for name, value in update.items()}
        told = [name for name in update if moved[name].size == 16 and moved[name].all() and seen[group_of(name)]]
        assert len(told) > 10
        for name in told[::6]:
            value, weight, bound = update[name], seen[group_of(name)], bound_of(name, before[name])
            terms = to_integers(value, weight, scale_of(bound, max(cases), len(sites)), bound)
            assert value.tobytes()[:64] not in held
            assert terms.tobytes()[:64] not in held
        kept = site / ".gmmas" / "secure" / run.run_id / "00001-0"
        assert [path.name for path in kept.iterdir()] == ["unmask.safetensors"]
        assert kept.stat().st_mode & 0o077 == 0


def bytes_of(root: object) -> Iterator[bytes]:
    """Every array and byte string that can be reached from an object through attributes and containers."""
    open_ends, known = [root], set[int]()
    while open_ends:
        thing = open_ends.pop()
        if id(thing) in known or isinstance(thing, str | int | float | type | None.__class__):
            continue
        known.add(id(thing))
        if isinstance(thing, np.ndarray):
            yield thing.tobytes()
        elif isinstance(thing, bytes):
            yield thing
        elif isinstance(thing, Mapping):
            open_ends += [*thing.values()]
        elif isinstance(thing, list | tuple | set | frozenset):
            open_ends += [*thing]
        elif not isinstance(thing, InProcessGrid):  # the sites themselves sit behind it
            open_ends += [*getattr(thing, "__dict__", {}).values()]


@pytest.fixture
def modest(sites: list[Path]) -> Iterator[None]:
    """Sites that join sums of two already, so that no group is left to too few when one of the four is gone."""
    before = {site: (site / "site.yaml").read_text() for site in sites}
    for site, text in before.items():
        (site / "site.yaml").write_text(text.replace("min_sites: 3", "min_sites: 2"))
    yield
    for site, text in before.items():
        (site / "site.yaml").write_text(text)


@pytest.mark.parametrize(
    "phase",
    [MASK, *(pytest.param(phase, marks=pytest.mark.slow) for phase in ("advertise", SHARE, CONFIRM, UNMASK))],
)
@pytest.mark.usefixtures("modest")
def test_a_site_may_vanish_in_any_phase(
    begin: Callable[..., tuple[TappedGrid, Run]], sites: list[Path], phase: str
) -> None:
    grid, run = begin(f"seed={50 + len(phase)}")
    before, lost = dict(run.weights), grid.names[1]
    grid.gone = {(lost, f"train.{phase}")}
    play_round(run, slot(run))
    is_in = phase in (CONFIRM, UNMASK)
    kept = [name for name in grid.names if is_in or name != lost]
    there = [site for site in sites if phase != "advertise" or site.name != lost]
    assert same(run.weights, plain_mean(run, sites, kept, before, all_speak(there, run, 2)))
    assert last_round(run)["secure"]["attempt"] == 0
    assert last_round(run)["secure"]["sites"] == kept
    assert last_round(run)["left_out"][lost].startswith(f"{phase}: ")


@pytest.mark.slow
def test_a_site_that_leaves_others_too_lonely_is_not_asked_again(
    begin: Callable[..., tuple[TappedGrid, Run]], sites: list[Path]
) -> None:
    """Three of four have T1 and every site speaks among three only: without one of them nobody speaks for T1."""
    grid, run = begin("seed=60")
    before, lost = dict(run.weights), grid.names[1]
    grid.gone = {(lost, "train.mask")}
    play_round(run, slot(run))
    line, others = last_round(run), [name for name in grid.names if name != lost]
    assert (line["secure"]["attempt"], line["secure"]["sites"]) == (1, others)
    assert line["left_out"] == {lost: "asked: dropped in the attempt before, and was not asked again"}
    spoken = all_speak([site for site in sites if site.name != lost], run)
    assert not spoken["stem.t1"]
    assert "stem.t1" in line["secure"]["silent"]
    assert same(run.weights, plain_mean(run, sites, others, before, spoken))


@pytest.mark.slow
def test_too_many_gone_voids_the_attempt_and_the_next_costs_no_training(
    begin: Callable[..., tuple[TappedGrid, Run]], sites: list[Path]
) -> None:
    grid, run = begin("seed=61")
    before = dict(run.weights)
    grid.gone = {(name, "train.mask") for name in grid.names[:2]}
    seen: list[str] = []

    def watch(kind: str, fields: Mapping[str, Any]) -> None:
        seen.append(kind)
        if kind == "round-void":
            grid.gone = set()

    run.watch = watch
    trained = {site: (site / ".gmmas" / "events.jsonl").read_text().count('"trained"') for site in sites}
    play_round(run, slot(run))
    assert seen.count("round-void") == 1
    assert last_round(run)["secure"]["attempt"] == 1
    assert same(run.weights, plain_mean(run, sites, grid.names, before, all_speak(sites, run)))
    assert {site: (site / ".gmmas" / "events.jsonl").read_text().count('"trained"') for site in sites} == {
        site: count + 1 for site, count in trained.items()
    }


@pytest.mark.slow
def test_a_sum_that_was_opened_is_repeated_with_the_same_sites_only(
    begin: Callable[..., tuple[TappedGrid, Run]],
) -> None:
    """Sites have signed for the sum and it was lost: without one of them it must never be made again."""
    grid, run = begin("seed=71")
    hostile = Hostile(grid, run, attempt=7)
    grid.gone = {(name, "train.unmask") for name in grid.names[:3]}
    absent = grid.names[0]

    def watch(kind: str, fields: Mapping[str, Any]) -> None:
        if kind == "round-void":
            run.memory.screen.quarantined[absent] = "away"

    run.watch = watch
    with pytest.raises(RunPaused, match=f"found no {absent}; expected the sites of the sum"):
        play_round(run, slot(run))
    assert not [entry for entry in run.ledger.entries() if entry["kind"] == "round"]
    run.watch = lambda kind, fields: None
    run.memory.screen.quarantined.clear()
    grid.gone = {(absent, "train.mask")}  # there again, but not in the sum: the others are not asked to sign
    with pytest.raises(RunPaused, match=f"found no {absent} in the sum; expected the same sites"):
        play_round(run, slot(run))
    grid.gone.clear()
    play_round(run, slot(run))
    assert last_round(run)["secure"]["sites"] == sorted(grid.names)
    said = hostile.play(grid.names[1:])  # a third attempt, with one site fewer: nobody signs for it
    assert all("has signed for another sum" in reason for reason in said.values())


class Hostile:
    """A coordinator that writes its own messages to the real apps; made before the round that it imitates."""

    def __init__(self, grid: TappedGrid, run: Run, attempt: int = 0) -> None:
        self.grid, self.plan = grid, _plan(run, slot(run))
        cases = [status.num_cases["train"] for status in run.enlisted.values()]
        terms = SumTerms(attempt=attempt, max_cases=max(cases), max_sites=len(grid.names))
        self.attempt = attempt
        self.request = wire.plan_to_content(self.plan, run.overrides, run.weights)
        self.first = RecordDict({**self.request, "secure": wire.terms_to_record(terms)})

    def question(self, parts: Mapping[str, bytes]) -> RecordDict:
        where = {"run_id": self.plan.run_id, "round": self.plan.round, "attempt": self.attempt}
        return wire.secure_to_content(SecureMessage(**where, parts=parts))

    def adverts(self, names: Sequence[str]) -> dict[str, bytes]:
        """What an honest coordinator shows to everybody."""
        shown = {}
        for name in names:
            said = wire.read_secure_answer(self.grid.ask(name, "train.advertise", self.first))
            shown |= {f"{part}.{name}": said.parts[part] for part in ("advert", "statement")}
        return shown

    def phase(self, name: str, phase: str, parts: Mapping[str, bytes]) -> SecureMessage:
        return wire.read_secure_answer(self.grid.ask(name, f"train.{phase}", self.question(parts)))

    def play(self, names: Sequence[str]) -> dict[str, str]:
        """Phases up to the signatures with these sites; what they say to that."""
        shown = self.adverts(names)
        sealed = {name: self.phase(name, SHARE, shown).under("sealed") for name in names}
        for name in names:
            self.phase(name, MASK, {f"sealed.{other}": sealed[other][name] for other in names if other != name})
        named = {f"survivor.{name}": b"1" for name in names}
        return {name: self.grid.refusal(name, "train.confirm", self.question(named)) for name in names}


def test_keys_of_the_coordinators_own_are_refused_by_every_site(
    begin: Callable[..., tuple[TappedGrid, Run]], sites: list[Path]
) -> None:
    grid, run = begin("seed=81")
    hostile = Hostile(grid, run)
    shown = hostile.adverts(grid.names)
    victim, others = grid.names[0], grid.names[1:]
    where = (hostile.plan.run_id, hostile.plan.round, hostile.attempt)
    # Signed by nobody, by another hospital, and by a key that the coordinator made: its own X25519 keys each time.
    statement, other_key = shown[f"statement.{victim}"], signer_of(read_site(sites[1]))
    forged = Member(victim, *where, other_key).advertise(about(statement))
    for advert in (replace(forged, signature=b""), forged):
        swapped = shown | {f"advert.{victim}": advert.to_bytes()}
        assert "another advert in this site's name" in grid.refusal(victim, "train.share", hostile.question(swapped))
        for name in others:
            assert "did not sign" in grid.refusal(name, "train.share", hostile.question(swapped))
    own = Member("stranger", *where, other_key).advertise(about(statement))
    stranger = shown | {"advert.stranger": own.to_bytes(), "statement.stranger": statement}
    del stranger[f"advert.{victim}"], stranger[f"statement.{victim}"]
    assert "a hospital on the list" in grid.refusal(others[0], "train.share", hostile.question(stranger))
    # A statement that it did not sign, and a signed one of another plan.
    lie = replace(read_statement(statement), binding="0" * 64).to_bytes()
    other_plan = shown | {f"statement.{victim}": lie}
    assert "another statement of" in grid.refusal(others[0], "train.share", hostile.question(other_plan))
    signed = Member(victim, *where, signer_of(read_site(sites[0]))).advertise(about(lie))
    other_plan |= {f"advert.{victim}": signed.to_bytes()}
    assert "another plan or layout" in grid.refusal(others[0], "train.share", hostile.question(other_plan))
    # After all that the honest list still works: nothing was answered before.
    assert hostile.phase(others[0], SHARE, shown).under("sealed").keys() == set(grid.names) - {others[0]}


@pytest.mark.slow
def test_what_else_a_hostile_coordinator_asks_in_vain(
    begin: Callable[..., tuple[TappedGrid, Run]], sites: list[Path]
) -> None:
    grid, run = begin("seed=82")
    hostile = Hostile(grid, run)
    one, two, three, _ = grid.names
    assert "expected a secure sum's" in grid.refusal(one, "train", hostile.request)
    assert "found no advertise" in grid.refusal(one, "train.share", hostile.question({}))
    shown = hostile.adverts(grid.names)
    assert "expected a secure sum's" in grid.refusal(one, "train", hostile.request)  # the update is there by now
    pair = {name: part for name, part in shown.items() if name.rpartition(".")[2] in (one, two)}
    assert "found 2 sites in a secure sum; expected at least 3" in grid.refusal(
        one, "train.share", hostile.question(pair)
    )
    first = grid.ask(one, "train.share", hostile.question(shown))
    again = grid.ask(one, "train.share", hostile.question(shown))
    assert wire.read_secure_answer(first) == wire.read_secure_answer(again)
    fewer = {name: part for name, part in shown.items() if not name.endswith(f".{three}")}
    assert "another question than was answered" in grid.refusal(one, "train.share", hostile.question(fewer))
    assert "found no mask" in grid.refusal(one, "train.confirm", hostile.question({f"survivor.{one}": b"1"}))
    # Another number of cases under the same attempt is another question too.
    changed = RecordDict({**hostile.first, "secure": ConfigRecord({"attempt": 0, "max-cases": 1, "max-sites": 4})})
    assert "another question than was answered" in grid.refusal(one, "train.advertise", changed)
    plain = load_config([*OVERRIDES, "privacy=none"])
    assert plain.privacy.secure_sum.name == "none"


@pytest.mark.slow
def test_a_site_without_pinned_hospitals_does_not_even_train(
    begin: Callable[..., tuple[TappedGrid, Run]], sites: list[Path]
) -> None:
    grid, run = begin("seed=83")
    pinned = sites[0] / ".gmmas" / "enrolment" / "peers.json"
    before = pinned.read_bytes()
    pinned.unlink()
    hostile = Hostile(grid, run)
    try:
        assert "no accepted list" in grid.refusal(grid.names[0], "train.advertise", hostile.first)
        assert not (sites[0] / ".gmmas" / "secure").exists()
    finally:
        pinned.write_bytes(before)
