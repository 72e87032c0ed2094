"""Statistics from question to page: policy, the stored answer, the wire, and what the coordinator makes of it."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flwr.app import Message, RecordDict

from client.app import app as client_app
from client.node.attendance import PAUSED, stay_away
from client.site import Site, read_site
from client.statistics.answer import count_site, gate_statistics, tell_statistics
from gmmas_core import wire
from gmmas_core.data.phantom import write_federation
from gmmas_core.statistics.form import FORM, HIDDEN, Statistics
from gmmas_core.types import DataError, FederationError
from server.lab.in_process_grid import InProcessGrid
from server.lab.stats import ask_sites
from server.statistics.advice import advise
from server.statistics.question import read_answers
from server.statistics.shift import label_shifts

Change = Callable[..., Site]


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def hospitals(tmp_path: Path) -> list[Path]:
    return write_federation(tmp_path / "sites", sites=3, cases=14, size=24, seed=3)


@pytest.fixture
def change(hospitals: list[Path]) -> Change:
    """Edit the first hospital's site.yaml: floor, privacy lines; returns the site as read."""

    def edit(floor: int = 5, **privacy: Any) -> Site:
        file = hospitals[0] / "site.yaml"
        text = re.sub(r"(?m)^(cohort_floor|privacy).*\n", "", file.read_text())
        file.write_text(f"{text}cohort_floor: {floor}\nprivacy: {json.dumps(privacy)}\n")
        return read_site(file)

    return edit


def drop_rows(folder: Path, rows: int) -> None:
    table = folder / "participants.tsv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-rows]))


def ask(site: Path) -> RecordDict:
    grid = InProcessGrid(client_app, [{"site": str(site / "site.yaml")}])
    (node,) = grid.get_node_ids()
    content = wire.statistics_question_to_content()
    (reply,) = grid.send_and_receive([Message(content, node, "query.statistics", ttl=60, group_id="0")])
    return reply.content


def test_what_is_shown_locally_is_what_the_node_sends(hospitals: list[Path], change: Change) -> None:
    counted = count_site(change(), quiet)
    assert counted.counts["studies"] == (14, 0, 0, 0)
    assert counted.stored is not None
    assert ask(hospitals[0]) == wire.statistics_to_content(counted.stored.told)
    told = counted.stored.told.counts
    assert not any(0 < cell < 5 for cells in told.values() for cell in cells)
    assert any(HIDDEN in cells for cells in told.values())


def test_the_same_noised_answer_goes_out_until_the_floor_of_patients_changed(
    hospitals: list[Path], change: Change
) -> None:
    site = change(statistics_epsilon=20)
    first = tell_statistics(site, quiet)
    assert first.epsilon == 20
    assert tell_statistics(site, quiet) == first
    drop_rows(hospitals[0], 4)
    assert tell_statistics(site, quiet) == first
    drop_rows(hospitals[0], 1)
    assert tell_statistics(site, quiet) != first
    stored = count_site(site, quiet).stored
    assert stored is not None
    assert (stored.made, stored.spent) == (2, 40)


