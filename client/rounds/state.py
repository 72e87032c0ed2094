"""What a site keeps from one of its rounds to the next: values that never leave it, and what an encoding still owes.

`<state>/rounds/<run id>/<round>.safetensors`, one file per round, written before the round's reply is stored. A round
reads the newest file of an earlier round only, so a round that is played again (after a crash, or because the
coordinator went back to a checkpoint) begins where it began the first time and gives the same reply.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from gmmas_core.atomic import write_bytes
from gmmas_core.types import FederationError

KEEP = 3  # newest rounds kept per run
SUFFIX = ".safetensors"
_ROUND = re.compile(r"[0-9]{5,9}")

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class RoundState:
    """A site's own state after a round.

    Attributes:
        local: parameter -> trained value, of the groups that stay at the site.
        residual: parameter -> what its encoded updates have not yet conveyed, see `update_encoding`.
    """

    local: Mapping[str, Floats] = field(default_factory=dict)
    residual: Mapping[str, Floats] = field(default_factory=dict)


def state_before(state: Path, run_id: str, round: int) -> RoundState:
    """The newest state of a round before this one, an empty one when there is none.

    A file that cannot be read is passed over: the one before it is older, never wrong.

    Raises:
        FederationError: a run id that is no plain name.
    """
    for path in sorted(_rounds(_home(state, run_id), below=round), reverse=True):
        try:
            arrays = load(path.read_bytes())
        except (OSError, SafetensorError, ValueError):
            continue
        parts: dict[str, dict[str, Floats]] = {"local": {}, "residual": {}}
        for key, value in arrays.items():
            part, _, name = key.partition("/")
            parts[part][name] = value
        return RoundState(**parts)
    return RoundState()


def keep_state(state: Path, run_id: str, round: int, kept: RoundState) -> None:
    """Write a round's state; old ones go, and those of later rounds, which a repeated round has made untrue.

    Raises:
        FederationError: a run id that is no plain name.
    """
    home = _home(state, run_id)
    arrays = {f"local/{name}": value for name, value in kept.local.items()}
    arrays |= {f"residual/{name}": value for name, value in kept.residual.items()}
    write_bytes(home / f"{round:05d}{SUFFIX}", save({key: np.ascontiguousarray(arrays[key]) for key in sorted(arrays)}))
    until_now = sorted(_rounds(home, below=round + 1))
    for path in {*_rounds(home), *until_now} - {*until_now[-KEEP:]}:
        path.unlink(missing_ok=True)


def _rounds(home: Path, below: int | None = None) -> list[Path]:
    found = [path for path in home.glob(f"*{SUFFIX}") if _ROUND.fullmatch(path.stem)]
    return [path for path in found if below is None or int(path.stem) < below]


def _home(state: Path, run_id: str) -> Path:
    """The folder of one run; its name came over the wire and must not leave the state folder."""
    if not re.fullmatch(r"[A-Za-z0-9]{1,128}", run_id):
        raise FederationError("request: found run id with unusual characters; expected letters and digits")
    return state / "rounds" / run_id
