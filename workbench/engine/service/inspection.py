"""Answers about what lies inside a network: of a checkpoint, or of a configuration with fresh weights."""

from __future__ import annotations

from pathlib import Path

import torch

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.checkpoint import format
from workbench.engine.data import fitted
from workbench.engine.data.dataset import Progress
from workbench.engine.runtime import devices
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.service import attention, graph, inspect
from workbench.engine.service.checkpoints import check_split, computable, load_weights
from workbench.engine.tasks import task_of
from workbench.engine.training import build
from workbench.runs.service.inspection import AttentionMaps, BatchInspection, ModelGraph, TensorSlice
from workbench.runs.service.requests import InspectBatch, InspectedModel, MapAttention, SliceTensor, TraceGraph


def inspect_batch(request: InspectBatch, progress: Progress) -> BatchInspection:
    """The tensors of a batch."""
    return inspect.inspect(_build_subject(request.subject, progress))


def slice_tensor(request: SliceTensor, progress: Progress) -> TensorSlice:
    """A slice of one of them."""
    return inspect.slice_tensor(_build_subject(request.subject, progress), request.group, request.name, request.index)


def trace_graph(request: TraceGraph, progress: Progress) -> ModelGraph:
    """The graph of an architecture from input to loss."""
    subject = request.subject
    checkpoint = subject.checkpoint
    config = files.parse(format.load(Path(checkpoint))["config"]) if checkpoint else _config_of(subject)
    source = data.load(config.dataset, progress)
    network = build.build_model(config, source, torch.device("cpu"), progress=progress)
    return graph.trace(network, source, task_of(source.task).loss_name(config.training.loss))


def map_attention(request: MapAttention, progress: Progress) -> AttentionMaps:
    """The attention maps of a transformer for one sample."""
    parts = _build_subject(request.subject, progress)
    check_split(parts, request.split)
    split = parts.source.split(request.split)
    assert split is not None
    return attention.attention(parts, split, request.index, request.layer)


def _build_subject(subject: InspectedModel, progress: Progress) -> build.Parts:
    """Everything of a checkpoint's run, or of a configuration with fresh weights, without what a single batch does not need."""
    if not subject.checkpoint:
        config = _config_of(subject)
        device = devices.choose(config.hardware)
        return build.build(computable(_lean(config), device), torch.device(device), World(), progress)
    path = Path(subject.checkpoint)
    state = format.load(path)
    config = files.parse(state["config"])
    device = devices.choose(config.hardware.model_copy(update={"device": "auto"}))
    config = computable(_lean(config), device)
    parts = build.build(config, torch.device(device), World(), progress, learned=fitted.from_state(state))
    load_weights(parts, state, path)
    return parts


def _config_of(subject: InspectedModel) -> RunConfig:
    if subject.config is None:
        raise RefusedError("there is nothing to inspect", "choose a checkpoint or settings")
    return subject.config


def _lean(config: RunConfig) -> RunConfig:
    """One that reads what is asked for and no more of the data, and starts no worker for it."""
    lean = config.dataset.model_copy(update={"loading": "streamed", "workers": 0})
    return config.model_copy(update={"dataset": lean})
