"""Inspector, graph, attention maps and the examples of the help pages: what the engine answers about live tensors."""

import base64
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.engine.asking import answer_to, problems_of
from workbench.config import files
from workbench.config.recipes import start
from workbench.engine import data
from workbench.engine.service import examples
from workbench.engine.service.inspect import facts, layer_norms
from workbench.runs.service.answers import ExamplesPage
from workbench.runs.service.inspection import AttentionMaps, BatchInspection, ModelGraph, TensorFacts, TensorSlice
from workbench.runs.service.requests import (
    InspectBatch,
    InspectedModel,
    MapAttention,
    RunExamples,
    SliceTensor,
    TraceGraph,
)


def subject(recipe: str, **changes: Any) -> InspectedModel:
    config = files.change(start(recipe)[1], {name.replace("__", "."): value for name, value in changes.items()})
    return InspectedModel(config=config)


def inspected(model: InspectedModel) -> BatchInspection:
    return answer_to(InspectBatch(subject=model), BatchInspection)


def row(found: BatchInspection, group: str, name: str) -> TensorFacts:
    return next(tensor for tensor in found.tensors if (tensor.group, tensor.name) == (group, name))


def test_that_the_facts_of_a_tensor_are_those_of_its_finite_values() -> None:
    told = facts(torch.tensor([[1.0, 2.0], [3.0, float("nan")]]).T, requires_grad=True)
    assert (told.shape, told.strides, told.contiguous) == ((2, 2), (1, 2), False)
    assert (told.min, told.max, told.mean) == (1.0, 3.0, 2.0)
    assert told.std == pytest.approx(np.std([1, 2, 3]))
    assert told.not_finite == 1
    assert told.histogram is not None
    assert sum(told.histogram.counts) == 3


@pytest.mark.parametrize("values", [[], [float("inf")], [4.0], [2, 2]])
def test_that_tensors_of_every_size_can_be_told(values: list[float]) -> None:
    told = facts(torch.tensor(values), requires_grad=False)
    assert told.elements == len(values)
    assert (told.histogram is None) == (not np.isfinite(values).any())


def test_that_the_gradient_norm_of_a_layer_is_that_of_its_parameters() -> None:
    first, second = nn.Linear(2, 1, bias=False), nn.Linear(1, 1)
    model = nn.Sequential(first, second)
    second.requires_grad_(False)
    nn.init.constant_(first.weight, 1.0)
    nn.init.constant_(second.weight, 2.0)
    model(torch.tensor([[3.0, 4.0]])).sum().backward()
    rows = layer_norms(model)
    assert [layer.name for layer in rows] == ["0", "1"]
    assert rows[0].gradient == pytest.approx(10.0)  # 2 * (3, 4)
    assert rows[0].weights == pytest.approx(2**0.5)
    assert rows[1].gradient is None


def test_that_a_batch_is_inspected_with_its_gradients() -> None:
    found = inspected(subject("digits-mlp", training__batch_size=32))
    assert row(found, "batch", "inputs").shape == (32, 1, 8, 8)
    assert row(found, "batch", "targets").dtype == "int64"
    assert row(found, "batch", "outputs").shape == (32, 10)
    parameters = [tensor for tensor in found.tensors if tensor.group == "parameters"]
    gradients = [tensor for tensor in found.tensors if tensor.group == "gradients"]
    assert [tensor.name for tensor in parameters] == [tensor.name for tensor in gradients]
    assert all(tensor.requires_grad for tensor in parameters)
    assert all((layer.gradient or 0.0) > 0 for layer in found.layers)
    assert 1.5 < found.loss < 4


def test_that_a_slice_shows_the_same_tensor_twice() -> None:
    request = SliceTensor(subject=subject("digits-mlp"), group="batch", name="inputs", index=(3, 0))

    def sliced(**changes: Any) -> TensorSlice:
        return answer_to(request.model_copy(update=changes), TensorSlice)

    found = sliced()
    assert (found.shape[1:], found.index, found.rows, found.columns) == ((1, 8, 8), (3, 0), 8, 8)
    assert np.array(found.values).shape == (8, 8)
    assert sliced().values == found.values
    assert sliced(index=(4,)).values != found.values
    assert sliced(index=(10**9,)).index[0] == found.shape[0] - 1
    assert "no tensor" in problems_of(request.model_copy(update={"name": "nothing"}))[0].what


