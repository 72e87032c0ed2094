"""Drills of full disks, a hospital's and the coordinator's: small file systems in memory, filled to the brim."""

import errno
import os
import shutil
from pathlib import Path

from server.lab.drills.commands import end
from server.lab.drills.judging import Drill, Findings
from server.lab.drills.network import run as system
from server.lab.drills.run_under_way import hold
from server.lab.drills.stage import EVERYBODY, MANY_ROUNDS, WITHOUT_THE_LATE, Stage
from server.lab.drills.template import NAMES

SITE_MB, RUN_MB = 1200, 32
"""A hospital begins no round with less than a GiB free."""

FILLER = "filler"


def disk_full_site(stage: Stage, found: Findings) -> None:
    """South's state folder fills up after the first round, and is emptied later."""
    end(stage.nodes["south"])
    state = stage.hospitals["south"] / ".gmmas"
    small_disk(state, SITE_MB)
    stage.start("south")
    stage.wait_for_nodes("south")
    run = stage.launch(MANY_ROUNDS, *WITHOUT_THE_LATE)
    run.tells("site-asked", round=2, site="south")
    busy = hold(stage.nodes["south"])
    fill(state)
    busy.resume()
    reason = run.left_out("south")
    found.that(f"left out: {reason}", "at the site" in reason or "disk" in reason)
    found.that("watch says so", f"south: left out: {reason}" in run.alerts())
    said = stage.site("south", "check", stage.hospitals["south"], "--connect")
    line = next((line for line in said.text.splitlines() if "free" in line), "nothing about the disk")
    found.that(f"check --connect: {' '.join(line.split())}", said.code == 1 and "free" in line)
    (state / FILLER).unlink()
    run.counts_again(found, "south", after=run.entries("round")[-1]["round"])
    run.judge_stop(found)


def disk_full_server(stage: Stage, found: Findings) -> None:
    """The run folder's disk fills up in a round; the run is resumed after somebody has made room."""
    folder = stage.folder / "small-disk"
    small_disk(folder, RUN_MB)
    run = stage.launch("rounds=2", *EVERYBODY, folder=folder / "run")
    run.tells("site-asked", round=2, site="south")
    busy = hold(stage.nodes["south"])
    fill(folder)
    busy.resume()
    code = run.ends()
    found.that(f"launch ended with {code}: {run.launcher.last_words()}", code == 1)
    found.that("it says that the disk is full", "space" in run.launcher.log_text())
    (folder / FILLER).unlink()
    again = stage.resume(run)
    again.judge_round(found, 2, NAMES)
    again.judge_end(found, 2)


def small_disk(folder: Path, megabytes: int) -> None:
    """Put a small file system under a folder, with what the folder holds."""
    before = folder.with_name(f"{folder.name}-before")
    folder.mkdir(exist_ok=True)
    folder.rename(before)
    folder.mkdir()
    system("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder))
    shutil.copytree(before, folder, dirs_exist_ok=True)
    shutil.rmtree(before)


def fill(folder: Path) -> None:
    """Leave not one page free."""
    filled = 0
    with (folder / FILLER).open("wb") as file:
        for size in (2**26, 2**20, 2**12):
            try:
                while True:
                    os.posix_fallocate(file.fileno(), filled, size)
                    filled += size
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


DRILLS = (
    Drill(
        name="disk-full-site",
        disturbance="a hospital's state folder is on a full disk, and on one with room again",
        expected="it is left out with a reason, check tells of the disk, and it takes part again by itself",
        play=disk_full_site,
    ),
    Drill(
        name="disk-full-server",
        disturbance="the run folder is on a full disk; somebody makes room and resumes",
        expected="launch ends and says why, nothing is half-written, resume goes on from the last round",
        play=disk_full_server,
    ),
)
