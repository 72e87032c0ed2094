"""The laboratory's script goes through its steps in order and stops where one fails, noted by a stand-in for docker."""

import os
import subprocess
from pathlib import Path

import pytest

UP = Path(__file__).resolve().parents[2] / "deploy" / "lab" / "up.sh"

DOCKER = """#!/bin/sh
echo "$SITE $*" >> "$NOTES"
case "$*" in
    *"$FAILS"*) exit 1;;
    *" enrol") echo '{"fingerprint": "SHA256:spoken", "site": "'"$SITE"'"}';;
esac
"""


@pytest.mark.parametrize("fails", ["provision", "phantom", "enrol", "nothing"])
def test_it_stops_where_a_step_fails(fails: str, tmp_path: Path) -> None:
    programs, notes = tmp_path / "bin", tmp_path / "notes"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER)
    (programs / "docker").chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
    environment = os.environ | {"PATH": path, "NOTES": str(notes), "FAILS": f" {fails}", "SITE": "-"}
    done = subprocess.run(["sh", str(UP)], env=environment, capture_output=True, text=True, timeout=60, check=False)
    typed = notes.read_text().splitlines()
    if fails == "nothing":
        assert done.returncode == 0, done.stderr
        assert [line.split()[-1] for line in typed if "approve" in line] == ["SHA256:spoken"] * 3
        assert typed[-1].endswith("up -d east north south")
    else:
        assert done.returncode != 0
        assert typed[-1].endswith(fails)
