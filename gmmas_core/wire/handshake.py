"""The first exchange of a run: the coordinator's question who is there, and a site's answer.

Each side names its software in its first message, and the other looks at it before it reads anything else: a release
with another protocol may have given the rest another form.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from flwr.app import ConfigRecord, ConfigRecordValues, MetricRecord, MetricRecordValues, RecordDict

from gmmas_core.software import MAX_LABEL, Software, installed, is_label, require_same_protocol
from gmmas_core.types import FederationError, SiteStatus
from gmmas_core.wire.records import config_record, metric_record
from gmmas_core.wire.replies import reply_record
from gmmas_core.wire_fields import read_integer, read_string


def query_to_content(overrides: Sequence[str]) -> RecordDict:
    """A request for a site's status under a configuration.

    Raises:
        ConfigError: see `software.installed`.
    """
    return RecordDict({"request": ConfigRecord({"overrides": list(overrides), **named(installed())})})


def read_coordinator(content: RecordDict) -> Software:
    """What the coordinator that asks runs; the configuration it asks for is read by `read_overrides`.

    Raises:
        FederationError: another protocol, an older release that names none, or an ill-typed field.
    """
    software = _read_software(config_record(content, "request"), "coordinator")
    require_same_protocol(software, "coordinator")
    return software


def status_to_content(status: SiteStatus) -> RecordDict:
    """A site's answer to a query."""
    software = Software(protocol=status.protocol, release=status.release, image=status.image)
    parts: dict[str, ConfigRecordValues] = {f"part.{name}": digest for name, digest in status.fingerprint_parts.items()}
    about: dict[str, ConfigRecordValues] = {
        "site": status.site,
        "fingerprint": status.core_fingerprint,
        "config-hash": status.config_hash,
        **named(software),
        **parts,
    }
    counts: dict[str, MetricRecordValues] = {f"cases.{name}": count for name, count in status.num_cases.items()}
    counts |= {f"sequences.{name}": count for name, count in status.num_sequences.items()}
    counts |= {f"labels.{name}": count for name, count in status.num_labels.items()}
    return RecordDict({"reply": ConfigRecord(about), "counts": MetricRecord(counts)})


def read_status(content: RecordDict) -> SiteStatus:
    """A checked SiteStatus.

    Raises:
        FederationError: a refusal by the site, another protocol, an older release that names none, or a missing or
            ill-typed field.
    """
    about = reply_record(content)
    whose = f"site {read_string(about, 'site')[:64]!r}"
    software = _read_software(about, whose)
    require_same_protocol(software, whose)
    counts = metric_record(content, "counts")

    def under(prefix: str) -> dict[str, int]:
        return {key[len(prefix) :]: read_integer(value, key) for key, value in counts.items() if key.startswith(prefix)}

    return SiteStatus(
        site=read_string(about, "site"),
        core_fingerprint=read_string(about, "fingerprint"),
        fingerprint_parts={key[5:]: read_string(about, key) for key in about if key.startswith("part.")},
        config_hash=read_string(about, "config-hash"),
        num_cases=under("cases."),
        num_sequences=under("sequences."),
        num_labels=under("labels."),
        protocol=software.protocol,
        release=software.release,
        image=software.image,
    )


def named(software: Software) -> dict[str, ConfigRecordValues]:
    return {"protocol": software.protocol, "release": software.release, "image": software.image}


def _read_software(record: Mapping[str, Any], whose: str) -> Software:
    """Raises: FederationError: an older release, which does not name its protocol, or an ill-typed field."""
    if "protocol" not in record:
        require_same_protocol(None, whose)
    labels = {key: read_string(record, key) for key in ("release", "image")}
    for key, label in labels.items():
        if not is_label(label):
            raise FederationError(
                f"{whose}: found {key} with unprintable or more than {MAX_LABEL} characters; expected its name"
            )
    return Software(protocol=read_integer(record["protocol"], f"{whose} protocol"), **labels)
