"""Who is there: real Flower messages to small applications that say who they are, on a grid whose nodes come and go."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flwr.app import Context, Message
from flwr.clientapp import ClientApp
from flwr.proto.node_pb2 import NodeInfo
from flwr.serverapp import Grid

from gmmas_core import wire
from gmmas_core.config import Config
from gmmas_core.enrolment import Enrolment
from gmmas_core.model.gmmas import build_training_model
from gmmas_core.provenance import core_fingerprint
from gmmas_core.software import PROTOCOL, release
from gmmas_core.types import FederationError, SiteStatus
from server.lab.in_process_grid import FIRST_NODE, InProcessGrid
from server.ledger import Ledger
from server.membership.enlist import askable, enlist, refresh_sites, wait_for_sites
from server.membership.members import Member, approve, write_member
from server.membership.roll import Roll
from server.records.run_folder import RunFolder
from server.rounds.exchange import Collected
from server.rounds.quorum import RoundVoid, require_quorum
from server.run import Run

NOW = datetime.now(UTC)
CASES = {"train": 4, "validation": 1, "holdout": 1}
SEQUENCES = dict.fromkeys(("t1", "t1c", "t2", "flair"), 4)
LABELS = {"histology": 4, "idh": 3, "codel_1p19q": 2, "segmentation": 4}

NORTH, EAST, SOUTH = FIRST_NODE, FIRST_NODE + 1, FIRST_NODE + 2


class DoorGrid(InProcessGrid):
    """Nodes that may be behind the door."""

    def __init__(self, app: ClientApp, names: Iterable[str]) -> None:
        super().__init__(app, [{"name": name} for name in names])
        self.absent: set[int] = set()
        self.asked: list[int] = []
        self.is_down = False
        self.keys: dict[int, bytes] = {}

    def get_nodes(self) -> Iterable[NodeInfo]:
        return [NodeInfo(node_id=node, public_key=self.keys.get(node, b"")) for node in self.get_node_ids()]

    def get_node_ids(self) -> Iterable[int]:
        if self.is_down:
            raise ConnectionError("refused")
        return [node for node in self._contexts if node not in self.absent]

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        kept = list(messages)
        self.asked += [message.metadata.dst_node_id for message in kept]
        return super().push_messages(kept)


@dataclass
class World:
    """A run, its grid, what the sites say and what was heard."""

    run: Run
    grid: DoorGrid
    statuses: dict[str, SiteStatus]
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def heard(self, kind: str) -> list[Any]:
        return [fields.get("site", fields.get("node")) for name, fields in self.events if name == kind]

    def written(self, kind: str) -> list[dict[str, Any]]:
        return [entry for entry in self.run.ledger.entries() if entry["kind"] == kind]

    def settle(self) -> None:
        """Refresh until every question has its answer."""
        refresh_sites(self.run)
        until = time.monotonic() + 5
        while self.run.roll.queries and time.monotonic() < until:
            time.sleep(0.01)
            refresh_sites(self.run)


def build(config: Config, folder: Path, names: Iterable[str]) -> World:
    """A run as `open_run` begins it; its sites fit, but "broken" raises and "ancient" knows no protocol.

    "hostile" and "rude" send a terminal's signs.
    """
    model = build_training_model(config)
    fingerprint = core_fingerprint(model, config)
    names = list(names)
    statuses = {
        name: SiteStatus(
            site=name,
            core_fingerprint=fingerprint.digest,
            fingerprint_parts=dict(fingerprint.parts),
            config_hash="cc",
            num_cases=CASES,
            num_sequences=SEQUENCES,
            num_labels=LABELS,
            protocol=PROTOCOL,
            release="1.2",
            image="site:1.2@sha256:aa",
        )
        for name in names
    }
    app = ClientApp()

    @app.query()
    def query(message: Message, context: Context) -> Message:
        name = str(context.node_config["name"])
        if name == "broken":
            raise RuntimeError("boom")
        content = wire.status_to_content(statuses[name])
        if name == "hostile":
            content["counts"]["cases." + "\x1b[2J" * 10_000] = 0.5
        if name == "rude":
            content = wire.refusal_to_content("\x1b[2Jno\n" * 200)
        if name == "ancient":
            for key in ("protocol", "release", "image"):
                del content["reply"][key]
        return Message(content, reply_to=message)

    grid = DoorGrid(app, names)
    world = World(make_run(grid, config, folder, model, fingerprint), grid, statuses)
    world.run.watch = lambda kind, fields: world.events.append((kind, fields))
    return world


def make_run(grid: Grid, config: Config, folder: Path, model: Any, fingerprint: Any) -> Run:
    federation = replace(config.federation, min_sites=2, quorum=2, poll_s=0.01, start_timeout_s=0.5)
    return Run(
        grid=grid,
        config=replace(config, federation=federation),
        overrides=[],
        folder=RunFolder(folder),
        ledger=Ledger(folder / "ledger.jsonl"),
        watch=lambda kind, fields: None,
        run_id="aa",
        config_hash="cc",
        model=model,
        fingerprint=fingerprint,
        weights={},
    )


def demand(world: World, **federation: Any) -> None:
    run = world.run
    run.config = replace(run.config, federation=replace(run.config.federation, **federation))


@pytest.fixture
def world(tiny_config: Config, tmp_path: Path) -> World:
    return build(tiny_config, tmp_path, ["north", "east", "south"])


def test_everyone_who_fits_is_enlisted_with_what_it_has(world: World) -> None:
    enlist(world.run)
    assert world.run.nodes == {NORTH: "north", EAST: "east", SOUTH: "south"}
    assert world.run.enlisted == world.statuses
    (entry,) = world.written("enlisted")
    said = {"release": "1.2", "image": "site:1.2@sha256:aa", "config_hash": "cc"}
    said |= {"fingerprint": world.run.fingerprint.digest}
    assert entry["sites"]["east"] == {"cases": CASES, "sequences": SEQUENCES, "labels": LABELS, **said}
    assert entry["coordinator"] == said | {"release": release(), "image": ""}
    assert entry["left_out"] == {}
    assert world.written("joined") == []


def test_other_code_configuration_names_and_crashes_are_left_out_with_reasons(
    tiny_config: Config, tmp_path: Path
) -> None:
    world = build(tiny_config, tmp_path, ["a", "b", "code", "settings", "broken", "path"])
    own = world.statuses["code"]
    parts = {**own.fingerprint_parts, next(iter(own.fingerprint_parts)): "00"}
    world.statuses["code"] = replace(own, fingerprint_parts=parts, core_fingerprint="00")
    world.statuses["settings"] = replace(world.statuses["settings"], config_hash="00")
    world.statuses["path"] = replace(world.statuses["path"], site="../up")
    enlist(world.run)
    assert sorted(world.run.nodes.values()) == ["a", "b"]
    left_out = world.written("enlisted")[0]["left_out"]
    assert sorted(left_out) == ["node 3", "node 4", "node 5", "node 6"]
    assert f"found another {next(iter(parts))}" in left_out["node 3"]
    assert "another resolved configuration" in left_out["node 4"]
    assert "error code 2" in left_out["node 5"]
    assert "boom" not in left_out["node 5"]
    assert "unusual characters" in left_out["node 6"]


def test_what_a_stranger_says_is_cut_short_and_without_a_terminals_signs(tiny_config: Config, tmp_path: Path) -> None:
    world = build(tiny_config, tmp_path, ["a", "b", "hostile", "rude"])
    enlist(world.run)
    left_out = world.written("enlisted")[0]["left_out"]
    assert left_out["node 4"].startswith("refused: ?[2Jno?")
    assert all(reason.isprintable() and len(reason) <= 500 for reason in left_out.values())


def test_another_protocol_and_an_older_release_are_left_out_and_told_what_to_do(
    tiny_config: Config, tmp_path: Path
) -> None:
    world = build(tiny_config, tmp_path, ["a", "b", "ahead", "ancient"])
    world.statuses["ahead"] = replace(world.statuses["ahead"], protocol=PROTOCOL + 1, release="9.9")
    enlist(world.run)
    left_out = world.written("enlisted")[0]["left_out"]
    here = f"protocol {PROTOCOL} (release {release()} here)"
    assert left_out == {
        "node 3": f"site 'ahead': found protocol {PROTOCOL + 1} of release 9.9; expected {here}; "
        "install release 9.9 here",
        "node 4": f"site 'ancient': found an older release, which does not say its protocol; expected {here}; "
        f"install release {release()} there",
    }


def test_in_a_federation_with_members_a_name_needs_its_own_key(
    world: World, tmp_path: Path, node_key: Callable[[], tuple[str, bytes]]
) -> None:
    """East calls itself south, whose key it does not have; south itself is nobody's member."""
    world.run.federation = tmp_path / "federation"
    for node, site in ((NORTH, "north"), (EAST, "east")):
        line, world.grid.keys[node] = node_key()
        letter = Enrolment(
            federation="f", site=site, invitation="0" * 32, public_key=line, created=NOW.isoformat(), proof=""
        )
        write_member(world.run.federation, approve(Member(site=site), letter, node_id=node, now=NOW, days=1))
    enlist(world.run)
    assert world.run.nodes == {NORTH: "north", EAST: "east"}
    assert "without an approved key" in world.written("enlisted")[0]["left_out"]["node 3"]
    world.run.roll = Roll()
    world.run.nodes, world.run.enlisted = {}, {}
    world.statuses["east"] = replace(world.statuses["east"], site="north")
    with pytest.raises(FederationError, match="site 'north': found the key of 'east'"):
        enlist(world.run)


