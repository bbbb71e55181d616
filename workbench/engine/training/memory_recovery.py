"""A step whose memory runs out is taken again in smaller microbatches.

It begins again from the weights, buffers and random states of its beginning. Its samples and their weights stay, so the run
continues as one that had accumulated its gradients in such portions from the start.
"""

from __future__ import annotations

from typing import Any

import torch

from workbench.engine.data.batches import Microbatch
from workbench.engine.reporting.metrics import StepRecorder
from workbench.engine.reporting.reporter import Reporter
from workbench.engine.runtime import seeding
from workbench.engine.runtime.distributed import unwrap
from workbench.engine.runtime.failures import FailedError, memory_ran_out
from workbench.engine.training.build import Parts
from workbench.engine.training.nonfinite import NonFiniteError
from workbench.runs.events import Recovered


class StepBackup:
    """What the microbatches of a step change beside gradients: buffers and random states. Saved at each step's beginning."""

    def __init__(self, parts: Parts) -> None:
        self._device = parts.device
        self._buffers = [buffer for buffer in parts.model.buffers() if buffer.numel()]
        self._saved = [buffer.clone() for buffer in self._buffers]
        # Python's and NumPy's streams are drawn from by the user's own code alone, and reading their states takes its time.
        self._all_streams = "python" in (parts.config.model.kind, parts.config.dataset.kind)
        self._random: Any = None

    @torch.no_grad()
    def save(self) -> None:
        """Saves them as they are now."""
        if self._buffers:
            torch._foreach_copy_(self._saved, self._buffers)
        if self._all_streams:
            self._random = seeding.random_states(self._device)
        else:
            self._random = torch.default_generator.get_state(), seeding.device_state(self._device)

    @torch.no_grad()
    def restore(self) -> None:
        """Makes them what they were."""
        if self._buffers:
            torch._foreach_copy_(self._buffers, self._saved)
        if self._all_streams:
            seeding.restore_random_states(self._random, self._device)
        else:
            torch.set_rng_state(self._random[0])
            seeding.restore_device(self._random[1], self._device)


class MemoryRecovery:
    """Runs steps; where memory runs out, again in smaller microbatches. Every process calls it at the same step."""

    def __init__(self, parts: Parts, recorder: StepRecorder, reporter: Reporter | None) -> None:
        self._parts = parts
        self._recorder = recorder
        self._reporter = reporter
        self.backup = StepBackup(parts)

    def run_step(self, step: int, microbatches: list[Microbatch], *, measure_norm: bool) -> None:
        """Takes step ``step``. Raises NonFiniteError, with everything but gradients as it was, and FailedError."""
        train_step, world = self._parts.train_step, self._parts.world
        while True:
            self.backup.save()
            ran_out = False
            try:
                train_step.run(step, microbatches, self._recorder, measure_norm=measure_norm)
                return
            except NonFiniteError:
                pass
            except (RuntimeError, MemoryError) as error:
                if train_step.moving_weights or not memory_ran_out(error):
                    raise
                ran_out = True
            # Here, behind the handlers, the traceback is gone, and with it the tensors that its frames held.
            size = 0
            if ran_out:
                train_step.zero_grad()
                size = max(len(inputs) for inputs, _, _ in train_step.split(microbatches))
                world.fill_in(train_step.model)
            sizes = [size_there for size_there in world.all_gather(size) if size_there]
            if not sizes and train_step.precision.scaler is not None:
                # Nobody lacks memory: the gradients are too large for fp16, and its scaler leaves the step out.
                train_step.clip_gradients(step, self._recorder, measure_norm)
                train_step.step_optimizer()
                train_step.zero_grad()
                return
            train_step.zero_grad()
            self.backup.restore()
            self._recorder.discard_from(step)
            if not sizes:
                raise NonFiniteError(step)
            self._halve_microbatches(step, min(sizes))

    def _halve_microbatches(self, step: int, size: int) -> None:
        """Halves the samples of a microbatch. Raises FailedError where ``size`` cannot be halved."""
        train_step, world = self._parts.train_step, self._parts.world
        limit = (size + 1) // 2
        if limit >= (train_step.microbatch_limit or size) or limit < train_step.smallest_microbatch:
            few = "one sample" if size == 1 else f"{size} samples"
            what = f"memory ran out in step {step}, with {few} at a time"
            raise FailedError(what, "Choose a smaller model, smaller samples or another device, and start a new run")
        train_step.microbatch_limit = limit
        if self._parts.device.type == "cuda":
            torch.cuda.empty_cache()
        if world.size > 1:
            # The exchange that was broken off cannot be begun again.
            train_step.model = world.wrap(unwrap(train_step.model), self._parts.device)
        text = (
            f"memory ran out in step {step}: from here on {limit} samples go through the model at a time instead of {size}, "
            f"and the effective batch stays {self._parts.plan.per_step}"
        )
        if self._reporter is not None:
            self._reporter.report(Recovered(why="memory", step=step, from_step=step - 1, text=text))
