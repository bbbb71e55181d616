"""The graph of a network, from input to loss, as one real forward pass runs through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from workbench.engine.data.dataset import Source
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.service.summary import example
from workbench.runs.service.inspection import GraphNode, ModelGraph

MOST_NODES = 600
SHOWN = {"add", "sub", "mul", "matmul", "bmm", "cat", "stack", "softmax", "mean", "relu", "gelu", "sum"}
"""Functions between layers that are drawn. What only changes the form of a tensor is passed through."""
IN_PLACE = {"iadd": "add", "add_": "add", "relu_": "relu", "imul": "mul", "mul_": "mul", "truediv": "div"}


class Tracer(TorchFunctionMode):
    """Notes which layer or function made each tensor. Inside a layer without children nothing is noted: it is one node."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[GraphNode] = []
        self.edges: list[tuple[str, str]] = []
        self._made: dict[int, frozenset[str]] = {}
        self._kept: list[Tensor] = []
        self._inside = 0

    def add(self, kind: str, label: str, sources: frozenset[str], detail: str = "") -> str:
        """A node behind those of ``sources``; gives its id."""
        name = str(len(self.nodes))
        self.nodes.append(GraphNode(id=name, label=label, kind=kind, detail=detail))
        self.edges += [(source, name) for source in sorted(sources, key=int)]
        return name

    def mark(self, values: object, nodes: frozenset[str]) -> None:
        """These tensors come from these nodes."""
        for tensor in tensors_in(values):
            # Kept alive, so that no other tensor gets its identity.
            self._kept.append(tensor)
            self._made[id(tensor)] = nodes

    def origin(self, values: object) -> frozenset[str]:
        """The nodes that these tensors come from."""
        return frozenset().union(*(self._made.get(id(tensor), frozenset()) for tensor in tensors_in(values)))

    def enter(self, _module: nn.Module, _inputs: tuple[object, ...]) -> None:
        """A layer begins."""
        self._inside += 1

    def leave(self, name: str) -> Callable[[nn.Module, tuple[object, ...], object], None]:
        """What is done when the layer of that name ends."""

        def hook(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
            self._inside -= 1
            if self._inside == 0:
                node = self.add("layer", type(module).__name__, self.origin(inputs), f"{name}: {shape_of(output)}")
                self.mark(output, frozenset({node}))

        return hook

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs a function and notes what it joined."""
        result = func(*args, **(kwargs or {}))
        if self._inside == 0:
            sources = self.origin((args, kwargs or {}))
            if sources:
                self._note(func, sources, result)
        return result

    def _note(self, func: object, sources: frozenset[str], result: object) -> None:
        name = getattr(func, "__name__", "").strip("_") or "function"
        name = IN_PLACE.get(name, name)
        if name in SHOWN or len(sources) > 1:
            sources = frozenset({self.add("function", name, sources, shape_of(result))})
        self.mark(result, sources)


def trace(model: nn.Module, source: Source, loss: str) -> ModelGraph:
    """Nodes and edges from the input to the loss; at most ``MOST_NODES`` of the nodes. Raises RefusedError."""
    tracer = Tracer()
    batch = example(source)
    tracer.mark(batch, frozenset({tracer.add("input", "input", frozenset(), shape_of(batch))}))
    handles = []
    for name, module in model.named_modules():
        if next(module.children(), None) is None:
            handles.append(module.register_forward_pre_hook(tracer.enter))
            handles.append(module.register_forward_hook(tracer.leave(name)))
    try:
        with torch.no_grad(), tracer:
            output = model.eval()(batch)
    except (RuntimeError, ValueError, IndexError) as error:
        raise RefusedError(f"the network cannot be run: {error}", "change the architecture", "model") from error
    finally:
        for handle in handles:
            handle.remove()
        model.train()
    target = tracer.add("input", "target", frozenset())
    tracer.add("loss", loss, tracer.origin(output) | {target}, "scalar")
    return ModelGraph(nodes=tuple(tracer.nodes[:MOST_NODES]), edges=_shown_edges(tracer), count=len(tracer.nodes))


def _shown_edges(tracer: Tracer) -> tuple[tuple[str, str], ...]:
    return tuple(edge for edge in tracer.edges if int(edge[0]) < MOST_NODES and int(edge[1]) < MOST_NODES)


def tensors_in(values: object) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists and dictionaries."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (tuple, list)):
        for part in values:
            yield from tensors_in(part)
    elif isinstance(values, dict):
        yield from tensors_in(list(values.values()))


def shape_of(values: object) -> str:
    """The shape of the first tensor, without its batch axis, in words."""
    first = next(tensors_in(values), None)
    return "" if first is None else " x ".join(str(size) for size in first.shape[1:])
