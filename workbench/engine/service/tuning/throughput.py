"""How many training samples a second a configuration goes through: what the searches for batch size and workers compare."""

from __future__ import annotations

import time

import torch

from workbench.config.run import RunConfig
from workbench.engine.data.dataset import Source
from workbench.engine.reporting.metrics import StepRecorder
from workbench.engine.runtime.distributed import World
from workbench.engine.training import build

TRIAL_SECONDS = 1.5
WARM_UP = 3
"""Steps before the clock starts: the first ones reserve memory and choose kernels."""
LOOK_EVERY = 4
"""Steps between two looks at the clock: each look waits for the device."""


def throughput(config: RunConfig, source: Source, device: torch.device, seconds: float = TRIAL_SECONDS) -> float:
    """Training samples per second over about ``seconds``, after a few steps to warm up. Raises RefusedError."""
    parts = build.assemble(config, source, device, World())
    recorder = StepRecorder(parts.task)
    samples = step = epoch = 0
    began = 0.0
    try:
        while True:
            for microbatches in parts.loader.steps(parts.plan, 0, config.training.seed, epoch, 0):
                if step == WARM_UP:
                    recorder.read()
                    began, samples = time.perf_counter(), 0
                parts.train_step.run(step + 1, microbatches, recorder)
                samples += sum(len(targets) for _, targets, _ in microbatches)
                step += 1
                if step > WARM_UP and (step - WARM_UP) % LOOK_EVERY == 0:
                    recorder.read()
                    if (passed := time.perf_counter() - began) > seconds:
                        return round(samples / passed, 1)
            epoch += 1
    finally:
        parts.loader.close()
