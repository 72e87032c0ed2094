"""Drills of files that are damaged: a hospital's state, its key, the coordinator's newest checkpoint."""

from pathlib import Path

from safetensors.numpy import load_file

from server.lab.drills.commands import end
from server.lab.drills.judging import Drill, Findings, wait_for
from server.lab.drills.run_under_way import hold, server_app
from server.lab.drills.stage import EVERYBODY, MANY_ROUNDS, Stage
from server.lab.drills.template import NAMES, admit
from server.launching.stop_run import stop_run
from server.records.checkpoints import WEIGHTS, path_of


def corrupt_state(stage: Stage, found: Findings) -> None:
    """South's stored reply and round state are damaged, and the coordinator has to ask for that reply again."""
    run = stage.launch(MANY_ROUNDS, *EVERYBODY)
    run.tells("site-asked", round=2, site="north")
    busy = hold(stage.nodes["north"])  # the round stays open
    run.tells("site-counted", round=2, site="south")
    state = stage.hospitals["south"] / ".gmmas"
    (reply,) = state.glob("replies/*/00002-*.safetensors")
    before = load_file(reply)
    for file in (reply, *state.glob("rounds/*/00002.safetensors")):
        damage(file)
    server_app().kill()
    run.tells("resumed", round=1)
    busy.resume()
    run.judge_round(found, 2, NAMES)
    after = load_file(reply)
    same = before.keys() == after.keys() and all((before[name] == after[name]).all() for name in before)
    found.that("south computed its reply again, bit for bit the same", same)
    run.judge_stop(found)


def damaged_key(stage: Stage, found: Findings) -> None:
    """South's key is damaged on its disk; it is invited again and makes another."""
    end(stage.nodes["south"])
    hospital = stage.hospitals["south"]
    damage(hospital / ".gmmas" / "enrolment" / "supernode_key")
    said = stage.site("south", "start", hospital)
    words = "found no readable supernode_key; expected the key that enrol made; enrol again"
    found.that(f"start: key: {words}", said.code == 1 and words in " ".join(said.text.split()))
    stage.coordinator("rotate", "south", "--federation", stage.federation).require_done()
    admit(stage.federation, hospital, "south", stage.folder / "south.enrolment.json")
    stage.start("south")
    stage.wait_for_nodes("south")
    found.that("after rotate, enrol and approve the node connected", True)
    run = stage.launch(MANY_ROUNDS, *EVERYBODY)
    run.judge_round(found, 1, NAMES)
    run.judge_stop(found)


def corrupt_checkpoint(stage: Stage, found: Findings) -> None:
    """A run is stopped in round 3, its checkpoint of round 2 is damaged, and it is resumed."""
    run = stage.launch("rounds=3", *EVERYBODY)
    run.tells("site-asked", round=3, site="south")
    busy = hold(stage.nodes["south"])
    found.that(f"stop: {stop_run(run.folder, 0.0)}", True)
    run.ends()
    damage(path_of(run.folder.checkpoints, 2) / WEIGHTS)
    again = stage.resume(run)
    wait_for(lambda: again.entries("resumed"), "run that was resumed")
    resumed = [entry["round"] for entry in again.entries("resumed")]
    found.that(f"resumed after round {resumed}", resumed == [1])
    busy.resume()
    again.judge_end(found, 3)
    played = [entry["round"] for entry in again.entries("round")]
    found.that(f"rounds in the ledger: {played}", played == [1, 2, 2, 3])
    hashes = {entry["weights_hash"] for entry in again.entries("round") if entry["round"] == 2}
    found.that("round 2 gave the same weights again", len(hashes) == 1)


def damage(file: Path) -> None:
    """Keep half of a file and turn what is left upside down, as a failing disk might."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2][::-1])


DRILLS = (
    Drill(
        name="corrupt-state",
        disturbance="a hospital's stored reply and round state are damaged, and it is asked for that reply again",
        expected="it takes the files for none, computes again, and gives the same reply",
        play=corrupt_state,
        restores=True,
    ),
    Drill(
        name="corrupt-checkpoint",
        disturbance="the newest checkpoint of a stopped run is damaged",
        expected="resume takes the one before, plays the round again, and comes to the same weights",
        play=corrupt_checkpoint,
        restores=True,
    ),
    Drill(
        name="damaged-key",
        disturbance="a hospital's key file is damaged",
        expected="start refuses and says what to do; rotate, enrol and approve bring the hospital back",
        play=damaged_key,
    ),
)
