"""The ONNX file answers in onnxruntime as the network does here, and says what it is."""

import json
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch

from client.exporting.model import export_model
from client.exporting.patch_network import INPUTS, OUTPUTS, example
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.inference.classify import probabilities
from gmmas_core.types import DISCLAIMER, Task

SUBSETS = [(True, True, True, True), (True, False, False, True), (False, True, False, False)]


@pytest.mark.slow
def test_onnxruntime_answers_as_the_network_does(model_folder: Path, loaded: LoadedModel, tmp_path: Path) -> None:
    out = tmp_path / "onnx"
    summary = export_model(model_folder, "onnx", out)
    assert sorted(path.name for path in out.iterdir()) == ["model.json", "model.onnx"] == sorted(summary["files"])
    session = onnxruntime.InferenceSession(str(out / "model.onnx"), providers=["CPUExecutionProvider"])
    assert tuple(given.name for given in session.get_inputs()) == INPUTS
    for subset in SUBSETS:
        inputs = example(loaded, subset)
        seg, classes = session.run(list(OUTPUTS), {name: value.numpy() for name, value in inputs.items()})
        with torch.no_grad():
            expected = loaded.model(*(inputs[name] for name in INPUTS))
        ours = probabilities(expected.class_logits, {Task.IDH: 2.0})
        torch.testing.assert_close(torch.from_numpy(seg), expected.seg_logits_BKXYZ, rtol=0, atol=1e-4)
        answers = torch.stack([ours[task] for task in loaded.config.task_list], dim=1)
        torch.testing.assert_close(torch.from_numpy(classes), answers, rtol=0, atol=1e-4)
        plain = probabilities(expected.class_logits, {})
        assert abs(float(plain[Task.IDH] - ours[Task.IDH])) > 1e-3, "the temperature would not be missed"
        inputs["image"][:, [not there for there in subset]] = float("nan")
        again, _ = session.run(list(OUTPUTS), {name: value.numpy() for name, value in inputs.items()})
        torch.testing.assert_close(torch.from_numpy(again), torch.from_numpy(seg))
    told = {prop.key: prop.value for prop in onnx.load(out / "model.onnx").metadata_props}
    about = json.loads((out / "model.json").read_text())
    assert (told["disclaimer"], told["model_id"]) == (DISCLAIMER, loaded.model_id)
    assert told["weights_hash"] == loaded.provenance["weights_hash"] == about["weights_hash"]
    assert json.loads(told["sequences"]) == about["sequences"] == ["t1", "t1c", "t2", "flair"]
    assert json.loads(told["labels"])[3] == "enhancing tumour"
    assert about["temperature"] == {"histology": None, "idh": 2.0, "codel_1p19q": None}
    assert set(about["inputs"]) == set(INPUTS)
    assert set(about["outputs"]) == set(OUTPUTS)