def test_too_few_fit_sites_fail_at_once_and_name_the_difference(world: World) -> None:
    demand(world, start_timeout_s=60.0)
    for site in ("north", "east"):
        world.statuses[site] = replace(world.statuses[site], config_hash="00")
    started = time.monotonic()
    with pytest.raises(FederationError, match="found 1 fit sites; expected at least 2; left out: node 1: site 'north'"):
        enlist(world.run)
    assert time.monotonic() - started < 5


def test_too_few_sites_online_fail_after_the_timeout(world: World) -> None:
    world.grid.absent = {NORTH, EAST}
    with pytest.raises(FederationError, match=r"found 1 sites online; expected at least 2 within 0.5 s"):
        enlist(world.run)
    assert ("waiting", {"online": 1}) in world.events


def test_a_mandatory_site_is_waited_for_and_named_when_it_never_comes(world: World) -> None:
    demand(world, mandatory=["south"])
    world.grid.absent = {SOUTH}
    started = time.monotonic()
    with pytest.raises(FederationError, match=r"found no south; expected every site in federation.mandatory"):
        enlist(world.run)
    assert time.monotonic() - started >= 0.5
    world.grid.absent = set()
    enlist(world.run)
    assert "south" in world.run.nodes.values()


def test_a_site_that_leaves_and_returns_is_not_asked_again(world: World) -> None:
    enlist(world.run)
    world.grid.absent = {EAST}
    assert refresh_sites(world.run) == {NORTH: "north", SOUTH: "south"}
    assert refresh_sites(world.run) == {NORTH: "north", SOUTH: "south"}
    world.grid.absent = set()
    assert sorted(refresh_sites(world.run).values()) == ["east", "north", "south"]
    assert (world.heard("site-left"), world.heard("site-joined")) == (["east"], ["east"])
    assert "east" in world.run.enlisted
    assert sorted(world.grid.asked) == [NORTH, EAST, SOUTH]
    assert world.written("joined") == []


