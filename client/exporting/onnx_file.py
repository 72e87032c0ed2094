"""A model as one ONNX file and a JSON that says what goes in, what comes out and what of ours is not in it.

The network reads crops of one fixed size, as it was trained; what lies around a crop reaches it through the context
volume and the crop's place in it. Which sequences are there is an input of its own: absent ones may hold anything.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from client.exporting.patch_network import INPUTS, OUTPUTS, PatchNetwork, example
from gmmas_core import atomic
from gmmas_core.calibration import temperatures_of
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.types import CLASS_NAMES, DISCLAIMER, LABEL_NAMES, SEQUENCES, DataError

OPSET = 18
FILE, ABOUT = "model.onnx", "model.json"
LABELS = ["background", *LABEL_NAMES.values()]


def write_onnx(loaded: LoadedModel, folder: Path) -> Mapping[str, Any]:
    """Write model.onnx and model.json.

    Raises:
        DataError: the package that writes ONNX is not installed.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError:
        raise DataError("export: found no onnx; expected it; pip install 'gmmas-fed[export]'") from None
    inputs, about = example(loaded), described(loaded)
    program = torch.onnx.export(
        PatchNetwork(loaded).eval(),
        tuple(inputs[name] for name in INPUTS),
        input_names=INPUTS,
        output_names=OUTPUTS,
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # it is None only where a file name was given
    proto = program.model_proto
    told = {key: value if isinstance(value, str) else json.dumps(value) for key, value in about.items()}
    onnx.helper.set_model_props(proto, told)
    onnx.checker.check_model(proto)
    onnx.save_model(proto, folder / FILE)
    sha256 = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    atomic.write_json(folder / ABOUT, {**about, "file": FILE, "sha256": sha256})
    return {"sha256": sha256, "opset": OPSET}


def described(loaded: LoadedModel) -> dict[str, Any]:
    """All that a program needs to know to call the network and to read its answers."""
    config, edge = loaded.config, loaded.config.model.crop_size
    channels, context, tasks = len(SEQUENCES), loaded.config.model.context_size, loaded.config.task_list
    temperatures = temperatures_of(loaded.calibration, tasks)
    return {
        "disclaimer": DISCLAIMER,
        "notice": config.notice,
        "model_id": loaded.model_id,
        "weights_hash": loaded.provenance["weights_hash"],
        "sequences": list(SEQUENCES),
        "labels": LABELS,
        "tasks": [task.value for task in tasks],
        "classes": {task.value: list(CLASS_NAMES[task]) for task in tasks},
        "temperature": {task.value: temperatures.get(task) for task in tasks},
        "inputs": {
            "image": [f"float32 (1, {channels}, {edge}, {edge}, {edge})", *_prepared(config.data.spacing_mm)],
            "available": [f"bool (1, {channels})", "whether a sequence is there; what an absent one holds is not read"],
            "context": [f"float32 (1, {channels}, {context}, {context}, {context})", _CONTEXT],
            "box": ["float32 (1, 2, 3)", _BOX],
        },
        "outputs": {
            OUTPUTS[0]: [
                f"float32 (1, {len(LABELS)}, {edge}, {edge}, {edge})",
                "logits; channels in the labels' order",
            ],
            OUTPUTS[1]: [f"float32 (1, {len(tasks)})", _CLASSES],
        },
        "not_included": _NOT_INCLUDED,
        "opset": OPSET,
    }


def _prepared(spacing_mm: float) -> list[str]:
    return [
        f"sequences in the order given; axes X right, Y anterior, Z superior; {spacing_mm:g} mm cubic voxels",
        "skull-stripped; per sequence (value - mean) / standard deviation over its own non-zero voxels of the whole "
        "brain, clipped to +-30; 0 where it is zero and beyond the brain",
    ]


_CONTEXT = (
    "the brain's bounding box and 2 voxels around it, same values, centred in a cube of its longest edge (zeros "
    "beyond), resampled linearly with averaging over the larger voxels"
)
_BOX = (
    "low and high corner of the crop's edges in the context's cube, per axis, -1 to 1 from edge to edge; may exceed it"
)
_CLASSES = (
    "P(class 1) per task in the tasks' order, softmax of logits divided by the task's temperature where there is one "
    "(null: not calibrated); codel_1p19q is the marginal P(mutant) P(codeleted | mutant). Meant for one crop centred "
    "on the tumour"
)
_NOT_INCLUDED = (
    "reading and resampling of files, the walk of windows over a brain, mirror images, stochastic passes, "
    "post-processing, region temperatures (they only concern how doubt is stated), and what is not assessable without "
    "a sequence: gmmas-site predict does all that"
)
