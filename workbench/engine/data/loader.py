"""How samples reach the device: resident, where whole tensors lie there and batches are gathered by index; or streamed."""

from __future__ import annotations

import torch

from workbench.config.run import RunConfig
from workbench.engine.data import augment, balance
from workbench.engine.data.balanced_loader import BalancedLoader
from workbench.engine.data.batches import Loader, sampler_weights
from workbench.engine.data.dataset import Source, TensorSplit
from workbench.engine.data.resident import ResidentLoader
from workbench.engine.data.sampling import StepPlan

RESIDENT_SHARE = 0.5
"""Share of the device's free memory up to which ``auto`` keeps the samples on it."""


def build_loader(config: RunConfig, source: Source, device: torch.device, processes: int) -> Loader:
    """The loader a configuration asks for, or that fits. ``processes`` of the run share this machine's processors."""
    loader = _build_plain_loader(config, source, device, processes)
    counts = balance.class_counts(source) if config.dataset.balance == "loss" else None
    if counts is None:
        return loader
    return BalancedLoader(loader, source.train.targets, balance.class_weights(counts))


def _build_plain_loader(config: RunConfig, source: Source, device: torch.device, processes: int) -> Loader:
    if is_resident(config, source, device):
        changes = augment.build(config, source)
        return ResidentLoader(source, device, config.training.batch_size, changes, sampler_weights(config, source))
    from workbench.engine.data.streamed import StreamedLoader

    return StreamedLoader(source, device, config, processes)


def is_resident(config: RunConfig, source: Source, device: torch.device) -> bool:
    """Whether the samples are kept on the device."""
    wanted = config.dataset.loading
    if wanted != "auto":
        return wanted == "resident"
    if not isinstance(source.train, TensorSplit):
        return False
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return source.sample_bytes * (len(source.train) + len(source.val)) < RESIDENT_SHARE * free


def plan_steps(config: RunConfig, samples: int, world: int) -> StepPlan:
    """How an epoch of a configuration is cut."""
    training = config.training
    return StepPlan(samples, training.batch_size, training.accumulation, world, training.drop_last)
