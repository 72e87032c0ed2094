"""A status in Prometheus' text format. What is unknown has no sample; it is never 0."""

from collections.abc import Iterator
from datetime import datetime

from gmmas_core.software import Software
from gmmas_core.types import DISCLAIMER
from server.dashboard.status import SEVERITIES, SITE_STATES, STATES, RunStatus

Sample = tuple[dict[str, str], float | None]
Family = tuple[str, str, str, list[Sample]]
"""Name, type, help, samples."""


def metrics_text(status: RunStatus, software: Software) -> str:
    """All families; the names of sites are escaped, as they come from outside.

    Args:
        status: of the run.
        software: what the process that answers runs.
    """
    lines = [f"# {DISCLAIMER}"]
    for name, kind, words, samples in _families(status, software):
        known = [(labels, value) for labels, value in samples if value is not None]
        if known:
            lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{_labels(labels)} {float(value)!r}" for labels, value in known]
    return "\n".join(lines) + "\n"


def _families(status: RunStatus, software: Software) -> Iterator[Family]:
    sites = status.sites
    states = [site.state for site in sites]
    kinds = [alert.severity for alert in status.alerts]
    build = {"release": software.release, "image": software.image, "protocol": str(software.protocol)}
    yield "gmmas_build_info", "gauge", "Which release and image answer.", [(build, 1)]
    info = {"name": status.name or "", "run_id": status.run_id or ""}
    yield "gmmas_run_info", "gauge", "Which run this is.", [(info, 1)]
    yield _one_hot("gmmas_run_state", "Where the run stands: 1 for its state.", STATES, [status.state])
    yield _plain("gmmas_rounds_played", "Rounds behind the global model.", status.rounds_played)
    yield _plain("gmmas_rounds_planned", "Rounds of the whole curriculum.", status.rounds_total)
    yield _plain("gmmas_round_playing", "Round being played; absent between rounds.", status.playing)
    yield _plain("gmmas_last_event_timestamp_seconds", "Newest event of the run.", _unix(status.last_event))
    yield _one_hot("gmmas_sites", "Sites by what they are doing.", SITE_STATES, states)
    yield _one_hot("gmmas_alerts", "Alerts so far, by severity.", SEVERITIES, kinds)
    yield (
        "gmmas_site_training_seconds",
        "gauge",
        "Last local training of a site.",
        [({"site": site.name}, site.last_duration_s) for site in sites],
    )
    yield (
        "gmmas_site_rounds_counted",
        "gauge",
        "Rounds that counted a site.",
        [({"site": site.name}, site.rounds_counted) for site in sites],
    )
    yield (
        "gmmas_site_rounds_left_out",
        "gauge",
        "Rounds that went on without a site that was asked.",
        [({"site": site.name}, site.rounds_left_out) for site in sites],
    )
    yield from _round_families(status)
    yield (
        "gmmas_weights_bytes",
        "gauge",
        "Weights moved in the rounds of the ledger.",
        [({"direction": "sent"}, status.sent), ({"direction": "received"}, status.received)],
    )
    yield _plain("gmmas_storage_bytes", "Size of the run folder.", status.storage_bytes)
    yield _plain("gmmas_free_bytes", "Free space on the run folder's disk.", status.free_bytes)


def _round_families(status: RunStatus) -> Iterator[Family]:
    newest = status.rounds[-1] if status.rounds else None
    yield _plain("gmmas_round_seconds", "Duration of the last round.", newest.duration_s if newest else None)
    phases = newest.phases if newest else {}
    samples: list[Sample] = [({"phase": name.removesuffix("_s")}, value) for name, value in phases.items()]
    yield "gmmas_round_phase_seconds", "gauge", "Duration of the last round, by phase.", samples
    yield (
        "gmmas_validation",
        "gauge",
        "Newest score of the global model on all sites' validation cases.",
        [({"measure": name}, curve.pooled[-1].value) for name, curve in status.curves.items() if curve.pooled],
    )


def _plain(name: str, words: str, value: float | None) -> Family:
    return name, "gauge", words, [({}, value)]


def _one_hot(name: str, words: str, every: tuple[str, ...], found: list[str]) -> Family:
    """How often each of a fixed set was found, zeros included, so that a rule can be written on any of them."""
    label = "severity" if every is SEVERITIES else "state"
    return name, "gauge", words, [({label: one}, found.count(one)) for one in every]


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    escaped = {
        key: value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") for key, value in labels.items()
    }
    return "{" + ",".join(f'{key}="{value}"' for key, value in escaped.items()) + "}"


def _unix(timestamp: str | None) -> float | None:
    try:
        return datetime.fromisoformat(timestamp or "").timestamp()
    except ValueError:
        return None
