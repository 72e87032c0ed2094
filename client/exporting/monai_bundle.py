"""A model as a MONAI bundle: what `python -m monai.bundle run` needs to read a folder of cases, and nothing of ours.

Weights travel as TorchScript (models/model.ts), never as a pickled state: see `brain_reader`. MONAI evaluates the
expressions in a bundle's configuration as Python; this project never reads such a file itself.

Source: MONAI bundle specification; Cardoso et al., arXiv 2211.02701.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from client.exporting.brain_reader import brain_reader
from client.exporting.monai_configs import inference, metadata, readme
from gmmas_core import atomic
from gmmas_core.checkpoint import LoadedModel

_LICENSE = (
    "The software that made this bundle is licensed under Apache-2.0. The weights belong to whoever trained them.\n"
)


def write_bundle(loaded: LoadedModel, folder: Path) -> Mapping[str, Any]:
    """Write configs/, models/ and docs/.

    Raises:
        DataError: the program does not answer as the network does.
    """
    for name in ("configs", "models", "docs"):
        (folder / name).mkdir(exist_ok=True)
    torch.jit.save(brain_reader(loaded), folder / "models" / "model.ts")
    about = metadata(loaded)
    atomic.write_json(folder / "configs" / "metadata.json", about)
    atomic.write_json(folder / "configs" / "inference.json", inference(loaded))
    atomic.write_text(folder / "docs" / "README.md", readme(loaded))
    atomic.write_text(folder / "LICENSE", _LICENSE)
    return {"classes": about["tasks"]}
