"""What a finished run's ledger says of its rounds: bytes, who was left out, and how loudly each hospital spoke."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gmmas_core.config import Config
from gmmas_core.model.gmmas import build_training_model
from gmmas_core.weights import weights_of
from server.ledger import Ledger

SPOKEN_GROUP = "decoder"
"""The parameter group whose weights are shown: every hospital with masks speaks for it."""


def traffic_of(ledger: Path) -> dict[str, Any]:
    """Sums over the rounds of a run.

    Returns:
        "rounds"; "sent" and "received" bytes of all of them; "left_out" and "doubted": site -> rounds; "voice": site ->
        mean share of the decoder's weight over the rounds in which anybody spoke for it.
    """
    rounds = {entry["round"]: entry for entry in Ledger(ledger).entries() if entry["kind"] == "round"}
    entries = [rounds[number] for number in sorted(rounds)]  # the last line of a repeated round
    shares = [share for entry in entries if (share := _shares(entry["sites"]))]
    names = sorted({site for share in shares for site in share})
    return {
        "rounds": len(entries),
        "sent": sum(entry["bytes"]["sent"] for entry in entries),
        "received": sum(entry["bytes"]["received"] for entry in entries),
        "left_out": _counted([site for entry in entries for site in entry["left_out"]]),
        "doubted": _counted([site for entry in entries for site, said in entry["sites"].items() if said["doubts"]]),
        "voice": {site: sum(share.get(site, 0.0) for share in shares) / len(shares) for site in names},
    }


def _shares(sites: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    loud = {site: float(said["weights"].get(SPOKEN_GROUP, 0)) for site, said in sites.items()}
    total = sum(loud.values())
    return {site: weight / total for site, weight in loud.items()} if total > 0 else {}


def _counted(sites: Sequence[str]) -> dict[str, int]:
    return {site: sites.count(site) for site in sorted(set(sites))}


def float32_bytes(config: Config) -> int:
    """Bytes of the training model's weights, uncompressed."""
    return sum(value.nbytes for value in weights_of(build_training_model(config)).values())
