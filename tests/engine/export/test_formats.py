"""Every form in which a model leaves gives the results that the model gives, for one sample and for several."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.engine.asking import problems_of
from tests.engine.data import written
from tests.engine.training.test_evaluation import train_run
from workbench.config import files
from workbench.config.recipes import start
from workbench.engine import data
from workbench.engine.data.dataset import Source
from workbench.engine.export import formats
from workbench.engine.export.deployed import deploy
from workbench.engine.export.raw_inputs import front_of
from workbench.engine.export.real_samples import drawn_samples
from workbench.engine.export.writers import READERS, WRITERS
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.training import build
from workbench.export_formats import BY_NAME, FORMATS, SCRIPT
from workbench.runs.service.requests import ExportModel

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "mlp": ("digits-mlp", {}),
    "cnn": ("digits-cnn", {"model.channels": [4, 8], "model.head": [16]}),
    "resnet": ("digits-cnn", {"model.kind": "resnet", "model.width": 4, "model.blocks": [1, 1]}),
    "heads": ("multi-task", {}),
    "lstm": ("sine-lstm", {"model.units": 8}),
    "gru": ("sine-gru", {"model.units": 8, "model.bidirectional": True}),
    "transformer": ("sine-transformer", {"model.width": 16, "model.causal": True, "model.activation": "gelu"}),
    "torchvision": (
        "digits-cnn",
        {
            "model.kind": "torchvision",
            "model.name": "shufflenet_v2_x0_5",
            "model.weights": "none",
            "model.image_size": 32,
        },
    ),
}


def made(kind: str) -> tuple[nn.Module, Source]:
    recipe, changes = KINDS[kind]
    config = files.change(start(recipe)[1], changes)
    source = data.load(config.dataset)
    return build.build_model(config, source, torch.device("cpu")).eval(), source


def opened(form: str, path: Path, model: nn.Module, source: Source) -> Any:
    """What others do with the file: a function from raw samples to outputs."""
    if form == "onnx":
        session = onnx_session(path)
        return lambda x: torch.from_numpy(session.run(None, {"input": x.numpy()})[0])
    if form in ("torchscript", "trace"):
        return torch.jit.load(str(path))  # type: ignore[no-untyped-call]
    if form == "torch-export":
        return torch.export.load(path).module()
    if form == "model":
        return torch.load(path, weights_only=False)
    if form == "safetensors":
        from safetensors.torch import load_file

        model.load_state_dict(load_file(str(path)))
    else:
        model.load_state_dict(torch.load(path, weights_only=True))
    return deploy(model, source)


def onnx_session(path: Path) -> Any:
    runtime = pytest.importorskip("onnxruntime")
    return runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("kind", KINDS)
def test_that_the_file_gives_what_the_model_gives(kind: str, form: str, tmp_path: Path) -> None:
    model, source = made(kind)
    deployed = deploy(model, source)
    raw = drawn_samples(source, front_of(source), 3).raw[0]
    wanted = {count: deployed(raw[:count]).detach() for count in (1, 3)}
    path = tmp_path / "out" / f"model.{form}"
    told = formats.export(model, source, form, path)
    assert told.bytes == path.stat().st_size
    assert (told.check is None) == BY_NAME[form].weights_only
    assert not list(path.parent.glob("*.tmp"))
    beside = json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))
    assert beside["classes"] == list(source.task.classes)
    use = opened(form, path, made(kind)[0], source)
    for count, outputs in wanted.items():
        found: Tensor = use(raw[:count])
        assert torch.allclose(found, outputs, rtol=1e-3, atol=1e-4), count


def test_that_the_scaling_is_inside() -> None:
    model, source = made("cnn")
    raw = source.val.read([0, 1, 2])
    scale = source.scaling.on(torch.device("cpu"), 4)
    assert torch.allclose(deploy(model, source)(raw.to(torch.float32)), model(scale(raw)), atol=1e-5)


def test_that_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    model, source = made("mlp")
    with pytest.raises(RefusedError, match="no format") as caught:
        formats.export(model, source, "xml", tmp_path / "x")
    assert "onnx" in caught.value.problem.hint


def test_that_what_cannot_be_exported_leaves_no_file(tmp_path: Path) -> None:
    _, source = made("mlp")

    class Odd(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs if inputs.sum() > 0 else -inputs

    with pytest.raises(RefusedError, match="cannot be exported"):
        formats.export(Odd(), source, "torch-export", tmp_path / "odd")
    assert list(tmp_path.iterdir()) == []


def test_that_every_format_that_is_offered_can_be_written() -> None:
    assert {*WRITERS, SCRIPT} == set(BY_NAME)
    assert {*READERS} == {name for name in WRITERS if not BY_NAME[name].weights_only}
    assert len(BY_NAME) == len(FORMATS)


def test_that_a_script_is_refused_for_settings_that_it_does_not_have(tmp_path: Path) -> None:
    written.mnist(tmp_path)
    mnist = {"dataset.path": str(tmp_path), "model.hidden": [8], "model.dropout": [0.0]}
    for recipe, changes, setting in (
        ("digits-mlp", {"model.freeze": ["1.*"]}, "model.freeze"),
        ("mnist-mlp", mnist, "dataset.validation_from"),
    ):
        trained = train_run(recipe, changes)
        request = ExportModel(checkpoint=str(trained), format=SCRIPT, file=str(tmp_path / "run.py"))
        (problem,) = problems_of(request)
        assert problem.path == setting
        assert "choose another format" in problem.hint
    assert not (tmp_path / "run.py").exists()