def test_a_new_site_joins_between_rounds_without_anybody_waiting(world: World) -> None:
    world.grid.absent = {SOUTH}
    enlist(world.run)
    world.grid.absent = set()
    assert SOUTH not in refresh_sites(world.run)
    world.settle()
    assert world.run.nodes[SOUTH] == "south"
    assert world.heard("site-joined") == ["south"]
    (entry,) = world.written("joined")
    assert (entry["site"], entry["cases"]) == ("south", CASES)
    world.settle()
    assert len(world.written("joined")) == 1


def test_a_misfit_is_remembered_until_it_leaves_and_comes_back_mended(world: World) -> None:
    fit = world.statuses["south"]
    world.grid.absent = {SOUTH}
    enlist(world.run)
    world.grid.absent = set()
    world.statuses["south"] = replace(fit, config_hash="00")
    world.settle()
    world.settle()
    assert world.grid.asked.count(SOUTH) == 1
    (entry,) = world.written("refused")
    assert entry["node"] == "node 3"
    assert "another resolved configuration" in entry["reason"]
    world.grid.absent = {SOUTH}
    refresh_sites(world.run)
    world.grid.absent = set()
    world.statuses["south"] = fit
    world.settle()
    assert world.run.nodes[SOUTH] == "south"
    assert len(world.written("refused")) == 1


