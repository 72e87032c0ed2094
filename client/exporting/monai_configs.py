"""The texts of a MONAI bundle: what it is (metadata.json), how it is run (inference.json), and both in words."""

from collections.abc import Mapping
from typing import Any

import monai
import nibabel
import numpy as np
import torch

from client.exporting.onnx_file import LABELS, described
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.data.preprocess import MARGIN, Z_LIMIT
from gmmas_core.software import release
from gmmas_core.types import DISCLAIMER, SEQUENCES

SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
FIRE = "0.7.1"
"""MONAI's command line is made of it, and does not come with it; this project has no use for it."""

_ANY = ["*", "*", "*"]


def metadata(loaded: LoadedModel) -> dict[str, Any]:
    """Content of configs/metadata.json; beyond what MONAI asks for, everything that ONNX's description says."""
    image = {"type": "image", "spatial_shape": _ANY, "dtype": "float32", "is_patch_data": False}
    told = described(loaded)
    shared = ("model_id", "weights_hash", "notice", "sequences", "labels", "tasks", "classes", "temperature")
    return {
        "schema": SCHEMA,
        "version": release(),
        "changelog": {release(): f"exported from {loaded.model_id}"},
        "monai_version": monai.__version__,
        "pytorch_version": torch.__version__.split("+")[0],
        "numpy_version": np.__version__,
        "required_packages_version": {"nibabel": nibabel.__version__, "fire": FIRE},
        "name": "GMMAS-Fed",
        "task": "RESEARCH: outlines and image-level questions of gliomas on skull-stripped MRI",
        "description": f"{DISCLAIMER} {_reads(loaded)}",
        "authors": "made with GMMAS-Fed by a federation of hospitals",
        "copyright": "see LICENSE",
        "data_type": "nibabel",
        "intended_use": DISCLAIMER,
        "references": ["GMMAS, arXiv 2501.17758"],
        "network_data_format": {
            "inputs": {
                "image": image
                | {"format": "magnitude", "modality": "MR", "num_channels": len(SEQUENCES)}
                | {"value_range": [-Z_LIMIT, Z_LIMIT], "channel_def": _numbered(SEQUENCES)}
            },
            "outputs": {
                "pred": image
                | {"format": "labels", "modality": "n/a", "num_channels": len(LABELS)}
                | {"value_range": [], "channel_def": _numbered(LABELS)}
            },
        },
        **{key: told[key] for key in shared},
    }


