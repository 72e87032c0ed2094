"""Two drills as a person plays them: a line that is cut, and a disk that is full. All of them: `make drills`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.lab.drills.seclusion import missing

pytestmark = [
    pytest.mark.process,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(missing() is not None, reason="no network namespaces"),
]

NAMES = ["link-cut", "disk-full-site"]
ROOT = Path(__file__).parents[2]


def test_a_cut_line_and_a_full_disk_cost_no_run(tmp_path: Path) -> None:
    networks = set(os.listdir("/sys/class/net"))
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
    assert "south counted again" in rows[1]["observed"]
    assert set(os.listdir("/sys/class/net")) == networks
    assert json.loads((tmp_path / "drills.json").read_text())["drills"] == rows
    assert not (tmp_path / "template").exists()
