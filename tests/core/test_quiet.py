"""Whatever somebody's shell says, Flower is silenced before it can be imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gmmas_core.quiet import SETTINGS

LOUD = dict.fromkeys(SETTINGS, "1") | {"FLWR_DISABLE_UPDATE_CHECK": "0"}
CODE = """
import sys, os, json
assert not [name for name in sys.modules if name.startswith("flwr")]
__import__(sys.argv[1])
from flwr.supercore import telemetry
print(json.dumps([telemetry.FLWR_TELEMETRY_ENABLED, {name: os.environ.get(name) for name in json.loads(sys.argv[2])}]))
"""


@pytest.mark.parametrize("package", ["client", "server"])
@pytest.mark.parametrize("shell", [{}, LOUD])
def test_importing_either_side_silences_flower(package: str, shell: dict[str, str]) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    done = subprocess.run(
        [sys.executable, "-c", CODE, package, json.dumps(sorted(SETTINGS))],
        env=clean | shell,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert json.loads(done.stdout) == ["0", SETTINGS]
