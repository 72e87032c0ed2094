"""What would change this: the same study read again without each of its sequences."""

from dataclasses import replace
from typing import Any

from gmmas_core.calibration import temperatures_of
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.config import Config
from gmmas_core.data.preprocess import Prepared
from gmmas_core.diagnosis import rank_case
from gmmas_core.inference import predict_case
from gmmas_core.inference.subsets import with_sequences
from gmmas_core.metrics.overlap import dice, region_mask
from gmmas_core.types import REGIONS, CaseResult, Task


def read_without(
    sequence: str, prepared: Prepared, full: CaseResult, loaded: LoadedModel, config: Config, device: str
) -> dict[str, Any]:
    """One line of the document's "without".

    Args:
        sequence: that is left out; the case has it and at least one other.
        prepared: of all sequences.
        full: its result.
        loaded: the model.
        config: as of the full reading; its stochastic passes are left out.
        device: "cpu" or "cuda".

    Returns:
        The other sequences' answers beside the full ones, JSON-able: null where either is not assessable.
    """
    others = [name for name in full.sequences_used if name != sequence]
    result = predict_case(
        with_sequences(prepared, others),
        loaded.model,
        config,
        model_id=loaded.model_id,
        device=device,
        calibration=loaded.calibration,
    )
    # What the whole case gives no answer about, a part of it gives none about either.
    closed = {what: why for what, why in full.abstained.items() if what in set(Task)}
    result = replace(result, abstained={**closed, **result.abstained})
    told = {task: value for task, value in result.probability.items() if task not in closed}
    first, first_of_all = _first_type(result, loaded), _first_type(full, loaded)
    return {
        "sequence": sequence,
        "probability": {task.value: value for task, value in told.items()},
        "probability_change": {task.value: value - full.probability[task] for task, value in told.items()},
        "volume_ml": dict(result.volume_ml),
        "dice": {region: _dice(region, full, result) for region in REGIONS},
        "not_assessable": dict(result.not_assessable),
        "first_type": first,
        "first_type_changes": first != first_of_all,
    }


def _dice(region: str, full: CaseResult, result: CaseResult) -> float | None:
    if region in full.not_assessable or region in result.not_assessable:
        return None
    return dice(region_mask(full.seg_XYZ, region), region_mask(result.seg_XYZ, region))


def _first_type(result: CaseResult, loaded: LoadedModel) -> str | None:
    ranking = rank_case(result, calibrated=temperatures_of(loaded.calibration, result.probability))
    return ranking.candidates[0].entity.value if ranking.candidates else None