def test_that_the_graph_leads_from_input_to_loss() -> None:
    found = answer_to(TraceGraph(subject=subject("digits-mlp")), ModelGraph)
    kinds = [node.kind for node in found.nodes]
    assert (kinds[0], kinds[-1]) == ("input", "loss")
    assert [node.label for node in found.nodes if node.kind == "layer"].count("Linear") >= 2
    behind: dict[str, list[str]] = {}
    for a, b in found.edges:
        behind.setdefault(b, []).append(a)
    reached, waiting = set(), [found.nodes[-1].id]
    while waiting:
        node = waiting.pop()
        reached.add(node)
        waiting += [source for source in behind.get(node, []) if source not in reached]
    assert reached == {node.id for node in found.nodes}


def test_that_a_shortcut_is_a_join_in_the_graph() -> None:
    found = answer_to(TraceGraph(subject=subject("digits-cnn", model__kind="resnet")), ModelGraph)
    joins = [node.id for node in found.nodes if node.label == "add"]
    assert joins
    assert all(sum(b == join for _, b in found.edges) == 2 for join in joins)


def test_that_attention_rows_sum_to_one() -> None:
    request = MapAttention(subject=subject("sine-transformer"), split="val", index=2, layer=1)
    found = answer_to(request, AttentionMaps)
    maps = np.frombuffer(base64.b64decode(found.maps), dtype=np.float16)
    maps = maps.reshape(found.heads, found.steps, found.steps)
    assert np.allclose(maps.astype(float).sum(axis=2), 1, atol=0.01)
    assert (found.layer, found.index) == (1, 2)
    assert found.step_names[-1] == "-1"
    assert "no attention" in problems_of(request.model_copy(update={"subject": subject("digits-mlp")}))[0].what


@pytest.mark.parametrize("page", examples.PAGES)
def test_that_every_example_of_a_help_page_runs(page: str) -> None:
    found = answer_to(RunExamples(page=page), ExamplesPage)
    assert found.title
    for section in found.sections:
        assert section.code
        assert section.output
        assert "Error" not in section.output, section


def test_that_the_second_derivative_is_the_one_of_the_page() -> None:
    sections = answer_to(RunExamples(page="autograd"), ExamplesPage).sections
    section = next(section for section in sections if section.title == "Second derivatives")
    assert section.output.splitlines() == ["first derivative: 108.0", "second derivative: 108.0"]
    assert "no help page" in problems_of(RunExamples(page="../../etc/passwd"))[0].what


def printed(page: str, title: str) -> list[str]:
    sections = answer_to(RunExamples(page=page), ExamplesPage).sections
    return next(section.output for section in sections if section.title == title).splitlines()


def test_that_the_pages_show_what_they_say() -> None:
    assert printed("autograd", "Two variables") == ["d/dx = 14.0", "d/dy = 14.0"]
    assert printed("autograd", "Several results")[0].startswith("tensor([2.0000, 0.4000, 0.0600")
    shared, seen = printed("tensors", "To NumPy and back")
    assert shared == "shared: [100.0, 2.0, 3.0] copied: [1.0, 2.0, 3.0]"
    assert seen == "seen by NumPy: [100.0, -1.0, 3.0]"
    assert printed("tensors", "Axes: permute, squeeze") == ["(3, 4, 5)", "(3,) (3, 1)", "(3, 1)"]
    assert printed("tensors", "One or the other")[1] == "tensor([-1, -1, -1,  1,  1])"
    assert printed("attention", "Query, key and value")[-1] == "as torch computes it: True"
    assert printed("attention", "Several heads") == ["(1, 5, 8) (1, 5, 9)", "(1, 5, 8)"]
    causal, padded = printed("attention", "Masks")
    assert causal == "causal: [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]"
    assert padded == "padded: [1, 1, 0, 0]"


def test_that_nothing_is_kept_between_questions() -> None:
    model = subject("digits-mlp")
    assert inspected(model) == inspected(model)
    assert model.config is not None
    assert data.load(model.config.dataset).task.kind == "classification"
