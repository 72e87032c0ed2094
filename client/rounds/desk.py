"""What every request needs before it is worked on: configuration and model as composed here, by this site's policy."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from flwr.app import Context

from client.data.local_data import LocalData, open_local_data
from client.egress.policy import require_allowed
from client.egress.populations import answered
from client.policy.limits import require_config_within
from client.policy.overrides import require_plain, without_lab_keys
from client.site import Site, read_site
from gmmas_core.config import Config, config_hash, load_config
from gmmas_core.model.gmmas import GMMAS, build_training_model
from gmmas_core.provenance import Fingerprint, core_fingerprint
from gmmas_core.types import EvaluationPlan, FederationError, RoundPlan

LAB_SITES = "GMMAS_LAB_SITES"
"""Environment variable of the simulation only: the folder whose n-th site folder plays the n-th node."""


@dataclass
class Desk:
    """The site, the configuration composed here, and the model built here."""

    site: Site
    config: Config
    model: GMMAS
    fingerprint: Fingerprint
    data: LocalData


def find_site(context: Context) -> Site:
    """The site of this process: from the node's configuration, or by number in a simulation.

    Raises:
        DataError: no readable site.yaml.
        FederationError: the node was started without one.
    """
    path = context.node_config.get("site")
    if path is not None:
        return read_site(Path(str(path)))
    root, number = os.environ.get(LAB_SITES), context.node_config.get("partition-id")
    if root is None or number is None:
        raise FederationError("node: found no site; expected --node-config 'site=\"PATH/site.yaml\"'")
    site = read_site(sorted(Path(root).glob("*/site.yaml"))[int(number)])
    return replace(site, threads=1)  # simulated nodes share the machine's cores, one each


def open_desk(site: Site, overrides: Sequence[str]) -> Desk:
    """Compose, check and build; the site's cases are read.

    Args:
        site: its limits.
        overrides: as they came over the wire.

    Raises:
        FederationError: overrides or a configuration that this site's policy refuses.
        ConfigError: a value that no configuration takes.
        DataError: problems in the site's table.
    """
    if LAB_SITES in os.environ:
        overrides = without_lab_keys(overrides)
    require_plain(overrides)
    config = load_config(overrides)
    require_config_within(site.limits, config)
    model = build_training_model(config)
    fingerprint = core_fingerprint(model, config)
    require_allowed(site, config, fingerprint.digest)
    data = replace(open_local_data(site, config), answered=partial(answered, site))
    return Desk(site, config, model, fingerprint, data)


def check_identity(plan: RoundPlan | EvaluationPlan, desk: Desk, received: str) -> None:
    """Refuse to work on another core, another configuration or other weights than the plan names.

    Raises:
        FederationError: says which.
    """
    if plan.core_fingerprint != desk.fingerprint.digest:
        raise FederationError("request: found another core fingerprint; expected this site's; install the same release")
    if plan.config_hash != config_hash(desk.config):
        raise FederationError("request: found another configuration; expected the one composed here")
    if plan.weights_hash != received:
        raise FederationError("request: found weights with another hash than the plan names; expected the same")
