"""Finished replies on the hospital's disk: asked the same thing again, the site sends the same bytes.

A reply is stored under (run id, round, hash of the weights received) before it is sent, so a lost reply costs neither
training time nor privacy budget. It is a reply of the policy it was made under: where the hospital demands another
now, it counts as none.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from client.site import Site
from gmmas_core.atomic import write_bytes
from gmmas_core.types import FederationError, Metric, RoundPlan, SiteUpdate, Sum
from gmmas_core.update_encoding import Encoded

KEEP = 2  # newest replies kept per run


def policy_digest(site: Site) -> str:
    """Of everything in site.yaml that decides what of an update may leave."""
    demands = [site.cohort_floor, asdict(site.privacy)]
    return hashlib.sha256(json.dumps(demands, sort_keys=True).encode()).hexdigest()


def stored_reply(shelf: Path, plan: RoundPlan, policy: str) -> tuple[SiteUpdate, Encoded] | None:
    """The reply to this very plan, if it was finished before; a damaged one, or another release's, counts as none.

    Args:
        shelf: the folder that the replies' folder lies in.
        plan: asked now.
        policy: `policy_digest` of now; a reply made under another counts as none.

    Returns:
        The update without weights, and its parameters as they travel.
    """
    path = _path(shelf, plan)
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})["reply"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        if about.pop("policy") != policy:
            return None
        encoded = Encoded(encoding=about.pop("encoding"), arrays=arrays, scales=about.pop("scales"))
        return SiteUpdate(**{**about, "weights": {}, "metrics": _metrics(about["metrics"])}), encoded
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, AttributeError, IndexError):
        return None


def store_reply(shelf: Path, plan: RoundPlan, policy: str, update: SiteUpdate, encoded: Encoded) -> None:
    """Keep a finished reply, its parameters as they travel, and drop old ones of the same run."""
    about = {
        "policy": policy,
        "site": update.site,
        "run_id": update.run_id,
        "round": update.round,
        "num_cases": update.num_cases,
        "seen": dict(update.seen),
        "uncertainty": dict(update.uncertainty),
        "metrics": {key: _plain(metric) for key, metric in update.metrics.items()},
        "duration_s": update.duration_s,
        "core_fingerprint": update.core_fingerprint,
        "encoding": encoded.encoding,
        "scales": dict(encoded.scales),
    }
    path = _path(shelf, plan)
    write_bytes(path, save(dict(encoded.arrays), metadata={"reply": json.dumps(about)}))
    for old in sorted(path.parent.glob("*.safetensors"), key=lambda file: file.stat().st_mtime_ns)[:-KEEP]:
        old.unlink(missing_ok=True)


def _plain(metric: Metric) -> list[float | str]:
    return [metric.total, metric.count, "sum"] if isinstance(metric, Sum) else list(metric)


def _metrics(stored: Mapping[str, list[Any]]) -> dict[str, Metric]:
    return {
        key: Sum(float(value[0]), int(value[1])) if value[-1:] == ["sum"] else tuple(int(count) for count in value)
        for key, value in stored.items()
    }


def _path(shelf: Path, plan: RoundPlan) -> Path:
    """Where the reply lies; names that came over the wire must not leave the folder."""
    for name, value in (("run id", plan.run_id), ("weights hash", plan.weights_hash)):
        if not re.fullmatch(r"[A-Za-z0-9]{1,128}", value):
            raise FederationError(f"request: found {name} with unusual characters; expected letters and digits")
    return shelf / "replies" / plan.run_id / f"{plan.round:05d}-{plan.weights_hash[:32]}.safetensors"
