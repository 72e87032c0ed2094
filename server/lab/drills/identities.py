"""Drills of hospitals that are not what the coordinator takes them for: another time, another release, a double."""

import os
import shutil
from pathlib import Path

import gmmas_core
from server.lab.drills.commands import end
from server.lab.drills.judging import PATIENCE_S, Drill, Findings, wait_for
from server.lab.drills.run_under_way import hold
from server.lab.drills.stage import CONNECTED, EVERYBODY, MANY_ROUNDS, Stage
from server.lab.drills.template import NAMES
from server.serving.child_processes import wait_until

AHEAD_S = 3600
REFUSED = "[code: 2004] Failed to activate SuperNode"
"""What a node says whose key is not let in; its keeper then tries again."""

ENDED = "keeper: the node ended"
"""All that is said about a node whose signatures the server does not take: Flower ends it without a reason."""


def wrong_clock(stage: Stage, found: Findings) -> None:
    """The clock of south's machine is an hour ahead, and is set right."""
    end(stage.nodes["south"])
    before = _another_time(stage.folder / "another-time")
    said = stage.site("south", "check", stage.hospitals["south"], "--connect", before=before)
    words = " ".join(said.text.split())
    ahead = "ahead of the server's"
    found.that(f"check --connect: the clock is {ahead}", said.code == 1 and ahead in words)
    node = stage.start("south", before=before)
    wait_until(lambda: ENDED in node.log_text(), [node], PATIENCE_S)
    found.that(f"the node's log: {ENDED}", CONNECTED not in node.log_text())
    end(node)
    stage.start("south")
    stage.wait_for_nodes("south")
    found.that("with the right time the node connected", True)


def two_identities(stage: Stage, found: Findings) -> None:
    """Somebody starts a copy of south, key and all, on a second machine."""
    stage.network.join("twin")
    stage.hospitals["twin"] = stage.folder / "hospitals" / "twin"
    shutil.copytree(stage.hospitals["south"], stage.hospitals["twin"])
    twin = stage.start("twin")
    wait_until(lambda: REFUSED in twin.log_text(), [twin], PATIENCE_S)
    run = stage.launch(MANY_ROUNDS, *EVERYBODY)
    for number in (1, 2):
        run.judge_round(found, number, NAMES)
    run.judge_stop(found)
    found.that(f"the copy's log: {REFUSED}", CONNECTED not in twin.log_text())
    found.that("south's own node lived on", not stage.nodes["south"].has_ended())
    end(twin)


def older_client(stage: Stage, found: Findings) -> None:
    """South runs another release, and installs the right one while the run is at work."""
    end(stage.nodes["south"])
    older = stage.folder / "older"
    root = Path(gmmas_core.__file__).parents[1]
    for package in ("gmmas_core", "client", "configs"):
        shutil.copytree(root / package, older / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (older / "gmmas_core" / "losses.py").open("a") as file:
        file.write("# another release\n")
    stage.start("south", environment={"PYTHONPATH": str(older)})
    stage.wait_for_nodes("south")
    run = stage.launch(MANY_ROUNDS, "federation.min_sites=2", *EVERYBODY)
    look = lambda: [e for e in (*run.entries("enlisted"), *run.entries("refused")) if "another" in str(e)]  # noqa: E731
    line = str(wait_for(look, "refusal in the ledger")[0])
    words = "site 'south': found another source; expected the coordinator's; install the same release on both sides"
    found.that(f"ledger: {words}", words in line.replace("\\\\", ""))
    run.round(1)
    run.tells("site-asked", round=2, site="north")
    busy = hold(stage.nodes["north"])  # the run waits for the other release
    end(stage.nodes["south"])
    stage.start("south")
    stage.wait_for_nodes("south")
    busy.resume()
    run.counts_again(found, "south", after=1)
    run.judge_stop(found)


def _another_time(folder: Path) -> tuple[str, ...]:
    """What to write before a command so that its clock is AHEAD_S ahead.

    Under faketime 0.9.10 with the true monotonic clock, which time-outs need, Python's own `time.sleep` is refused by
    the system; `select` is not.
    """
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(
        "import select\nimport time\n\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"
    )
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return "env", f"PYTHONPATH={path}", "faketime", "--exclude-monotonic", "-m", "-f", f"+{AHEAD_S}s"


DRILLS = (
    Drill(
        name="two-identities",
        disturbance="a copy of a hospital, with its key, is started on a second machine",
        expected="the server does not let it in while the hospital's own node is there, which takes part undisturbed",
        play=two_identities,
        restores=True,
    ),
    Drill(
        name="older-client",
        disturbance="a hospital runs another release, and installs the right one during the run",
        expected="it is refused in words, the others go on, and it takes part once it has the same release",
        play=older_client,
        restores=True,
    ),
    Drill(
        name="wrong-clock",
        disturbance="the clock of a hospital's machine is an hour ahead",
        expected="check says so, the server does not let the node in, and lets it in when the time is right",
        play=wrong_clock,
        programs=("faketime",),
    ),
)
