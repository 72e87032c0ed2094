"""Drills of the line between a hospital and the coordinator: cut, narrow, lossy, long."""

from server.lab.drills.judging import Drill, Findings, wait_for
from server.lab.drills.relay import Relay
from server.lab.drills.run_under_way import RunUnderWay, hold
from server.lab.drills.stage import EVERYBODY, MANY_ROUNDS, Stage
from server.lab.drills.template import NAMES

KBIT, PERCENT, DELAY_MS = 4096, 10, 200
_TROUBLE = ("retry", "Connection", "Heartbeat", "timed out")


def link_cut(stage: Stage, found: Findings) -> None:
    """The cable is pulled while south computes, and put back once its node has noticed."""
    run = stage.launch(MANY_ROUNDS, *EVERYBODY)
    run.tells("site-asked", round=2, site="south")
    busy = hold(stage.nodes["south"])
    said = len(stage.nodes["south"].log_text())
    stage.network.cut("south")
    trouble = wait_for(lambda: _trouble(stage.nodes["south"].log_text()[said:]), "trouble in the node's log")
    stage.network.heal("south")
    busy.resume()
    found.that(f"the node's log: {trouble}", True)
    _judge_rounds(run, found, 2, 3)


def slow_link(stage: Stage, found: Findings) -> None:
    """South's line carries few kilobits per second."""
    stage.network.slow("south", KBIT)
    run = stage.launch(MANY_ROUNDS, *EVERYBODY)
    _judge_rounds(run, found, 1, 2)
    waited = stage.network.held_up("south")
    stage.network.unslow("south")
    found.that(f"{waited} times a packet had to wait", waited > 0)


def lossy_link(stage: Stage, found: Findings) -> None:
    """South's line loses packets, each way."""
    stage.network.lose("south", PERCENT)
    run = stage.launch(MANY_ROUNDS, *EVERYBODY)
    _judge_rounds(run, found, 1, 2)
    lost = stage.network.dropped("south")
    stage.network.unfilter("south")
    found.that(f"{lost} packets were lost", lost > 0)


def delayed_link(stage: Stage, found: Findings) -> None:
    """Everything between south and the server is late, each way."""
    relay = Relay(stage, "south", "--delay-ms", str(DELAY_MS))
    run = stage.launch(MANY_ROUNDS, *EVERYBODY)
    _judge_rounds(run, found, 1, 2)
    carried = relay.count("carried")
    relay.end()
    found.that(f"{carried} bytes came late", carried > 0)


def _judge_rounds(run: RunUnderWay, found: Findings, *numbers: int) -> None:
    """These rounds counted everybody, and the run goes on until it is told to stop."""
    for number in numbers:
        run.judge_round(found, number, NAMES)
    run.judge_stop(found)


def _trouble(text: str) -> str:
    """The first line that tells of a failing connection; "" when there is none yet."""
    lines = [line for line in text.splitlines() if any(word in line for word in _TROUBLE)]
    return lines[0].strip()[:120] if lines else ""


DRILLS = (
    Drill(
        name="link-cut",
        disturbance="a hospital's cable is pulled while it computes, and put back",
        expected="its node tries again by itself, the round waits and counts everybody",
        play=link_cut,
        restores=True,
    ),
    Drill(
        name="slow-link",
        disturbance=f"a hospital's line carries {KBIT} kbit/s",
        expected="rounds take longer and count everybody",
        play=slow_link,
        restores=True,
    ),
    Drill(
        name="lossy-link",
        disturbance=f"a hospital's line loses {PERCENT} % of the packets, each way",
        expected="rounds take longer and count everybody",
        play=lossy_link,
        restores=True,
    ),
    Drill(
        name="delayed-link",
        disturbance=f"a hospital's line delays everything by {DELAY_MS} ms, each way",
        expected="rounds take longer and count everybody",
        play=delayed_link,
        restores=True,
    ),
)
