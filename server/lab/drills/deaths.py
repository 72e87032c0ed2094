"""Drills of machines and processes that end, hang, or stay away."""

from server.lab.drills.commands import end, strike
from server.lab.drills.judging import Drill, Findings, wait_for
from server.lab.drills.run_under_way import hold
from server.lab.drills.stage import EVERYBODY, MANY_ROUNDS, WITHOUT_THE_LATE, Stage
from server.lab.drills.template import NAMES

OTHERS = ("east", "north")


def server_restart(stage: Stage, found: Findings) -> None:
    """The coordinator's machine loses power in a round; only the launcher, on another machine as it were, lives on."""
    run = stage.launch("rounds=2", *EVERYBODY)
    run.tells("site-asked", round=2, site="south")
    busy = hold(stage.nodes["south"])
    strike(stage.server)
    busy.resume()
    stage.serve()
    stage.wait_for_server()
    run.judge_round(found, 2, NAMES)
    run.judge_end(found, 2)
    resumed = [entry["round"] for entry in run.entries("resumed")]
    found.that(f"went on from round {resumed}", resumed == [1])


def client_restart(stage: Stage, found: Findings) -> None:
    """A hospital's machine is started anew, in order, while it computes."""
    run = stage.launch(MANY_ROUNDS, *EVERYBODY)
    run.tells("site-asked", round=2, site="south")
    hold(stage.nodes["south"])
    end(stage.nodes["south"])
    stage.start("south")
    run.judge_round(found, 2, NAMES)
    asked = [e["sends"] for e in run.events() if e["kind"] == "site-asked" and (e["round"], e["site"]) == (2, "south")]
    found.that(f"south was asked {max(asked)} times in round 2", max(asked) >= 2)
    run.judge_stop(found)


def hang(stage: Stage, found: Findings) -> None:
    """The process that answers a round at south hangs, and wakes up after the round."""
    run = stage.launch(MANY_ROUNDS, *WITHOUT_THE_LATE)
    run.tells("site-asked", round=2, site="south")
    busy = hold(stage.nodes["south"])
    run.judge_round(found, 2, OTHERS)
    alerts = run.alerts()
    found.that("watch: south: left out: no reply within", "south: left out: no reply within" in alerts)
    busy.resume()
    run.counts_again(found, "south", after=2)
    run.judge_stop(found)


def long_absence(stage: Stage, found: Findings) -> None:
    """South leaves after the first round and is back some rounds later."""
    run = stage.launch(MANY_ROUNDS, *WITHOUT_THE_LATE)
    run.round(1)
    end(stage.nodes["south"])

    def without() -> list[int] | None:
        rounds = [entry["round"] for entry in run.entries("round") if "south" not in entry["asked"]]
        return rounds if len(rounds) >= 2 else None

    alone = wait_for(without, "two rounds without south")
    found.that(f"rounds {alone[0]} and {alone[1]} were played without asking south", True)
    row = next(site for site in run.status().sites if site.name == "south")
    found.that(f"watch: south {row.state}", row.state in ("offline", "not asked"))
    stage.start("south")
    run.counts_again(found, "south", after=alone[1])
    run.judge_stop(found)


DRILLS = (
    Drill(
        name="hang",
        disturbance="a hospital's process hangs in a round (SIGSTOP), and wakes up after it",
        expected="the round closes at its deadline without the hospital, a later one counts it",
        play=hang,
        restores=True,
    ),
    Drill(
        name="long-absence",
        disturbance="a hospital leaves after the first round and comes back later",
        expected="rounds go on without it, it joins again by itself",
        play=long_absence,
        restores=True,
    ),
    Drill(
        name="client-restart",
        disturbance="a hospital's machine is restarted in the middle of a round",
        expected="it is asked again in the same round, which counts everybody",
        play=client_restart,
        restores=True,
    ),
    Drill(
        name="server-restart",
        disturbance="the coordinator's server dies in the middle of a round (SIGKILL) and is started again",
        expected="hospitals reconnect by themselves, the launcher submits again, the run goes on from its last round",
        play=server_restart,
    ),
)
