"""Every architecture: its shapes, its parameters, what is frozen, and that it learns and resumes like the others."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from tests.engine.attempts.test_resume import create_run, final_weights
from workbench.config import files
from workbench.config.recipes import start
from workbench.engine import data, models, optimizers
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.engine.data.dataset import Source, TaskSpec, TensorSplit
from workbench.engine.models.transformer import TransformerNetwork, sinusoids
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.service import summary
from workbench.engine.training import build
from workbench.runs import history

CPU = torch.device("cpu")
TRANSFER = {"model.kind": "torchvision", "model.name": "resnet18", "model.weights": "none", "model.image_size": 32}


def pictures(size: int = 32, classes: int = 3) -> Source:
    inputs = torch.randint(0, 256, (12, 3, size, size), dtype=torch.uint8)
    split = TensorSplit(inputs, torch.arange(12) % classes)
    return Source(TaskSpec("classification", tuple("abcdefghij"[:classes])), (3, size, size), split, split)


def network(recipe: str, **changes: Any) -> tuple[Any, Source]:
    config = files.change(start(recipe)[1], {key.replace("__", "."): value for key, value in changes.items()})
    source = data.load(config.dataset)
    return build.build_model(config, source, CPU), source


@pytest.mark.parametrize(
    "recipe, changes",
    [
        ("digits-cnn", {"model.kind": "resnet", "model.width": 8}),
        ("sine-lstm", {}),
        ("sine-gru", {"model.bidirectional": True}),
        ("sine-transformer", {"model.norm_first": "post", "model.causal": True}),
        ("multi-task", {}),
        ("digits-cnn", TRANSFER),
    ],
)
def test_that_the_layer_table_comes_from_a_real_pass(recipe: str, changes: dict[str, Any]) -> None:
    config = files.change(start(recipe)[1], changes)
    source = data.load(config.dataset)
    table = summary.summarize(build.build_model(config, source, CPU), source)
    assert table.layers[-1].output[-1] >= 1
    assert table.multiply_adds > 0
    assert sum(layer.parameters for layer in table.layers) == table.parameters or recipe == "sine-transformer"


def test_that_the_vgg_style_network_has_the_parameters_counted_by_hand() -> None:
    model = models.build(start("cifar10-cnn")[1].model, pictures(32, 10))
    inputs, count = 3, 0
    for width in (64, 64, 128, 128, 256, 256):
        count += 9 * inputs * width + 2 * width + (0 if has_norm_bias(model) else width)
        inputs = width
    count += 4096 * 1024 + 1024 + 1024 * 512 + 512 + 512 * 10 + 10
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def has_norm_bias(model: nn.Module) -> bool:
    """A convolution that a norm follows needs no bias of its own."""
    return next(layer for layer in model.modules() if isinstance(layer, nn.Conv2d)).bias is None


def test_that_attention_is_causal_and_sums_to_one() -> None:
    model, source = network("sine-transformer", model__causal=True)
    assert isinstance(model, TransformerNetwork)
    maps = model.eval().attention_maps(torch.randn(2, *source.shape))
    assert len(maps) == 2
    assert torch.allclose(maps[0].sum(dim=-1), torch.ones(1))
    assert maps[0].triu(1).abs().max() == 0


def test_that_own_attention_is_torchs() -> None:
    from workbench.engine.models.transformer import MultiHeadAttention

    own, theirs = MultiHeadAttention(16, 4, 0.0), nn.MultiheadAttention(16, 4, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([own.query.weight, own.key.weight, own.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([own.query.bias, own.key.bias, own.value.bias]))
        theirs.out_proj.weight.copy_(own.output.weight)
        theirs.out_proj.bias.copy_(own.output.bias)
    x = torch.randn(2, 5, 16)
    assert torch.allclose(own(x, None), theirs(x, x, x)[0], atol=1e-5)


def test_that_positions_are_sines_and_cosines() -> None:
    positions = sinusoids(5000, 512)
    assert positions.shape == (5000, 512)
    assert torch.allclose(positions[7, 0], torch.sin(torch.tensor(7.0)))
    assert torch.allclose(positions[7, 1], torch.cos(torch.tensor(7.0)))


@pytest.mark.parametrize(
    "name", ["resnet18", "vgg11_bn", "efficientnet_b0", "vit_b_16", "mobilenet_v3_small", "squeezenet1_1"]
)
def test_that_a_head_is_swapped_and_the_rest_frozen(name: str) -> None:
    config = files.change(
        start("digits-cnn")[1], TRANSFER | {"model.name": name, "model.image_size": 224 if "vit" in name else 64}
    )
    model = models.build(config.model, pictures())
    assert model.eval()(torch.randn(2, 3, 32, 32)).shape == (2, 3)
    trained = [key for key, parameter in model.named_parameters() if parameter.requires_grad]
    assert 0 < len(trained) <= 8
    model.train()
    frozen = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]
    assert not any(part.training for part in frozen if not any(p.requires_grad for p in part.parameters()))


def test_that_stages_learn_at_their_own_rates() -> None:
    changes = TRANSFER | {
        "model.trainable": "all",
        "model.stage_lr_scales": [0.01, 0.01, 0.1, 0.1],
        "model.name": "resnet18",
    }
    config = files.change(start("digits-cnn")[1], changes)
    model = models.build(config.model, pictures())
    groups = optimizers.groups(config.optimizer, model)
    assert sorted({group["factor"] for group in groups}) == [0.01, 0.1, 1.0]
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    head = next(group for group in groups if group["factor"] == 1.0)
    assert sum(parameter.numel() for parameter in head["params"]) == 512 * 3 + 3


def test_that_weights_are_read_from_a_file_in_torchvisions_format(tmp_path: Path) -> None:
    theirs = torchvision.models.resnet18(weights=None)
    torch.save(theirs.state_dict(), tmp_path / "resnet18.pth")
    config = files.change(start("digits-cnn")[1], TRANSFER | {"model.weights_path": str(tmp_path / "resnet18.pth")})
    state = models.build(config.model, pictures()).state_dict()
    assert torch.equal(state["body.conv1.weight"], theirs.state_dict()["conv1.weight"])
    (tmp_path / "resnet18.pth").write_text("no weights")
    with pytest.raises(RefusedError, match="contains no weights"):
        models.build(config.model, pictures())


def test_that_parameters_by_pattern_have_their_own_rate_and_norms_no_decay() -> None:
    changes = {"optimizer.groups": ["1.*=0.1"], "optimizer.decay_norms": False, "optimizer.weight_decay": 0.5}
    config = files.change(start("digits-mlp")[1], changes)
    source = data.load(config.dataset)
    groups = optimizers.groups(config.optimizer, build.build_model(config, source, CPU))
    assert {group["factor"] for group in groups} <= {0.1, 1.0}
    assert any(group.get("weight_decay") == 0.0 for group in groups)
    wrong = files.change(config, {"optimizer.groups": ["nothing.*=2"]})
    with pytest.raises(RefusedError, match="no parameter is named"):
        optimizers.groups(wrong.optimizer, build.build_model(config, source, CPU))


@pytest.mark.parametrize(
    "recipe, changes",
    [
        ("sine-lstm", {"training.ema": 0.9}),
        ("sine-transformer", {}),
        ("imbalanced-tabular", {}),
        ("imbalanced-tabular", {"dataset.balance": "loss", "training.loss": "focal", "training.label_smoothing": 0.1}),
        ("digits-cnn", {"dataset.augment_mixup": 0.4, "dataset.augment_cutmix": 1.0, "model.channels": [4]}),
        ("multi-task", {}),
    ],
)
def test_that_what_was_stopped_goes_on_with_the_same_bits(
    recipe: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.attempts.test_resume import stop_at

    straight, broken = create_run(recipe, changes), create_run(recipe, changes)
    assert run_attempt(straight, alone=True) == 0
    with monkeypatch.context() as patch:
        stop_at(patch, 7)
        assert run_attempt(broken, alone=True) == 0
    assert history.load(broken).state == "stopped"
    assert run_attempt(broken, alone=True) == 0
    wanted, found = final_weights(straight), final_weights(broken)
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    started = history.load(broken).started
    assert started is not None
    assert started.continued.startswith("continued exactly at step")
    whole, resumed = history.load(straight), history.load(broken)
    assert [epoch.val for epoch in whole.epochs] == [epoch.val for epoch in resumed.epochs]


def test_that_an_average_of_weights_is_what_is_validated_and_kept() -> None:
    folder = create_run("digits-mlp", {"training.ema": 0.99})
    assert run_attempt(folder, alone=True) == 0
    state = format.load(sorted(folder.checkpoints.glob("*.pt"))[-1])
    assert state["ema"].keys() == dict(state["model"]).keys()
    assert any(not torch.equal(state["ema"][name], state["model"][name]) for name in state["ema"])
