"""Inspector, graph, attention maps and the examples of the help pages: what the lab tells of live tensors."""

import base64
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from workbench.config import files
from workbench.config.recipes import start
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.service import examples, server
from workbench.engine.service.inspect import facts, layer_norms


def config(recipe: str, **changes: Any) -> dict[str, Any]:
    made = start(recipe)[1]
    return files.change(made, {name.replace("__", "."): value for name, value in changes.items()}).model_dump(
        mode="json"
    )


def asked(method: str, **params: Any) -> dict[str, Any]:
    answer = server.answer({"id": 1, "method": method, "params": params})
    assert answer["ok"], answer.get("problems")
    result: dict[str, Any] = answer["result"]
    return result


def refusal(method: str, **params: Any) -> str:
    answer = server.answer({"id": 1, "method": method, "params": params})
    assert not answer["ok"]
    return str(answer["problems"][0]["what"])


def row(found: dict[str, Any], group: str, name: str) -> dict[str, Any]:
    return next(one for one in found["tensors"] if (one["group"], one["name"]) == (group, name))


def test_that_the_facts_of_a_tensor_are_those_of_its_finite_values() -> None:
    told = facts(torch.tensor([[1.0, 2.0], [3.0, float("nan")]]).T, requires_grad=True)
    assert (told["shape"], told["strides"], told["contiguous"]) == ([2, 2], [1, 2], False)
    assert (told["min"], told["max"], told["mean"]) == (1.0, 3.0, 2.0)
    assert told["std"] == pytest.approx(np.std([1, 2, 3]))
    assert told["not_finite"] == 1
    assert sum(told["histogram"]["counts"]) == 3


@pytest.mark.parametrize("values", [[], [float("inf")], [4.0], [2, 2]])
def test_that_tensors_of_every_size_can_be_told(values: list[float]) -> None:
    told = facts(torch.tensor(values), requires_grad=False)
    assert told["elements"] == len(values)
    assert (told["histogram"] is None) == (not np.isfinite(values).any())


def test_that_the_gradient_norm_of_a_layer_is_that_of_its_parameters() -> None:
    first, second = nn.Linear(2, 1, bias=False), nn.Linear(1, 1)
    model = nn.Sequential(first, second)
    second.requires_grad_(False)
    nn.init.constant_(first.weight, 1.0)
    nn.init.constant_(second.weight, 2.0)
    model(torch.tensor([[3.0, 4.0]])).sum().backward()
    rows = layer_norms(model)
    assert [one["name"] for one in rows] == ["0", "1"]
    assert rows[0]["gradient"] == pytest.approx(10.0)  # 2 * (3, 4)
    assert rows[0]["weights"] == pytest.approx(2**0.5)
    assert rows[1]["gradient"] is None


def test_that_a_batch_is_inspected_with_its_gradients() -> None:
    found = asked("inspect", config=config("digits-mlp", training__batch_size=32))
    assert row(found, "batch", "inputs")["shape"] == [32, 1, 8, 8]
    assert row(found, "batch", "targets")["dtype"] == "int64"
    assert row(found, "batch", "outputs")["shape"] == [32, 10]
    parameters = [one for one in found["tensors"] if one["group"] == "parameters"]
    gradients = [one for one in found["tensors"] if one["group"] == "gradients"]
    assert [one["name"] for one in parameters] == [one["name"] for one in gradients]
    assert all(one["requires_grad"] for one in parameters)
    assert all(one["gradient"] > 0 for one in found["layers"])
    assert 1.5 < found["loss"] < 4


def test_that_a_slice_shows_the_same_tensor_twice() -> None:
    asked_for = {"config": config("digits-mlp"), "group": "batch", "name": "inputs", "index": [3, 0]}
    found = asked("slice", **asked_for)
    assert (found["shape"][1:], found["index"], found["rows"], found["columns"]) == ([1, 8, 8], [3, 0], 8, 8)
    assert np.array(found["values"]).shape == (8, 8)
    assert asked("slice", **asked_for)["values"] == found["values"]
    assert asked("slice", **(asked_for | {"index": [4]}))["values"] != found["values"]
    assert asked("slice", **(asked_for | {"index": [10**9]}))["index"][0] == found["shape"][0] - 1
    assert "no tensor" in refusal("slice", **(asked_for | {"name": "nothing"}))


def test_that_the_graph_leads_from_input_to_loss() -> None:
    found = asked("graph", config=config("digits-mlp"))
    kinds = [node["kind"] for node in found["nodes"]]
    assert (kinds[0], kinds[-1]) == ("input", "loss")
    assert [node["label"] for node in found["nodes"] if node["kind"] == "layer"].count("Linear") >= 2
    behind: dict[str, list[str]] = {}
    for a, b in found["edges"]:
        behind.setdefault(b, []).append(a)
    reached, waiting = set(), [found["nodes"][-1]["id"]]
    while waiting:
        node = waiting.pop()
        reached.add(node)
        waiting += [one for one in behind.get(node, []) if one not in reached]
    assert reached == {node["id"] for node in found["nodes"]}


def test_that_a_shortcut_is_a_join_in_the_graph() -> None:
    given = config("digits-cnn")
    given["model"] = {"kind": "resnet"}
    found = asked("graph", config=given)
    joins = [node["id"] for node in found["nodes"] if node["label"] == "add"]
    assert joins
    assert all(sum(b == join for _, b in found["edges"]) == 2 for join in joins)


def test_that_attention_rows_sum_to_one() -> None:
    given = config("sine-transformer")
    found = asked("attention", config=given, split="val", index=2, layer=1)
    maps = np.frombuffer(base64.b64decode(found["maps"]), dtype=np.float16)
    maps = maps.reshape(found["heads"], found["steps"], found["steps"])
    assert np.allclose(maps.astype(float).sum(axis=2), 1, atol=0.01)
    assert (found["layer"], found["index"]) == (1, 2)
    assert found["words"][-1] == "-1"
    assert "no attention" in refusal("attention", config=config("digits-mlp"), split="val", index=0, layer=0)


@pytest.mark.parametrize("page", examples.PAGES)
def test_that_every_example_of_a_help_page_runs(page: str) -> None:
    found = asked("examples", page=page)
    assert found["title"]
    for section in found["sections"]:
        assert section["code"]
        assert section["output"]
        assert "Error" not in section["output"], section


def test_that_the_second_derivative_is_the_one_of_the_page() -> None:
    section = next(
        one for one in asked("examples", page="autograd")["sections"] if one["title"] == "Second derivatives"
    )
    assert section["output"].splitlines() == ["first derivative: 108.0", "second derivative: 108.0"]
    assert "no help page" in refusal("examples", page="../../etc/passwd")


def test_that_nothing_is_kept_between_questions() -> None:
    given = config("digits-mlp")
    assert asked("inspect", config=given) == asked("inspect", config=given)
    assert isinstance(files.parse(given), RunConfig)
    assert data.load(files.parse(given).dataset).task.kind == "classification"
