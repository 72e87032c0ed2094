"""Two drills as a person plays them: a line that is cut, and a disk that is full. All of them: `make drills`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from server.lab.drills.seclusion import missing

pytestmark = [
    pytest.mark.process,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(missing() is not None, reason="no network namespaces"),
]

NAMES = ["link-cut", "disk-full-server"]
ROOT = Path(__file__).parents[2]


def test_a_cut_line_and_a_full_disk_cost_no_run(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from server.lab.cli import main; main()", "drills", *NAMES, "--json"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=1100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["drills"]
    assert [(row["drill"], row["verdict"]) for row in rows] == [(name, "holds") for name in NAMES]
    assert "round 2 counted east, north, south" in rows[0]["observed"]
    assert "No space left on device" in rows[1]["observed"]
    assert "resumed after round [1]; stop: stopped" in rows[1]["observed"]
    assert not {"hospitals", "east", "north", "south"} & set(os.listdir("/sys/class/net"))
    words = str(tmp_path)
    assert [each for each in psutil.process_iter(["cmdline"]) if words in " ".join(each.info["cmdline"] or [])] == []
    assert json.loads((tmp_path / "drills.json").read_text())["drills"] == rows
    assert not (tmp_path / "template").exists()