def test_the_second_node_of_one_name_waits_until_the_first_has_left(world: World) -> None:
    """A SuperNode killed without a key comes back as another node while its old one still counts as online."""
    world.grid.absent = {SOUTH}
    enlist(world.run)
    world.grid.absent = set()
    claims = replace(world.statuses["south"], site="east", num_cases=CASES | {"train": 9})
    world.statuses["south"] = claims
    world.settle()
    assert world.run.nodes == {NORTH: "north", EAST: "east"}
    assert world.run.enlisted["east"].num_cases == CASES
    assert "found this name twice" in world.written("refused")[0]["reason"]
    world.grid.absent = {EAST}
    assert refresh_sites(world.run) == {NORTH: "north", SOUTH: "east"}
    assert world.run.enlisted["east"] == claims
    world.grid.absent = set()
    assert refresh_sites(world.run) == {NORTH: "north", SOUTH: "east"}
    assert world.heard("site-left") == []
    assert world.written("joined")[-1]["cases"] == CASES | {"train": 9}


def test_an_outage_changes_nothing(world: World) -> None:
    enlist(world.run)
    world.grid.is_down = True
    assert len(refresh_sites(world.run)) == 3
    assert world.heard("site-left") == []


def test_a_quarantined_site_stays_enlisted_but_is_not_askable(world: World) -> None:
    enlist(world.run)
    world.run.memory.screen.quarantined["east"] = "too far"
    assert askable(world.run) == {NORTH: "north", SOUTH: "south"}


def test_waiting_for_a_quorum_ends_with_it_or_with_the_timeout(world: World) -> None:
    enlist(world.run)
    started = time.monotonic()
    wait_for_sites(world.run)
    assert time.monotonic() - started < 0.3
    world.grid.absent = {NORTH, EAST}
    wait_for_sites(world.run)
    assert time.monotonic() - started >= 0.5


def test_a_round_without_quorum_or_mandatory_site_is_void(world: World) -> None:
    require_quorum(world.run, 1, "round 1", Collected(counted=["east", "north"]))
    with pytest.raises(
        RoundVoid, match="round 1: found 1 good replies; expected the quorum of 2; left out: north: gone"
    ):
        require_quorum(world.run, 1, "round 1", Collected(counted=["east"], left_out={"north": "gone"}))
    demand(world, mandatory=["south"])
    with pytest.raises(RoundVoid, match="without the mandatory south"):
        require_quorum(world.run, 2, "round 2", Collected(counted=["east", "north"]))
    assert [(entry["round"], entry["left_out"]) for entry in world.written("round-void")] == [
        (1, {"north": "gone"}),
        (2, {}),
    ]