def inference(loaded: LoadedModel) -> dict[str, Any]:
    """Content of configs/inference.json: from NIfTI files to labels on their own grid, and to class probabilities."""
    size = [loaded.config.data.spacing_mm] * 3
    kept = {"keys": "image", "threshold": Z_LIMIT, "above": False, "cval": Z_LIMIT}
    folders = "sorted(p for p in pathlib.Path(@dataset_dir).iterdir() if p.is_dir())"
    names = f"[str(case / (case.name + '_' + name + '.nii.gz')) for name in {list(SEQUENCES)!r}]"
    return {
        "imports": ["$import json", "$import pathlib", "$import torch"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/cases'",
        "output_dir": "$@bundle_root + '/eval'",
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "tasks": [task.value for task in loaded.config.task_list],
        "cases": f"$[{{'image': {names}}} for case in {folders}]",
        "network": "$torch.jit.load(@bundle_root + '/models/model.ts', map_location=@device)",
        "preprocessing": _compose(
            ["LoadImaged", {"keys": "image", "image_only": True}],
            ["EnsureChannelFirstd", {"keys": "image"}],
            ["Orientationd", {"keys": "image", "axcodes": "RAS"}],
            ["Spacingd", {"keys": "image", "pixdim": size, "mode": "bilinear"}],
            [
                "CropForegroundd",
                {"keys": "image", "source_key": "image", "margin": MARGIN}
                | {"select_fn": "$lambda x: x != 0", "allow_smaller": True},
            ],
            ["NormalizeIntensityd", {"keys": "image", "nonzero": True, "channel_wise": True}],
            ["ThresholdIntensityd", kept],
            ["ThresholdIntensityd", kept | {"threshold": -Z_LIMIT, "above": True, "cval": -Z_LIMIT}],
            ["CastToTyped", {"keys": "image", "dtype": "$torch.float16"}],
            ["CastToTyped", {"keys": "image", "dtype": "$torch.float32"}],
        ),
        "postprocessing": _compose(
            ["Activationsd", {"keys": "pred", "softmax": True}],
            ["Invertd", {"keys": "pred", "transform": "@preprocessing", "orig_keys": "image", "nearest_interp": False}],
            ["AsDiscreted", {"keys": "pred", "argmax": True}],
            [
                "SaveImaged",
                {"keys": "pred", "output_dir": "@output_dir", "output_postfix": "seg", "resample": False}
                | {"output_dtype": "$torch.uint8", "separate_folder": False, "print_log": False},
            ],
        ),
        "dataset": {"_target_": "Dataset", "data": "@cases", "transform": "@preprocessing"},
        "read": "$lambda item, network, device: network(item['image'][None].as_tensor().to(device))[0].cpu()",
        "run": ["$[@postprocessing({**item, 'pred': @read(item, @network, @device)}) for item in @dataset]"],
        "classify": [
            "$[print(json.dumps({'image': item['image'].meta['filename_or_obj'], 'probability': dict(zip(@tasks, "
            "@network.read(item['image'][None].as_tensor().to(@device))[1][0].tolist()))})) for item in @dataset]"
        ],
    }


def readme(loaded: LoadedModel) -> str:
    """Content of docs/README.md."""
    told = described(loaded)
    labels = ", ".join(f"{value} {name}" for value, name in enumerate(LABELS))
    classes = "\n".join(f"- {task}: probability of {names[1]}" for task, names in told["classes"].items())
    temperatures = ", ".join(f"{task} {value or 'not calibrated'}" for task, value in told["temperature"].items())
    return f"""# GMMAS-Fed {loaded.model_id}

{DISCLAIMER}

{told["notice"]}

    python -m monai.bundle run --config_file configs/inference.json --bundle_root . --dataset_dir CASES --output_dir OUT
    python -m monai.bundle run classify --config_file configs/inference.json --bundle_root . --dataset_dir CASES

The commands need `pip install fire=={FIRE}`, which MONAI does not bring along; `monai.bundle.run` in Python does not.

CASES holds a folder per case with {", ".join(f"CASE/CASE_{name}.nii.gz" for name in SEQUENCES)}: skull-stripped, all
on one grid. A sequence that is not there is a file of zeros. {_reads(loaded)}

Labels: {labels}. Channels: {", ".join(SEQUENCES)}. Class probabilities:

{classes}

Temperatures, already applied: {temperatures}.
Not included: {told["not_included"]}.
"""


def _reads(loaded: LoadedModel) -> str:
    """How this way of reading differs from ours, for this model."""
    evaluation, spacing = loaded.config.evaluation, loaded.config.data.spacing_mm
    own = (
        f"{evaluation.inference}, flips {'on' if evaluation.flips else 'off'}, post-processing {evaluation.postprocess}"
    )
    return (
        "Reads a brain in blended windows, without mirror images or post-processing; the model was validated with: "
        f"{own}. Files whose voxels are not {spacing:g} mm are resampled by MONAI's bilinear interpolation, which does "
        "not average where voxels grow: results then differ from gmmas-site predict."
    )


def _compose(*steps: list[Any]) -> dict[str, Any]:
    return {"_target_": "Compose", "transforms": [{"_target_": name, **arguments} for name, arguments in steps]}


def _numbered(names: Any) -> Mapping[str, str]:
    return {str(number): name for number, name in enumerate(names)}
