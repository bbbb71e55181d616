"""Every architecture takes the samples it says it takes, gives one row a sample, and learns."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.engine.models.made import PICTURES, SERIES, TEXT, VECTOR, config, network, parameters, source
from workbench.config.dataset.base import SampleKind
from workbench.config.fields import kind_of
from workbench.config.model import ModelSection
from workbench.config.problems import ConfigError
from workbench.config.run import variants
from workbench.engine.data.dataset import Source, TaskSpec
from workbench.engine.models import BUILDERS

SOURCES: dict[SampleKind, Source] = {"images": PICTURES, "vector": VECTOR, "series": SERIES, "text": TEXT}
TINY: dict[str, dict[str, Any]] = {
    "cnn": {"channels": [4, 8], "head": [16]},
    "resnet": {"width": 4, "blocks": [1, 1]},
    "lstm": {"units": 8, "dropout": 0.0},
    "gru": {"units": 8, "dropout": 0.0},
    "transformer": {"width": 16, "attention_heads": 2, "feedforward": 32, "layers": 2, "dropout": 0.0},
    "torchvision": {"name": "squeezenet1_1", "weights": "none", "trainable": "all", "image_size": 32},
}
KINDS: list[type[ModelSection]] = [kind for kind in variants("model") if issubclass(kind, ModelSection)]
CASES = [(kind_of(kind), sample) for kind in KINDS for sample in kind.accepts if kind_of(kind) != "python"]


def test_that_every_architecture_has_a_builder() -> None:
    assert {kind_of(kind) for kind in KINDS} == BUILDERS.keys()


@pytest.mark.parametrize("kind, sample", CASES)
def test_that_an_architecture_gives_one_row_of_outputs_a_sample(kind: str, sample: SampleKind) -> None:
    data = SOURCES[sample]
    model = network(data, kind, **TINY.get(kind, {}))
    outputs = model(data.train.read(range(5)))
    assert outputs.shape == (5, 3)
    assert outputs.dtype == torch.float32
    outputs.sum().backward()
    unused = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not unused


@pytest.mark.parametrize("kind, sample", [case for case in CASES if case[0] != "torchvision"])
def test_that_an_architecture_learns_twelve_samples_by_heart(kind: str, sample: SampleKind) -> None:
    data = SOURCES[sample]
    model = network(data, kind, **TINY.get(kind, {}))
    inputs, labels = data.train.read(range(12)), data.train.targets
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        torch.autograd.backward(functional.cross_entropy(model(inputs), labels))
        optimizer.step()
    assert functional.cross_entropy(model(inputs), labels).item() < 0.3


def test_that_the_mlp_of_the_mnist_guide_has_its_parameters() -> None:
    data = source((1, 28, 28), task=TaskSpec("classification", tuple("0123456789")), count=2)
    model = network(data, "mlp", hidden=[512, 256], norm="batch", dropout=[0.3, 0.2])
    assert [type(layer).__name__ for layer in model.children()] == [
        "Flatten",
        *["Linear", "BatchNorm1d", "ReLU", "Dropout"] * 2,
        "Linear",
    ]
    assert [layer.p for layer in model.children() if isinstance(layer, nn.Dropout)] == [0.3, 0.2]
    linear = 784 * 512 + 512 + 512 * 256 + 256 + 256 * 10 + 10
    assert parameters(model) == linear + 2 * (512 + 256) == 537_354


def test_that_the_cnn_of_the_cifar_guide_has_its_parameters() -> None:
    data = source((3, 32, 32), task=TaskSpec("classification", tuple("0123456789")), count=2)
    settings = {"channels": [64, 128, 256], "convolutions": 2, "norm": "batch", "dropout": [0.1, 0.2, 0.0]}
    model = network(data, "cnn", **settings, head=[1024, 512], head_dropout=[0.5, 0.3])
    convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [64, 64, 128, 128, 256, 256]
    assert [layer.p for layer in model.modules() if isinstance(layer, nn.Dropout2d)] == [0.1, 0.2]
    assert [layer.p for layer in model.modules() if isinstance(layer, nn.Dropout)] == [0.5, 0.3]
    linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == [(4096, 1024), (1024, 512), (512, 10)]
    assert all(layer.inplace for layer in model.modules() if isinstance(layer, nn.ReLU))
    kernels = sum(layer.weight.numel() + layer.out_channels for layer in convolutions)
    norms = 2 * 2 * (64 + 128 + 256)
    head = 4096 * 1024 + 1024 + 1024 * 512 + 512 + 512 * 10 + 10
    assert parameters(model) == kernels + norms + head == 5_872_458


def test_that_the_residual_network_is_resnet_18_with_a_small_stem() -> None:
    data = source((3, 32, 32), task=TaskSpec("classification", tuple("0123456789")), count=2)
    # The count that is published for ResNet-18 in its form for CIFAR-10.
    assert parameters(network(data, "resnet")) == 11_173_962


@pytest.mark.parametrize("kind, head", [("lstm", [(64, 32), (32, 1)]), ("gru", [(64, 1)])])
def test_that_recurrent_networks_are_those_of_the_guide(kind: str, head: list[tuple[int, int]]) -> None:
    data = source((50, 1), task=TaskSpec("regression", targets=("next",)), count=2)
    model = network(data, kind)
    core = model.core
    assert isinstance(core, (nn.LSTM, nn.GRU))
    assert (core.hidden_size, core.num_layers, core.dropout, core.bidirectional) == (64, 2, 0.2, False)
    linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == head


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_that_padding_behind_a_text_does_not_change_what_a_recurrent_network_says(kind: str) -> None:
    model = network(TEXT, kind, units=8).eval()
    short = torch.tensor([[4, 9, 2]])
    padded = functional.pad(short, (0, 5))
    torch.testing.assert_close(model(padded), model(short))


def test_that_two_heads_share_the_trunk_of_the_guide() -> None:
    task = TaskSpec("multi-task", tuple("0123456789"), ("ink",))
    model = network(source((1, 28, 28), task=task, count=2), "heads")
    heads = model.heads
    assert isinstance(heads, nn.ModuleDict)
    assert {name: tuple(head.weight.shape) for name, head in heads.items() if isinstance(head, nn.Linear)} == {
        "classification": (10, 256),
        "regression": (1, 256),
    }
    assert parameters(model) == 784 * 256 + 256 + 256 * 11 + 11
    assert model(torch.randn(4, 1, 28, 28)).shape == (4, 11)


@pytest.mark.parametrize("norm", ["none", "batch", "layer", "group", "instance"])
@pytest.mark.parametrize("kind", ["mlp", "cnn", "resnet", "heads"])
def test_that_every_norm_is_taken_where_it_applies(kind: str, norm: str) -> None:
    if norm == "instance" and kind in ("mlp", "heads"):
        return
    data = VECTOR if kind in ("mlp", "heads") else PICTURES
    model = network(data, kind, norm=norm, **TINY.get(kind, {}))
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d)
    kinds_there = {type(layer).__name__ for layer in model.modules() if isinstance(layer, kinds)}
    flat = kind in ("mlp", "heads")
    wanted = {
        "none": set(),
        "batch": {"BatchNorm1d" if flat else "BatchNorm2d"},
        "layer": {"LayerNorm" if flat else "GroupNorm"},
        "group": {"GroupNorm"},
        "instance": {"InstanceNorm2d"},
    }
    assert kinds_there == wanted[norm]
    assert model(data.train.read(range(4))).isfinite().all()


INITS = ["xavier-uniform", "xavier-normal", "kaiming-uniform", "kaiming-normal", "normal", "orthogonal", "zeros"]


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("kind, sample", [("cnn", "images"), ("lstm", "text"), ("gru", "series")])
def test_that_every_initialisation_reaches_every_matrix(kind: str, sample: SampleKind, init: str) -> None:
    data = SOURCES[sample]
    settings = {**TINY[kind], **({"norm": "none"} if kind == "cnn" else {})}
    plain = dict(network(data, kind, **settings).named_parameters())
    drawn = dict(network(data, kind, **settings, init=init, bias_init=0.01).named_parameters())
    for name, parameter in drawn.items():
        if "bias" in name:
            assert (parameter == 0.01).all()
        else:
            assert not torch.equal(parameter, plain[name]), name
        if init == "zeros" and "weight" in name:
            assert not parameter.any()
    if init == "orthogonal":
        matrix = [value for value in drawn.values() if value.dim() == 2][-1]
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(len(matrix)), atol=1e-5, rtol=0)


def test_that_padding_keeps_its_row_of_zeros_whatever_the_initialisation() -> None:
    model = network(TEXT, "gru", init="normal", units=8)
    embedding = model.embedding
    assert isinstance(embedding, nn.Embedding)
    assert not embedding.weight[0].any()
    assert embedding.weight[1:].any()


def test_that_the_same_seed_draws_the_same_weights() -> None:
    first, second = (network(SERIES, "transformer", **TINY["transformer"]).state_dict() for _ in range(2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_that_an_architecture_for_other_samples_is_a_plain_problem() -> None:
    with pytest.raises(ConfigError) as refused:
        config("lstm", VECTOR)
    (problem,) = refused.value.problems
    assert problem.path == "model.kind"
    assert "rows of numbers" in problem.what
    assert "mlp" in problem.hint
