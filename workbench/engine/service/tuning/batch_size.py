"""One trial of the search for a batch size. Each has a process of its own: what one reserved would hide from the next."""

from __future__ import annotations

import torch

from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.reporting import memory
from workbench.engine.runtime.failures import memory_ran_out
from workbench.engine.service.tuning.throughput import throughput
from workbench.runs.service.tuning import BatchSizeTrial


def trial(config: RunConfig, device: torch.device) -> BatchSizeTrial:
    """Throughput and memory (bytes) at the configuration's batch size. ``fits`` is False where memory ran out."""
    source = data.load(config.dataset)
    before = memory.process_memory() if device.type == "cpu" else 0  # there the process's own is not the batch's
    fits, speed = True, 0.0
    try:
        speed = throughput(config, source, device)
    except (RuntimeError, MemoryError) as error:
        if not memory_ran_out(error):
            raise
        fits = False
    return BatchSizeTrial(
        batch_size=config.training.batch_size,
        fits=fits,
        samples_per_second=speed,
        memory=max(0, memory.sample(device).reserved - before),
        train_samples=len(source.train),
    )
