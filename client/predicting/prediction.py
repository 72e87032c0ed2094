"""Case folders through a model: find the images, prepare them as for training, read them, write the results."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from client.predicting.findings import findings
from client.predicting.result_files import require_writable, write_result
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.config import Config
from gmmas_core.data.labels import LABEL_CONVENTIONS
from gmmas_core.data.preprocess import Prepared, PrepareSettings, prepare_case
from gmmas_core.data.sequences import find_sequences
from gmmas_core.inference import CaseReading, predict_with_doubt
from gmmas_core.inference.native import values_on_native
from gmmas_core.inference.stochastic import OnPass, nobody
from gmmas_core.novelty.check import abstentions, check_novelty
from gmmas_core.novelty.features import features_of
from gmmas_core.types import UNKNOWN, Case, CaseResult, ConfigError, DataError, Task

SITE = "local"
"""Site of a case that is read from a folder and not from a site's table."""


def case_from_folder(folder: Path) -> Case:
    """The case in one folder; its pseudonym is the folder's name, and a mask in it is not looked at.

    Raises:
        DataError: no such folder, no known sequence, or two files for one sequence.
    """
    case_id = folder.resolve().name
    if not folder.is_dir():
        raise DataError(f"case {case_id}: found no such folder; expected a folder with one NIfTI file per sequence")
    found = find_sequences(folder)
    clashes = {name: endings for name, endings in found.clashes.items() if name != "mask"}
    if clashes or not found.images:
        raise DataError("\n".join(f"case {case_id}: {problem}" for problem in found.problems))
    return Case(
        case_id=case_id,
        patient_id=case_id,
        site=SITE,
        images=found.images,
        mask=None,
        labels=dict.fromkeys(Task, UNKNOWN),
        label_source={},
        split="holdout",
    )


def read_case(case: Case, loaded: LoadedModel, config: Config, device: str) -> CaseResult:
    """Prepare a case as the model was trained and read it.

    Args:
        case: files on one grid, skull-stripped.
        loaded: model folder.
        config: the model's, possibly with other evaluation settings.
        device: "cpu" or "cuda".

    Raises:
        DataError: an image that cannot be used; the message says which and why.
    """
    return read_prepared(prepare(case, config), loaded, config, device).result


def read_prepared(
    prepared: Prepared, loaded: LoadedModel, config: Config, device: str, on_pass: OnPass = nobody
) -> CaseReading:
    """Read a case that `prepare` gave; see `predict_with_doubt`.

    Where the model folder knows what the training sites' images look like, the case is held against them; what is too
    unlike gets no answers about type and genes.
    """
    read = predict_with_doubt(
        prepared,
        loaded.model,
        config,
        model_id=loaded.model_id,
        device=device,
        calibration=loaded.calibration,
        on_pass=on_pass,
    )
    if loaded.distribution is None:
        return read
    features_F = features_of(prepared.image_CXYZ, prepared.available_C, prepared.spacing_mm)
    unlike = check_novelty(loaded.distribution, features_F)
    abstained = {**read.result.abstained, **abstentions(unlike, config.task_list)}
    return dataclasses.replace(read, unlike=unlike, result=dataclasses.replace(read.result, abstained=abstained))


def prepare(case: Case, config: Config) -> Prepared:
    """A case as the model was trained on.

    Raises:
        DataError: an image that cannot be used.
    """
    settings = PrepareSettings(
        spacing_mm=config.data.spacing_mm,
        context_size=config.model.context_size,
        label_convention="canonical",
    )
    return prepare_case(case, settings)


def with_settings(
    config: Config, *, inference: str | None, flips: bool, mc_passes: int | None, postprocess: str | None
) -> Config:
    """A model's configuration with other evaluation settings where they are given.

    Raises:
        ConfigError: a setting that does not exist.
    """
    own = config.evaluation
    evaluation = dataclasses.replace(
        own,
        inference=own.inference if inference is None else inference,
        flips=flips or own.flips,
        mc_passes=own.mc_passes if mc_passes is None else mc_passes,
        postprocess=own.postprocess if postprocess is None else postprocess,
    )
    return dataclasses.replace(config, evaluation=evaluation)


def predict_folders(
    folders: Sequence[Path],
    out: Path,
    *,
    loaded: LoadedModel,
    config: Config,
    convention: str,
    uncertainty_map: bool,
    device: str,
    on_progress: Callable[[int, int], None],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Predict several cases; one that cannot be read fails alone.

    Args:
        folders: of one case each; their names become the names of the results.
        out: folder of the results.
        loaded: model folder.
        config: see `with_settings`.
        convention: label values written, a key of LABEL_CONVENTIONS.
        uncertainty_map: also write the voxels' entropies over the stochastic passes.
        device: "cpu" or "cuda".
        on_progress: told (done, total).

    Returns:
        The JSON content of every result, and a message for every case without one.

    Raises:
        DataError: two folders of one name (a result would be overwritten), an unknown convention, or an output folder
            that cannot be written.
        ConfigError: a map of uncertainty without stochastic passes.
    """
    _require_possible(folders, convention, config, uncertainty_map)
    require_writable(out)
    results, failures = [], []
    for done, folder in enumerate(folders):
        on_progress(done, len(folders))
        try:
            case = case_from_folder(folder)
            prepared = prepare(case, config)
            read = read_prepared(prepared, loaded, config, device)
            entropy_XYZ = values_on_native(read.entropy_XYZ, prepared) if uncertainty_map else None
            results.append(
                write_result(
                    read.result,
                    out,
                    convention=convention,
                    loaded=loaded,
                    config=config,
                    findings=findings(case, read, loaded, entropy_XYZ),
                    entropy_XYZ=entropy_XYZ,
                )
            )
        except DataError as error:
            failures.append(str(error))
    on_progress(len(folders), len(folders))
    return results, failures


def _require_possible(folders: Sequence[Path], convention: str, config: Config, uncertainty_map: bool) -> None:
    names = Counter(folder.resolve().name for folder in folders)
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        raise DataError(
            f"case folders: found {', '.join(twice)} more than once; expected different names; predict apart"
        )
    if convention not in LABEL_CONVENTIONS:
        known = ", ".join(LABEL_CONVENTIONS)
        raise DataError(f"--label-convention: found {convention!r}; expected one of {known}")
    if uncertainty_map and not config.evaluation.mc_passes:
        raise ConfigError(
            "--uncertainty-map: found no passes with dropout to be uncertain over; expected at least 2; "
            "add --mc-passes 10"
        )
