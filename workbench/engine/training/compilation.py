"""torch.compile before the first step, so that no step of the run pays for it."""

from __future__ import annotations

import itertools
import time

import torch
from torch import Tensor, nn

from workbench.engine.data.batches import Loader
from workbench.engine.data.dataset import Progress
from workbench.engine.data.sampling import StepPlan
from workbench.engine.reporting.metrics import StepRecorder
from workbench.engine.runtime import seeding
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.tasks.task import Task
from workbench.engine.training.step import TrainStep


def compile_model(
    model: nn.Module,
    train_step: TrainStep,
    loader: Loader,
    plan: StepPlan,
    task: Task,
    world: World,
    progress: Progress,
) -> float:
    """Compiles a network for training and for evaluation on the first batch. Nothing of the run changes by it: weights, averages
    of norms and random states stay as they are. Gives the seconds that it took. Raises RefusedError.
    """
    progress("compiling the network", None)
    began = time.monotonic()
    model.compile()
    device = next(model.parameters()).device
    random, buffers = seeding.random_states(device), [buffer.clone() for buffer in model.buffers()]
    microbatches = next(iter(loader.steps(plan, world.rank, 0, 0, 0)))
    try:
        model.train()
        for size in _sizes(plan, world):
            inputs, targets = microbatches[0][0][:size], microbatches[0][1][:size]
            train_step.run(0, [(inputs, targets, 1.0)], StepRecorder(task), update=False)
            train_step.zero_grad()
        model.eval()
        for inputs, targets in itertools.islice(loader.evaluation("val", 0, 1), 1):
            for size in {len(targets): None, max(len(targets) // 2, 1): None}:
                train_step.evaluate(inputs[:size], targets[:size])
    except torch._dynamo.exc.TorchDynamoException as error:
        what = f"the network cannot be compiled: {str(error).strip().splitlines()[0]}"
        raise RefusedError(what, "turn off compilation", "hardware.compile") from error
    finally:
        _restore_buffers(model, buffers)
        seeding.restore_random_states(random, device)
    return time.monotonic() - began


def _sizes(plan: StepPlan, world: World) -> list[int]:
    """Samples in a microbatch: as many as in the first step's, and as in the last's, which may be smaller.

    The same for every process, in the same order: each backward pass exchanges gradients, so all make as many. A process that has
    fewer samples than that takes what it has.
    """
    mine = [plan.step(0, world.rank)[0], *plan.step(plan.steps - 1, world.rank)]
    sizes = world.all_gather([piece.stop - piece.start for piece in mine])
    return sorted({size for own in sizes for size in own}, reverse=True)


@torch.no_grad()
def _restore_buffers(model: nn.Module, buffers: list[Tensor]) -> None:
    for buffer, before in zip(model.buffers(), buffers, strict=True):
        buffer.copy_(before)
