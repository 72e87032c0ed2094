"""A run's curves in MLflow, for groups that keep their experiments there; it is not installed by default."""

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from gmmas_core.config import read_config
from gmmas_core.types import DISCLAIMER, FederationError
from server.records.progress_log import JsonLines
from server.records.run_folder import RunFolder
from server.records.scalars import Scalar, scalars
from server.report.numbers import build_report

BATCH = 1000
"""Metrics that MLflow takes in one request."""

_NOT_ALLOWED = re.compile(r"[^\w\-. :/]", re.ASCII)


def export(run: Path, uri: str, experiment: str) -> str:
    """Copy the curves of a run to MLflow, during the run or after it; every call makes a new MLflow run.

    Args:
        run: folder of the run.
        uri: MLflow's tracking address.
        experiment: created if it is not there.

    Returns:
        MLflow's id of its run.

    Raises:
        FederationError: MLflow is not installed, or the folder holds no run.
    """
    mlflow, entities = _require("mlflow"), _require("mlflow.entities")
    folder = RunFolder(run)
    if not folder.ledger.is_file():
        raise FederationError("run: found no ledger.jsonl; expected the folder of a run")
    lines = JsonLines(folder.ledger)  # not opened as a ledger, which would write to it
    lines.read()
    report = build_report(lines.entries, read_config(folder.config))
    client = mlflow.MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    experiment_id = found.experiment_id if found else client.create_experiment(experiment)
    run_id: str = client.create_run(experiment_id, run_name=report["run"]["name"], tags=tags_of(report)).info.run_id
    for batch in _batches(metrics_of(report)):
        client.log_batch(run_id, metrics=[entities.Metric(key, value, 0, step) for key, value, step in batch])
    client.set_terminated(run_id)
    return run_id


def metrics_of(report: Mapping[str, Any]) -> Iterator[Scalar]:
    """The report's curves under keys that MLflow takes: letters, digits and "_-. :/"."""
    return (Scalar(_NOT_ALLOWED.sub("_", key), value, step) for key, value, step in scalars(report))


def tags_of(report: Mapping[str, Any]) -> dict[str, str]:
    """What tells one run from another."""
    run = report["run"]
    names = ("run_id", "seed", "strategy", "model", "config_hash", "core_fingerprint", "model_id")
    tags = {f"gmmas.{name}": str(run[name]) for name in names if run[name] is not None}
    return tags | {"gmmas.disclaimer": DISCLAIMER, "gmmas.notice": report["notice"]}


def _require(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise FederationError(
            "export-mlflow: found no MLflow in this environment; expected the package mlflow-skinny; "
            "install it (pip install mlflow-skinny) or use the TensorBoard events in the run folder"
        ) from None


def _batches(points: Iterable[Scalar]) -> Iterator[list[Scalar]]:
    iterator = iter(points)
    while batch := list(islice(iterator, BATCH)):
        yield batch