def test_a_stored_answer_that_cannot_be_read_is_not_replaced(hospitals: list[Path], change: Change) -> None:
    site = change()
    tell_statistics(site, quiet)
    (site.state / "statistics" / "answer.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        tell_statistics(site, quiet)


@pytest.mark.parametrize("policy", ["refused", "summed"])
def test_policy_lets_nothing_out_but_the_hospital_still_sees_its_counts(
    hospitals: list[Path], change: Change, policy: str
) -> None:
    site = change(statistics=policy)
    assert wire.is_refusal(ask(hospitals[0]))
    counted = count_site(site, quiet)
    assert counted.stored is None
    assert counted.refusal.startswith("policy:")
    assert sum(counted.counts["sex"]) == 14
    assert not (site.state / "statistics" / "answer.json").exists()


def test_a_paused_site_refuses_and_one_outside_its_hours_answers(hospitals: list[Path], change: Change) -> None:
    site = change()
    with (hospitals[0] / "site.yaml").open("a") as file:
        file.write("training_hours: 00:00-00:01\n")
    assert not wire.is_refusal(ask(hospitals[0]))
    stay_away(site, PAUSED, "holiday", datetime.now(UTC))
    with pytest.raises(FederationError, match="paused"):
        wire.read_statistics(ask(hospitals[0]))


def plain(floor: int = 1, **tables: tuple[int, ...]) -> Statistics:
    """An answer with some cells set; everybody else is nowhere."""
    counts = {table.name: (0,) * len(table.cells) for table in FORM} | {
        name.replace("__", "."): cells for name, cells in tables.items()
    }
    return Statistics(site="north", floor=floor, epsilon=0.0, counts=counts)


def test_the_gate_stops_a_small_cell_and_another_policy(change: Change) -> None:
    site = change(floor=5)
    with pytest.raises(DataError, match="below the cohort floor"):
        gate_statistics(plain(floor=5, mask=(4, 10)), site)
    with pytest.raises(DataError, match="another policy"):
        gate_statistics(plain(floor=4), site)
    with pytest.raises(DataError, match="another policy"):
        gate_statistics(plain(floor=5), change(floor=5, statistics_epsilon=1))


@pytest.mark.parametrize(
    ("record", "key", "value", "says"),
    [
        ("statistics", "mask", [4, 10], "below the site's floor"),
        ("statistics", "mask", [-2, 10], "out of range"),
        ("statistics", "mask", [10**9, 10], "out of range"),
        ("statistics", "mask", [10.0, 10.0], "whole number"),
        ("statistics", "mask", 10, "no list"),
        ("statistics", "mask", [10], "other tables"),
        ("statistics", "more", [10], "other tables"),
        ("reply", "form", 2**40, "another form"),
        ("reply", "floor", 0, "out of range"),
        ("reply", "epsilon", float("nan"), "finite"),
        ("reply", "site", "../north", "unusual characters"),
    ],
)
def test_a_hostile_answer_is_refused(record: str, key: str, value: Any, says: str) -> None:
    told = plain(floor=5, mask=(10, HIDDEN))
    content = wire.statistics_to_content(told)
    assert wire.read_statistics(content) == told
    content[record][key] = value  # type: ignore[index]
    with pytest.raises(FederationError, match=says):
        wire.read_statistics(content)


def test_three_hospitals_are_asked_and_the_page_shows_no_hidden_cell(
    hospitals: list[Path], change: Change, tmp_path: Path
) -> None:
    site = change(floor=7)
    folder = tmp_path / "out"
    (hospitals[2] / "site.yaml").write_text(
        (hospitals[2] / "site.yaml").read_text() + "privacy: {statistics: refused}\n"
    )
    content = ask_sites(hospitals, folder, lambda kind, fields: None)
    answers = read_answers(folder)
    assert answers is not None
    assert set(content["sites"]) == set(answers.sites) == {hospitals[0].name, hospitals[1].name}
    assert [*content["silent"].values()] == [
        "refused: policy: found that this site tells no statistics; expected to go on without"
    ]
    told = content["sites"][site.name]["counts"]
    assert not [cell for cells in told.values() for cell in cells if cell is not None and 0 < cell < 7]
    page = (folder / "statistics.html").read_text()
    rows = re.findall(rf'<th scope="row">{site.name}</th>((?:\s*<td class="number[^<]*</td>)+)', page)
    cells = [int(cell) for row in rows for cell in re.findall(r">(\d+)</td>", row)]
    assert len(rows) == len(FORM)
    assert cells
    assert not [cell for cell in cells if 0 < cell < 7]
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)


def test_label_shift_is_told_from_chance_and_from_too_little() -> None:
    sites = {
        "a": plain(label__idh=(80, 20, 0)),
        "b": plain(label__idh=(40, 60, 0)),
        "c": plain(label__idh=(38, 12, 0)),
        "d": plain(label__idh=(6, 6, 0)),
        "e": plain(floor=5, label__idh=(50, HIDDEN, HIDDEN)),
        "f": plain(label__idh=(0, 0, 30)),
    }
    shifts, undecided = label_shifts(sites)
    assert {shift.sites for shift in shifts if shift.is_shift} == {("a", "b"), ("b", "c")}
    worst = shifts[0]
    assert worst.sites == ("a", "b")
    assert worst.distance == pytest.approx(0.4)
    # By hand: Wilson's (0.1334, 0.2888) and (0.5020, 0.6906) combined as Newcombe's method 10 does.
    assert worst.interval == pytest.approx((0.2677, 0.5125), abs=2e-4)
    assert set(undecided["idh"]) == {"d", "e", "f"}
    advice = advise(sites, shifts, undecided)
    assert advice["strategy"]["name"] == "masked_fedavg"
    assert "semi_supervised" in advice["stages"]["suggested"]
    assert any(row["about"] == "f" and "no known label of idh" in row["text"] for row in advice["warnings"])
